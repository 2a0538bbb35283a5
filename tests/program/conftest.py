"""The seed's config, as the program tests start from it."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

from tests.support.strict_monitor import Run, run_program

DIGEST = "sha256:" + "1" * 64
SEED: dict[str, Any] = {
    "fabric": {"name": "ipvlanl2", "mode": "l2", "subnet": "10.1.0.0/16", "gateway": "10.1.0.1"},
    "hosts": {
        "docker-1": {"address": "192.168.140.200", "parent": "ens33", "slice": "10.1.1.0/24"},
        "docker-2": {"address": "192.168.140.201", "parent": "ens33", "slice": "10.1.2.0/24"},
    },
    "services": {
        "centos": {"image": f"registry.lab:5000/debian-init@{DIGEST}", "command": ["/usr/sbin/init"], "offset": 1},
        "nginx": {"image": f"registry.lab:5000/nginx@{DIGEST}", "offset": 2, "ports": ["80:80"], "published": True},
    },
}


@pytest.fixture
def seed() -> dict[str, Any]:
    """Return a copy of the seed's config, to change."""
    return copy.deepcopy(SEED)


@pytest.fixture
def run() -> Callable[..., Run]:
    """Return the function that runs the whole program."""
    return run_program
