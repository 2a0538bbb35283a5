"""A rollout is interrupted in each of its phases, by SIGKILL of Pulumi and all its plugins and by a power cut of the host.

The next `up` resolves it: the service runs on both hosts, as the file has it, and nothing is left beside the containers.
The tests share one service; each leaves it as planned.
"""

from __future__ import annotations

import json
import signal
import time
from dataclasses import dataclass

import pytest

from lab.faults import kill_tree
from lab.harness import HOSTS, Lab, Stack
from tests.support.host_events import HostEvents
from tests.support.rollout import WEB, Rollouts, after_power_cut, containers, ended

pytestmark = pytest.mark.long

FIRST, SECOND = HOSTS
EXITS = ["sh", "-c", "echo cannot-open-the-database; exit 3"]


@dataclass(frozen=True)
class Phase:
    """A moment in a rollout on docker-1."""

    event: str
    """The event of Docker with which it begins."""
    fails: bool = False
    """Whether the change is one that does not come up."""


PHASES = {
    "rehearsal created": Phase(f"create {WEB}.ipvlan-rehearsal"),
    "spare made": Phase(f"create {WEB}.ipvlan-previous"),
    "old one stopped": Phase(f"die {WEB}"),
    "old one deleted": Phase(f"destroy {WEB}"),
    "new one created": Phase(f"create {WEB}"),
    "new one started": Phase(f"start {WEB}"),
    "failed one set aside": Phase(f"rename {WEB}.ipvlan-failed", fails=True),
    "previous one renamed": Phase(f"rename {WEB}", fails=True),
}
"""In order. Between `spare made` and `old one stopped` both are there; after `new one started` it is not settled for 3 s."""
CUTS = ("spare made", "old one deleted", "new one started", "failed one set aside")
"""Phases in which the power is cut: each takes a boot."""


def change(rollouts: Rollouts, phase: Phase, value: str) -> None:
    """Make the change whose rollout is interrupted."""
    rollouts.web["environment"] = {"CHANGED": value}
    if phase.fails:
        rollouts.web["command"] = EXITS


def assert_resolved(rollouts: Rollouts, value: str, name: str) -> None:
    """Assert that the next `up` with a good file brings the service up on both hosts, and that nothing is left or pending."""
    rollouts.web.pop("command", None)
    case = rollouts.up(f"{name}: the next up")
    rollouts.assert_clean()
    assert all(f"CHANGED={value}" in case.after[host][WEB].environment for host in HOSTS)
    assert {host: set(found) for host, found in containers(rollouts.lab).items()} == {host: {WEB} for host in HOSTS}
    stack = rollouts.stack
    if json.loads(stack.pulumi("stack", "export").stdout)["deployment"].get("pending_operations"):
        stack.pulumi("refresh", "--yes", "--clear-pending-creates")
    stack.assert_unchanged()


@pytest.mark.parametrize("moment", PHASES)
def test_pulumi_is_killed(lab: Lab, stack: Stack, rollouts: Rollouts, moment: str) -> None:
    """After SIGKILL of Pulumi and its plugins the other host is untouched, and `pulumi cancel` and `up` resolve it."""
    phase, value = PHASES[moment], f"killed: {moment}".replace(" ", "-")
    change(rollouts, phase, value)
    with rollouts.watched(f"kill -9, {moment}") as watched, HostEvents.of_lab(lab, FIRST) as events:
        process = stack.start_up()
        events.wait_for(phase.event)
        kill_tree(process.pid)
        watched.done = ended(process, 60)
    watched.case.assert_untouched(SECOND)
    stack.pulumi("cancel", "--yes")
    assert_resolved(rollouts, value, f"kill -9, {moment}")


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGINT], ids=["kill -9 of pulumi alone", "Ctrl-C"])
def test_the_service_comes_back_by_itself(lab: Lab, stack: Stack, rollouts: Rollouts, end: signal.Signals) -> None:
    """Where the plugin sees the end of the run, a process of its own runs the previous container again, without another `up`."""
    value = f"alone-{end.value}"
    change(rollouts, PHASES["old one deleted"], value)
    with rollouts.watched(f"{end.name} of pulumi alone") as watched, HostEvents.of_lab(lab, FIRST) as events:
        process = stack.start_up()
        events.wait_for(PHASES["old one deleted"].event)
        process.send_signal(end)
        watched.done = ended(process, 120)
        limit = time.monotonic() + 90
        while WEB not in containers(lab)[FIRST] or not containers(lab)[FIRST][WEB].running:
            assert time.monotonic() < limit, containers(lab)[FIRST]
            time.sleep(1)
    watched.case.assert_untouched(SECOND)
    stack.pulumi("cancel", "--yes", check=False)
    assert_resolved(rollouts, value, f"{end.name} of pulumi alone")


@pytest.mark.parametrize("moment", CUTS)
def test_the_power_is_cut(lab: Lab, stack: Stack, rollouts: Rollouts, moment: str) -> None:
    """After a power cut `up` fails and names the host, the other host is untouched; with the power on, `up` resolves it."""
    phase, value = PHASES[moment], f"cut: {moment}".replace(" ", "-")
    change(rollouts, phase, value)
    with rollouts.watched(f"power cut, {moment}") as watched, HostEvents.of_lab(lab, FIRST) as events:
        process = stack.start_up()
        events.wait_for(phase.event)
        watched.done = after_power_cut(lab, FIRST, process)
    assert watched.done.returncode != 0, watched.case.output
    assert FIRST in watched.case.output
    watched.case.assert_untouched(SECOND)
    # A spare does not start with the host: no two containers have the address.
    assert {name for name, found in watched.case.after[FIRST].items() if found.running} <= {WEB}
    assert_resolved(rollouts, value, f"power cut, {moment}")


def test_killed_twice(lab: Lab, stack: Stack, rollouts: Rollouts) -> None:
    """Killed after the deletion, and the next `up` killed too: the spare of the first one stays the one that is known to work."""
    change(rollouts, PHASES["old one deleted"], "twice")
    for _ in range(2):
        with HostEvents.of_lab(lab, FIRST) as events:
            process = stack.start_up()
            events.wait_for(f"create {WEB}")
            kill_tree(process.pid)
            process.communicate(timeout=60)
        stack.pulumi("cancel", "--yes")
    rollouts.web["command"] = EXITS
    failed = rollouts.up("killed twice, then a file that does not come up", fails=True)
    failed.assert_untouched(SECOND)
    assert failed.actions[FIRST] == "restored"
    assert "CHANGED=twice" not in failed.after[FIRST][WEB].environment
    assert_resolved(rollouts, "twice", "killed twice")
