"""What is off by default, on real hosts: l3, egress, shims, VLAN parents.

Each test brings one example of examples/ up from nothing and destroys it; nothing of it stays on the hosts.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from lab.harness import ADDRESSES, HOSTS, OTHER_STACK, ROOT, STACK, Lab, Stack, new_stack
from tests.support.lab_stack import INTERNET_NAME, assert_clean, assert_verified

pytestmark = pytest.mark.versions

INTERNET = "203.0.113.10"

LISTEN = """
import socket, sys, time
requested = set()
with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.ntohs(0x0806)) as listener:
    listener.bind(("lan", 0))
    deadline = time.monotonic() + float(sys.argv[1])
    while (left := deadline - time.monotonic()) > 0:
        listener.settimeout(left)
        try:
            frame = listener.recv(128)
        except TimeoutError:
            break
        requested.add(socket.inet_ntoa(frame[38:42]))
print("\\n".join(sorted(requested)))
"""
"""Listens for ARP in the client's namespace, for the seconds of its argument; prints the requested addresses, one per line."""


def example(stack: Stack, name: str) -> dict[str, Any]:
    """Use the config of an example for the stack, and return it."""
    stack.use_config_of(ROOT / "examples" / f"{name}.yaml")
    return stack.config


@pytest.fixture(autouse=True)
def nothing_stays(lab: Lab, stack: Stack) -> Iterator[None]:
    """Assert that after `destroy` the hosts are as before the test."""
    before = {host: lab.footprint(host) for host in HOSTS}
    yield
    stack.pulumi("destroy", "--yes", "--skip-preview")
    assert {host: lab.footprint(host) for host in HOSTS} == before
    for host in HOSTS:
        assert lab.ssh(host, "ls /etc/systemd/system/ipvlan-fabric* /etc/systemd/network/*.d 2>/dev/null || true") == ""


def ping(lab: Lab, address: str) -> bool:
    """Return whether the client outside reaches an address."""
    return lab.exec("ping", "-n", "-q", "-c", "1", "-w", "3", address, check=False).returncode == 0


def test_l3(lab: Lab, stack: Stack) -> None:
    """In l3 all containers reach each other without ARP, routers can route to them, and routes survive boots and changes."""
    config = example(stack, "l3")
    stack.up()
    stack.assert_unchanged()
    observed = assert_verified(stack, "container", "other-container", "own-container")
    assert observed["docker-1/centos", "docker-2/nginx"] == "yes"
    assert observed["docker-1", "docker-1/centos"] == "no"
    assert_clean(lab)

    routes = lab.exec(".venv/bin/ipvlan", "--stack", STACK, "plan", "--routes").stdout
    assert not ping(lab, "10.1.2.1")
    lab.run("router-routes", "on", stdin=routes)
    try:
        assert ping(lab, "10.1.1.1")
        assert ping(lab, "10.1.2.2")
        requested = lab.exec(
            "sh", "-c", f"ping -n -q -c 2 10.1.1.1 >/dev/null & exec python3 -c '{LISTEN}' 8", timeout=60
        ).stdout.split()
        stack.verify()
        assert not [address for address in requested if address.startswith("10.1.")]
    finally:
        lab.run("router-routes", "off", stdin=routes)

    lab.ssh("docker-1", "ip route del 10.1.2.0/24; systemctl restart systemd-networkd; sleep 3")
    assert "10.1.2.0/24 via 192.168.140.201" in lab.ssh("docker-1", "ip route")
    lab.ssh("docker-1", "ip route del 10.1.2.0/24")
    done = lab.exec(".venv/bin/ipvlan", "--stack", STACK, "status", check=False)
    assert "route-missing" in done.stdout
    stack.up("--refresh")
    assert_clean(lab)
    stack.assert_unchanged()

    config["hosts"]["docker-2"]["slice"] = "10.1.3.0/24"
    before = lab.container_ids()
    stack.up()
    after = lab.container_ids()
    assert {key for key in after if before[key] != after[key]} == {"docker-2/centos", "docker-2/nginx"}
    route_table = lab.ssh("docker-1", "ip route")
    assert "10.1.3.0/24 via 192.168.140.201" in route_table
    assert "10.1.2.0/24" not in route_table
    lab.run("power", "docker-1", "reboot", timeout=400)
    assert "10.1.3.0/24 via 192.168.140.201" in lab.ssh("docker-1", "ip route")
    assert_verified(stack)

    removed = config["hosts"].pop("docker-2")
    before = lab.container_ids()
    stack.up()
    assert "10.1.3.0/24" not in lab.ssh("docker-1", "ip route")
    assert lab.container_ids() == {place: id_ for place, id_ in before.items() if place.startswith("docker-1/")}
    config["hosts"]["docker-2"] = removed
    stack.up()
    assert_verified(stack)


def older_than(lab: Lab, major: int) -> list[str]:
    """Return the hosts whose Docker is older than that major version."""
    command = "docker version --format '{{.Server.Version}}'"
    return [host for host in HOSTS if int(lab.ssh(host, command).split(".")[0]) < major]


def assert_refused(lab: Lab, stack: Stack, hosts: list[str], fix: str) -> None:
    """Assert that `up` names these hosts and the fix, and creates nothing on them."""
    done = stack.up(check=False)
    assert done.returncode != 0
    assert any(f"{host} has Docker " in done.stdout for host in hosts)
    assert fix in done.stdout
    assert lab.ssh(hosts[0], "docker ps -aq; docker network ls -q --filter driver=ipvlan") == ""


@pytest.mark.long
def test_l3s(lab: Lab, stack: Stack) -> None:
    """In l3s, as in l3, containers reach each other across hosts; a Docker without that mode is refused."""
    example(stack, "l3")["fabric"]["mode"] = "l3s"
    if old := older_than(lab, 23):
        assert_refused(lab, stack, old, "fix: upgrade Docker to 23 or later")
        return
    stack.up()
    assert '"ipvlan_mode":"l3s"' in lab.ssh("docker-1", "docker network inspect -f '{{json .Options}}' ipvlanl3")
    assert assert_verified(stack, "container", "other-container")["docker-1/centos", "docker-2/nginx"] == "yes"
    assert_clean(lab)
    stack.assert_unchanged()


@pytest.mark.long
@pytest.mark.parametrize("mode", ["l3", "l3s"])
def test_publishing_in_l3(lab: Lab, stack: Stack, mode: str) -> None:
    """Publishing in l3 and l3s needs Docker 28: an older one is refused before anything is created."""
    config = example(stack, "l3")
    config["fabric"]["mode"] = mode
    config["services"]["nginx"].update(ports=["80:80"], published=True)
    if old := older_than(lab, 28):
        assert_refused(lab, stack, old, "fix: upgrade Docker to 28 or later")
        return
    stack.up()
    assert {lab.http_status(address) for address in ADDRESSES.values()} == {"200"}
    assert_verified(stack)


@pytest.mark.long
def test_egress(lab: Lab, stack: Stack) -> None:
    """`internet` gives egress through the host and publishes no port, `egress: gateway` through the router; DNS works in both."""
    config = example(stack, "internet")
    config["services"]["centos"]["ports"] = ["8099:80"]
    lab.run("router-gateway", "on", "10.1.0.1/16")
    try:
        stack.up()
        ids = lab.container_ids()
        stack.assert_unchanged()
        observed = assert_verified(stack, "internet", "internet-name", "gateway")
        for host in HOSTS:
            for service in ("centos", "nginx"):
                assert observed[f"{host}/{service}", "internet"] == "yes"
                assert observed[f"{host}/{service}", INTERNET_NAME] == "yes"
        assert_clean(lab)
        lab.ssh("docker-1", "docker network disconnect bridge centos")
        assert "bridge-disconnected" in lab.exec(".venv/bin/ipvlan", "--stack", STACK, "status", check=False).stdout
        assert lab.exec(".venv/bin/ipvlan", "--stack", STACK, "heal", "--yes", timeout=240).returncode == 0
    finally:
        lab.run("router-gateway", "off", "10.1.0.1/16")
    cells = stack.verify()["cells"]
    wrong = {(cell["source"], cell["target"]) for cell in cells if not cell["ok"]}
    assert ("docker-1/nginx", "gateway") in wrong
    assert ("docker-1/nginx", "internet") in wrong
    assert not any(source.endswith("/centos") for source, _ in wrong)
    # A container without ports is not replaced when its egress is removed.
    config["services"]["centos"].update(internet=False, published=False)
    del config["services"]["centos"]["ports"], config["services"]["nginx"]["egress"]
    stack.up()
    assert lab.container_ids().keys() == ids.keys()
    assert assert_verified(stack)["docker-1/centos", "internet"] == "no"
    before = lab.container_ids()
    config["services"]["centos"]["internet"] = True
    stack.up()
    assert assert_verified(stack)["docker-1/centos", "internet"] == "yes"
    assert lab.container_ids() == before
    # One bridge connection becomes another: the deletion of the old one must not disconnect the new one.
    nginx = config["services"]["nginx"]
    for setting, status in (("internet", "000"), ("published", "200"), ("internet", "000")):
        nginx.update({"ports": ["80:80"], "internet": False, "published": False, setting: True})
        stack.up()
        assert {lab.http_status(address) for address in ADDRESSES.values()} == {status}
        assert_clean(lab)
    stack.assert_unchanged()


# In `make test` others stand for it: tests/lab/test_neighbours.py verifies and repairs a shim, test_forget.py removes two without a
# trace, test_l3 boots a host with the same unit.
@pytest.mark.long
@pytest.mark.parametrize("mode", ["l2", "l3"])
def test_shim(lab: Lab, stack: Stack, mode: str) -> None:
    """A shim connects a host with its own containers, replaces none of them, survives a boot, and is removed with its setting."""
    config = example(stack, "shim")
    if mode == "l3":
        config["fabric"] = {"name": "ipvlanl3", "mode": mode, "subnet": "10.1.0.0/16"}
    config["hosts"]["docker-1"]["shim"] = False
    stack.up()
    before = lab.container_ids()
    assert assert_verified(stack)["docker-1", "docker-1/nginx"] == "no"
    config["hosts"]["docker-1"]["shim"] = True
    stack.up()
    assert lab.container_ids() == before
    observed = assert_verified(stack, "shim")
    assert observed["docker-1", "docker-1/nginx"] == "yes"
    assert observed["docker-1/nginx", "docker-1's shim"] == "yes"
    assert_clean(lab)
    stack.assert_unchanged()
    lab.ssh("docker-2", "ip link del shim.ens33")
    assert "shim-missing" in lab.exec(".venv/bin/ipvlan", "--stack", STACK, "status", check=False).stdout
    assert lab.exec(".venv/bin/ipvlan", "--stack", STACK, "heal", "--yes", timeout=240).returncode == 0
    assert_clean(lab)
    refused = lab.ssh(
        "docker-1", f"docker run -d --name conflicting --network {config['fabric']['name']} --ip 10.1.1.254 "
        f"{config['services']['nginx']['image']} 2>&1; docker rm -f conflicting >/dev/null", check=False
    )  # fmt: skip
    assert "in use" in refused or "already" in refused
    if mode == "l2":
        lab.run("power", "docker-1", "reboot", timeout=400)
        assert_verified(stack, "shim")
    config["hosts"]["docker-1"]["shim"] = False
    before = lab.container_ids()
    stack.up()
    assert lab.container_ids() == before
    assert "shim" not in lab.ssh("docker-1", "ip -o link")


@pytest.mark.long
def test_vlans(lab: Lab, stack: Stack) -> None:
    """A VLAN parent is created, survives a boot and is removed; a stack with the same subnet on another VLAN is isolated from it.

    The second stack has the addresses of the first, on the other host, and both are as planned at the same time.
    """
    config = example(stack, "vlan")
    stack.up()
    assert "ens33.40@ens33" in lab.ssh("docker-1", "ip -o link")
    assert_verified(stack)
    with new_stack(lab, OTHER_STACK) as other:
        second = example(other, "vlan")
        second["fabric"].update(name="other", gateway="10.1.0.2")
        for host, slice_ in zip(HOSTS, ("10.1.2.0/24", "10.1.1.0/24"), strict=True):
            second["hosts"][host]["slice"] = slice_
        nginx = config["services"]["nginx"]["image"]
        second["services"] = {"apart": {"image": nginx, "offset": 9}}
        refused = other.up(check=False)
        assert refused.returncode != 0
        # The error is of whichever host came first, with the network's id.
        printed = refused.stdout + refused.stderr
        assert re.search(
            rf'\.parent\) already has network "ipvlanl2" \([0-9a-f]{{12}}\) of stack "{STACK}"', printed
        ), printed
        for host in HOSTS:
            second["hosts"][host]["parent"] = "ens33.50"
        # On its own VLAN the addresses of the first stack are no conflict.
        second["services"]["web"] = {"image": nginx, "offset": 2}
        other.up()
        assert_verified(other)
        assert_verified(stack)
        assert_clean(lab)
        assert_clean(lab, OTHER_STACK)

        def reaches(source: str, target: str) -> bool:
            pid = f"$(docker inspect -f '{{{{.State.Pid}}}}' {source})"
            text = f"nsenter -t {pid} -n ping -q -c 1 -w 3 {target} >/dev/null; echo $?"
            return lab.ssh("docker-1", text).strip() == "0"

        assert reaches("apart", "10.1.1.9")
        assert not reaches("nginx", "10.1.1.9")
        assert not reaches("nginx", "10.1.2.9")
        assert not reaches("apart", "10.1.1.1")
        assert not reaches("apart", "10.1.2.1")
        lab.run("power", "docker-1", "reboot", timeout=400)
        assert_verified(stack)
        assert_verified(other)
    stack.assert_unchanged()
