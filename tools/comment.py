"""The text of a pull request's comment, from the reports and previews of all stacks: what is left out where it would be too long.

Out of scope: making reports and previews (`tools.pr_preview`).
"""

from __future__ import annotations

import re
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from ipvlan.plan.powers import RANK, ContainerPower, Power
from ipvlan.problems import shorten
from ipvlan.views import markdown
from ipvlan.views.file_contents import CONTENTS
from ipvlan.views.report import DANGEROUS, LONGEST_TABLE
from ipvlan.views.rollout import listed

MARKER: Final = "<!-- ipvlan-fabric: pull request -->"
"""The first line, by which the workflow finds the comment that it updates."""
LONGEST_COMMENT: Final = 60_000
"""Characters; GitHub takes 65,536."""
LONGEST_ERROR: Final = 2_000
"""Characters of an error that stay longer than a preview."""
LEAST_FOR_DANGERS: Final = 40_000
"""Characters that the common table of what is dangerous has in any case."""

# What is left out, in this order, until the rest has room. What is dangerous never is: see `_with_common_table`.
_PREVIEW, _LONG_ERROR, _TOPOLOGY, _FILES, _ERROR, _TABLE, _SUMMARY = range(7)


class Part(NamedTuple):
    """What the comment has about one stack."""

    report: str
    title: str = ""
    """How the preview went; empty when there is none."""
    preview: str = ""
    failed: bool = False
    error: str = ""
    """Why there is no report."""
    stack: str = ""
    powers: Sequence[ContainerPower] = ()
    """What the report's first section lists."""


class Comment(NamedTuple):
    """The comment, and whether a reviewer can rely on it."""

    text: str
    lost: int = 0
    """Rows on dangerous settings that have no room. A job that passes would hide them."""


class _Block(NamedTuple):
    """A piece of the comment, with what stands in its place when it is left out."""

    text: str
    shorter: tuple[tuple[int, str], ...] = ()
    """When it is left out, or cut, and the text then; the first one first."""
    dangerous: str | None = None
    """Of a section on what is dangerous: what stands in its place when the common table has its rows."""


class _Row(NamedTuple):
    """A line of the common table."""

    stack: str
    service: str
    is_new: bool
    power: Power
    hosts: tuple[str, ...]

    @property
    def rank(self) -> tuple[bool, int]:
        """What is new comes first, then the most dangerous setting; one that has no rank is none that may be left out."""
        return not self.is_new, RANK.get(self.power.setting, -1)


def comment(parts: Sequence[Part]) -> Comment:
    """Return the comment of all stacks. Where it would be too long for GitHub, the previews are left out first, and it says so.

    What is dangerous is left out for nothing else. Where even that has no room, all stacks have one table, in which no stack can
    hide another's; and where that has no room, `lost` is not 0.
    """
    blocks: list[_Block] = []
    for part in parts:
        blocks += _blocks_of_report(part.report)
        if part.error:
            blocks.append(_block_of_error(part.error))
        if part.title:
            blocks.append(_block_of_preview(part, (LONGEST_COMMENT - 10_000) // max(1, len(parts))))
    rows = [list(_rows(part)) for part in parts]
    texts = [block.text for block in blocks]
    # A report's own table has an end, which hides what is below it.
    if all(len(each) <= LONGEST_TABLE for each in rows):
        _shorten(texts, blocks, LONGEST_COMMENT, last=_TABLE)
        if _length(texts) <= LONGEST_COMMENT:
            return Comment(_joined(texts))
    return _with_common_table(texts, blocks, [row for each in rows for row in each])


def _with_common_table(texts: list[str], blocks: Sequence[_Block], rows: Sequence[_Row]) -> Comment:
    """Return the comment with one table of what is dangerous in all stacks before everything else."""
    lost = 0
    if rows:
        texts[:] = [
            text if block.dangerous is None else block.dangerous for text, block in zip(texts, blocks, strict=True)
        ]
        table, _ = _common_table(rows, sys.maxsize)
        _shorten(texts, blocks, max(0, LONGEST_COMMENT - len(table)), last=_SUMMARY)
        table, lost = _common_table(rows, max(LEAST_FOR_DANGERS, LONGEST_COMMENT - _length(texts)))
        texts.insert(0, table)
    else:
        _shorten(texts, blocks, LONGEST_COMMENT, last=_SUMMARY)
    note = "(cut: this is not all of it. `ipvlan report` prints the rest, for each stack.)\n"
    if _length(texts) > LONGEST_COMMENT:
        # Hundreds of stacks: not even that it was left out has room. Half of a block of code would be none.
        while _length([*texts, note]) > LONGEST_COMMENT:
            texts.pop()
        texts.append(note)
    return Comment(_joined(texts), lost)


def _shorten(texts: list[str], blocks: Sequence[_Block], room: int, last: int) -> None:
    """Put shorter texts in the place of texts, until they have room or there is nothing more that may go by then."""
    steps = sorted(
        (when, number, text) for number, block in enumerate(blocks) for when, text in block.shorter if when <= last
    )
    length = _length(texts)
    for _, number, text in steps:
        if length <= room:
            return
        if len(text) < len(texts[number]):
            length += len(text) - len(texts[number])
            texts[number] = text


def _length(texts: Sequence[str]) -> int:
    return len(_joined(texts))


def _joined(texts: Sequence[str]) -> str:
    return "\n".join([MARKER, *texts])


def _rows(part: Part) -> Iterator[_Row]:
    """Yield what the new and changed containers of a stack may do, once for all hosts on which a service may do the same."""
    hosts: dict[tuple[str, bool, Power], list[str]] = {}
    for power in part.powers:
        hosts.setdefault((power.service, power.is_new, power.power), []).append(power.host)
    for (service, is_new, what), names in hosts.items():
        yield _Row(part.stack, service, is_new, what, tuple(names))


def _common_table(rows: Sequence[_Row], room: int) -> tuple[str, int]:
    """Return the table of the rows that have room, the most dangerous first, and the number of the others.

    Of rows of one rank each stack has its first, then each its second: else one with hundreds leaves no room to the others.
    """
    counts: Counter[tuple[object, ...]] = Counter()
    turns: list[tuple[tuple[bool, int], int, int]] = []
    for number, row in enumerate(rows):
        turns.append((row.rank, counts[row.stack, row.rank], number))
        counts[row.stack, row.rank] += 1
    heading = f"## {DANGEROUS} of all stacks, the most dangerous first ({len(rows)})\n"
    lines = [
        heading,
        *markdown.table(
            ("New", "Stack", "Service", "Host", "Setting", "Value", "Meaning"),
            (
                (
                    "new" if row.is_new else "as before",
                    row.stack,
                    row.service,
                    listed(row.hosts, "hosts"),
                    row.power.setting,
                    shorten(row.power.value),
                    row.power.meaning,
                )
                for row in (rows[number] for *_, number in sorted(turns))
            ),
        ),
    ]
    left = room - 300  # of what is said about the others
    shown = 0
    for line in lines:
        left -= len(line) + 1
        if left < 0:
            break
        shown += 1
    lost = len(lines) - shown
    if lost:
        lines[shown:] = [
            "",
            f"**{lost} more have no room, so this job fails:** make several smaller changes of this one.",
        ]
    return "\n".join([*lines, ""]), lost


def _blocks_of_report(report: str) -> Iterator[_Block]:
    """Yield the sections of a report: its topology and its files are left out before its tables, and its head is cut last."""
    # At the beginning of a line, no text of a config or of a file has a heading or a tag.
    head, *sections = re.split(r"(?m)^(?=### |<details>)", report)
    kept = "\n\n".join(line for line in head.splitlines() if line.startswith(("## ", "**")))
    yield _Block(head, ((_SUMMARY, f"{kept}\n"),))
    for section in sections:
        title = section.partition("\n")[0]
        topology = title.startswith("<details>")
        what = "the topology" if topology else title.lstrip("# ")
        if title.startswith(f"### {DANGEROUS}"):
            yield _Block(section, dangerous=f"**{what}:** in the table of all stacks, at the top.\n")
        else:
            instead = f"**Left out, there is no room: {what}.** `ipvlan report` prints it.\n"
            when = _TOPOLOGY if topology else _FILES if title.startswith(f"### {CONTENTS}") else _TABLE
            yield _Block(section, ((when, instead),))


def _block_of_error(error: str) -> _Block:
    begin = error[:LONGEST_ERROR].rpartition("\n")[0] or error[:LONGEST_ERROR]
    cut = f"{begin}\n... cut: {len(error) - len(begin)} characters more: run `ipvlan plan`"
    return _Block(
        f"{markdown.fenced(error)}\n",
        (
            (_LONG_ERROR, f"{markdown.fenced(cut)}\n"),
            (_ERROR, "**Left out, there is no room: why.** `ipvlan plan` prints it.\n"),
        ),
    )


def _block_of_preview(part: Part, room: int) -> _Block:
    """Return the preview of a stack; of a very long one the beginning, which has the containers."""
    preview = part.preview
    if len(preview) > room:
        kept = preview[:room].rpartition("\n")[0]
        rest = preview[len(kept) :].strip("\n")
        resources = sum(not line.startswith(" ") for line in rest.splitlines())
        preview = (
            f"{kept}\n... cut: {len(rest)} characters more, on {resources} more resources: run `pulumi preview --diff`"
        )
    summary = f"<summary><code>pulumi preview</code> {part.title}</summary>"
    text = f"<details>{summary}\n\n{markdown.fenced(preview)}\n\n</details>\n"
    instead = (
        f"<code>pulumi preview</code> {part.title}. **Left out, there is no room:** run `pulumi preview --diff`.\n"
    )
    return _Block(text, ((_PREVIEW, instead),))
