"""Runs the steps on one input, and measures them: seconds of this process, and memory above what it had before."""

from __future__ import annotations

import faulthandler
import re
import signal
import tempfile
import time
import traceback
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Final

from ipvlan.problems import UserError
from tools.fuzz.corpus import COMMON_NAME, OWN_NAME, ROOT
from tools.fuzz.inputs import Input
from tools.fuzz.steps import BrokenPromiseError, Step, Tried

OURS: Final = ("ipvlan/", "components/", "provider/")
"""Folders whose last frame names a failure."""
_FRAME: Final = re.compile(r'File "(?P<file>[^"]+)", line (?P<line>\d+) in (?P<function>\S+)')


@dataclass(frozen=True)
class Limits:
    """What one input may take."""

    seconds: float = 2.0
    """Of this process, so that other work of the machine does not count."""
    megabytes: int = 200
    ended_after: float = 15.0
    """Seconds of this process after which the kernel ends it."""


@dataclass(frozen=True)
class Failure:
    """One thing that an input must not do."""

    signature: str
    """Alike for failures of one cause: the kind, and the last place in our code."""
    details: str


@dataclass(frozen=True)
class Result:
    """What became of one input."""

    outcome: str
    """`planned`, `refused` or `failed`."""
    failures: tuple[Failure, ...]


class Meter:
    """Runs inputs one after the other in a folder of its own. One at a time in a process: it takes signals."""

    def __init__(self, folder: Path, steps: Sequence[Step], limits: Limits) -> None:
        self._folder = folder
        self._steps = steps
        self._limits = limits
        self._trace: IO[str] = tempfile.TemporaryFile("w+")  # noqa: SIM115 (closed by __exit__)
        # The handler writes in C, also while a library computes and no Python code runs.
        faulthandler.register(signal.SIGPROF, file=self._trace, all_threads=False)

    def __enter__(self) -> Meter:
        return self

    def __exit__(self, *_: object) -> None:
        faulthandler.unregister(signal.SIGPROF)
        self._trace.close()

    def run(self, one: Input) -> Result:
        """Run all steps on the input."""
        write(one, self._folder)
        tried = Tried(self._folder, one.base)
        self._trace.truncate(0)
        self._trace.seek(0)
        before = _megabytes("VmRSS")
        Path("/proc/self/clear_refs").write_text("5")
        began = time.process_time()
        signal.setitimer(signal.ITIMER_PROF, self._limits.seconds)
        # Nobody handles its signal: the kernel ends the process.
        signal.setitimer(signal.ITIMER_VIRTUAL, self._limits.ended_after)
        try:
            failures = [*self._failures(tried)]
        finally:
            signal.setitimer(signal.ITIMER_PROF, 0)
            signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        seconds = time.process_time() - began
        megabytes = _megabytes("VmHWM") - before
        if seconds > self._limits.seconds:
            self._trace.seek(0)
            trace = self._trace.read()
            failures.append(Failure(f"slow in {last_place(trace)}", f"{seconds:.1f} s\n{trace}"))
        if megabytes > self._limits.megabytes:
            failures.append(Failure("memory", f"{megabytes:.0f} MB more than before"))
        return Result("failed" if failures else tried.outcome, tuple(failures))

    def _failures(self, tried: Tried) -> Iterator[Failure]:
        for step in self._steps:
            try:
                step(tried)
            except UserError:
                # A sentence for a person.
                continue
            except BrokenPromiseError as broken:
                yield Failure(f"{step.__name__}: {broken}"[:200], str(broken))
            # Whatever else a step raises is what this program looks for.
            except Exception as error:  # noqa: BLE001
                place = _place_of(error.__traceback__)
                text = "".join(traceback.format_exception(error, limit=-40))
                yield Failure(f"{type(error).__name__} in {place}", f"in step {step.__name__}\n{text[-20_000:]}")


def write(one: Input, folder: Path) -> None:
    """Write the files of the input."""
    (folder / OWN_NAME).write_bytes(one.stack)
    common = folder / COMMON_NAME
    common.parent.mkdir(exist_ok=True)
    common.write_bytes(one.common if one.common is not None else b"{}\n")


def last_place(trace: str) -> str:
    """Return the innermost place in our code of a trace that faulthandler wrote, which has the innermost first."""
    for frame in _FRAME.finditer(trace):
        place = _ours(frame["file"])
        if place is not None:
            return f"{place}:{frame['function']}"
    return "no code of ours"


def _place_of(trace: TracebackType | None) -> str:
    places = ((_ours(frame.filename), frame) for frame in traceback.extract_tb(trace))
    ours = [f"{place}:{frame.lineno}:{frame.name}" for place, frame in places if place is not None]
    return ours[-1] if ours else "no code of ours"


def _ours(file: str) -> str | None:
    path = Path(file)
    if not path.is_relative_to(ROOT):
        return None
    name = path.relative_to(ROOT).as_posix()
    return name if name.startswith(OURS) else None


def _megabytes(field: str) -> float:
    status = Path("/proc/self/status").read_text(encoding="ascii", errors="replace")
    return int(status.partition(f"{field}:")[2].split()[0]) / 1024
