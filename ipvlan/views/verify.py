"""How `ipvlan verify` shows what it found: tables for people, a document for machines. Decides nothing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from ipvlan.checks.verify import Verdict, Verification
from ipvlan.plan.model import Plan
from ipvlan.plan.reachability import CLIENT

#: Columns of the full matrix; beyond, one row and column per host are shown.
MOST_COLUMNS: Final = 14

_COLUMNS: Final = ("container", "host-address", "shim", "gateway", "internet", "internet-name")

_FROM_HOSTS: Final = ("own-container", "other-container")


def as_document(found: Verification, stack: str) -> dict[str, Any]:
    """The result as JSON has it."""
    return {
        "stack": stack,
        "ok": found.ok,
        "seconds": round(found.seconds, 2),
        "cells_possible": found.possible,
        "gateway_answers": found.gateway_answers,
        "unreachable_hosts": {name: str(error) for name, error in found.dead.items()},
        "cells": [
            {
                "kind": verdict.cell.kind,
                "from": verdict.cell.source,
                "to": verdict.cell.target,
                "address": str(verdict.cell.address),
                "port": None if verdict.cell.port is None else str(verdict.cell.port),
                "expected": verdict.wanted,
                "observed": verdict.observed.said,
                "reached": verdict.observed.reached,
                "ok": verdict.ok,
                "reason": verdict.reason,
            }
            for verdict in found.verdicts
        ],
    }


def show(found: Verification, plan: Plan, out: Console, *, internet: bool) -> None:
    """Print the matrix, the published ports, what is wrong and the sum."""
    inner = [verdict for verdict in found.verdicts if verdict.cell.source != CLIENT]
    targets = _targets(inner)
    if inner:
        out.print(_matrix(inner, targets) if len(targets) <= MOST_COLUMNS else _by_host(inner))
    ports = [verdict for verdict in found.verdicts if verdict.cell.source == CLIENT]
    if ports:
        out.print(_ports(ports))
    for error in found.dead.values():
        out.print(Text(str(error), style="red"), soft_wrap=True)
    _wrong(found.verdicts, out)
    if not internet and inner:
        out.print("The internet was left out: give an address beyond the LAN with --internet.", style="dim")
    if plan.gateway is not None and inner:
        out.print(
            f"The gateway {plan.gateway} answers: what lies beyond it is its to decide (~)."
            if found.gateway_answers
            else f"Nothing answers at the gateway {plan.gateway}.",
            style="dim",
        )
    out.print(_sum(found))


def _targets(verdicts: Iterable[Verdict]) -> list[str]:
    order = sorted(
        {(_COLUMNS.index(_column(verdict)), verdict.cell.target) for verdict in verdicts},
    )
    return list(dict.fromkeys(target for _, target in order))


def _column(verdict: Verdict) -> str:
    # A host's targets have their column as targets of other containers already.
    return "container" if verdict.cell.kind in _FROM_HOSTS else verdict.cell.kind


def _matrix(verdicts: Sequence[Verdict], targets: Sequence[str]) -> Table:
    table = Table(
        "from \\ to",
        *(target.replace("/", "\n") for target in targets),
        title="Expected, and observed where it differs",
        title_justify="left",
    )
    rows: dict[str, dict[str, Verdict]] = {}
    for verdict in verdicts:
        rows.setdefault(verdict.cell.source, {})[verdict.cell.target] = verdict
    for source in sorted(rows, key=lambda name: ("/" not in name, name)):
        table.add_row(source, *(_cell(rows[source].get(target)) for target in targets))
    return table


def _cell(verdict: Verdict | None) -> Text:
    if verdict is None:
        return Text("-", style="dim")
    said = verdict.observed.said
    if verdict.wanted == "any":
        return Text(f"~ {said}", style="dim")
    if verdict.ok:
        return Text(f"{verdict.wanted} \N{CHECK MARK}", style="green")
    return Text(f"{verdict.wanted} \N{MULTIPLICATION X} {said}", style="bold red")


def _by_host(verdicts: Sequence[Verdict]) -> Table:
    """Right cells of all, for each pair of hosts."""
    count: dict[str, dict[str, list[bool]]] = {}
    for verdict in verdicts:
        cell = verdict.cell
        column = cell.target_host if cell.kind in ("container", *_FROM_HOSTS) else None
        target = f"containers on {column}" if column else f"{cell.kind}"
        count.setdefault(cell.source_host or "", {}).setdefault(target, []).append(verdict.ok)
    targets = sorted({target for row in count.values() for target in row})
    if len(targets) > MOST_COLUMNS:
        table = Table("from", "cells as expected", "of", title="By host", title_justify="left")
        for source in sorted(count):
            all_ = [ok for cells in count[source].values() for ok in cells]
            table.add_row(source, _fraction(all_), str(len(all_)))
        return table
    table = Table("from \\ to", *targets, title="Cells as expected, by host", title_justify="left")
    for source in sorted(count):
        table.add_row(source, *(_fraction(count[source].get(target, [])) for target in targets))
    return table


def _fraction(cells: Sequence[bool]) -> Text:
    if not cells:
        return Text("-", style="dim")
    return Text(f"{sum(cells)}/{len(cells)}", style="green" if all(cells) else "bold red")


def _ports(verdicts: Sequence[Verdict]) -> Table:
    table = Table(
        "service", "at", "port", "expected", "observed", "", title="Ports, from this machine", title_justify="left"
    )
    for verdict in verdicts:
        cell = verdict.cell
        mark = (
            Text("~", style="dim")
            if verdict.wanted == "any"
            else Text("\N{CHECK MARK}", style="green")
            if verdict.ok
            else Text("\N{MULTIPLICATION X}", style="bold red")
        )
        table.add_row(
            escape(cell.target_service or ""),
            f"{cell.target_host} {cell.address}",
            f"{cell.published_port.host_port}/{cell.published_port.protocol}",
            {"yes": "answers", "no": "closed", "any": "not provable"}[verdict.wanted],
            verdict.observed.said,
            mark,
        )
    return table


def _wrong(verdicts: Iterable[Verdict], out: Console) -> None:
    """Each reason once, with the cells that it explains."""
    by_reason: dict[str, list[Verdict]] = {}
    for verdict in verdicts:
        if not verdict.ok:
            by_reason.setdefault(verdict.reason, []).append(verdict)
    for reason, wrong in by_reason.items():
        out.print(Text(reason, style="bold red"), soft_wrap=True)
        for verdict in wrong[:5]:
            cell = verdict.cell
            port = f" port {cell.port.host_port}" if cell.port is not None else ""
            out.print(
                f"    {cell.source} -> {cell.target} ({cell.address}{port}): expected {verdict.wanted}, "
                f"observed {verdict.observed.said}",
                markup=False,
                soft_wrap=True,
            )
        if len(wrong) > 5:
            out.print(f"    and {len(wrong) - 5} more", markup=False)


def _sum(found: Verification) -> Text:
    right = sum(verdict.ok for verdict in found.verdicts)
    size = len(found.verdicts)
    sampled = f" (a sample of {found.possible})" if found.possible > size else ""
    dead: Mapping[str, object] = found.dead
    text = f"{right} of {size} cells as expected{sampled}, in {found.seconds:.1f} s"
    if dead:
        text += f"; not reached: {', '.join(dead)}"
    return Text(text, style="bold green" if found.ok else "bold red")
