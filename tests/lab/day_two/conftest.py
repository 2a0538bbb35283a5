"""One stack for all tests of this folder: the seed, published. Each test leaves it whole, and the next begins there."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from lab.harness import Lab, Stack, new_stack


@pytest.fixture(scope="package")
def stack(lab: Lab) -> Iterator[Stack]:
    """Bring the seed up, published; it is destroyed and removed at the end."""
    with new_stack(lab) as made:
        made.config["services"]["nginx"]["published"] = True
        made.up()
        yield made
