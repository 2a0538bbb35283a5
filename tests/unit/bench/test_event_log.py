"""The engine's event log, followed while it grows. Two were recorded with the real engine."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from bench.event_log import EventLog, steps_of

FOLDER = Path(__file__).parent
CREATED = FOLDER / "recorded_up.events"
"""`pulumi up --event-log` of pulumi 3.259.0 over a program with our plugin alone: its handle and an owner id. Debug lines are left
out."""
FAILED = FOLDER / "recorded_failed.events"
"""The `up` after it, with a bridge attachment to a host that does not answer."""


def event(kind: str, op: str, name: str, *, custom: bool = True, state: str = "new") -> dict[str, Any]:
    """Return an event as apitype of Pulumi writes it."""
    type_ = "docker:index/container:Container"
    metadata = {
        "op": op,
        "urn": f"urn:pulumi:dev::ipvlan-fabric::{type_}::{name}",
        "type": type_,
        "old": None,
        "new": None,
    }
    return {"sequence": 1, "timestamp": 1764300000, kind: {"metadata": {**metadata, state: {"custom": custom}}}}


class Clock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.seconds = 100.0

    def __call__(self) -> float:
        """Return the time."""
        return self.seconds


def test_a_line_has_the_time_of_its_arrival(tmp_path: Path) -> None:
    """Its own is whole seconds. A line counts when it is complete; what an earlier command wrote is gone."""
    clock = Clock()
    path = tmp_path / "events"
    path.write_text('{"sequence": 7}\n')
    log = EventLog(path, clock)
    log._begin = clock.seconds
    path.unlink()
    log.look()
    clock.seconds = 101.5
    with path.open("a") as file:
        file.write('{"sequence": 0}\n{"sequ')
        file.flush()
        log.look()
        clock.seconds = 102.25
        file.write('ence": 1}\n')
        file.flush()
        log.look()
    assert log.events == [(1.5, {"sequence": 0}), (2.25, {"sequence": 1})]


def test_a_command_is_followed_to_its_end(tmp_path: Path) -> None:
    """What it wrote last is read too, and what was in the file before is not."""
    path = tmp_path / "events"
    path.write_text('{"sequence": 7}\n')
    with EventLog(path) as log:
        path.write_text('{"sequence": 0}\n')
    assert [found for _, found in log.events] == [{"sequence": 0}]
    assert log.events[0][0] >= 0
    assert log.seconds > 0


def test_a_command_without_a_log(tmp_path: Path) -> None:
    """It failed before it began."""
    with EventLog(tmp_path / "events") as log:
        pass
    assert log.steps() == []


def test_the_steps() -> None:
    """A step begins and ends, well or not; components, and what stays the same, are none; a replacement is several."""
    events = [
        (0.5, {"preludeEvent": {"config": {}}}),
        (1.0, event("resourcePreEvent", "create", "a")),
        (1.1, event("resourcePreEvent", "create", "component", custom=False)),
        (1.2, event("resourcePreEvent", "same", "old")),
        (1.3, event("resOutputsEvent", "same", "old")),
        (2.0, event("resourcePreEvent", "delete-replaced", "b", state="old")),
        (3.0, event("resOutputsEvent", "create", "a")),
        (3.5, event("resOutputsEvent", "create", "component", custom=False)),
        (4.0, event("resOutputsEvent", "delete-replaced", "b", state="old")),
        (4.5, event("resourcePreEvent", "create-replacement", "b")),
        (5.0, event("resOpFailedEvent", "create-replacement", "b")),
        (5.5, event("resourcePreEvent", "create", "interrupted")),
    ]
    assert [(step.name, step.op, step.begin, step.end) for step in steps_of(events)] == [
        ("a", "create", 1.0, 3.0),
        ("b", "delete-replaced", 2.0, 4.0),
        ("b", "create-replacement", 4.5, 5.0),
    ]


@pytest.mark.parametrize(
    ("recorded", "steps"),
    [
        (CREATED, ["pulumi:providers:ipvlan-fabric handle", "ipvlan-fabric:index:StackIdentity identity"]),
        (FAILED, ["ipvlan-fabric:index:BridgeConnection bridge"]),
    ],
    ids=["created", "failed"],
)
def test_what_the_engine_really_writes(recorded: Path, steps: list[str]) -> None:
    """Each resource that a plugin serves is a step, also one that failed; what stays the same and the stack are none."""
    events = [(float(number), json.loads(line)) for number, line in enumerate(recorded.read_text().splitlines())]
    found = steps_of(events)
    assert [f"{step.type} {step.name}" for step in found] == steps
    assert all(step.op == "create" and step.begin < step.end for step in found)


@pytest.mark.parametrize("recorded", [CREATED, FAILED])
def test_its_own_times_are_whole_seconds(recorded: Path) -> None:
    """Where this fails there is a better clock than the arrival."""
    assert {type(json.loads(line)["timestamp"]) for line in recorded.read_text().splitlines()} == {int}
