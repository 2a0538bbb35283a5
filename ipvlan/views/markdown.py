"""Markdown for GitHub: text that stays text, and tables.

Every value that a stack file, a host or a person gives goes through `escape`, or it could end a table cell, start a tag or an
unclosed code block in a pull request's comment.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

_ENTITIES: Final = (("&", "&amp;"), ("<", "&lt;"))

# GitHub Flavored Markdown, 6.2: an underscore between two letters or digits starts no emphasis.
_SIGNS: Final = re.compile(r"[\\*|]|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])")


def escape(text: str) -> str:
    """Return text on one line, with nothing in it that Markdown reads as markup.

    Pairs of single backticks stay what they are, code spans: the project's own messages have them.
    """
    text = " ".join(text.split())
    if "``" in text or text.count("`") % 2:
        return _escape_prose(text).replace("`", r"\`")
    parts = text.split("`")
    return "`".join(_escape_code(part) if index % 2 else _escape_prose(part) for index, part in enumerate(parts))


def code(text: str) -> str:
    """Return text as a code span."""
    text = " ".join(text.split()).replace("`", "'")
    return f"`{_escape_code(text)}`" if text else ""


def fenced(text: str, language: str = "") -> str:
    """Return text as a code block (GFM 4.5) that nothing in it can end."""
    fence = "`" * (1 + max((len(run) for run in re.findall("`+", text)), default=2))
    return f"{fence}{language}\n{text}\n{fence}"


def table(headings: Sequence[str], rows: Iterable[Iterable[str]]) -> Iterator[str]:
    """Yield the lines of a table. The headings are Markdown; the cells are text, and are escaped."""
    yield f"| {' | '.join(headings)} |"
    yield f"|{'---|' * len(headings)}"
    for row in rows:
        yield f"| {' | '.join(map(escape, row))} |"


def _escape_prose(text: str) -> str:
    for sign, entity in _ENTITIES:
        text = text.replace(sign, entity)
    return _SIGNS.sub(lambda match: f"\\{match[0]}", text)


def _escape_code(text: str) -> str:
    # A code span takes every character as it is, but a table's cell ends at a bare `|` even there (GFM, 4.10).
    return text.replace("|", r"\|")
