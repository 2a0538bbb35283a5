"""Further bridge networks of containers: names over them, live changes, drift and repair, what is refused, and what is left.

The tests share one stack; each goes on from the one before. A proxy on the fabric has its backend on the same host, which has no
address of the fabric; the backend has a database on an internal bridge.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from lab.harness import ADDRESSES, HOSTS, Lab, Stack, new_stack
from tests.support.lab_commands import assert_as_planned, differences, image_of, ipvlan

pytestmark = [pytest.mark.steps, pytest.mark.versions]

HOST = HOSTS[0]
BACKEND, DATA = "ipvlanl2-backend", "ipvlanl2-data"
PROXY = (
    'echo "server { listen 8080; location = /once { proxy_pass http://app/; } '
    'location / { resolver 127.0.0.11 valid=1s; set \\$api http://api; proxy_pass \\$api; } }" > /etc/nginx/conf.d/proxy.conf; '
    'exec nginx -g "daemon off;"'
)
"""nginx ends at its start where it cannot resolve `app`, for /once; for all else it asks again, as the address may be another."""
APP = 'echo of-the-app > /var/www/html/index.html; exec nginx -g "daemon off;"'
NAMES = ("proxy", "app", "db")


@dataclass(frozen=True, slots=True)
class Running:
    """A container as Docker has it."""

    id: str
    started: str
    networks: dict[str, dict[str, Any]]


def running(lab: Lab) -> dict[str, Running]:
    """Return name -> container, of those of the tests that run."""
    documents = json.loads(lab.ssh(HOST, "docker ps -q | xargs docker inspect"))
    found = {
        document["Name"].removeprefix("/"): Running(
            document["Id"], document["State"]["StartedAt"], document["NetworkSettings"]["Networks"]
        )
        for document in documents
    }
    return {name: found[name] for name in NAMES if name in found}


def lives(lab: Lab) -> dict[str, tuple[str, str]]:
    """Return name -> id and time of the start: what a live change does not touch."""
    return {name: (container.id, container.started) for name, container in running(lab).items()}


def links(lab: Lab, name: str) -> str:
    """Return what the host's ip says of a container's own links and routes."""
    pid = f"$(docker inspect -f '{{{{.State.Pid}}}}' {name})"
    return lab.ssh(HOST, f"nsenter -t {pid} -n sh -c 'ip -br a; ip r'")


def default_route(lab: Lab, name: str) -> str:
    """Return the gateway of a container's default route, empty without one."""
    lines = [line.split() for line in links(lab, name).splitlines() if line.startswith("default ")]
    return lines[0][2] if lines else ""


def page(lab: Lab, path: str = "") -> str:
    """Return what a client of the LAN gets at the proxy's published port."""
    return lab.exec("curl", "-s", "-m", "5", f"http://{ADDRESSES[HOST]}/{path}", check=False).stdout.strip()


def resolved(lab: Lab, name: str, asked: str) -> bool:
    """Return whether a container finds another one by that name."""
    done = lab.ssh(HOST, f"docker exec {name} nslookup {asked} 2>&1 || true")
    return "Name:" in done


def network_id(lab: Lab, name: str) -> str:
    """Return the id of a network, empty where there is none."""
    return lab.ssh(HOST, f"docker network inspect -f '{{{{.Id}}}}' {name} 2>/dev/null || true").strip()


@pytest.fixture(scope="module")
def bridges(lab: Lab) -> Iterator[Stack]:
    """Bring the proxy, its backend and the database up on docker-1; at the end nothing of it is left."""
    before = {host: lab.footprint(host) for host in HOSTS}
    with new_stack(lab) as stack:
        nginx, init = image_of(stack, "nginx"), image_of(stack, "centos")
        centos = stack.config["services"]["centos"]
        stack.config["bridges"] = {"backend": {}, "data": {"internal": True}}
        stack.config["services"] = {
            "centos": centos,
            "proxy": {
                "image": nginx, "command": ["sh", "-c", PROXY], "offset": 2, "hosts": [HOST], "ports": ["80:8080"],
                "published": True, "bridges": ["backend"], "after": ["app"],
            },
            "app": {
                "image": nginx, "command": ["sh", "-c", APP], "hosts": [HOST], "ports": ["8081:80"], "fabric": False,
                "bridges": {"backend": {"aliases": ["api"]}, "data": {}},
            },
            "db": {"image": init, "command": centos["command"], "hosts": [HOST], "fabric": False, "bridges": ["data"]},
        }  # fmt: skip
        stack.up(timeout=600)
        yield stack
    assert {host: lab.footprint(host) for host in HOSTS} == before


def test_a_proxy_reaches_its_backend_by_name(lab: Lab, bridges: Stack) -> None:
    """Nginx resolves its upstream at its first start; the backend has one link, no port at the host, and no default way in."""
    assert page(lab, "once") == page(lab) == "of-the-app"
    found = running(lab)
    assert sorted(found["proxy"].networks) == ["bridge", "ipvlanl2", BACKEND]
    assert sorted(found["app"].networks) == [BACKEND, DATA]
    assert sorted(found["db"].networks) == [DATA]
    assert resolved(lab, "proxy", "app")
    assert resolved(lab, "app", "db")
    assert not resolved(lab, "proxy", "db")
    assert default_route(lab, "proxy").startswith("172.17.")
    assert default_route(lab, "app")
    assert default_route(lab, "db") == ""
    assert ":8081 " not in lab.ssh(HOST, "docker port app; ss -ltn")
    assert_as_planned(bridges)
    bridges.pulumi("up", "--yes", "--refresh", "--expect-no-changes")


def test_live_changes_keep_the_containers(lab: Lab, bridges: Stack) -> None:
    """Attach, detach, another alias and another subnet: one `up`, and each container has the id and start that it had."""
    before, route = lives(lab), default_route(lab, "proxy")
    services = bridges.config["services"]
    services["proxy"]["bridges"] = {"backend": {}, "data": {"aliases": ["front"]}}
    services["app"]["bridges"] = {"backend": {"aliases": ["api", "web2"]}}
    services["db"]["bridges"] = ["data", "backend"]
    bridges.config["bridges"]["data"]["subnet"] = "172.30.5.0/24"
    bridges.up()
    assert lives(lab) == before
    assert default_route(lab, "proxy") == route
    assert page(lab) == "of-the-app"
    assert running(lab)["proxy"].networks[DATA]["IPAddress"].startswith("172.30.5.")
    assert resolved(lab, "db", "front")
    assert resolved(lab, "db", "web2")
    assert sorted(running(lab)["app"].networks) == [BACKEND]
    bridges.assert_unchanged()


def test_drift_is_named_and_healed(lab: Lab, bridges: Stack) -> None:
    """What was disconnected, connected or removed by hand is named; `heal` puts it right, and nothing is replaced."""
    before = lives(lab)
    lab.ssh(HOST, f"docker network disconnect {BACKEND} app; docker network connect {DATA} app")
    lab.ssh(HOST, f"docker network disconnect {DATA} proxy; docker network disconnect {DATA} app")
    lab.ssh(HOST, f"docker network disconnect {DATA} db; docker network rm {DATA} >/dev/null")
    lab.ssh(HOST, f"docker network connect {BACKEND} centos")
    names = {(name, service) for name, host, service in differences(lab) if host == HOST}
    assert ("bridge-network-missing", None) in names
    assert ("endpoint-missing", "app") in names
    assert ("endpoint-extra", "centos") in names
    healed = ipvlan(lab, "heal", "--yes", timeout=400)
    assert healed.returncode == 0, healed.stdout + healed.stderr
    assert lives(lab) == before
    assert page(lab) == "of-the-app"
    assert BACKEND not in json.loads(lab.ssh(HOST, "docker inspect centos"))[0]["NetworkSettings"]["Networks"]
    assert_as_planned(bridges)


def has_priorities(lab: Lab) -> bool:
    """Return whether Docker on the host has priorities of gateways: 28 and later."""
    return int(lab.ssh(HOST, "docker version --format '{{.Server.Version}}'").split(".")[0]) >= 28


def test_what_is_refused_changes_nothing(lab: Lab, bridges: Stack) -> None:
    """A bridge that would take the default route (before Docker 28), one of others, and one with a container of others on it."""
    before, config = lives(lab), bridges.config["bridges"]
    by_name = [] if has_priorities(lab) else [("front", {"name": "aa"}, "aa")]
    lab.ssh(HOST, "docker network create taken >/dev/null")
    lab.ssh(HOST, f"docker run -d --name stranger --network {BACKEND} {image_of(bridges, 'centos')} >/dev/null")
    proxy = bridges.config["services"]["proxy"]
    attached = dict(proxy["bridges"])
    for name, bridge, said in (
        *by_name,
        ("front", {"name": "taken"}, "IPF804"),
        ("front", {"name": "absent", "external": True}, "IPF803"),
        ("backend", {"subnet": "172.30.6.0/24"}, "stranger"),
    ):
        kept = config.get(name)
        config[name], proxy["bridges"] = bridge, {**attached, name: {}}
        refused = bridges.up(check=False)
        if kept is None:
            del config[name]
        else:
            config[name] = kept
        assert refused.returncode != 0
        assert said in refused.stdout + refused.stderr
        assert lives(lab) == before
    proxy["bridges"] = attached
    lab.ssh(HOST, "docker rm -f stranger >/dev/null")
    assert page(lab) == "of-the-app"


def test_a_priority_keeps_the_default_route(lab: Lab, bridges: Stack) -> None:
    """From Docker 28 a bridge whose name sorts first takes no default route, when it is joined and after a restart."""
    if not has_priorities(lab):
        pytest.skip("Docker before 28 has no priorities: such a bridge is refused there")
    before, route = lives(lab), {name: default_route(lab, name) for name in ("proxy", "centos")}
    services = bridges.config["services"]
    bridges.config["bridges"]["first"] = {"name": "aa"}
    services["proxy"]["bridges"]["first"], services["centos"]["bridges"] = {}, ["first"]
    bridges.up()
    assert "aa" in running(lab)["proxy"].networks
    assert {name: default_route(lab, name) for name in route} == route
    assert lives(lab) == before
    lab.ssh(HOST, "docker restart -t 1 proxy centos >/dev/null")
    assert {name: default_route(lab, name) for name in route} == route
    assert page(lab) == "of-the-app"
    del bridges.config["bridges"]["first"], services["proxy"]["bridges"]["first"], services["centos"]["bridges"]
    bridges.up()
    assert {name: default_route(lab, name) for name in route} == route
    assert network_id(lab, "aa") == ""


def test_an_external_bridge_is_only_used(lab: Lab, bridges: Stack) -> None:
    """A network of others is joined live, and neither changed nor removed when it leaves the config."""
    before, id_ = lives(lab), network_id(lab, "taken")
    bridges.config["bridges"]["mon"] = {"external": True, "name": "taken"}
    bridges.config["services"]["db"]["bridges"].append("mon")
    bridges.up()
    assert "taken" in running(lab)["db"].networks
    bridges.config["services"]["db"]["bridges"].remove("mon")
    del bridges.config["bridges"]["mon"]
    bridges.up()
    assert "taken" not in running(lab)["db"].networks
    assert lives(lab) == before
    assert network_id(lab, "taken") == id_


def test_a_restored_container_has_its_bridges(lab: Lab, bridges: Stack) -> None:
    """Where a replacement does not come up the previous container runs again, with its bridges, aliases and route."""
    app = bridges.config["services"]["app"]
    good, app["command"] = app["command"], ["false"]
    failed = bridges.up(check=False, timeout=400)
    assert failed.returncode != 0
    assert page(lab) == "of-the-app"
    networks = running(lab)["app"].networks
    assert sorted(networks) == [BACKEND]
    assert {"api", "web2"} <= set(networks[BACKEND]["Aliases"])
    app["command"] = good
    bridges.up(timeout=400)
    assert page(lab) == "of-the-app"
    assert_as_planned(bridges)


def test_a_restart_keeps_them(lab: Lab, bridges: Stack) -> None:
    """After a restart of Docker every container has its bridges and its route."""
    route = default_route(lab, "proxy")
    lab.ssh(HOST, "systemctl restart docker && docker ps -q | xargs -r docker inspect >/dev/null")
    lab.ssh(HOST, "for i in $(seq 30); do [ $(docker ps -q | wc -l) -ge 4 ] && break; sleep 1; done")
    assert default_route(lab, "proxy") == route
    assert_as_planned(bridges)
    assert page(lab) == "of-the-app"


def test_destroy_leaves_what_is_of_others(lab: Lab, bridges: Stack) -> None:
    """No network of the stack is left; the one of others is there, with the id that it had."""
    id_ = network_id(lab, "taken")
    bridges.pulumi("destroy", "--yes", "--skip-preview")
    assert network_id(lab, BACKEND) == network_id(lab, DATA) == ""
    assert network_id(lab, "taken") == id_ != ""
    lab.ssh(HOST, "docker network rm taken >/dev/null")
