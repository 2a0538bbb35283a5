"""Markdown for GitHub and GitLab: text that stays text, code spans and blocks, and tables.

Every value that a stack file, a host or a person gives goes through `escape`, `code` or `fenced`. Else it could end a table cell,
start a tag or an unclosed code block in a pull request's comment, load an image, call people, refer to issues, or give commands.

The rules: GitHub Flavored Markdown (GFM), https://github.github.com/gfm. Mentions, references and bare URLs are found in the text
of the finished page, so a backslash is no help. A zero-width space behind the first sign ends them (Renovate's comments do the
same). None of them is found in code.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from ipvlan.problems import plain

_ENTITIES: Final = {"&": "&amp;", "<": "&lt;", "$": "&#36;"}
"""Signs that start an entity, a tag or a comment, and a formula (GitHub reads formulas before all else)."""

_BREAK: Final = "&#8203;"
"""A zero-width space."""

_LEADS: Final = (
    # People, groups, addresses of mail (GFM 6.9, also without `mailto:`) and commits (owner/name@0123abc). The digest of an image
    # is none of them, and can still be copied.
    r"@(?=[A-Za-z0-9_])(?!(?<=[A-Za-z0-9_]@)sha256:)|(?i:mailto|xmpp):"
    # Issues and pull requests (#1, GH-1, owner/name#1), and what GitLab refers to: requests, epics, snippets, milestones, labels.
    r'|[#!&$%~](?=[A-Za-z0-9_"])|(?<![A-Za-z0-9])[Gg][Hh]-(?=[0-9])|\[(?=[a-z_]+:)'
    # GFM 6.9, extended autolinks; GitLab makes a link of any scheme.
    r"|:(?=//)|[Ww]{3}(?=\.)"
)
"""What is before the place where a mention, a reference or a link is broken."""

_SIGNS: Final = r"[\\*|\[\]]|~(?=\S)|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])"
"""What a backslash makes a plain sign (GFM 6.1). An underscore between two letters or digits starts no emphasis (GFM 6.2)."""

_PIECES: Final = re.compile(f"(?P<lead>{_LEADS})|{_SIGNS}|[&<$]")

# A heading, a quotation, a list, a line or the line below a heading (GFM 4.2, 5.1, 5.2, 4.1, 4.3). And a quick action of GitLab: it
# runs a line of a comment that begins with a slash.
_START: Final = re.compile(r"^([0-9]{1,9}(?=[.)](?: |$))|(?=[#>/]|[-+] |-{2,}$|=+$))")


def escape(text: str) -> str:
    """Return text on one line, with nothing in it that Markdown reads as markup.

    Pairs of single backticks stay what they are, code spans: the project's own messages have them.
    """
    text = _one_line(text)
    if "``" in text or text.count("`") % 2:
        escaped = _escape_prose(text).replace("`", r"\`")
    else:
        parts = text.split("`")
        escaped = "`".join(_escape_code(part) if index % 2 else _escape_prose(part) for index, part in enumerate(parts))
    return _START.sub(r"\1\\", escaped)


def code(text: str) -> str:
    """Return text as a code span."""
    text = _one_line(text).replace("`", "'")
    return f"`{_escape_code(text)}`" if text else ""


def fenced(text: str, language: str = "") -> str:
    """Return text as a code block (GFM 4.5) that nothing in it can end.

    No line begins with a slash: GitLab leaves quick actions in code blocks alone, but has not always found the same end of a block
    as Markdown does (Gitlab::QuickActions::Extractor).
    """
    lines = [f" {line}" if line.startswith("/") else line for line in plain(text, keep="\n\t").split("\n")]
    fence = "`" * max(3, 1 + max((len(run) for run in re.findall("`+", text)), default=0))
    return "\n".join([f"{fence}{language}", *lines, fence])


class Markup(str):
    """Markdown of the project's own, which `table` does not escape."""

    __slots__ = ()


def link(text: str, target: str) -> Markup:
    """Return a link to a target of the project's own."""
    return Markup(f"[{escape(text)}]({target})")


def table(headings: Sequence[str], rows: Iterable[Iterable[str]]) -> Iterator[str]:
    """Yield the lines of a table (GFM 4.10). The headings are Markdown; the cells are text, and are escaped."""
    yield f"| {' | '.join(headings)} |"
    yield f"|{'---|' * len(headings)}"
    for row in rows:
        yield f"| {' | '.join(cell if isinstance(cell, Markup) else escape(cell) for cell in row)} |"


def _one_line(text: str) -> str:
    return plain(" ".join(text.split()))


def _escape_prose(text: str) -> str:
    return _PIECES.sub(_escaped, text)


def _escaped(match: re.Match[str]) -> str:
    piece = match[0]
    sign = f"\\{piece}" if piece in {*r"\*|[]~_"} else _ENTITIES.get(piece, piece)
    return f"{sign}{_BREAK}" if match["lead"] else sign


def _escape_code(text: str) -> str:
    # A code span takes every character as it is, but a table's cell ends at a bare `|` even there (GFM, 4.10).
    return text.replace("|", r"\|")
