"""What `ipvlan allocate` prints: the changed lines of each file for people, a JSON document for machines."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping

from ipvlan.plan.allocate import Allocation
from ipvlan.views.json_document import TypedDict, document_part


@document_part
class AllocationEntry(TypedDict):
    """One key that the stack file does not have."""

    key: str
    """Path of the key, such as `hosts.docker-2.slice`."""
    value: str | int


@document_part
class AllocateDocument(TypedDict):
    """What `ipvlan allocate --json` prints."""

    stack: str
    written: bool
    """False with --check."""
    allocations: list[AllocationEntry]
    """Empty when nothing is missing."""


def document(allocations: Iterable[Allocation], stack: str, *, written: bool) -> AllocateDocument:
    """Return the allocations, ready for `json.dumps`."""
    return {
        "stack": stack,
        "written": written,
        "allocations": [
            {"key": f"{allocation.section}.{allocation.entry}.{allocation.key}", "value": allocation.value}
            for allocation in allocations
        ],
    }


def as_diff(before: Mapping[str, str], after: Mapping[str, str]) -> str:
    """Return a unified diff of the files in `after`."""
    return "".join(line for name, text in after.items() for line in _diff(before[name], text, name))


def _diff(before: str, after: str, name: str) -> list[str]:
    lines = difflib.unified_diff(
        before.splitlines(keepends=True), after.splitlines(keepends=True), f"a/{name}", f"b/{name}"
    )
    return [line if line.endswith("\n") else f"{line}\n" for line in lines]
