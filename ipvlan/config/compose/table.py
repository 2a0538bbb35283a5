"""The table of compose's keys: what each is here, what to use instead, or why not on ipvlan.

Errors for unknown keys, the page docs/compose.md and `ipvlan import compose` say what it says.

Out of scope: the rows themselves (`ipvlan.config.compose.service_rows`, `ipvlan.config.compose.nested_rows`,
`ipvlan.config.compose.top_rows`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from ipvlan.config.compose.nested_rows import NESTED
from ipvlan.config.compose.row import Row
from ipvlan.config.compose.service_rows import SERVICE
from ipvlan.config.compose.top_rows import TOP

SPECIFICATION: Final = "compose-go v2.16.2"
"""Whose JSON Schema of the specification the table covers (schema/compose-spec.json of github.com/compose-spec/compose-go)."""

ROWS: Final[Mapping[str, Row]] = {row.path: row for row in (*TOP, *SERVICE, *NESTED)}
"""Path -> row."""


def row_of(path: str) -> Row | None:
    """Return the row that speaks for a key of a compose file; None where there is none.

    Args:
        path: Keys from the top, joined by dots, with `*` for the names that people choose.
    """
    if path in ROWS:
        return ROWS[path]
    while "." in path:
        path = path.rpartition(".")[0]
        if path in ROWS:
            return ROWS[path] if ROWS[path].with_below else None
    return None


def service_row(key: str) -> Row | None:
    """Return the row of a key of a service, such as `depends_on` or `healthcheck.disable`; None where compose has none."""
    return ROWS.get(f"services.*.{key}")


def top_row(key: str) -> Row | None:
    """Return the row of a key at the top of a compose file; None where compose has none."""
    return ROWS.get(key) if "." not in key and key != "services" else None
