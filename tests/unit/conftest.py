"""Hosts with containers, as a fixture."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.support.containers import NewHost


@pytest.fixture
def new_host(tmp_path: Path) -> Iterator[NewHost]:
    """Return what makes a host with containers."""
    # Imported here: the process that hands out the tests imports this file too.
    from tests.support.containers import container_hosts

    with container_hosts(tmp_path) as new:
        yield new
