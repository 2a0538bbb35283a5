"""What other stacks of the project have of the addresses that `allocate` may give out.

On one link that is all that a stack has; what it reserves is not its own, since reservations keep it from what others have. On one
machine with one Docker, and fabrics of the same subnet, it is all that the other stack has on that machine: Docker has one register
of addresses per subnet, also across VLANs. These are the cases of which `ipvlan plan` warns (`ipvlan.plan.clashes`).

Out of scope: what this stack has itself (`ipvlan.plan.address_space`), and reading the others (`ipvlan.plan.neighbours`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from netaddr import IPNetwork, IPSet

from ipvlan.config.models import StackConfig
from ipvlan.plan.blocks import Block, BlockIndex, set_of
from ipvlan.plan.clashes import Neighbour
from ipvlan.plan.links import Fabric, is_one_daemon, on_one_link, same_machines
from ipvlan.plan.model import HostPlan

_Entries = list[tuple[Block, str]]
"""Blocks, each with the stack that has it."""


class TakenElsewhere:
    """The addresses that other stacks have, for each host of a config."""

    def __init__(self, config: StackConfig, neighbours: Iterable[Neighbour] = ()) -> None:
        """Take what each neighbour has on the links and machines of the config's hosts."""
        own = Fabric.of_config(config)
        shared_held: _Entries = []
        shared_slices: _Entries = []
        held: dict[str, _Entries] = {}
        slices: dict[str, _Entries] = {}
        for neighbour in neighbours:
            stack, other = neighbour.stack, Fabric.of_plan(neighbour.plan)
            if on_one_link(own, other):
                for host in neighbour.plan.hosts:
                    shared_held += [(block, stack) for block in (*_addresses(host), *_others(host))]
                    shared_slices += [(block, stack) for block in host.slices]
                continue
            for name, other_name in same_machines(own, other):
                host = neighbour.plan.host(other_name)
                if not is_one_daemon(own.hosts[name], host):
                    continue
                one_register = own.subnet == other.subnet
                blocks = (*_addresses(host), *(_others(host) if one_register else ()))
                held.setdefault(name, []).extend((block, stack) for block in blocks)
                slices.setdefault(name, []).extend((block, stack) for block in host.slices if one_register)
        self._held = BlockIndex(shared_held), {name: BlockIndex(entries) for name, entries in held.items()}
        self._slices = BlockIndex(shared_slices), {name: BlockIndex(entries) for name, entries in slices.items()}

    def held(self, host: str, blocks: Sequence[Block]) -> IPSet:
        """Return the addresses of the blocks that something of another stack has, or Docker may assign for it, on the host."""
        return set_of({block for block, _ in _overlapping(self._held, [host], blocks)})

    def all(self, hosts: Sequence[str], blocks: Sequence[Block]) -> IPSet:
        """Return the addresses of the blocks that `held` has for any of the hosts, and those in slices of other stacks."""
        indexes = (self._held, self._slices)
        return set_of({block for index in indexes for block, _ in _overlapping(index, hosts, blocks)})

    def stacks(self, hosts: Sequence[str], blocks: Sequence[Block]) -> list[str]:
        """Return the stacks that have addresses of the blocks, for any of the hosts, sorted."""
        indexes = (self._held, self._slices)
        return sorted({stack for index in indexes for _, stack in _overlapping(index, hosts, blocks)})


def _overlapping(
    indexes: tuple[BlockIndex[str], dict[str, BlockIndex[str]]], hosts: Sequence[str], blocks: Sequence[Block]
) -> Iterator[tuple[Block, str]]:
    shared, by_host = indexes
    for index in (shared, *(by_host[host] for host in hosts if host in by_host)):
        for block in blocks:
            yield from index.overlapping(block)


def _addresses(host: HostPlan) -> Iterator[Block]:
    """Yield the addresses of the host's containers and shim."""
    yield from (IPNetwork(container.fabric_address) for container in host.on_fabric)
    if host.shim is not None:
        yield IPNetwork(host.shim.address)


def _others(host: HostPlan) -> Iterator[Block]:
    """Yield what else is in use there: the host itself, the gateway, and what is set aside for Docker."""
    yield IPNetwork(host.address)
    if host.network.gateway is not None:
        yield IPNetwork(host.network.gateway)
    if host.dynamic is not None:
        yield host.dynamic
