"""Faults that the tests and `make chaos` make on the lab: a full disk, no registry, a frozen host, a killed tree of processes.

Out of scope: what a command must do about them.
"""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from pathlib import Path
from typing import Final

from lab.qmp import Monitor

FILL: Final = """
cd /var/lib/docker
fallocate -l $(($(stat -f -c '%f * %S' .) - 64 * 1024 * 1024)) filler
cat /dev/zero >> filler
"""
"""Fills the disk, root's reserve included; most of it without writing."""
EMPTY: Final = "rm -f /var/lib/docker/filler"
NO_REGISTRY: Final = "ip route replace unreachable 192.168.140.5"
REGISTRY_AGAIN: Final = "ip route del unreachable 192.168.140.5"


def freeze(lab: str, host: str) -> None:
    """Stop the processor of a host: its connections stay open, and nothing answers."""
    with _monitor(lab, host) as monitor:
        monitor.command("stop")


def thaw(lab: str, host: str) -> None:
    """Let a frozen host go on; its clock is behind by the time that it was frozen."""
    with _monitor(lab, host) as monitor:
        monitor.command("cont")


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


def _monitor(lab: str, host: str) -> Monitor:
    return Monitor(Path("/run/ipvlan-lab") / lab / f"{host}.qmp")
