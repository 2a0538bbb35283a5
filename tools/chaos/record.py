"""The record of finished seeds: a line of JSON each, so that a run goes on where the last one stopped.

A seed is finished where the record has the sequence that it makes today: after a change of the generator it is run again.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path

from tools.chaos.sequences import make_sequence


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What became of a seed."""

    seed: int
    sequence: str
    """Its faults and its repair, as one line."""
    problem: str
    """The first thing that was not as it must be; "" where all was."""
    seconds: float
    at: str
    """When it ended, as ISO 8601 has it."""
    commit: str
    """Of the checkout; with `+` where it had changes."""
    times: dict[str, float] = field(default_factory=dict)
    """Part of the sequence -> its seconds."""
    notes: tuple[str, ...] = ()
    """What was seen and is no failure."""


class Record:
    """A file of entries, one per line."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def entries(self) -> Iterator[Entry]:
        """Yield the entries in the order in which they were written; a line that a killed run did not complete is left out."""
        text = self._file.read_text(encoding="utf-8") if self._file.exists() else ""
        for line in text.splitlines(keepends=True):
            if line.endswith("\n"):
                fields = json.loads(line)
                yield Entry(**{**fields, "notes": tuple(fields["notes"])})

    def add(self, entry: Entry) -> None:
        """Add an entry at the end."""
        self._file.parent.mkdir(parents=True, exist_ok=True)
        with self._file.open("a+", encoding="utf-8") as file:
            text = self._file.read_text(encoding="utf-8")
            if text and not text.endswith("\n"):
                file.truncate(len(text[: text.rfind("\n") + 1].encode()))
            file.write(json.dumps(asdict(entry), sort_keys=True) + "\n")

    def last(self) -> dict[int, Entry]:
        """Return seed -> its last entry, of the seeds whose sequence is still the recorded one."""
        return {entry.seed: entry for entry in self.entries() if entry.sequence == str(make_sequence(entry.seed))}

    def due(self, seeds: Iterable[int], *, failed: bool = False) -> Iterator[int]:
        """Yield the seeds that are not finished; with `failed` also those that failed the last time."""
        known = self.last()
        for seed in seeds:
            if seed not in known or (failed and known[seed].problem):
                yield seed
