"""Long-running processes of a lab: detached from the caller's terminal, identified by pid and start time, ended by pid.

A pid file holds the pid and the process's start time, so a pid that the kernel gave to another process is never signalled.
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING

from lab.errors import LabError

if TYPE_CHECKING:
    from collections.abc import Sequence


def start_time(pid: int) -> str | None:
    """Return the kernel's start time of a process (clock ticks since boot, proc(5) field 22); None if it ended or is a zombie."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return None if fields[0] in {"Z", "X"} else fields[19]


def spawn(command: Sequence[str | Path], *, pid_file: Path, log: Path) -> int:
    """Start a process in a session of its own, its output in `log`; write its pid file and return the pid."""
    with log.open("ab") as output:
        process = subprocess.Popen(
            [str(part) for part in command],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
            cwd="/",
        )
    pid_file.write_text(f"{process.pid} {start_time(process.pid)}\n", encoding="utf-8")
    return process.pid


def running(pid_file: Path) -> int | None:
    """Return the pid of the process that the pid file names; None if it is not alive."""
    try:
        pid, started = pid_file.read_text(encoding="utf-8").split()
    except (FileNotFoundError, ValueError):
        return None
    return int(pid) if start_time(int(pid)) == started else None


def end(pid_file: Path, *, grace: float = 5.0) -> None:
    """End the process of a pid file: SIGTERM, after `grace` seconds SIGKILL; remove the file."""
    pid = running(pid_file)
    if pid is not None:
        end_pids([pid], grace=grace)
    pid_file.unlink(missing_ok=True)


def end_pids(pids: Sequence[int], *, grace: float = 5.0) -> None:
    """End processes by pid: SIGTERM, after `grace` seconds SIGKILL.

    Raises:
        LabError: One is alive 5 s after SIGKILL.
    """
    alive = {pid: started for pid in pids if (started := start_time(pid)) is not None}
    for number, limit in ((signal.SIGTERM, grace), (signal.SIGKILL, 5.0)):
        for pid in alive:
            _signal(pid, number)
        deadline = time.monotonic() + limit
        while alive and time.monotonic() < deadline:
            for pid in list(alive):
                _reap(pid)
            alive = {pid: started for pid, started in alive.items() if start_time(pid) == started}
            if alive:
                time.sleep(0.02)
    if alive:
        raise LabError(f"processes {', '.join(map(str, alive))} are alive 5 s after SIGKILL; see `ps -fp PID`")


def wait_for_end(pid_file: Path, *, limit: float) -> bool:
    """Wait up to `limit` seconds for the end of a pid file's process; return whether it ended."""
    deadline = time.monotonic() + limit
    while (pid := running(pid_file)) is not None:
        _reap(pid)
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def _signal(pid: int, number: signal.Signals) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return


def _reap(pid: int) -> None:
    try:
        os.waitpid(pid, os.WNOHANG)
    except ChildProcessError:
        return
