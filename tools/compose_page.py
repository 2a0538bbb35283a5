"""The tables of docs/compose.md: each key of the compose specification, and what it is here.

Out of scope: where the tables go. `tools/generate.py` writes them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from ipvlan.config.compose.row import Row
from ipvlan.config.compose.table import ROWS, SPECIFICATION
from ipvlan.views.markdown import table

_SECTIONS: Final = (
    "`services.<name>`",
    "Below a key of `services.<name>`",
    "The top of the file, and what is below it",
)


def compose_tables() -> Iterator[str]:
    """Yield the lines of the tables, Markdown."""
    yield from ("", f"The keys are those of {SPECIFICATION}.")
    for section in _SECTIONS:
        yield from ("", f"### {section}", "")
        yield from table(
            ("compose", "Here", "Instead, or why not"),
            (_cells(row) for row in ROWS.values() if _section(row) == section),
        )


def _section(row: Row) -> str:
    of_service, top = _SECTIONS[:2], _SECTIONS[2]
    if not row.path.startswith("services.*."):
        return top
    return of_service[row.path.count(".") > 2]


def _cells(row: Row) -> tuple[str, str, str]:
    path = row.path.removeprefix("services.*.").replace("*", "<name>") if row.path != "x-*" else row.path
    shown = f"`{path}`" + (", and all below it" if row.with_below else "")
    here = {"same": "the same", "unneeded": "not needed", "absent": "no key"}.get(row.kind) or ", ".join(
        f"`{key}`" for key in row.ours
    )
    return shown, here or "another key", row.text
