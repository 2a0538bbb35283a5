"""`pulumi up` checks a new address before it gives it to a container, and before it stops what runs.

Each test leaves the stack as planned. The check in mode l3 is in tests/lab/test_scenario.py, where the stack has that mode.
"""

from __future__ import annotations

import pytest

from lab.harness import ADDRESSES, Lab, Stack
from tests.support.lab_commands import assert_as_planned, image_of

ADDRESS_CHECK = "fabric-addresses"


def move(stack: Stack, service: str, addresses: dict[str, str]) -> None:
    """Give the service these addresses, host -> address, and its offset on the other hosts."""
    planned = stack.config["services"][service]
    planned.pop("addresses", None)
    if addresses:
        planned["addresses"] = addresses


def address_of(lab: Lab, container: str) -> str:
    """Return the container's address on docker-1, as Docker has it."""
    template = '{{(index .NetworkSettings.Networks "ipvlanl2").IPAddress}}'
    return lab.ssh("docker-1", f"docker inspect -f '{template}' {container}").strip()


def test_an_address_in_use_is_refused(lab: Lab, stack: Stack) -> None:
    """An address in use by a container elsewhere, on the same host, or by a machine on the LAN is refused; nothing is stopped.

    The error has the address, the config key and who answers, by hardware address; containers by name. Without them `up`
    completes.
    """
    before = lab.container_ids()
    image = image_of(stack, "nginx")
    hardware = lab.run("ssh", "router", "cat", "/sys/class/net/lan/address").stdout.strip().upper()
    run = "docker run -d --name {} --network ipvlanl2 --ip {} {} | cut -c 1-12"
    conflicting = lab.ssh("docker-2", run.format("conflicting", "10.1.1.9", image)).strip()
    guest = lab.ssh("docker-1", run.format("guest", "10.1.1.10", image)).strip()
    lab.run("router-gateway", "on", "10.1.2.11/16")
    with_conflicts = lab.container_ids()
    try:
        move(stack, "nginx", {"docker-1": "10.1.1.9", "docker-2": "10.1.2.11"})
        move(stack, "centos", {"docker-1": "10.1.1.10"})
        refused = stack.up(check=False)
        assert refused.returncode != 0
        output = refused.stdout + refused.stderr
        for part in (
            "services.nginx.offset (or .addresses.docker-1): 10.1.1.9",
            f"is held by 52:54:00:8C:00:02, which answers for it on the LAN, container conflicting ({conflicting}) on docker-2",
            f"10.1.1.10, planned for centos on docker-1, is held by container guest ({guest}) on docker-1",
            f"10.1.2.11, planned for nginx on docker-2, is held by {hardware}",
            "fabric.probe_addresses",
        ):
            assert part in output
        assert lab.container_ids() == with_conflicts
        assert lab.http_status(ADDRESSES["docker-1"]) == "200"
    finally:
        lab.run("router-gateway", "off", "10.1.2.11/16")
        lab.ssh("docker-2", "docker rm -f conflicting")
        lab.ssh("docker-1", "docker rm -f guest")
    stack.up()
    assert (address_of(lab, "nginx"), address_of(lab, "centos")) == ("10.1.1.9", "10.1.1.10")
    assert_as_planned(stack)
    after = lab.container_ids()
    assert {place for place in after if after[place] != before[place]} == before.keys() - {"docker-2/centos"}
    move(stack, "nginx", {})
    move(stack, "centos", {})
    stack.up()


def refused_at_the_first_up(lab: Lab, stack: Stack) -> None:
    """Run an `up` that must find the router at nginx's address on docker-2, and start nothing."""
    done = stack.up(check=False)
    assert done.returncode != 0
    assert "10.1.2.2, planned for nginx on docker-2, is held by" in done.stdout + done.stderr
    assert not lab.container_ids()
    assert not [resource for resource in stack.state() if resource["type"].endswith((":Container", ":Handover"))]


def networks(lab: Lab) -> list[str]:
    """Return the hosts that have the fabric's network."""
    return [host for host in ADDRESSES if "ipvlanl2" in lab.ssh(host, "docker network ls --format '{{.Name}}'").split()]


def test_a_conflict_at_the_first_up_starts_nothing(lab: Lab, stack: Stack) -> None:
    """The network of a new host is created beside the check; no container is, neither by this `up` nor by the next one.

    The networks stay, empty and in the state. `up` completes when the address is free.
    """
    stack.pulumi("destroy", "--yes", "--skip-preview")
    assert not networks(lab)
    lab.run("router-gateway", "on", "10.1.2.2/16")
    try:
        refused_at_the_first_up(lab, stack)
        assert networks(lab) == list(ADDRESSES)
        # They exist now, and wait.
        refused_at_the_first_up(lab, stack)
        names = {resource["urn"].rpartition("::")[2] for resource in stack.state()}
        assert {f"fabric-{host}-network" for host in ADDRESSES} <= names
    finally:
        lab.run("router-gateway", "off", "10.1.2.2/16")
    stack.up()
    assert_as_planned(stack)


@pytest.mark.long  # The end of each module of tests in `make test` destroys a stack of more than one `up`.
def test_a_conflict_is_destroyed(lab: Lab, stack: Stack) -> None:
    """The networks that such an `up` leaves are removed, and so are those of a stack with a second `up`, by our own plugin."""
    stack.pulumi("destroy", "--yes", "--skip-preview")
    lab.run("router-gateway", "on", "10.1.2.2/16")
    try:
        refused_at_the_first_up(lab, stack)
    finally:
        lab.run("router-gateway", "off", "10.1.2.2/16")
    stack.pulumi("destroy", "--yes", "--skip-preview")
    assert not networks(lab)
    stack.up()
    stack.assert_unchanged()
    stack.pulumi("destroy", "--yes", "--skip-preview")
    assert not networks(lab)
    stack.up()
    assert_as_planned(stack)


@pytest.mark.long
def test_without_the_check_an_address_in_use_is_given_out(lab: Lab, stack: Stack) -> None:
    """With `probe_addresses: false` an address that a machine has is given out, and the state has no such resource.

    Switched on again, the check covers all addresses, and the stack's own containers are no conflict.
    """
    lab.run("router-gateway", "on", "10.1.1.12/16")
    try:
        move(stack, "nginx", {"docker-1": "10.1.1.12"})
        stack.config["fabric"]["probe_addresses"] = False
        stack.up()
        assert address_of(lab, "nginx") == "10.1.1.12"
        assert ADDRESS_CHECK not in {resource["urn"].rpartition("::")[2] for resource in stack.state()}
    finally:
        lab.run("router-gateway", "off", "10.1.1.12/16")
        stack.config["fabric"].pop("probe_addresses")
    assert stack.preview() == {ADDRESS_CHECK: "create"}
    move(stack, "nginx", {})
    move(stack, "centos", {})
    stack.up()
    assert_as_planned(stack)
