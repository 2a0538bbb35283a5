"""The addresses of a fabric: which exist, which a container may have and why not, who has which, which are free.

Every rule about a single address is here. The rules turn a reason into a problem, `allocate` takes what is free, the usage counts,
and the comparison with the hosts asks which addresses Docker may assign. A host may have several blocks, or none, and a fabric
several subnets, of either address family; today's config has one subnet, IPv4.

Out of scope: texts for people, and reading a config.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from netaddr import IPAddress, IPNetwork, IPSet

from ipvlan.config.models import FabricConfig, HostConfig, Mode, ServiceConfig
from ipvlan.plan.blocks import (
    Block,
    BlockIndex,
    broadcast_address,
    count_subnets,
    destinations,
    has_edges,
    network_address,
    set_of,
)
from ipvlan.plan.host_blocks import HostBlocks, own_address
from ipvlan.plan.lan import own_addresses
from ipvlan.plan.offsets import Offsets
from ipvlan.plan.reasons import Cause, Reason


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
        self._slices = BlockIndex(
            (block, name) for name in sorted(hosts) for block in dict.fromkeys(hosts[name].slices)
        )
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
        self._offsets = {name: Offsets(host.slices) for name, host in hosts.items()}
        self._addresses: dict[tuple[str, str], IPAddress] = {}
        self._holders: dict[IPAddress, list[tuple[str, str]]] = {}
        self._on: dict[str, list[IPAddress]] = {}
        self._explicit: set[tuple[IPAddress, str]] = set()
        # Computed when they are asked for, and again after an assignment.
        self._held: list[tuple[int, int]] = []
        self._free: dict[str, IPSet] = {}
        self._elsewhere: dict[str, IPSet] = {}
        self._in_no_slice: IPSet | None = None

    @classmethod
    def from_config(
        cls, fabric: FabricConfig, hosts: Mapping[str, HostConfig], services: Mapping[str, ServiceConfig]
    ) -> AddressSpace:
        """Return the address space of a config, whether its parts contradict each other or not.

        A container has no address where its service gives none, or an offset that the host's slices do not have; and where the
        service is not on the fabric, whatever it gives.
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
                if not (service.fabric and service.runs_on(host)):
                    continue
                address = service.addresses.get(host)
                if address is not None:
                    space.assign(name, host, address, explicit=True)
                elif service.offset is not None and service.offset in space.offsets(host).all:
                    address = space.offsets(host).at(service.offset)
                    if address is not None:
                        space.assign(name, host, address)
        return space

    def assign(self, service: str, host: str, address: IPAddress, *, explicit: bool = False) -> None:
        """Note that the container has the address, which others may have too; `explicit` is one that the config has in full."""
        self._addresses[service, host] = address
        self._on.setdefault(host, []).append(address)
        self._held, self._free, self._elsewhere, self._in_no_slice = [], {}, {}, None
        if explicit:
            self._explicit.add((address, host))
        self._holders.setdefault(address, []).append((service, host))

    @property
    def hosts(self) -> tuple[str, ...]:
        """The names of all hosts."""
        return tuple(self._hosts)

    @property
    def is_lan(self) -> bool:
        """Whether the subnet is that of a LAN which hosts are on themselves: nothing of the fabric can enlarge it."""
        return bool(self._hosts_own)

    @property
    def has_reservations(self) -> bool:
        """Whether addresses are reserved."""
        return bool(self._reserved.blocks())

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

    def dynamic(self, host: str) -> tuple[Block, ...]:
        """Return what is set aside for Docker on the host."""
        return self._hosts[host].dynamic

    def assigned(self, host: str) -> tuple[Block, ...]:
        """Return the blocks out of which Docker may assign addresses on the host."""
        return self._hosts[host].assigned

    def offsets(self, host: str) -> Offsets:
        """Return the offsets of the host's slices."""
        return self._offsets[host]

    def destinations(self, host: str) -> tuple[IPNetwork, ...]:
        """Return what a route to the host's containers leads to: its slices, and each of their addresses outside of them.

        On a LAN not to what is a machine of the LAN itself: the gateway, the hosts, what is reserved, and the edges of the subnet.
        """
        blocks: tuple[Block, ...] = self._hosts[host].slices
        if self._hosts_own:
            blocks = tuple((set_of(blocks) - set_of(self._machines_in(blocks))).iter_cidrs())
        return destinations(blocks, self._on.get(host, ()))

    def address(self, service: str, host: str) -> IPAddress | None:
        """Return the container's address."""
        return self._addresses.get((service, host))

    def holders(self, address: IPAddress) -> Sequence[tuple[str, str]]:
        """Return service and host of each container that has the address."""
        return self._holders.get(address, ())

    def shared(self) -> Iterator[tuple[IPAddress, Sequence[tuple[str, str]]]]:
        """Yield each address that several containers have, with their services and hosts."""
        return ((address, holders) for address, holders in self._holders.items() if len(holders) > 1)

    def shim(self, host: str) -> IPAddress | None:
        """Return the address of the host's shim; None where it has none."""
        return self._hosts[host].shim

    def gateway(self, host: str) -> IPAddress | None:
        """Return the gateway of Docker's network on the host: the fabric's; in l3 and l3s an address of Docker's own.

        That is the host's own address (`own_address`), or without one the last address of the subnet that a container could have.
        """
        if not self._routed:
            return next(iter(self._gateways), None)
        subnet = self._subnets[0]
        last = IPAddress(subnet.last - (broadcast_address(subnet) is not None), subnet.version)
        return own_address(self._hosts[host].slices) or last

    def withheld(self, host: str) -> IPAddress | None:
        """Return the address that keeps Docker from assigning any on the host: in l2 with `dynamic: none` the first of the slice.

        None where the gateway does the same, which Docker has itself: in l3 and l3s; where the slice is not one subnet; and where
        the first address is the subnet's own, the gateway's, or explicitly a container's.
        """
        blocks = self._hosts[host]
        if self._routed or not blocks.static_only or len(blocks.slices) != 1 or not has_edges(blocks.slices[0]):
            return None
        first = IPAddress(blocks.slices[0].first, blocks.slices[0].version)
        taken = first in self._gateways or first in map(network_address, self._subnets)
        return None if taken or (first, host) in self._explicit else first

    def reasons(self, address: IPAddress, host: str | None = None) -> Iterator[Reason]:
        """Yield every reason why no container of the host may have the address.

        An address that is in no host's slice may be a container's on any host, as long as the config has it explicitly. Without a
        host, ask for the host whose slice has the address. That other containers have the address is no reason here.
        """
        known = host is not None
        if host is None:
            host = self.slice_owner(address)
        if host is None or not any(address in block for block in self._hosts[host].slices):
            reason = self._misplaced(address)
            if not known or reason.cause is not Cause.UNASSIGNED:
                yield reason
        if host is not None:
            yield from self._of_host[host].get(address, ())
            if address == self.withheld(host):
                yield Reason(Cause.WITHHELD, f"hosts.{host}.dynamic", self._hosts[host].slices[0], host)
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
        """Return the addresses of the host's slices that its containers may have, taken or not."""
        return self._without_reasons(self._hosts[host].slices, host)

    def free(self, host: str) -> IPSet:
        """Return the addresses of the host's slices that further containers may have."""
        if host not in self._free:
            self._free[host] = self.usable(host) - set_of(self._held_in(self._hosts[host].slices))
        return self._free[host]

    def free_elsewhere(self, host: str) -> IPSet:
        """Return the addresses in no host's slice that further containers of the host may have explicitly."""
        if self._in_no_slice is None:
            self._in_no_slice = set_of(self._subnets) - set_of((*self._slices.blocks(), *self._holders))
        if host not in self._elsewhere:
            self._elsewhere[host] = self._without_reasons(self._subnets, host) & self._in_no_slice
        return self._elsewhere[host]

    def edges(self, host: str) -> set[IPAddress]:
        """Return the first and last address of each of the host's slices that is a subnet."""
        blocks = self._hosts[host].slices
        return {
            address for block in blocks for address in (network_address(block), broadcast_address(block)) if address
        }

    def inside(self, host: str) -> int:
        """Return how many addresses the host's slices have, without the edges that no container could have in any config."""
        slices = self._hosts[host].slices
        edges = self.edges(host) if self._routed else set()
        edges |= {
            address
            for subnet in self._subnets
            for address in (network_address(subnet), broadcast_address(subnet))
            if address
        }
        return int((set_of(slices) - set_of(edges)).size)

    def assignable(self, address: IPAddress, host: str) -> bool:
        """Return whether the config lets Docker assign the address on that host."""
        if self._reserved.at(address) or address in self._hosts_own.values():
            return False
        return any(address in block for block in self._hosts[host].assigned)

    def free_blocks(self, prefixlen: int, avoid: Iterable[Block | IPAddress] = ()) -> Iterator[IPNetwork]:
        """Yield the subnets of that length in which nothing has an address yet, lowest first.

        Nothing is: a host, a gateway, a reservation, a shim, a container, and what else is to be avoided.
        """
        for free in self._unassigned(avoid).iter_cidrs():
            if free.prefixlen <= prefixlen:
                yield from free.subnet(prefixlen)

    def count_free_blocks(self, prefixlen: int, avoid: Iterable[Block | IPAddress] = ()) -> int:
        """Return how many subnets `free_blocks` yields."""
        free = self._unassigned(avoid).iter_cidrs()
        return sum(2 ** (prefixlen - cidr.prefixlen) for cidr in free if cidr.prefixlen <= prefixlen)

    def assigned_blocks(self, prefixlen: int) -> int:
        """Return how many subnets of that length have an address of a host's slice."""
        return sum(count_subnets(self._slices.blocks(), prefixlen, subnet) for subnet in self._subnets)

    def _unassigned(self, avoid: Iterable[Block | IPAddress]) -> IPSet:
        shims = [host.shim for host in self._hosts.values() if host.shim is not None]
        taken = [
            *(*self._slices.blocks(), *self._reserved.blocks()),
            *(*self._gateways, *self._hosts_own.values(), *shims, *self._holders, *avoid),
        ]
        return set_of(self._subnets) - set_of(taken)

    def _machines_in(self, blocks: Iterable[Block]) -> Iterator[Block | IPAddress]:
        """Yield what may be machines of the LAN in the blocks, and the edges of the subnet."""
        yield from (*self._gateways, *self._hosts_own.values())
        for subnet in self._subnets:
            yield from filter(None, (network_address(subnet), broadcast_address(subnet)))
        for block in blocks:
            yield from (entry for entry, _ in self._reserved.overlapping(block))

    def _held_in(self, blocks: Iterable[Block]) -> Iterator[IPAddress]:
        """Yield the addresses of the blocks that containers have."""
        if len(self._held) != len(self._holders):
            self._held = sorted((address.version, int(address)) for address in self._holders)
        for block in blocks:
            begin = bisect_left(self._held, (block.version, block.first))
            end = bisect_right(self._held, (block.version, block.last))
            yield from (IPAddress(value, block.version) for _, value in self._held[begin:end])

    def _without_reasons(self, blocks: Iterable[Block], host: str) -> IPSet:
        taken: list[Block | IPAddress] = [*self._of_fabric, *self._of_host[host]]
        if (withheld := self.withheld(host)) is not None:
            taken.append(withheld)
        for block in blocks:
            taken += [entry for index in (self._reserved, self._dynamic) for entry, _ in index.overlapping(block)]
        return set_of(blocks) - set_of(taken)

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
        for name in self._hosts:
            if not self._has_own_shim(name):
                yield self.shim(name), self._shim_reason(name)

    def _host_reasons(self, name: str) -> Iterator[tuple[IPAddress | None, Reason]]:
        for block in self._hosts[name].slices if self._routed else ():
            yield network_address(block), Reason(Cause.SLICE_NETWORK, f"hosts.{name}.slice", block, name)
            yield broadcast_address(block), Reason(Cause.SLICE_BROADCAST, f"hosts.{name}.slice", block, name)
        if self._routed:
            yield self.gateway(name), Reason(Cause.DOCKER, "fabric.mode", host=name)
        if self._has_own_shim(name):
            yield self.shim(name), self._shim_reason(name)

    def _has_own_shim(self, name: str) -> bool:
        """Return whether the host's shim is in its own slice, where other hosts' containers have no address anyway."""
        address = self.shim(name)
        return address is not None and any(address in block for block in self._hosts[name].slices)

    def _shim_reason(self, name: str) -> Reason:
        return Reason(Cause.SHIM, f"hosts.{name}.shim", host=name)


def _by_address(entries: Iterable[tuple[IPAddress | None, Reason]]) -> Mapping[IPAddress, list[Reason]]:
    reasons: dict[IPAddress, list[Reason]] = {}
    for address, reason in entries:
        if address is not None:
            reasons.setdefault(address, []).append(reason)
    return reasons
