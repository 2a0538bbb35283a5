"""Why a cell of the matrix about a bridge, or of a container without the fabric, is wrong."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ipvlan.checks.diagnosis import Diagnosis
from ipvlan.hosts.connection_probe import Observed
from ipvlan.hosts.snapshot import HostSnapshot, Parent
from ipvlan.plan.cells import Cell
from ipvlan.plan.make import make_plan
from ipvlan.plan.model import Plan
from ipvlan.plan.reachability import make_matrix
from ipvlan.plan.validate import parse
from tests.support.bridge_changes import bridge_config, connected
from tests.support.host_changes import HostChange, change_container, disconnect
from tests.support.live_parts import live_host


def plan_with(**options: str) -> Plan:
    """Return the plan of bridges, with options of `backend`."""
    config = bridge_config()
    config["bridges"]["backend"] = {"name": "backend", "options": options}
    return make_plan(parse(config))


def one(plan: Plan, kind: str, source: str, target: str) -> Cell:
    """Return one cell."""
    return next(
        cell for cell in make_matrix(plan).cells if (cell.kind, cell.source, cell.target) == (kind, source, target)
    )


def reason(plan: Plan, cell: Cell, *changes: HostChange, must_work: bool = True) -> str:
    """Return why a cell is wrong, docker-1 being changed by hand."""
    hosts = {host.name: live_host(host) for host in plan.hosts}
    for change in changes:
        hosts["docker-1"] = change(hosts["docker-1"])
    observed = Observed(reached=not must_work, outcome="no answer" if must_work else "yes")
    return Diagnosis(plan, hosts).reason(cell, observed, must_work=must_work)


def no_parent(host: HostSnapshot) -> HostSnapshot:
    """Take the parent away."""
    return replace(host, parent=Parent(name="ens33", present=False, up=False, mtu=None))


@pytest.mark.parametrize(
    ("changes", "part"),
    [
        ([change_container("app", state="exited", status="Exited (1)")], "container down: app on docker-1"),
        ([disconnect("app", "backend")], "not attached: app on docker-1 is not connected to backend (`ipvlan status`)"),
        ([disconnect("nginx", "backend")], "not attached: nginx on docker-1 is not connected to backend"),
        # What has nothing to do with the bridge is not the reason.
        (
            [no_parent, disconnect("nginx", "ipvlanl2"), disconnect("app", "data")],
            "look at `docker network inspect backend` on docker-1",
        ),
    ],
)
def test_a_name_on_a_bridge_that_does_not_answer(changes: list[HostChange], part: str) -> None:
    """Its containers, their connections to that bridge, and then the host: nothing of it leaves the host."""
    plan = plan_with()
    assert part in reason(plan, one(plan, "bridge-name", "docker-1/nginx", "docker-1/app"), *changes)


def test_a_container_without_the_fabric_is_on_its_bridges() -> None:
    """It has no address of the fabric, and that is no reason."""
    plan = plan_with()
    cell = one(plan, "host-address", "docker-1/app", "docker-2")
    assert "not attached: app on docker-1 is not connected to data, mon" in reason(
        plan, cell, disconnect("app", "data"), disconnect("app", "mon")
    )
    assert "not attached" not in reason(plan, cell)


def test_what_works_on_a_bridge_and_must_not() -> None:
    """A connection that is not planned is named, one that is planned is not the reason."""
    isolated = plan_with(**{"com.docker.network.bridge.enable_icc": "false"})
    cell = one(isolated, "bridge-name", "docker-1/nginx", "docker-1/app")
    assert (
        "the containers of backend on docker-1 reach each other, and by its option enable_icc they must not"
        in reason(isolated, cell, must_work=False)
    )
    plan = plan_with()
    cell = one(plan, "bridge-address", "docker-1/centos", "docker-1/app")
    assert "other network: docker-1/centos and docker-1/app are both connected to backend" in reason(
        plan, cell, connected("centos", "backend"), must_work=False
    )
