"""What every subcommand prints with --json is what its schema in docs/schemas says."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from ipvlan.hosts.trouble import Trouble
from ipvlan.views.json_schemas import DOCUMENTS, schema
from tests.support.fake_hosts import answer
from tests.support.host_changes import change_container, disconnect, foreign, restored, without
from tests.support.json_documents import SCHEMAS, validate
from tests.support.projects import commit_all, ipvlan, write_project
from tools.reference_setup import STACK_TEXT


def document(folder: Path, name: str, *arguments: str, exit_status: int = 0) -> dict[str, Any]:
    """Run a subcommand with --json, validate what it prints, and return it."""
    done = ipvlan(folder, *arguments, "--json")
    assert (done.returncode, done.stderr) == (exit_status, "")
    printed: dict[str, Any] = json.loads(done.stdout)
    validate(printed, name)
    return printed


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Return a project with the reference setup."""
    write_project(tmp_path)
    return tmp_path


def objects(part: Any) -> Iterator[dict[str, Any]]:
    """Yield every object type of a schema that has named keys."""
    if isinstance(part, dict):
        if "properties" in part:
            yield part
        for value in part.values():
            yield from objects(value)
    elif isinstance(part, list):
        for value in part:
            yield from objects(value)


@pytest.mark.parametrize("name", DOCUMENTS)
def test_schemas_take_no_further_key(name: str) -> None:
    """A key that is not in a schema is an error, and every key is required, on all levels."""
    jsonschema.Draft202012Validator.check_schema(schema(name))
    parts = list(objects(schema(name)))
    assert parts
    assert all(part["additionalProperties"] is False for part in parts)
    assert all(set(part["required"]) == set(part["properties"]) for part in parts)
    assert all(part["description"] for part in parts)


def test_a_schema_per_document() -> None:
    """docs/schemas has the schemas of the documents and nothing else."""
    assert {path.name for path in SCHEMAS.iterdir()} == {f"{name}.schema.json" for name in DOCUMENTS}


def test_plan(project: Path) -> None:
    """A plan with a warning, a shim, routes and a dynamic range."""
    text = STACK_TEXT.replace("registry/os@sha256:" + "0" * 64, "registry/os:9")
    text = text.replace("mode: l2", "mode: l3").replace("    gateway: 10.1.0.1\n", "")
    write_project(project, text.replace("slice: 10.1.2.0/24", "slice: 10.1.2.0/24, shim: true, dynamic: 10.1.2.64/26"))
    printed = document(project, "plan", "plan")
    assert [warning["key"] for warning in printed["warnings"]] == ["services.centos.image"]
    assert printed["hosts"][1]["shim"]
    assert printed["hosts"][1]["routes"]


def test_plan_at_an_address(project: Path) -> None:
    """--at prints the usage of one address."""
    printed = document(project, "plan-at", "plan", "--at", "10.1.2.2")
    assert printed == {"address": "10.1.2.2", "usage": ["nginx on docker-2 (service nginx)"]}


def test_allocate(project: Path) -> None:
    """Keys that are missing are printed, and written unless --check is given."""
    assert document(project, "allocate", "allocate")["allocations"] == []
    path = write_project(project, STACK_TEXT.replace("      offset: 2\n", ""))
    missing = [{"key": "services.nginx.offset", "value": 2}]
    printed = document(project, "allocate", "allocate", "--check", exit_status=1)
    assert printed == {"stack": "dev", "written": False, "allocations": missing}
    assert document(project, "allocate", "allocate") == {"stack": "dev", "written": True, "allocations": missing}
    assert "offset: 2" in path.read_text()


def test_report(project: Path) -> None:
    """A change with every kind of entry."""
    commit_all(project, "before")
    moved = STACK_TEXT.replace("10.1.2.0/24", "10.1.5.0/24").replace("registry/os@sha256:" + "0" * 64, "registry/os:9")
    write_project(project, moved.replace("published: true", "published: false"))
    printed = document(project, "report", "report", "--base", "HEAD")
    assert (printed["new_stack"], printed["downtime"]) == (False, True)
    assert [host["action"] for host in printed["hosts"]] == ["replace network"]
    assert {port["action"] for port in printed["ports"]} == {"unpublish"}
    assert [warning["key"] for warning in printed["warnings"]] == ["services.centos.image"]


def test_report_after_a_bad_config(project: Path) -> None:
    """Problems of the earlier state are in the document."""
    write_project(project, STACK_TEXT.replace("offset: 2", "offset: 1"))
    commit_all(project, "broken")
    write_project(project)
    printed = document(project, "report", "report", "--base", "HEAD")
    assert printed["new_stack"]
    assert [problem["key"] for problem in printed["problems_before"]] == [
        "services.centos.offset and services.nginx.offset"
    ]


def test_status(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Hosts as planned, with differences of every severity, and one that does not answer."""
    answer(monkeypatch)
    assert document(project, "status", "status")["ok"]
    answer(monkeypatch, {"docker-1": without("nginx")}, unreachable=["docker-2"])
    printed = document(project, "status", "status", exit_status=1)
    assert printed["hosts"]["docker-2"] == {"reachable": False}
    assert printed["hosts"]["docker-1"]["containers"]["nginx"] is None
    assert [(entry["name"], entry["host"], entry["service"]) for entry in printed["differences"]] == [
        ("container-missing", "docker-1", "nginx"),
        ("host-unreachable", "docker-2", None),
    ]
    shown = {"nginx": Trouble(looping=True, restarts=5, exit_code=1, output=("no such file",))}
    answer(monkeypatch, {"docker-1": lambda live: replace(live, troubles=shown)})
    [entry] = document(project, "status", "status", exit_status=1)["differences"]
    assert (entry["name"], entry["output"]) == ("container-restarting", ["no such file"])
    answer(monkeypatch, {"docker-1": restored})
    printed = document(project, "status", "status", exit_status=1)
    containers = printed["hosts"]["docker-1"]["containers"]
    assert [name for name, entry in containers.items() if entry["restored"]] == ["nginx"]
    assert [entry["name"] for entry in printed["differences"]] == ["container-restored"]
    answer(monkeypatch, {"docker-1": foreign("10.1.1.77")})
    assert [entry["severity"] for entry in document(project, "status", "status")["differences"]] == ["info"]


def test_verify(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Right and wrong cells, published ports, and a host that does not answer."""
    answer(monkeypatch, unreachable=["docker-2"])
    printed = document(project, "verify", "verify", "--internet", "203.0.113.10", exit_status=1)
    assert list(printed["unreachable_hosts"]) == ["docker-2"]
    ports = [cell for cell in printed["cells"] if cell["kind"] == "port"]
    assert [(cell["source"], cell["target"], cell["port"], cell["ok"]) for cell in ports] == [
        ("client", "docker-1/nginx", "80:80", True),
        ("client", "docker-2/nginx", "80:80", True),
    ]
    assert {cell["reached"] for cell in printed["cells"]} == {True, None}


def test_preflight(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A host that is ready, and one that does not answer."""
    answer(monkeypatch)
    assert document(project, "preflight", "preflight")["ok"]
    answer(monkeypatch, unreachable=["docker-2"])
    printed = document(project, "preflight", "preflight", exit_status=1)
    assert [host["reachable"] for host in printed["hosts"].values()] == [True, False]
    assert [(finding["check"], finding["host"]) for finding in printed["findings"]] == [("ssh", "docker-2")]


def test_heal(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Steps of each repairer are planned and not done without --yes."""
    answer(monkeypatch)
    assert document(project, "heal", "heal")["steps"] == []
    answer(
        monkeypatch,
        {
            "docker-1": disconnect("nginx", "bridge"),
            "docker-2": lambda live: foreign("10.1.1.2")(change_container("nginx", image="other@sha256:1")(live)),
        },
    )
    printed = document(project, "heal", "heal", exit_status=1)
    assert (printed["ok"], printed["applied"]) == (False, False)
    assert [(step["repaired_by"], step["name"], step["host"]) for step in printed["steps"]] == [
        ("host", "bridge-disconnected", "docker-1"),
        ("pulumi", "image-different", "docker-2"),
        ("person", "foreign-address", "docker-2"),
    ]
    assert [entry["name"] for entry in printed["remaining"]] == [step["name"] for step in printed["steps"]]
    assert printed["targets"]
