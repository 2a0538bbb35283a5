"""Ports of two stacks that cannot both be bound on one host.

Out of scope: ports within one stack (`ipvlan.plan.rules.services`).
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from itertools import accumulate
from typing import TypeAlias

from ipvlan.config.types.ports import Port
from ipvlan.plan.model import ContainerPlan

Bound: TypeAlias = tuple[ContainerPlan, Port]


def overlapping_ports(
    own: Iterable[Bound], others: Iterable[Bound]
) -> Iterator[tuple[ContainerPlan, Port, ContainerPlan, Port]]:
    """Yield each two ports that share a number, a protocol and an address of the host, in the order of `own`."""
    by_protocol: dict[str, list[Bound]] = {}
    for entry in others:
        by_protocol.setdefault(entry[1].protocol, []).append(entry)
    sorted_: dict[str, tuple[list[Bound], list[int], list[int]]] = {}
    for protocol, entries in by_protocol.items():
        entries.sort(key=lambda entry: entry[1].host_port)
        ends = accumulate((port.last_host_port for _, port in entries), max)
        sorted_[protocol] = entries, [port.host_port for _, port in entries], list(ends)
    for container, port in own:
        entries, starts, ends_so_far = sorted_.get(port.protocol, ([], [], []))
        # Up to the first entry that reaches the port, all end before it.
        begin, end = bisect_left(ends_so_far, port.host_port), bisect_right(starts, port.last_host_port)
        for other_container, other in entries[begin:end]:
            if port.host_port <= other.last_host_port and port.shares_address(other):
                yield container, port, other_container, other
