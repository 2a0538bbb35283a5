"""The comparison of tools that were measured in turns."""

from __future__ import annotations

import pytest

from bench import compare
from bench.compare import Spread, spread


def test_each_run_another_tool_begins() -> None:
    """All have their turn in each run, in the same order after the first."""
    assert [compare.order("abc", run) for run in range(4)] == [
        ["a", "b", "c"], ["b", "c", "a"], ["c", "a", "b"], ["a", "b", "c"],
    ]  # fmt: skip


def test_the_spread_is_the_range() -> None:
    """One slow run does not move the median, and is seen."""
    assert spread([9.0, 30.0, 10.0]) == Spread(median=10.0, least=9.0, most=30.0)
    assert Spread(median=9.24, least=8.8, most=10.06).text(1) == "9.2 (8.8-10.1)"
    assert spread([]) is None


def test_a_ratio_is_that_of_one_run() -> None:
    """A minute that is slow for both is no difference: the ratio of the medians would be 1.5."""
    assert compare.ratios([10.0, 30.0, 30.0], [10.0, 30.0, 20.0]) == [1.0, 1.0, 1.5]


def test_a_pass_that_a_tool_does_not_have_has_no_ratio() -> None:
    """Docker commands have no "again": its time is that of doing nothing."""
    assert compare.ratios([1.6], [0.0001]) == []
    assert compare.was_done([0.0, 0.06])
    assert not compare.was_done([0.0, 0.05])


@pytest.mark.parametrize("up", [[12.9, 12.9], [13.0, 13.0]])
def test_within_the_limits(up: list[float]) -> None:
    """The limit itself is within. "again" has none."""
    assert compare.exceeded({"up": up, "again": [99, 99], "down": [4.8, 4.8]}, {"up": [10, 10], "down": [4, 4]}) == []


def test_each_run_counts() -> None:
    """The median of 1.2 hides nothing."""
    this = {"up": [12.0, 13.5, 12.0], "again": [1.0, 1.0, 1.0], "down": [4.0, 4.0, 5.2]}
    assert compare.exceeded(this, {"up": [10.0, 10.0, 10.0], "down": [4.0, 4.0, 4.0]}) == [
        "up, run 2: 1.35 x the reference commands, and the limit is 1.3 x (13.5 s and 10.0 s)",
        "down, run 3: 1.30 x the reference commands, and the limit is 1.2 x (5.2 s and 4.0 s)",
    ]
