"""The bridge networks of the section `bridges` against the plan, and the containers' connections to them.

A connection is compared where its network is there and may be used. A network that is missing, or is not this stack's, is reported
itself: what is connected to it depends on it.

Out of scope: what makes a network the planned one (`ipvlan.hosts.bridge_networks`), and Docker's own bridge (`drift`).
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from ipvlan.checks.command_lines import heal_line, host_line
from ipvlan.checks.difference import Difference, difference
from ipvlan.checks.drift_kinds import DriftKind
from ipvlan.checks.not_ours import described
from ipvlan.hosts.bridge_networks import Wanted, differences
from ipvlan.hosts.endpoints import ENDPOINT_PRIORITY
from ipvlan.hosts.ids import short_id
from ipvlan.plan.ownership import Ownership, Place
from ipvlan.plan.resource_names import BRIDGE, STACK_LABEL

if TYPE_CHECKING:
    from ipvlan.hosts.snapshot import Endpoint, HostSnapshot, LiveContainer, LiveNetwork
    from ipvlan.plan.bridges import BridgePlan, EndpointPlan
    from ipvlan.plan.model import ContainerPlan, HostPlan


def live_bridge(ownership: Ownership, host: str, snapshot: HostSnapshot, name: str) -> LiveNetwork | None:
    """Return the network of that name on a host; of several, which Docker allows before 25, the one of the state."""
    networks = [network for network in snapshot.networks if network.name == name]
    recorded = ownership.bridges.get(Place(host, name))
    return next((network for network in networks if network.id == recorded), networks[0] if networks else None)


def is_recorded(ownership: Ownership, host: str, live: LiveNetwork) -> bool:
    """Return whether this stack created the network: the state has its id; where no state was read, its label says so."""
    if not ownership.read:
        return live.labels.get(STACK_LABEL) == ownership.stack
    return ownership.bridges.get(Place(host, live.name)) == live.id


def usable_bridges(ownership: Ownership, host: HostPlan, snapshot: HostSnapshot) -> Mapping[str, str]:
    """Return name -> Docker's id of the planned bridge networks that containers may be connected to: of this stack, or external."""
    found = {}
    for planned in host.bridges:
        live = live_bridge(ownership, host.name, snapshot, planned.name)
        if live is not None and (planned.external or is_recorded(ownership, host.name, live)):
            found[planned.name] = live.id
    return found


def bridge_differences(
    stack: str, ownership: Ownership, host: HostPlan, snapshot: HostSnapshot
) -> Iterator[Difference]:
    """Yield the differences of a host's bridge networks; `stack` is the stack's name as a command line takes it."""
    for planned in host.bridges:
        live = live_bridge(ownership, host.name, snapshot, planned.name)
        if live is None:
            yield _missing(stack, host, planned)
        elif not planned.external and not is_recorded(ownership, host.name, live):
            yield _not_ours(stack, ownership, host, planned, live)
        else:
            yield from _different(stack, ownership, host, planned, snapshot, live)
    names, own = {planned.name for planned in host.bridges}, _ids(ownership, host.name)
    for live in snapshot.networks:
        if live.name in names:
            continue
        recorded = live.id in own
        if recorded or ownership.bears_label(live, Place(host.name, live.name)):
            yield difference(
                DriftKind.BRIDGE_NETWORK_NOT_PLANNED,
                host,
                f"bridge network {live.name} on {host.name} was created by stack {ownership.stack}, and the plan does not have it "
                + ("any more" if recorded else "any more; the stack's state does not record it either"),
                f"pulumi up --stack {stack}" if recorded else host_line(host, f"docker network rm {short_id(live.id)}"),
                network=live.name,
                id_=live.id,
            )


def endpoint_differences(
    stack: str,
    ownership: Ownership,
    fabric: str,
    host: HostPlan,
    planned: ContainerPlan,
    live: LiveContainer,
    snapshot: HostSnapshot,
) -> Iterator[Difference]:
    """Yield the differences of one container's connections, but for those to the fabric and to Docker's own bridge.

    Args:
        stack: The stack's name, as a command line takes it.
        ownership: What is the stack's.
        fabric: Name of the fabric's network.
        host: The container's host.
        planned: The container.
        live: The container that is there, which is the stack's.
        snapshot: The state of the host.
    """
    usable = usable_bridges(ownership, host, snapshot)
    for endpoint in planned.bridges:
        if endpoint.bridge in usable:
            for kind, predicate in _endpoint(endpoint, usable[endpoint.bridge], live, snapshot):
                yield replace(
                    difference(
                        kind,
                        host,
                        f"{planned.name} on {host.name} {predicate}",
                        heal_line(stack, host.name, planned.service),
                        service=planned.service,
                        container=planned.name,
                        network=endpoint.bridge,
                    ),
                    id=live.id,
                )
    expected = {BRIDGE, *(endpoint.bridge for endpoint in planned.bridges), *([fabric] if planned.fabric else [])}
    for name, there in sorted(live.endpoints.items()):
        if name not in expected:
            yield _extra(stack, ownership, fabric, host, planned, live, there, snapshot)


def _missing(stack: str, host: HostPlan, planned: BridgePlan) -> Difference:
    problem = f"{host.name} has no bridge network {planned.name}"
    if planned.external:
        create = host_line(host, f"docker network create {shlex.quote(planned.name)}")
        problem, fix = f"{problem}, which is external: somebody else makes it", create
    else:
        fix = heal_line(stack, host.name)
    return difference(DriftKind.BRIDGE_NETWORK_MISSING, host, problem, fix, network=planned.name)


def _not_ours(stack: str, ownership: Ownership, host: HostPlan, planned: BridgePlan, live: LiveNetwork) -> Difference:
    problem, fix = (
        f"network {live.name} on {host.name} ({described(live)}) is not of stack {ownership.stack}, and has the name of a planned "
        "bridge network",
        f"set external: true for ipvlan-fabric:bridges.{planned.key}, or give it another name; then pulumi up --stack {stack}",
    )
    if ownership.bears_label(live, Place(host.name, live.name)):
        problem = f"network {live.name} on {host.name} bears this stack's owner label, and its state does not record it"
        fix = f"pulumi up --stack {stack}"
    return difference(DriftKind.BRIDGE_NETWORK_NOT_OURS, host, problem, fix, network=live.name, id_=live.id)


def _different(
    stack: str, ownership: Ownership, host: HostPlan, planned: BridgePlan, snapshot: HostSnapshot, live: LiveNetwork
) -> Iterator[Difference]:
    wanted = Wanted(
        host=host.name,
        name=planned.name,
        internal=planned.internal,
        subnet=str(planned.subnet or ""),
        options=planned.options,
        labels=planned.labels,
        external=planned.external,
        owner=ownership.owner,
        stack=ownership.stack,
        recorded=ownership.bridges.get(Place(host.name, planned.name), ""),
    )
    bridge = next((bridge for bridge in snapshot.bridges if bridge.id == live.id), None)
    # It is among them where it has the driver.
    different = [f"driver {live.driver}"] if bridge is None else differences(wanted, bridge)
    if different:
        yield difference(
            DriftKind.BRIDGE_NETWORK_DIFFERENT,
            host,
            f"bridge network {planned.name} on {host.name} has {', '.join(different)}; Docker cannot change a network",
            f"let ipvlan-fabric:bridges.{planned.key} name one of Docker's driver bridge"
            if planned.external
            else heal_line(stack, host.name),
            network=planned.name,
            id_=live.id,
        )


def _ids(ownership: Ownership, host: str) -> frozenset[str]:
    """Return the ids of all bridge networks that the stack created on a host."""
    return frozenset(id_ for place, id_ in ownership.bridges.items() if place.host == host and id_)


def _endpoint(
    planned: EndpointPlan, network_id: str, live: LiveContainer, snapshot: HostSnapshot
) -> Iterator[tuple[DriftKind, str]]:
    """Yield what differs of a container's connection to a network that is there, with the predicate of the container."""
    there = live.endpoints.get(planned.bridge)
    if there is None:
        yield DriftKind.ENDPOINT_MISSING, f"is not connected to bridge network {planned.bridge}"
        return
    # Docker fills it in at the container's start.
    if there.network_id not in ("", network_id):
        yield (
            DriftKind.ENDPOINT_MISSING,
            f"is not connected to bridge network {planned.bridge}, but to a deleted network of that name",
        )
        return
    connection = snapshot.connections.get(live.name, {}).get(planned.bridge)
    if connection is None:
        return
    parts = []
    if set(connection.aliases) != set(planned.aliases):
        shown = [", ".join(aliases) or "none" for aliases in (connection.aliases, planned.aliases)]
        parts.append(f"aliases {shown[0]} instead of {shown[1]}")
    if connection.priority not in (None, ENDPOINT_PRIORITY):
        parts.append(f"gateway priority {connection.priority} instead of {ENDPOINT_PRIORITY}")
    if parts:
        yield DriftKind.ENDPOINT_DIFFERENT, f"has on bridge network {planned.bridge} {' and '.join(parts)}"


def _extra(
    stack: str,
    ownership: Ownership,
    fabric: str,
    host: HostPlan,
    planned: ContainerPlan,
    live: LiveContainer,
    there: Endpoint,
    snapshot: HostSnapshot,
) -> Difference:
    network = live_bridge(ownership, host.name, snapshot, there.network)
    # Docker fills the network's id in at the container's start.
    id_ = there.network_id or (network.id if network is not None else "")
    ours = id_ in _ids(ownership, host.name)
    own = there.network == fabric or ours
    line = shlex.join(["docker", "network", "disconnect", there.network, short_id(live.id)])
    return replace(
        difference(
            DriftKind.ENDPOINT_EXTRA,
            host,
            f"{planned.name} on {host.name} is connected to network {there.network}, which is not planned for it"
            + ("" if own else " and is not of this stack"),
            heal_line(stack, host.name, planned.service) if ours else host_line(host, line),
            severity="error" if own else "info",
            service=planned.service,
            container=planned.name,
            network=there.network,
        ),
        id=live.id,
    )
