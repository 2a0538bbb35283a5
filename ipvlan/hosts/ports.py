"""Ports that are bound on a host."""

from __future__ import annotations

from typing import Final

EVERY_ADDRESS: Final = frozenset({"", "0.0.0.0", "::", "*", "[::]"})  # noqa: S104  # compared, not bound
"""What means "every address of the host": `0.0.0.0`, `::` and nothing in Docker's answers, `0.0.0.0`, `*` and `[::]` in ss."""
