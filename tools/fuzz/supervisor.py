"""Starts the workers, ends those that hang, and collects what they found."""

from __future__ import annotations

import json
import selectors
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from tools.fuzz.corpus import ROOT
from tools.fuzz.measure import Limits

STEPS: Final = "tools.fuzz.steps:STEPS"
SILENCE: Final = 300.0
"""Seconds without a word of a worker, after which it is ended: it waits for something, since work alone ends it sooner."""


@dataclass
class Found:
    """What a run found."""

    outcomes: Counter[str] = field(default_factory=Counter)
    """`planned`, `refused` and `failed` -> how many inputs."""
    failures: dict[str, list[tuple[int, str]]] = field(default_factory=dict)
    """Signature -> number and details of each input that failed so."""

    @property
    def count(self) -> int:
        """How many inputs were tried."""
        return self.outcomes.total()

    def add(self, number: int, outcome: str, failures: list[tuple[str, str]]) -> None:
        """Note what became of an input."""
        self.outcomes[outcome] += 1
        for signature, details in failures:
            self.failures.setdefault(signature, []).append((number, details))


@dataclass
class _Worker:
    process: subprocess.Popen[str]
    number: int
    """The input that it is working on."""
    heard: float = field(default_factory=time.monotonic)


@dataclass(frozen=True, kw_only=True)
class Run:
    """A run over the inputs of a seed, from the first one on."""

    seed: str
    count: int | None
    """How many inputs; None for as many as the seconds allow."""
    seconds: float | None
    jobs: int = 1
    limits: Limits = field(default_factory=Limits)
    steps: str = STEPS
    tell: Callable[[Found], None] = lambda _: None
    """Is called now and then."""

    def go(self) -> Found:
        """Run until the count or the time is reached."""
        found, began = Found(), time.monotonic()
        selector = selectors.DefaultSelector()
        jobs = self.jobs if self.count is None else min(self.jobs, self.count)
        for job in range(jobs):
            self._start(selector, job)
        try:
            while selector.get_map():
                for key, _ in selector.select(timeout=1):
                    self._read(selector, key, found)
                    if found.count % 1000 == 0:
                        self.tell(found)
                self._end_silent(selector)
                if self.seconds is not None and time.monotonic() - began > self.seconds:
                    break
        finally:
            for key in list(selector.get_map().values()):
                self._end(selector, key)
            selector.close()
        return found

    def _start(self, selector: selectors.BaseSelector, number: int) -> None:
        if self.count is not None and number >= self.count:
            return
        process = subprocess.Popen(
            [
                sys.executable, "-m", "tools.fuzz.worker", self.seed, str(number), str(self.jobs), self.steps,
                str(self.limits.seconds), str(self.limits.ended_after),
            ],
            stdout=subprocess.PIPE,
            text=True,
            errors="replace",
            cwd=ROOT,
        )  # fmt: skip
        if process.stdout is None:
            raise RuntimeError("the worker has no output")
        selector.register(process.stdout, selectors.EVENT_READ, _Worker(process, number))

    def _read(self, selector: selectors.BaseSelector, key: selectors.SelectorKey, found: Found) -> None:
        worker: _Worker = key.data
        # One line is written at once, so no reader waits for the rest of it.
        line = worker.process.stdout.readline() if worker.process.stdout else ""
        worker.heard = time.monotonic()
        if not line.endswith("\n"):
            self._end(selector, key)
            code = worker.process.returncode
            if code == 1:
                raise RuntimeError("a worker fails by itself")
            found.add(
                worker.number, "failed", [(f"the process ends with {code}", f"signal {-code}" if code < 0 else "")]
            )
            self._start(selector, worker.number + self.jobs)
            return
        said: dict[str, Any] = json.loads(line)
        found.add(said["number"], said["outcome"], said["failures"])
        worker.number = said["number"] + self.jobs
        if self.count is not None and worker.number >= self.count:
            self._end(selector, key)

    def _end_silent(self, selector: selectors.BaseSelector) -> None:
        for key in list(selector.get_map().values()):
            if time.monotonic() - key.data.heard > SILENCE:
                key.data.process.kill()

    @staticmethod
    def _end(selector: selectors.BaseSelector, key: selectors.SelectorKey) -> None:
        worker: _Worker = key.data
        selector.unregister(key.fileobj)
        if worker.process.stdout:
            worker.process.stdout.close()
        worker.process.terminate()
        worker.process.wait()
