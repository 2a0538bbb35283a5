"""What a changed key of the config does to containers and hosts: `compare` predicts it from two plans."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from netaddr import IPAddress

from ipvlan.plan.changes import Changes, compare
from ipvlan.plan.make import make_plan
from ipvlan.plan.model import Plan
from ipvlan.plan.validate import parse
from tools.reference_setup import DIGEST, REMOVE, changed, host


def changes(after: dict[str, Any], before: dict[str, Any] | None = None) -> Changes:
    """Return what changes when the reference setup, or another state, is changed."""
    return compare(make_plan(parse(changed(before or {}))), make_plan(parse(changed(after))))


NGINX = "services.nginx."
L3 = {"fabric.mode": "l3", "fabric.gateway": REMOVE}


@pytest.mark.parametrize(
    ("after", "action"),
    [
        ({NGINX + "restart": "always"}, "update"),
        ({NGINX + "memory": "64m"}, "update"),
        ({NGINX + "cpu_shares": 2}, "update"),
        ({NGINX + "image": f"registry/other{DIGEST}"}, "replace"),
        ({NGINX + "offset": 9}, "replace"),
        ({NGINX + "command": ["x"]}, "replace"),
        ({NGINX + "ports": ["81:80"]}, "replace"),
        ({NGINX + "container_name": "other"}, "replace"),
        ({NGINX + "environment": {"A": "b"}}, "replace"),
        ({NGINX + "secret_environment": {"A": "b"}}, "replace"),
        ({NGINX + "labels": {"a": "b"}}, "replace"),
        ({NGINX + "healthcheck": {"test": ["NONE"]}}, "replace"),
        ({NGINX + "tmpfs": {"/tmp": ""}}, "replace"),  # noqa: S108  # a path in the container
        ({NGINX + "stop_timeout": 3}, "replace"),
        ({NGINX + "memory_reservation": "64m"}, "update"),
        ({NGINX + "cpuset": "0"}, "update"),
        ({NGINX + "cpus": 0.5}, "replace"),
        ({NGINX + "pid": "host"}, "replace"),
        ({NGINX + "group_add": [44]}, "replace"),
        ({NGINX + "tty": True}, "replace"),
        ({NGINX + "mounts": [{"type": "tmpfs", "target": "/run"}]}, "replace"),
        ({NGINX + "devices": [{"host": "/dev/a:b"}]}, "replace"),
        ({NGINX + "device_cgroup_rules": ["c 188:* rwm"]}, "replace"),
        ({NGINX + "gpus": "all"}, "replace"),
        ({NGINX + "published": False}, "detach"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else value,
)
def test_action_of_a_changed_setting(after: dict[str, Any], action: str) -> None:
    """A changed key of one service has one action on its containers and none on any other."""
    result = changes(after)
    assert {(change.service, change.action) for change in result.containers} == {("nginx", action)}
    assert len(result.containers) == 2
    assert result.hosts == ()


def test_reasons_name_mounts_and_devices() -> None:
    """As `volumes` and `devices` are named in their text form: they hold no secret."""
    before = {NGINX + "devices": ["/dev/fuse"]}
    after = {
        NGINX + "devices": [{"host": "/dev/a:b"}],
        NGINX + "mounts": [{"type": "bind", "source": "/srv", "target": "/x", "read_only": True}],
    }
    assert {change.reasons for change in changes(after, before).containers} == {
        ("mounts: none -> /srv:/x:ro", "devices: /dev/fuse -> /dev/a:b")
    }


def test_a_removed_limit_replaces_the_container() -> None:
    """Docker removes no limit of a running container, so the container is replaced; a limit of 0 is no limit."""
    result = changes({}, {NGINX + "memory": "64m"})
    assert {(change.service, change.action, change.reasons) for change in result.containers} == {
        ("nginx", "replace", ("memory",))
    }
    none = changes({NGINX + "cpu_shares": 0})
    assert not none.containers
    assert [(change.key, change.before, change.after) for change in none.settings] == [
        ("services.nginx.cpu_shares", "none", "0")
    ]


@pytest.mark.parametrize(
    "after",
    [{"fabric.name": "other"}, {"fabric.gateway": "10.1.0.2"}, {"fabric.subnet": "10.0.0.0/8"}, L3],
    ids=["name", "gateway", "subnet", "mode"],
)
def test_a_changed_fabric_replaces_everything(after: dict[str, Any]) -> None:
    """A change of any field of the network replaces it and all its containers."""
    result = changes(after)
    assert len(result.of("replace")) == len(result.containers) == 4
    assert [change.host for change in result.hosts if change.action == "replace network"] == ["docker-1", "docker-2"]


def test_another_name_of_an_auxiliary_address_replaces_the_network() -> None:
    """Docker changes no network, and the docker provider compares the names of auxiliary addresses too, in any order."""
    before = make_plan(parse(changed({})))
    addresses = {"a": IPAddress("10.1.1.1"), "b": IPAddress("10.1.1.2")}
    one, other = (
        _with_auxiliary(before, auxiliary) for auxiliary in (addresses, {"b": addresses["b"], "c": addresses["a"]})
    )
    assert [(change.host, change.action, change.reasons) for change in compare(one, other).hosts] == [
        (
            "docker-1",
            "replace network",
            ("addresses that Docker may not assign: 10.1.1.1 (a), 10.1.1.2 (b) -> 10.1.1.1 (c), 10.1.1.2 (b)",),
        )
    ]
    assert not compare(one, _with_auxiliary(before, dict(reversed(addresses.items()))))


def _with_auxiliary(plan: Plan, auxiliary: dict[str, IPAddress]) -> Plan:
    first, *others = plan.hosts
    return replace(plan, hosts=(replace(first, network=replace(first.network, auxiliary=auxiliary)), *others))


HEALTH = {"test": ["CMD", "true"]}


@pytest.mark.parametrize(
    ("before", "after", "key"),
    [
        ({}, {"hostname": ""}, "hostname"),
        ({}, {"entrypoint": []}, "entrypoint"),
        ({}, {"command": []}, "command"),
        ({}, {"cpus": 0}, "cpus"),
        ({"cap_add": ["SYSLOG", "SYS_TIME"]}, {"cap_add": ["SYS_TIME", "SYSLOG"]}, "cap_add"),
        ({"dns": ["1.1.1.1", "8.8.8.8"]}, {"dns": ["8.8.8.8", "1.1.1.1"]}, "dns"),
        ({"volumes": ["a1:/a", "b1:/b"]}, {"volumes": ["b1:/b", "a1:/a", "a1:/a"]}, "volumes"),
        ({}, {"domainname": ""}, "domainname"),
        ({"memory": "64m"}, {"memory": "64m", "memory_swap": "128m"}, "memory_swap"),
        ({"healthcheck": {**HEALTH, "interval": "90s"}}, {"healthcheck": {**HEALTH, "interval": "1m30s"}}, "healthcheck.interval"),
        ({"healthcheck": HEALTH}, {"healthcheck": {**HEALTH, "start_interval": "0s"}}, "healthcheck.start_interval"),
    ],
)  # fmt: skip
def test_what_docker_gets_decides(before: dict[str, Any], after: dict[str, Any], key: str) -> None:
    """Another way to write what the docker provider cannot tell apart replaces nothing, and is named."""
    result = changes(
        {NGINX + name: value for name, value in after.items()}, {NGINX + name: value for name, value in before.items()}
    )
    assert (result.hosts, result.containers) == ((), ())
    assert [change.key for change in result.settings] == [NGINX + key]


def test_another_limit_of_swap_is_an_update() -> None:
    """With the memory it is set on the running container; without it the memory's own rule counts."""
    limits = {NGINX + "memory": "64m", NGINX + "memory_swap": -1}
    assert {(change.action, change.reasons) for change in changes({NGINX + "memory": "64m"}, limits).containers} == {
        ("update", ("memory_swap",))
    }
    assert {change.action for change in changes({}, limits).containers} == {"replace"}


def test_what_changes_nothing_that_runs_is_named() -> None:
    """A reserved range and another ssh time limit; another order of the file is no change at all."""
    raw = changed({})
    raw["hosts"] = dict(reversed(raw["hosts"].items()))
    assert not compare(make_plan(parse(changed({}))), make_plan(parse(raw)))
    raw["fabric"]["reserved"] = ["10.1.9.0/24"]
    raw["ssh"] = {"connect_timeout": 30}
    result = compare(make_plan(parse(changed({}))), make_plan(parse(raw)))
    assert (result.hosts, result.containers) == ((), ())
    assert [(change.key, change.before, change.after) for change in result.settings] == [
        ("fabric.reserved", "none", "10.1.9.0/24"),
        ("ssh.connect_timeout", "10", "30"),
    ]


def test_a_new_host_changes_no_other() -> None:
    """A new host gets its containers; in l3 the others get a route to it and keep their containers."""
    result = changes({"hosts.docker-3": host(3)})
    assert {(change.host, change.action) for change in result.containers} == {("docker-3", "create")}
    routed = changes({**L3, "hosts.docker-3": host(3)}, L3)
    assert {(change.host, change.action) for change in routed.containers} == {("docker-3", "create")}
    assert [(change.host, change.action, change.reasons) for change in routed.hosts] == [
        ("docker-1", "update routes", ("+ 10.1.3.0/24 via 192.168.140.202",)),
        ("docker-2", "update routes", ("+ 10.1.3.0/24 via 192.168.140.202",)),
        ("docker-3", "create", ()),
    ]


def test_another_connection_keeps_the_containers() -> None:
    """Another ssh target changes nothing that runs."""
    result = changes({"hosts.docker-1.ssh": "admin@192.168.140.200"})
    assert result.containers == ()
    assert [(change.host, change.action) for change in result.hosts] == [("docker-1", "update connection")]


def test_a_removed_service_is_deleted() -> None:
    """The containers of a service that is removed from the file are deleted."""
    result = changes({"services.nginx": REMOVE})
    assert {(change.service, change.action) for change in result.containers} == {("nginx", "delete")}


def test_an_update_beside_a_detach_is_reported() -> None:
    """A container that is no longer published and gets a limit is detached and updated, not replaced."""
    result = changes({NGINX + "published": False, NGINX + "memory": "64m"})
    assert [change.action for change in result.containers] == ["detach", "update"] * 2


def test_a_route_over_a_shim_is_reported() -> None:
    """A container outside of its host's slice gives the shim one more route, and changes nothing else of the host."""
    before = {"hosts.docker-1.shim": True}
    after = {**before, "services.centos.addresses": {"docker-1": "10.1.9.9"}}
    [change] = changes(after, before).hosts
    assert (change.host, change.action) == ("docker-1", "update shim")
    assert change.reasons == ("routes: 10.1.1.0/24 -> 10.1.1.0/24, 10.1.9.9/32",)


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ({"hosts.docker-1.shim": True}, {"hosts.docker-1.slice": "10.1.7.0/24"}, "shim.ens33 10.1.1.254 ->"),
        (
            {"hosts.docker-1.shim": "10.1.9.9"},
            {"hosts.docker-1.slice": "10.1.7.0/24"},
            "routes: 10.1.1.0/24 -> 10.1.7.0/24",
        ),
        ({**L3, "hosts.docker-1.shim": True}, {"fabric.mode": "l3s"}, "mode: l3 -> l3s"),
    ],
    ids=["address", "routes", "mode"],
)
def test_a_shim_changes_beside_its_network(before: dict[str, Any], after: dict[str, Any], expected: str) -> None:
    """Pulumi updates it too when the network is replaced (a difference that generated changes found)."""
    result = changes({**before, **after}, before)
    shims = [change for change in result.hosts if (change.host, change.action) == ("docker-1", "update shim")]
    assert len(shims) == 1
    assert shims[0].reasons[0].startswith(expected)
    assert ("docker-1", "replace network") in {(change.host, change.action) for change in result.hosts}


def test_routes_are_set_again_on_another_parent() -> None:
    """The unit on the host has the parent's name, so its routes are replaced with it."""
    result = changes({**L3, "hosts.docker-1.parent": "ens34"}, L3)
    assert [(change.action, change.reasons) for change in result.hosts] == [
        ("replace network", ("parent: ens33 -> ens34",)),
        ("update routes", ("parent: ens33 -> ens34",)),
    ]
