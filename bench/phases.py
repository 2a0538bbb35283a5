"""Where the time of a pulumi command goes: kinds of resources, when they begin and end, and what they have of the critical path.

The event log does not say which step waited for which. The critical path is therefore read from the times: it ends with the step
that ended last, and before each step comes the one that ended last before its begin. Steps of two hosts that do the same at the
same time may stand for each other in it, which changes no kind's part by more than the hosts differ.

Out of scope: the event log itself (`bench.event_log`).
"""

from __future__ import annotations

import re
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from rich.table import Table

from bench.event_log import Step

_NAMES: Final[Mapping[str, str]] = {
    "Command": "host check",
    "RemoteImage": "image",
    "AddressClaims": "address check",
    "BridgeConnection": "bridge attachment",
}
"""Last part of a resource's type -> what the table calls it, where that is not the same in words."""

START: Final = "start, until the first resource"
BETWEEN: Final = "engine and program, between steps"
END: Final = "end, after the last resource"

TOUCH: Final = 0.05
"""Seconds by which a step may begin, by the times of the log, before the one ended that it waited for."""


def kind_of(type_: str) -> str:
    """Return what the table calls the resources of a type: `ipvlan-fabric:index:HostNetworking` is `host networking`."""
    package, _, rest = type_.partition(":")
    last = type_.rpartition(":")[2]
    if package == "pulumi" and rest.startswith("providers:"):
        return f"plugin {last}"
    return _NAMES.get(last) or re.sub(r"(?<!^)(?=[A-Z])", " ", last).lower()


@dataclass(frozen=True, slots=True, kw_only=True)
class Phase:
    """What one kind has of the time of a command; all in seconds."""

    kind: str
    steps: int
    begin: float
    """When its first step began."""
    end: float
    """When its last one ended."""
    on_path: float
    """The length of its steps in the critical path."""


def critical_path(steps: Sequence[Step]) -> list[Step]:
    """Return the steps of the critical path, the first one first."""
    path: list[Step] = []
    left = [step for step in steps if step.end > step.begin]
    while left:
        last = max(left, key=lambda step: step.end)
        path.insert(0, last)
        left = [step for step in left if step.end <= last.begin + TOUCH and step.begin < last.begin]
    return path


def phases(steps: Sequence[Step], seconds: float) -> list[Phase]:
    """Return the phases of one command that took so long, in the order of their begins; nothing where there was no step."""
    if not steps:
        return []
    path = critical_path(steps)
    parts: dict[str, list[Step]] = {}
    for step in steps:
        parts.setdefault(kind_of(step.type), []).append(step)
    lengths = dict.fromkeys(parts, 0.0)
    reached = first = min(step.begin for step in steps)
    for step in path:
        # What overlaps with the step before counts once.
        lengths[kind_of(step.type)] += step.end - max(step.begin, reached)
        reached = step.end
    last = max(step.end for step in steps)
    kinds = [
        Phase(
            kind=kind,
            steps=len(done),
            begin=min(step.begin for step in done),
            end=max(step.end for step in done),
            on_path=lengths[kind],
        )
        for kind, done in parts.items()
    ]
    between = (last - first) - sum(lengths.values())
    return [
        Phase(kind=START, steps=0, begin=0.0, end=first, on_path=first),
        *sorted(kinds, key=lambda phase: (phase.begin, phase.end)),
        Phase(kind=BETWEEN, steps=0, begin=first, end=last, on_path=between),
        Phase(kind=END, steps=0, begin=last, end=seconds, on_path=seconds - last),
    ]


def medians(runs: Sequence[Sequence[Phase]]) -> list[Phase]:
    """Return the phases of several runs of the same command as one: the median of each figure, over the runs that have the kind."""
    kinds: dict[str, list[Phase]] = {}
    for run in runs:
        for phase in run:
            kinds.setdefault(phase.kind, []).append(phase)
    merged = [
        Phase(
            kind=kind,
            steps=round(statistics.median(phase.steps for phase in found)),
            begin=statistics.median(phase.begin for phase in found),
            end=statistics.median(phase.end for phase in found),
            on_path=statistics.median(phase.on_path for phase in found),
        )
        for kind, found in kinds.items()
    ]
    ends = {START: -1, BETWEEN: 1, END: 2}
    return sorted(merged, key=lambda phase: (ends.get(phase.kind, 0), phase.begin, phase.end))


def table(title: str, merged: Sequence[Phase]) -> Table:
    """Return the phases as a table; times are in seconds since the command's start."""
    result = Table("phase", "steps", "begin", "end", "on the critical path", title=title, title_justify="left")
    for phase in merged:
        result.add_row(
            phase.kind,
            str(phase.steps or "-"),
            *(f"{value:.1f}" for value in (phase.begin, phase.end)),
            f"{phase.on_path:.2f}",
        )
    return result
