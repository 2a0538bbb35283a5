"""A stack's name in every spelling of Pulumi, and the stack that is selected in Pulumi's workspace."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from ipvlan.config.stack_names import selected_in_workspace, short_name
from tests.support.projects import ipvlan, write_project

PROJECT = "ipvlan-fabric"
BACKEND = "file:///states"


@pytest.mark.parametrize("stack", ["dev", "acme/dev", f"acme/{PROJECT}/dev"])
def test_one_stack_has_one_file_and_one_short_name(tmp_path: Path, stack: str) -> None:
    """Every spelling plans the same file."""
    write_project(tmp_path)
    assert short_name(stack) == "dev"
    done = ipvlan(tmp_path, "--stack", stack, "plan", "--json")
    assert done.returncode == 0
    assert json.loads(done.stdout)["stack"] == "dev"


def test_a_stack_of_another_project_is_refused(tmp_path: Path) -> None:
    """The sentence names both projects, and the stack of this one."""
    write_project(tmp_path)
    done = ipvlan(tmp_path, "--stack", "acme/shop/dev", "plan")
    assert done.returncode == 1
    assert "IPF904 --stack: acme/shop/dev" in done.stderr
    assert f"it is a stack of project shop, and the project in {tmp_path} is {PROJECT}" in done.stderr


def select(folder: Path, home: Path, content: object) -> dict[str, str]:
    """Write Pulumi's workspace file of the project, and return an environment that has its folder."""
    digest = hashlib.sha1(str(folder / "Pulumi.yaml").encode(), usedforsecurity=False).hexdigest()
    (home / "workspaces").mkdir(parents=True)
    (home / "workspaces" / f"{PROJECT}-{digest}-workspace.json").write_text(json.dumps(content), encoding="utf-8")
    return {"HOME": str(home.parent), "PULUMI_HOME": str(home), "PULUMI_BACKEND_URL": BACKEND}


@pytest.mark.parametrize(
    ("content", "selected"),
    [
        ({"stacks": {BACKEND: f"organization/{PROJECT}/prod"}}, "prod"),
        ({"stacks": {BACKEND: f"acme/{PROJECT}/prod"}}, f"acme/{PROJECT}/prod"),
        ({"stacks": {"file:///elsewhere": f"organization/{PROJECT}/prod"}}, None),
        # What Pulumi wrote until 3.200.
        ({"stack": "prod"}, "prod"),
        ({"stacks": []}, None),
        ([], None),
    ],
)
def test_the_selected_stack(tmp_path: Path, content: object, selected: str | None) -> None:
    """It is that of the backend in use; a backend without organisations needs no full name."""
    write_project(tmp_path)
    assert selected_in_workspace(tmp_path, select(tmp_path, tmp_path / "pulumi", content)) == selected


def test_the_backend_of_the_project_or_of_the_login(tmp_path: Path) -> None:
    """Without the variable the project's own backend counts, and then the one that is logged in to."""
    file = write_project(tmp_path).with_name("Pulumi.yaml")
    stacks = {"s3://project": f"acme/{PROJECT}/one", "https://login": f"acme/{PROJECT}/two"}
    environment = select(tmp_path, tmp_path / "pulumi", {"stacks": stacks})
    del environment["PULUMI_BACKEND_URL"]
    (tmp_path / "pulumi" / "credentials.json").write_text('{"current": "https://login"}', encoding="utf-8")
    assert selected_in_workspace(tmp_path, environment) == f"acme/{PROJECT}/two"
    file.write_text(file.read_text() + "backend:\n  url: s3://project\n", encoding="utf-8")
    assert selected_in_workspace(tmp_path, environment) == f"acme/{PROJECT}/one"


def test_the_command_works_on_the_selected_stack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without --stack and PULUMI_STACK it is the selected one, and dev where none is selected."""
    write_project(tmp_path)
    write_project(tmp_path, stack="prod")
    monkeypatch.setenv("PULUMI_HOME", str(tmp_path / "pulumi"))
    monkeypatch.setenv("PULUMI_BACKEND_URL", BACKEND)
    assert json.loads(ipvlan(tmp_path, "plan", "--json").stdout)["stack"] == "dev"
    select(tmp_path, tmp_path / "pulumi", {"stacks": {BACKEND: f"organization/{PROJECT}/prod"}})
    assert json.loads(ipvlan(tmp_path, "plan", "--json").stdout)["stack"] == "prod"
    assert json.loads(ipvlan(tmp_path, "--stack", "dev", "plan", "--json").stdout)["stack"] == "dev"
