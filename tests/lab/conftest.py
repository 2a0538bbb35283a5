"""The tests' lab: started once for the whole session, under a name of its own, and removed at its end."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator

import pytest

from lab.settings import CHECKOUT, default_name
from tests.lab.harness import STACK, STACK_FILE, CommandFailedError, Lab, Stack


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark everything in this folder, and give it the time that hosts, made for the first time, need."""
    for item in items:
        if "tests/lab" in str(item.path):
            item.add_marker(pytest.mark.lab)
            item.add_marker(pytest.mark.timeout(1800))
        if item.path.name == "test_faults.py":
            item.add_marker(pytest.mark.faults)


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
    made = Stack(lab)
    with contextlib.suppress(CommandFailedError):
        # What an interrupted run left in this lab's backend.
        lab.exec("pulumi", "stack", "rm", STACK, "--yes", "--force", "--preserve-config")
    made.init()
    try:
        yield made
    finally:
        made.pulumi("destroy", "--yes", "--skip-preview", check=False)
        lab.exec("pulumi", "stack", "rm", STACK, "--yes", "--force")
        STACK_FILE.unlink(missing_ok=True)
