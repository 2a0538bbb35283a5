"""Ten sequences of random faults, with fixed seeds: after the repair everything is as planned, and nothing is left.

`make chaos` runs as many as one likes; these are short ones, of which each has another fault. They share one stack.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from lab.harness import HOSTS, Lab
from tools.chaos.logged import LoggedLab
from tools.chaos.runner import Runner
from tools.chaos.sequences import make_sequence

pytestmark = pytest.mark.steps

SEEDS = (2, 5, 13, 17, 27, 28, 29, 30, 31, 36)
"""A kill, a stop, two removals, all kinds of disconnection, no shim, a changed clock, a name and an address that others took; three
with an edit, of which one is a killed run."""


@pytest.fixture(scope="module")
def runner(lab: Lab) -> Iterator[Runner]:
    """Bring the stack up beside the things of others; at the end the hosts have nothing of either."""
    before = {host: lab.footprint(host) for host in HOSTS}
    running = Runner(LoggedLab(lab.name))
    running.begin()
    try:
        yield running
    finally:
        running.end()
    assert {host: lab.footprint(host) for host in HOSTS} == before


@pytest.mark.parametrize("seed", SEEDS)
def test_seed(runner: Runner, seed: int) -> None:
    """After the faults and the repair of this seed all is as planned."""
    sequence = make_sequence(seed)
    outcome = runner.run(sequence)
    assert not outcome.problem, f"{sequence}\n{outcome.problem}\n\nsee {runner.keep(sequence, outcome)}"
