"""One stack for all tests of this folder: the reference setup, published. Each test leaves it as planned, for the next."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from lab.harness import Lab, Stack, new_stack


@pytest.fixture(scope="package")
def stack(lab: Lab) -> Iterator[Stack]:
    """Bring the reference setup up, published; at the end it is destroyed and removed."""
    with new_stack(lab) as stack:
        stack.config["services"]["nginx"]["published"] = True
        stack.up()
        yield stack
