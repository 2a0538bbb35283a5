"""`ipvlan heal` from the first look to the last: shows what it will do, asks, does it, and proves it.

Owns the conversation and the order of the steps; what is done about what stands in `heal`.
"""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Callable, Iterator

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from ipvlan.checks.drift import Difference
from ipvlan.checks.heal import (
    RepairPlan,
    RepairStep,
    plan_repair,
    pulumi_command,
    remove_unmanaged_containers,
    repair_on_hosts,
    run_pulumi,
)
from ipvlan.checks.status import Status, read_status
from ipvlan.cli.context import Selected, printer
from ipvlan.hosts.errors import HostError
from ipvlan.plan.model import Plan


def heal_plan(
    chosen: Selected, plan: Plan, *, host: str | None, service: str | None, yes: bool, timeout: float, as_json: bool
) -> bool:
    """Fix all, one host or one service; return whether all of it is as planned afterwards.

    `timeout` is in seconds, for reaching a host and each question to it. Without `yes` it asks, and without a terminal to ask at,
    or with `as_json`, it only shows what it would do.
    """

    def look() -> Status:
        return read_status(plan, chosen.stack, host=host, service=service, timeout=timeout)

    if as_json:
        return _heal_json(chosen, plan, look, yes=yes)
    out = printer()
    healing = plan_repair(plan, look().differences)
    if not healing.steps:
        out.print(Text("nothing to fix", style="bold green"))
        return True
    _show(healing, out)
    if not (healing.by("host") or healing.by("pulumi")):
        return False
    if not yes and not _agreed(out):
        return False
    _do(chosen, plan, healing, out)
    left = [found for found in look().differences if found.severity == "error"]
    for found in left:
        out.print(Text.assemble((f"still {found.kind}", "bold red"), f": {found.problem}"), soft_wrap=True)
        out.print(f"    {found.fix}", style="dim", markup=False, soft_wrap=True)
    if not left:
        out.print(Text("all as planned", style="bold green"))
    return not left


def _heal_json(chosen: Selected, plan: Plan, look: Callable[[], Status], *, yes: bool) -> bool:
    """The same for machines: one document on standard output, all talk on standard error."""
    healing = plan_repair(plan, look().differences)
    if yes:
        _do(chosen, plan, healing, Console(stderr=True, highlight=False))
    left = [found for found in look().differences if found.severity == "error"] if yes else list(_differences(healing))
    document = {
        "stack": chosen.stack,
        "ok": not left,
        "done": yes,
        "actions": [
            {
                "how": action.by,
                "name": action.difference.kind,
                "host": action.difference.host,
                "service": action.difference.service,
                "description": action.description,
            }
            for action in healing.steps
        ],
        "targets": list(healing.targets),
        "left": [
            {"name": found.kind, "host": found.host, "service": found.service, "fix": found.fix} for found in left
        ],
    }
    typer.echo(json.dumps(document, indent=2))
    return not left


def _differences(healing: RepairPlan) -> Iterator[Difference]:
    yield from (action.difference for action in healing.steps)


def _agreed(out: Console) -> bool:
    if not sys.stdin.isatty():
        out.print("nothing was done: there is nobody to ask; --yes goes on")
        return False
    return typer.confirm("Do it?")


def _do(chosen: Selected, plan: Plan, healing: RepairPlan, out: Console) -> None:
    def done(action: RepairStep) -> None:
        out.print(f"done: {action.description}", markup=False, soft_wrap=True)

    for action, error in repair_on_hosts(plan, healing.by("host"), done).items():
        out.print(Text.assemble((f"failed: {action.description}", "bold red"), f"\n    {error}"), soft_wrap=True)
    if not healing.targets:
        return
    remove_unmanaged_containers(plan, healing.by("pulumi"))
    command = pulumi_command(chosen.stack, healing.targets)
    out.print(shlex.join(command), style="dim", markup=False, soft_wrap=True)
    status = run_pulumi(command, chosen.root, to_stderr=out.stderr)
    if status != 0:
        raise HostError(
            f"pulumi up ended with status {status}, see above. Fix what it names and run `ipvlan heal` again."
        )


def _show(healing: RepairPlan, out: Console) -> None:
    table = Table("host", "what", "how", title="To fix", title_justify="left")
    words = {"host": "", "pulumi": "", "person": "you: "}
    for action in healing.steps:
        table.add_row(
            action.difference.host,
            action.difference.kind,
            Text(words[action.by] + action.description, overflow="fold"),
        )
    out.print(table)
