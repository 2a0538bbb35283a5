"""The bridge networks of all hosts, looked at before an `up` changes anything: one that cannot be as planned stops it there.

Docker cannot change a network, so a change that needs another one is refused while everything still runs where containers of others
are on it. The resource looks again, right before it does something (`provider.bridge_network`).

Out of scope: what makes a network the planned one (`ipvlan.hosts.bridge_networks`).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from ipvlan.hosts.errors import BRIDGE_UNUSABLE, HostError
from ipvlan.hosts.session import HostSession, on_all
from ipvlan.plan.resource_names import BRIDGE_NETWORK_TYPE

if TYPE_CHECKING:
    from ipvlan.checks.stack_state import StackState
    from ipvlan.hosts.bridge_networks import Wanted
    from ipvlan.hosts.connection import HostConnection
    from ipvlan.plan.bridges import BridgePlan
    from ipvlan.plan.model import HostPlan
    from ipvlan.problems import Problem

SECONDS: Final = 20.0
"""For one host to answer."""


class BridgesLooked(NamedTuple):
    """What a look at the bridge networks of hosts shows, by host."""

    missing: Mapping[str, frozenset[str]]
    """Names of those that do not exist, or that have another id than in the state."""
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

    def look(self, hosts: Sequence[tuple[HostPlan, HostConnection]]) -> BridgesLooked:
        """Return which bridge networks are missing, and which hosts are to be left out.

        Raises:
            BridgesRefusedError: Each network that cannot be as planned, on all hosts.
        """
        plans = {host.name: host for host, _ in hosts if host.bridges}
        connections = [connection for host, connection in hosts if host.name in plans]
        answers = on_all(connections, lambda session: self._look(session, plans[session.name]), timeout=SECONDS)
        problems: list[Problem] = []
        missing: dict[str, frozenset[str]] = {}
        unavailable: dict[str, HostError] = {}
        for host, answer in answers.items():
            if isinstance(answer, BridgesRefusedError):
                problems += answer.problems
            elif isinstance(answer, HostError):
                unavailable[host] = answer
            else:
                missing[host] = answer
        if problems:
            raise BridgesRefusedError(problems)
        return BridgesLooked(missing, unavailable)

    def _look(self, session: HostSession, host: HostPlan) -> frozenset[str]:
        # Only here: it loads Docker's package, and most stacks have no bridges of their own.
        from ipvlan.hosts.bridge_networks import links_of  # noqa: PLC0415
        from ipvlan.hosts.engine import Engine  # noqa: PLC0415

        engine = Engine(session.name, session.socket, timeout=SECONDS)
        try:
            networks, containers = engine.networks(), engine.containers()
            links = links_of(session, [planned.options for planned in host.bridges])
            return self.compare(host, networks, containers, docker_version=engine.version, links=links)
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
