"""Decides what a config does not have yet: a slice for each host, an offset for each service.

The choice is deterministic: entries in the order of the file, each the lowest that is free. What is there is never changed.

Out of scope: writing the file (`ipvlan.config.yaml_edit`), and which addresses are free (`ipvlan.plan.address_space`).
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ipvlan.config.load import Reading, read_config
from ipvlan.config.models import FabricConfig, ServiceConfig, StackConfig
from ipvlan.config.shared_file import with_common
from ipvlan.config.yaml_file import Folder
from ipvlan.plan.address_space import AddressSpace
from ipvlan.plan.make import make_plan
from ipvlan.plan.validate import well_formed
from ipvlan.problems import ConfigError, Problem


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


def allocate(raw: Mapping[str, object], folder: Folder) -> list[Allocation]:
    """Return what is missing in the config, decided.

    Args:
        raw: The sections, and `common`, as `ipvlan.config.load.read_config` takes them.
        folder: Where the shared file is.

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
    slices = _slices(reading.config, _without_slice(sections["hosts"]))
    if slices:
        reading = read_config(filled(raw, slices), folder)
    offsets = _offsets(reading.config)
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


def _without_slice(hosts: object) -> list[str]:
    """Return the hosts that have keys, and no slice among them."""
    if not isinstance(hosts, Mapping):
        return []
    return [str(name) for name, entry in hosts.items() if isinstance(entry, Mapping) and entry.get("slice") is None]


def _slices(config: StackConfig, names: Sequence[str]) -> list[Allocation]:
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
                    fix=f"write a number from {fabric.subnet.prefixlen} to 30",
                )
            ]
        )
    space = AddressSpace.from_config(fabric, config.hosts, {})
    free = space.free_blocks(fabric.slice_prefix)
    allocations = [Allocation("hosts", name, "slice", str(block)) for name, block in zip(names, free, strict=False)]
    if len(allocations) < len(names):
        raise ConfigError([_subnet_is_full(fabric, space, names, len(allocations))])
    return allocations


def _subnet_is_full(fabric: FabricConfig, space: AddressSpace, names: Sequence[str], free: int) -> Problem:
    total = 2 ** (fabric.slice_prefix - fabric.subnet.prefixlen)
    held = space.assigned_blocks(fabric.slice_prefix)
    return Problem(
        code="IPF602",
        key="fabric.subnet",
        value=str(fabric.subnet),
        problem=f"it is full: of its {total} slices of /{fabric.slice_prefix}, {held} belong to hosts, "
        f"{total - held - free} contain the gateway or reserved addresses, {free} are free, and "
        f"{len(names)} hosts have none ({', '.join(names[:5])}{', ...' if len(names) > 5 else ''})",
        effect="these hosts can run no container",
        fix="enlarge fabric.subnet, or raise fabric.slice_prefix for smaller slices",
    )


def _offsets(config: StackConfig) -> list[Allocation]:
    space = AddressSpace.from_config(config.fabric, config.hosts, config.services)
    used = {service.offset for service in config.services.values() if service.offset is not None}
    allocations: list[Allocation] = []
    for name, service in config.services.items():
        hosts = _hosts_by_offset(config, service)
        if service.offset is not None or not hosts:
            continue
        offset = _free_offset(space, hosts, used)
        if offset is None:
            raise ConfigError([_no_offset(space, name, hosts)])
        used.add(offset)
        for host in hosts:
            address = space.at(host, offset)
            if address is not None:
                space.assign(name, host, address)
        allocations.append(Allocation("services", name, "offset", offset))
    return allocations


def _hosts_by_offset(config: StackConfig, service: ServiceConfig) -> list[str]:
    """Return the hosts on which the service has the address of its offset."""
    return [host for host in config.hosts if service.runs_on(host) and host not in service.addresses]


def _free_offset(space: AddressSpace, hosts: Sequence[str], used: set[int]) -> int | None:
    """Return the lowest offset that is free on all the hosts; one that no other service has, if there is one.

    With an offset of its own a service can run on further hosts later, whatever runs there.
    """
    shared: int | None = None
    for offset in min((space.offsets(host) for host in hosts), key=len):
        if all(_is_free(space, host, offset) for host in hosts):
            if offset not in used:
                return offset
            shared = shared or offset
    return shared


def _is_free(space: AddressSpace, host: str, offset: int) -> bool:
    address = space.at(host, offset)
    return address is not None and space.is_free(address, host)


def _no_offset(space: AddressSpace, name: str, hosts: Sequence[str]) -> Problem:
    smallest = min(hosts, key=lambda host: len(space.offsets(host)))
    offsets = space.offsets(smallest)
    addresses = [address for offset in offsets if (address := space.at(smallest, offset)) is not None]
    taken = sum(1 for address in addresses if space.holders(address))
    aside = sum(
        1 for address in addresses if not space.holders(address) and space.unusable(address, smallest) is not None
    )
    return Problem(
        code="IPF603",
        key=f"services.{name}.offset",
        value="",
        problem=f"no offset is free on all of its {len(hosts)} hosts: the slice "
        f"{', '.join(map(str, space.slices(smallest)))} of {smallest} has {len(offsets)} addresses, {taken} of "
        f"containers and {aside} reserved or dynamic",
        effect="the service has no address",
        fix=f"enlarge the slice, or run the service on fewer hosts (services.{name}.hosts)",
    )


def _with_offsets(reading: Reading, allocations: Sequence[Allocation]) -> Reading:
    services = dict(reading.config.services)
    for allocation in allocations:
        services[allocation.entry] = services[allocation.entry].model_copy(update={"offset": allocation.value})
    return replace(reading, config=reading.config.model_copy(update={"services": services}))
