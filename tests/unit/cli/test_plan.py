"""What `ipvlan plan` prints."""

from __future__ import annotations

import json
from pathlib import Path

from tests.support.projects import ipvlan, write_project
from tools.reference_setup import STACK_TEXT


def test_plan_shows_slices_and_addresses(tmp_path: Path) -> None:
    """The tables hold each host's slice, used and free, and each service's addresses and URLs; from a sub-folder too."""
    write_project(tmp_path)
    folder = tmp_path / "below" / "it"
    folder.mkdir(parents=True)
    done = ipvlan(folder, "plan")
    assert (done.returncode, done.stderr) == (0, "")
    rows = [[cell.strip() for cell in line.split("│")[1:-1]] for line in done.stdout.splitlines() if "│" in line]
    assert rows == [
        ["docker-1", "192.168.140.200", "ens33", "10.1.1.0/24", "2", "254", "unrestricted"],
        ["docker-2", "192.168.140.201", "ens33", "10.1.2.0/24", "2", "254", "unrestricted"],
        ["centos", "docker-1", "centos", "10.1.1.1", "ipvlanl2 (10.1.0.1)", ""],
        ["", "docker-2", "centos", "10.1.2.1", "ipvlanl2 (10.1.0.1)", ""],
        ["nginx", "docker-1", "nginx", "10.1.1.2", "bridge (the host's NAT)", "http://192.168.140.200"],
        ["", "docker-2", "nginx", "10.1.2.2", "bridge (the host's NAT)", "http://192.168.140.201"],
    ]


def test_plan_as_json(tmp_path: Path) -> None:
    """--json prints the document alone, warnings inside it."""
    write_project(tmp_path, STACK_TEXT.replace("registry/os@sha256:" + "0" * 64, "registry/os:9"))
    done = ipvlan(tmp_path, "plan", "--json")
    document = json.loads(done.stdout)
    assert (done.returncode, done.stderr) == (0, "")
    assert document["services"]["nginx"]["urls"] == ["http://192.168.140.200", "http://192.168.140.201"]
    assert document["hosts"][1]["network"]["ip_range"] == "10.1.2.0/24"
    assert [warning["key"] for warning in document["warnings"]] == ["services.centos.image"]


def test_plan_shows_the_order_and_the_rollout(tmp_path: Path) -> None:
    """Where something is not as built in, a table has the services in their order, and how each is replaced."""
    text = STACK_TEXT.replace("    centos:\n", "    centos:\n      after: [nginx]\n")
    write_project(tmp_path, text.replace("offset: 2", "offset: 2\n      rollout: {at_once: all, healthy_within: 5m}"))
    printed = ipvlan(tmp_path, "plan").stdout
    rows = [[cell.strip() for cell in line.split("│")[1:-1]] for line in printed.splitlines() if "│" in line]
    hosts, restored = "docker-1, docker-2", "the previous container runs again"
    assert rows[-2:] == [
        ["nginx", "", hosts, "all hosts at once", "5m", restored],
        ["centos", "nginx", hosts, "one host at a time", "60s", restored],
    ]
    document = json.loads(ipvlan(tmp_path, "plan", "--json").stdout)
    assert document["order"] == [["nginx"], ["centos"]]
    assert document["services"]["centos"]["after"] == ["nginx"]
    assert document["services"]["nginx"]["rollout"] == {
        "hosts": ["docker-1", "docker-2"],
        "at_once": None,
        "healthy_within": 300,
        "on_failure": "restore",
    }


def test_at_on_the_command_line(tmp_path: Path) -> None:
    """--at answers in one line, and refuses what is no address as a wrong command line."""
    write_project(tmp_path)
    done = ipvlan(tmp_path, "plan", "--at", "10.1.2.2")
    assert (done.returncode, done.stdout) == (0, "10.1.2.2: nginx on docker-2 (service nginx)\n")
    wrong = ipvlan(tmp_path, "plan", "--at", "10.1.2.002")
    assert wrong.returncode == 2
    assert "leading zero" in wrong.stderr


def test_routes_for_a_router(tmp_path: Path) -> None:
    """In l3 --routes prints one route per slice in the router's language; in l2 it says that none is needed."""
    write_project(tmp_path)
    done = ipvlan(tmp_path, "plan", "--routes")
    assert (done.returncode, done.stdout) == (0, "")
    assert "mode l2 needs no routes" in done.stderr
    write_project(tmp_path, STACK_TEXT.replace("mode: l2", "mode: l3").replace("    gateway: 10.1.0.1\n", ""))
    done = ipvlan(tmp_path, "plan", "--routes", "--for", "frr")
    assert done.stdout.splitlines() == [
        "ip route 10.1.1.0/24 192.168.140.200",
        "ip route 10.1.2.0/24 192.168.140.201",
    ]


def test_routes_shims_and_ports_in_the_tables(tmp_path: Path) -> None:
    """In l3 the tables show each host's routes and shim; udp ports and unpublished ports are shown too."""
    text = STACK_TEXT.replace("mode: l2", "mode: l3").replace("    gateway: 10.1.0.1\n", "")
    text = text.replace("slice: 10.1.2.0/24", "slice: 10.1.2.0/24, shim: true, dynamic: none")
    text = text.replace('["80:80"]', '["80:80", "53:53/udp"]').replace(
        "offset: 1\n", 'offset: 1\n      ports: ["81:80"]\n'
    )
    write_project(tmp_path, text)
    output = ipvlan(tmp_path, "plan").stdout
    assert "│ docker-1 │ 10.1.2.0/24 │ 192.168.140.201 (docker-2) │" in output
    assert "http://192.168.140.200, 192.168.140.200:53/udp" in output
    assert "(not published: 81:80)" in output
    assert "│ none          │ 10.1.2." in output
