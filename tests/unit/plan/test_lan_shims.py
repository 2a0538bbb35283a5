"""Shims on the LAN of the hosts, and the hosts' own addresses inside of slices."""

from __future__ import annotations

from typing import Any

import pytest
from netaddr import IPSet

from ipvlan.hosts.connection import connection_to
from ipvlan.hosts.networking import planned_networking
from ipvlan.plan.changes import compare
from ipvlan.plan.make import make_plan
from ipvlan.plan.model import Plan
from ipvlan.plan.validate import parse
from ipvlan.problems import ConfigError
from tools.bad_input.lan import ON_LAN
from tools.reference_setup import REMOVE, changed


def lan_plan(**changes: Any) -> Plan:
    """Return the plan of the reference setup on the LAN of its hosts, with further changes; `__` is the dot of a key path."""
    return make_plan(parse(changed({**ON_LAN, **{path.replace("__", "."): value for path, value in changes.items()}})))


def shim_of(plan: Plan, host: str) -> list[str]:
    """Return what the host's shim leads to."""
    networking = planned_networking(plan.host(host), connection_to(plan.host(host), plan.ssh))
    assert networking is not None
    assert networking.shim is not None
    return list(networking.shim.destinations)


def test_a_shim_on_the_lan_leads_to_no_machine_of_it() -> None:
    """Gateway, hosts, reserved devices and the subnet's edges stay reachable over the LAN, though the slice has them."""
    plan = lan_plan(
        fabric__reserved=["192.168.140.2", "192.168.140.64/26"],
        **{
            "hosts__docker-1__slice": "192.168.140.0/25",
            "hosts__docker-1__shim": "192.168.140.3",
            "hosts__docker-1__address": "192.168.140.10",
            "hosts__docker-2__address": "192.168.140.40",
            "hosts__docker-2__slice": "192.168.140.128/28",
            "services__centos__offset": 4,
            "services__nginx__offset": 5,
        },
    )
    led = IPSet(shim_of(plan, "docker-1"))
    kept = ("0", "1", "2", "10", "40", *map(str, range(64, 128)))
    assert led == IPSet(["192.168.140.0/25"]) - IPSet([f"192.168.140.{last}" for last in kept])
    assert plan.host("docker-1").destinations == plan.address_space.destinations("docker-1")


def test_a_shim_of_the_complete_lan() -> None:
    """Its routes are parts of the LAN: none is the LAN itself, to which the kernel has the host's own route."""
    plan = lan_plan(
        **{
            "hosts__docker-1__slice": "192.168.140.0/24",
            "hosts__docker-1__shim": True,
            "hosts__docker-2": REMOVE,
            "services__centos__offset": 33,
            "services__nginx__offset": 34,
        }
    )
    led = shim_of(plan, "docker-1")
    assert "192.168.140.0/24" not in led
    assert not IPSet(led) & IPSet(["192.168.140.0", "192.168.140.1", "192.168.140.200", "192.168.140.255"])
    assert IPSet(led) >= IPSet(str(container.address) for container in plan.containers())


def test_a_shim_on_the_lan_leads_to_addresses_outside_of_the_slice() -> None:
    """A container that has an address of its own in the config has a route of its own, as elsewhere."""
    plan = lan_plan(
        **{"hosts__docker-1__shim": True, "services__nginx__addresses": {"docker-1": "192.168.140.77"}},
    )
    assert shim_of(plan, "docker-1") == ["192.168.140.32/28", "192.168.140.77/32"]


def test_outside_lan_mode_a_shim_leads_to_the_complete_slice() -> None:
    """No stack of before has another route after the upgrade, whatever lies in its slice."""
    inside = {"fabric.gateway": "10.1.1.253", "fabric.reserved": ["10.1.1.64/26"]}
    plan = make_plan(parse(changed({"hosts.docker-1.shim": True, **inside})))
    assert shim_of(plan, "docker-1") == ["10.1.1.0/24"]


IN_THE_SLICE: dict[str, Any] = {"hosts__docker-1__slice": "192.168.140.192/28"}
"""A slice with the own addresses of both hosts."""


def test_renaming_a_host_replaces_no_network_of_another() -> None:
    """The own addresses that Docker may not assign are named by address: Docker's network of docker-1 stays what it is."""
    before = lan_plan(**IN_THE_SLICE)
    raw = changed({**ON_LAN, "hosts.docker-1.slice": "192.168.140.192/28"})
    raw["hosts"]["renamed"] = raw["hosts"].pop("docker-2")
    after = make_plan(parse(raw))
    assert dict(before.host("docker-1").network.auxiliary) == dict(after.host("docker-1").network.auxiliary)
    assert [change.action for change in compare(before, after).hosts if change.host == "docker-1"] == []


def test_a_host_that_leaves_replaces_the_networks_whose_slice_has_its_address() -> None:
    """Docker may assign its address from then on, which is another network; the report predicts it."""
    raw = changed({**ON_LAN, "hosts.docker-1.slice": "192.168.140.192/28"})
    del raw["hosts"]["docker-2"]
    [change] = [
        change for change in compare(lan_plan(**IN_THE_SLICE), make_plan(parse(raw))).hosts if change.host == "docker-1"
    ]
    assert change.action == "replace network"
    assert change.reasons == (
        "addresses that Docker may not assign: 192.168.140.200, 192.168.140.201 -> 192.168.140.200",
    )
    raw["hosts"]["docker-1"]["dynamic"] = "none"
    kept = make_plan(parse(raw))
    both = lan_plan(**IN_THE_SLICE, **{"hosts__docker-1__dynamic": "none"})
    assert [change.action for change in compare(both, kept).hosts if change.host == "docker-1"] == []


def test_a_shim_makes_the_host_a_gateway_of_its_containers() -> None:
    """The kernel isolates a host from its containers only without a shim; with one the host can be their gateway."""
    as_gateway = {"fabric__gateway": "192.168.140.201", "hosts__docker-2__dynamic": "none"}
    plan = lan_plan(**as_gateway, **{"hosts__docker-2__shim": True})
    assert plan.host("docker-2").shim is not None
    with pytest.raises(ConfigError) as raised:
        lan_plan(**as_gateway)
    [problem] = raised.value.problems
    assert (problem.code, "hosts.docker-2.shim" in problem.fix) == ("IPF340", True)


def test_a_name_server_on_the_own_host_can_be_reached_over_a_shim() -> None:
    """The warning about a name server that is the host names the shim, which ends it."""
    [warning] = lan_plan(fabric__dns=["192.168.140.200"]).warnings
    assert (warning.code, "hosts.docker-1.shim" in warning.fix) == ("IPF345", True)
    with_shim = {"hosts__docker-1__shim": True, "hosts__docker-1__dynamic": "none"}
    assert lan_plan(fabric__dns=["192.168.140.200"], **with_shim).warnings == ()
