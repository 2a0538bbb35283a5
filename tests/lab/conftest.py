"""The tests' lab: started once for the session, with a name of its own, and removed at its end."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from lab.harness import Lab, Stack, new_stack
from lab.settings import CHECKOUT, default_name
from tests.support.steps import pytest_collection_modifyitems, pytest_runtest_makereport, pytest_runtest_setup

__all__ = ["pytest_collection_modifyitems", "pytest_runtest_makereport", "pytest_runtest_setup"]


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


@pytest.fixture(scope="module")
def stack(lab: Lab) -> Iterator[Stack]:
    """Create a new, empty stack on the lab; at the module's end it is destroyed and removed."""
    with new_stack(lab) as stack:
        yield stack
