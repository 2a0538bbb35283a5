"""The report of a pull request, over a real git history."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ipvlan.plan.make import make_plan
from ipvlan.plan.validate import parse
from ipvlan.views.mermaid import topology
from tests.support.projects import commit_all, git, ipvlan, write_project
from tools.reference_setup import DIGEST, STACK_TEXT, changed, host

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
    """Return a repository whose project is in a sub-folder, with the reference setup and three changes of it."""
    top = tmp_path_factory.mktemp("repository")
    folder = top / "deploy"
    folder.mkdir()
    path = write_project(folder)
    commit_all(top, "the reference setup")
    for message, text in HISTORY:
        path.write_text(text)
        commit_all(top, message)
        git(top, "tag", message.replace(" ", "-"))
    return folder


def actions(document: dict[str, Any]) -> dict[str, list[str]]:
    """Return action -> host/service."""
    result: dict[str, list[str]] = {}
    for change in document["containers"]:
        result.setdefault(change["action"], []).append(f"{change['host']}/{change['service']}")
    return result


@pytest.mark.parametrize("message", EXPECTED)
def test_report_of_each_change(history: Path, message: str) -> None:
    """Each change has exactly the expected actions on containers, in JSON and in Markdown."""
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
    """A moved slice shows every address that moves, from and to, and the network that is replaced."""
    text = ipvlan(history, "report", "--base", "a-service-added", "--head", "a-slice-moved").stdout
    assert "| docker-2 | nginx | 10.1.2.2 | 10.1.5.2 |" in text
    assert "| docker-2 | replace network | ip range: 10.1.2.0/24 -> 10.1.5.0/24 |" in text
    assert "docker-1 |" not in text


def test_report_of_published_ports(history: Path) -> None:
    """A switched flag shows which port is unpublished where, and that nothing is replaced."""
    text = ipvlan(history, "report", "--base", "a-slice-moved", "--head", "HEAD").stdout
    assert "| docker-1 | nginx | 192.168.140.200 80:80 | unpublish |" in text
    assert "### Replaced" not in text


def test_report_of_a_new_stack(history: Path, tmp_path: Path) -> None:
    """A stack that the base does not have is new; a base whose config was not valid says why."""
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


def test_report_of_the_order(tmp_path: Path) -> None:
    """The Markdown has the sentences about the order, and the JSON the same order in fields."""
    path = write_project(tmp_path)
    commit_all(tmp_path, "fine")
    text = STACK_TEXT.replace("registry/nginx", "registry/web")
    path.write_text(text.replace("      offset: 2", "      after: [centos]\n      offset: 2"))
    text = ipvlan(tmp_path, "report", "--base", "HEAD").stdout
    sentence = (
        "nginx on docker-1, then on docker-2: one at a time; each is down for its stop and start; the others answer"
    )
    assert f"### In which order, and what is briefly down\n\n- {sentence}\n" in text
    assert "h0c0 -. then .-> h0c1" in text
    document = json.loads(ipvlan(tmp_path, "report", "--base", "HEAD", "--json").stdout)
    assert document["rollout"] == {
        "steps": [
            {
                "service": "nginx",
                "action": "replace",
                "after": [],
                "hosts": ["docker-1", "docker-2"],
                "at_once": 1,
                "others_answer": True,
                "healthy_within": 60,
                "on_failure": "restore",
                "sentence": sentence,
            }
        ],
        "together": [],
    }


def test_topology_shows_the_order_of_services() -> None:
    """An arrow on each host that has both services, else between the first containers of each."""
    together = topology(make_plan(parse(changed({"services.nginx.after": ["centos"]}))))
    assert together.count("-. then .->") == 2
    apart = {
        "services.nginx.hosts": ["docker-2"],
        "services.centos.hosts": ["docker-1"],
        "services.nginx.after": ["centos"],
    }
    assert "h0c0 -. then .-> h1c0" in topology(make_plan(parse(changed(apart))))


def test_topology_counts_what_it_does_not_draw() -> None:
    """20 hosts are drawn in full, 21 as boxes with a count."""
    hosts = {f"h{n}": host(n) for n in range(1, 21)}
    full = topology(make_plan(parse(changed({"hosts": hosts}))))
    assert full.count("nginx<br/>") == 20
    hosts["h21"] = host(21)
    boxes = topology(make_plan(parse(changed({"hosts": hosts}))))
    assert "nginx" not in boxes
    assert boxes.count("<br/>2 containers") == 21
