"""The kinds of differences as a Markdown table, for docs/troubleshooting.md (`make schema` writes it)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from ipvlan.checks.drift_kinds import DriftKind, Repairer
from ipvlan.views import markdown

_REPAIRED_BY: Final[Mapping[Repairer, str]] = {
    "host": "`heal`, on the host",
    "pulumi": "`heal`, through Pulumi",
    "person": "you",
}


def drift_table() -> Iterator[str]:
    """Yield the lines of the table, one row per kind."""
    yield ""
    yield from markdown.table(
        ("difference", "meaning", "repaired by", "how"),
        ((f"`{kind}`", kind.summary, _REPAIRED_BY[kind.repair.by], kind.repair.how) for kind in DriftKind),
    )
    yield ""
