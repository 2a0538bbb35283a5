"""The seed's scenario on real hosts, from nothing to nothing: every cell of the matrix, publishing live, changes, destroy.

One stack; the tests go on from each other in their order.
"""

from __future__ import annotations

import pytest

from lab.harness import ADDRESSES, HOSTS, Lab, Stack
from tests.support.json_documents import validate

FOOTPRINT: dict[str, dict[str, str]] = {}
IDS: dict[str, str] = {}


@pytest.fixture(scope="module", autouse=True)
def start_unpublished(lab: Lab, stack: Stack) -> None:
    """Keep how the hosts were found, and begin with nothing published."""
    FOOTPRINT.update({host: lab.footprint(host) for host in HOSTS})
    stack.config["services"]["nginx"]["published"] = False


def port_80(lab: Lab) -> dict[str, str]:
    """Return host -> HTTP status of its port 80 as the client outside sees it; "000" is refused."""
    return {host: lab.http_status(address) for host, address in ADDRESSES.items()}


def assert_matrix(stack: Stack) -> None:
    """Assert that the hosts show what the plan says, cell by cell, and that no cell is missing."""
    found = stack.verify()
    validate(found, "verify")
    assert found["ok"], [cell for cell in found["cells"] if not cell["ok"]]
    assert len(found["cells"]) >= 4 * 3 + 4 * 2 + 4 + 2


@pytest.mark.versions
def test_up_from_nothing(lab: Lab, stack: Stack) -> None:
    """`pulumi up` makes network and containers on both hosts, each container at its planned address."""
    stack.up()
    IDS.update(lab.container_ids())
    assert set(IDS) == {f"{host}/{name}" for host in HOSTS for name in ("centos", "nginx")}
    for number, host in enumerate(HOSTS, start=1):
        for offset, name in enumerate(("centos", "nginx"), start=1):
            template = '{{(index .NetworkSettings.Networks "ipvlanl2").IPAddress}}'
            assert lab.ssh(host, f"docker inspect -f '{template}' {name}").strip() == f"10.1.{number}.{offset}"


@pytest.mark.versions
def test_network_is_as_planned(lab: Lab) -> None:
    """The network has subnet, gateway, the host's slice as range, mode and parent."""
    for number, host in enumerate(HOSTS, start=1):
        said = lab.ssh(host, "docker network inspect -f '{{json .IPAM.Config}} {{json .Options}} {{.Driver}}' ipvlanl2")
        for part in (
            '"Subnet":"10.1.0.0/16"', f'"IPRange":"10.1.{number}.0/24"', '"Gateway":"10.1.0.1"',
            '"ipvlan_mode":"l2"', '"parent":"ens33"', " ipvlan",
        ):  # fmt: skip
            assert part in said


@pytest.mark.versions
def test_matrix_before_publishing(lab: Lab, stack: Stack) -> None:
    """Before publishing every cell is as the design says, and port 80 answers on no host."""
    assert_matrix(stack)
    assert port_80(lab) == {"docker-1": "000", "docker-2": "000"}


@pytest.mark.versions
def test_second_up_changes_nothing(lab: Lab, stack: Stack) -> None:
    """A second `up` changes nothing."""
    stack.unchanged()
    assert lab.container_ids() == IDS


@pytest.mark.versions
def test_publish_is_live(lab: Lab, stack: Stack) -> None:
    """Publishing makes port 80 answer on both hosts and keeps every container; the next `up` changes nothing."""
    stack.config["services"]["nginx"]["published"] = True
    stack.up()
    assert lab.container_ids() == IDS
    assert port_80(lab) == {"docker-1": "200", "docker-2": "200"}
    page = lab.exec("curl", "-s", "-m", "5", f"http://{ADDRESSES['docker-2']}/").stdout
    assert "Welcome to nginx" in page
    stack.unchanged()


@pytest.mark.versions
def test_matrix_while_port_80(lab: Lab, stack: Stack) -> None:
    """While published every cell is as the plan says."""
    assert_matrix(stack)


@pytest.mark.versions
def test_refresh_changes_nothing(lab: Lab, stack: Stack) -> None:
    """What the hosts say is what the state says: `refresh` finds nothing, and the next `up` neither."""
    stack.pulumi("refresh", "--yes", "--expect-no-changes")
    stack.unchanged()


@pytest.mark.versions
def test_a_bridge_detached_by_hand_is_attached_again(lab: Lab, stack: Stack) -> None:
    """A bridge connection removed by hand comes back with `up --refresh`, alone; the next plain `up` changes nothing."""
    lab.ssh("docker-2", "docker network disconnect bridge nginx")
    assert port_80(lab) == {"docker-1": "200", "docker-2": "000"}
    stack.up("--refresh")
    assert port_80(lab) == {"docker-1": "200", "docker-2": "200"}
    assert lab.container_ids() == IDS
    stack.unchanged()


@pytest.mark.versions
def test_unpublish_is_live(lab: Lab, stack: Stack) -> None:
    """Unpublishing closes port 80 on both hosts, keeps every container, and the matrix is as before."""
    stack.config["services"]["nginx"]["published"] = False
    stack.up()
    assert port_80(lab) == {"docker-1": "000", "docker-2": "000"}
    assert lab.container_ids() == IDS
    assert_matrix(stack)
    stack.config["services"]["nginx"]["published"] = True
    stack.up()
    stack.unchanged()


@pytest.mark.parametrize("change", ["port", "image", "address", "command"])
def test_a_change_replaces_that_container_alone(lab: Lab, stack: Stack, change: str) -> None:
    """A changed port, image, address or command replaces that one container, as the preview says, and nothing else."""
    nginx = stack.config["services"]["nginx"]
    nginx.setdefault("hosts", list(HOSTS))
    stack.config["services"].setdefault("web", {**nginx, "offset": 7, "hosts": ["docker-1"], "ports": ["8080:80"]})
    stack.up()
    before = lab.container_ids()
    web = stack.config["services"]["web"]
    images = dict(line.split() for line in lab.run("images").stdout.splitlines())
    web.update(
        {
            "port": {"ports": ["8081:80"]},
            "image": {"image": images["nginx-next"]},
            "address": {"offset": 8},
            "command": {"command": ["nginx", "-c", "/etc/nginx/nginx.conf", "-g", "daemon off;"]},
        }[change]
    )
    steps = {name: operation for name, operation in stack.preview().items() if operation != "create"}
    replaced = {name for name, operation in steps.items() if "replace" in operation}
    assert replaced == {"fabric-docker-1-web", "fabric-docker-1-web-published-bridge"}
    # A new address is asked for before.
    asked = {"fabric-addresses"} if change == "address" else set()
    assert {name for name in steps if name not in replaced and "image" not in name} == asked
    stack.up()
    after = lab.container_ids()
    assert {key for key in after if before.get(key) != after[key]} == {"docker-1/web"}
    port = web["ports"][0].partition(":")[0]
    assert lab.http_status(ADDRESSES["docker-1"], int(port)) == "200"
    stack.unchanged()


def test_a_changed_slice_replaces_that_host_and_says_so(lab: Lab, stack: Stack) -> None:
    """A moved slice replaces that host's network and containers, in the preview and in fact; the other host keeps all."""
    stack.config["services"].pop("web", None)
    stack.up()
    before = lab.container_ids()
    stack.config["hosts"]["docker-2"]["slice"] = "10.1.3.0/24"
    replaced = {name for name, operation in stack.preview().items() if "replace" in operation}
    assert replaced >= {"fabric-docker-2-network", "fabric-docker-2-centos", "fabric-docker-2-nginx"}
    assert not any("docker-1" in name for name in replaced)
    stack.up()
    after = lab.container_ids()
    assert {key for key in after if before.get(key) != after[key]} == {"docker-2/centos", "docker-2/nginx"}
    assert_matrix(stack)
    stack.unchanged()


@pytest.mark.versions
def test_a_changed_mode_replaces_both_networks_and_says_so(lab: Lab, stack: Stack) -> None:
    """Switching l2 to l3 and back replaces networks and containers, says so before, and ends with the matrix of l2.

    In l3, where no ARP goes out, `up` asks the daemon for a new address: what holds it on the host is named, nothing is stopped.
    Unpublished: before Docker 28 a running l3 container cannot be connected to the bridge ("failed to set gateway").
    """
    stack.config["services"]["nginx"]["published"] = False
    fabric = stack.config["fabric"]
    gateway = fabric.pop("gateway")
    fabric["mode"] = "l3"
    replaced = {name for name, operation in stack.preview().items() if "replace" in operation}
    assert {f"fabric-{host}-network" for host in HOSTS} <= replaced
    stack.up()
    assert '"ipvlan_mode":"l3"' in lab.ssh("docker-1", "docker network inspect -f '{{json .Options}}' ipvlanl2")
    nginx = stack.config["services"]["nginx"]
    lab.ssh("docker-1", f"docker run -d --name guest --network ipvlanl2 --ip 10.1.1.12 {nginx['image']}")
    before = lab.container_ids()
    nginx["addresses"] = {"docker-1": "10.1.1.12"}
    refused = stack.up(check=False)
    assert refused.returncode != 0
    assert "is held by container guest on docker-1" in refused.stdout + refused.stderr
    assert lab.container_ids() == before
    lab.ssh("docker-1", "docker rm -f guest")
    nginx.pop("addresses")
    fabric.update(mode="l2", gateway=gateway)
    stack.up()
    assert_matrix(stack)
    stack.unchanged()


@pytest.mark.versions
def test_destroy_leaves_the_hosts_as_they_were_found(lab: Lab, stack: Stack) -> None:
    """After `destroy` no container, network, link, route, volume or firewall rule of ours is left; images are kept."""
    stack.pulumi("destroy", "--yes", "--skip-preview")
    for host in HOSTS:
        assert lab.footprint(host) == FOOTPRINT[host]
        assert "nginx" in lab.ssh(host, "docker image ls --digests")
