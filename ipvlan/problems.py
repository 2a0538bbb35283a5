"""What is wrong with a stack's config, told so that a person can mend it.

Owns the shape and the wording frame of every config message. It finds nothing itself: `models`, `stackfile` and
`rules` do.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

LONGEST_VALUE = 80
"""Characters of an offending value that a message repeats; a 4 KB name must not bury the sentence about it."""

Severity = Literal["error", "warning"]


def shorten(value: object) -> str:
    """The value as a message shows it: control characters escaped, at most `LONGEST_VALUE` characters."""
    text = value if isinstance(value, str) else repr(value) if not isinstance(value, bool) else str(value).lower()
    text = "".join(letter if letter.isprintable() else letter.encode("unicode_escape").decode() for letter in text)
    if len(text) <= LONGEST_VALUE:
        return text
    return f"{text[: LONGEST_VALUE - 20]}... ({len(text)} characters)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One thing that is wrong, or doubtful, in the config."""

    key: str
    """Path of the config key, dotted: `hosts.docker-1.slice`; several joined by ` and ` when two keys clash."""
    value: str
    """The value as it stands in the config, shortened; empty when the key is missing."""
    wrong: str
    """What is wrong with it, one clause."""
    consequence: str
    """What it would cause on the hosts if nobody stopped it."""
    mend: str
    """What to write instead, or where to look."""
    severity: Severity = "error"
    """`warning` does not stop a plan."""

    def __str__(self) -> str:
        shown = f"{self.key}: {self.value}" if self.value else self.key
        return f"{shown}\n    wrong:  {self.wrong}\n    causes: {self.consequence}\n    mend:   {self.mend}"


class ConfigError(Exception):
    """The config cannot be used; `problems` holds every error that could be found at once."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        #: All errors, in the order of the config (fabric, hosts, services, ssh).
        self.problems: tuple[Problem, ...] = tuple(problems)
        super().__init__(self.problems)

    def __str__(self) -> str:
        count = len(self.problems)
        head = f"the config has {count} problem{'' if count == 1 else 's'}:"
        return "\n".join([head, *(f"{number}. {problem}" for number, problem in enumerate(self.problems, 1))])


class PlanError(ConfigError):
    """The config is well formed, but no plan satisfies it: its parts contradict each other."""
