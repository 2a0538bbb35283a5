"""The addresses of a fabric: which exist, which a container may have and why not, who has which, which are free.

Every rule about a single address is here. The rules turn a reason into a problem, `allocate` takes what is free, the usage counts,
and the comparison with the hosts asks which addresses Docker may assign. A host may have several blocks and a fabric several
subnets, of either address family; today's config has one of each, IPv4.

Out of scope: texts for people, and reading a config.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

from netaddr import IPAddress, IPNetwork, IPSet

from ipvlan.config.models import FabricConfig, HostConfig, Mode, ServiceConfig
from ipvlan.plan.blocks import WIDTH, Block, BlockIndex, broadcast_address, network_address, set_of, subnets_of
from ipvlan.plan.lan import own_addresses

SMALLEST_BLOCK_WITH_OWN_ADDRESS: Final = 4
"""Addresses of a /30, the smallest block with room for the host's own address and a container."""


class Cause(Enum):
    """Why no container may have an address."""

    OUTSIDE_SUBNET = auto()
    UNASSIGNED = auto()
    """In the subnet, and in no host's slice."""
    OTHER_SLICE = auto()
    """In the slice of another host."""
    SLICE_NETWORK = auto()
    """The first address of a slice. In mode l3 no container can have it; other programs take it for the slice itself."""
    SLICE_BROADCAST = auto()
    """The last address of a slice, likewise."""
    DOCKER = auto()
    """Docker has it: the gateway of a network in mode l3 or l3s."""
    SHIM = auto()
    """The host's shim has it."""
    HOST = auto()
    """It is the own address of a host, which is on the LAN of the fabric's subnet (`ipvlan.plan.lan`)."""
    GATEWAY = auto()
    SUBNET_NETWORK = auto()
    SUBNET_BROADCAST = auto()
    RESERVED = auto()
    DYNAMIC = auto()
    """Docker may assign it to a container that asks for no address."""


@dataclass(frozen=True, slots=True)
class Reason:
    """Why no container may have one address, and which key of the config says so."""

    cause: Cause
    key: str
    """The config key that takes the address: `fabric.gateway`, `fabric.reserved[0]`, `hosts.docker-2.slice`."""
    block: Block | None = None
    """What the key holds; None for single addresses."""
    host: str | None = None
    """The host that the key belongs to; None for a key of the fabric."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HostBlocks:
    """The blocks of one host."""

    slices: tuple[Block, ...]
    """Offsets count through them in this order."""
    dynamic: tuple[Block, ...]
    """What Docker may assign; empty where nothing is set aside for it."""
    static_only: bool
    """Whether Docker may assign nothing."""
    shim: bool

    @classmethod
    def from_config(cls, host: HostConfig) -> HostBlocks:
        """Return the blocks of a host of the config."""
        return cls(
            slices=(host.slice,),
            dynamic=(host.dynamic,) if isinstance(host.dynamic, IPNetwork) else (),
            static_only=host.dynamic == "none",
            shim=host.shim,
        )


def own_address(block: Block) -> IPAddress | None:
    """Return the address of a slice that is the host's own: the last one before the broadcast. None for a slice without room.

    In l3 and l3s Docker has it as the network's gateway; no route uses it. Left to itself Docker silently takes the first free
    address, .1, and a container that is to have it fails with "Address already in use" (measured with 26.1). In every mode it is
    the address of the host's shim.
    """
    return IPAddress(block.last - 1, block.version) if block.size >= SMALLEST_BLOCK_WITH_OWN_ADDRESS else None


class AddressSpace:
    """All addresses of a fabric. Containers are named by service and host."""

    def __init__(
        self,
        *,
        subnets: Sequence[Block],
        gateways: Sequence[IPAddress],
        reserved: Sequence[Block],
        mode: Mode,
        hosts: Mapping[str, HostBlocks],
        hosts_own: Mapping[str, IPAddress] | None = None,
    ) -> None:
        """Take what the fabric and its hosts have; no container has an address yet.

        `hosts_own` are the own addresses of the hosts that are on the fabric's LAN, by host.
        """
        self.mode: Final = mode
        self._subnets = tuple(subnets)
        self._gateways = tuple(gateways)
        self._routed = mode != "l2"
        self._hosts = hosts
        self._hosts_own = dict(hosts_own or {})
        self._slices = BlockIndex((block, name) for name in sorted(hosts) for block in hosts[name].slices)
        self._reserved = BlockIndex(
            (block, Reason(Cause.RESERVED, f"fabric.reserved[{number}]", block))
            for number, block in enumerate(reserved)
        )
        self._dynamic = BlockIndex(
            (block, Reason(Cause.DYNAMIC, f"hosts.{name}.dynamic", block, name))
            for name, host in hosts.items()
            for block in host.dynamic
        )
        self._of_fabric = _by_address(self._fabric_reasons())
        self._of_host = {name: _by_address(self._host_reasons(name)) for name in hosts}
        self._offsets = {name: _offsets(host.slices) for name, host in hosts.items()}
        self._addresses: dict[tuple[str, str], IPAddress] = {}
        self._holders: dict[IPAddress, list[tuple[str, str]]] = {}

    @classmethod
    def from_config(
        cls, fabric: FabricConfig, hosts: Mapping[str, HostConfig], services: Mapping[str, ServiceConfig]
    ) -> AddressSpace:
        """Return the address space of a config, whether its parts contradict each other or not.

        A container has no address where its service gives none, or an offset that the host's slices do not have.
        """
        space = cls(
            subnets=(fabric.subnet,),
            gateways=() if fabric.gateway is None else (fabric.gateway,),
            reserved=fabric.reserved,
            mode=fabric.mode,
            hosts={name: HostBlocks.from_config(host) for name, host in hosts.items()},
            hosts_own=own_addresses(fabric.subnet, fabric.mode, {name: host.address for name, host in hosts.items()}),
        )
        for host in hosts:
            for name, service in services.items():
                if not service.runs_on(host):
                    continue
                address = service.addresses.get(host)
                if address is None and service.offset is not None and service.offset in space.offsets(host):
                    address = space.at(host, service.offset)
                if address is not None:
                    space.assign(name, host, address)
        return space

    def assign(self, service: str, host: str, address: IPAddress) -> None:
        """Note that the container has the address, which others may have too."""
        self._addresses[service, host] = address
        self._holders.setdefault(address, []).append((service, host))

    def slices(self, host: str) -> tuple[Block, ...]:
        """Return the host's blocks."""
        return self._hosts[host].slices

    def slice_owner(self, address: IPAddress) -> str | None:
        """Return the host whose slice has the address; the one whose block begins last where slices overlap."""
        owners = self._slices.at(address)
        return owners[-1] if owners else None

    def overlapping_slices(self) -> Iterator[tuple[tuple[Block, str], tuple[Block, str]]]:
        """Yield each pair of overlapping slices of two hosts, each with its host, by where they begin."""
        return ((one, other) for one, other in self._slices.overlaps() if one[1] != other[1])

    def offsets(self, host: str) -> range:
        """Return the offsets that lead to an address of the host's slices, the edges of the slices left out."""
        return self._offsets[host]

    def at(self, host: str, offset: int) -> IPAddress | None:
        """Return the address at an offset of the host's slices.

        An offset that they do not have counts on behind the last block; None where the address family ends before it.
        """
        for block in self._hosts[host].slices[:-1]:
            if offset < block.size:
                return IPAddress(block.first + offset, block.version)
            offset -= block.size
        block = self._hosts[host].slices[-1]
        value = block.first + offset
        return IPAddress(value, block.version) if value.bit_length() <= WIDTH[block.version] else None

    def offset_of(self, address: IPAddress, host: str) -> int | None:
        """Return the offset of an address in the host's slices; None for an address of another host."""
        offset = 0
        for block in self._hosts[host].slices:
            if address in block:
                return offset + int(address) - int(block.first)
            offset += block.size
        return None

    def address(self, service: str, host: str) -> IPAddress | None:
        """Return the container's address."""
        return self._addresses.get((service, host))

    def holders(self, address: IPAddress) -> Sequence[tuple[str, str]]:
        """Return service and host of each container that has the address."""
        return self._holders.get(address, ())

    def shared(self) -> Iterator[tuple[IPAddress, Sequence[tuple[str, str]]]]:
        """Yield each address that several containers have, with their services and hosts."""
        return ((address, holders) for address, holders in self._holders.items() if len(holders) > 1)

    def own_address(self, host: str) -> IPAddress | None:
        """Return the address for the host's shim, and in l3 and l3s for Docker: see `own_address`.

        It is in the first block, so that further blocks do not move it.
        """
        return own_address(self._hosts[host].slices[0])

    def gateway(self, host: str) -> IPAddress | None:
        """Return the gateway of Docker's network on the host: the fabric's, in l3 and l3s the host's own address."""
        if self._routed and (own := self.own_address(host)) is not None:
            return own
        return next(iter(self._gateways), None)

    def reasons(self, address: IPAddress, host: str | None = None) -> Iterator[Reason]:
        """Yield every reason why no container of the host may have the address.

        Without a host, ask for the host whose slice has the address. That other containers have the address is no reason here.
        """
        if host is None:
            host = self.slice_owner(address)
        if host is None or not any(address in block for block in self._hosts[host].slices):
            yield self._misplaced(address)
        if host is not None:
            yield from self._of_host[host].get(address, ())
        yield from self._of_fabric.get(address, ())
        yield from self._reserved.at(address)
        yield from self._dynamic.at(address)

    def unusable(self, address: IPAddress, host: str) -> Reason | None:
        """Return the first reason why no container of the host may have the address; None where one may."""
        return next(self.reasons(address, host), None)

    def is_free(self, address: IPAddress, host: str) -> bool:
        """Return whether a further container of the host may have the address."""
        return address not in self._holders and self.unusable(address, host) is None

    def usable(self, host: str) -> IPSet:
        """Return the addresses that containers of the host may have, taken or not."""
        taken: list[Block | IPAddress] = [*self._of_fabric, *self._of_host[host]]
        for block in self._hosts[host].slices:
            taken += [entry for index in (self._reserved, self._dynamic) for entry, _ in index.overlapping(block)]
        return set_of(self._hosts[host].slices) - set_of(taken)

    def free(self, host: str) -> IPSet:
        """Return the addresses that further containers of the host may have."""
        return self.usable(host) - set_of(
            address for address in self._holders if any(address in block for block in self._hosts[host].slices)
        )

    def inside(self, host: str) -> int:
        """Return how many addresses the host's slices have, their edges left out."""
        return sum(
            block.size - len({network_address(block), broadcast_address(block)} - {None})
            for block in self._hosts[host].slices
        )

    def assignable(self, address: IPAddress, host: str) -> bool:
        """Return whether the config lets Docker assign the address on that host."""
        blocks = self._hosts[host]
        if blocks.static_only or self._reserved.at(address) or address in self._hosts_own.values():
            return False
        return any(address in block for block in blocks.dynamic or blocks.slices)

    def free_blocks(self, prefixlen: int) -> Iterator[IPNetwork]:
        """Yield the subnets of that length without an address of a host, a gateway or a reservation, lowest first."""
        taken = [*self._slices.blocks(), *self._reserved.blocks(), *self._gateways, *self._hosts_own.values()]
        for free in (set_of(self._subnets) - set_of(taken)).iter_cidrs():
            if free.prefixlen <= prefixlen:
                yield from free.subnet(prefixlen)

    def assigned_blocks(self, prefixlen: int) -> int:
        """Return how many subnets of that length have an address of a host's slice."""
        return len(subnets_of(self._slices.blocks(), prefixlen))

    def _misplaced(self, address: IPAddress) -> Reason:
        if (owner := self.slice_owner(address)) is not None:
            block = next(block for block in self._hosts[owner].slices if address in block)
            return Reason(Cause.OTHER_SLICE, f"hosts.{owner}.slice", block, owner)
        inside = any(address in subnet for subnet in self._subnets)
        return Reason(Cause.UNASSIGNED if inside else Cause.OUTSIDE_SUBNET, "fabric.subnet", self._subnets[0])

    def _fabric_reasons(self) -> Iterator[tuple[IPAddress | None, Reason]]:
        for name, address in self._hosts_own.items():
            yield address, Reason(Cause.HOST, f"hosts.{name}.address", host=name)
        for gateway in self._gateways:
            yield gateway, Reason(Cause.GATEWAY, "fabric.gateway")
        for subnet in self._subnets:
            yield network_address(subnet), Reason(Cause.SUBNET_NETWORK, "fabric.subnet", subnet)
            yield broadcast_address(subnet), Reason(Cause.SUBNET_BROADCAST, "fabric.subnet", subnet)

    def _host_reasons(self, name: str) -> Iterator[tuple[IPAddress | None, Reason]]:
        host, own = self._hosts[name], self.own_address(name)
        key = f"hosts.{name}.slice"
        for block in host.slices:
            yield network_address(block), Reason(Cause.SLICE_NETWORK, key, block, name)
            yield broadcast_address(block), Reason(Cause.SLICE_BROADCAST, key, block, name)
        if self._routed:
            yield own, Reason(Cause.DOCKER, "fabric.mode", host.slices[0], name)
        if host.shim:
            yield own, Reason(Cause.SHIM, f"hosts.{name}.shim", host.slices[0], name)


def _by_address(entries: Iterable[tuple[IPAddress | None, Reason]]) -> Mapping[IPAddress, list[Reason]]:
    reasons: dict[IPAddress, list[Reason]] = {}
    for address, reason in entries:
        if address is not None:
            reasons.setdefault(address, []).append(reason)
    return reasons


def _offsets(slices: Sequence[Block]) -> range:
    last = sum(block.size for block in slices) - (broadcast_address(slices[-1]) is not None)
    return range(1, last)
