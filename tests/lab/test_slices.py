"""Slices in every form, on real hosts: a list, single addresses, none at all; first and last addresses; in l2 and l3.

Each test brings a stack up from nothing and destroys it; nothing of it stays on the hosts.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from netaddr import IPAddress, IPNetwork, valid_ipv4

from lab.harness import HOSTS, ROOT, STACK, Lab, Stack
from tests.support.lab_stack import assert_clean, assert_verified

pytestmark = pytest.mark.versions

LIST = ["10.1.1.0/29", "10.1.9.5-10.1.9.7", "10.1.9.20"]
LISTED = {"10.1.1.0/29", "10.1.9.5", "10.1.9.6/31", "10.1.9.20"}
"""Its routes, as `ip route` prints them."""


@pytest.fixture(autouse=True)
def nothing_stays(lab: Lab, stack: Stack) -> Iterator[None]:
    """Assert that after `destroy` the hosts are as before the test."""
    before = {host: lab.footprint(host) for host in HOSTS}
    yield
    stack.pulumi("destroy", "--yes", "--skip-preview")
    assert {host: lab.footprint(host) for host in HOSTS} == before


def configure(stack: Stack, mode: str, slices: dict[str, Any], services: dict[str, dict[str, Any]]) -> None:
    """Give the stack a fabric of that mode, the hosts in `slices` with theirs (None: no key), and the services."""
    stack.use_config_of(ROOT / "Pulumi.dev.yaml")
    images = {name: service["image"] for name, service in stack.config["services"].items()}
    hosts = stack.config["hosts"]
    fabric = stack.config["fabric"]
    fabric["mode"] = mode
    if mode != "l2":
        fabric.pop("gateway", None)
    for host in HOSTS:
        if host not in slices:
            del hosts[host]
            continue
        hosts[host].pop("slice", None)
        if slices[host] is not None:
            hosts[host]["slice"] = slices[host]
    stack.config["services"] = {
        name: {
            "image": images["centos" if name == "centos" else "nginx"],
            **({"command": ["/usr/sbin/init"]} if name == "centos" else {}),
            **service,
        }
        for name, service in services.items()
    }


def foreign_address(lab: Lab, stack: Stack, host: str) -> str | None:
    """Start a container without an address on the fabric; return the one that Docker assigns, None where it refuses."""
    image = stack.config["services"]["nginx"]["image"]
    name = stack.config["fabric"]["name"]
    started = lab.ssh(
        host,
        f"docker run -d --name foreign --network {name} {image} >/dev/null 2>/tmp/foreign.err && "
        "docker inspect -f '{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}' foreign; "
        "cat /tmp/foreign.err; docker rm -f foreign >/dev/null; rm -f /tmp/foreign.err",
    ).strip()
    if valid_ipv4(started):
        return started
    assert "no available IPv4 addresses" in started, started
    return None


def assert_whole_round(lab: Lab, stack: Stack, *kinds: str) -> None:
    """Assert that every connection is as planned, nothing differs, and another `up` changes nothing."""
    assert_verified(stack, "container", *kinds)
    assert_clean(lab)
    stack.assert_unchanged()


def test_lists_and_no_slice_in_l2(lab: Lab, stack: Stack) -> None:
    """A list on one host, none on the other: neighbours on two hosts, the first of a CIDR, one outside of every slice."""
    configure(
        stack,
        "l2",
        {"docker-1": LIST, "docker-2": None},
        {
            "centos": {"offset": 0, "hosts": ["docker-1"]},
            "nginx": {"addresses": {"docker-1": "10.1.9.20", "docker-2": "10.1.9.21"}},
            "ranged": {"offset": 8, "hosts": ["docker-1"]},
            "outside": {"addresses": {"docker-1": "10.1.77.1"}, "hosts": ["docker-1"]},
        },
    )
    # An address outside of every slice; the link leads to each part of the slice, and to the container outside.
    stack.config["hosts"]["docker-1"]["shim"] = "10.1.9.30"
    stack.up()
    routes = lab.ssh("docker-1", "ip -4 route show dev shim.ens33").splitlines()
    assert {route.split()[0] for route in routes} == {*LISTED, "10.1.77.1"}
    addresses = stack.verify()["cells"]
    assert {cell["address"] for cell in addresses if cell["kind"] == "container"} == {
        "10.1.1.0", "10.1.9.5", "10.1.9.20", "10.1.9.21", "10.1.77.1"
    }  # fmt: skip
    assert_whole_round(lab, stack, "shim", "own-container")
    assert [foreign_address(lab, stack, host) for host in HOSTS] == [None, None]


@pytest.mark.long  # The form of l2, and test_l3 of tests/lab/test_modes.py, stand for it in `make test`.
def test_lists_and_no_slice_in_l3(lab: Lab, stack: Stack) -> None:
    """In l3 the routes are exact: a route per CIDR of a list, /32 for single addresses, on the hosts and in the router's list."""
    configure(
        stack,
        "l3",
        {"docker-1": LIST, "docker-2": []},
        {
            "centos": {"offset": 1, "hosts": ["docker-1"]},
            "nginx": {"addresses": {"docker-1": "10.1.9.20", "docker-2": "10.1.9.21"}},
        },
    )
    stack.up()
    routes = [line.split() for line in lab.ssh("docker-2", "ip route show via 192.168.140.200").splitlines()]
    assert {route[0] for route in routes} - {"default"} == LISTED
    assert "10.1.9.21 via 192.168.140.201" in lab.ssh("docker-1", "ip route")
    printed = lab.exec(".venv/bin/ipvlan", "--stack", STACK, "plan", "--routes").stdout
    assert {line.split()[3].removesuffix("/32") for line in printed.splitlines()} == {*LISTED, "10.1.9.21"}
    assert_whole_round(lab, stack, "other-container")
    assert [foreign_address(lab, stack, host) for host in HOSTS] == [None, None]
    lab.run("router-routes", "on", stdin=printed)
    try:
        for address in ("10.1.1.1", "10.1.9.20", "10.1.9.21"):
            assert lab.exec("ping", "-n", "-q", "-c", "1", "-w", "3", address, check=False).returncode == 0
    finally:
        lab.run("router-routes", "off", stdin=printed)


@pytest.mark.long
@pytest.mark.parametrize("mode", ["l2", "l3"])
def test_single_address_and_edges(lab: Lab, stack: Stack, mode: str) -> None:
    """One address is all that a host has; on the other one the first and the last address of the slice are a container's in l2."""
    configure(
        stack,
        mode,
        {"docker-1": "10.1.9.20/32", "docker-2": "10.1.2.0/29"},
        {
            "nginx": {"addresses": {"docker-1": "10.1.9.20"}, **({"offset": 0} if mode == "l2" else {"offset": 1})},
            "last": {"offset": 7 if mode == "l2" else 5, "hosts": ["docker-2"]},
        },
    )
    stack.up()
    assert_whole_round(lab, stack)
    assert foreign_address(lab, stack, "docker-1") is None
    foreign = foreign_address(lab, stack, "docker-2")
    assert foreign is not None
    assert IPAddress(foreign) in IPNetwork("10.1.2.0/29")
    planned = {"10.1.2.0", "10.1.2.7"} if mode == "l2" else {"10.1.2.1", "10.1.2.5", "10.1.2.6"}
    assert foreign not in planned


@pytest.mark.long
@pytest.mark.parametrize("mode", ["l2", "l3"])
@pytest.mark.parametrize("form", ["single CIDR", "list"])
def test_nothing_is_assigned(lab: Lab, stack: Stack, mode: str, form: str) -> None:
    """`dynamic: none` on a CIDR, at the start of the subnet too, and a dynamic range inside of a list."""
    configure(
        stack,
        mode,
        {"docker-1": "10.1.0.0/24", "docker-2": "10.1.2.0/24"}
        if form == "single CIDR"
        else {"docker-1": LIST, "docker-2": ["10.1.2.0/28", "10.1.2.32/28"]},
        {"nginx": {"offset": 2}},
    )
    hosts = stack.config["hosts"]
    hosts["docker-1"]["dynamic"] = "none"
    hosts["docker-2"]["dynamic"] = "none" if form == "single CIDR" else "10.1.2.40/29"
    stack.up()
    assert_whole_round(lab, stack)
    assert foreign_address(lab, stack, "docker-1") is None
    foreign = foreign_address(lab, stack, "docker-2")
    if form == "single CIDR":
        assert foreign is None
    else:
        assert foreign is not None
        assert IPAddress(foreign) in IPNetwork("10.1.2.40/29")


@pytest.mark.long
def test_subnet_of_two_addresses(lab: Lab, stack: Stack) -> None:
    """A /31 (RFC 3021): the router has one address, a container the other; an older Docker is refused."""
    configure(stack, "l2", {"docker-1": "10.200.1.0/31"}, {"nginx": {"addresses": {"docker-1": "10.200.1.1"}}})
    stack.config["fabric"].update(subnet="10.200.1.0/31", gateway="10.200.1.0")
    version = int(lab.ssh("docker-1", "docker version --format '{{.Server.Version}}'").split(".")[0])
    if version < 23:
        done = stack.up(check=False)
        assert done.returncode != 0
        assert "fix: upgrade Docker to 23 or later" in done.stdout
        assert lab.ssh("docker-1", "docker network ls -q --filter driver=ipvlan") == ""
        return
    stack.up()
    assert_verified(stack)
    assert_clean(lab)
    stack.assert_unchanged()
    assert foreign_address(lab, stack, "docker-1") is None
