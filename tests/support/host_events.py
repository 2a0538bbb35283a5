"""What Docker on a host does, as it happens: `docker events` over ssh, to act at a moment within an `up`.

Each event has the reading of this machine's monotonic clock when it arrived, so the events of two hosts can be ordered: their own
clocks are set to the second.

Out of scope: what a test does at that moment.
"""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from threading import Condition, Thread
from typing import Final, Self

from lab.harness import ROOT, Lab

_WATCH: Final = (
    # From the moment of the call on: what happens before Docker has the question is not lost. With a limit: nothing stays on the
    # host when this side dies.
    'timeout 900 docker events --since "$(date +%s.%N)" --filter type=container'
    " --format '{{.Action}} {{.Actor.Attributes.name}}'"
)


@dataclass(frozen=True, slots=True)
class Event:
    """One event of a container."""

    at: float
    """When it arrived here; seconds of the monotonic clock."""
    text: str
    """`ACTION NAME`, such as `destroy web`; of a rename the new name."""


class HostEvents:
    """The events of one host, from its start on; a context manager."""

    def __init__(self, command: Sequence[str], environment: dict[str, str] | None = None) -> None:
        """Prepare; `command` prints one event per line."""
        self._command = list(command)
        self._environment = environment
        self._events: list[Event] = []
        self._news = Condition()

    @classmethod
    def of_lab(cls, lab: Lab, host: str) -> Self:
        """Return the events of a host of a lab."""
        return cls([str(ROOT / "lab" / "ssh"), host, _WATCH], {**os.environ, "LAB_NAME": lab.name})

    def __enter__(self) -> Self:
        """Begin to listen."""
        self._process = subprocess.Popen(
            self._command,
            cwd=ROOT,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        self._reader = Thread(target=self._read, daemon=True)
        self._reader.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Listen no more."""
        assert self._process.stdout is not None
        self._process.terminate()
        self._process.wait(timeout=20)
        self._reader.join(timeout=20)
        self._process.stdout.close()

    def wait_for(self, text: str, seconds: float = 300) -> Event:
        """Return the first event of that text; wait for it, and fail after `seconds`."""
        with self._news:
            self._news.wait_for(lambda: self._first(text) is not None, timeout=seconds)
            event = self._first(text)
        assert event is not None, f"no `{text}` within {seconds:.0f} s, but: {self.texts()}"
        return event

    def at(self, text: str) -> float:
        """Return when the first event of that text arrived, within the next seconds."""
        return self.wait_for(text, 20).at

    def texts(self) -> list[str]:
        """Return the text of every event until now."""
        with self._news:
            return [event.text for event in self._events]

    def _first(self, text: str) -> Event | None:
        return next((event for event in self._events if event.text == text), None)

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            with self._news:
                self._events.append(Event(time.monotonic(), line.strip()))
                self._news.notify_all()
