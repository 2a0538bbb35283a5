"""What is wrong, in a form that a person can act on: the one shape and the one writer of every message.

Out of scope: finding problems (`ipvlan.config`, `ipvlan.plan.rules`, `ipvlan.hosts`, `ipvlan.checks`), and the list of codes
(`ipvlan.codes`).
"""

from __future__ import annotations

import json
import re
import reprlib
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import ClassVar, Final, Literal

LONGEST_VALUE = 80
"""Characters of an offending value that a message repeats; a name of 4 KB must not hide the message about it."""

MOST_SHOWN: Final = 100
"""Problems that one text lists."""

Severity = Literal["error", "warning", "info"]
"""`error` stops the command or makes its exit status 1; the others do neither."""


_PLAIN: Final = re.compile(r"[A-Za-z/_](?:[\w./@%+=:-]*[\w./@%+=-])?", re.ASCII)
_NO_TEXT: Final = ("true", "false", "yes", "no", "on", "off", "y", "n", "null")
"""Words that readers of YAML take for something else than a text."""


class _Yaml(reprlib.Repr):
    """Values as a stack file has them in one line."""

    def repr_bool(self, value: bool, level: int) -> str:  # noqa: ARG002  (called by `Repr`, by the name of the type)
        return str(value).lower()

    def repr_NoneType(self, value: None, level: int) -> str:  # noqa: ARG002, N802  (as above)
        return "null"

    def repr_str(self, value: str, level: int) -> str:  # noqa: ARG002  (as above)
        text = value if len(value) <= self.maxstring else f"{value[: self.maxstring]}..."
        plain_text = _PLAIN.fullmatch(text) and text.lower() not in _NO_TEXT
        return text if plain_text else json.dumps(text, ensure_ascii=False)

    def repr_tuple(self, value: tuple[object, ...], level: int) -> str:
        return self.repr_list([*value], level)


_SHORT: Final = _Yaml()
"""Aliases of YAML make a small file whose complete text has no end; a message shows a few levels and entries of it."""
_SHORT.maxlevel = 4
_SHORT.maxdict = _SHORT.maxlist = _SHORT.maxtuple = _SHORT.maxset = 8
_SHORT.maxstring = _SHORT.maxother = _SHORT.maxlong = 1000


_INVISIBLE: Final = frozenset(
    [*"\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u2800\u3164\uffa0"]
    + [chr(code) for first, last in ((0xFE00, 0xFE0F), (0xE0100, 0xE01EF)) for code in range(first, last + 1)]
)
"""Letters and marks that show nothing and that Python takes for printable: the rest of Default_Ignorable_Code_Point (UAX 44), and
the empty pattern of braille."""

MOST_MARKS: Final = 4
"""Combining marks on one letter; written languages have up to three, and hundreds of them cover the lines above and below."""

_INDENT: Final = " " * 13
"""Of the second and later lines of a problem's text, so that no line of it reads like a field of the problem."""


def plain(text: str, keep: str = "") -> str:
    """Return text for a terminal, a log or a message: what is no visible character is shown as its escape.

    So no text moves the cursor, sets a title, changes the order of other text, or has a second meaning (ECMA-48; UAX 9, the
    overrides and isolates of directions; half surrogates, which no output can encode). What is not visible is what
    `str.isprintable` names, a blank aside: the categories Cc, Cf, Cs, Co, Cn, Zl, Zp and Zs.

    Args:
        text: Any text.
        keep: Characters that stay what they are: a line break, where the text has lines.
    """
    if text.isascii() and text.isprintable():
        return text
    shown, marks = [], 0
    for letter in text:
        marks = marks + 1 if unicodedata.category(letter) in ("Mn", "Me") else 0
        visible = letter.isprintable() and letter not in _INVISIBLE and marks <= MOST_MARKS
        shown.append(letter if visible or letter in keep else letter.encode("unicode_escape").decode())
    return "".join(shown)


def shorten(value: object) -> str:
    """Return the value as a message shows it: in YAML's spelling, `plain`, at most `LONGEST_VALUE` characters."""
    text = plain(value if isinstance(value, str) else _SHORT.repr(value))
    if len(text) <= LONGEST_VALUE:
        return text
    return f"{text[: LONGEST_VALUE - 20]}... ({len(text)} characters)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One thing that is wrong, or doubtful. Its texts are safe to print wherever they come from: they are made `plain` at once."""

    code: str
    """The rule that it breaks: a key of `ipvlan.codes.TITLES`. A code never changes its meaning."""
    key: str
    """Path of the config key, dotted: `hosts.docker-1.slice`; two keys that conflict are joined by ` and `. Else the option, the
    host or the file that the problem is about."""
    value: str
    """The offending value, shortened; empty when there is none."""
    problem: str
    """What is wrong with it, one clause."""
    effect: str
    """What it would cause if the program went on."""
    fix: str
    """What to write instead, or where to look."""
    severity: Severity = "error"
    """`warning` does not stop a plan."""

    def __post_init__(self) -> None:
        for name, keep in (("key", ""), ("value", ""), ("problem", "\n"), ("effect", "\n"), ("fix", "\n")):
            object.__setattr__(self, name, plain(getattr(self, name), keep))

    def __str__(self) -> str:
        shown = f"{self.key}: {self.value}" if self.value else self.key
        fields = {"problem: ": self.problem, "effect:  ": self.effect, "fix:     ": self.fix}
        lines = (f"    {name}{_indented(text)}" for name, text in fields.items())
        return "\n".join([f"{self.code} {shown}", *lines])


def _indented(text: str) -> str:
    first, *others = text.split("\n")
    return "\n".join([first, *(line if line.startswith(_INDENT) else f"{_INDENT}{line}" for line in others)])


def numbered(heading: str, problems: Sequence[Problem]) -> str:
    """Return the heading with the problems below it, numbered from 1, at most `MOST_SHOWN`."""
    more = len(problems) - MOST_SHOWN
    lines = [heading, *(f"{number}. {problem}" for number, problem in enumerate(problems[:MOST_SHOWN], 1))]
    return "\n".join([*lines, *([f"... and {more} more: correct these first"] if more > 0 else [])])


class UserError(Exception):
    """What a person must fix; `problems` has every error that can be found at once."""

    subject: ClassVar[str] = "this"
    """What has the problems, as the heading calls it: `the config`, `the command line`."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems: tuple[Problem, ...] = tuple(problems)
        """All errors, in the order of what they are about."""
        super().__init__(self.problems)

    def __str__(self) -> str:
        count = len(self.problems)
        return numbered(f"{self.subject} has {count} problem{'' if count == 1 else 's'}:", self.problems)


class ConfigError(UserError):
    """The config cannot be used; its problems are in the order of the config (fabric, hosts, services, ssh)."""

    subject = "the config"


class PlanError(ConfigError):
    """The config is well formed, and its parts contradict each other."""


class UsageError(UserError):
    """The command cannot work as it was called: the value of an option, or the folder it runs in."""

    subject = "the command line"


class ToolError(UserError):
    """A program or package that the command needs is missing, or does not work."""

    subject = "this machine"
