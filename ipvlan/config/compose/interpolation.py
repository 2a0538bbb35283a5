"""Puts the values of variables into the texts of a compose file, as compose does (compose-go 2.16, template/template.go).

Variables come from files that the command line names, never from the environment of whoever runs the command: what is written
would depend on the shell, and could be a secret of it.

Out of scope: which texts have variables (`ipvlan.config.compose.source`), and files of variables (`ipvlan.config.compose.dotenv`).
"""

from __future__ import annotations

import re
from typing import Final

from ipvlan.config.compose.node import Hole, LeftOutError, Variables

DEEPEST: Final = 20
"""Variables in each other's defaults."""

_NAME: Final = re.compile(r"[_A-Za-z][_A-Za-z0-9]*")
_OPERATOR: Final = re.compile(r":?[-+?]")


def substitute(text: str, variables: Variables, used: set[str] | None = None) -> str:
    """Return the text with `$NAME`, `${NAME}`, `${NAME:-TEXT}` and the other forms of compose replaced, and `$$` as `$`.

    Any other `$` stays, as in `awk '{print $1}'`.

    Args:
        text: A text of a compose file.
        variables: Their values.
        used: Gets the names of the variables whose values are in what is returned.

    Raises:
        LeftOutError: A variable has no value and no default, or the text is no template.
    """
    shown, end = _until(text, 0, variables, set() if used is None else used, inside=0)
    if end != len(text):
        raise LeftOutError("a `${` in it has no end")
    return shown


def _until(text: str, at: int, variables: Variables, used: set[str], inside: int) -> tuple[str, int]:
    """Return the text from `at` to the `}` that ends it (to the end of the text, outside of braces), and where that is."""
    if inside > DEEPEST:
        raise LeftOutError(f"more than {DEEPEST} variables are in each other")
    parts: list[str] = []
    while at < len(text):
        letter = text[at]
        if letter == "}" and inside:
            break
        if letter != "$":
            parts.append(letter)
            at += 1
        elif text.startswith("$$", at):
            parts.append("$")
            at += 2
        elif text.startswith("${", at):
            value, at = _braced(text, at + 2, variables, used, inside + 1)
            parts.append(value)
        else:
            name = _NAME.match(text, at + 1)
            parts.append("$" if name is None else _value(name[0], variables, used))
            at = at + 1 if name is None else name.end()
    return "".join(parts), at


def _braced(text: str, at: int, variables: Variables, used: set[str], inside: int) -> tuple[str, int]:
    """Return the value of what is behind a `${`, and the index behind its `}`."""
    name = _NAME.match(text, at)
    if name is None:
        raise LeftOutError("a `${` in it has no name of a variable behind it")
    at = name.end()
    operator = _OPERATOR.match(text, at)
    word, hole = "", None
    of_word: set[str] = set()
    if operator:
        begin = operator.end()
        try:
            word, at = _until(text, begin, variables, of_word, inside)
        except LeftOutError as error:
            # Only a word that is used needs a value.
            hole, at = error, _closing(text, begin)
    if not text.startswith("}", at):
        raise LeftOutError("a `${` in it has no end")
    value = _chosen(name[0], operator[0] if operator else "", variables, used)
    if value is not None:
        return value, at + 1
    if hole is not None:
        raise hole
    used |= of_word
    return word, at + 1


def _closing(text: str, at: int) -> int:
    """Return the index of the `}` that ends the braces around `at`; the text's length where there is none."""
    depth = 1
    while at < len(text):
        if text.startswith("${", at):
            depth += 1
            at += 1
        elif text[at] == "}":
            depth -= 1
            if not depth:
                break
        at += 1
    return at


def _chosen(name: str, operator: str, variables: Variables, used: set[str]) -> str | None:
    """Return the value of `${NAME OPERATOR WORD}`; None where it is the word."""
    is_there = name in variables and (variables[name] != "" or not operator.startswith(":"))
    if operator.endswith("+"):
        return None if is_there else ""
    if operator.endswith("-"):
        return _value(name, variables, used) if is_there else None
    if operator and not is_there:
        raise LeftOutError(f"the variable {name} is required and has no value: name a file that sets it by --env-file")
    return _value(name, variables, used)


def _value(name: str, variables: Variables, used: set[str]) -> str:
    if name not in variables:
        # Compose warns and takes the empty text: an image without its tag, a path that begins at the root.
        raise LeftOutError(f"the variable {name} has no value: set it in .env beside the file, or in one of --env-file")
    value = variables[name]
    if isinstance(value, Hole):
        raise LeftOutError(f"the variable {name} has no value: {value.reason}")
    used.add(name)
    return value
