"""Processes that a test waits for or kills, by their ids."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from contextlib import suppress
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


def kill_tree(pid: int) -> list[int]:
    """Kill a process and all that it started, as SIGKILL does; return the ids.

    Each is stopped before its children are listed, so that it starts no others in between. The plugins of Pulumi have process
    groups of their own, so a signal to its group would leave them running.
    """
    stopped: list[int] = []
    waiting = [pid]
    while waiting:
        one = waiting.pop()
        try:
            os.kill(one, signal.SIGSTOP)
        except ProcessLookupError:
            continue
        stopped.append(one)
        waiting += _children(one)
    for one in stopped:
        with suppress(ProcessLookupError):
            os.kill(one, signal.SIGKILL)
    return stopped


def _children(pid: int) -> list[int]:
    children = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            status = path.read_text(encoding="utf-8", errors="replace")
        except (FileNotFoundError, ProcessLookupError):
            continue
        # proc(5): pid (name) state parent
        if int(status.rpartition(")")[2].split()[1]) == pid:
            children.append(int(path.parent.name))
    return children
