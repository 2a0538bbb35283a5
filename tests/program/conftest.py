"""The reference setup's config and the run of the program, as fixtures."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.support.strict_monitor import Run, run_program
from tools.reference_setup import reference_config


@pytest.fixture
def config() -> dict[str, Any]:
    """Return the reference setup's config, to change."""
    return reference_config()


@pytest.fixture
def run() -> Callable[..., Run]:
    """Return the function that runs the program."""
    return run_program
