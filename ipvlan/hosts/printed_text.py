"""What a container or its health check printed, as it can be shown: without secret values and without what a terminal would obey.

Out of scope: which values are secret, and how they are found (`ipvlan.hosts.secret_values`).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from ipvlan.hosts.secret_values import mask

LAST_LINES: Final = 20
"""Lines that are kept of what was printed."""

LONGEST_LINE: Final = 300
"""Characters that are kept of a line."""

_CUT_BYTES: Final = 4096
"""Bytes of a health check's output from which on Docker cuts it (`maxOutputLen` of moby's health checks)."""

_CONTROL_SEQUENCE: Final = re.compile(r"\x1b(\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(\x07|\x1b\\)|[@-Z\\-_])")
"""Colours, cursor movements and titles for a terminal (ECMA-48, 5.3 to 5.6)."""


def complete_output(output: str) -> str:
    """Return a health check's output without a last line that Docker cut: it may end within a secret value."""
    if len(output.encode()) < _CUT_BYTES:
        return output
    return output.rpartition("\n")[0]


def printable(text: str, secrets: Sequence[str]) -> str:
    """Return the text without the secret values and without control characters; a line break is one newline, a tab a space."""
    plain = _CONTROL_SEQUENCE.sub("", mask(text, secrets)).replace("\r\n", "\n").replace("\r", "\n").replace("\t", " ")
    # Once more at the end: a control character may have split a value.
    return mask("".join(letter for letter in plain if letter.isprintable() or letter == "\n"), secrets)


def shortened(line: str) -> str:
    """Return the line, cut at LONGEST_LINE."""
    return line if len(line) <= LONGEST_LINE else f"{line[:LONGEST_LINE]}..."
