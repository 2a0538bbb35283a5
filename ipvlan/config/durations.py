"""Durations as Go writes them, which Docker and its provider read and write.

It loads no package: the plugin, which a preview waits for, compares arguments with it.

Out of scope: which durations a healthcheck may have (`ipvlan.config.types.health`).
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Final

_NUMBER: Final = r"[0-9]+(?:\.[0-9]*)?|\.[0-9]+"
_UNIT: Final = "ns|us|µs|μs|ms|s|m|h"
_PART: Final = re.compile(rf"({_NUMBER})({_UNIT})")
DURATION: Final = re.compile(rf"[+-]?(?:0|(?:(?:{_NUMBER})(?:{_UNIT}))+)")
"""Durations of Go (ParseDuration of its package time), which the docker provider reads."""
NANOSECONDS: Final = {
    "ns": 1,
    "us": 10**3,
    "µs": 10**3,
    "μs": 10**3,
    "ms": 10**6,
    "s": 10**9,
    "m": 60 * 10**9,
    "h": 3600 * 10**9,
}
LONGEST_DURATION: Final = 2**63 - 1
"""Nanoseconds, 292 years: the largest duration of Go."""


def nanoseconds(text: str) -> int | None:
    """Return the duration in nanoseconds; None where it is none, or is negative."""
    if not DURATION.fullmatch(text):
        return None
    total = sum(int(Decimal(number) * NANOSECONDS[unit]) for number, unit in _PART.findall(text))
    return None if text.startswith("-") and total else total


def go_duration(text: str) -> str:
    """Return a duration as Go writes it: `60s` is `1m0s` (String of Duration in its package time)."""
    total = nanoseconds(text) or 0
    if total < NANOSECONDS["s"]:
        unit = next((unit for unit in ("ms", "µs", "ns") if total >= NANOSECONDS[unit]), "s")
        return f"{_plain(total, unit)}{unit}"
    hours, rest = divmod(total, NANOSECONDS["h"])
    minutes, rest = divmod(rest, NANOSECONDS["m"])
    return f"{f'{hours}h' if hours else ''}{f'{minutes}m' if hours or minutes else ''}{_plain(rest, 's')}s"


def _plain(total: int, unit: str) -> str:
    whole, rest = divmod(total, NANOSECONDS[unit])
    decimals = f"{rest:0{len(str(NANOSECONDS[unit])) - 1}d}".rstrip("0") if rest else ""
    return f"{whole}.{decimals}" if decimals else str(whole)
