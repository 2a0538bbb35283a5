"""The state of a host: read from the Engine API and by the real script, and put into one shape."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from netaddr import IPAddress, IPNetwork

from ipvlan.hosts.connection import HostConnection
from ipvlan.hosts.errors import HostError
from ipvlan.hosts.forward_chains import DroppingChain, ForwardRules
from ipvlan.hosts.script import Output, read_output
from ipvlan.hosts.session import HostSession
from ipvlan.hosts.snapshot import Binding, Endpoint, HostSnapshot, Parent, take_snapshot
from ipvlan.hosts.trouble import Trouble
from ipvlan.hosts.volumes import LiveVolume
from tests.support.bridge_changes import bridge_plan
from tests.support.fake_engine import FakeEngine, fake_engine
from tests.support.live_parts import reference_plan

CONTAINERS: list[dict[str, Any]] = [
    {
        "Id": "c1",
        "Names": ["/other/alias", "/nginx"],
        "Image": "registry.lab:5000/nginx",
        "ImageID": "sha256:1",
        "State": "running",
        "Status": "Up 3 minutes (health: starting)",
        "Labels": {"ipvlan-fabric.stack": "dev"},
        "Ports": [
            {"IP": "0.0.0.0", "PrivatePort": 80, "PublicPort": 8080, "Type": "tcp"},  # noqa: S104
            {"PrivatePort": 443, "Type": "tcp"},
        ],
        "NetworkSettings": {
            "Networks": {
                "ipvlanl2": {
                    "NetworkID": "n1",
                    "IPAddress": "10.1.1.2",
                    "IPAMConfig": {"IPv4Address": "10.1.1.2"},
                },
                # As Docker 29 lists a network without an address.
                "host": {"NetworkID": "n2", "IPAddress": "invalid IP", "IPAMConfig": None},
            }
        },
    },
    {"Id": "c2", "Names": None, "State": "removing", "Ports": None, "NetworkSettings": None},
]
NETWORKS: list[dict[str, Any]] = [
    {
        "Id": "n1",
        "Name": "ipvlanl2",
        "Driver": "ipvlan",
        "IPAM": {
            "Config": [
                {"Subnet": "fd00::/64"},
                {"Subnet": "10.1.0.0/16", "Gateway": "10.1.0.1", "IPRange": "10.1.1.0/24"},
            ]
        },
        "Options": {"parent": "lo", "ipvlan_mode": "l2"},
        "Labels": {"ipvlan-fabric.stack": "dev"},
    },
    {"Id": "n2", "Name": "host", "Driver": "host", "IPAM": {"Config": None}, "Options": None, "Labels": None},
]

SSH = """#!/bin/sh
case "$*" in *"-O cancel"*) exit 0 ;; esac
socket=${2%%:*}
ln -s SOCKET "$socket"
for last; do :; done
exec sh -c "$last"
"""


@pytest.fixture
def docker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeEngine]:
    """Serve a Docker with two containers and two networks, and put an ssh on PATH that forwards to it."""
    with fake_engine(tmp_path / "docker.sock") as engine:
        engine.answers = {
            "GET /containers/json": (200, CONTAINERS),
            "GET /networks": (200, NETWORKS),
            "GET /info": (200, {"ID": "3cdd-27", "DockerRootDir": "/var/lib/docker"}),
            "GET /containers/c1/json": (200, {"State": {"Pid": 4711}, "ResolvConfPath": "/var/lib/docker/resolv.conf"}),
        }
        ssh = tmp_path / "bin" / "ssh"
        ssh.parent.mkdir()
        ssh.write_text(SSH.replace("SOCKET", str(engine.socket)))
        ssh.chmod(0o755)
        monkeypatch.setenv("PATH", f"{ssh.parent}:{os.environ['PATH']}")
        yield engine


def snapshot(parent: str = "lo", shim: str = "", **arguments: Any) -> HostSnapshot:
    """Return the state of this machine as docker-1."""
    connection = HostConnection(name="docker-1", command=("ssh", "docker-1"), parent=parent, shim=shim)
    with HostSession(connection, timeout=5) as session:
        return take_snapshot(session, timeout=5, **arguments)


def test_containers_and_networks_are_as_docker_lists_them(docker: FakeEngine) -> None:
    """Names without slash and alias, endpoints with addresses, bound ports, the IPv4 pool of a network."""
    host = snapshot()
    nginx = host.containers["nginx"]
    assert (nginx.id, nginx.running, nginx.health) == ("c1", True, "starting")
    address = IPAddress("10.1.1.2")
    assert nginx.endpoints == {
        "ipvlanl2": Endpoint(network="ipvlanl2", network_id="n1", address=address, fixed=address),
        "host": Endpoint(network="host", network_id="n2", address=None, fixed=None),
    }
    assert nginx.bindings == {
        Binding(host_address="0.0.0.0", host_port=8080, container_port=80, protocol="tcp")  # noqa: S104
    }
    assert host.engine_id == "3cdd-27"
    assert (host.containers["c2"].running, host.containers["c2"].endpoints) == (False, {})
    fabric = host.network("ipvlanl2")
    assert fabric is not None
    assert (fabric.subnet, fabric.gateway) == (IPNetwork("10.1.0.0/16"), IPAddress("10.1.0.1"))
    assert fabric.ip_range == IPNetwork("10.1.1.0/24")
    assert host.network("none") is None


def test_volumes_are_read_where_they_are_needed(docker: FakeEngine) -> None:
    """With driver, options and labels, which Docker leaves out where there are none; else no request is made."""
    assert snapshot().volumes is None
    assert not any(request.endswith("/volumes") for request in docker.requests)
    listed = [
        {"Name": "data", "Driver": "local", "Options": {"type": "nfs"}, "Labels": {"a": "b"}},
        {"Name": "bare", "Driver": "local", "Options": None, "Labels": None},
    ]
    docker.answers["GET /volumes"] = (200, {"Volumes": listed, "Warnings": None})
    volumes = snapshot(with_volumes=True).volumes
    assert volumes == {
        "data": LiveVolume(name="data", driver="local", options={"type": "nfs"}, labels={"a": "b"}),
        "bare": LiveVolume(name="bare", driver="local", options={}, labels={}),
    }
    docker.answers["GET /volumes"] = (200, {"Volumes": None, "Warnings": None})
    assert snapshot(with_volumes=True).volumes == {}
    # Where none is planned, a dead plugin of others is no reason to know nothing of the host.
    docker.answers["GET /volumes"] = (500, {"message": "a plugin is dead"})
    assert snapshot(with_volumes="where Docker lists them").volumes is None
    with pytest.raises(HostError):
        snapshot(with_volumes=True)


def test_the_host_itself_is_read_by_the_script(docker: FakeEngine) -> None:
    """Kernel, user and parent are this machine's; Docker's version comes with its answers."""
    host = snapshot()
    assert (host.host, host.kernel, host.docker) == ("docker-1", platform.release(), "28.5.2")
    assert host.root is (os.getuid() == 0)
    mtu = int(Path("/sys/class/net/lo/mtu").read_text())
    assert host.parent == Parent(name="lo", present=True, up=True, mtu=mtu)
    assert host.shim_addresses == ()
    assert IPAddress("127.0.0.1") in snapshot(shim="lo").shim_addresses


def test_a_parent_that_is_missing(docker: FakeEngine) -> None:
    """A NIC that the host does not have is not present, and its name is data for the shell."""
    assert snapshot("none0").parent == Parent(name="none0", present=False, up=False, mtu=None)
    assert not snapshot("$(id)").parent.present


def test_process_ids_on_request(docker: FakeEngine) -> None:
    """Only running containers have one; each is one more request."""
    planned = reference_plan().host("docker-1").containers
    host = snapshot(pids_of=planned)
    assert host.pids == {"nginx": 4711}
    assert host.resolvers == {"nginx": "/var/lib/docker/resolv.conf"}
    assert docker.requests.count("GET /v1.44/containers/c1/json") == 1


def test_a_planned_container_that_restarts_is_asked_about(docker: FakeEngine) -> None:
    """On request only, and nobody is asked about one that is well."""
    planned = reference_plan().host("docker-1").containers
    assert snapshot(troubles_of=planned).troubles == {}
    assert not any("/c1/" in request for request in docker.requests)
    restarting = {**CONTAINERS[0], "State": "restarting", "Status": "Restarting (1) 5 seconds ago"}
    docker.answers["GET /containers/json"] = (200, [restarting])
    docker.answers["GET /containers/c1/json"] = (
        200,
        {"RestartCount": 3, "State": {"Restarting": True, "ExitCode": 1}, "Config": {"Tty": False}},
    )
    docker.answers["GET /containers/c1/logs"] = (200, b"no such file\n")
    assert snapshot().troubles == {}
    assert snapshot(troubles_of=planned).troubles == {
        "nginx": Trouble(looping=True, restarts=3, exit_code=1, output=("no such file",))
    }


@pytest.mark.parametrize(
    ("api", "driver", "expected"),
    [
        ("1.51", "nftables", ("", "1.44")),
        ("1.56", "iptables", ("", "1.56")),
        ("1.56", "iptables+firewalld", ("", "1.56")),
        ("1.56", "nftables", ("yes", "1.56")),
        ("1.56", "nftables+firewalld", ("yes", "1.56")),
    ],
)
def test_the_firewall_is_read_where_docker_writes_nftables(
    docker: FakeEngine, monkeypatch: pytest.MonkeyPatch, api: str, driver: str, expected: tuple[str, str]
) -> None:
    """Docker's answer says so, in its newest API; an older Docker gets the same requests as ever, and no host one more."""
    asks_nftables, version = expected
    docker.newest_api = api
    docker.answers["GET /info"] = (200, {"ID": "3cdd-27", "FirewallBackend": {"Driver": driver}})
    variables: list[dict[str, str]] = []

    def run_script(_session: HostSession, _file: str, given: dict[str, str], *, timeout: float) -> Output:
        variables.append(given)
        return read_output(
            f"kernel=6\nuid=0\nforward={timeout:.0f}\niptables=iptables -P FORWARD DROP\nforward_rules=read\n"
        )

    monkeypatch.setattr(HostSession, "run_script", run_script)
    host = snapshot()
    assert [given["nftables"] for given in variables] == [asks_nftables]
    assert [request for request in docker.requests if request.endswith("/info")] == [f"GET /v{version}/info"]
    assert host.forwards
    assert host.forward_rules == ForwardRules(dropping=(DroppingChain(program="iptables", accepts=False),))


def test_whether_the_host_forwards(docker: FakeEngine) -> None:
    """It is the kernel's own word; the rules of a firewall are none of iptables' hosts."""
    host = snapshot()
    assert host.forwards is (Path("/proc/sys/net/ipv4/ip_forward").read_text() == "1\n")
    assert host.forward_rules is None


def test_routes_are_read_by_keyword() -> None:
    """A route leads to a neighbour or over a link, whatever else its line says."""
    host = HostSnapshot(
        host="docker-1",
        docker="",
        engine_id="",
        kernel="",
        root=True,
        parent=Parent(name="ens33", present=True, up=True, mtu=1500),
        routes=(
            "default via 192.168.140.1 dev ens33 proto dhcp metric 100",
            "10.1.2.0/24 proto static via 192.168.140.201 dev ens33 onlink",
            "10.1.1.0/24 dev shim.ens33 scope link src 10.1.1.254",
        ),
        containers={},
        networks=(),
    )
    assert host.routes_via(IPNetwork("10.1.2.0/24"), IPAddress("192.168.140.201"))
    assert not host.routes_via(IPNetwork("10.1.2.0/24"), IPAddress("192.168.140.202"))
    assert not host.routes_via(IPNetwork("10.1.2.0/25"), IPAddress("192.168.140.201"))
    assert host.routes_over(IPNetwork("10.1.1.0/24"), "shim.ens33")
    assert not host.routes_over(IPNetwork("10.1.1.0/24"), "ens33")
    assert host.has_route(IPNetwork("10.1.2.128/25"))
    assert not host.has_route(IPNetwork("10.9.0.0/24"))


def test_aliases_and_priorities_of_containers_with_bridges(docker: FakeEngine) -> None:
    """One request for each that is planned to be on a bridge and is there, in an API that has priorities; else none."""
    plan = bridge_plan()
    containers = plan.host("docker-1").containers
    ends = {
        "backend": {"NetworkID": "b1", "Aliases": ["c1", "api"], "GwPriority": -100, "IPAddress": "172.18.0.2"},
        "ipvlanl2": {"NetworkID": "n1", "Aliases": None, "GwPriority": 0},
    }
    described = {"Id": "c1", "NetworkSettings": {"Networks": ends}}
    docker.answers["GET /containers/c1/json"] = (200, described)
    listed = {"Id": "b1", "Name": "backend", "Driver": "bridge", "Internal": True, "IPAM": {"Config": []}}
    docker.answers["GET /networks"] = (200, [*NETWORKS, listed])
    host = snapshot(connections_of=containers)
    assert {name: list(ends) for name, ends in host.connections.items()} == {"nginx": ["backend", "ipvlanl2"]}
    backend = host.connections["nginx"]["backend"]
    assert (backend.aliases, backend.priority, backend.network_id) == (("api",), -100, "b1")
    assert [(bridge.name, bridge.internal) for bridge in host.bridges] == [("backend", True)]
    assert [request for request in docker.requests if "/c1/" in request] == ["GET /v1.51/containers/c1/json"]
    # Removed between the two requests.
    docker.answers["GET /containers/c1/json"] = (404, {"message": "No such container: c1"})
    assert snapshot(connections_of=containers).connections == {}
    docker.requests.clear()
    assert snapshot(connections_of=reference_plan().host("docker-1").containers).connections == {}
    assert not any("/c1/" in request for request in docker.requests)
