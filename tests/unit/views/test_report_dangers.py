"""The report hides nothing: what containers may do comes first, and all that differs is named."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ipvlan.views.markdown import escape
from tests.support.json_documents import validate
from tests.support.projects import commit_all, ipvlan, write_project
from tools.reference_setup import CIPHER, DIGEST, STACK_TEXT

PRIVILEGED = f"""\
    spy:
      image: registry/spy{DIGEST}
      offset: 3
      privileged: true
      volumes: ["/:/host", "data:/data"]
      environment: {{TOKEN: kept-from-view}}
"""


def reports(folder: Path, before: str, after: str) -> tuple[str, dict[str, Any]]:
    """Return the report of a change, as Markdown and as JSON."""
    path = write_project(folder, before)
    commit_all(folder, "before")
    path.write_text(after, encoding="utf-8")
    printed = ipvlan(folder, "report", "--base", "HEAD")
    assert printed.returncode == 0, printed.stderr
    document: dict[str, Any] = json.loads(ipvlan(folder, "report", "--base", "HEAD", "--json").stdout)
    validate(document, "report")
    return printed.stdout, document


def test_a_privileged_container_is_named_first(tmp_path: Path) -> None:
    """With its settings, their values and what they mean, before every table; its environment is named and not shown."""
    text, document = reports(tmp_path, STACK_TEXT, STACK_TEXT + PRIVILEGED)
    summary = "dangerous settings: 2, **2 of them new**"
    assert f"**No downtime.** containers: 2 new. {summary}." in text
    sections = [line for line in text.splitlines() if line.startswith("### ")]
    assert sections[0] == "### Dangerous settings: how hosts are reached, and what containers may do there (2)"
    row = "| new | spy | docker-1 and docker-2 | privileged | true | all capabilities, all devices, no confinement:"
    assert row in text
    assert (
        r"| new | spy | docker-1 and docker-2 | volumes | \/:/host | reads and writes every file of the host:" in text
    )
    assert "environment, privileged, volumes |" in text
    assert "kept-from-view" not in text + json.dumps(document)
    assert [(power["host"], power["setting"], power["new"]) for power in document["powers"]] == [
        ("docker-1", "privileged", True),
        ("docker-2", "privileged", True),
        ("docker-1", "volumes", True),
        ("docker-2", "volumes", True),
    ]


def test_a_changed_container_keeps_its_danger(tmp_path: Path) -> None:
    """What it could do before is listed too, after what is new; a container that does not change is not listed."""
    before = STACK_TEXT + PRIVILEGED
    after = before.replace("      offset: 3\n", "      offset: 3\n      cap_add: [SYS_TIME]\n")
    text, document = reports(tmp_path, before, after)
    assert "dangerous settings: 3, **1 of them new**" in text
    rows = [line.split(" | ")[:4] for line in text.splitlines() if line.startswith(("| new |", "| as before |"))]
    assert [(row[0], row[1], row[3]) for row in rows] == [
        ("| new", "spy", "cap_add"),
        ("| as before", "spy", "privileged"),
        ("| as before", "spy", "volumes"),
    ]
    assert {power["service"] for power in document["powers"]} == {"spy"}


def test_another_connection_is_named_first(tmp_path: Path) -> None:
    """Whoever answers there gets the secrets, though no container changes."""
    after = STACK_TEXT.replace("    docker-1:\n", "    docker-1:\n      ssh: root@evil\n", 1)
    text, document = reports(tmp_path, STACK_TEXT, after)
    assert "dangerous settings: 1, **1 of them new**" in text
    sections = [line for line in text.splitlines() if line.startswith("### ")]
    assert sections[0] == "### Dangerous settings: how hosts are reached, and what containers may do there (1)"
    assert f"| new | (the host) | docker-1 | ssh | {escape('root@192.168.140.200 -> root@evil')} |" in text
    assert [(power["host"], power["service"], power["setting"]) for power in document["powers"]] == [
        ("docker-1", None, "ssh")
    ]


def test_reasons_name_the_volumes(tmp_path: Path) -> None:
    """Before and after the change; they hold no secret."""
    old = STACK_TEXT + PRIVILEGED
    text, _ = reports(tmp_path, old, old.replace('"data:/data"', '"other:/data"'))
    assert "| volumes: /:/host, data:/data -> /:/host, other:/data |" in text


def test_what_changes_nothing_that_runs_is_said(tmp_path: Path) -> None:
    """Settings of the rollout, of ssh and of the fabric are a section of their own."""
    after = STACK_TEXT.replace("    gateway:", "    reserved: [10.1.9.0/24]\n    rollout: {at_once: all}\n    gateway:")
    text, document = reports(tmp_path, STACK_TEXT, after + "  ipvlan-fabric:ssh: {connect_timeout: 20}\n")
    assert "Nothing changes on the hosts" not in text
    assert "**The plan changes no container and no network.** settings that change nothing that runs: 4." in text
    assert "| services.nginx.rollout.at_once | 1 | all | no container;" in text
    assert [entry["key"] for entry in document["settings"]] == [
        "fabric.reserved",
        "ssh.connect_timeout",
        "services.centos.rollout.at_once",
        "services.nginx.rollout.at_once",
    ]


def test_keys_of_a_new_stack_are_named(tmp_path: Path) -> None:
    """Nothing of the file was there before; Pulumi.yaml is compared with the base."""
    write_project(tmp_path)
    commit_all(tmp_path, "before")
    write_project(tmp_path, f"{STACK_TEXT}  docker:host: tcp://1.2.3.4\n", stack="new")
    project = tmp_path / "Pulumi.yaml"
    project.write_text(project.read_text(encoding="utf-8") + "description: other\n", encoding="utf-8")
    done = ipvlan(tmp_path, "--stack", "new", "report", "--base", "HEAD", "--json")
    keys = [(entry["file"], entry["key"], entry["action"]) for entry in json.loads(done.stdout)["keys"]]
    assert ("Pulumi.new.yaml", "config.docker:host", "add") in keys
    assert [key for key in keys if key[0] == "Pulumi.yaml"] == [("Pulumi.yaml", "description", "add")]


@pytest.mark.parametrize(
    ("base", "expected"),
    [
        (
            STACK_TEXT.replace("offset: 2", "offset: 1") + "  docker:old: x\n",
            ["config.docker:host", "config.docker:old"],
        ),
        ("config: [\n", ["config.docker:host"]),
    ],
    ids=["no valid config", "no YAML"],
)
def test_keys_are_named_where_the_base_is_broken(tmp_path: Path, base: str, expected: list[str]) -> None:
    """What can be read of the earlier file counts."""
    _, document = reports(tmp_path, base, f"{STACK_TEXT}  docker:host: tcp://1.2.3.4\n")
    assert document["problems_before"]
    assert [entry["key"] for entry in document["keys"] if entry["key"].startswith("config.docker")] == expected


def test_keys_that_are_in_no_plan_are_named(tmp_path: Path) -> None:
    """A secret that nothing uses, a setting of Pulumi's: without their values."""
    before = f"encryptionsalt: v1:a\n{STACK_TEXT}  ipvlan-fabric:old:\n    secure: {CIPHER}\n"
    after = (
        f"encryptionsalt: v1:b\n{STACK_TEXT}  ipvlan-fabric:new:\n    secure: {CIPHER}\n  docker:host: tcp://1.2.3.4\n"
    )
    text, document = reports(tmp_path, before, after)
    assert "Nothing changes on the hosts" not in text
    assert "other keys of the project's files: 4." in text
    assert [(entry["key"], entry["action"]) for entry in document["keys"]] == [
        ("config.docker:host", "add"),
        ("config.ipvlan-fabric:new", "add"),
        ("config.ipvlan-fabric:old", "remove"),
        ("encryptionsalt", "change"),
    ]
    assert CIPHER not in text + json.dumps(document)
    assert "1.2.3.4" not in text + json.dumps(document)
