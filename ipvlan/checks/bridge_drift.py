"""The bridge networks of the section `bridges` against the plan, and the containers' connections to them.

A connection is compared where its network is there and may be used. A network that is missing, or is not this stack's, is reported
itself: what is connected to it depends on it.

Out of scope: what makes a network the planned one (`ipvlan.hosts.bridge_networks`), and Docker's own bridge (`drift`).
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
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


def is_orphan(ownership: Ownership, host: HostPlan, snapshot: HostSnapshot, found: Difference) -> bool:
    """Return whether a difference is about a network that an interrupted `up` of this stack created: the next one uses it."""
    live = next((network for network in snapshot.networks if network.id == found.id), None)
    return live is not None and ownership.bears_label(live, Place(host.name, live.name))


def wanted_bridge(ownership: Ownership, host: HostPlan, planned: BridgePlan) -> Wanted:
    """Return a planned network with what the state has of it."""
    return Wanted(
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
        elif different := _different(ownership, host, planned, snapshot, live):
            yield difference(
                DriftKind.BRIDGE_NETWORK_DIFFERENT,
                host,
                f"bridge network {planned.name} on {host.name} has {', '.join(different)}; Docker cannot change a network",
                f"let ipvlan-fabric:bridges.{planned.key} name a network of Docker's driver bridge"
                if planned.external
                else heal_line(stack, host.name),
                network=planned.name,
                id_=live.id,
            )
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """What a container's connections are compared with."""

    stack: str
    """The stack's name, as a command line takes it."""
    ownership: Ownership
    fabric: str
    """Name of the fabric's network."""
    host: HostPlan
    snapshot: HostSnapshot


def endpoint_differences(compared: Compared, planned: ContainerPlan, live: LiveContainer) -> Iterator[Difference]:
    """Yield the differences of one container's connections, but for those to the fabric and to Docker's own bridge.

    Args:
        compared: The host, and what is planned of it.
        planned: The container.
        live: The container that is there, which is the stack's.
    """
    host = compared.host
    usable = usable_bridges(compared.ownership, host, compared.snapshot)
    for endpoint in planned.bridges:
        if endpoint.bridge in usable:
            for kind, predicate in _endpoint(compared, planned, endpoint, usable[endpoint.bridge], live):
                yield replace(
                    difference(
                        kind,
                        host,
                        f"{planned.name} on {host.name} {predicate}",
                        heal_line(compared.stack, host.name, planned.service),
                        service=planned.service,
                        container=planned.name,
                        network=endpoint.bridge,
                    ),
                    id=live.id,
                )
    expected = {
        BRIDGE,
        *(endpoint.bridge for endpoint in planned.bridges),
        *([compared.fabric] if planned.fabric else []),
    }
    for name, there in sorted(live.endpoints.items()):
        if name not in expected:
            yield _extra(compared, planned, live, there)


def _missing(stack: str, host: HostPlan, planned: BridgePlan) -> Difference:
    problem = f"{host.name} has no bridge network {planned.name}"
    if planned.external:
        create = host_line(host, f"docker network create {shlex.quote(planned.name)}")
        problem, fix = f"{problem}, which is external: somebody else makes it", create
    else:
        fix = heal_line(stack, host.name)
    return difference(DriftKind.BRIDGE_NETWORK_MISSING, host, problem, fix, network=planned.name)


def _not_ours(stack: str, ownership: Ownership, host: HostPlan, planned: BridgePlan, live: LiveNetwork) -> Difference:
    if ownership.bears_label(live, Place(host.name, live.name)):
        problem = f"network {live.name} on {host.name} bears this stack's owner label, and its state does not record it"
        fix = f"pulumi up --stack {stack}"
    else:
        problem = (
            f"network {live.name} on {host.name} ({described(live)}) has the name of a planned bridge network, and is not of stack "
            f"{ownership.stack}"
        )
        fix = f"set external: true for ipvlan-fabric:bridges.{planned.key}, or give it another name; then pulumi up --stack {stack}"
    return difference(DriftKind.BRIDGE_NETWORK_NOT_OURS, host, problem, fix, network=live.name, id_=live.id)


def _different(
    ownership: Ownership, host: HostPlan, planned: BridgePlan, snapshot: HostSnapshot, live: LiveNetwork
) -> Sequence[str]:
    """Return what of a network is not as planned, in words."""
    bridge = next((bridge for bridge in snapshot.bridges if bridge.id == live.id), None)
    if bridge is None:
        # It would be among them with the right one.
        return [f"driver {live.driver}"]
    return differences(wanted_bridge(ownership, host, planned), bridge)


def _ids(ownership: Ownership, host: str) -> frozenset[str]:
    """Return the ids of all bridge networks that the stack created on a host."""
    return frozenset(id_ for place, id_ in ownership.bridges.items() if place.host == host and id_)


def _endpoint(
    compared: Compared, container: ContainerPlan, planned: EndpointPlan, network_id: str, live: LiveContainer
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
    connection = compared.snapshot.connections.get(live.name, {}).get(planned.bridge)
    if connection is None:
        return
    parts = []
    # Docker from 25 on lists the hostname for a version of its API before 1.45, and finds the container by it anyway.
    hostname = {container.settings.hostname}
    if {*connection.aliases} - hostname != {*planned.aliases} - hostname:
        shown = [", ".join(aliases) or "none" for aliases in (connection.aliases, planned.aliases)]
        parts.append(f"aliases {shown[0]} instead of {shown[1]}")
    if connection.priority not in (None, ENDPOINT_PRIORITY):
        parts.append(f"gateway priority {connection.priority} instead of {ENDPOINT_PRIORITY}")
    if parts:
        yield DriftKind.ENDPOINT_DIFFERENT, f"has on bridge network {planned.bridge} {' and '.join(parts)}"


def _extra(compared: Compared, planned: ContainerPlan, live: LiveContainer, there: Endpoint) -> Difference:
    ownership, host = compared.ownership, compared.host
    network = live_bridge(ownership, host.name, compared.snapshot, there.network)
    # Docker fills the network's id in at the container's start.
    id_ = there.network_id or (network.id if network is not None else "")
    ours = id_ in _ids(ownership, host.name)
    own = there.network == compared.fabric or ours
    line = shlex.join(["docker", "network", "disconnect", there.network, short_id(live.id)])
    return replace(
        difference(
            DriftKind.ENDPOINT_EXTRA,
            host,
            f"{planned.name} on {host.name} is connected to network {there.network}, which is not planned for it"
            + ("" if own else " and is not of this stack"),
            heal_line(compared.stack, host.name, planned.service) if ours else host_line(host, line),
            severity="error" if own else "info",
            service=planned.service,
            container=planned.name,
            network=there.network,
        ),
        id=live.id,
    )
