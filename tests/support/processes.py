"""Processes that a test waits for, by their ids."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")


def pids_in(file: Path, count: int) -> list[int]:
    """Return the process ids that the programs wrote, once there are `count`; before that none."""
    pids = [int(line) for line in file.read_text().split()] if file.exists() else []
    return pids if len(pids) == count else []


def alive(pid: int) -> bool:
    """Return whether the process runs; one that ended and whose parent has not noticed does not."""
    try:
        status = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
    except (FileNotFoundError, ProcessLookupError):
        return False
    return status.rpartition(")")[2].split()[0] != "Z"


def wait_for(condition: Callable[[], T]) -> T:
    """Return the condition's first true value; fail after 20 seconds."""
    end = time.monotonic() + 20
    while not (value := condition()):
        assert time.monotonic() < end, "not in time"
        time.sleep(0.05)
    return value
