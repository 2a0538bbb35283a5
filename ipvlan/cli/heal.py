"""`ipvlan heal`: repairs what `status` reports. Options, the conversation, the order of the steps, and the exit status.

Out of scope: which difference is repaired how (`ipvlan.checks.heal`), and what is printed of it (`ipvlan.views.heal`).
"""

from __future__ import annotations

import shlex
import sys
from dataclasses import dataclass
from typing import Annotated

import typer
from rich.console import Console

from ipvlan.checks.drift import Difference
from ipvlan.checks.heal import (
    RepairPlan,
    plan_repair,
    pulumi_command,
    pulumi_failure,
    remove_unmanaged_containers,
    repair_on_hosts,
    run_pulumi,
)
from ipvlan.checks.stack_state import StateReading
from ipvlan.checks.status import read_status
from ipvlan.cli.context import SelectedStack
from ipvlan.cli.options import (
    DEFAULT_TIMEOUT,
    HostOption,
    JsonOption,
    ServiceOption,
    TimeoutOption,
    planned,
)
from ipvlan.cli.output import print_document, result_console
from ipvlan.plan.model import Plan
from ipvlan.views import heal as view


def heal(  # noqa: PLR0917  # typer reads the options from the signature
    context: typer.Context,
    host: HostOption = None,
    service: ServiceOption = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Repair without a question.")] = False,
    timeout: TimeoutOption = DEFAULT_TIMEOUT,
    as_json: JsonOption = False,
) -> None:
    """Repair what `status` reports, with the smallest change that does it. Shows its steps and asks first."""
    stack, plan = planned(context, host=host, service=service, quiet=as_json)
    run = _Run(stack=stack, plan=plan, host=host, service=service, timeout=timeout)
    healed = run.as_document(yes=yes) if as_json else run.interactive(yes=yes)
    raise typer.Exit(0 if healed else 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Run:
    """One run of `ipvlan heal`."""

    stack: SelectedStack
    plan: Plan
    host: str | None
    service: str | None
    timeout: float
    """Seconds, for reaching a host and for each question to it."""

    def interactive(self, *, yes: bool) -> bool:
        """Show the steps, ask, repair, and return whether all is as planned afterwards.

        Without `yes` it asks. Where standard input is no terminal it only shows the steps.
        """
        out = result_console()
        repairs = plan_repair(self.plan, self._differences())
        if not repairs.steps:
            view.print_nothing_to_repair(out)
            return True
        view.print_steps(repairs, out)
        if not (repairs.by("host") or repairs.by("pulumi")):
            return False
        if not yes and not _confirmed(out):
            return False
        self._apply(repairs, out)
        remaining = self._errors()
        view.print_remaining(remaining, out)
        return not remaining

    def as_document(self, *, yes: bool) -> bool:
        """Do the same for machines: one document on standard output, everything else on standard error."""
        repairs = plan_repair(self.plan, self._differences())
        remaining = [step.difference for step in repairs.steps]
        if yes:
            self._apply(repairs, Console(stderr=True, highlight=False))
            remaining = self._errors()
        print_document(view.document(repairs, remaining, self.stack.short_name, applied=yes))
        return not remaining

    def _differences(self) -> tuple[Difference, ...]:
        state = StateReading(self.stack.name, self.stack.folder)
        return read_status(
            self.plan, self.stack.name, state.ownership, host=self.host, service=self.service, timeout=self.timeout
        ).differences

    def _errors(self) -> list[Difference]:
        return [difference for difference in self._differences() if difference.severity == "error"]

    def _apply(self, repairs: RepairPlan, out: Console) -> None:
        failures = repair_on_hosts(self.plan, repairs.by("host"), lambda step: view.print_done(step, out))
        view.print_failures(failures, out)
        if not repairs.targets:
            return
        remove_unmanaged_containers(self.plan, repairs.by("pulumi"))
        command = pulumi_command(self.stack.name, repairs.targets)
        view.print_command(command, out)
        exit_status = run_pulumi(command, self.stack.folder, to_stderr=out.stderr)
        if exit_status != 0:
            raise pulumi_failure(
                "IPF916",
                f"`{shlex.join(command[:2])}` ended with status {exit_status}, see above",
                "fix what it names, then run `ipvlan heal` again",
            )


def _confirmed(out: Console) -> bool:
    if not sys.stdin.isatty():
        out.print("nothing was changed: there is no terminal to ask at. --yes repairs without a question")
        return False
    return typer.confirm("Repair?")
