"""The JSON document of `ipvlan status`."""

from __future__ import annotations

from typing import Literal

from ipvlan.checks.difference import Difference
from ipvlan.checks.status import HostStatus, Status, connected_to
from ipvlan.hosts.snapshot import HostSnapshot, LiveContainer
from ipvlan.plan.address_usage import slice_use
from ipvlan.plan.bridges import BridgePlan, EndpointPlan
from ipvlan.plan.model import ContainerPlan, HostPlan, Plan
from ipvlan.plan.resource_names import BRIDGE
from ipvlan.views.json_document import TypedDict, document_part
from ipvlan.views.ports import bindings


@document_part
class ParentEntry(TypedDict):
    """The NIC, bond or VLAN below the network."""

    name: str
    present: bool
    up: bool
    mtu: int | None


@document_part
class NetworkEntry(TypedDict):
    """The fabric's network as Docker has it."""

    id: str
    driver: str
    subnet: str
    gateway: str | None
    ip_range: str | None
    options: dict[str, str]


@document_part
class BridgeNetworkEntry(TypedDict):
    """A planned bridge network of the section `bridges` as Docker has it."""

    id: str
    driver: str
    subnet: str | None
    internal: bool
    """Whether it has no way out of the host."""
    external: bool
    """Whether the plan has it as one that somebody else makes."""
    connected: list[str]
    """Planned services whose containers are connected to it, running or not."""


@document_part
class EndpointEntry(TypedDict):
    """A planned connection of a container to a bridge network."""

    bridge: str
    """The network's name in Docker."""
    connected: bool
    address: str | None
    """Docker chooses it at each start; null while the container does not run."""
    aliases: list[str] | None
    """As Docker has them; null where it is not connected."""


@document_part
class SliceEntry(TypedDict):
    """How the host's slice is used; counts of addresses."""

    network: str
    """All of it in one text, with commas; empty where the host has none."""
    networks: list[str]
    """Its subnets, ranges and addresses, as the config has them."""
    planned: int
    """Of the plan's containers."""
    set_aside: int
    """Reserved, dynamic, the gateway's, the shim's."""
    free: int
    foreign: int
    """Containers on the fabric that are not of this stack."""


@document_part
class ContainerEntry(TypedDict):
    """One planned container as Docker has it."""

    id: str
    name: str
    state: str
    health: str | None
    restored: bool
    """Whether it is the previous container, which runs in place of a replacement that did not come up."""
    image: str
    address: str | None
    """On the fabric."""
    planned_address: str | None
    """Null where it is planned without the fabric."""
    bridge: bool
    """Whether it is connected to Docker's own bridge."""
    bridges: list[EndpointEntry]
    """Its planned connections to bridge networks of the section `bridges`."""
    published: bool
    """Whether the plan publishes it."""
    ports: list[str]
    """Bound on the host: `ADDRESS:HOST_PORT->CONTAINER_PORT`; 100 or more in a row are one entry, with `FIRST-LAST` for both."""


@document_part
class ReachableHost(TypedDict):
    """A host that answered."""

    reachable: Literal[True]
    docker: str
    """Docker's version."""
    kernel: str
    parent: ParentEntry
    network: NetworkEntry | None
    bridges: dict[str, BridgeNetworkEntry | None]
    """Docker's name of each planned bridge network -> as Docker has it; null where there is none."""
    slice: SliceEntry
    containers: dict[str, ContainerEntry | None]
    """Service -> its container; null where there is none."""


@document_part
class UnreachableHost(TypedDict):
    """A host that did not answer; why is among the differences."""

    reachable: Literal[False]


@document_part
class DifferenceEntry(TypedDict):
    """One thing on a host that is not as planned."""

    name: str
    """A stable name, such as `container-missing`."""
    host: str
    service: str | None
    container: str | None
    """The container's name for Docker."""
    network: str | None
    """The name in Docker of a network that is not the fabric's."""
    volume: str | None
    """The volume's name in Docker."""
    id: str | None
    """Docker's id of the container or network that is there."""
    problem: str
    output: list[str]
    """The last lines of the container's log where it restarts, of its health check where that fails; without secret values."""
    fix: str
    """A command, or what to decide."""
    severity: str
    """`error`, or `info`, which does not change the exit status."""


@document_part
class StatusDocument(TypedDict):
    """What `ipvlan status --json` prints."""

    stack: str
    ok: bool
    seconds: float
    state_read: bool
    """Whether the stack's state was read. Where it was not, the labels say what is the stack's own."""
    hosts: dict[str, ReachableHost | UnreachableHost]
    differences: list[DifferenceEntry]


def document(status: Status, plan: Plan, stack: str) -> StatusDocument:
    """Return the result, ready for `json.dumps`."""
    return {
        "stack": stack,
        "ok": status.ok,
        "seconds": round(status.seconds, 2),
        "state_read": status.state_read,
        "hosts": {host.plan.name: _host_entry(host, plan) for host in status.hosts},
        "differences": [difference_entry(difference) for difference in status.differences],
    }


def difference_entry(difference: Difference) -> DifferenceEntry:
    """Return a difference as it is in a document."""
    return {
        "name": difference.kind,
        "host": difference.host,
        "service": difference.service,
        "container": difference.container,
        "network": difference.network,
        "volume": difference.volume,
        "id": difference.id,
        "problem": difference.problem,
        "output": list(difference.output),
        "fix": difference.fix,
        "severity": difference.severity,
    }


def _host_entry(host: HostStatus, plan: Plan) -> ReachableHost | UnreachableHost:
    snapshot = host.snapshot
    if not isinstance(snapshot, HostSnapshot):
        return {"reachable": False}
    use = slice_use(plan, host.plan)
    return {
        "reachable": True,
        "docker": snapshot.docker,
        "kernel": snapshot.kernel,
        "parent": {
            "name": host.plan.parent,
            "present": snapshot.parent.present,
            "up": snapshot.parent.up,
            "mtu": snapshot.parent.mtu,
        },
        "network": _network_entry(snapshot, plan),
        "bridges": {bridge.name: _bridge_entry(host.plan, bridge, snapshot) for bridge in host.plan.bridges},
        "slice": {
            "network": ", ".join(map(str, host.plan.slices)),
            "networks": [str(block) for block in host.plan.slices],
            "planned": use.used,
            "set_aside": use.set_aside,
            "free": use.free,
            "foreign": host.foreign,
        },
        "containers": {
            planned.service: _container_entry(planned, snapshot, plan, restored=host.is_restored(planned))
            for planned in host.plan.containers
        },
    }


def _network_entry(snapshot: HostSnapshot, plan: Plan) -> NetworkEntry | None:
    network = snapshot.network(plan.network_name)
    if network is None:
        return None
    return {
        "id": network.id,
        "driver": network.driver,
        "subnet": str(network.subnet),
        "gateway": None if network.gateway is None else str(network.gateway),
        "ip_range": None if network.ip_range is None else str(network.ip_range),
        "options": dict(network.options),
    }


def _bridge_entry(host: HostPlan, planned: BridgePlan, snapshot: HostSnapshot) -> BridgeNetworkEntry | None:
    network = snapshot.network(planned.name)
    if network is None:
        return None
    return {
        "id": network.id,
        "driver": network.driver,
        "subnet": None if network.subnet is None else str(network.subnet),
        "internal": any(bridge.id == network.id and bridge.internal for bridge in snapshot.bridges),
        "external": planned.external,
        "connected": connected_to(host, planned.name, snapshot),
    }


def _endpoint_entry(planned: EndpointPlan, live: LiveContainer, snapshot: HostSnapshot) -> EndpointEntry:
    endpoint = live.endpoints.get(planned.bridge)
    connection = snapshot.connections.get(live.name, {}).get(planned.bridge)
    return {
        "bridge": planned.bridge,
        "connected": endpoint is not None,
        "address": None if endpoint is None or endpoint.address is None else str(endpoint.address),
        "aliases": None if connection is None else list(connection.aliases),
    }


def _container_entry(
    planned: ContainerPlan, snapshot: HostSnapshot, plan: Plan, *, restored: bool
) -> ContainerEntry | None:
    live = snapshot.containers.get(planned.name)
    if live is None:
        return None
    endpoint = live.endpoints.get(plan.network_name)
    return {
        "id": live.id,
        "name": planned.name,
        "state": live.state,
        "health": live.health,
        "restored": restored,
        "image": live.image,
        "address": None if endpoint is None or endpoint.held is None else str(endpoint.held),
        "planned_address": None if planned.address is None else str(planned.address),
        "bridge": BRIDGE in live.endpoints,
        "bridges": [_endpoint_entry(endpoint, live, snapshot) for endpoint in planned.bridges],
        "published": planned.published,
        "ports": bindings(live.bindings),
    }
