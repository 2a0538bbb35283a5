"""What `plain` lets through and what it shows as an escape."""

from __future__ import annotations

import unicodedata
from itertools import chain

import pytest

from ipvlan.problems import MOST_MARKS, Problem, plain, shorten


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("caf\u00e9 \u6771\u4eac \u2714 a-b_c", "caf\u00e9 \u6771\u4eac \u2714 a-b_c"),
        ("\x1b[2J\x9b\x07\0", r"\x1b[2J\x9b\x07\x00"),
        ("\u202e\u2066\u200b\ufeff\u2028", r"\u202e\u2066\u200b\ufeff\u2028"),
        ("\ud800\ue000\uffff", r"\ud800\ue000\uffff"),
        ("\u3164\u115f\ufe0f\u2800\U000e0100", r"\u3164\u115f\ufe0f\u2800\U000e0100"),
        ("e\u0301" + "\u0336" * 5, "e\u0301" + "\u0336" * 3 + r"\u0336\u0336"),
        ("a\nb\tc", r"a\nb\tc"),
    ],
)
def test_plain(text: str, shown: str) -> None:
    """Letters of any language stay; what is not visible, or would change other text, is an escape."""
    assert plain(text) == shown
    assert plain(shown) == shown
    assert shorten(text) == shown


def test_plain_of_every_character() -> None:
    """Of what Unicode has below the old scripts, and of its tags, nothing passes that is no visible character."""
    kept = {chr(code) for code in chain(range(0x12000), range(0xE0000, 0xE0200)) if plain(chr(code)) == chr(code)}
    assert {unicodedata.category(letter) for letter in kept} & {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"} == set()
    assert {letter for letter in kept if unicodedata.category(letter) == "Zs"} == {" "}
    assert MOST_MARKS < 10


def test_kept_characters() -> None:
    """Where a text has lines, its line breaks stay."""
    assert plain("a\nb\tc\r", keep="\n\t") == "a\nb\tc\\r"


def test_a_line_of_a_problem_is_no_field() -> None:
    """What a host printed cannot look like the fix."""
    problem = Problem(code="IPF711", key="k\n", value="v\x1b", problem="p\n    fix:     x", effect="e", fix="f")
    assert str(problem).splitlines() == [
        "IPF711 k\\n: v\\x1b",
        "    problem: p",
        f"{' ' * 13}    fix:     x",
        "    effect:  e",
        "    fix:     f",
    ]
