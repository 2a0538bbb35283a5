"""The reference setup's config and the run of the program, as fixtures."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.support.strict_monitor import Run


@pytest.fixture
def config() -> dict[str, Any]:
    """Return the reference setup's config, to change."""
    from tools.reference_setup import reference_config

    return reference_config()


@pytest.fixture
def run() -> Callable[..., Run]:
    """Return the function that runs the program."""
    # Imported here: the process that hands out the tests imports this file too, and would wait for the whole program.
    from tests.support.strict_monitor import run_program

    return run_program


@pytest.fixture(scope="session")
def reference() -> Run:
    """Return what the program registers for the reference setup as it is; tests read it, and change nothing in it."""
    from tests.support.strict_monitor import run_program
    from tools.reference_setup import reference_config

    return run_program(reference_config())
