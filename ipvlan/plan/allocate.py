"""Gives out what a config does not have yet: a slice to each host, an offset to each service.

Owns the choice, which is deterministic: entries in the order of the file, each the lowest that is free. It never changes
what is there; writing is done by `ipvlan.config.yaml_edit`.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from netaddr import IPAddress, IPNetwork
from pydantic import ValidationError
from pydantic_core import PydanticCustomError

from ipvlan.config.load import ConfigError, FabricConfig, Problem, parse, with_common
from ipvlan.config.models import own_address
from ipvlan.config.values import parse_address, parse_network
from ipvlan.config.yaml_file import Folder
from ipvlan.plan.model import make_plan


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
    """What is missing in the config, decided; raises `ConfigError` when there is no room or the rest is wrong.

    `raw` is as `ipvlan.config.load.parse` takes it.
    """
    sections, problems = with_common(raw, folder)
    if problems:
        raise ConfigError(problems)
    fabric = _fabric(sections["fabric"])
    if fabric is None:
        # The full reading tells what is wrong with it, in the same words as every other command.
        make_plan(parse(raw, folder=folder))
        return []
    hosts = _entries(sections["hosts"])
    services = _entries(sections["services"])
    found = _slices(fabric, hosts)
    for allocation in found:
        hosts[allocation.entry]["slice"] = allocation.value
    found += _offsets(fabric, hosts, services)
    # Whatever else is wrong is told before anything is written on top of it.
    make_plan(parse(filled(raw, found), folder=folder))
    return found


def filled(raw: Mapping[str, object], found: list[Allocation]) -> dict[str, Any]:
    """The config with the allocations in it."""
    content: dict[str, Any] = copy.deepcopy(dict(raw))
    for allocation in found:
        section = content.get(allocation.section)
        if not isinstance(section, dict):
            section = content[allocation.section] = {}
        section.setdefault(allocation.entry, {})[allocation.key] = allocation.value
    return content


def _fabric(raw: object) -> FabricConfig | None:
    try:
        return FabricConfig.model_validate(raw)
    except ValidationError:
        return None


def _entries(section: object) -> dict[str, dict[str, Any]]:
    """Copies of those entries that are maps; the others are told of by `parse`."""
    if not isinstance(section, Mapping):
        return {}
    return {str(name): dict(entry) for name, entry in section.items() if isinstance(entry, Mapping)}


def _network(value: object) -> IPNetwork | None:
    try:
        return parse_network(value)
    except PydanticCustomError:
        return None


def _address(value: object) -> IPAddress | None:
    try:
        return parse_address(value)
    except PydanticCustomError:
        return None


def _slices(fabric: FabricConfig, hosts: Mapping[str, Mapping[str, Any]]) -> list[Allocation]:
    wanting = [name for name, host in hosts.items() if host.get("slice") is None]
    if not wanting:
        return []
    if fabric.slice_prefix < fabric.subnet.prefixlen:
        raise ConfigError(
            [
                Problem(
                    key="fabric.slice_prefix",
                    value=str(fabric.slice_prefix),
                    problem=f"a /{fabric.slice_prefix} is larger than the subnet {fabric.subnet}",
                    effect="no slice of that size exists",
                    fix=f"write a number from {fabric.subnet.prefixlen} to 30",
                )
            ]
        )
    taken = [
        (network.first, network.last) for host in hosts.values() if (network := _network(host.get("slice"))) is not None
    ]
    kept = [(int(entry.first), int(entry.last)) for entry in fabric.reserved]
    if fabric.gateway is not None:
        kept.append((int(fabric.gateway), int(fabric.gateway)))
    free = _free_slices(fabric, sorted(taken + kept))
    found = [Allocation("hosts", name, "slice", str(network)) for name, network in zip(wanting, free, strict=False)]
    if len(found) < len(wanting):
        size = 2 ** (32 - fabric.slice_prefix)
        total = 2 ** (fabric.slice_prefix - fabric.subnet.prefixlen)
        held = len({start // size for first, last in taken for start in range(first - first % size, last + 1, size)})
        raise ConfigError(
            [
                Problem(
                    key="fabric.subnet",
                    value=str(fabric.subnet),
                    problem=f"it is full: of its {total} slices of /{fabric.slice_prefix}, {held} are held by hosts, "
                    f"{total - held - len(found)} hold the gateway or reserved addresses, {len(found)} are free, and "
                    f"{len(wanting)} hosts have none ({', '.join(wanting[:5])}{', ...' if len(wanting) > 5 else ''})",
                    effect="these hosts can run no container",
                    fix="enlarge fabric.subnet, or raise fabric.slice_prefix for smaller slices",
                )
            ]
        )
    return found


def _free_slices(fabric: FabricConfig, taken: list[tuple[int, int]]) -> Iterator[IPNetwork]:
    """Slices of the usual size that share no address with what is taken, lowest first."""
    size = 2 ** (32 - fabric.slice_prefix)
    start, index, reached = fabric.subnet.first, 0, -1
    while start + size - 1 <= fabric.subnet.last:
        end = start + size - 1
        # `taken` is sorted by its beginnings: what begins before this slice ends decides by how far it reaches.
        while index < len(taken) and taken[index][0] <= end:
            reached = max(reached, taken[index][1])
            index += 1
        if reached < start:
            yield IPNetwork((start, fabric.slice_prefix))
        start += size


def _offsets(
    fabric: FabricConfig, hosts: Mapping[str, Mapping[str, Any]], services: Mapping[str, Mapping[str, Any]]
) -> list[Allocation]:
    slices = {name: network for name, host in hosts.items() if (network := _network(host.get("slice"))) is not None}
    dynamic = [network for host in hosts.values() if (network := _network(host.get("dynamic"))) is not None]
    kept: list[tuple[int, int]] = [(int(entry.first), int(entry.last)) for entry in fabric.reserved]
    kept += [(network.first, network.last) for network in dynamic]
    kept += [(value, value) for value in (fabric.subnet.first, fabric.subnet.last)]
    if fabric.gateway is not None:
        kept.append((int(fabric.gateway), int(fabric.gateway)))
    for name, network in slices.items():
        own = own_address(network)
        if own is not None and (fabric.mode != "l2" or hosts[name].get("shim") is True):
            kept.append((own, own))
    held: set[int] = set()
    used: set[int] = set()
    wanting: list[tuple[str, list[str]]] = []
    for name, service in services.items():
        on = _hosts_of(service, slices)
        addresses = service.get("addresses") if isinstance(service.get("addresses"), Mapping) else {}
        explicit = {host: _address(value) for host, value in (addresses or {}).items()}
        held.update(int(address) for address in explicit.values() if address is not None)
        offset = service.get("offset")
        by_offset = [host for host in on if host not in explicit]
        if isinstance(offset, int):
            used.add(offset)
            held.update(slices[host].first + offset for host in by_offset)
        elif offset is None and by_offset:
            wanting.append((name, by_offset))
    found: list[Allocation] = []
    for name, on in wanting:
        offset = _free_offset([slices[host] for host in on], held, kept, used)
        if offset is None:
            raise ConfigError([_no_offset(name, on, slices, held, kept)])
        used.add(offset)
        held.update(slices[host].first + offset for host in on)
        found.append(Allocation("services", name, "offset", offset))
    return found


def _hosts_of(service: Mapping[str, Any], slices: Mapping[str, IPNetwork]) -> list[str]:
    named = service.get("hosts")
    if isinstance(named, list):
        return [host for host in dict.fromkeys(map(str, named)) if host in slices]
    return list(slices)


def _free_offset(slices: list[IPNetwork], held: set[int], kept: list[tuple[int, int]], used: set[int]) -> int | None:
    """The lowest offset free on all the slices; one that no other service has, if there is one.

    An offset of its own lets a service come to further hosts later without meeting another one there.
    """
    shared: int | None = None
    for offset in range(1, min(network.size for network in slices) - 1):
        if all(_is_free(network.first + offset, held, kept) for network in slices):
            if offset not in used:
                return offset
            shared = shared or offset
    return shared


def _is_free(value: int, held: set[int], kept: list[tuple[int, int]]) -> bool:
    return value not in held and not any(first <= value <= last for first, last in kept)


def _no_offset(
    name: str, on: list[str], slices: Mapping[str, IPNetwork], held: set[int], kept: list[tuple[int, int]]
) -> Problem:
    smallest = min(on, key=lambda host: slices[host].size)
    network = slices[smallest]
    inside = range(network.first + 1, network.last)
    taken = sum(1 for value in inside if value in held)
    aside = sum(1 for value in inside if value not in held and not _is_free(value, set(), kept))
    return Problem(
        key=f"services.{name}.offset",
        value="",
        problem=f"no offset is free on all of its {len(on)} hosts: the slice {network} of {smallest} has {len(inside)} "
        f"addresses, {taken} held by containers and {aside} reserved or dynamic",
        effect="the service has no address",
        fix=f"enlarge the slice, or run the service on fewer hosts (services.{name}.hosts)",
    )


__all__ = ["Allocation", "allocate", "filled"]
