"""What `ipvlan heal` prints: its steps and what remains for people, a JSON document for machines. Decides nothing."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping, Sequence

from rich.table import Table
from rich.text import Text

from ipvlan.checks.difference import Difference
from ipvlan.checks.heal import RepairPlan, RepairStep
from ipvlan.hosts.errors import HostError
from ipvlan.views.findings import print_finding
from ipvlan.views.json_document import TypedDict, document_part
from ipvlan.views.status_json import DifferenceEntry, difference_entry
from ipvlan.views.terminal import Terminal


@document_part
class StepEntry(TypedDict):
    """What is done about one difference."""

    repaired_by: str
    """`host`: on the host itself. `pulumi`: by `pulumi up` of the targets. `person`: by nobody but you."""
    name: str
    """The difference, as `ipvlan status` names it."""
    host: str
    service: str | None
    description: str


@document_part
class HealDocument(TypedDict):
    """What `ipvlan heal --json` prints."""

    stack: str
    ok: bool
    """Whether nothing remains."""
    applied: bool
    """False without --yes: the steps are only planned."""
    steps: list[StepEntry]
    targets: list[str]
    """URNs, for which `pulumi up` is run."""
    remaining: list[DifferenceEntry]
    """Differences after the repair, or, when nothing was applied, the present ones."""


def document(repairs: RepairPlan, remaining: Iterable[Difference], stack: str, *, applied: bool) -> HealDocument:
    """Return the steps and what remains, ready for `json.dumps`."""
    entries = [difference_entry(difference) for difference in remaining]
    return {
        "stack": stack,
        "ok": not entries,
        "applied": applied,
        "steps": [
            {
                "repaired_by": step.by,
                "name": step.difference.kind,
                "host": step.difference.host,
                "service": step.difference.service,
                "description": step.description,
            }
            for step in repairs.steps
        ],
        "targets": list(repairs.targets),
        "remaining": entries,
    }


def print_nothing_to_repair(out: Terminal) -> None:
    """Print that the hosts are as planned."""
    out.print(Text("nothing to repair: all is as planned", style="bold green"))


def print_steps(repairs: RepairPlan, out: Terminal) -> None:
    """Print the table of what will be done."""
    table = Table("host", "difference", "repair", title="Repairs", title_justify="left")
    for step in repairs.steps:
        by_hand = "by hand: " if step.by == "person" else ""
        table.add_row(step.difference.host, step.difference.kind, Text(f"{by_hand}{step.description}", overflow="fold"))
    out.print(table)


def print_done(step: RepairStep, out: Terminal) -> None:
    """Print that a step is done."""
    out.print(f"done: {step.description}", soft_wrap=True)


def print_skipped(skipped: Mapping[RepairStep, str], out: Terminal) -> None:
    """Print the steps that are not done, and why."""
    for step, reason in skipped.items():
        out.print(f"skipped: {step.description}: {reason}", soft_wrap=True)


def print_failures(failures: Mapping[RepairStep, HostError], out: Terminal) -> None:
    """Print the steps that failed, and why."""
    for step, error in failures.items():
        out.print(Text.assemble((f"failed: {step.description}", "bold red"), f"\n    {error}"), soft_wrap=True)


def print_command(command: Sequence[str], out: Terminal) -> None:
    """Print a command before it is run."""
    out.print(shlex.join(command), style="dim", soft_wrap=True)


def print_remaining(differences: Sequence[Difference], out: Terminal) -> None:
    """Print the differences after the repair, or that there are none."""
    for difference in differences:
        print_finding(f"still {difference.kind}", difference, out, difference.output)
    if not differences:
        out.print(Text("all as planned", style="bold green"))
