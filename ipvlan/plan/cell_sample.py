"""A sample of a matrix that is too large to be tried as a whole. The same cells always give the same sample.

Out of scope: which cells there are (`ipvlan.plan.reachability`).
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from ipvlan.plan.cells import Cell

MOST_PAIRS: Final = 400
"""Cells of each kind that are tried; of more, a sample is."""


def sample(cells: Sequence[Cell], most: int = MOST_PAIRS) -> Sequence[Cell]:
    """Return at most about `most` of the cells; more only if there are more pairs of hosts, or more containers."""
    if len(cells) <= most:
        return cells
    # Not secret, only spread over the containers of each pair of hosts, and the same in every run.
    order = random.Random(0).sample(range(len(cells)), len(cells))  # noqa: S311
    chosen: set[int] = set()
    covered: set[tuple[str, str | None, str | None]] = set()
    for index in order:
        cell = cells[index]
        covers = {
            ("pair", cell.source_host, cell.target_host),
            ("source", cell.source, None),
            ("target", cell.target, None),
        }
        if not covers <= covered:
            covered |= covers
            chosen.add(index)
    others = [index for index in order if index not in chosen]
    chosen.update(others[: max(0, most - len(chosen))])
    return [cells[index] for index in sorted(chosen)]
