"""Ports at the host's own loopback, at an address that the host does not have, and ranges of them, on real hosts."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from lab.harness import HOSTS, STACK, Lab, Stack, new_stack

pytestmark = pytest.mark.steps

RANGE = "20000-20019:20000-20019/udp"
"""Docker runs two processes for each of them; 200 exhaust a host of the lab (1 GB)."""
LONG_RANGE = "16384-16533:16384-16533/udp"
"""150 ports. The time that the docker provider takes grows with their square (docs/config.md)."""
ABSENT = "192.168.140.99"
"""An address of the lab's LAN that neither host has."""


@pytest.fixture(scope="module")
def footprints(lab: Lab) -> dict[str, dict[str, str]]:
    """Return what is on each host before the stack."""
    return {host: lab.footprint(host) for host in HOSTS}


@pytest.fixture(scope="module")
def ports(lab: Lab, footprints: dict[str, dict[str, str]]) -> Iterator[Stack]:
    """Bring nginx up at the loopback of both hosts, and beside it a service with a range of udp ports on docker-1."""
    assert footprints
    with new_stack(lab) as stack:
        services = stack.config["services"]
        services["nginx"].update(ports=["127.0.0.1:5000:80"], published=True)
        services["media"] = {
            "image": services["nginx"]["image"],
            "offset": 9,
            "hosts": ["docker-1"],
            "ports": [RANGE],
            "published": True,
        }
        stack.up(timeout=600)
        yield stack


def cells(stack: Stack, service: str) -> dict[tuple[str, str, str], tuple[str, str, bool]]:
    """Return kind, source and port of each cell of a service's ports -> expected, observed and whether it is as expected."""
    document = stack.verify("--service", service)
    return {
        (cell["kind"], cell["source"], cell["port"]): (cell["expected"], cell["observed"], cell["ok"])
        for cell in document["cells"]
        if cell["port"] is not None
    }


def test_a_port_at_the_loopback(lab: Lab, ports: Stack) -> None:
    """The host itself gets the page, a client is refused at the host's address, and `verify` expects both."""
    for host in HOSTS:
        assert lab.ssh(host, "curl -s -o /dev/null -m 5 -w '%{http_code}' http://127.0.0.1:5000/") == "200"
    assert lab.http_status("192.168.140.200", 5000) == "000"
    document = ports.verify("--service", "nginx")
    seen = {
        (cell["kind"], cell["source"], cell["address"]): (cell["expected"], cell["observed"])
        for cell in document["cells"]
        if cell["port"] is not None
    }
    assert seen["loopback-port", "docker-1", "127.0.0.1"] == seen["loopback-port", "docker-2", "127.0.0.1"]
    assert seen["loopback-port", "docker-1", "127.0.0.1"] == ("yes", "HTTP 200")
    assert seen["port", "client", "192.168.140.200"] == ("no", "refused")
    assert document["ok"], [cell for cell in document["cells"] if not cell["ok"]]
    printed = lab.exec(".venv/bin/ipvlan", "--stack", STACK, "plan").stdout
    assert "on the host itself" in printed


def test_a_port_at_the_loopback_that_nobody_serves(lab: Lab, ports: Stack) -> None:
    """With the bridge disconnected by hand the host is refused at its own loopback, with the reason; heal repairs it."""
    lab.ssh("docker-1", "docker network disconnect bridge nginx")
    wrong = [cell for cell in ports.verify("--service", "nginx", "--host", "docker-1")["cells"] if not cell["ok"]]
    assert {cell["kind"] for cell in wrong} >= {"loopback-port"}
    assert all("not bound" in cell["reason"] or "bridge" in cell["reason"] for cell in wrong)
    lab.exec(".venv/bin/ipvlan", "--stack", STACK, "heal", "--yes", timeout=300)
    assert all(ok for _, _, ok in cells(ports, "nginx").values())


def test_a_range_of_ports(lab: Lab, ports: Stack) -> None:
    """The range is bound, its ends are tried, and another `up` changes nothing."""
    assert int(lab.ssh("docker-1", "docker port media | grep -c 0.0.0.0").strip()) == 20
    status = lab.exec(".venv/bin/ipvlan", "--stack", STACK, "status", check=False)
    assert status.returncode == 0, status.stdout
    assert {port for kind, _, port in cells(ports, "media") if kind == "port"} == {
        "20000:20000/udp",
        "20019:20019/udp",
    }
    ports.assert_unchanged()


@pytest.mark.long
def test_a_long_range_that_is_not_published(lab: Lab, ports: Stack) -> None:
    """150 ports that are not published are a range in the container's label, and another `up` changes nothing."""
    services = ports.config["services"]
    services["exchange"] = {
        "image": services["nginx"]["image"], "offset": 10, "hosts": ["docker-2"], "ports": [LONG_RANGE], "published": False
    }  # fmt: skip
    ports.up(timeout=900)
    label = lab.ssh("docker-2", "docker inspect -f '{{index .Config.Labels \"ipvlan-fabric.ports\"}}' exchange").strip()
    assert label == LONG_RANGE
    assert lab.ssh("docker-2", "docker port exchange") == ""
    ports.assert_unchanged()
    status = lab.exec(".venv/bin/ipvlan", "--stack", STACK, "status", check=False)
    assert status.returncode == 0, status.stdout
    del services["exchange"]
    ports.up(timeout=600)


def test_an_address_that_the_host_does_not_have(lab: Lab, ports: Stack) -> None:
    """Preflight names it, and an `up` does before it stops anything; what runs is untouched."""
    before = lab.container_ids()
    media = ports.config["services"]["media"]
    media["ports"] = [f"{ABSENT}:20000:20000/udp"]
    ports.write()
    preflight = lab.exec(".venv/bin/ipvlan", "--stack", STACK, "preflight", check=False, timeout=300)
    assert preflight.returncode == 1
    assert ABSENT in preflight.stdout
    refused = ports.up(check=False, timeout=600)
    assert refused.returncode != 0
    assert f"has no address {ABSENT}" in refused.stdout + refused.stderr
    assert lab.container_ids() == before
    media["ports"] = [RANGE]
    ports.up(timeout=900)
    assert lab.container_ids() == before


def test_a_link_that_docker_does_not_create(lab: Lab, ports: Stack) -> None:
    """A parent that is missing and is no NAME.VLAN is named before anything stops."""
    before = lab.container_ids()
    ports.config["hosts"]["docker-1"]["parent"] = "ens33.4095"
    refused = ports.up(check=False, timeout=600)
    ports.config["hosts"]["docker-1"]["parent"] = "ens33"
    assert refused.returncode != 0
    assert "4095 is not such an id" in refused.stdout + refused.stderr
    assert lab.container_ids() == before
    # The failed one has noted the parent for the check of addresses, and nothing else.
    ports.up(timeout=600)
    assert lab.container_ids() == before


def test_nothing_stays(lab: Lab, ports: Stack, footprints: dict[str, dict[str, str]]) -> None:
    """After `destroy` each host is as it was before: no port, rule or process stays."""
    ports.pulumi("destroy", "--yes", "--skip-preview", timeout=600)
    assert {host: lab.footprint(host) for host in HOSTS} == footprints
    assert lab.ssh("docker-1", "pgrep -c docker-proxy || true").strip() == "0"
