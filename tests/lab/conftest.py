"""The tests' lab: started once for the session, with a name of its own, and removed at its end."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from lab.harness import HOSTS, Lab, Stack, new_stack
from lab.settings import CHECKOUT, default_name
from tests.support.rollout import FiguresTable, Rollouts, begin
from tests.support.steps import pytest_collection_modifyitems, pytest_runtest_makereport, pytest_runtest_setup

__all__ = ["pytest_collection_modifyitems", "pytest_runtest_makereport", "pytest_runtest_setup"]

_FIGURES = pytest.StashKey[FiguresTable]()
FIGURES_FILE = CHECKOUT / ".make" / "rollout-figures.md"
"""The figures of the last tests of rollouts, as a table of Markdown."""


def pytest_itemcollected(item: pytest.Item) -> None:
    """Mark each test of this folder, and give it the time that building the hosts takes."""
    item.add_marker(pytest.mark.lab)
    item.add_marker(pytest.mark.timeout(1800))


@pytest.fixture(scope="session")
def lab() -> Iterator[Lab]:
    """Start the tests' lab; LAB_KEEP=1 leaves it running after the tests, for a look at what failed."""
    # Named after the checkout, as the lab itself is: two clones may run their tests at the same time.
    running = Lab(os.environ.get("LAB_TEST_NAME") or f"{os.environ.get('LAB_NAME') or default_name(CHECKOUT)}-test")
    running.run("up", timeout=1500)
    yield running
    if not os.environ.get("LAB_KEEP"):
        running.run("down", timeout=120)


@pytest.fixture(scope="module", autouse=True)
def every_host_is_on(lab: Lab) -> None:
    """Switch on what a failed module left off: its failure is then not that of every module after it."""
    for host in HOSTS:
        lab.run("power", host, "on", timeout=400)


@pytest.fixture(scope="module")
def stack(lab: Lab) -> Iterator[Stack]:
    """Create a new, empty stack on the lab; at the module's end it is destroyed and removed."""
    with new_stack(lab) as stack:
        yield stack


@pytest.fixture(scope="session")
def figures(pytestconfig: pytest.Config) -> FiguresTable:
    """Return the table of the session's rollouts, which is printed at its end."""
    return pytestconfig.stash.setdefault(_FIGURES, FiguresTable(file=FIGURES_FILE))


@pytest.fixture(scope="module")
def rollouts(lab: Lab, stack: Stack, figures: FiguresTable) -> Iterator[Rollouts]:
    """Bring the service of the rollouts up, with a client that asks for its page."""
    with begin(lab, stack, figures) as running:
        yield running


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Print the figures of the rollouts."""
    text = config.stash.get(_FIGURES, FiguresTable()).text()
    if text:
        terminalreporter.section("rollouts")
        terminalreporter.write_line(text)
