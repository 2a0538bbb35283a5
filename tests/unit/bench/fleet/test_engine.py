"""What a simulated host answers."""

from __future__ import annotations

import json
from typing import Any

import pytest

from bench.fleet.docker_cli import run_docker
from bench.fleet.engine import SimulatedHost
from bench.fleet.tools import reaches, run_tool

FABRIC = {
    "Name": "fleet",
    "Driver": "ipvlan",
    "IPAM": {"Config": [{"Subnet": "10.64.0.0/10"}]},
    "Options": {"parent": "ens33"},
}


def ask(host: SimulatedHost, method: str, path: str, body: Any = None, **query: str) -> tuple[int, Any]:
    """Return status and content of a reply."""
    status, content = host.answer(method, f"/v1.51{path}", query, json.dumps(body or {}).encode())
    return status, json.loads(content) if content[:1] in (b"{", b"[") else content


@pytest.fixture
def host() -> SimulatedHost:
    """Return a host with a network of the fabric and an image."""
    host = SimulatedHost(name="host-1", address="10.200.1.0")
    assert ask(host, "POST", "/networks/create", FABRIC)[0] == 201
    assert ask(host, "POST", "/images/create", fromImage="registry/web", tag="sha256:1")[0] == 200
    return host


def create(host: SimulatedHost, name: str, address: str) -> str:
    """Create a container with a port on the fabric, start it and return its id."""
    status, created = ask(
        host,
        "POST",
        "/containers/create",
        {
            "Image": "registry/web@sha256:1",
            "HostConfig": {"NetworkMode": "fleet", "PortBindings": {"80/tcp": [{"HostPort": "8080"}]}},
            "NetworkingConfig": {"EndpointsConfig": {"fleet": {"IPAMConfig": {"IPv4Address": address}}}},
        },
        name=name,
    )
    assert status == 201
    assert ask(host, "POST", f"/containers/{created['Id']}/start")[0] == 204
    return str(created["Id"])


def test_ports_are_bound_while_the_bridge_is_connected(host: SimulatedHost) -> None:
    """As with Docker: a container on ipvlan alone binds nothing; on the bridge too it does; disconnected, it does not."""
    id_ = create(host, "web", "10.64.1.1")

    def ports() -> list[int]:
        return [port["PublicPort"] for each in ask(host, "GET", "/containers/json")[1] for port in each["Ports"]]

    assert ports() == []
    assert run_docker(host, ["network", "connect", "--gw-priority", "100", "bridge", id_]) == (0, "")
    assert ports() == [8080]
    assert ask(host, "POST", "/networks/bridge/connect", {"Container": id_})[0] == 403
    assert run_docker(host, ["network", "disconnect", "bridge", id_]) == (0, "")
    assert ports() == []


def test_refusals_are_docker_s(host: SimulatedHost) -> None:
    """A name twice, an image that is not there, a network in use, and what is not there."""
    id_ = create(host, "web", "10.64.1.1")
    body = {"Image": "registry/web@sha256:1"}
    assert ask(host, "POST", "/containers/create", body, name="web")[0] == 409
    assert ask(host, "POST", "/containers/create", {"Image": "other"}, name="api")[0] == 404
    assert ask(host, "DELETE", "/networks/fleet")[0] == 403
    assert ask(host, "DELETE", f"/containers/{id_}")[0] == 204
    assert ask(host, "DELETE", "/networks/fleet")[0] == 204
    assert ask(host, "GET", f"/containers/{id_}/json")[0] == 404
    assert ask(host, "GET", "/swarm")[1]["message"] == "the simulated host has no GET /swarm"
    assert run_docker(host, ["swarm", "init"])[0] == 1
    assert run_tool(host, {}, ["", "reboot"])[1] == 127


def test_pings_go_where_ipvlan_lets_them(host: SimulatedHost) -> None:
    """From a container to containers of all hosts; to hosts by the bridge alone; never from a host to a container."""
    other = SimulatedHost(name="host-2", address="10.200.1.1")
    ask(other, "POST", "/networks/create", FABRIC)
    ask(other, "POST", "/images/create", fromImage="registry/web", tag="sha256:1")
    hosts = {each.address: each for each in (host, other)}
    id_ = create(host, "web", "10.64.1.1")
    create(other, "web", "10.64.2.1")
    pid = str(host.container(id_)["State"]["Pid"])
    targets = ["10.64.2.1", "10.64.9.9", "10.200.1.1"]
    assert [reaches(host, hosts, pid, target) for target in targets] == [True, False, False]
    run_docker(host, ["network", "connect", "bridge", id_])
    assert reaches(host, hosts, pid, "10.200.1.1")
    assert [reaches(host, hosts, "", target) for target in targets] == [False, False, True]
    assert run_tool(host, hosts, [pid, "ping", "-n", "-w", "2", "10.64.9.9"]) == (2.0, 1, "")
