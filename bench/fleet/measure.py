"""What a command costs this machine: time, CPU seconds, memory, open files, processes, of all that it starts.

In a fleet's process namespace every process is the hosts', the runner's, or the command's.
"""

from __future__ import annotations

import contextlib
import os
import resource
import signal
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Final

SHARE_OF_TIME: Final = 0.05
"""How much of its time a processor may spend on looking: reading the memory of a hundred processes takes a tenth of a second."""
SHORTEST: Final = 0.2
"""Seconds between two looks at least."""
_TICKS: Final = os.sysconf("SC_CLK_TCK")


@dataclass(slots=True)
class Cost:
    """What one command cost."""

    seconds: float = 0.0
    cpu: float = 0.0
    """CPU seconds of the command and of all that it started, shared ssh connections too."""
    hosts_cpu: float = 0.0
    """Those of the simulated hosts: on real ones they are spent elsewhere."""
    memory: int = 0
    """Peak of the sum of all processes' PSS, in bytes."""
    files: int = 0
    """Peak of open files of all processes."""
    processes: int = 0
    """Peak of their number."""
    most_files: int = 0
    """Peak of open files of one process, which `ulimit -n` limits."""
    looks: int = 0
    """How often memory, files and processes were looked at."""
    status: int = 0
    """The command's exit status."""


@dataclass(frozen=True, slots=True)
class Process:
    """One process, from its line in /proc (proc_pid_stat(5))."""

    pid: int
    parent: int
    ticks: int
    """CPU time of it and of its children that were waited for."""
    children_ticks: int


def processes() -> dict[int, Process]:
    """Return all processes of this namespace by their ids."""
    found = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            try:
                fields = (entry / "stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
            except (FileNotFoundError, ProcessLookupError):
                continue
            own, children = int(fields[11]) + int(fields[12]), int(fields[13]) + int(fields[14])
            found[int(entry.name)] = Process(int(entry.name), int(fields[1]), own + children, children)
    return found


def below(all_: Mapping[int, Process], roots: Sequence[int]) -> set[int]:
    """Return the ids of these processes and of all that they started."""
    children: dict[int, list[int]] = {}
    for process in all_.values():
        children.setdefault(process.parent, []).append(process.pid)
    found: set[int] = set()
    waiting = [root for root in roots if root in all_]
    while waiting:
        pid = waiting.pop()
        found.add(pid)
        waiting += children.get(pid, ())
    return found


@dataclass(slots=True)
class Meter:
    """Measures commands of the operator, beside hosts that run in these processes."""

    hosts: Sequence[int]
    """Ids of the processes that are the hosts."""
    _cost: Cost = field(default_factory=Cost)

    def run(self, command: Sequence[str], *, log: IO[bytes], env: Mapping[str, str], cwd: Path, limit: float) -> Cost:
        """Run a command to its end and return what it cost; its output goes to `log`.

        Raises:
            TimeoutExpired: It was ended after `limit` seconds.
        """
        self._cost = Cost()
        before, hosts_before = self._cpu()
        began = time.monotonic()
        with subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=dict(env), cwd=cwd, start_new_session=True
        ) as process:
            try:
                with self._looking():
                    self._cost.status = process.wait(limit)
            except BaseException:
                process.kill()
                raise
        self._cost.seconds = time.monotonic() - began
        after, hosts_after = self._cpu()
        self._cost.cpu, self._cost.hosts_cpu = after - before, hosts_after - hosts_before
        return self._cost

    def end_left_over(self) -> None:
        """End what commands left behind: shared ssh connections. In a namespace of processes there is nothing else."""
        all_ = processes()
        for pid in set(all_) - below(all_, self.hosts) - {1, os.getpid()}:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        while set(all_ := processes()) - below(all_, self.hosts) - {1, os.getpid()}:
            time.sleep(SHORTEST / 10)

    def _cpu(self) -> tuple[float, float]:
        """Return CPU seconds so far: the operator's, and the hosts'."""
        all_ = processes()
        hosts = below(all_, self.hosts)
        # What the first process of the namespace waited for was left behind by commands: shared connections.
        left = all_[1].children_ticks
        operators = sum(each.ticks for pid, each in all_.items() if pid not in hosts and pid not in (1, os.getpid()))
        ended = resource.getrusage(resource.RUSAGE_CHILDREN)
        return (
            (operators + left) / _TICKS + ended.ru_utime + ended.ru_stime,
            sum(all_[pid].ticks for pid in hosts) / _TICKS,
        )

    @contextlib.contextmanager
    def _looking(self) -> Iterator[None]:
        over = threading.Event()

        def look_again_and_again() -> None:
            pause = 0.0
            while not over.wait(pause):
                began = time.thread_time()
                self._look()
                pause = max(SHORTEST, (time.thread_time() - began) / SHARE_OF_TIME)

        thread = threading.Thread(target=look_again_and_again)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()

    def _look(self) -> None:
        all_ = processes()
        others = below(all_, self.hosts) | {1, os.getpid()}
        memory = files = 0
        counted = 0
        for pid in all_:
            if pid in others:
                continue
            try:
                rollup = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="utf-8")
                open_files = sum(1 for _ in Path(f"/proc/{pid}/fd").iterdir())
            except (FileNotFoundError, ProcessLookupError):
                continue
            memory += next((int(line.split()[1]) for line in rollup.splitlines() if line.startswith("Pss:")), 0) * 1024
            files += open_files
            counted += 1
            self._cost.most_files = max(self._cost.most_files, open_files)
        self._cost.looks += 1
        self._cost.memory = max(self._cost.memory, memory)
        self._cost.files = max(self._cost.files, files)
        self._cost.processes = max(self._cost.processes, counted)
