"""What is off by default, on real hosts: l3, the ways out, shims, VLAN parents; each by its example, gone without a trace after it.

Each test brings one example of examples/ up from nothing and destroys it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from lab.harness import ADDRESSES, HOSTS, OTHER_STACK, PATIENCE, ROOT, STACK, Lab, Stack, new_stack
from tests.support.json_documents import validate

pytestmark = pytest.mark.versions

INTERNET = "203.0.113.10"
INTERNET_NAME = "internet.example"

#: Listens for ARP in the client's namespace for so many seconds and prints the addresses that were asked for, one per line.
LISTEN = """
import socket, sys, time
seen = set()
with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.ntohs(0x0806)) as listener:
    listener.bind(("lan", 0))
    deadline = time.monotonic() + float(sys.argv[1])
    while (left := deadline - time.monotonic()) > 0:
        listener.settimeout(left)
        try:
            frame = listener.recv(128)
        except TimeoutError:
            break
        seen.add(socket.inet_ntoa(frame[38:42]))
print("\\n".join(sorted(seen)))
"""


def example(stack: Stack, name: str) -> dict[str, Any]:
    """Give the stack the config of one example, and return it."""
    stack.take(ROOT / "examples" / f"{name}.yaml")
    return stack.config


@pytest.fixture(autouse=True)
def without_a_trace(lab: Lab, stack: Stack) -> Iterator[None]:
    """Take the hosts' footprint, and find the same one after `destroy`."""
    before = {host: lab.footprint(host) for host in HOSTS}
    yield
    stack.pulumi("destroy", "--yes", "--skip-preview")
    assert {host: lab.footprint(host) for host in HOSTS} == before
    for host in HOSTS:
        assert lab.ssh(host, "ls /etc/systemd/system/ipvlan-fabric* /etc/systemd/network/*.d 2>/dev/null || true") == ""


def assert_verified(stack: Stack, *kinds: str) -> dict[tuple[str, str], str]:
    """Assert that every cell is as planned and that cells of these kinds are among them; (source, target) -> observed."""
    found = stack.verify("--internet", INTERNET_NAME)
    validate(found, "verify")
    assert found["ok"], [cell for cell in found["cells"] if not cell["ok"]] or found["unreachable_hosts"]
    assert {cell["kind"] for cell in found["cells"]} >= set(kinds)
    return {(cell["source"], cell["target"]): cell["observed"] for cell in found["cells"]}


def assert_clean(lab: Lab, stack: str = STACK) -> None:
    """Assert that `status` finds nothing."""
    done = lab.exec(".venv/bin/ipvlan", "--stack", stack, "status", "--timeout", PATIENCE, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def ping(lab: Lab, address: str) -> bool:
    """Say whether the client outside reaches an address."""
    return lab.exec("ping", "-n", "-q", "-c", "1", "-w", "3", address, check=False).returncode == 0


def test_l3(lab: Lab, stack: Stack) -> None:
    """All pairs across hosts; routers and clients; no ARP; routes survive networkd and a boot, and follow slices and hosts."""
    config = example(stack, "l3")
    stack.up()
    stack.unchanged()
    seen = assert_verified(stack, "container", "other-container", "own-container")
    assert seen["docker-1/centos", "docker-2/nginx"] == "yes"
    assert seen["docker-1", "docker-1/centos"] == "no"
    assert_clean(lab)

    routes = lab.exec(".venv/bin/ipvlan", "--stack", STACK, "plan", "--routes").stdout
    assert not ping(lab, "10.1.2.1")
    lab.run("router-routes", "on", stdin=routes)
    try:
        assert ping(lab, "10.1.1.1")
        assert ping(lab, "10.1.2.2")
        asked = lab.exec(
            "sh", "-c", f"ping -n -q -c 2 10.1.1.1 >/dev/null & exec python3 -c '{LISTEN}' 8", timeout=60
        ).stdout.split()
        stack.verify()
        assert not [address for address in asked if address.startswith("10.1.")]
    finally:
        lab.run("router-routes", "off", stdin=routes)

    lab.ssh("docker-1", "ip route del 10.1.2.0/24; systemctl restart systemd-networkd; sleep 3")
    assert "10.1.2.0/24 via 192.168.140.201" in lab.ssh("docker-1", "ip route")
    lab.ssh("docker-1", "ip route del 10.1.2.0/24")
    done = lab.exec(".venv/bin/ipvlan", "--stack", STACK, "status", check=False)
    assert "route-missing" in done.stdout
    stack.up("--refresh")
    assert_clean(lab)
    stack.unchanged()

    config["hosts"]["docker-2"]["slice"] = "10.1.3.0/24"
    before = lab.container_ids()
    stack.up()
    after = lab.container_ids()
    assert {key for key in after if before[key] != after[key]} == {"docker-2/centos", "docker-2/nginx"}
    there = lab.ssh("docker-1", "ip route")
    assert "10.1.3.0/24 via 192.168.140.201" in there
    assert "10.1.2.0/24" not in there
    lab.run("power", "docker-1", "reboot", timeout=400)
    assert "10.1.3.0/24 via 192.168.140.201" in lab.ssh("docker-1", "ip route")
    assert_verified(stack)

    gone = config["hosts"].pop("docker-2")
    before = lab.container_ids()
    stack.up()
    assert "10.1.3.0/24" not in lab.ssh("docker-1", "ip route")
    assert lab.container_ids() == {place: id_ for place, id_ in before.items() if place.startswith("docker-1/")}
    config["hosts"]["docker-2"] = gone
    stack.up()
    assert_verified(stack)


def older_than(lab: Lab, major: int) -> list[str]:
    """Return the hosts whose Docker is older than that."""
    question = "docker version --format '{{.Server.Version}}'"
    return [host for host in HOSTS if int(lab.ssh(host, question).split(".")[0]) < major]


def assert_refused(lab: Lab, stack: Stack, hosts: list[str], fix: str) -> None:
    """Assert that `up` names these hosts and how to fix it, and makes nothing on them."""
    done = stack.up(check=False)
    assert done.returncode != 0
    assert any(f"{host} has Docker " in done.stdout for host in hosts)
    assert fix in done.stdout
    assert lab.ssh(hosts[0], "docker ps -aq; docker network ls -q --filter driver=ipvlan") == ""


def test_l3s(lab: Lab, stack: Stack) -> None:
    """In l3s, as in l3, all pairs are reached across hosts; for a Docker that does not know the mode it is refused."""
    example(stack, "l3")["fabric"]["mode"] = "l3s"
    if old := older_than(lab, 23):
        assert_refused(lab, stack, old, "fix: upgrade Docker to 23 or later")
        return
    stack.up()
    assert '"ipvlan_mode":"l3s"' in lab.ssh("docker-1", "docker network inspect -f '{{json .Options}}' ipvlanl3")
    assert assert_verified(stack, "container", "other-container")["docker-1/centos", "docker-2/nginx"] == "yes"
    assert_clean(lab)
    stack.unchanged()


@pytest.mark.parametrize("mode", ["l3", "l3s"])
def test_publishing_in_l3(lab: Lab, stack: Stack, mode: str) -> None:
    """Publishing in l3 and l3s needs Docker 28: an older host refuses it before anything is made; newer ones publish."""
    config = example(stack, "l3")
    config["fabric"]["mode"] = mode
    config["services"]["nginx"].update(ports=["80:80"], published=True)
    if old := older_than(lab, 28):
        assert_refused(lab, stack, old, "fix: upgrade Docker to 28 or later")
        return
    stack.up()
    assert {lab.http_status(address) for address in ADDRESSES.values()} == {"200"}
    assert_verified(stack)


def test_ways_out(lab: Lab, stack: Stack) -> None:
    """`internet` leads out by the host and opens no port; `egress: gateway` by the router that holds the gateway; names too."""
    config = example(stack, "internet")
    config["services"]["centos"]["ports"] = ["8099:80"]
    lab.run("router-gateway", "on", "10.1.0.1/16")
    try:
        stack.up()
        ids = lab.container_ids()
        stack.unchanged()
        seen = assert_verified(stack, "internet", "internet-name", "gateway")
        for host in HOSTS:
            for service in ("centos", "nginx"):
                assert seen[f"{host}/{service}", "internet"] == "yes"
                assert seen[f"{host}/{service}", INTERNET_NAME] == "yes"
        assert_clean(lab)
        lab.ssh("docker-1", "docker network disconnect bridge centos")
        assert "bridge-disconnected" in lab.exec(".venv/bin/ipvlan", "--stack", STACK, "status", check=False).stdout
        assert lab.exec(".venv/bin/ipvlan", "--stack", STACK, "heal", "--yes", timeout=240).returncode == 0
    finally:
        lab.run("router-gateway", "off", "10.1.0.1/16")
    found = stack.verify()
    wrong = {(cell["source"], cell["target"]) for cell in found["cells"] if not cell["ok"]}
    assert ("docker-1/nginx", "gateway") in wrong
    assert ("docker-1/nginx", "internet") in wrong
    assert not any(source.endswith("/centos") for source, _ in wrong)
    # Without ports the container is the same one when its way out is closed.
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
    # Of one bridge connection becomes another: the old one's end must not take the new one away.
    nginx = config["services"]["nginx"]
    for way, status in (("internet", "000"), ("published", "200"), ("internet", "000")):
        nginx.update({"ports": ["80:80"], "internet": False, "published": False, way: True})
        stack.up()
        assert {lab.http_status(address) for address in ADDRESSES.values()} == {status}
        assert_clean(lab)
    stack.unchanged()


@pytest.mark.parametrize("mode", ["l2", "l3"])
def test_shim(lab: Lab, stack: Stack, mode: str) -> None:
    """A shim joins a host and its own containers; no container changes; it survives a boot and goes with its flag."""
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
    seen = assert_verified(stack, "shim")
    assert seen["docker-1", "docker-1/nginx"] == "yes"
    assert seen["docker-1/nginx", "docker-1's shim"] == "yes"
    assert_clean(lab)
    stack.unchanged()
    lab.ssh("docker-2", "ip link del shim.ens33")
    assert "shim-missing" in lab.exec(".venv/bin/ipvlan", "--stack", STACK, "status", check=False).stdout
    assert lab.exec(".venv/bin/ipvlan", "--stack", STACK, "heal", "--yes", timeout=240).returncode == 0
    assert_clean(lab)
    taken = lab.ssh(
        "docker-1", f"docker run -d --name conflicting --network {config['fabric']['name']} --ip 10.1.1.254 "
        f"{config['services']['nginx']['image']} 2>&1; docker rm -f conflicting >/dev/null", check=False
    )  # fmt: skip
    assert "in use" in taken or "already" in taken
    if mode == "l2":
        lab.run("power", "docker-1", "reboot", timeout=400)
        assert_verified(stack, "shim")
    config["hosts"]["docker-1"]["shim"] = False
    before = lab.container_ids()
    stack.up()
    assert lab.container_ids() == before
    assert "shim" not in lab.ssh("docker-1", "ip -o link")


def test_vlans(lab: Lab, stack: Stack) -> None:
    """A VLAN parent is made, survives a boot and is removed; a second stack of one subnet on another VLAN hears nothing of it.

    The second stack has the first one's addresses, on the other host: both are whole at once.
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
        # Of whichever host was first.
        assert f'.parent) already has network "ipvlanl2" of stack "{STACK}"' in refused.stdout + refused.stderr
        for host in HOSTS:
            second["hosts"][host]["parent"] = "ens33.50"
        # On its own VLAN nothing is in the way of addresses that the first stack holds too.
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
    stack.unchanged()
