"""Reads a file of variables, `.env`, as compose does (compose-go 2.16, dotenv/parser.go).

Out of scope: finding the file (`ipvlan.config.compose.source`).
"""

from __future__ import annotations

import re
from collections import ChainMap
from typing import Final

from ipvlan.config.compose.interpolation import substitute
from ipvlan.config.compose.node import Hole, LeftOutError, Variables

_ENTRY: Final = re.compile(
    r"""[^\S\n]*(?:export[^\S\n]+)?(?P<name>[A-Za-z0-9_.\-\[\]]+)[^\S\n]*
    (?: [=:][^\S\n]*
        (?: '(?P<single>(?:[^'\\]|\\[\s\S])*)'[^\n]* | "(?P<double>(?:[^"\\]|\\[\s\S])*)"[^\n]* | (?P<plain>[^\n]*) )
    )? (?:\n|\Z)""",
    re.VERBOSE,
)
_BLANK: Final = re.compile(r"[^\S\n]*(?:\#[^\n]*)?(?:\n|\Z)")
_ESCAPES: Final = {
    "a": "\a",
    "b": "\b",
    "f": "\f",
    "n": "\n",
    "r": "\r",
    "t": "\t",
    "v": "\v",
    '"': '"',
    "\\": "\\",
    "$": "$$",
}


class DotenvError(Exception):
    """A line is no entry; the argument is its number, from 1."""


def parse_dotenv(text: str, before: Variables) -> dict[str, str | Hole]:
    """Return the variables of a file's text.

    Args:
        text: Lines `NAME=VALUE`, with quotes, comments and variables as compose takes them. A line `NAME` alone, which is the
            variable of the shell, is no variable here. A value that needs a variable which is not set is a hole: compose takes that
            one from the shell, or an empty text, as for what is behind the `$` of a password.
        before: Variables of earlier files, which values may refer to.

    Raises:
        DotenvError: A line is no entry.
    """
    text = text.replace("\r\n", "\n")
    variables: dict[str, str | Hole] = {}
    known = ChainMap(variables, {**before})
    at = 0
    while at < len(text):
        blank = _BLANK.match(text, at)
        if blank and blank.end() > at:
            at = blank.end()
            continue
        entry = _ENTRY.match(text, at)
        if entry is None or (entry["plain"] or "")[:1] in ("'", '"'):
            raise DotenvError(text.count("\n", 0, at) + 1)
        if entry["single"] is not None:
            variables[entry["name"]] = entry["single"].replace("\\'", "'")
        elif entry["double"] is not None:
            variables[entry["name"]] = _expanded(re.sub(r"\\([abfnrtv\"\\$])", _unescaped, entry["double"]), known)
        elif entry["plain"] is not None:
            variables[entry["name"]] = _expanded(re.split(r"\s#", entry["plain"], maxsplit=1)[0].rstrip(), known)
        at = entry.end()
    return variables


def _unescaped(match: re.Match[str]) -> str:
    return _ESCAPES[match[1]]


def _expanded(text: str, known: Variables) -> str | Hole:
    try:
        return substitute(text, known)
    except LeftOutError:
        # The name behind a `$` may be a part of a password.
        return Hole("the file of variables has a `$` in it that needs another variable: put the value in single quotes")
