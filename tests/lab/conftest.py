"""The tests' lab: started once for the whole session, under a name of its own, and removed at its end."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from lab.harness import Lab, Stack, new_stack
from lab.settings import CHECKOUT, default_name


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark everything in this folder, and give it the time that hosts, made for the first time, need."""
    for item in items:
        if "tests/lab" in str(item.path):
            item.add_marker(pytest.mark.lab)
            item.add_marker(pytest.mark.timeout(1800))


@pytest.fixture(scope="session")
def lab() -> Iterator[Lab]:
    """Start the tests' lab; LAB_KEEP=1 leaves it running, to look at what a failed test left."""
    # Named after the checkout, as the lab itself is: two clones may run their tests at once.
    running = Lab(os.environ.get("LAB_TEST_NAME") or f"{os.environ.get('LAB_NAME') or default_name(CHECKOUT)}-test")
    running.run("up", timeout=1500)
    yield running
    if not os.environ.get("LAB_KEEP"):
        running.run("down", timeout=120)


@pytest.fixture(scope="module")
def stack(lab: Lab) -> Iterator[Stack]:
    """Return a new, empty stack on the lab; it is destroyed and removed at the module's end."""
    with new_stack(lab) as made:
        yield made
