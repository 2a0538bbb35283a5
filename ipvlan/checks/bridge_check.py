"""The bridge networks of all hosts, looked at before an `up` changes anything: one that cannot be as planned stops it there.

Docker cannot change a network, so a change that needs another one is refused while everything still runs where containers of others
are on it. The resource looks again, right before it does something (`provider.bridge_network`).

Out of scope: what makes a network the planned one (`ipvlan.hosts.bridge_networks`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from ipvlan.checks.looks import SECONDS, sort_answers
from ipvlan.hosts.errors import BRIDGE_UNUSABLE, HostError
from ipvlan.hosts.session import HostSession, on_all
from ipvlan.plan.bridges import default_name
from ipvlan.plan.resource_names import BRIDGE_ENDPOINTS_TYPE, BRIDGE_NETWORK_TYPE
from ipvlan.problems import Problem

if TYPE_CHECKING:
    from ipvlan.checks.stack_state import StackState
    from ipvlan.hosts.bridge_networks import Wanted
    from ipvlan.hosts.connection import HostConnection
    from ipvlan.plan.bridges import BridgePlan
    from ipvlan.plan.model import HostPlan


class BridgesOfHost(NamedTuple):
    """What is not on one host, so that the resources look there."""

    missing: frozenset[str]
    """Names of the planned networks that do not exist, or that have another id than in the state."""
    detached: frozenset[str]
    """Names of the containers that are off a network on which the state has them: an interrupted run, or somebody, disconnected
    them."""


class BridgesLooked(NamedTuple):
    """What a look at the bridge networks of hosts shows, by host."""

    missing: Mapping[str, frozenset[str]]
    """As of `BridgesOfHost`."""
    detached: Mapping[str, frozenset[str]]
    """As of `BridgesOfHost`."""
    unavailable: Mapping[str, HostError]
    """The hosts that nothing can be done on now, with the reason: they do not answer, or an external network is gone that the state
    has."""


class BridgesRefusedError(HostError):
    """Bridge networks cannot be as the config wants them: it is to be changed, so nothing is done on any host."""


class BridgeCheck:
    """Looks at the planned bridge networks of hosts. `state` is the stack's; None where it cannot be read: then less is known."""

    def __init__(self, stack: str, state: StackState | None) -> None:
        """Prepare; nothing is asked. `stack` is the stack's short name."""
        self._stack = stack
        self._state = state
        self._recorded: Mapping[tuple[str, str], Mapping[str, Any]] = {
            (str(resource.outputs.get("host")), str(resource.outputs.get("network"))): resource.outputs
            for resource in (() if state is None else state.resources)
            if resource.type == BRIDGE_NETWORK_TYPE and not resource.delete
        }

    def rebuilt(self, hosts: Iterable[HostPlan]) -> frozenset[str]:
        """Return the names of the hosts on which a bridge network of the state is to be another one, by the state alone.

        Docker cannot change a network: it is created again, and its containers are without it meanwhile.
        """
        return frozenset(
            host.name
            for host in hosts
            for planned in host.bridges
            if not planned.external and self._is_another(self.wanted(host.name, planned))
        )

    def _is_another(self, wanted: Wanted) -> bool:
        recorded = self._recorded.get((wanted.host, wanted.name))
        return recorded is not None and any(
            recorded.get(key) != value
            for key, value in (
                ("internal", wanted.internal),
                ("subnet", wanted.subnet),
                ("options", dict(wanted.options)),
            )
        )

    def abandoned(self, hosts: Iterable[HostPlan]) -> Sequence[Problem]:
        """Return a warning for each external bridge without a name whose key had a network of this stack, named FABRIC-KEY."""
        return [
            _abandoned(host, planned, own)
            for host in hosts
            for planned in host.bridges
            if planned.external and planned.name == planned.key
            for own in [default_name(host.network.name, planned.key)]
            if not self._recorded.get((host.name, own), {"external": True})["external"]
        ]

    def look(self, hosts: Sequence[tuple[HostPlan, HostConnection]]) -> BridgesLooked:
        """Return which bridge networks are missing, which containers are off theirs, and which hosts are to be left out.

        Raises:
            BridgesRefusedError: Each network that cannot be as planned, on all hosts.
        """
        plans = {host.name: host for host, _ in hosts if host.bridges}
        connections = [connection for host, connection in hosts if host.name in plans]
        answers = on_all(connections, lambda session: self._look(session, plans[session.name]), timeout=SECONDS)
        found, unavailable = sort_answers(answers, BridgesRefusedError)
        return BridgesLooked(
            {host: each.missing for host, each in found.items()},
            {host: each.detached for host, each in found.items()},
            unavailable,
        )

    def _look(self, session: HostSession, host: HostPlan) -> BridgesOfHost:
        # Only here: it loads Docker's package, and most stacks have no bridges of their own.
        from ipvlan.hosts.bridge_networks import links_of  # noqa: PLC0415
        from ipvlan.hosts.engine import Engine  # noqa: PLC0415

        engine = Engine(session.name, session.socket, timeout=SECONDS)
        try:
            networks, containers = engine.networks(), engine.containers()
            links = links_of(session, [planned.options for planned in host.bridges])
            missing = self.compare(host, networks, containers, docker_version=engine.version, links=links)
            return BridgesOfHost(missing, self.detached(host.name, containers))
        finally:
            engine.close()

    def compare(
        self,
        host: HostPlan,
        networks: Sequence[Mapping[str, Any]],
        containers: Sequence[Mapping[str, Any]],
        *,
        docker_version: str = "",
        links: Collection[str] = (),
    ) -> frozenset[str]:
        """Return the names of the host's planned bridge networks that do not exist, or have another id than in the state.

        Of the latter `up` records the id, and what is connected to the network gets it.

        Args:
            host: The host.
            networks: Those of the host, as Docker lists them.
            containers: Those of the host, as Docker lists them.
            docker_version: The host's Docker: `28.5.2`.
            links: Names of the host's interfaces.

        Raises:
            BridgesRefusedError: Each network that cannot be as planned.
            HostError: The same, where each is an external one that the state has: somebody changed it, the config is no mistake.
        """
        from ipvlan.hosts.bridge_networks import named, obstacle  # noqa: PLC0415

        problems: list[Problem] = []
        by_hand = True
        for planned in host.bridges:
            wanted = self.wanted(host.name, planned)
            if not wanted.owner and not wanted.external and self._state is None:
                # Whose it is cannot be known without the state; the resource looks again.
                continue
            failure = obstacle(wanted, networks, containers, docker_version=docker_version, links=links)
            if failure is not None:
                problems += failure.problems
                by_hand = by_hand and self._by_hand(wanted, failure)
        if problems:
            raise HostError(problems, host=host.name) if by_hand else BridgesRefusedError(problems)
        return frozenset(
            planned.name
            for planned in host.bridges
            if not self._is_there(host.name, planned.name, {live.id for live in named(networks, planned.name)})
        )

    def _is_there(self, host: str, name: str, ids: Collection[str]) -> bool:
        """Return whether one of the ids of the networks of that name is the state's; where that has none, any is."""
        recorded = self._recorded.get((host, name), {}).get("network_id")
        return recorded in ids if recorded else bool(ids)

    def detached(self, host: str, containers: Iterable[Mapping[str, Any]]) -> frozenset[str]:
        """Return the names of the state's containers on a host that are off a network on which the state has them.

        One that has another name now was put aside, or renamed by hand, and is none of them.

        Args:
            host: The host's name.
            containers: Those of the host, as Docker lists them.
        """
        listed = {each["Id"]: each for each in containers}
        return frozenset(
            name
            for resource in (() if self._state is None else self._state.resources)
            if resource.type == BRIDGE_ENDPOINTS_TYPE and not resource.delete and resource.outputs.get("host") == host
            for name in [str(resource.outputs.get("container"))]
            for live in [listed.get(resource.outputs.get("container_id"))]
            if live is not None and f"/{name}" in (live.get("Names") or ())
            if {each["network"] for each in resource.outputs.get("endpoints", ())} - _networks_of(live)
        )

    def wanted(self, host: str, planned: BridgePlan) -> Wanted:
        """Return a planned network with what the state has of it."""
        from ipvlan.hosts.bridge_networks import Wanted  # noqa: PLC0415

        outputs = self._recorded.get((host, planned.name), {})
        recorded = {} if outputs.get("external") else outputs
        return Wanted(
            host=host,
            name=planned.name,
            internal=planned.internal,
            subnet="" if planned.subnet is None else str(planned.subnet),
            options=planned.options,
            labels=planned.labels,
            external=planned.external,
            owner="" if self._state is None else self._state.ownership.owner,
            stack=self._stack,
            recorded=str(recorded.get("network_id") or ""),
            containers=() if self._state is None else self._state.ownership.ids,
            dropped=sorted((recorded.get("options") or {}).keys() - planned.options.keys()),
        )

    def _by_hand(self, wanted: Wanted, failure: HostError) -> bool:
        """Return whether the state has the external network, so that somebody changed it on the host since."""
        recorded = self._recorded.get((wanted.host, wanted.name))
        return (
            wanted.external
            and recorded is not None
            and bool(recorded.get("external"))
            and {problem.code for problem in failure.problems} == {BRIDGE_UNUSABLE}
        )


def _networks_of(listed: Mapping[str, Any]) -> frozenset[str]:
    """Return the names of the networks of a container of Docker's list; also of one that never started with them."""
    return frozenset((listed.get("NetworkSettings") or {}).get("Networks") or {})


def _abandoned(host: HostPlan, planned: BridgePlan, own: str) -> Problem:
    return Problem(
        code="IPF825",
        key=f"bridges.{planned.key}.external",
        value="true",
        problem=f"it has no name, so it is network {planned.name} of others; until now it was {own} on {host.name}, which this "
        "stack made",
        effect=f"its containers are connected to {planned.name}, and {own} is removed at the end of this run",
        fix=f"to keep {own}, leave external out; name: {own} uses that network as one of others and keeps it too",
        severity="warning",
    )
