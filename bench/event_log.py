"""The engine's event log of one pulumi command, with the time of each event, and the steps that it tells of.

`pulumi up --event-log FILE` writes one JSON document per line (apitype.EngineEvent, sdk/go/common/apitype/events.go), each at once
and unbuffered (startEventLogger, pkg/backend/display/display.go). Its timestamps are whole seconds, so the file is followed while
it grows, and a line's time is that of its arrival.

Out of scope: what the steps add up to (`bench.phases`).
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

SHOWS_EVENT_LOG: Final = ("PULUMI_DEBUG_COMMANDS=true",)
"""For the environment of pulumi, which has the option `--event-log` only then (pkg/cmd/pulumi/operations/up.go)."""

LOOK_SECONDS: Final = 0.02
"""Between two looks at the file: the resolution of the times."""

_BEGIN: Final = "resourcePreEvent"
_ENDS: Final = ("resOutputsEvent", "resOpFailedEvent")


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What the engine did with one resource. Times are in seconds since the command's start."""

    type: str
    """The resource's type: `docker:index/container:Container`."""
    name: str
    op: str
    """What was done: `create`."""
    begin: float
    end: float


class EventLog:
    """The event log of one command; a context manager around it, whose begin is the command's."""

    def __init__(self, path: Path, clock: Callable[[], float] = time.monotonic) -> None:
        """Prepare to follow a file, which need not exist yet. `clock` returns seconds."""
        self.path = path
        self.seconds = 0.0
        """How long the command took; known at its end."""
        self.events: list[tuple[float, Mapping[str, Any]]] = []
        """Each event with the time of its arrival, in seconds since the begin."""
        self._clock = clock
        self._ended = threading.Event()
        self._rest = b""
        self._read = 0

    def __enter__(self) -> Self:
        """Begin."""
        self.path.unlink(missing_ok=True)
        self._begin = self._clock()
        self._thread = threading.Thread(target=self._follow, daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End, when everything was read."""
        self.seconds = self._clock() - self._begin
        self._ended.set()
        self._thread.join()

    def steps(self) -> list[Step]:
        """Return the steps that began and ended."""
        return steps_of(self.events)

    def _follow(self) -> None:
        while not self._ended.wait(LOOK_SECONDS):
            self.look()
        self.look()

    def look(self) -> None:
        """Take what the file has more than at the last look."""
        try:
            with self.path.open("rb") as file:
                file.seek(self._read)
                new = file.read()
        except FileNotFoundError:
            return
        at = self._clock() - self._begin
        self._read += len(new)
        *lines, self._rest = (self._rest + new).split(b"\n")
        self.events += [(at, json.loads(line)) for line in lines if line.strip()]


def steps_of(events: Iterable[tuple[float, Mapping[str, Any]]]) -> list[Step]:
    """Return the steps of custom resources, in the order of their ends. Components and what the engine left as it is are none."""
    begun: dict[tuple[str, str], float] = {}
    steps = []
    for at, event in events:
        for kind in (_BEGIN, *_ENDS):
            metadata = (event.get(kind) or {}).get("metadata")
            if metadata is None or metadata["op"] == "same" or not _is_custom(metadata):
                continue
            key = (metadata["urn"], metadata["op"])
            if kind == _BEGIN:
                begun[key] = at
            elif key in begun:
                name = metadata["urn"].rpartition("::")[2]
                step = Step(type=metadata["type"], name=name, op=metadata["op"], begin=begun.pop(key), end=at)
                steps.append(step)
    return steps


def _is_custom(metadata: Mapping[str, Any]) -> bool:
    """Return whether a plugin serves the resource."""
    return any((metadata.get(state) or {}).get("custom", False) for state in ("new", "old"))
