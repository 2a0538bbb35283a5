"""What is wrong, in a form that a person can act on: the one shape and the one writer of every message.

Out of scope: finding problems (`ipvlan.config`, `ipvlan.plan.rules`, `ipvlan.hosts`, `ipvlan.checks`), and the list of codes
(`ipvlan.codes`).
"""

from __future__ import annotations

import reprlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import ClassVar, Final, Literal

LONGEST_VALUE = 80
"""Characters of an offending value that a message repeats; a name of 4 KB must not hide the message about it."""

Severity = Literal["error", "warning", "info"]
"""`error` stops the command or makes its exit status 1; the others do neither."""


_SHORT: Final = reprlib.Repr()
"""Aliases of YAML make a small file whose complete text has no end; a message shows a few levels and entries of it."""
_SHORT.maxlevel = 4
_SHORT.maxdict = _SHORT.maxlist = _SHORT.maxtuple = _SHORT.maxset = 8
_SHORT.maxstring = _SHORT.maxother = _SHORT.maxlong = 1000


def shorten(value: object) -> str:
    """Return the value as a message shows it: control characters escaped, at most `LONGEST_VALUE` characters."""
    text = (
        value if isinstance(value, str) else _SHORT.repr(value) if not isinstance(value, bool) else str(value).lower()
    )
    text = "".join(letter if letter.isprintable() else letter.encode("unicode_escape").decode() for letter in text)
    if len(text) <= LONGEST_VALUE:
        return text
    return f"{text[: LONGEST_VALUE - 20]}... ({len(text)} characters)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One thing that is wrong, or doubtful."""

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

    def __str__(self) -> str:
        shown = f"{self.key}: {self.value}" if self.value else self.key
        return f"{self.code} {shown}\n    problem: {self.problem}\n    effect:  {self.effect}\n    fix:     {self.fix}"


def numbered(heading: str, problems: Sequence[Problem]) -> str:
    """Return the heading with the problems below it, numbered from 1."""
    return "\n".join([heading, *(f"{number}. {problem}" for number, problem in enumerate(problems, 1))])


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
