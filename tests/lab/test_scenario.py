"""The scenario of the reference setup on real hosts, from nothing to nothing: publishing, changes, destroy.

The tests are steps on one stack. Every connection that must work, or must not, is verified on the way.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from lab.harness import ADDRESSES, HOSTS, Lab, Stack
from tests.support.json_documents import validate

pytestmark = pytest.mark.steps


@dataclass
class Recorded:
    """What the first steps record and later ones compare with."""

    footprint: dict[str, dict[str, str]]
    """Host -> what was on it before the first `up`."""
    container_ids: dict[str, str] = field(default_factory=dict)
    """`host/name` -> id of the containers of the first `up`."""


@pytest.fixture(scope="module", autouse=True)
def recorded(lab: Lab, stack: Stack) -> Recorded:
    """Record what is on the hosts before the first step, which begins with nothing published."""
    stack.config["services"]["nginx"]["published"] = False
    return Recorded(footprint={host: lab.footprint(host) for host in HOSTS})


def http_statuses(lab: Lab) -> dict[str, str]:
    """Return host -> HTTP status of its port 80 as the client outside sees it; "000": refused."""
    return {host: lab.http_status(address) for host, address in ADDRESSES.items()}


def assert_matrix(stack: Stack) -> None:
    """Assert that every connection is as the plan expects, and that none was left out."""
    document = stack.verify()
    validate(document, "verify")
    assert document["ok"], [cell for cell in document["cells"] if not cell["ok"]]
    assert len(document["cells"]) >= 4 * 3 + 4 * 2 + 4 + 2


@pytest.mark.versions
def test_up_creates_everything(lab: Lab, stack: Stack, recorded: Recorded) -> None:
    """`pulumi up` creates network and containers on both hosts, each container at its planned address."""
    stack.up()
    recorded.container_ids = lab.container_ids()
    assert set(recorded.container_ids) == {f"{host}/{name}" for host in HOSTS for name in ("centos", "nginx")}
    for number, host in enumerate(HOSTS, start=1):
        for offset, name in enumerate(("centos", "nginx"), start=1):
            template = '{{(index .NetworkSettings.Networks "ipvlanl2").IPAddress}}'
            assert lab.ssh(host, f"docker inspect -f '{template}' {name}").strip() == f"10.1.{number}.{offset}"


@pytest.mark.versions
def test_network_is_as_planned(lab: Lab) -> None:
    """The network has subnet, gateway, the host's slice as range, mode and parent."""
    for number, host in enumerate(HOSTS, start=1):
        template = "{{json .IPAM.Config}} {{json .Options}} {{.Driver}}"
        network = lab.ssh(host, f"docker network inspect -f '{template}' ipvlanl2")
        for part in (
            '"Subnet":"10.1.0.0/16"', f'"IPRange":"10.1.{number}.0/24"', '"Gateway":"10.1.0.1"',
            '"ipvlan_mode":"l2"', '"parent":"ens33"', " ipvlan",
        ):  # fmt: skip
            assert part in network


@pytest.mark.versions
def test_matrix_before_publishing(lab: Lab, stack: Stack) -> None:
    """Before publishing every connection is as planned, and port 80 is refused on both hosts."""
    assert_matrix(stack)
    assert http_statuses(lab) == {"docker-1": "000", "docker-2": "000"}


@pytest.mark.versions
def test_second_up_changes_nothing(lab: Lab, stack: Stack, recorded: Recorded) -> None:
    """A second `up` changes nothing."""
    stack.assert_unchanged()
    assert lab.container_ids() == recorded.container_ids


@pytest.mark.versions
def test_publishing_keeps_containers(lab: Lab, stack: Stack, recorded: Recorded) -> None:
    """Publishing makes port 80 answer on both hosts and keeps every container; the next `up` changes nothing."""
    stack.config["services"]["nginx"]["published"] = True
    stack.up()
    assert lab.container_ids() == recorded.container_ids
    assert http_statuses(lab) == {"docker-1": "200", "docker-2": "200"}
    page = lab.exec("curl", "-s", "-m", "5", f"http://{ADDRESSES['docker-2']}/").stdout
    assert "Welcome to nginx" in page
    stack.assert_unchanged()


@pytest.mark.versions
def test_matrix_while_published(lab: Lab, stack: Stack) -> None:
    """While nginx is published every connection is as planned."""
    assert_matrix(stack)


@pytest.mark.versions
def test_refresh_changes_nothing(lab: Lab, stack: Stack) -> None:
    """The state is as the hosts are: `refresh` changes nothing, and neither does the next `up`."""
    stack.pulumi("refresh", "--yes", "--expect-no-changes")
    stack.assert_unchanged()


@pytest.mark.versions
def test_a_disconnected_bridge_is_connected_again(lab: Lab, stack: Stack, recorded: Recorded) -> None:
    """`up --refresh` restores a bridge connection that was removed by hand, and nothing else; the next `up` changes nothing."""
    lab.ssh("docker-2", "docker network disconnect bridge nginx")
    assert http_statuses(lab) == {"docker-1": "200", "docker-2": "000"}
    stack.up("--refresh")
    assert http_statuses(lab) == {"docker-1": "200", "docker-2": "200"}
    assert lab.container_ids() == recorded.container_ids
    stack.assert_unchanged()


@pytest.mark.versions
def test_unpublishing_keeps_containers(lab: Lab, stack: Stack, recorded: Recorded) -> None:
    """After unpublishing port 80 is refused on both hosts, every container is the same, and the matrix is as before."""
    stack.config["services"]["nginx"]["published"] = False
    stack.up()
    assert http_statuses(lab) == {"docker-1": "000", "docker-2": "000"}
    assert lab.container_ids() == recorded.container_ids
    assert_matrix(stack)
    stack.config["services"]["nginx"]["published"] = True
    stack.up()
    stack.assert_unchanged()


@pytest.mark.parametrize(
    "changes",
    # tests/lab/test_prediction.py changes an image too, and compares it with the report.
    [("port", "address"), pytest.param(("image", "command"), marks=pytest.mark.long)],
    ids=" and ".join,
)
def test_a_change_replaces_that_container_only(lab: Lab, stack: Stack, changes: tuple[str, str]) -> None:
    """A changed port, image, address or command replaces that one container, as the preview says, and nothing else.

    Two changes at a time, each of a service on a host of its own.
    """
    nginx = stack.config["services"]["nginx"]
    nginx.setdefault("hosts", list(HOSTS))
    for number, host in enumerate(HOSTS, start=1):
        web = {**nginx, "offset": 6 + number, "hosts": [host], "ports": [f"{8079 + number}:80"]}
        stack.config["services"][f"web-{number}"] = web
    stack.up()
    before = lab.container_ids()
    for number, change in enumerate(changes, start=1):
        stack.config["services"][f"web-{number}"].update(
            {
                "port": {"ports": ["8090:80"]},
                "image": {"image": lab.images()["nginx-next"]},
                "address": {"offset": 9},
                "command": {"command": ["nginx", "-c", "/etc/nginx/nginx.conf", "-g", "daemon off;"]},
            }[change]
        )
    steps = {name: operation for name, operation in stack.preview().items() if operation != "create"}
    replaced = {name for name, operation in steps.items() if "replace" in operation}
    webs = ("fabric-docker-1-web-1", "fabric-docker-2-web-2")
    assert replaced == {*webs, *(f"{web}-published-bridge" for web in webs)}
    # A new address is checked first, and what comes before and after each replacement is an update.
    others = {f"{web}-{what}" for web in webs for what in ("handover", "settled")}
    others |= {"fabric-addresses"} if "address" in changes else set()
    assert {name for name in steps if name not in replaced and "image" not in name} == others
    stack.up()
    after = lab.container_ids()
    assert {key for key in after if before.get(key) != after[key]} == {"docker-1/web-1", "docker-2/web-2"}
    for number, address in enumerate(ADDRESSES.values(), start=1):
        port = stack.config["services"][f"web-{number}"]["ports"][0].partition(":")[0]
        assert lab.http_status(address, int(port)) == "200"
    stack.assert_unchanged()
    # The next step may be left out, so this one cleans up itself.
    for number in (1, 2):
        stack.config["services"].pop(f"web-{number}")
    stack.up()


@pytest.mark.long  # test_l3 of tests/lab/test_modes.py and tests/lab/test_prediction.py move a slice too.
def test_a_changed_slice_replaces_that_host_only(lab: Lab, stack: Stack) -> None:
    """A moved slice replaces that host's network and containers, in the preview and on the host; the other host keeps its own."""
    before = lab.container_ids()
    stack.config["hosts"]["docker-2"]["slice"] = "10.1.3.0/24"
    replaced = {name for name, operation in stack.preview().items() if "replace" in operation}
    assert replaced >= {"fabric-docker-2-network", "fabric-docker-2-centos", "fabric-docker-2-nginx"}
    assert not any("docker-1" in name for name in replaced)
    stack.up()
    after = lab.container_ids()
    assert {key for key in after if before.get(key) != after[key]} == {"docker-2/centos", "docker-2/nginx"}
    assert_matrix(stack)
    stack.assert_unchanged()


@pytest.mark.long  # test_l3 of tests/lab/test_modes.py stands for it in `make test`.
@pytest.mark.versions
def test_a_changed_mode_replaces_both_networks(lab: Lab, stack: Stack) -> None:
    """Switching from l2 to l3 and back replaces networks and containers, as the preview says, and ends with the matrix of l2.

    In l3 no ARP leaves a host, so `up` asks the daemon about a new address: the container that has it on the host is named, and
    nothing is stopped. Unpublished: before Docker 28 a running l3 container cannot be connected to the bridge ("failed to set
    gateway").
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
    guest = lab.ssh(
        "docker-1", f"docker run -d --name guest --network ipvlanl2 --ip 10.1.1.12 {nginx['image']}"
    ).strip()
    before = lab.container_ids()
    nginx["addresses"] = {"docker-1": "10.1.1.12"}
    refused = stack.up(check=False)
    assert refused.returncode != 0
    assert f"is held by container guest ({guest[:12]}) on docker-1" in refused.stdout + refused.stderr
    assert lab.container_ids() == before
    lab.ssh("docker-1", "docker rm -f guest")
    nginx.pop("addresses")
    fabric.update(mode="l2", gateway=gateway)
    stack.up()
    assert_matrix(stack)
    stack.assert_unchanged()


@pytest.mark.versions
def test_destroy_leaves_nothing_on_the_hosts(lab: Lab, stack: Stack, recorded: Recorded) -> None:
    """After `destroy` containers, networks, links, routes, volumes and firewall are as before the first `up`; images stay."""
    stack.pulumi("destroy", "--yes", "--skip-preview")
    for host in HOSTS:
        assert lab.footprint(host) == recorded.footprint[host]
        assert "nginx" in lab.ssh(host, "docker image ls --digests")
