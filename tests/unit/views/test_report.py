"""What the report of a pull request predicts, over a real git history."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ipvlan.plan.changes import Changes, compare
from ipvlan.plan.make import make_plan
from ipvlan.plan.validate import parse
from ipvlan.views.mermaid import topology
from tests.support.projects import commit_all, git, ipvlan, write_project
from tests.support.reference import DIGEST, REMOVE, STACK_TEXT, changed, host

ADDED = f"""\
    api:
      image: registry/api{DIGEST}
      offset: 3
"""
HISTORY = (
    ("a service added", STACK_TEXT + ADDED),
    ("a slice moved", (STACK_TEXT + ADDED).replace("10.1.2.0/24", "10.1.5.0/24")),
    (
        "a published flag switched",
        (STACK_TEXT + ADDED).replace("10.1.2.0/24", "10.1.5.0/24").replace("published: true", "published: false"),
    ),
)
EXPECTED: dict[str, dict[str, list[str]]] = {
    "a service added": {"create": ["docker-1/api", "docker-2/api"]},
    "a slice moved": {"replace": ["docker-2/api", "docker-2/centos", "docker-2/nginx"]},
    "a published flag switched": {"detach": ["docker-1/nginx", "docker-2/nginx"]},
}


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository whose project lies in a sub-folder, with the seed and three changes of it."""
    top = tmp_path_factory.mktemp("repository")
    folder = top / "deploy"
    folder.mkdir()
    path = write_project(folder)
    commit_all(top, "the seed")
    git(top, "tag", "seed")
    for message, text in HISTORY:
        path.write_text(text)
        commit_all(top, message)
        git(top, "tag", message.replace(" ", "-"))
    return folder


def actions(document: dict[str, Any]) -> dict[str, list[str]]:
    """Action -> host/service."""
    found: dict[str, list[str]] = {}
    for one in document["containers"]:
        found.setdefault(one["action"], []).append(f"{one['host']}/{one['service']}")
    return found


@pytest.mark.parametrize("message", EXPECTED)
def test_report_of_each_change(history: Path, message: str) -> None:
    """Each change does to the containers exactly what it must, in JSON and in words."""
    tag = message.replace(" ", "-")
    done = ipvlan(history, "report", "--base", f"{tag}~1", "--head", tag, "--json")
    assert done.returncode == 0, done.stderr
    assert actions(json.loads(done.stdout)) == EXPECTED[message]
    text = ipvlan(history, "report", "--base", f"{tag}~1", "--head", tag).stdout
    assert ("**Downtime.**" in text) == ("replace" in EXPECTED[message])
    assert "```mermaid\nflowchart TB" in text
    assert "### Warnings" not in text


def test_report_of_the_working_folder(history: Path) -> None:
    """Without --head the working folder is compared, uncommitted changes included."""
    path = history / "Pulumi.dev.yaml"
    text = path.read_text()
    path.write_text(text.replace("offset: 3", "offset: 9"))
    try:
        done = ipvlan(history, "report", "--base", "HEAD", "--json")
        assert actions(json.loads(done.stdout)) == {"replace": ["docker-1/api", "docker-2/api"]}
    finally:
        path.write_text(text)
    again = ipvlan(history, "report", "--base", "HEAD")
    assert "**Nothing changes on the hosts.**" in again.stdout


def test_report_of_moved_addresses(history: Path) -> None:
    """A moved slice shows every address that moves, from and to, and the network that is recreated."""
    text = ipvlan(history, "report", "--base", "a-service-added", "--head", "a-slice-moved").stdout
    assert "| docker-2 | nginx | 10.1.2.2 | 10.1.5.2 |" in text
    assert "| docker-2 | replace network | ip range: 10.1.2.0/24 -> 10.1.5.0/24 |" in text
    assert "docker-1 |" not in text


def test_report_of_doors(history: Path) -> None:
    """A switched flag shows which port closes where, and that nothing is recreated."""
    text = ipvlan(history, "report", "--base", "a-slice-moved", "--head", "HEAD").stdout
    assert "| docker-1 | nginx | 192.168.140.200 80:80 | unpublish |" in text
    assert "### Replaced" not in text


def test_report_of_a_new_stack(history: Path, tmp_path: Path) -> None:
    """A stack that the base does not have is new, and a base that was no valid config says why."""
    write_project(history, STACK_TEXT, stack="new")
    try:
        text = ipvlan(history, "--stack", "new", "report", "--base", "HEAD").stdout
    finally:
        (history / "Pulumi.new.yaml").unlink()
    assert "The stack is new." in text
    path = write_project(tmp_path, STACK_TEXT.replace("offset: 2", "offset: 1"))
    commit_all(tmp_path, "broken")
    path.write_text(STACK_TEXT)
    done = ipvlan(tmp_path, "report", "--base", "HEAD")
    assert done.returncode == 0
    assert "The state before this change is no valid config" in done.stdout


def test_a_broken_new_state_fails(tmp_path: Path) -> None:
    """A pull request whose config is wrong gets the list of problems and exit status 1."""
    path = write_project(tmp_path)
    commit_all(tmp_path, "fine")
    path.write_text(STACK_TEXT.replace("offset: 2", "offset: 1"))
    done = ipvlan(tmp_path, "report", "--base", "HEAD")
    assert done.returncode == 1
    assert "centos on docker-1 and nginx on docker-1 have one address" in done.stderr


def changes(after: dict[str, Any], before: dict[str, Any] | None = None) -> Changes:
    """What becomes of the seed, or of another state, when it is changed."""
    return compare(make_plan(parse(changed(before or {}))), make_plan(parse(changed(after))))


NGINX = "services.nginx."
L3 = {"fabric.mode": "l3", "fabric.gateway": REMOVE}


@pytest.mark.parametrize(
    ("after", "action"),
    [
        ({NGINX + "restart": "always"}, "update"),
        ({NGINX + "memory": "64m"}, "update"),
        ({NGINX + "cpu_shares": 2}, "update"),
        ({NGINX + "image": f"registry/other{DIGEST}"}, "replace"),
        ({NGINX + "offset": 9}, "replace"),
        ({NGINX + "command": ["x"]}, "replace"),
        ({NGINX + "ports": ["81:80"]}, "replace"),
        ({NGINX + "container_name": "other"}, "replace"),
        ({NGINX + "environment": {"A": "b"}}, "replace"),
        ({NGINX + "secret_environment": {"A": "b"}}, "replace"),
        ({NGINX + "labels": {"a": "b"}}, "replace"),
        ({NGINX + "healthcheck": {"test": ["NONE"]}}, "replace"),
        ({NGINX + "tmpfs": {"/tmp": ""}}, "replace"),  # noqa: S108  # a path in the container
        ({NGINX + "stop_timeout": 3}, "replace"),
        ({NGINX + "published": False}, "detach"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else value,
)
def test_fate_of_a_changed_setting(after: dict[str, Any], action: str) -> None:
    """A changed key of one service does one thing to its containers and nothing to any other."""
    found = changes(after)
    assert {(change.service, change.action) for change in found.containers} == {("nginx", action)}
    assert len(found.containers) == 2
    assert found.hosts == ()


def test_a_limit_taken_away_recreates() -> None:
    """Docker takes no limit from a running container, so it is made anew; a limit of 0 is none from the start."""
    found = changes({}, {NGINX + "memory": "64m"})
    assert {(change.service, change.action, change.reasons) for change in found.containers} == {
        ("nginx", "replace", ("memory",))
    }
    assert not changes({NGINX + "cpu_shares": 0})


@pytest.mark.parametrize(
    "after",
    [{"fabric.name": "other"}, {"fabric.gateway": "10.1.0.2"}, {"fabric.subnet": "10.0.0.0/8"}, L3],
    ids=["name", "gateway", "subnet", "mode"],
)
def test_a_changed_fabric_recreates_everything(after: dict[str, Any]) -> None:
    """Every field of the network makes it and all its containers anew."""
    found = changes(after)
    assert len(found.of("replace")) == len(found.containers) == 4
    assert [change.host for change in found.hosts if change.action == "replace network"] == ["docker-1", "docker-2"]


def test_order_and_warnings_change_nothing() -> None:
    """A sorted file, a reserved range and another ssh time limit do nothing to what runs."""
    raw = changed({})
    raw["hosts"] = dict(reversed(raw["hosts"].items()))
    raw["fabric"]["reserved"] = ["10.1.9.0/24"]
    raw["ssh"] = {"connect_timeout": 30}
    assert not compare(make_plan(parse(changed({}))), make_plan(parse(raw)))


def test_a_new_host_changes_no_other() -> None:
    """A host that comes gets its containers; in l3 the others get a route to it and keep their containers."""
    found = changes({"hosts.docker-3": host(3)})
    assert {(change.host, change.action) for change in found.containers} == {("docker-3", "create")}
    routed = changes({**L3, "hosts.docker-3": host(3)}, L3)
    assert {(change.host, change.action) for change in routed.containers} == {("docker-3", "create")}
    assert [(change.host, change.action, change.reasons) for change in routed.hosts] == [
        ("docker-1", "update routes", ("+ 10.1.3.0/24 via 192.168.140.202",)),
        ("docker-2", "update routes", ("+ 10.1.3.0/24 via 192.168.140.202",)),
        ("docker-3", "create", ()),
    ]


def test_a_host_reached_differently_keeps_its_containers() -> None:
    """Another ssh destination is no reason to touch what runs."""
    found = changes({"hosts.docker-1.ssh": "admin@192.168.140.200"})
    assert found.containers == ()
    assert [(change.host, change.action) for change in found.hosts] == [("docker-1", "update connection")]


def test_a_service_that_goes_is_removed() -> None:
    """What is taken out of the file is removed, its doors with it."""
    found = changes({"services.nginx": REMOVE})
    assert {(change.service, change.action) for change in found.containers} == {("nginx", "delete")}


def test_an_update_beside_a_switch_is_told_too() -> None:
    """A container that is published and gets more memory is connected and updated, not recreated."""
    found = changes({NGINX + "published": False, NGINX + "memory": "64m"})
    assert [change.action for change in found.containers] == ["detach", "update"] * 2


def test_topology_counts_what_it_does_not_draw() -> None:
    """20 hosts are drawn in full, 21 as boxes with a count."""
    hosts = {f"h{n}": host(n) for n in range(1, 21)}
    full = topology(make_plan(parse(changed({"hosts": hosts}))))
    assert full.count("nginx<br/>") == 20
    hosts["h21"] = host(21)
    boxes = topology(make_plan(parse(changed({"hosts": hosts}))))
    assert "nginx" not in boxes
    assert boxes.count("<br/>2 containers") == 21
