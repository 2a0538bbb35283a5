"""The lines that `ip route` and `ip address` print: `DESTINATION KEYWORD VALUE KEYWORD VALUE ...`.

Read by keyword. `ip -json` needs iproute2 4.16 (2018), and hosts may have an older one.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable


def has_route(lines: Iterable[str], destination: str, keyword: str, value: str) -> bool:
    """Return whether a route leads to exactly `destination` with that `via` or `dev`.

    `ip route` prints the route to a single address without its prefix length.
    """
    printed = destination.removesuffix("/32")
    return any(
        line.split(maxsplit=1)[:1] == [printed] and (keyword, value) in itertools.pairwise(line.split())
        for line in lines
    )


def has_address(lines: Iterable[str], address: str) -> bool:
    """Return whether one of the lines of `ip -4 -o address` shows the IPv4 address."""
    return any(
        keyword == "inet" and value.partition("/")[0] == address
        for line in lines
        for keyword, value in itertools.pairwise(line.split())
    )
