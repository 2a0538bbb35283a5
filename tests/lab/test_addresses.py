"""`pulumi up` asks for a new address before it gives it out, and before it stops what runs.

One stack; the tests go on from each other in their order, each leaves it whole.
"""

from __future__ import annotations

import pytest

from tests.lab.day_two import assert_whole, image_of
from tests.lab.harness import ADDRESSES, Lab, Stack

CLAIMS = "fabric-addresses"


@pytest.fixture(scope="module", autouse=True)
def started(stack: Stack) -> None:
    """Bring the seed up, published."""
    stack.config["services"]["nginx"]["published"] = True
    stack.up()


def move(stack: Stack, address: str | None) -> None:
    """Plan nginx on docker-1 at that address, or again at its offset."""
    nginx = stack.config["services"]["nginx"]
    nginx.pop("addresses", None)
    if address is not None:
        nginx["addresses"] = {"docker-1": address}


def address_of_nginx(lab: Lab) -> str:
    """Return what the daemon of docker-1 says."""
    template = '{{(index .NetworkSettings.Networks "ipvlanl2").IPAddress}}'
    return lab.ssh("docker-1", f"docker inspect -f '{template}' nginx").strip()


def assert_refused(stack: Stack, *parts: str) -> None:
    """Assert that `up` fails with all `parts` in what it says, and that nothing was stopped or made."""
    before = stack.lab.container_ids()
    refused = stack.up(check=False)
    assert refused.returncode != 0
    said = refused.stdout + refused.stderr
    assert [part for part in (*parts, "fabric.probe_addresses") if part not in said] == [], said
    assert stack.lab.container_ids() == before
    assert stack.lab.http_status(ADDRESSES["docker-1"]) == "200"


def test_an_address_that_another_hosts_container_holds(lab: Lab, stack: Stack) -> None:
    """The error names address, key, who answers by its hardware address, and the container; once it is gone `up` completes."""
    lab.ssh("docker-2", f"docker run -d --name squatter --network ipvlanl2 --ip 10.1.1.9 {image_of(stack, 'nginx')}")
    try:
        move(stack, "10.1.1.9")
        assert_refused(
            stack, "10.1.1.9", "services.nginx.offset (or .addresses.docker-1)", "52:54:00:8C:00:02",
            "container squatter on docker-2",
        )  # fmt: skip
    finally:
        lab.ssh("docker-2", "docker rm -f squatter")
    stack.up()
    assert address_of_nginx(lab) == "10.1.1.9"
    assert_whole(stack)


def test_an_address_that_a_container_of_the_own_host_holds(lab: Lab, stack: Stack) -> None:
    """Frames of the own host's containers never leave it: its daemon names the holder."""
    lab.ssh("docker-1", f"docker run -d --name guest --network ipvlanl2 --ip 10.1.1.10 {image_of(stack, 'nginx')}")
    try:
        move(stack, "10.1.1.10")
        assert_refused(stack, "10.1.1.10, planned for nginx on docker-1, is held by container guest on docker-1")
    finally:
        lab.ssh("docker-1", "docker rm -f guest")
    move(stack, "10.1.1.9")
    stack.unchanged()


def test_an_address_that_a_machine_on_the_lan_holds(lab: Lab, stack: Stack) -> None:
    """A machine that is no host of the fabric is named by its hardware address; with the switch off nobody asks."""
    hardware = lab.run("ssh", "router", "cat", "/sys/class/net/lan/address").stdout.strip().upper()
    lab.run("router-gateway", "on", "10.1.1.11/16")
    try:
        move(stack, "10.1.1.11")
        assert_refused(stack, "10.1.1.11", hardware)
        stack.config["fabric"]["probe_addresses"] = False
        stack.up()
        assert address_of_nginx(lab) == "10.1.1.11"
        assert CLAIMS not in {resource["urn"].rpartition("::")[2] for resource in stack.state()}
    finally:
        lab.run("router-gateway", "off", "10.1.1.11/16")
        stack.config["fabric"].pop("probe_addresses", None)
    # On again: all addresses are new to the question, and their own holders are no obstacle.
    assert stack.preview() == {CLAIMS: "create"}
    stack.up()
    assert_whole(stack)


def test_in_l3_the_daemon_is_asked(lab: Lab, stack: Stack) -> None:
    """In mode l3 there is no ARP on the LAN; what holds an address on the own host is named all the same."""
    stack.config["services"]["nginx"]["published"] = False
    stack.config["fabric"].pop("gateway")
    stack.config["fabric"]["mode"] = "l3"
    stack.up()
    before = lab.container_ids()
    lab.ssh("docker-1", f"docker run -d --name guest --network ipvlanl2 --ip 10.1.1.12 {image_of(stack, 'nginx')}")
    try:
        move(stack, "10.1.1.12")
        refused = stack.up(check=False)
        assert refused.returncode != 0
        assert "is held by container guest on docker-1" in refused.stdout + refused.stderr
        assert {key: id_ for key, id_ in lab.container_ids().items() if key != "docker-1/guest"} == before
    finally:
        lab.ssh("docker-1", "docker rm -f guest")
    stack.up()
    assert address_of_nginx(lab) == "10.1.1.12"
    stack.unchanged()
