"""What holds for every source file: its length, and the words that the project does not use."""

from __future__ import annotations

import re

from tests.support.sources import TRACKED, read

LONGEST = 400
"""Lines."""

WORDS = [
    "mend", "mends", "mended", "mending", "door", "doors", "foretell", "foretells", "foretold", "leftover", "leftovers",
    "squatter", "squatters", "thief", "thieves", "stand-in", "stand-ins", "in clear", "at 3 a.m.",
]  # fmt: skip
"""Words of an older vocabulary: fix, published port, predict, orphaned, conflicting container, in plaintext say it now."""
FORMS = {
    form: re.compile(rf"(?<![A-Za-z]){re.escape(form)}(?![a-z])")
    for word in WORDS
    for form in (word, word.capitalize(), word.upper())
}
"""Each word as it may be written -> what finds it where it is no part of another word."""
IN_STATE = {
    "ipvlan/plan/resource_names.py",
    "tests/engine/take_over/state.json",
    "tests/program/test_resource_names.py",
}
"""Files with the name of a hook that has such a word: the state of every stack holds it."""

TEXTS = [
    name
    for name in TRACKED
    if not name.endswith(".sum") and name not in ("CHANGELOG.md", "tests/unit/tools/test_sources.py")
]
SOURCES = [name for name in TEXTS if name.endswith((".py", ".sh")) or read(name).startswith("#!")]


def test_files_are_short() -> None:
    """A source file has at most 400 lines."""
    lengths = {file: len(read(file).splitlines()) for file in SOURCES}
    assert {file: length for file, length in lengths.items() if length > LONGEST} == {}


def old_words(text: str) -> list[str]:
    """Return the words of the older vocabulary that are in the text."""
    # The plain search for letters is a hundred times as fast as the expression, and most files end there.
    return sorted(form for form, pattern in FORMS.items() if form in text and pattern.search(text))


def test_plain_words() -> None:
    """No text and no file name has a word of the older vocabulary."""
    words = {file: old_words(f"{file}\n{read(file)}") for file in TEXTS if file not in IN_STATE}
    assert {file: old for file, old in words.items() if old} == {}
