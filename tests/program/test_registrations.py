"""The program ends with nothing left for the SDK to wait for, whose wait takes the square of what is left."""

from __future__ import annotations

import itertools
import sys
from typing import Any
from unittest import mock

import pulumi
import pytest
from pulumi.runtime import settings, stack

from bench.preview import stack_config
from components.ipvlan_fabric import FabricArgs, IpvlanFabric
from components.registrations import KEEP_DEBUG, without_debug_messages
from ipvlan.plan.make import make_plan
from ipvlan.plan.validate import parse
from tests.support.strict_monitor import Run, StrictMonitor, run_program

PENDING = 20
"""More than the outputs of the stack itself; a container alone has as many."""


def left_to_wait_for(hosts: int) -> tuple[int, Run]:
    """Run the program; return how many outputs are pending when it has ended, and what it registered."""
    pending: list[int] = []
    wait = stack.wait_for_rpcs

    async def counted(*arguments: bool) -> None:
        pending.append(len(settings.SETTINGS.outputs))
        await wait(*arguments)

    with mock.patch.object(stack, "wait_for_rpcs", counted):
        run = run_program(stack_config(hosts, 2), preview=True)
    return pending[0], run


@pytest.mark.parametrize("hosts", [1, 4])
def test_nothing_is_left_to_wait_for(hosts: int) -> None:
    """Whatever the number of hosts; everything is registered."""
    pending, run = left_to_wait_for(hosts)
    assert pending < PENDING
    assert sum(each.type == "docker:index/container:Container" for each in run.resources.values()) == 2 * hosts


def test_a_failed_registration_is_told_and_ends_the_wait() -> None:
    """The error is the resource's own: two of one name."""

    def program() -> None:
        args = FabricArgs(plan=make_plan(parse(stack_config(1, 1))), stack="test")
        fabric = IpvlanFabric("fabric", args)
        pulumi.ComponentResource("ipvlan-fabric:test:Same", "same", None, pulumi.ResourceOptions(parent=fabric))
        pulumi.ComponentResource("ipvlan-fabric:test:Same", "same", None, pulumi.ResourceOptions(parent=fabric))
        pulumi.run(fabric.registered)

    with pytest.raises(AssertionError, match="same is registered twice"):
        run_program({}, preview=True, main=program)


def test_no_resource_below_has_a_stack_trace() -> None:
    """The SDK would take 1.5 kB of the state for each; afterwards a traceback is as long as before."""
    frames: dict[str, int] = {}
    register = StrictMonitor.RegisterResource

    def counted(monitor: StrictMonitor, request: Any) -> Any:
        frames[request.name] = len(request.stackTrace.frames)
        return register(monitor, request)

    with mock.patch.object(StrictMonitor, "RegisterResource", counted):
        run = run_program(stack_config(2, 2), preview=True)
    below = {
        urn.rpartition("::")[2]
        for urn, each in run.resources.items()
        if each.type.startswith("docker:") or "Handover" in each.type
    }
    assert below
    assert {name for name in below if frames[name]} == set()
    assert not hasattr(sys, "tracebacklimit")


def test_a_long_chain_is_declared() -> None:
    """Every container waits for the one before it, and each service for the last: more than Python's recursion limit."""
    hosts, services = 90, 4
    config = stack_config(hosts, services)
    names = list(config["services"])
    for before, name in itertools.pairwise(names):
        config["services"][name]["after"] = [before]
    run = run_program(config, preview=True)
    assert 3 * hosts * services > sys.getrecursionlimit()
    last = run.named(f"fabric-host-{hosts - 1}-{names[-1]}-handover")
    assert any(urn.endswith(f"-{names[-2]}-settled") for urn in last.dependencies)


@pytest.mark.parametrize(("value", "sent"), [("", 0), ("1", 1)])
def test_debug_messages_are_sent_on_request(monkeypatch: pytest.MonkeyPatch, value: str, sent: int) -> None:
    """The engine would be asked three times for each resource, one after another."""
    debug = mock.Mock()
    monkeypatch.setattr(pulumi.log, "debug", debug)
    monkeypatch.setenv(KEEP_DEBUG, value)
    without_debug_messages()
    pulumi.log.debug("resource registration prepared")
    assert debug.call_count == sent
