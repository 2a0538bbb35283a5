"""What `ipvlan import compose` prints: what was left out for people, a JSON document for machines.

The change of the files is printed as that of `ipvlan allocate` (`ipvlan.views.allocate`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, Literal

from rich.text import Text

from ipvlan.config.compose.node import Kind, LeftOut
from ipvlan.plan.compose_import import Import
from ipvlan.problems import plain
from ipvlan.views.allocate import AllocationEntry
from ipvlan.views.json_document import TypedDict, document_part
from ipvlan.views.terminal import Terminal

_HEADINGS: Final[dict[Kind, str]] = {
    "not-carried": "Not carried over",
    "advice": "Carried over, and to be decided",
    "not-needed": "Not needed here",
}


@document_part
class LeftOutEntry(TypedDict):
    """A key of a compose file that is not in the stack file, or that asks for a decision."""

    file: str
    """The compose file, as the command line has it."""
    line: int
    """The line in it, from 1."""
    service: str
    """The service; empty for a key at the top of the file."""
    key: str
    """Keys from the service down, joined by dots, such as `deploy.replicas` or `volumes[0]`."""
    kind: Literal["not-carried", "not-needed", "advice"]
    """`not-carried`: the container would have had it; `not-needed`: nothing has to be written; `advice`: it was carried over."""
    reason: str
    """Why, and what to do instead."""


@document_part
class ImportDocument(TypedDict):
    """What `ipvlan import compose --json` prints."""

    stack: str
    written: bool
    """False with --check, and where no service is carried over."""
    services: list[str]
    """The services that are carried over, by name."""
    allocations: list[AllocationEntry]
    """Slices and offsets that other entries of the stack file get, since nothing could be planned without them."""
    left_out: list[LeftOutEntry]
    """By file and line."""


def document(imported: Import, stack: str, *, written: bool) -> ImportDocument:
    """Return the import, ready for `json.dumps`."""
    return {
        "stack": stack,
        "written": written,
        "services": list(imported.services),
        "allocations": [
            {"key": f"{allocation.section}.{allocation.entry}.{allocation.key}", "value": allocation.value}
            for allocation in imported.allocations
        ],
        "left_out": [
            {
                "file": entry.place.file,
                "line": entry.place.line,
                "service": entry.service,
                "key": entry.key,
                "kind": entry.kind,
                "reason": entry.reason,
            }
            for entry in imported.left_out
        ],
    }


def print_left_out(left_out: Sequence[LeftOut], out: Terminal) -> None:
    """Print what was left out of an import, one line per key."""
    for kind, heading in _HEADINGS.items():
        entries = [entry for entry in left_out if entry.kind == kind]
        if entries:
            out.print(f"\n{heading}:", style="bold")
            _print(entries, out)


def _print(entries: Iterable[LeftOut], out: Terminal) -> None:
    for entry in entries:
        key = ".".join(part for part in ("services" if entry.service else "", entry.service, entry.key) if part)
        place = f"{entry.place.file}:{entry.place.line}"
        out.print(Text.assemble(f"{plain(place)}: ", (plain(key), "bold"), f": {plain(entry.reason)}"), soft_wrap=True)
