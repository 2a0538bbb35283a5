"""Decides what a config does not have yet: a slice for each host, an offset for each service.

The choice is deterministic: entries in the order of the file, each the lowest that is free. What is there is never changed.

Out of scope: writing the file (`ipvlan.config.yaml_edit`), and which addresses are free (`ipvlan.plan.address_space`) and not of
another stack (`ipvlan.plan.taken_elsewhere`).
"""

from __future__ import annotations

import copy
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from typing import Any

from netaddr import IPNetwork

from ipvlan.config.load import Reading, read_config
from ipvlan.config.models import FabricConfig, ServiceConfig, StackConfig
from ipvlan.config.shared_file import with_common
from ipvlan.config.yaml_file import Folder
from ipvlan.plan.address_space import AddressSpace
from ipvlan.plan.blocks import set_of
from ipvlan.plan.clashes import Neighbour
from ipvlan.plan.make import make_plan
from ipvlan.plan.offsets import common, each
from ipvlan.plan.room import SMALLEST_SLICE, more_addresses, more_slices
from ipvlan.plan.taken_elsewhere import TakenElsewhere
from ipvlan.plan.validate import well_formed
from ipvlan.problems import ConfigError, Problem, shorten


@dataclass(frozen=True, slots=True)
class Allocation:
    """One key that was missing, and its value."""

    section: str
    """`hosts` or `services`."""
    entry: str
    """The host's or service's name."""
    key: str
    """`slice` or `offset`."""
    value: str | int


def allocate(raw: Mapping[str, object], folder: Folder, neighbours: Sequence[Neighbour] = ()) -> list[Allocation]:
    """Return what is missing in the config, decided.

    Args:
        raw: The sections, and `common`, as `ipvlan.config.load.read_config` takes them.
        folder: Where the shared file is.
        neighbours: The other stacks of the project; what they have on the same link or machine is not given out.

    Raises:
        ConfigError: There is no room, or something else is wrong with the config.
    """
    sections, problems = with_common(raw, folder)
    if problems:
        raise ConfigError(problems)
    reading = read_config(raw, folder)
    if not reading.fabric_read or any(problem.key.startswith("fabric") for problem in reading.problems):
        # Without the fabric nothing can be decided.
        well_formed(reading)
    elsewhere = TakenElsewhere(reading.config, neighbours)
    slices = _slices(reading.config, _without_slice(sections["hosts"], reading.config), elsewhere)
    if slices:
        reading = read_config(filled(raw, slices), folder)
    offsets = _offsets(reading.config, elsewhere)
    # Whatever else is wrong is reported before anything is written on top of it.
    make_plan(well_formed(_with_offsets(reading, offsets)))
    return slices + offsets


def filled(raw: Mapping[str, object], allocations: Sequence[Allocation]) -> dict[str, Any]:
    """Return the config with the allocations in it."""
    content: dict[str, Any] = copy.deepcopy(dict(raw))
    for allocation in allocations:
        section = content.get(allocation.section)
        if not isinstance(section, dict):
            section = content[allocation.section] = {}
        section.setdefault(allocation.entry, {})[allocation.key] = allocation.value
    return content


def _without_slice(hosts: object, config: StackConfig) -> list[str]:
    """Return the hosts that have keys, and no slice among them; not those whose containers all have addresses without one."""
    if not isinstance(hosts, Mapping):
        return []
    missing = [str(name) for name, entry in hosts.items() if isinstance(entry, Mapping) and entry.get("slice") is None]
    return [name for name in missing if not _is_explicit(config, name)]


def _is_explicit(config: StackConfig, host: str) -> bool:
    """Return whether the host has containers on the fabric, all with an address in `addresses`, and nothing is to be set aside."""
    services = [service for service in config.services.values() if service.fabric and service.runs_on(host)]
    with_range = host in config.hosts and isinstance(config.hosts[host].dynamic, IPNetwork)
    return bool(services) and all(host in service.addresses for service in services) and not with_range


def _slices(config: StackConfig, names: Sequence[str], elsewhere: TakenElsewhere) -> list[Allocation]:
    if not names:
        return []
    fabric = config.fabric
    if fabric.slice_prefix < fabric.subnet.prefixlen:
        raise ConfigError(
            [
                Problem(
                    code="IPF601",
                    key="fabric.slice_prefix",
                    value=str(fabric.slice_prefix),
                    problem=f"a /{fabric.slice_prefix} is larger than the subnet {fabric.subnet}",
                    effect="no slice of that size exists",
                    fix=f"write a number from {fabric.subnet.prefixlen} to {SMALLEST_SLICE}"
                    if fabric.subnet.prefixlen <= SMALLEST_SLICE
                    else f"write hosts.{names[0]}.slice yourself: allocate writes no slice smaller than a /{SMALLEST_SLICE}",
                )
            ]
        )
    space = AddressSpace.from_config(fabric, config.hosts, config.services)
    own = [host.address for host in config.hosts.values()]
    # What is taken for one of the hosts is left out for all of them, so that the order of the file decides.
    others = elsewhere.all(names, [fabric.subnet])
    free = space.free_blocks(fabric.slice_prefix, [*own, *others.iter_cidrs()])
    allocations = [Allocation("hosts", name, "slice", str(block)) for name, block in zip(names, free, strict=False)]
    if len(allocations) < len(names):
        by_others = space.count_free_blocks(fabric.slice_prefix, own) - len(allocations)
        stacks = elsewhere.stacks(names, [fabric.subnet])
        raise ConfigError([_subnet_is_full(fabric, space, names, len(allocations), _Others(by_others, stacks))])
    return allocations


@dataclass(frozen=True, slots=True)
class _Others:
    """What is missing because other stacks have it."""

    count: int
    stacks: Sequence[str]

    def text(self, before: str, after: str) -> str:
        """Return how many there are, between two texts; nothing where there are none."""
        return f"{before}{self.count}{after} ({', '.join(map(shorten, self.stacks))})" if self.count else ""


def _subnet_is_full(
    fabric: FabricConfig, space: AddressSpace, names: Sequence[str], free: int, others: _Others
) -> Problem:
    total = 2 ** (fabric.slice_prefix - fabric.subnet.prefixlen)
    held = space.assigned_blocks(fabric.slice_prefix)
    return Problem(
        code="IPF602",
        key="fabric.subnet",
        value=str(fabric.subnet),
        problem=f"it is full: of its {total} slices of /{fabric.slice_prefix}, {held} belong to hosts, "
        f"{total - held - others.count - free} contain the gateway, reserved or other addresses that are taken, "
        f"{others.text('', ' contain addresses of other stacks on the link')}{', ' if others.count else ''}"
        f"{free} are free, and {len(names)} {'host has' if len(names) == 1 else 'hosts have'} none ({', '.join(names[:5])}"
        f"{', ...' if len(names) > 5 else ''})",
        effect="this host can run no container" if len(names) == 1 else "these hosts can run no container",
        fix=more_slices(fabric, space, names),
    )


def _offsets(config: StackConfig, elsewhere: TakenElsewhere) -> list[Allocation]:
    space = AddressSpace.from_config(config.fabric, config.hosts, config.services)
    used = {service.offset for service in config.services.values() if service.fabric and service.offset is not None}
    choice = _Choice(space, elsewhere)
    allocations: list[Allocation] = []
    for name, service in config.services.items():
        hosts = _hosts_by_offset(config, service)
        # A host without a slice is reported, and no offset leads to an address there.
        if service.offset is not None or not hosts or not all(space.slices(host) for host in hosts):
            continue
        offset = choice.lowest(hosts, used)
        if offset is None:
            raise ConfigError([_no_offset(space, name, hosts, elsewhere)])
        used.add(offset)
        for host in hosts:
            address = space.offsets(host).at(offset)
            if address is not None:
                space.assign(name, host, address)
        allocations.append(Allocation("services", name, "offset", offset))
    return allocations


def _hosts_by_offset(config: StackConfig, service: ServiceConfig) -> list[str]:
    """Return the hosts on which the service has the address of its offset; none for a service that is not on the fabric."""
    if not service.fabric:
        return []
    return [host for host in config.hosts if service.runs_on(host) and host not in service.addresses]


class _Choice:
    """Chooses offsets out of what is usable on hosts, which is found once for each host."""

    def __init__(self, space: AddressSpace, elsewhere: TakenElsewhere) -> None:
        self._space = space
        self._elsewhere = elsewhere
        self._usable: dict[tuple[str, bool, bool], list[range]] = {}
        self._shared: dict[tuple[tuple[str, ...], bool, bool], list[range]] = {}

    def lowest(self, hosts: Sequence[str], used: Collection[int]) -> int | None:
        """Return the lowest offset that is free on all the hosts; one that no other service has, if there is one.

        With an offset of its own a service can run on further hosts later, whatever runs there. The first and last address of a
        slice that is a subnet are taken late: in l3 no container can have them, and people do not expect one there. Last come
        addresses in a slice of another stack which nothing of it has: two stacks may have one slice, for one is up at a time.
        """
        for in_others, edges in ((False, False), (False, True), (True, False), (True, True)):
            runs = self._common(tuple(hosts), edges=edges, in_others=in_others)
            for unused in (True, False):
                # Each offset that is passed over is one that a service has: few, whatever the size of the slices.
                for offset in each(runs):
                    if not (unused and offset in used) and self._is_free(hosts, offset):
                        return offset
        return None

    def _common(self, hosts: tuple[str, ...], *, edges: bool, in_others: bool) -> list[range]:
        """Return what is usable on all the hosts, found once for each set of them: most services run on the same ones."""
        if (hosts, edges, in_others) not in self._shared:
            runs = (self._runs(host, edges=edges, in_others=in_others) for host in hosts)
            self._shared[hosts, edges, in_others] = reduce(common, runs)
        return self._shared[hosts, edges, in_others]

    def _runs(self, host: str, *, edges: bool, in_others: bool) -> list[range]:
        if (host, edges, in_others) not in self._usable:
            slices = self._space.slices(host)
            others = self._elsewhere.held(host, slices) if in_others else self._elsewhere.all([host], slices)
            usable = self._space.usable(host) - others - (set_of([]) if edges else set_of(self._space.edges(host)))
            self._usable[host, edges, in_others] = self._space.offsets(host).runs(usable)
        return self._usable[host, edges, in_others]

    def _is_free(self, hosts: Sequence[str], offset: int) -> bool:
        addresses = (self._space.offsets(host).at(offset) for host in hosts)
        return not any(address is not None and self._space.holders(address) for address in addresses)


def _no_offset(space: AddressSpace, name: str, hosts: Sequence[str], elsewhere: TakenElsewhere) -> Problem:
    of_others = {host: space.free(host) & elsewhere.held(host, space.slices(host)) for host in hosts}
    # The smallest slice, of those in which other stacks have something if there are such.
    smallest = min(hosts, key=lambda host: (not of_others[host].size, len(space.offsets(host).all)))
    others = _Others(of_others[smallest].size, elsewhere.stacks([smallest], space.slices(smallest)))
    usable = space.usable(smallest).size
    inside = space.inside(smallest)
    return Problem(
        code="IPF603",
        key=f"services.{name}.offset",
        value="",
        problem=f"no offset is free on {'its only host' if len(hosts) == 1 else f'all of its {len(hosts)} hosts'}: the slice "
        f"{', '.join(map(str, space.slices(smallest)))} of {smallest} has {inside} addresses, "
        f"{usable - space.free(smallest).size} of containers"
        f"{others.text(', ', ' of other stacks')} and {inside - usable} reserved, dynamic, or the gateway's or shim's",
        effect="the service has no address",
        fix=more_addresses(space, smallest)
        + (f", or run the service on fewer hosts (services.{name}.hosts)" if len(hosts) > 1 else ""),
    )


def _with_offsets(reading: Reading, allocations: Sequence[Allocation]) -> Reading:
    services = dict(reading.config.services)
    for allocation in allocations:
        services[allocation.entry] = services[allocation.entry].model_copy(update={"offset": allocation.value})
    return replace(reading, config=reading.config.model_copy(update={"services": services}))
