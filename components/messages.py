"""What the program says on the run's log: the one place that hands text to the engine, which prints it on a terminal as it is.

What ends the run is a `UserError`, whose text is plain already (`ipvlan.problems`).
"""

from __future__ import annotations

import pulumi

from ipvlan.problems import plain


def info(text: str) -> None:
    """Say it."""
    pulumi.log.info(plain(text, keep="\n"))


def warn(text: str) -> None:
    """Say it as a warning."""
    pulumi.log.warn(plain(text, keep="\n"))


def error(text: str) -> None:
    """Say it as an error; the run goes on."""
    pulumi.log.error(plain(text, keep="\n"))
