"""The named volumes of all hosts, looked at before an `up` changes anything: a volume that cannot be as planned stops it there.

Docker cannot change a volume, so a change that needs one is refused while everything still runs. The resource looks again, right
before it does something (`provider.volume`).

Out of scope: what makes a volume the planned one (`ipvlan.hosts.volumes`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from ipvlan.checks.looks import SECONDS, sort_answers
from ipvlan.hosts.errors import (
    VOLUME_IN_USE,
    VOLUME_MISSING,
    VOLUME_NOT_OURS,
    VOLUME_OF_OLD_NAME,
    VOLUME_UNKNOWN,
    HostError,
)
from ipvlan.hosts.ids import listed
from ipvlan.hosts.session import HostSession, on_all
from ipvlan.hosts.volumes import (
    LiveVolume,
    Wanted,
    created_here,
    differences,
    live_volume,
    obstacle,
    of_earlier_life,
    users,
)
from ipvlan.plan.ownership import owner_label, parse_owner_label
from ipvlan.plan.resource_names import OWNER_LABEL, VOLUME_TYPE
from ipvlan.plan.volumes import canonical_driver

if TYPE_CHECKING:
    from ipvlan.checks.stack_state import StackState
    from ipvlan.hosts.connection import HostConnection
    from ipvlan.plan.model import HostPlan
    from ipvlan.plan.volumes import VolumePlan
    from ipvlan.problems import Problem


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What is to be done about the planned volumes of one host."""

    missing: frozenset[str] = frozenset()
    """Names of those that do not exist."""
    replaced: frozenset[str] = frozenset()
    """Names of those that are deleted and created again, with the containers that mount them."""


class Looked(NamedTuple):
    """What a look at the volumes of hosts shows, by host."""

    found: Mapping[str, Found]
    unavailable: Mapping[str, HostError]
    """The hosts that nothing can be done on now, with the reason: they do not answer, or a volume was changed there by hand."""


class VolumesRefusedError(HostError):
    """Volumes cannot be as the config wants them: it is to be changed, so nothing is done on any host."""


class VolumeCheck:
    """Looks at the planned volumes of hosts. `state` is the stack's; None where it cannot be read: then less is known."""

    def __init__(self, stack: str, state: StackState | None, secrets: Mapping[str, str]) -> None:
        """Prepare; nothing is asked.

        Args:
            stack: The stack's short name.
            state: Its state.
            secrets: Config key -> value, as far as they are known here.
        """
        self._stack = stack
        self._state = state
        self._secrets = secrets
        self._recorded: Mapping[tuple[str, str], Mapping[str, Any]] = {
            (str(resource.outputs.get("host")), str(resource.outputs.get("volume"))): resource.outputs
            for resource in (() if state is None else state.resources)
            if resource.type == VOLUME_TYPE and not resource.delete
        }

    def look(self, hosts: Sequence[tuple[HostPlan, HostConnection]]) -> Looked:
        """Return what is to be done about the volumes of each host, and which hosts are to be left out.

        Raises:
            VolumesRefusedError: Each volume that cannot be as planned, on all hosts.
        """
        plans = {host.name: host for host, _ in hosts if host.volumes}
        connections = [connection for host, connection in hosts if host.name in plans]
        answers = on_all(connections, lambda session: self._look(session, plans[session.name]), timeout=SECONDS)
        return Looked(*sort_answers(answers, VolumesRefusedError))

    def _look(self, session: HostSession, host: HostPlan) -> Found:
        # Only here: it loads Docker's package, and most stacks have no volumes of their own.
        from ipvlan.hosts.engine import Engine  # noqa: PLC0415

        engine = Engine(session.name, session.socket, timeout=SECONDS)
        try:
            # One by one: Docker lists none while it waits for a dead plugin, also of others, for 30 seconds.
            described = [engine.volume(planned.name) for planned in host.volumes]
            return self.compare(host, [each for each in described if each is not None], engine.containers())
        finally:
            engine.close()

    def compare(
        self, host: HostPlan, volumes: Sequence[Mapping[str, Any]], containers: Sequence[Mapping[str, Any]]
    ) -> Found:
        """Return what is to be done about the host's planned volumes.

        Args:
            host: The host.
            volumes: Those of the host, as Docker lists them.
            containers: Those of the host, as Docker lists them.

        Raises:
            VolumesRefusedError: Each volume that cannot be as planned.
            HostError: The same, where somebody changed each of them by hand since the state has it: the config is no mistake.
        """
        live = {volume["Name"]: live_volume(volume) for volume in volumes}
        problems: list[Problem] = []
        by_hand = True
        replaced: set[str] = set()
        for planned in host.volumes:
            wanted = self._wanted(host.name, planned)
            there = live.get(planned.name)
            used_by = users(containers, planned.name)
            if there is not None and self._may_be_replaced(wanted, planned) and created_here(wanted, there):
                different = bool(differences(wanted, there))
                replaced |= {planned.name} if different else set()
                failure = self._in_use(wanted, used_by) if different else None
            elif there is not None and not wanted.owner and not planned.external:
                # Whose it is cannot be known without the state; the resource looks again.
                failure = _unknown(wanted, there) if self._state is None else None
            elif there is None and self._may_be_replaced(wanted, planned):
                # The engine deletes its containers all the same.
                replaced |= {planned.name} if self._is_changed(planned, host.name) else set()
                failure = None
            else:
                failure = obstacle(wanted, there, containers) or self._deleted_under_old_name(wanted, there)
            if failure is not None:
                problems += failure.problems
                by_hand = by_hand and self._by_hand(wanted, failure)
        if problems:
            raise HostError(problems, host=host.name) if by_hand else VolumesRefusedError(problems)
        missing = frozenset(planned.name for planned in host.volumes if planned.name not in live)
        return Found(missing=missing, replaced=frozenset(replaced))

    def _wanted(self, host: str, planned: VolumePlan) -> Wanted:
        recorded = self._recorded.get((host, planned.name), {})
        known = {
            option: self._secrets[key] for option, key in planned.secret_driver_opts.items() if key in self._secrets
        }
        return Wanted(
            host=host,
            name=planned.name,
            driver=planned.driver,
            options={**planned.driver_opts, **known},
            labels=planned.labels,
            external=planned.external,
            owner="" if self._state is None else self._state.ownership.owner,
            stack=self._stack,
            accepted=str(recorded.get("owner_label") or ""),
            unknown_options=planned.secret_driver_opts.keys() - known.keys(),
        )

    def _by_hand(self, wanted: Wanted, failure: HostError) -> bool:
        """Return whether the state has the volume as it is planned, so that somebody removed it or made another one on the host."""
        recorded = self._recorded.get((wanted.host, wanted.name))
        expected = VOLUME_MISSING if wanted.external else VOLUME_NOT_OURS
        return (
            recorded is not None
            and bool(recorded.get("external")) is wanted.external
            and {problem.code for problem in failure.problems} == {expected}
        )

    def _may_be_replaced(self, wanted: Wanted, planned: VolumePlan) -> bool:
        """Return whether `up` deletes the volume for another one, with its data: the state and the plan both say that it may."""
        recorded = self._recorded.get((wanted.host, wanted.name), {})
        return bool(
            planned.delete
            and recorded.get("delete")
            and not recorded.get("external")
            # As the resource's `diff` has it: the engine replaces no other.
            and recorded.get("owner_label") == wanted.owner_label
        )

    def _is_changed(self, planned: VolumePlan, host: str) -> bool:
        """Return whether driver or options are others than in the state; a secret one counts as one that is."""
        recorded = self._recorded[host, planned.name]
        return bool(
            canonical_driver(str(recorded.get("driver"))) != canonical_driver(planned.driver)
            or recorded.get("driver_opts") != planned.driver_opts
            or recorded.get("secret_driver_opts")
            or planned.secret_driver_opts
        )

    def _deleted_under_old_name(self, wanted: Wanted, live: LiveVolume | None) -> HostError | None:
        """Return the failure where the resource of another host in the state deletes the volume after it was used again."""
        if live is None or wanted.external or not of_earlier_life(wanted, live):
            return None
        for resource in () if self._state is None else self._state.resources:
            host, name = (str(resource.outputs.get(key)) for key in ("host", "volume"))
            if (
                resource.type == VOLUME_TYPE
                and name == wanted.name
                and resource.outputs.get("delete")
                and live.labels.get(OWNER_LABEL) == owner_label(wanted.owner, host, name)
            ):
                return HostError.on(
                    wanted.host,
                    VOLUME_OF_OLD_NAME,
                    problem=f"volume {name} is the one that the state has for host {host}, with delete: true",
                    effect=f"it would be used again, and then deleted with its data for {host}; nothing was changed",
                    fix=f"with the host's name {host}, run `pulumi up` with delete: false; then rename the host",
                )
        return None

    def _in_use(self, wanted: Wanted, used_by: Mapping[str, str]) -> HostError | None:
        """Return the failure where a container of others has it: the stack's own are deleted before the volume."""
        ids = frozenset() if self._state is None else self._state.ownership.ids
        others = sorted(name for id_, name in used_by.items() if id_ not in ids)
        if not others:
            return None
        return HostError.on(
            wanted.host,
            VOLUME_IN_USE,
            problem=f"volume {wanted.name} is to be deleted and created with other options, and {listed(others)}, which is not "
            "in this stack's state, mounts it",
            effect="Docker would keep it, after the containers of this stack were deleted; nothing was changed",
            fix=f"remove what mounts it (docker rm {others[0]}), or give the volume another name",
        )


def _unknown(wanted: Wanted, live: LiveVolume) -> HostError | None:
    """Return the failure of a volume that the engine might delete, while the state that would tell cannot be read."""
    label = parse_owner_label(live.labels.get(OWNER_LABEL, ""))
    reasons = differences(wanted, live)
    if label is not None and label.place.host != wanted.host:
        reasons.append(f"the label of host {label.place.host}")
    if not reasons:
        return None
    return HostError.on(
        wanted.host,
        VOLUME_UNKNOWN,
        problem=f"volume {wanted.name} has {', '.join(reasons)}, and the stack's state cannot be read",
        effect="whether its containers and its data would be deleted is not known; nothing was changed",
        fix="make `pulumi stack export` work, then run `pulumi up` again",
    )
