"""Blocks of addresses, IPv4 or IPv6: subnets and ranges, what they share, and an index of many of them.

Out of scope: what a block is for (`ipvlan.plan.address_space`).
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from itertools import accumulate
from typing import Final, Generic, TypeAlias, TypeVar

from netaddr import IPAddress, IPNetwork, IPRange, IPSet, iprange_to_cidrs

Block: TypeAlias = IPNetwork | IPRange
"""Adjacent addresses: a subnet or a range. A single address is a subnet of full length, or a range that ends where it begins."""

WIDTH: Final = {4: 32, 6: 128}
"""Bits of an address, by IP version."""

SMALLEST_WITH_EDGES: Final = 4
"""Addresses of a /30. A smaller subnet has no address of its own and no broadcast address (RFC 3021)."""

T = TypeVar("T")


def overlap(one: Block, other: Block) -> bool:
    """Return whether two blocks share an address."""
    return bool(one.version == other.version and one.first <= other.last and other.first <= one.last)


def contains(outer: Block, inner: Block) -> bool:
    """Return whether all addresses of a block are in another one."""
    return bool(outer.version == inner.version and outer.first <= inner.first and inner.last <= outer.last)


def has_edges(block: Block) -> bool:
    """Return whether the first address of a block names it: a subnet that is no point-to-point link and no single address."""
    return isinstance(block, IPNetwork) and block.size >= SMALLEST_WITH_EDGES


def network_address(block: Block) -> IPAddress | None:
    """Return the address that names a subnet; None for a range, a /31 and a /32, which have none."""
    return IPAddress(block.first, block.version) if has_edges(block) else None


def broadcast_address(block: Block) -> IPAddress | None:
    """Return the broadcast address of an IPv4 subnet; None for a range, a /31 and a /32, and in IPv6, which have none."""
    return IPAddress(block.last, 4) if has_edges(block) and block.version == 4 else None


def cidrs_of(entry: Block | IPAddress) -> list[IPNetwork]:
    """Return the subnets that have exactly the addresses of a block, or of a single address, lowest first."""
    if isinstance(entry, IPRange):
        return iprange_to_cidrs(entry[0], entry[-1])
    return [IPNetwork(entry)]


def destinations(slices: Iterable[Block], addresses: Iterable[IPAddress]) -> tuple[IPNetwork, ...]:
    """Return what a route must lead to: the slices exactly, and each address outside of them by itself; lowest first."""
    blocks = tuple(slices)
    bounds = [(block.version, int(block.first), int(block.last)) for block in blocks]
    outside = {
        address
        for address in addresses
        if not any(version == address.version and first <= int(address) <= last for version, first, last in bounds)
    }
    return tuple(sorted(cidr for entry in (*blocks, *outside) for cidr in cidrs_of(entry)))


class BlockIndex(Generic[T]):
    """Blocks, each with a value; finds those that have an address without a look at each of them."""

    def __init__(self, entries: Iterable[tuple[Block, T]]) -> None:
        self._entries = sorted(entries, key=lambda entry: (entry[0].version, entry[0].first))
        self._starts = [(block.version, block.first) for block, _ in self._entries]
        # The largest end up to each entry: an address beyond it is in none of the entries up to there.
        self._reach = list(accumulate(((block.version, block.last) for block, _ in self._entries), max))

    def blocks(self) -> list[Block]:
        """Return all blocks, by where they begin."""
        return [block for block, _ in self._entries]

    def at(self, address: IPAddress) -> list[T]:
        """Return the values of the blocks with the address, by where the blocks begin."""
        key = (address.version, int(address))
        between = slice(bisect_left(self._reach, key), bisect_right(self._starts, key))
        return [value for block, value in self._entries[between] if address in block]

    def overlapping(self, block: Block) -> list[tuple[Block, T]]:
        """Return the entries that share an address with the block."""
        begin = bisect_left(self._reach, (block.version, block.first))
        end = bisect_right(self._starts, (block.version, block.last))
        return [entry for entry in self._entries[begin:end] if overlap(entry[0], block)]

    def overlaps(self) -> Iterator[tuple[tuple[Block, T], tuple[Block, T]]]:
        """Yield each pair of entries that share an address, by where they begin."""
        for index, entry in enumerate(self._entries):
            end = bisect_right(self._starts, (entry[0].version, entry[0].last))
            yield from ((entry, other) for other in self._entries[index + 1 : end])


def set_of(entries: Iterable[Block | IPAddress]) -> IPSet:
    """Return all addresses of blocks and single addresses."""
    return IPSet(cidr for entry in entries for cidr in cidrs_of(entry))


def count_subnets(blocks: Iterable[Block], prefixlen: int, within: Block) -> int:
    """Return how many subnets of that length in `within` share an address with the blocks, without a look at each of them."""
    shift = WIDTH[within.version] - prefixlen
    spans = sorted(
        (max(block.first, within.first) >> shift, min(block.last, within.last) >> shift)
        for block in blocks
        if overlap(block, within)
    )
    count, beyond = 0, -1
    for first, last in spans:
        count += max(last + 1 - max(first, beyond), 0)
        beyond = max(beyond, last + 1)
    return int(count)
