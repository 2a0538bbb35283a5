"""What two stacks cannot both have: a port, a name, a network, a parent or an address, on one machine or on one link.

All of it is a warning: of two stacks on one machine only one may be up at a time. Two fabrics on two VLANs of one machine are no
clash (docs/decisions/0027-other-stacks.md has what was compared).

Out of scope: what counts as one link or machine (`ipvlan.plan.links`), reading the other stacks (`ipvlan.plan.neighbours`), and
what one stack contradicts in itself (`ipvlan.plan.rules`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from netaddr import IPAddress, IPNetwork

from ipvlan.config.types.ports import Port
from ipvlan.plan.blocks import BlockIndex, overlap
from ipvlan.plan.bridge_clashes import one_name, overlapping_subnets
from ipvlan.plan.links import Fabric, is_one_daemon, on_one_link, same_machines
from ipvlan.plan.model import ContainerPlan, HostPlan, Plan
from ipvlan.plan.port_overlaps import overlapping_ports
from ipvlan.problems import Problem, shorten

SHOWN: Final = 3
"""Further clashes of one kind that a warning lists."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Neighbour:
    """Another stack of the project."""

    stack: str
    """Its short name."""
    file: str
    """The name of its file."""
    plan: Plan


@dataclass(frozen=True, slots=True)
class _Clash:
    """One thing that both stacks have."""

    own: str
    """The config key in this stack."""
    other: str
    """The config key in the other one."""
    value: str
    where: str
    """The machine; empty where it is not about one."""


@dataclass(frozen=True, slots=True)
class _Kind:
    """What is said of all clashes of one kind; `{stack}` is the other stack."""

    code: str
    problem: str
    effect: str
    fix: str


_ONE_AT_A_TIME: Final = "or have only one of the two stacks up at a time"

_PORTS: Final = _Kind(
    "IPF352",
    "stack {stack} publishes the same port",
    "a port of a host is bound once: the containers that come second are not published",
    f"publish another host port in one of the stacks, {_ONE_AT_A_TIME}",
)
_CONTAINERS: Final = _Kind(
    "IPF353",
    "stack {stack} has a container of this name",
    "Docker refuses the second container of a name",
    f"give one of the services another container_name, {_ONE_AT_A_TIME}",
)
_NETWORKS: Final = _Kind(
    "IPF354",
    "stack {stack} calls its network the same",
    "Docker refuses the second network of a name",
    f"change fabric.name in one of the stacks, {_ONE_AT_A_TIME}",
)
_PARENTS: Final = _Kind(
    "IPF355",
    "stack {stack} has its network on the same parent",
    "Docker has one ipvlan network per parent: the stack that comes second gets no network",
    f"put one of the fabrics on a VLAN of its own (parent: NIC.VLAN), {_ONE_AT_A_TIME}",
)
_POOLS: Final = _Kind(
    "IPF356",
    "stack {stack} has the same subnet, with the same range for Docker or the same gateway",
    "Docker has one register of addresses per subnet, also across VLANs, and refuses the second network",
    f"give the two stacks different slices and gateways, {_ONE_AT_A_TIME}",
)
_ADDRESSES: Final = _Kind(
    "IPF357",
    "stack {stack} has the same address",
    "only one of the two can have it: Docker refuses the second, or each is reached intermittently",
    f"give one of them another address, {_ONE_AT_A_TIME}",
)
_SLICES: Final = _Kind(
    "IPF358",
    "stack {stack} has a slice on what looks like the same link, and the two overlap",
    "Docker, or `ipvlan allocate`, can give one address to a container of each stack",
    "give the stacks different slices; where the links are different ones, different subnets say so",
)
_ROUTES: Final = _Kind(
    "IPF359",
    "stack {stack} has a route of this machine to the same addresses, by another way",
    "a machine reaches an address by one way: `pulumi up` of the second stack stops, or containers of one are not reached",
    f"give the stacks different slices, {_ONE_AT_A_TIME}",
)
_VOLUMES: Final = _Kind(
    "IPF798",
    "stack {stack} has a volume of this name",
    "a volume is one stack's: `pulumi up` of the second stack stops before it changes anything",
    "set external: true for it in one of the stacks, to share its data; or give one of the volumes another name",
)
_BRIDGES: Final = _Kind(
    "IPF248",
    "stack {stack} makes a network of this name",
    "a network is one stack's: `pulumi up` of the second stack stops before it changes anything",
    "set external: true for it in one of the stacks, to share the network; or give one of the networks another name",
)
_SUBNETS: Final = _Kind(
    "IPF249",
    "stack {stack} has a network whose subnet overlaps this one",
    "no two networks of one Docker overlap: the network that comes second is refused",
    f"give one of the bridges another subnet, or none, so that Docker chooses it; {_ONE_AT_A_TIME}",
)
_KINDS: Final = (
    *(_PORTS, _CONTAINERS, _VOLUMES, _NETWORKS, _BRIDGES, _SUBNETS, _PARENTS, _POOLS, _ADDRESSES, _SLICES, _ROUTES),
)


def clashes(plan: Plan, neighbour: Neighbour) -> Iterator[Problem]:
    """Yield one warning for each kind of thing that both stacks have; it names the first and counts the others."""
    found: dict[_Kind, list[_Clash]] = {kind: [] for kind in _KINDS}
    own, other = Fabric.of_plan(plan), Fabric.of_plan(neighbour.plan)
    for name, other_name in same_machines(own, other):
        host, other_host = plan.host(name), neighbour.plan.host(other_name)
        for kind, clash in _on_one_machine(host, other_host):
            found[kind].append(clash)
        found[_ROUTES] += _two_ways(_ways(host, plan), _ways(other_host, neighbour.plan), _where(host, other_host))
    if on_one_link(own, other):
        found[_ADDRESSES] = list(_shared_addresses(plan.hosts, neighbour.plan.hosts, plan, neighbour.plan))
        found[_SLICES] += _shared_slices(plan, neighbour.plan)
    for kind, list_ in found.items():
        if list_:
            yield _warning(kind, list_, neighbour)


def _on_one_machine(own: HostPlan, other: HostPlan) -> Iterator[tuple[_Kind, _Clash]]:
    where = _where(own, other)
    for own_container, own_port, other_container, other_port in overlapping_ports(_published(own), _published(other)):
        keys = f"services.{own_container.service}.ports", f"services.{other_container.service}.ports"
        value = str(own_port) if str(own_port) == str(other_port) else f"{own_port} and {other_port}"
        yield _PORTS, _Clash(*keys, value, where)
    if not is_one_daemon(own, other):
        return
    names = {container.name: container for container in other.containers}
    for container in own.containers:
        if container.name in names:
            keys = f"services.{container.service}", f"services.{names[container.name].service}"
            yield _CONTAINERS, _Clash(*keys, container.name, where)
    volumes = {volume.name: volume for volume in other.volumes if not volume.external}
    for volume in own.volumes:
        if volume.name in volumes and not volume.external:
            keys = f"volumes.{volume.key}", f"volumes.{volumes[volume.name].key}"
            yield _VOLUMES, _Clash(*keys, volume.name, where)
    if own.network.name == other.network.name:
        yield _NETWORKS, _Clash("fabric.name", "fabric.name", own.network.name, where)
    for own_key, other_key, name in one_name(own, other):
        yield _BRIDGES, _Clash(own_key, other_key, name, where)
    for own_key, other_key, subnets in overlapping_subnets(own, other):
        yield _SUBNETS, _Clash(own_key, other_key, subnets, where)
    if own.parent == other.parent:
        yield _PARENTS, _Clash(f"hosts.{own.name}.parent", f"hosts.{other.name}.parent", own.parent, where)
    yield from _one_pool(own, other, where)
    # Docker has one register of addresses per subnet, and a container of each on one link is a clash too.
    if own.network.subnet == other.network.subnet or own.parent == other.parent:
        for clash in _shared_addresses((own,), (other,)):
            yield _ADDRESSES, clash


def _where(own: HostPlan, other: HostPlan) -> str:
    """Return how a warning names the machine."""
    return str(own.address) if own.address == other.address else str(own.ssh)


@dataclass(frozen=True, slots=True)
class _Way:
    """How a machine reaches a destination."""

    destination: IPNetwork
    by: str
    key: str
    """The config key that it is made of."""


def _ways(host: HostPlan, plan: Plan) -> Iterator[_Way]:
    """Yield the routes that the stack sets on the machine: to other hosts' containers, and over the shim to its own."""
    for route in host.routes:
        yield _Way(route.destination, f"via {route.via}", _key_of(route.destination, plan.host(route.host)))
    if host.shim is not None:
        for destination in host.destinations:
            yield _Way(destination, f"over its shim {host.shim.link}", f"hosts.{host.name}.shim")


def _key_of(destination: IPNetwork, host: HostPlan) -> str:
    """Return the key that has a destination: the slice, or the service with an address outside of it."""
    if not any(overlap(destination, block) for block in host.slices):
        for container in host.on_fabric:
            if container.fabric_address in destination:
                return f"services.{container.service}"
    return f"hosts.{host.name}.slice"


def _two_ways(own: Iterable[_Way], other: Iterable[_Way], where: str) -> Iterator[_Clash]:
    """Yield the destinations that overlap and are reached by two ways."""
    index = BlockIndex((way.destination, way) for way in other)
    for way in own:
        for _, found in index.overlapping(way.destination):
            if way.by != found.by:
                same = way.destination == found.destination
                second = found.by if same else f"{found.destination} {found.by}"
                yield _Clash(way.key, found.key, f"{way.destination} {way.by} and {second}", where)


def _one_pool(own: HostPlan, other: HostPlan, where: str) -> Iterator[tuple[_Kind, _Clash]]:
    """Yield what Docker refuses of two networks with one subnet."""
    one, two = own.network, other.network
    if one.subnet != two.subnet:
        return
    slices = f"hosts.{own.name}.slice", f"hosts.{other.name}.slice"
    if one.gateway is not None and one.gateway == two.gateway:
        # In l3 and l3s the gateway is an address of the slice.
        own_key = "fabric.gateway" if one.mode == "l2" else slices[0]
        other_key = "fabric.gateway" if two.mode == "l2" else slices[1]
        yield _POOLS, _Clash(own_key, other_key, f"{one.subnet} with {one.gateway}", where)
    elif one.ip_range == two.ip_range:
        yield _POOLS, _Clash(*slices, f"{one.subnet} with {one.ip_range}", where)


def _published(host: HostPlan) -> Iterator[tuple[ContainerPlan, Port]]:
    """Yield the ports that Docker binds on the host."""
    for container in host.containers:
        if container.published:
            yield from ((container, port) for port in container.ports)


@dataclass(frozen=True, slots=True)
class _Holder:
    """What has an address by plan."""

    key: str
    host: HostPlan
    alone: bool
    """Whether nothing of another stack may have it too; a host and a router are the same ones for two stacks."""


def _holders(hosts: Iterable[HostPlan], plan: Plan | None) -> Iterator[tuple[IPAddress, _Holder]]:
    """Yield who has which address; with the plan, the gateway and the hosts themselves too."""
    for host in hosts:
        for container in host.on_fabric:
            yield container.fabric_address, _Holder(f"services.{container.service}", host, alone=True)
        if host.shim is not None:
            yield host.shim.address, _Holder(f"hosts.{host.name}.shim", host, alone=True)
        if plan is not None:
            yield host.address, _Holder(f"hosts.{host.name}.address", host, alone=False)
            if plan.gateway is not None:
                yield plan.gateway, _Holder("fabric.gateway", host, alone=False)


def _shared_addresses(
    own_hosts: Iterable[HostPlan],
    other_hosts: Iterable[HostPlan],
    plan: Plan | None = None,
    other: Plan | None = None,
) -> Iterator[_Clash]:
    """Yield the addresses that both have; one address once."""
    by_address: dict[IPAddress, list[_Holder]] = {}
    for address, holder in _holders(other_hosts, other):
        by_address.setdefault(address, []).append(holder)
    done: set[IPAddress] = set()
    for address, holder in _holders(own_hosts, plan):
        both = next((found for found in by_address.get(address, ()) if found.alone or holder.alone), None)
        if both is not None and address not in done:
            done.add(address)
            yield _Clash(holder.key, both.key, str(address), f"{holder.host.name} here, {both.host.name} there")


def _shared_slices(plan: Plan, other: Plan) -> Iterator[_Clash]:
    index = BlockIndex((block, host) for host in other.hosts for block in host.slices)
    for host in plan.hosts:
        for block in host.slices:
            for found, other_host in index.overlapping(block):
                keys = f"hosts.{host.name}.slice", f"hosts.{other_host.name}.slice"
                yield _Clash(*keys, str(block) if block == found else f"{block} and {found}", "")


def _warning(kind: _Kind, found: Sequence[_Clash], neighbour: Neighbour) -> Problem:
    first, *others = dict.fromkeys(found)
    where = f" ({first.where})" if first.where else ""
    return Problem(
        code=kind.code,
        key=f"{first.own} and {neighbour.file}: {first.other}",
        value=shorten(first.value),
        problem=kind.problem.format(stack=neighbour.stack) + where + _more(others),
        effect=kind.effect,
        fix=kind.fix,
        severity="warning",
    )


def _more(others: Sequence[_Clash]) -> str:
    """Return how many more there are, and the first of them."""
    if not others:
        return ""
    shown = ", ".join(
        shorten(f"{clash.value} ({clash.where})" if clash.where else clash.value) for clash in others[:SHOWN]
    )
    return f"; and {len(others)} more such: {shown}{', ...' if len(others) > SHOWN else ''}"
