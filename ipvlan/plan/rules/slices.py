"""Rules of the hosts' slices: where they are, what they have room for, what Docker may assign out of them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from netaddr import IPAddress

from ipvlan.config.models import StackConfig
from ipvlan.plan.address_space import AddressSpace
from ipvlan.plan.blocks import Block, contains, has_edges, overlap
from ipvlan.plan.room import more_addresses
from ipvlan.problems import Problem

MOST_NAMED: Final = 3
"""Reservations that a warning names; of more it tells the number."""


def check(config: StackConfig, space: AddressSpace, name: str) -> Iterator[Problem]:
    """Yield the problems of one host's slice."""
    slices = space.slices(name)
    if not slices:
        yield from _missing(config, name)
        return
    outside = [number for number, block in enumerate(slices) if not contains(config.fabric.subnet, block)]
    for number in outside:
        yield _outside(config, space, _key(slices, name, number), slices[number])
    yield from _overlaps(slices, name)
    if not outside and not _has_usable(space, name) and not space.dynamic(name):
        yield Problem(
            code="IPF303",
            key=f"hosts.{name}.slice",
            value=", ".join(map(str, slices)),
            problem="all its addresses are reserved, the gateway's, the subnet's own or the host's",
            effect="no container can have an address of it",
            fix="enlarge it, or write another one" if space.free_elsewhere(name).size else more_addresses(space, name),
            severity="warning",
        )
    if not outside:
        yield from _assigned(config, space, name)


def among(space: AddressSpace) -> Iterator[Problem]:
    """Yield the slices that overlap those of another host, one problem for each two hosts."""
    pairs: dict[tuple[str, str], list[tuple[Block, Block]]] = {}
    for (one, name), (other, other_name) in space.overlapping_slices():
        pairs.setdefault((name, other_name), []).append((one, other))
    for (name, other_name), blocks in pairs.items():
        one, other = blocks[0]
        more = f" (and {len(blocks) - 1} more)" if len(blocks) > 1 else ""
        yield Problem(
            code="IPF312",
            key=f"hosts.{name}.slice and hosts.{other_name}.slice",
            value=f"{one} and {other}{more}",
            problem="the slices are the same" if one == other else "the slices overlap",
            effect="two hosts could give one address to two containers, and each would be reached intermittently",
            fix="give each host its own slice; without `slice`, `ipvlan allocate` writes a free one",
        )


def _has_usable(space: AddressSpace, name: str) -> bool:
    first = space.slices(name)[0]
    near = range(first.first, min(first.first + 4, first.last + 1))
    # All addresses are looked at only where none of the first few is usable, which is rare.
    if any(space.unusable(IPAddress(value, first.version), name) is None for value in near):
        return True
    return space.usable(name).size > 0


def _key(slices: tuple[Block, ...], name: str, number: int) -> str:
    return f"hosts.{name}.slice" + (f"[{number}]" if len(slices) > 1 else "")


def without_address(config: StackConfig, name: str) -> list[str]:
    """Return the services on a host that need its slice, since they have no address of their own there."""
    return [
        service
        for service, settings in config.services.items()
        if settings.fabric and settings.runs_on(name) and name not in settings.addresses
    ]


def _missing(config: StackConfig, name: str) -> Iterator[Problem]:
    without = without_address(config, name)
    if not without:
        return
    more = f" and {len(without) - 1} more" if len(without) > 1 else ""
    written = "slice" in config.hosts[name].model_fields_set
    yield Problem(
        code="IPF334",
        key=f"hosts.{name}.slice",
        value="",
        problem=("it is empty" if written else "it is missing")
        + f", and these services have no address of their own on the host: {without[0]}{more}",
        effect="their containers would have no address",
        fix=("remove the line and run" if written else "run")
        + f" `ipvlan allocate`, which writes the next free slice into the file; or write services.{without[0]}.addresses.{name}",
    )


def _outside(config: StackConfig, space: AddressSpace, key: str, block: Block) -> Problem:
    subnet = config.fabric.subnet
    where = "outside" if not overlap(block, subnet) else "larger than" if contains(block, subnet) else "partly outside"
    return Problem(
        code="IPF302",
        key=key,
        value=str(block),
        problem=f"it is {where} the fabric's subnet {subnet}",
        effect="the daemon refuses the network, since its ip range is not part of the subnet"
        if has_edges(block)
        else "the daemon refuses containers with an address of it",
        fix=f"write a part of {subnet}" + ("" if space.is_lan else ", or enlarge fabric.subnet"),
    )


def _overlaps(slices: tuple[Block, ...], name: str) -> Iterator[Problem]:
    """Yield the entries that share addresses with one that begins before them: one problem for each such one, with their number."""
    meeting: dict[int, list[int]] = {}
    farthest: int | None = None
    for number in sorted(range(len(slices)), key=lambda number: (slices[number].version, slices[number].first, number)):
        if farthest is not None and overlap(slices[farthest], slices[number]):
            meeting.setdefault(farthest, []).append(number)
            if slices[number].last <= slices[farthest].last:
                continue
        farthest = number
    for number, others in meeting.items():
        first, second = sorted((number, others[0]))
        more = len(others) - 1
        counted = f" ({more} more {'entry has' if more == 1 else 'entries have'} addresses of {slices[number]})"
        yield Problem(
            code="IPF333",
            key=f"hosts.{name}.slice[{first}] and hosts.{name}.slice[{second}]",
            value=f"{slices[first]} and {slices[second]}",
            problem=("they are the same" if slices[first] == slices[second] else "they overlap")
            + (counted if more else ""),
            effect="two offsets would lead to one address",
            fix="write each address once",
        )


def _assigned(config: StackConfig, space: AddressSpace, name: str) -> Iterator[Problem]:
    """Yield what Docker may assign out of a slice without `dynamic`, and ought not to."""
    assigned = space.assigned(name)
    if not assigned or space.dynamic(name):
        return
    [block] = assigned
    reserved = [
        f"fabric.reserved[{number}]" for number, entry in enumerate(config.fabric.reserved) if overlap(entry, block)
    ]
    if len(reserved) > MOST_NAMED:
        reserved = [*reserved[:MOST_NAMED], f"{len(reserved) - MOST_NAMED} more"]
    shim = space.shim(name)
    with_shim = shim is not None and shim in block and shim != space.gateway(name)
    if not reserved and not with_shim:
        return
    what = ["reserved addresses"] if reserved else []
    what += [f"the shim's address {shim}"] if with_shim else []
    yield Problem(
        code="IPF332",
        key=" and ".join([f"hosts.{name}.slice", *reserved, *([f"hosts.{name}.shim"] if with_shim else [])]),
        value=str(block),
        problem=f"Docker may assign {' and '.join(what)} to a container that asks for none",
        effect="such a container, which is not of this stack, would conflict with what has the address",
        fix=f"write hosts.{name}.dynamic: none, or the part of the slice that Docker may assign; it replaces the network once",
        severity="warning",
    )
