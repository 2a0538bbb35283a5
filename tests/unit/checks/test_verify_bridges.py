"""Cells of bridges: at which address isolation is tried, and why a cell is wrong."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
from netaddr import IPAddress

from ipvlan.checks import verify
from ipvlan.checks.diagnosis import Diagnosis
from ipvlan.checks.verify import judge
from ipvlan.hosts.connection_probe import Ends, Observed
from ipvlan.hosts.snapshot import HostSnapshot
from ipvlan.plan.cells import Cell
from ipvlan.plan.model import Plan
from ipvlan.plan.reachability import make_matrix
from tests.support.bridge_changes import bridge_plan, connected
from tests.support.host_changes import HostChange, change_container, disconnect, without
from tests.support.live_parts import live_host, owned_by_plan, with_container

YES, NO = Observed(reached=True, outcome="yes"), Observed(reached=False, outcome="no")


def cell(plan: Plan, kind: str, source: str, target: str, bridge: str | None = None) -> Cell:
    """Return one cell of docker-1."""
    ends = f"docker-1/{source}", target if target == "internet" else f"docker-1/{target}"
    cells = make_matrix(plan, internet=[IPAddress("203.0.113.10")]).cells
    return next(one for one in cells if (one.kind, one.source, one.target, one.bridge) == (kind, *ends, bridge))


def reason(one: Cell, observed: Observed, plan: Plan, *changes: HostChange) -> str:
    """Return why the cell is wrong, docker-1 being changed by hand."""
    hosts = {host.name: live_host(host) for host in plan.hosts}
    for change in changes:
        hosts["docker-1"] = change(hosts["docker-1"])
    (verdict,) = judge([one], {one: observed}, Diagnosis(plan, hosts), gateway_answers=False)
    assert verdict.ok is (not verdict.reason)
    return verdict.reason


@pytest.mark.parametrize(
    ("changes", "starts"),
    [
        ([without("app")], "container missing: app on docker-1"),
        ([change_container("app", state="exited", status="Exited (1)")], "container down: app on docker-1"),
        ([disconnect("app", "backend")], "not attached: app on docker-1 is not connected to backend"),
        ([disconnect("nginx", "backend")], "not attached: nginx on docker-1 is not connected to backend"),
        ([disconnect("nginx", "ipvlanl2")], "both containers run and are connected to backend"),
        ([], "both containers run and are connected to backend"),
    ],
)
def test_a_name_that_is_not_reached(changes: Sequence[HostChange], starts: str) -> None:
    """The first broken link is named: the containers, then their connection to this bridge, then the bridge; never the fabric."""
    plan = bridge_plan()
    assert reason(cell(plan, "bridge-name", "nginx", "app", "backend"), NO, plan, *changes).startswith(starts)


def test_names_and_isolation_as_expected() -> None:
    """A name that answers and an address that does not are right; one that was not tried is not."""
    plan = bridge_plan()
    isolated = cell(plan, "bridge-address", "centos", "app", "backend")
    assert reason(cell(plan, "bridge-name", "nginx", "app", "backend"), YES, plan) == ""
    assert reason(isolated, NO, plan) == ""
    not_tried = Observed(reached=None, outcome="not tried")
    assert reason(isolated, not_tried, plan) == "it could not be tried: not tried"
    down = change_container("app", state="exited", status="Exited (1)")
    assert reason(isolated, not_tried, plan, down).startswith("container down: app")


def test_what_is_reached_and_must_not_be() -> None:
    """The reason is a network that both are on, or a host that does not isolate its bridges."""
    plan = bridge_plan()
    isolated = cell(plan, "bridge-address", "centos", "app", "backend")
    on_both = reason(isolated, YES, plan, connected("centos", "data"))
    assert on_both == "other network: docker-1/centos and docker-1/app are both connected to data"
    assert reason(isolated, YES, plan).startswith("Docker on docker-1 does not isolate docker-1/app on backend")


def test_a_bridge_whose_containers_must_not_talk() -> None:
    """Where they do, the option is named."""
    plan = bridge_plan()
    silent = replace(cell(plan, "bridge-name", "nginx", "app", "backend"), expected="no")
    assert "by its option enable_icc they must not" in reason(silent, YES, plan)
    assert reason(silent, NO, plan) == ""


def test_a_container_off_the_fabric_that_reaches_nothing() -> None:
    """Its missing bridge is named, else the host's own route and firewall; that it is not on the fabric is no reason."""
    plan = bridge_plan()
    internet = cell(plan, "internet", "app", "internet")
    assert reason(internet, NO, plan, disconnect("app", "backend")).startswith("not attached: app on docker-1")
    assert "so it leaves through the host's NAT" in reason(internet, NO, plan)
    to_host = next(one for one in make_matrix(plan).cells if (one.kind, one.source) == ("host-address", "docker-1/app"))
    assert reason(to_host, NO, plan).startswith("docker-1/app leaves through the NAT of docker-1")


def test_an_internal_bridge_explains_no_connection_to_the_outside() -> None:
    """A container that gets out is on a network with a route: the planned bridge that is not internal, and not the other one."""
    plan = bridge_plan()
    outside = replace(cell(plan, "internet", "app", "internet"), expected="no")
    assert reason(outside, YES, plan).startswith("other network: docker-1/app is connected to backend, mon too")


def addresses(plan: Plan, *changes: HostChange) -> dict[str, str]:
    """Return what is pinged on docker-1 for each cell of kind `bridge-address`, by source and name."""
    host = plan.host("docker-1")
    snapshot = live_host(host)
    for number, bridge in enumerate(("backend", "data", "mon")):
        app = snapshot.containers["app"]
        moved = replace(app.endpoints[bridge], address=IPAddress(f"172.2{number}.0.3"))
        snapshot = with_container(snapshot, replace(app, endpoints={**app.endpoints, bridge: moved}))
    for change in changes:
        snapshot = change(snapshot)
    asked: dict[str, str] = {}

    def ping(_host: str, _run: Any, cells: Iterable[Cell], ends: Ends, _timeout: float) -> dict[Cell, Observed]:
        asked.update({f"{one.source} {one.address}": str(address) for one, address in ends.on_bridges.items()})
        assert {one.kind for one in ends.on_bridges} <= {"bridge-address"}
        return dict.fromkeys(cells, NO)

    def shown(*_: Any, **__: Any) -> HostSnapshot:
        return snapshot

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(verify, "take_snapshot", shown)
        patch.setattr(verify, "root_shell", lambda *_: print)
        patch.setattr(verify, "ping_cells", ping)
        patch.setattr(verify, "loopback_cells", lambda *_, **__: {})
        session: Any = SimpleNamespace(name="docker-1")
        verify._probe(session, host, make_matrix(plan).cells, lambda: owned_by_plan(plan), 1.0)
    return asked


def test_isolation_is_tried_at_the_address_that_docker_gave() -> None:
    """It is read from the host; a container that is not on the bridge, or does not run, has none, and nothing is sent."""
    plan = bridge_plan()
    complete = {"docker-1/centos app.backend": "172.20.0.3", "docker-1/centos app.data": "172.21.0.3"}
    assert addresses(plan) == complete
    assert addresses(plan, disconnect("app", "data")) == {"docker-1/centos app.backend": "172.20.0.3"}
    assert addresses(plan, without("app")) == {}
