"""Hosts that answer the subcommands of `ipvlan` without a connection."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any
from unittest import mock

import pytest
from netaddr import IPAddress

from ipvlan.checks import preflight, stack_state, state_reading, status, verify
from ipvlan.checks.preflight import HostReport
from ipvlan.hosts.connection_probe import Observed
from ipvlan.hosts.docker_facts import DockerFacts
from ipvlan.hosts.host_facts import HostFacts, Link, Listener
from ipvlan.hosts.snapshot import HostSnapshot
from ipvlan.plan.cells import Cell
from ipvlan.plan.model import HostPlan, Plan
from ipvlan.plan.reachability import make_matrix
from ipvlan.plan.resource_names import Urns
from ipvlan.problems import Problem
from tests.support.host_changes import HostChange
from tests.support.live_parts import BRIDGE_NETWORK, live_host, owned_by_plan, reference_plan, unreachable_host

WELL = Link(up=True, carrier=True, wireless=False)
GATEWAY = IPAddress("10.1.0.1")
UNREACHABLE = unreachable_host()
UNREAD_STATE = Problem(
    code="IPF917", key="state of stack dev", value="", problem="not logged in", effect="unknown", fix="log in"
)


def host_facts() -> HostFacts:
    """Return the facts of a host that can carry the reference setup."""
    return HostFacts(
        user="root",
        kernel="6.12.48+deb13-amd64",
        has_ipvlan=True,
        has_docker_command=True,
        docker="28.5.2",
        engine="3cdd2799-0e98-4466-925d-7381407e4b8e",
        docker_failure="",
        has_docker_bridge=True,
        remaps_users=False,
        links={"lo": WELL, "ens33": WELL},
        macvlan_children=(),
        addresses=frozenset({"127.0.0.1", "192.168.140.200", "192.168.140.201"}),
        binds_any_address=False,
        forwards=True,
        dropping=(),
        listeners=(Listener(protocol="tcp", address="0.0.0.0", port=22, process="sshd"),),  # noqa: S104
        clock_ahead=0.2,
    )


def host_report(host: HostPlan) -> HostReport:
    """Return a host that can carry the plan, with nothing of it yet, and a gateway that answers."""
    return HostReport(
        facts=host_facts(),
        docker=DockerFacts(
            snapshot=replace(live_host(host), containers={}, networks=(BRIDGE_NETWORK,)),
            image_failures={},
            folder="/var/lib/docker",
            free=10**10,
            answering={GATEWAY: "52:54:00:00:00:09"},
            not_probed="",
        ),
    )


def answer(
    monkeypatch: pytest.MonkeyPatch,
    changes: Mapping[str, HostChange] | None = None,
    *,
    unreachable: Sequence[str] = (),
    reached: bool = True,
    state_read: bool = True,
    before_plugin: bool = False,
) -> None:
    """Let `status`, `heal`, `verify` and `preflight` get answers without a host.

    Args:
        monkeypatch: pytest's.
        changes: host -> what differs there from the plan.
        unreachable: hosts that do not answer.
        state_read: whether the stack's state, which has what is planned, can be read.
        before_plugin: whether that state is from before the plugin.
        reached: what every tested connection shows; connections that must not work are then shown as wrong.
    """
    changes = changes or {}

    def answers(hosts: Sequence[HostPlan], of_host: Callable[[HostPlan], Any]) -> dict[str, Any]:
        return {host.name: UNREACHABLE if host.name in unreachable else of_host(host) for host in hosts}

    def snapshot(host: HostPlan) -> HostSnapshot:
        change = changes.get(host.name)
        return live_host(host) if change is None else change(live_host(host))

    def observations(plan: Plan, host: HostPlan) -> dict[Cell, Observed]:
        cells = make_matrix(plan, internet=[IPAddress("203.0.113.10")]).cells
        return {
            cell: Observed(reached=reached, outcome="yes" if reached else "no")
            for cell in cells
            if cell.source_host == host.name
        }

    def state(*_: Any) -> Any:
        if not state_read:
            raise stack_state.StackStateError([UNREAD_STATE])
        return mock.Mock(
            ownership=owned_by_plan(reference_plan()),
            urns=lambda: Urns("dev", "ipvlan-fabric"),
            before_plugin=before_plugin,
        )

    monkeypatch.setattr(stack_state, "read_stack_state", state)
    monkeypatch.setattr(state_reading, "read_stack_state", state)
    monkeypatch.setattr(status, "on_hosts", lambda _plan, hosts, _ask, **_: answers(hosts, snapshot))
    monkeypatch.setattr(preflight, "on_hosts", lambda _plan, hosts, _ask, **_: answers(hosts, host_report))
    monkeypatch.setattr(
        verify,
        "on_hosts",
        lambda plan, hosts, _ask, **_: answers(hosts, lambda host: (snapshot(host), observations(plan, host))),
    )
    monkeypatch.setattr(
        verify, "connect_cells", lambda cells: {cell: Observed(reached=reached, outcome="HTTP 200") for cell in cells}
    )
