"""`ipvlan heal`: repairs what `status` reports. Options, the conversation, the order of the steps, and the exit status.

Out of scope: which difference is repaired how (`ipvlan.checks.heal`), and what is printed of it (`ipvlan.views.heal`).
"""

from __future__ import annotations

import shlex
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated

import typer

from ipvlan.checks.difference import Difference
from ipvlan.checks.heal import Known, RepairPlan, plan_repair, still_valid
from ipvlan.checks.pulumi_up import pulumi_command, pulumi_failure, run_pulumi
from ipvlan.checks.repairs import repair_on_hosts
from ipvlan.checks.state_reading import StateReading
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
from ipvlan.cli.output import message_console, print_document, result_console
from ipvlan.hosts.connection import connection_to
from ipvlan.hosts.errors import HostError
from ipvlan.hosts.host_lock import LOCK_TOKEN, Holder, HostLocks
from ipvlan.hosts.snapshot import HostSnapshot
from ipvlan.plan.model import Plan
from ipvlan.views import heal as view
from ipvlan.views.terminal import Terminal


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
        _, repairs = self._planned()
        if not repairs.steps:
            view.print_nothing_to_repair(out)
            return True
        view.print_steps(repairs, out)
        if not repairs.changed_hosts:
            return False
        if not yes and not _confirmed(out):
            return False
        self._apply(repairs, out)
        remaining = self._remaining()
        view.print_remaining(remaining, out)
        return not remaining

    def as_document(self, *, yes: bool) -> bool:
        """Do the same for machines: one document on standard output, everything else on standard error."""
        _, repairs = self._planned()
        remaining = [step.difference for step in repairs.steps]
        if yes:
            self._apply(repairs, message_console())
            remaining = self._remaining()
        print_document(view.document(repairs, remaining, self.stack.short_name, applied=yes))
        return not remaining

    def _planned(self) -> tuple[Known, RepairPlan]:
        """Read the state and all hosts, and plan the repair. Raises StackStateError where the state cannot be read."""
        reading = StateReading(self.stack.name, self.stack.folder)
        # All hosts, whatever was selected: a planned address may be held on any of them.
        status = read_status(self.plan, self.stack.name, reading.ownership, timeout=self.timeout)
        state = reading.state()
        known = Known(
            plan=self.plan,
            snapshots={
                host.plan.name: host.snapshot for host in status.hosts if isinstance(host.snapshot, HostSnapshot)
            },
            ownership=state.ownership,
            urns=state.urns(),
            before_plugin=state.before_plugin,
        )
        return known, plan_repair(known, self._selected(status.differences))

    def _selected(self, differences: Iterable[Difference]) -> list[Difference]:
        """Return those that --host and --service select."""
        return [
            difference
            for difference in differences
            if self.host in (None, difference.host)
            and (self.service is None or difference.service in (None, self.service))
            and (self.service is None or self._runs_on(difference.host))
        ]

    def _runs_on(self, host: str) -> bool:
        return any(container.service == self.service for container in self.plan.host(host).containers)

    def _remaining(self) -> list[Difference]:
        return [step.difference for step in self._planned()[1].steps]

    def _apply(self, confirmed: RepairPlan, out: Terminal) -> None:
        """Do the confirmed steps that still are what was shown, alone on their hosts."""
        if not confirmed.changed_hosts:
            return
        hosts = [self.plan.host(name) for name in confirmed.changed_hosts]
        with HostLocks(Holder(what=f"ipvlan heal --stack {self.stack.name}"), timeout=self.timeout) as locks:
            connections = [connection_to(host, self.plan.ssh) for host in hosts]
            answers = locks.acquire(connections, waiting=out.print)
            known, fresh = self._planned()
            unlocked = {host: answer for host, answer in answers.items() if isinstance(answer, HostError)}
            repairs, skipped = still_valid(known, confirmed, fresh, unlocked)
            view.print_skipped(skipped, out)
            failures = repair_on_hosts(
                self.plan,
                repairs.by("host"),
                may_change=lambda host: locks.check([host]),
                done=lambda step: view.print_done(step, out),
            )
            view.print_failures(failures, out)
            if repairs.targets:
                locks.check(repairs.changed_hosts)
                self._pulumi(repairs, locks.holder.token, out)

    def _pulumi(self, repairs: RepairPlan, token: str, out: Terminal) -> None:
        command = pulumi_command(self.stack.name, repairs.targets)
        view.print_command(command, out)
        exit_status = run_pulumi(command, self.stack.folder, {LOCK_TOKEN: token}, to_stderr=out.stderr)
        if exit_status != 0:
            raise pulumi_failure(
                "IPF916",
                f"`{shlex.join(command[:2])}` ended with status {exit_status}, see above",
                "fix what it names, then run `ipvlan heal` again",
            )


def _confirmed(out: Terminal) -> bool:
    if not sys.stdin.isatty():
        out.print("nothing was changed: there is no terminal to ask at. --yes repairs without a question")
        return False
    return typer.confirm("Repair?")
