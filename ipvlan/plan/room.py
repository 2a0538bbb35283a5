"""How there will be addresses where none is left: what the errors suggest, and never what is impossible.

A slice can grow only into addresses that no host's slice has. The subnet can grow, except in LAN mode (`ipvlan.plan.lan`), where it
is not the fabric's.

Out of scope: which addresses are free (`ipvlan.plan.address_space`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Final

from ipvlan.config.models import FabricConfig
from ipvlan.plan.address_space import AddressSpace

SMALLEST_SLICE: Final = 30
"""Prefix length of the smallest slice that `allocate` writes."""


def has_room(space: AddressSpace, host: str) -> bool:
    """Return whether a further container of the host could have an address: of its slice, or of no host's."""
    return bool(space.free(host).size or space.free_elsewhere(host).size)


def more_addresses(space: AddressSpace, host: str) -> str:
    """Return how a host gets further addresses whose slice has no free one, or that has no slice and finds none outside of all."""
    with_slice = bool(space.slices(host))
    if with_slice and space.free_elsewhere(host).size:
        return f"enlarge hosts.{host}.slice, which has no free address"
    if not space.is_lan:
        return "enlarge fabric.subnet" + (
            f", and then hosts.{host}.slice, which has no free address" if with_slice else ""
        )
    if giver := _giver(space, without=host):
        larger = f", and hosts.{host}.slice larger" if with_slice else ""
        return f"make hosts.{giver}.slice smaller, which has free addresses{larger}"
    if space.dynamic(host):
        return f"make hosts.{host}.dynamic smaller: no other address of the slice is free"
    if space.has_reservations:
        return "reserve less (fabric.reserved): no other address of the LAN is free"
    return "run fewer containers: no address of the LAN is free"


def more_slices(fabric: FabricConfig, space: AddressSpace, names: Sequence[str]) -> str:
    """Return how the named hosts, for which the subnet has no slice of `fabric.slice_prefix`, get addresses."""
    choices: list[str] = []
    name = next((name for name in names if name in space.hosts), None)
    smaller = _fitting_prefix(space, len(names), range(fabric.slice_prefix + 1, SMALLEST_SLICE + 1))
    if smaller is not None:
        number = f"{smaller} or a larger number" if smaller < SMALLEST_SLICE else f"{smaller}"
        choices.append(f"raise fabric.slice_prefix to {number} for smaller slices")
    if name is not None and space.free_elsewhere(name).size:
        choices.append(f"write services.NAME.addresses.{name}")
    if smaller is None and (giver := _giver(space)):
        further = ["raise fabric.slice_prefix"] if fabric.slice_prefix < SMALLEST_SLICE else []
        further += [f"write services.NAME.addresses.{name}"] if name is not None else []
        choices.append(f"make hosts.{giver}.slice smaller" + (f" (then {' or '.join(further)})" if further else ""))
    if not space.is_lan:
        choices.append("enlarge fabric.subnet")
    if not choices:
        reserve = "reserve less (fabric.reserved), or " if space.has_reservations else ""
        return f"{reserve}run containers on fewer hosts: no address of the LAN is free"
    return any_of(choices)


def any_of(choices: Sequence[str]) -> str:
    """Return `A`, `A, or B` or `A, B, or C`."""
    return ", or ".join(filter(None, (", ".join(choices[:-1]), choices[-1])))


def _giver(space: AddressSpace, without: str | None = None) -> str | None:
    """Return the host whose slice has the most free addresses, the first of several; None where none has one."""
    free = {name: int(space.free(name).size) for name in space.hosts if name != without}
    most = max(free, key=free.__getitem__, default=None)
    return most if most is not None and free[most] else None


def _fitting_prefix(space: AddressSpace, count: int, lengths: Iterable[int]) -> int | None:
    """Return the first of the lengths of which there are so many free slices; the longer ones fit too."""
    return next((length for length in lengths if len(list(islice(space.free_blocks(length), count))) == count), None)
