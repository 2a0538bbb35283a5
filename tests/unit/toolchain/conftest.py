"""The machine that the tests of toolchain/ run on."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.toolchain import Machine


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """Return a new machine."""
    return Machine(tmp_path)
