"""The offsets of a host: its blocks, counted through in their order.

Out of scope: which of them are free (`ipvlan.plan.address_space`), and which one is chosen (`ipvlan.plan.allocate`).
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from itertools import accumulate

from netaddr import IPAddress, IPSet

from ipvlan.plan.blocks import WIDTH, Block


class Offsets:
    """Maps offsets to the addresses of blocks and back."""

    def __init__(self, blocks: Sequence[Block]) -> None:
        self._blocks = tuple(blocks)
        # The offset of each block's first address.
        self._starts = list(accumulate((int(block.size) for block in self._blocks[:-1]), initial=0))[
            : len(self._blocks)
        ]
        self.all = range(sum(block.size for block in blocks))
        """The offsets that lead to an address of the blocks."""

    def at(self, offset: int) -> IPAddress | None:
        """Return the address at an offset.

        An offset that the blocks do not have counts on behind the last one; None where the address family ends before it, and
        where there is no block.
        """
        if not self._blocks:
            return None
        index = bisect_right(self._starts, offset) - 1
        block = self._blocks[index]
        value = block.first + offset - self._starts[index]
        return IPAddress(value, block.version) if value.bit_length() <= WIDTH[block.version] else None

    def of(self, address: IPAddress) -> int | None:
        """Return the offset of an address; None for an address that no block has."""
        offset = 0
        for block in self._blocks:
            if address in block:
                return offset + int(address) - int(block.first)
            offset += block.size
        return None

    def runs(self, addresses: IPSet) -> list[range]:
        """Return the offsets of those addresses that the blocks have, as runs of adjacent ones, lowest first."""
        spans = [(part.version, int(part.first), int(part.last)) for part in addresses.iter_ipranges()]
        starts, ends = ([(span[0], span[index]) for span in spans] for index in (1, 2))
        found: list[range] = []
        for block, start in zip(self._blocks, self._starts, strict=True):
            begin = bisect_left(ends, (block.version, block.first))
            end = bisect_right(starts, (block.version, block.last))
            for _, first, last in spans[begin:end]:
                low, high = max(first, int(block.first)), min(last, int(block.last))
                found.append(range(start + low - int(block.first), start + high + 1 - int(block.first)))
        return found


def common(runs: Sequence[range], others: Sequence[range]) -> list[range]:
    """Return what two lists of runs have in common, lowest first; both are sorted and their runs do not meet."""
    found: list[range] = []
    one = other = 0
    while one < len(runs) and other < len(others):
        start = max(runs[one].start, others[other].start)
        stop = min(runs[one].stop, others[other].stop)
        if start < stop:
            found.append(range(start, stop))
        if runs[one].stop <= others[other].stop:
            one += 1
        else:
            other += 1
    return found


def each(runs: Sequence[range]) -> Iterator[int]:
    """Yield every offset of the runs, lowest first."""
    for run in runs:
        yield from run
