"""What the matrix has of bridges, and of containers that are not on the fabric."""

from __future__ import annotations

from typing import Any

import pytest
from netaddr import IPAddress

from ipvlan.plan.cell_sample import MOST_PAIRS
from ipvlan.plan.cells import Cell
from ipvlan.plan.make import make_plan
from ipvlan.plan.model import Plan
from ipvlan.plan.reachability import make_matrix
from ipvlan.plan.validate import parse
from tools.bad_input.lan import ON_LAN
from tools.reference_setup import REMOVE, changed, image

INTERNET = IPAddress("203.0.113.10")
OPTION = "com.docker.network.bridge."
L3 = {"fabric.mode": "l3", "fabric.gateway": REMOVE}
SHIM = {"hosts.docker-1.shim": "10.1.1.254"}


def plan_of(**changes: Any) -> Plan:
    """Return the reference setup's plan with bridges, and services that are on them alone; `__` is the dot of a key path."""
    setup: dict[str, Any] = {
        "bridges": {"backend": {}, "data": {"internal": True}, "mon": {"external": True}},
        "services.nginx.bridges": ["backend"],
        "services.app": {**image(), "fabric": False, "bridges": ["backend", "data"], "container_name": "the-app"},
        "services.db": {**image(), "fabric": False, "bridges": ["data"]},
        "services.agent": {**image(), "fabric": False, "bridges": ["mon"], "hosts": ["docker-2"]},
    }
    return make_plan(parse(changed({**setup, **{path.replace("__", "."): value for path, value in changes.items()}})))


def cells(plan: Plan, *kinds: str) -> list[Cell]:
    """Return the cells of these kinds."""
    return [cell for cell in make_matrix(plan, internet=[INTERNET, "example.com"]).cells if cell.kind in kinds]


def on_docker_1(plan: Plan, kind: str) -> set[tuple[str, str, str]]:
    """Return source, name and expectation of the cells of one kind on docker-1."""
    return {
        (cell.source.removeprefix("docker-1/"), str(cell.address), cell.expected)
        for cell in cells(plan, kind)
        if cell.source_host == "docker-1"
    }


def test_members_of_a_bridge_find_each_other_by_name() -> None:
    """Each member on the host reaches each other one by its name on that bridge, in both directions; never across hosts."""
    plan = plan_of()
    assert on_docker_1(plan, "bridge-name") == {
        ("nginx", "the-app.backend", "yes"),
        ("the-app", "nginx.backend", "yes"),
        ("the-app", "db.data", "yes"),
        ("db", "the-app.data", "yes"),
    }
    assert all(cell.source_host == cell.target_host for cell in cells(plan, "bridge-name", "bridge-address"))


def test_others_do_not_reach_what_is_not_on_the_fabric() -> None:
    """From a container on none of its bridges: at each of its addresses there. What is on the fabric has no such cell."""
    assert on_docker_1(plan_of(), "bridge-address") == {
        ("centos", "the-app.backend", "no"),
        ("centos", "the-app.data", "no"),
        ("centos", "db.data", "no"),
        ("nginx", "db.data", "no"),
    }


@pytest.mark.parametrize("value", ["false", "0", "F"])
def test_a_bridge_without_traffic_between_its_containers(value: str) -> None:
    """With the option of Docker that forbids it the name is found, and nothing gets through."""
    plan = plan_of(bridges__backend={"options": {f"{OPTION}enable_icc": value}})
    assert {(name, expected) for _, name, expected in on_docker_1(plan, "bridge-name")} == {
        ("the-app.backend", "no"),
        ("nginx.backend", "no"),
        ("db.data", "yes"),
        ("the-app.data", "yes"),
    }


def test_what_opens_a_bridge_is_not_decided() -> None:
    """A routed bridge may be reached from others, and an external one is unknown: no cell says that it must not."""
    plan = plan_of(bridges__backend={"options": {f"{OPTION}gateway_mode_ipv4": "routed"}})
    assert {name for _, name, _ in on_docker_1(plan, "bridge-address")} == {"the-app.data", "db.data"}
    assert not [cell for cell in cells(plan_of(), "bridge-address") if cell.bridge == "mon"]


def expected(plan: Plan, kind: str, source: str, target: str) -> str | None:
    """Return what the plan expects of one cell; None where there is none."""
    found = [cell.expected for cell in cells(plan, kind) if (cell.source, cell.target) == (source, target)]
    assert len(found) <= 1
    return found[0] if found else None


@pytest.mark.parametrize("on", [{}, L3, ON_LAN])
def test_it_has_no_cell_by_an_address_of_the_fabric(on: dict[str, Any]) -> None:
    """Neither as a container, nor from a host, nor to shim and gateway, nor at its own ports."""
    plan = plan_of(**{path.replace(".", "__"): value for path, value in on.items()}, services__app__ports=["8080:80"])
    services = {"app", "db", "agent"}
    by_address = cells(plan, "container", "own-container", "other-container", "container-port")
    assert not [cell for cell in by_address if cell.target_service in services]
    assert not [cell for cell in cells(plan, "shim", "gateway") if cell.source_service in services]
    assert "None" not in {str(cell.address) for cell in make_matrix(plan).cells}


@pytest.mark.parametrize("on", [{}, L3, ON_LAN])
def test_hosts_and_internet_are_reached_with_a_route_alone(on: dict[str, Any]) -> None:
    """With a bridge that is not internal all hosts, its own too, in every mode; with internal ones alone none."""
    plan = plan_of(**{path.replace(".", "__"): value for path, value in on.items()})
    for target in ("docker-1", "docker-2"):
        assert expected(plan, "host-address", "docker-1/the-app", target) == "yes"
        assert expected(plan, "host-address", "docker-1/db", target) == "no"
    for kind, target in (("internet", "internet"), ("internet-name", "example.com")):
        assert expected(plan, kind, "docker-1/the-app", target) == "yes"
        assert expected(plan, kind, "docker-1/db", target) == "no"
        assert expected(plan, kind, "docker-2/agent", target) == "any"


@pytest.mark.parametrize(
    ("name", "value", "answer"),
    [
        ("enable_ip_masquerade", "false", "any"),
        ("enable_ip_masquerade", "true", "yes"),
        ("gateway_mode_ipv4", "routed", "any"),
        ("gateway_mode_ipv4", "nat-unprotected", "yes"),
        ("inhibit_ipv4", "true", "any"),
    ],
)
def test_without_the_nat_the_routers_decide(name: str, value: str, answer: str) -> None:
    """A bridge whose containers send from their own addresses, or that has no gateway, is not decided by the plan."""
    plan = plan_of(bridges__backend={"options": {OPTION + name: value}})
    assert expected(plan, "internet", "docker-1/the-app", "internet") == answer


def test_docker_s_own_bridge_is_a_route_too() -> None:
    """A published container on internal bridges alone reaches hosts and internet, and is reached at its port."""
    plan = plan_of(services__db__ports=["5432:5432"], services__db__published=True)
    assert expected(plan, "internet", "docker-1/db", "internet") == "yes"
    assert expected(plan, "port", "client", "docker-1/db") == "yes"


@pytest.mark.parametrize(
    ("on", "own", "other"),
    [
        ({}, "unless-gateway", None),
        (SHIM, "yes", None),
        (L3, "no", "yes"),
        ({**L3, **SHIM}, "yes", "yes"),
        (ON_LAN, "no", "yes"),
    ],
)
def test_the_fabric_is_reached_as_the_host_reaches_it(on: dict[str, Any], own: str, other: str | None) -> None:
    """Through the host's NAT: its own containers with a shim, those of others where the host has a way that the plan knows."""
    plan = plan_of(**{path.replace(".", "__"): value for path, value in on.items()})
    assert expected(plan, "container", "docker-1/the-app", "docker-1/centos") == own
    assert expected(plan, "container", "docker-1/the-app", "docker-2/centos") == other
    assert expected(plan, "container", "docker-1/db", "docker-1/centos") == "no"
    assert expected(plan, "container", "docker-2/agent", "docker-2/centos") is None


def test_an_unpublished_port_is_closed_on_a_lan_too() -> None:
    """It has no own address there, so that the port at the host's address is one that it must not have."""
    on_lan = {path.replace(".", "__"): value for path, value in ON_LAN.items()}
    plan = plan_of(**on_lan, services__app__ports=["8080:80", "127.0.0.1:9000:9000"], services__app__published=False)
    assert {cell.expected for cell in cells(plan, "port") if cell.target == "docker-1/the-app"} == {"no"}
    assert [cell.expected for cell in cells(plan, "loopback-port") if cell.target == "docker-1/the-app"] == ["no"]


def test_a_large_bridge_is_sampled() -> None:
    """Of more than MOST_PAIRS names that many are tried, every container as source and as target."""
    members = {f"services.app-{number}": {**image(), "fabric": False, "bridges": ["backend"]} for number in range(30)}
    plan = make_plan(parse(changed({"bridges.backend": {}, **members})))
    found = cells(plan, "bridge-name")
    assert len([one for one in found if one.source_host == "docker-1"]) < 30 * 29
    names = cells(plan, "bridge-name", "bridge-address")
    assert MOST_PAIRS <= len(names) <= MOST_PAIRS + 2 * 32
    assert {cell.source for cell in names} == {cell.source for cell in make_matrix(plan).cells if "/" in cell.source}


def test_a_stack_without_bridges_has_no_such_cells() -> None:
    """The matrix of the reference setup is what it was."""
    assert not cells(make_plan(parse(changed({}))), "bridge-name", "bridge-address")
