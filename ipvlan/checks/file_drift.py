"""The files of a host's containers against the state: other bytes, another owner or mode, missing, not in use, or left.

They are compared with the state and not with the plan: what a changed plan would write is in `pulumi preview`.

Out of scope: reading them (`ipvlan.hosts.files_look`).
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final

from ipvlan.checks.command_lines import heal_line, host_line
from ipvlan.checks.difference import Difference, difference
from ipvlan.checks.drift_kinds import DriftKind
from ipvlan.hosts.files import folder_of
from ipvlan.plan.ownership import Place, owner_label, parse_owner_label
from ipvlan.plan.rollout_containers import role_of
from ipvlan.problems import Severity

if TYPE_CHECKING:
    from ipvlan.hosts.snapshot import HostSnapshot, LiveFiles
    from ipvlan.plan.model import ContainerPlan, HostPlan
    from ipvlan.plan.ownership import Ownership
    from ipvlan.plan.resource_names import Urns

MOST_FILES: Final = 5
"""Files that a difference names; of more, the rest is counted."""


def file_differences(stack: str, ownership: Ownership, host: HostPlan, snapshot: HostSnapshot) -> Iterator[Difference]:
    """Yield the differences of the files of a host's containers.

    Args:
        stack: The stack's name as a command line takes it.
        ownership: What the stack owns.
        host: The host as planned.
        snapshot: The host as it is.
    """
    for planned in host.containers:
        if planned.files is not None and not _is_restored(ownership, host, planned, snapshot):
            yield from _of_container(stack, ownership, host, planned, snapshot.files)
    if snapshot.files is not None:
        yield from _left(stack, ownership, host, snapshot.files)


def file_targets(urns: Urns, planned: ContainerPlan) -> list[str]:
    """Return the URNs of what writes a container's files again and has it use them: all of it where other files replace it."""
    if planned.files is not None and planned.files.change == "replace":
        return [
            urns.of_network(planned.host),
            urns.of_network_removal(planned.host),
            *urns.of_container(planned),
        ]
    return urns.of_files(planned)


def _is_restored(ownership: Ownership, host: HostPlan, planned: ContainerPlan, snapshot: HostSnapshot) -> bool:
    """Return whether the previous container runs, which has files of its own: that it does is what is reported."""
    live = snapshot.containers.get(planned.name)
    return live is not None and role_of(ownership, host.name, live) == "restored"


def _of_container(
    stack: str, ownership: Ownership, host: HostPlan, planned: ContainerPlan, live: LiveFiles | None
) -> Iterator[Difference]:
    label = owner_label(ownership.owner, host.name, planned.service)
    recorded = ownership.files.get(Place(host.name, planned.service))
    name = f"{planned.name} on {host.name}"

    def about(kind: DriftKind, problem: str, fix: str, severity: Severity | None = None) -> Difference:
        return difference(kind, host, problem, fix, severity=severity, service=planned.service, container=planned.name)

    if recorded is None:
        if not ownership.read:
            yield about(
                DriftKind.FILES_UNREAD,
                f"the files of {name} were not compared: the state of the stack, which says what they are, was not read",
                f"ipvlan --stack {stack} status --host {host.name}",
                "info",
            )
        return
    if not recorded.in_use:
        yield about(
            DriftKind.FILES_PENDING,
            f"{name} does not use its new files: the `up` that brought them was refused or cut short",
            f"correct ipvlan-fabric:services.{planned.service}.files or what they are made of, then pulumi up --stack {stack}",
        )
    if live is None:
        return
    if not live.root:
        yield about(
            DriftKind.FILES_UNREAD,
            f"the files of {name} were not compared: the ssh user is not root, and sudo asks for a password",
            f"name a user in ipvlan-fabric:hosts.{host.name}.ssh that is root or may use sudo without a password",
            "info",
        )
        return
    failure = live.failures.get(label)
    if failure is not None:
        yield about(DriftKind.FILES_UNREAD, failure.summary, failure.problems[0].fix, "error")
        return
    found = live.found.get(label)
    if found is None:
        return
    if recorded.in_use and (found.pending or found.refused):
        yield about(
            DriftKind.FILES_PENDING,
            f"{name} was being given files when an `up` was cut short",
            f"pulumi up --refresh --stack {stack}",
        )
    elif recorded.in_use:
        drifted = found.drifted(recorded.digests, recorded.files)
        if drifted:
            yield about(
                DriftKind.FILE_DIFFERENT,
                f"files of {name} are missing or not as `up` wrote them: {_shown(drifted)}",
                heal_line(stack, host.name, planned.service),
            )


def _left(stack: str, ownership: Ownership, host: HostPlan, live: LiveFiles) -> Iterator[Difference]:
    planned = {container.service for container in host.containers if container.files is not None}
    for label in sorted(live.folders):
        owned = parse_owner_label(label)
        if owned is None or owned.owner != ownership.owner:
            continue
        place, folder = owned.place, folder_of(label)
        if place.host == host.name and place.service in planned:
            continue
        yield difference(
            DriftKind.FILES_LEFT,
            host,
            f"{folder} on {host.name} has files of {place.service} that the plan does not have",
            f"pulumi up --stack {stack}"
            if place in ownership.files
            else host_line(host, f"rm -r {shlex.quote(folder)}"),
            service=place.service,
        )


def _shown(targets: Sequence[str]) -> str:
    more = f" and {len(targets) - MOST_FILES} more" if len(targets) > MOST_FILES else ""
    return ", ".join(targets[:MOST_FILES]) + more
