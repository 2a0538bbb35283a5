"""A limit of CPU time in the arguments of the docker provider, in a form that it reads back as it was given.

The provider replaces a container whose `cpus` it reads in another form than the program gives.
"""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from typing import Any, Final

from ipvlan.config.types.cpus import NANO

_PERIOD: Final = 100_000
"""Microseconds; the period that Docker gives a container with a number of CPUs (moby, getCPUResources in daemon/daemon_unix.go)."""


def cpu_arguments(cpus: Decimal | None) -> dict[str, Any]:
    """Return the arguments; empty for no limit.

    Where the provider reads another number than it was given (0.05 as 0.1), the same limit is given as a quota of the period, which
    it does not read.
    """
    if not cpus:
        return {}
    text = _read_back(int(cpus * NANO))
    if Decimal(text) == cpus:
        return {"cpus": text}
    return {"cpu_period": _PERIOD, "cpu_quota": int(cpus * _PERIOD)}


def _read_back(nano: int) -> str:
    """Return the text that the provider makes of a number of CPUs (nanoInt64ToDecimalString in helpers.go, 4.5.0)."""
    whole, fraction = divmod(nano, NANO)
    text = f"{whole}.{fraction:09d}"
    if text.count("0") == 9:
        return str((Decimal(nano) / NANO).quantize(Decimal("0.1"), ROUND_HALF_UP))
    return text.rstrip("0")
