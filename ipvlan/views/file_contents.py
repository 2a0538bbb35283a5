"""What a change does to files, for the report: the cells of a table, and the lines that differ, so many that a person reads them.

Out of scope: what differs (`ipvlan.plan.file_changes`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from ipvlan.plan.file_changes import FileChange, FileEffect
from ipvlan.problems import plain
from ipvlan.views import markdown
from ipvlan.views.rollout import listed

LONGEST_FILE: Final = 200
"""Lines of one file."""
LONGEST_LINE: Final = 200
"""Characters of one line."""
LONGEST_CONTENTS: Final = 400
"""Lines of all files together."""
MOST_CHARACTERS: Final = 30_000
"""Of all files together: a comment has 60,000, and has tables too."""
CONTENTS: Final = "Lines of files that differ"
"""How the title of their section begins; a comment that is too long leaves that section out before the tables."""

EFFECTS: Final[Mapping[FileEffect, str]] = {
    "create": "is new, and starts with it",
    "replace": "is replaced, and starts with it",
    "restart": "is stopped and started again, and keeps its id",
    "reload": "takes it while it runs",
}


def row(change: FileChange) -> tuple[str, ...]:
    """Return service, hosts, file, what happens to it, what differs, and what its container does."""
    added, removed = (sum(line.startswith(mark) for line in change.diff) for mark in "+-")
    lines = [f"lines: +{added} -{removed}"] if change.diff else []
    return (
        change.service,
        listed(change.hosts, "hosts"),
        change.target,
        change.action,
        "; ".join([*lines, *change.details]),
        EFFECTS[change.effect],
    )


def contents(changes: Sequence[FileChange]) -> Iterator[str]:
    """Yield the lines of Markdown with what differs in texts; nothing where no text does.

    What is left out is counted: nobody takes a part for the whole.
    """
    texts = [change for change in changes if change.diff]
    if not texts:
        return
    yield f"### {CONTENTS} ({len(texts)})"
    yield ""
    lines, characters = LONGEST_CONTENTS, MOST_CHARACTERS
    for number, change in enumerate(texts):
        shown = list(_within(change.diff[: min(LONGEST_FILE, lines)], characters))
        if not shown:
            rest = texts[number:]
            count = sum(len(other.diff) for other in rest)
            yield f"**{len(rest)} more files with {count} lines are not shown:** `ipvlan report --json` lists them all."
            yield ""
            return
        lines -= len(shown)
        characters -= sum(map(len, shown))
        more = len(change.diff) - len(shown)
        if more:
            # As in git, a line that is none of the file's begins with a backslash.
            shown.append(rf"\ {more} more lines are not shown: `ipvlan report --json` lists them all")
        yield (
            f"{markdown.code(change.target)} of {markdown.code(change.service)} "
            f"on {markdown.escape(listed(change.hosts, 'hosts'))}:"
        )
        yield ""
        yield markdown.fenced("\n".join(shown), "diff")
        yield ""


def _within(lines: Sequence[str], characters: int) -> Iterator[str]:
    """Yield the lines as they are shown, as long as there is room for them."""
    for line in lines:
        shown = _shown(line)
        characters -= len(shown)
        if characters < 0:
            return
        yield shown


def _shown(line: str) -> str:
    """Return a line of a diff, of which everything is visible, and whose first sign is still the first one."""
    shown = plain(line, keep="\t")
    return (
        shown
        if len(shown) <= LONGEST_LINE
        else f"{shown[:LONGEST_LINE]}... {len(shown) - LONGEST_LINE} more characters"
    )
