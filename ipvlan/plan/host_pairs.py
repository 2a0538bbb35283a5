"""Which hosts are tried with which others: all pairs, or of a large fleet each host with some of the others.

The pairs grow with the square of the hosts: a thousand hosts have a million, and each is several pings.

Out of scope: the cells of a pair (`ipvlan.plan.reachability`), and a sample of them (`ipvlan.plan.cell_sample`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from ipvlan.plan.cells import place

if TYPE_CHECKING:
    from ipvlan.plan.cells import Filter
    from ipvlan.plan.model import HostPlan, Plan

MOST_HOST_PAIRS: Final = 10_000
"""Pairs of hosts that are all tried, in both directions and with themselves: those of a hundred hosts."""


@dataclass(frozen=True, slots=True)
class HostPairs:
    """Where cells begin, and where each of them may end."""

    targets: Mapping[str, Sequence[HostPlan]]
    """Name of a source's host -> hosts of its targets, itself too, in the plan's order."""
    complete: bool
    """Whether these are all pairs that the filter shows."""


def host_pairs(plan: Plan, only: Filter) -> HostPairs:
    """Return the pairs of hosts that are tried.

    Of too many, each host is tried with itself and with the hosts 1, 2, 4, 8, ... places after it, counted in a circle: so each is
    reached by as many, and whatever separates two groups of hosts is between two that are tried.
    """
    hosts = plan.hosts
    sources = [host for host in hosts if only.source is None or only.source in _sources(host)]
    if only.host is not None:
        of_host = [host for host in hosts if host.name == only.host]
        return HostPairs({host.name: hosts if host.name == only.host else of_host for host in sources}, complete=True)
    if len(sources) * len(hosts) <= MOST_HOST_PAIRS:
        return HostPairs({host.name: hosts for host in sources}, complete=True)
    numbers = {host.name: number for number, host in enumerate(hosts)}
    distances = [0, *(1 << bit for bit in range(len(hosts).bit_length()) if 1 << bit < len(hosts))]
    return HostPairs(
        {
            host.name: [hosts[number] for number in sorted((numbers[host.name] + d) % len(hosts) for d in distances)]
            for host in sources
        },
        complete=False,
    )


def _sources(host: HostPlan) -> set[str]:
    """Return by what names a filter may mean the host or a container of it."""
    return {host.name, *(name for each in host.containers for name in (each.service, place(each)))}
