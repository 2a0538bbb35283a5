"""What a container printed, as it is shown: no secret value, and nothing that a terminal would obey."""

from __future__ import annotations

import pytest

from ipvlan.hosts.printed_text import printable

SECRET = "correct-horse"


@pytest.mark.parametrize(
    "between", ["\x00", "\x0b", "\x0c", "\x1b[31m", "\x1b]0;title\x07", "\x1e", "\x85", "\u2028", "\u200b"]
)
def test_a_value_that_something_invisible_splits_is_masked(between: str) -> None:
    """A terminal shows both halves as one: so what is not shown goes before the text is searched again."""
    assert printable(f"token correct{between}-horse!\n", [SECRET]) == "token ***!\n"


def test_lines_and_columns_stay() -> None:
    """Windows' line breaks and a returned carriage are line breaks, and a tab is a space."""
    assert printable("a\r\nb\rc\td\n", [SECRET]) == "a\nb\nc d\n"
