"""The comparison of tools that were measured in turns: medians, spreads, and the ratio of two tools in each run.

A ratio is that of two tools in the same run: what slows the machine down for some minutes slows both.

Out of scope: what is measured (`bench.run`).
"""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

LIMITS: Final[Mapping[str, float]] = {"up": 1.3, "down": 1.2}
"""Pass -> the most that this program may take, as a multiple of the reference commands, in every run."""

SHORTEST: Final = 0.05
"""Seconds; a pass that is shorter was not done at all."""

Times = Mapping[str, Sequence[float]]
"""Pass -> the seconds of each run."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """Several values of one quantity."""

    median: float
    least: float
    most: float

    def text(self, digits: int) -> str:
        """Return the median, and the range in brackets, with so many digits after the point: `9.2 (8.8-10.1)`."""
        return f"{self.median:.{digits}f} ({self.least:.{digits}f}-{self.most:.{digits}f})"


def spread(values: Sequence[float]) -> Spread | None:
    """Return median, minimum and maximum; None where there is no value."""
    if not values:
        return None
    return Spread(median=statistics.median(values), least=min(values), most=max(values))


def order(tools: Sequence[T], run: int) -> list[T]:
    """Return in which order the tools have their turn in a run, the first of which is 0: each run another one begins."""
    first = run % len(tools)
    return [*tools[first:], *tools[:first]]


def was_done(seconds: Sequence[float]) -> bool:
    """Return whether a tool did something in a pass: docker commands have no "again"."""
    return any(value > SHORTEST for value in seconds)


def ratios(mine: Sequence[float], other: Sequence[float]) -> list[float]:
    """Return `mine / other` of each run; nothing where one of them has no such pass."""
    if not was_done(mine) or not was_done(other):
        return []
    return [one / two for one, two in zip(mine, other, strict=True)]


def exceeded(this: Times, reference: Times) -> list[str]:
    """Return a sentence for each run of a pass that took more than its limit."""
    return [
        f"{step}, run {number}: {value:.2f} x the reference commands, and the limit is {limit:g} x "
        f"({this[step][number - 1]:.1f} s and {reference[step][number - 1]:.1f} s)"
        for step, limit in LIMITS.items()
        for number, value in enumerate(ratios(this[step], reference[step]), start=1)
        if value > limit
    ]
