"""What differs between two texts, as a unified diff (POSIX, diff -U) whose cost has an end, whatever the texts are.

Out of scope: how much of it is shown (`ipvlan.views.file_contents`).
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence
from itertools import takewhile
from typing import Final

MOST_COMPARED: Final = 2_000
"""Lines on either side that are compared one by one. The time grows with their product, and a stranger's change is compared too."""
_CONTEXT: Final = 3
"""Lines before and after a difference, as `diff -u` and git have them."""
_NO_END: Final = r"\ No newline at end of file"


def unified_diff(before: str, after: str) -> Iterator[str]:
    r"""Yield the lines of a diff without its two names; nothing where the texts are equal.

    Each begins with `@`, a space, `-`, `+`, or with a backslash, as in git's: a last line has no newline at its end. A line ends at
    `\n` alone, and what else is no visible character is in the line as it is.

    Of very long texts of which much differs, all that is between the first and the last difference is removed and added.
    """
    old, new = _lines(before), _lines(after)
    same_before = _common(old, new)
    same_after = _common(old[same_before:][::-1], new[same_before:][::-1])
    # Nothing but what may be shown is compared.
    first = max(0, same_before - _CONTEXT)
    more = min(same_after, _CONTEXT)
    old, new = old[first : len(old) - same_after + more], new[first : len(new) - same_after + more]
    if max(len(old), len(new)) > MOST_COMPARED:
        head, tail = same_before - first, more
        begin = ("equal", 0, head, 0, head)
        middle = ("replace", head, len(old) - tail, head, len(new) - tail)
        end = ("equal", len(old) - tail, len(old), len(new) - tail, len(new))
        yield from _hunk([begin, middle, end], old, new, first)
        return
    # Lines are never junk: a line that is often there can be the one that differs.
    for group in difflib.SequenceMatcher(None, old, new).get_grouped_opcodes(_CONTEXT):
        if any(tag != "equal" for tag, *_ in group):
            yield from _hunk(group, old, new, first)


def _lines(text: str) -> list[str]:
    """Return the lines of a text, each with its newline but for a last one that has none."""
    *lines, last = text.split("\n")
    return [*(f"{line}\n" for line in lines), *([last] if last else [])]


def _common(old: Sequence[str], new: Sequence[str]) -> int:
    """Return how many lines are the same from the beginning on."""
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(old, new, strict=False)))


def _hunk(
    group: Sequence[tuple[str, int, int, int, int]], old: Sequence[str], new: Sequence[str], first: int
) -> Iterator[str]:
    """Yield one part of a diff; `first` is how many lines are left out before both."""
    (_, begin_old, _, begin_new, _), (_, _, end_old, _, end_new) = group[0], group[-1]
    yield f"@@ -{_range(begin_old + first, end_old + first)} +{_range(begin_new + first, end_new + first)} @@"
    for tag, old_from, old_to, new_from, new_to in group:
        if tag == "equal":
            yield from _marked(" ", old[old_from:old_to])
        else:
            yield from _marked("-", old[old_from:old_to])
            yield from _marked("+", new[new_from:new_to])


def _marked(mark: str, lines: Sequence[str]) -> Iterator[str]:
    for line in lines:
        yield mark + line.removesuffix("\n")
        if not line.endswith("\n"):
            yield _NO_END


def _range(begin: int, end: int) -> str:
    """Return first line and number of lines, as POSIX wants them: of none, the line before."""
    length = end - begin
    if length == 1:
        return str(begin + 1)
    return f"{begin + 1 if length else begin},{length}"
