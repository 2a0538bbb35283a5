"""The named volumes of a host against the plan: missing, other options than planned, of others, or kept without a plan.

Docker cannot change a volume, so one that differs is for a person: only one that is missing is created again. It is empty, unless
its data is where its device is (`VolumePlan.data_elsewhere`).

Out of scope: what makes a volume the planned one (`ipvlan.hosts.volumes`).
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from typing import TYPE_CHECKING

from ipvlan.checks.command_lines import heal_line, host_line
from ipvlan.checks.difference import Difference, difference
from ipvlan.checks.drift_kinds import DriftKind
from ipvlan.hosts.volumes import Wanted, differences, is_ours
from ipvlan.plan.ownership import Place, known_owner, parse_owner_label
from ipvlan.plan.resource_names import OWNER_LABEL

if TYPE_CHECKING:
    from ipvlan.hosts.snapshot import HostSnapshot
    from ipvlan.hosts.volumes import LiveVolume
    from ipvlan.plan.model import HostPlan
    from ipvlan.plan.ownership import Ownership
    from ipvlan.plan.volumes import VolumePlan


def volume_differences(
    stack: str, ownership: Ownership, host: HostPlan, snapshot: HostSnapshot
) -> Iterator[Difference]:
    """Yield the differences of a host's volumes; none where the host was not asked for them."""
    if snapshot.volumes is None:
        return
    for planned in host.volumes:
        live = snapshot.volumes.get(planned.name)
        if live is None:
            yield _missing(stack, host, planned)
        elif not planned.external:
            yield from _planned(stack, ownership, host, planned, live)
    names = {planned.name for planned in host.volumes}
    for live in snapshot.volumes.values():
        label = parse_owner_label(live.labels.get(OWNER_LABEL, ""))
        ours = label is not None and label.owner == ownership.owner and label.place == Place(host.name, live.name)
        if ours and live.name not in names:
            yield difference(
                DriftKind.VOLUME_KEPT,
                host,
                f"volume {live.name} on {host.name} is kept with its data, and the plan does not have it any more",
                host_line(host, f"docker volume rm {shlex.quote(live.name)}"),
                volume=live.name,
            )


def _missing(stack: str, host: HostPlan, planned: VolumePlan) -> Difference:
    if planned.external:
        return difference(
            DriftKind.VOLUME_MISSING,
            host,
            f"{host.name} has no volume {planned.name}, which is external: somebody else makes it",
            host_line(host, f"docker volume create {shlex.quote(planned.name)}"),
            volume=planned.name,
        )
    return difference(
        DriftKind.VOLUME_MISSING,
        host,
        f"{host.name} has no volume {planned.name}; "
        f"{'its data is where its device is' if planned.data_elsewhere else 'a new one is empty'}",
        heal_line(stack, host.name),
        volume=planned.name,
    )


def _planned(
    stack: str, ownership: Ownership, host: HostPlan, planned: VolumePlan, live: LiveVolume
) -> Iterator[Difference]:
    wanted = Wanted(
        host=host.name,
        name=planned.name,
        driver=planned.driver,
        options=planned.driver_opts,
        labels=planned.labels,
        external=False,
        owner=ownership.owner,
        stack=ownership.stack,
        accepted=ownership.volumes.get(Place(host.name, planned.name), ""),
        unknown_options=planned.secret_driver_opts.keys(),
    )
    if ownership.read and not is_ours(wanted, live):
        yield difference(
            DriftKind.VOLUME_NOT_OURS,
            host,
            f"volume {planned.name} on {host.name} is not the one that this stack created: "
            f"{known_owner(live) or 'somebody else'} made it",
            f"set external: true for ipvlan-fabric:volumes.{planned.key}, or give it another name; then pulumi up --stack {stack}",
            volume=planned.name,
        )
    different = differences(wanted, live)
    if different:
        yield difference(
            DriftKind.VOLUME_DIFFERENT,
            host,
            f"volume {planned.name} on {host.name} has {', '.join(different)}; Docker cannot change a volume",
            f"correct ipvlan-fabric:volumes.{planned.key}, or give it another name and copy the data; "
            f"then pulumi up --stack {stack}",
            volume=planned.name,
        )
