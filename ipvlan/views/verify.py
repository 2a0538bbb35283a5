"""The tables of `ipvlan verify`, on a terminal and in Markdown. Decides nothing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from rich.text import Text

from ipvlan.checks.verify import Verdict, Verification
from ipvlan.plan.cells import CLIENT
from ipvlan.plan.model import Plan
from ipvlan.views import markdown
from ipvlan.views.grid import Grid
from ipvlan.views.terminal import Terminal

MOST_COLUMNS: Final = 14
"""Columns of the full matrix. When there are more, the table has one row and one column per host."""

MOST_CELLS_OF_A_REASON: Final = 5
"""Cells that are listed below the reason why they are wrong; of more, the rest is counted."""

MOST_ON_BRIDGES: Final = 40
"""Cells between containers of bridges that are listed one by one; of more, the table counts those of each bridge."""

_COLUMNS: Final = ("container", "host-address", "shim", "gateway", "internet", "internet-name")
"""Order of the columns, by the kind of the cells."""

_FROM_HOSTS: Final = ("own-container", "other-container")

_GOOD, _BAD, _DIM = "green", "bold red", "dim"
_YES, _NO, _EITHER = "\N{CHECK MARK}", "\N{MULTIPLICATION X}", "~"


def print_tables(verification: Verification, plan: Plan, out: Terminal, *, internet: bool) -> None:
    """Print the matrix, the ports, what is wrong and the sum. `internet`: whether the internet was tested."""
    for grid in _grids(verification):
        out.print(grid.as_table())
    for error in verification.unreachable.values():
        out.print(Text(str(error), style="red"), soft_wrap=True)
    for reason, cells in _failures(verification.verdicts):
        out.print(Text(reason, style=_BAD), soft_wrap=True)
        for cell in cells:
            out.print(f"    {cell}", soft_wrap=True)
    for note in _notes(verification, plan, internet=internet):
        out.print(note, style=_DIM)
    out.print(Text(_sum(verification), style="bold green" if verification.ok else _BAD))


def as_markdown(verification: Verification, plan: Plan, *, internet: bool) -> str:
    """Return in Markdown what `print_tables` prints."""
    lines: list[str] = []
    for grid in _grids(verification):
        lines += [*grid.as_markdown(), ""]
    failures = [(error.summary, list[str]()) for error in verification.unreachable.values()]
    for reason, cells in [*failures, *_failures(verification.verdicts)]:
        lines += [f"- **{markdown.escape(reason)}**", *(f"  - {markdown.escape(cell)}" for cell in cells), ""]
    for note in _notes(verification, plan, internet=internet):
        lines += [markdown.escape(note), ""]
    lines += [f"**{markdown.escape(_sum(verification))}**"]
    return "\n".join(lines) + "\n"


def _grids(verification: Verification) -> Iterator[Grid]:
    """Yield the matrix, the table of bridges and those of ports, each where it has cells."""
    inner = [verdict for verdict in verification.verdicts if verdict.cell.port is None and verdict.cell.bridge is None]
    if inner:
        targets = _targets(inner)
        yield _matrix(inner, targets) if len(targets) <= MOST_COLUMNS else _by_host(inner)
    on_bridges = [verdict for verdict in verification.verdicts if verdict.cell.bridge is not None]
    if on_bridges:
        yield _bridges(on_bridges) if len(on_bridges) <= MOST_ON_BRIDGES else _by_bridge(on_bridges)
    ports = [verdict for verdict in verification.verdicts if verdict.cell.source == CLIENT]
    if ports:
        yield _ports(ports, "Ports, from this machine")
    at_loopback = [verdict for verdict in verification.verdicts if verdict.cell.kind == "loopback-port"]
    if at_loopback:
        yield _ports(at_loopback, "Ports at the host's own loopback, from the host itself")


def _targets(verdicts: Iterable[Verdict]) -> list[str]:
    order = sorted({(_COLUMNS.index(_column(verdict)), verdict.cell.target) for verdict in verdicts})
    return list(dict.fromkeys(target for _, target in order))


def _column(verdict: Verdict) -> str:
    # The targets of a host have their column already, as targets of other containers.
    return "container" if verdict.cell.kind in _FROM_HOSTS else verdict.cell.kind


def _matrix(verdicts: Sequence[Verdict], targets: Sequence[str]) -> Grid:
    by_source: dict[str, dict[str, Verdict]] = {}
    for verdict in verdicts:
        by_source.setdefault(verdict.cell.source, {})[verdict.cell.target] = verdict
    return Grid(
        title="Expected, and observed where it differs",
        headings=("from \\ to", *(target.replace("/", "\n") for target in targets)),
        rows=[
            (source, *(_cell(by_source[source].get(target)) for target in targets))
            for source in sorted(by_source, key=lambda name: ("/" not in name, name))
        ],
    )


def _cell(verdict: Verdict | None) -> Text:
    if verdict is None:
        return Text("-", style=_DIM)
    if verdict.expected == "any":
        return Text(f"{_EITHER} {verdict.observed.outcome}", style=_DIM)
    if verdict.ok:
        return Text(f"{verdict.expected} {_YES}", style=_GOOD)
    return Text(f"{verdict.expected} {_NO} {verdict.observed.outcome}", style=_BAD)


def _by_host(verdicts: Sequence[Verdict]) -> Grid:
    """Return how many cells are as expected, by pairs of hosts; by source hosts only when there are many."""
    right: dict[str, dict[str, list[bool]]] = {}
    for verdict in verdicts:
        cell = verdict.cell
        to_container = cell.kind in ("container", *_FROM_HOSTS)
        target = f"containers on {cell.target_host}" if to_container else cell.kind
        right.setdefault(cell.source_host or "", {}).setdefault(target, []).append(verdict.ok)
    targets = sorted({target for by_target in right.values() for target in by_target})
    if len(targets) <= MOST_COLUMNS:
        return Grid(
            title="Cells as expected, by host",
            headings=("from \\ to", *targets),
            rows=[
                (source, *(_fraction(right[source].get(target, [])) for target in targets)) for source in sorted(right)
            ],
        )
    return Grid(
        title="Cells as expected, by source host",
        headings=("from", "as expected"),
        rows=[
            (source, _fraction([ok for cells in right[source].values() for ok in cells])) for source in sorted(right)
        ],
    )


def _fraction(right: Sequence[bool]) -> Text:
    if not right:
        return Text("-", style=_DIM)
    return Text(f"{sum(right)}/{len(right)}", style=_GOOD if all(right) else _BAD)


def _bridges(verdicts: Sequence[Verdict]) -> Grid:
    return Grid(
        title="Containers on bridges",
        headings=("bridge", "from", "to", "expected", "observed", ""),
        rows=[
            (
                verdict.cell.bridge or "",
                verdict.cell.source,
                str(verdict.cell.address),
                verdict.expected,
                verdict.observed.outcome,
                _mark(verdict),
            )
            for verdict in sorted(verdicts, key=lambda verdict: (verdict.cell.bridge or "", verdict.cell.source))
        ],
    )


def _by_bridge(verdicts: Sequence[Verdict]) -> Grid:
    """Return how many cells are as expected, by bridge and host."""
    right: dict[tuple[str, str], list[bool]] = {}
    for verdict in verdicts:
        right.setdefault((verdict.cell.bridge or "", verdict.cell.source_host or ""), []).append(verdict.ok)
    return Grid(
        title="Containers on bridges, cells as expected",
        headings=("bridge", "host", "as expected"),
        rows=[(bridge, host, _fraction(right[bridge, host])) for bridge, host in sorted(right)],
    )


def _ports(verdicts: Sequence[Verdict], title: str) -> Grid:
    return Grid(
        title=title,
        headings=("service", "host", "address", "port", "expected", "observed", ""),
        rows=[
            (
                verdict.cell.target_service or "",
                verdict.cell.target_host or "",
                str(verdict.cell.address),
                f"{verdict.cell.published_port.host_port}/{verdict.cell.published_port.protocol}",
                {"yes": "open", "no": "closed", "any": "not testable"}[verdict.expected],
                verdict.observed.outcome,
                _mark(verdict),
            )
            for verdict in verdicts
        ],
    )


def _mark(verdict: Verdict) -> Text:
    if verdict.expected == "any":
        return Text(_EITHER, style=_DIM)
    return Text(_YES, style=_GOOD) if verdict.ok else Text(_NO, style=_BAD)


def _failures(verdicts: Iterable[Verdict]) -> Iterator[tuple[str, list[str]]]:
    """Yield each reason once, with the cells that it explains, as lines of text."""
    by_reason: dict[str, list[Verdict]] = {}
    for verdict in verdicts:
        if not verdict.ok:
            by_reason.setdefault(verdict.reason, []).append(verdict)
    for reason, wrong in by_reason.items():
        lines = [_failure(verdict) for verdict in wrong[:MOST_CELLS_OF_A_REASON]]
        if len(wrong) > MOST_CELLS_OF_A_REASON:
            lines.append(f"and {len(wrong) - MOST_CELLS_OF_A_REASON} more")
        yield reason, lines


def _failure(verdict: Verdict) -> str:
    cell = verdict.cell
    port = f" port {cell.port.host_port}" if cell.port is not None else ""
    result = f"expected {verdict.expected}, observed {verdict.observed.outcome}"
    return f"{cell.source} -> {cell.target} ({cell.address}{port}): {result}"


def _notes(verification: Verification, plan: Plan, *, internet: bool) -> Iterator[str]:
    if all(verdict.cell.port is not None or verdict.cell.bridge is not None for verdict in verification.verdicts):
        return
    if not internet:
        yield "The internet was not tested: name an address beyond the LAN with --internet."
    if plan.gateway is not None:
        yield (
            f"The gateway {plan.gateway} answers, so it decides what is reached beyond it (~)."
            if verification.gateway_answers
            else f"Nothing answers at the gateway {plan.gateway}."
        )


def _sum(verification: Verification) -> str:
    right = sum(verdict.ok for verdict in verification.verdicts)
    size = len(verification.verdicts)
    sampled = f" (a sample of {verification.possible})" if verification.possible > size else ""
    unreachable = f"; not reached: {', '.join(verification.unreachable)}" if verification.unreachable else ""
    return f"{right} of {size} cells as expected{sampled}, in {verification.seconds:.1f} s{unreachable}"
