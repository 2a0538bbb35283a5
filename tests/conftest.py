"""Property tests: few examples while somebody works on the code, many in CI, and no coverage measured.

Garbage is collected rarely.
"""

from __future__ import annotations

import gc
import os

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile("dev", max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
# Hypothesis' own profile for CI draws the same examples in every run: only a change of the code can make a run fail.
settings.register_profile("ci", settings.get_profile("ci"), max_examples=200)
# Each process imports everything and keeps it: looking for garbage in it took a seventh of the time until the first test.
gc.set_threshold(100_000, 50, 1000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE") or ("ci" if os.environ.get("CI") else "dev"))


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Measure no coverage of property tests: it would double their time, and other tests cover the same lines."""
    for item in items:
        if item.get_closest_marker("hypothesis"):
            item.add_marker(pytest.mark.no_cover)
