"""What `ipvlan allocate` leaves to the other stacks of the project."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest

from ipvlan.config.yaml_file import Checkout
from ipvlan.plan.allocate import allocate, filled
from ipvlan.plan.clashes import Neighbour, clashes
from ipvlan.plan.make import make_plan
from ipvlan.plan.validate import parse
from ipvlan.problems import ConfigError, Problem
from tests.support.projects import ipvlan, write_project
from tools.reference_setup import REMOVE, STACK_TEXT, changed, image

BLUE = {
    "fabric.name": "blue",
    "hosts": {"blue-1": {"address": "192.168.140.210", "parent": "ens33", "slice": "10.1.3.0/24"}},
    "services": {"web": {**image(), "offset": 5}},
}
"""Changes that make the reference setup another stack, on another machine of the same LAN."""
GREEN = {
    **BLUE,
    "fabric.name": "green",
    "hosts": {"green-1": {"address": "192.168.140.220", "parent": "ens33", "slice": "10.1.5.0-10.1.5.9"}},
}
ADDRESSES = ("IPF356", "IPF357", "IPF358")
"""What `ipvlan plan` says of addresses that two stacks have."""
NO_SLICE = {"hosts.docker-1.slice": REMOVE}
NO_OFFSET = {"services.web": image()}


def neighbour(changes: dict[str, Any], stack: str = "blue") -> Neighbour:
    """Return another stack."""
    return Neighbour(stack=stack, file=f"Pulumi.{stack}.yaml", plan=make_plan(parse(_raw(changes))))


def _raw(changes: dict[str, Any]) -> dict[str, Any]:
    # REMOVE is known by its identity.
    return changed({path: value if value is REMOVE else copy.deepcopy(value) for path, value in changes.items()})


def given_out(changes: dict[str, Any], *neighbours: Neighbour) -> dict[str, Any]:
    """Return key path -> value of what was missing, after a look at whether it clashes with another stack."""
    raw = _raw(changes)
    before = copy.deepcopy(raw)
    allocations = allocate(raw, Checkout(Path()), neighbours)
    assert raw == before
    assert allocations == allocate(raw, Checkout(Path()), tuple(reversed(neighbours)))
    plan = make_plan(parse(filled(raw, allocations)))
    new = tuple(f"{one.section}.{one.entry}" for one in allocations)
    problems = [problem for other in neighbours for problem in clashes(plan, other)]
    assert [problem for problem in problems if problem.code in ADDRESSES and problem.key.startswith(new)] == []
    assert "IPF357" not in {problem.code for problem in problems}
    return {f"{one.section}.{one.entry}.{one.key}": one.value for one in allocations}


def refused(changes: dict[str, Any], *neighbours: Neighbour) -> Problem:
    """Return the one problem."""
    with pytest.raises(ConfigError) as error:
        allocate(_raw(changes), Checkout(Path()), neighbours)
    [problem] = error.value.problems
    return problem


def test_a_slice_is_beside_those_of_other_stacks() -> None:
    """Of several stacks, in every form of a slice; the lowest that none has."""
    occupied = {**NO_SLICE, "hosts.docker-2.slice": "10.1.1.0/24"}
    assert given_out(occupied) == {"hosts.docker-1.slice": "10.1.2.0/24"}
    assert given_out({**occupied, "hosts.docker-2.slice": "10.1.1.0-10.1.2.9"}, neighbour(BLUE)) == {
        "hosts.docker-1.slice": "10.1.4.0/24"
    }
    both = {**occupied, "hosts.docker-2.slice": "10.1.1.0-10.1.2.9", "fabric.reserved": ["10.1.4.7"]}
    assert given_out(both, neighbour(BLUE), neighbour(GREEN, "green")) == {"hosts.docker-1.slice": "10.1.6.0/24"}


@pytest.mark.parametrize(
    "more",
    [
        {"services.fixed": {**image(), "addresses": {"blue-1": "10.1.1.77"}}},
        {"hosts.blue-1.shim": "10.1.1.77"},
        {"fabric.gateway": "10.1.1.77"},
    ],
    ids=["an explicit address", "a shim", "the gateway"],
)
def test_single_addresses_of_other_stacks(more: dict[str, Any]) -> None:
    """No slice has an address that something of another stack has outside of its slice."""
    assert given_out(NO_SLICE, neighbour(BLUE)) == {"hosts.docker-1.slice": "10.1.1.0/24"}
    assert given_out(NO_SLICE, neighbour({**BLUE, **more})) == {"hosts.docker-1.slice": "10.1.4.0/24"}


def test_own_addresses_of_other_stacks_hosts_on_a_lan() -> None:
    """On a LAN the hosts of another stack are machines of it as well."""
    lan = {
        "fabric.subnet": "192.168.140.0/24",
        "fabric.gateway": "192.168.140.1",
        "fabric.slice_prefix": 28,
        "fabric.reserved": ["192.168.140.2-192.168.140.191"],
        "hosts.docker-1.slice": REMOVE,
        "hosts.docker-2.slice": "192.168.140.192/28",
        "hosts.docker-2.address": "192.168.140.202",
        "services.nginx.published": REMOVE,
        "fabric.mode": "l2",
    }
    other = {
        **lan,
        "fabric.name": "blue",
        "hosts": {"b": {"address": "192.168.140.210", "parent": "ens33", "slice": []}},
        "services": {"web": {**image(), "addresses": {"b": "192.168.140.225"}}},
    }
    del other["hosts.docker-1.slice"], other["hosts.docker-2.slice"], other["hosts.docker-2.address"]
    del other["services.nginx.published"]
    alone = {"hosts.docker-1.slice": "192.168.140.208/28"}
    assert given_out(lan) == alone
    assert given_out(lan, neighbour(other)) == {"hosts.docker-1.slice": "192.168.140.240/28"}
    # The NIC's name says nothing: the hosts' own addresses show that the LAN is one. Two machines with one address are on two.
    assert given_out(lan, neighbour({**other, "hosts.b.parent": "ens34"})) == {
        "hosts.docker-1.slice": "192.168.140.240/28"
    }
    site = {**other, "services": {"web": {**image(), "addresses": {"b": "192.168.140.210"}}}}
    for ssh, expected in (({}, {"hosts.docker-1.slice": "192.168.140.224/28"}), ({"ssh": "siteb.example"}, alone)):
        host = {"address": "192.168.140.200", "parent": "ens33", "slice": []} | ssh
        assert given_out(lan, neighbour({**site, "hosts": {"b": host}})) == expected


def test_an_offset_is_free_in_all_stacks_on_all_hosts() -> None:
    """Neither an address of another stack, nor its shim, nor what it sets aside for Docker, on any host of the service."""
    other = {
        **BLUE,
        "hosts.blue-1.slice": ["10.1.3.0/24", "10.1.2.5", "10.1.2.8/30"],
        "hosts.blue-1.shim": "10.1.1.4",
        "hosts.blue-1.dynamic": "10.1.2.8/30",
        "services.fixed": {**image(), "addresses": {"blue-1": "10.1.1.3"}},
    }
    wanted = {f"services.s{number}": image() for number in range(4)}
    assert list(given_out(wanted).values()) == [3, 4, 5, 6]
    assert list(given_out(wanted, neighbour(other)).values()) == [6, 7, 12, 13]


def test_in_a_slice_that_two_stacks_have() -> None:
    """What another stack has in no part of its slices comes first; then what nothing of it has."""
    part = {**BLUE, "hosts.blue-1.slice": "10.1.1.0/25"}
    assert given_out(NO_OFFSET, neighbour(part)) == {"services.web.offset": 128}
    complete = {**BLUE, "hosts.blue-1.slice": "10.1.1.0/24", "services.web.offset": 3}
    assert given_out(NO_OFFSET, neighbour(complete)) == {"services.web.offset": 4}


@pytest.mark.parametrize(
    "apart",
    [
        {"hosts.blue-1.parent": "ens33.20"},
        {"hosts.blue-1.address": "172.20.7.2"},
        {"fabric.mode": "l3", "fabric.gateway": REMOVE},
    ],
    ids=["another VLAN", "another site", "routed"],
)
def test_on_another_link_nothing_is_taken(apart: dict[str, Any]) -> None:
    """Where the files show two links, each stack has all addresses."""
    other = {**BLUE, "hosts.blue-1.slice": "10.1.1.0/24", "services.web.offset": 3}
    missing = {**NO_SLICE, **NO_OFFSET}
    beside = {"hosts.docker-1.slice": "10.1.3.0/24", "services.web.offset": 3}
    alone = {"hosts.docker-1.slice": "10.1.1.0/24", "services.web.offset": 3}
    assert given_out(missing, neighbour(other)) == beside
    assert given_out(missing, neighbour({**other, **apart})) == alone


@pytest.mark.parametrize(
    "same", [{"hosts.blue-1.address": "192.168.140.200"}, {"hosts.blue-1.ssh": "ops@192.168.140.200"}]
)
def test_one_register_of_addresses_on_one_machine(same: dict[str, str]) -> None:
    """With one subnet on two VLANs of one machine Docker has one register, on that machine alone and for each daemon."""
    vlan = {**BLUE, "hosts.blue-1.parent": "ens33.20", **same}
    other = {**vlan, "hosts.blue-1.slice": "10.1.1.0/24", "services.web.offset": 3}
    assert given_out(NO_SLICE, neighbour(other)) == {"hosts.docker-1.slice": "10.1.3.0/24"}
    assert given_out(NO_OFFSET, neighbour(other)) == {"services.web.offset": 4}
    elsewhere = {"services.web": {**image(), "hosts": ["docker-2"]}, "hosts.docker-2.slice": "10.1.1.0/24"}
    elsewhere["hosts.docker-1.slice"] = "10.1.2.0/24"
    assert given_out(elsewhere, neighbour(other)) == {"services.web.offset": 3}
    second = {**other, "hosts.blue-1.docker_socket": "/run/user/1000/docker.sock"}
    assert given_out(NO_OFFSET, neighbour(second)) == {"services.web.offset": 3}


def test_an_address_twice_on_one_machine_in_two_subnets() -> None:
    """There only the addresses of containers and shims are taken, as `plan` tells; the slices are of two registers."""
    other = {
        **BLUE,
        "fabric.subnet": "10.1.0.0/17",
        "hosts.blue-1.parent": "ens33.20",
        "hosts.blue-1.address": "192.168.140.200",
        "hosts.blue-1.slice": "10.1.1.0/24",
        "services.web.offset": 3,
    }
    assert given_out({"services.s1": image(), "services.s2": image()}, neighbour(other)) == {
        "services.s1.offset": 4,
        "services.s2.offset": 5,
    }


def test_a_full_subnet_counts_other_stacks() -> None:
    """It says how many slices have addresses of other stacks, and of which."""
    small = {**NO_SLICE, "fabric.subnet": "10.1.0.0/22"}
    other = {**BLUE, "fabric.subnet": "10.1.0.0/22"}
    shim = {**other, "hosts.blue-1.slice": [], "hosts.blue-1.shim": "10.1.1.9"}
    shim["services.web"] = {**image(), "addresses": {"blue-1": "10.1.1.10"}}
    problem = refused(small, neighbour(other), neighbour({**shim, "fabric.name": "green"}, "green"))
    assert (problem.code, problem.key) == ("IPF602", "fabric.subnet")
    assert problem.problem == (
        "it is full: of its 4 slices of /24, 1 belong to hosts, 1 contain the gateway, reserved or other addresses that are "
        "taken, 2 contain addresses of other stacks on the link (blue, green), 0 are free, and 1 host has none (docker-1)"
    )


def test_a_full_slice_counts_other_stacks() -> None:
    """It says how many addresses other stacks have, of the host that has the fewest left."""
    small = {**NO_OFFSET, "hosts.docker-1.slice": "10.1.1.0/29", "hosts.docker-2.slice": "10.1.2.0/30"}
    others = {
        f"services.s{number}": {**image(), "addresses": {"blue-1": f"10.1.1.{number}"}} for number in (0, *range(3, 8))
    }
    problem = refused(small, neighbour({**BLUE, **others}))
    assert (problem.code, problem.key) == ("IPF603", "services.web.offset")
    assert problem.problem == (
        "no offset is free on all of its 2 hosts: the slice 10.1.1.0/29 of docker-1 has 8 addresses, 2 of containers, 6 of "
        "other stacks (blue) and 0 reserved, dynamic, or the gateway's or shim's"
    )


def test_the_command_reads_the_other_files(tmp_path: Path) -> None:
    """What can be read of them is left out; a file that cannot be read changes nothing and is not told here."""
    path = write_project(tmp_path, STACK_TEXT.replace("      slice: 10.1.1.0/24\n", ""))
    blue = STACK_TEXT.replace(".140.200", ".140.20").replace(".140.201", ".140.21").replace("10.1.2.0", "10.1.3.0")
    other = write_project(tmp_path, blue, "blue")
    write_project(tmp_path, "config: [", "broken")
    done = ipvlan(tmp_path, "allocate")
    assert (done.returncode, done.stderr) == (0, "")
    assert "+      slice: 10.1.4.0/24" in done.stdout
    assert other.read_text() == blue
    assert "slice: 10.1.4.0/24" in path.read_text()
