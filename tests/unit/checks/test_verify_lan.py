"""The cells of LAN mode: a container's own port, tried from this machine, and why it does not answer."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from netaddr import IPAddress

from ipvlan.checks import verify
from ipvlan.checks.diagnosis import Diagnosis
from ipvlan.checks.verify import Verdict, judge, verify_plan
from ipvlan.hosts.connection_probe import Observed, connect_cells, has_address
from ipvlan.hosts.errors import HostUnreachableError
from ipvlan.hosts.snapshot import HostSnapshot
from ipvlan.plan.cells import Cell, Filter
from ipvlan.plan.make import make_plan
from ipvlan.plan.model import Plan
from ipvlan.plan.ownership import Ownership
from ipvlan.plan.reachability import make_matrix
from ipvlan.plan.validate import parse
from tests.support.host_changes import change_container, disconnect, without
from tests.support.live_parts import live_host, owned_by_plan, unreachable_host
from tests.unit.checks.test_verify import server
from tools.bad_input.lan import ON_LAN
from tools.reference_setup import changed


def lan_plan(*, shim: bool = False) -> Plan:
    """Return the plan of the reference setup on the LAN of its hosts."""
    return make_plan(parse(changed({**ON_LAN, "hosts.docker-2.shim": shim})))


def own_port(plan: Plan) -> Cell:
    """Return the cell of nginx on docker-2 at its own address."""
    (cell,) = (
        cell for cell in make_matrix(plan).cells if cell.kind == "container-port" and cell.target == "docker-2/nginx"
    )
    return cell


def verdict(
    observed: Observed,
    change: Callable[[HostSnapshot], HostSnapshot | HostUnreachableError] = lambda snapshot: snapshot,
) -> Verdict:
    """Judge the cell, docker-2 being changed by hand."""
    plan = lan_plan()
    hosts = {"docker-1": live_host(plan.host("docker-1")), "docker-2": change(live_host(plan.host("docker-2")))}
    cell = own_port(plan)
    (result,) = judge([cell], {cell: observed}, Diagnosis(plan, hosts), gateway_answers=True)
    return result


def test_an_own_port_that_answers_is_as_expected() -> None:
    """A client on the LAN must be answered at the container's own address."""
    assert verdict(Observed(reached=True, outcome="HTTP 200")).ok


@pytest.mark.parametrize(
    ("change", "outcome", "starts"),
    [
        (lambda _snapshot: unreachable_host(), "no answer", "host not reached"),
        (without("nginx"), "no answer", "container missing"),
        (change_container("nginx", state="exited", status="Exited (1)"), "no answer", "container down"),
        (disconnect("nginx", "ipvlanl2"), "no answer", "not attached"),
        (lambda snapshot: snapshot, "refused", "silent: nothing listens on 80 in docker-2/nginx"),
        (lambda snapshot: snapshot, "no answer", "not reached from here: docker-2/nginx runs at 192.168.140.50"),
    ],
)
def test_why_an_own_port_does_not_answer(
    change: Callable[[HostSnapshot], HostSnapshot | HostUnreachableError], outcome: str, starts: str
) -> None:
    """The reason is the first broken link on the host, else the process, else the network; never the bridge."""
    reason = verdict(Observed(reached=False, outcome=outcome), change).reason
    assert reason.startswith(starts)
    assert "bridge" not in reason


def test_an_own_port_is_asked_at_the_container() -> None:
    """The probe connects to the container's address and port, and reads HTTP."""
    with server(b"HTTP/1.1 200 OK\r\n\r\n") as number:
        config = changed({**ON_LAN, "services.nginx.ports": [f"8080:{number}"]})
        cell = own_port(make_plan(parse(config)))
        assert cell.published_port.host_port == number
        here = Cell(**{name: getattr(cell, name) for name in Cell.__slots__} | {"address": IPAddress("127.0.0.1")})
        assert connect_cells([here]) == {here: Observed(reached=True, outcome="HTTP 200")}


def test_an_address_of_this_machine_is_known_as_such() -> None:
    """Loopback is this machine's own, an address of TEST-NET-3 is not."""
    assert has_address(IPAddress("127.0.0.1"))
    assert not has_address(IPAddress("203.0.113.10"))


@pytest.mark.parametrize(("shim", "expected"), [(False, "no"), (True, "yes")])
def test_from_a_host_of_the_fabric_its_own_containers_are_not_expected(
    monkeypatch: pytest.MonkeyPatch, shim: bool, expected: str
) -> None:
    """Where this machine is docker-2, ports of docker-2's containers are reached with a shim only, and others as ever."""
    plan = lan_plan(shim=shim)
    monkeypatch.setattr(verify, "has_address", lambda address: address == plan.host("docker-2").address)
    monkeypatch.setattr(verify, "on_hosts", lambda *_, **__: {})
    monkeypatch.setattr(
        verify, "connect_cells", lambda cells: {cell: Observed(reached=False, outcome="no answer") for cell in cells}
    )

    def owned() -> Ownership:
        return owned_by_plan(plan)

    result = verify_plan(plan, owned, only=Filter(source="client"))
    assert {verdict.cell.target: verdict.expected for verdict in result.verdicts} == {
        "docker-1/nginx": "yes",
        "docker-2/nginx": expected,
    }
