"""A stack of the time when our resources were dynamic ones, taken over by an alias, with the real Pulumi. No host is contacted.

`take_over/state.json` is the state that the program of 4f49adf wrote on the lab, less the text of the host checks.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from ipvlan.plan.resource_names import CONTAINER_TYPE, NETWORK_TYPE
from tests.support.projects import ROOT

HERE = Path(__file__).parent / "take_over"


class Project:
    """A project folder with its own backend, whose `.venv` is a link, as in a worktree."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "project"
        self.root.mkdir()
        for name in ("ipvlan", "components", "provider"):
            shutil.copytree(ROOT / name, self.root / name, ignore=shutil.ignore_patterns("__pycache__"))
        for name in ("__main__.py", "Pulumi.yaml"):
            shutil.copy(ROOT / name, self.root / name)
        shutil.copy(HERE / "stack.yaml", self.root / "Pulumi.dev.yaml")
        (self.root / ".venv").symlink_to(ROOT / ".venv")
        backend = folder / "backend"
        backend.mkdir()
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("PULUMI_", "PYTHONPATH"))}
        self._environment = kept | {
            "PULUMI_BACKEND_URL": f"file://{backend}",
            "PULUMI_CONFIG_PASSPHRASE": "lab",
            # ssh would fail: nothing may be asked of a host.
            "HOME": str(folder),
            "IPVLAN_FABRIC_CACHE": os.environ.get("IPVLAN_FABRIC_CACHE", f"{Path.home()}/.cache/ipvlan-fabric"),
        }

    def pulumi(self, *arguments: str, folder: Path | None = None) -> str:
        """Run pulumi in the project, or in another folder; return what it prints."""
        done = subprocess.run(
            [ROOT / "toolchain" / "run", "pulumi", *arguments, "--non-interactive", "--color", "never"],
            cwd=folder or self.root,
            env=self._environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=50,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def preview(self) -> tuple[list[dict[str, Any]], int]:
        """Return the steps of a preview, and how many resources it would leave as they are."""
        document = json.loads(self.pulumi("preview", "--json", "--stack", "dev"))
        return document["steps"], document["changeSummary"]["same"]


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Return a project with the old stack in its backend."""
    made = Project(tmp_path_factory.mktemp("take-over"))
    made.pulumi("stack", "init", "dev", "--no-select")
    made.pulumi("stack", "import", "--stack", "dev", "--file", str(HERE / "state.json"))
    return made


def test_an_old_stack_is_taken_over_untouched(project: Project) -> None:
    """Nothing is changed on a host, and nothing is replaced, deleted or created but what has nothing there.

    Created are the provider's handle, the owner id, what comes before and after the replacement of each container, and what will
    remove each network.
    An update is of the way to a host alone: the settings of a docker provider, the `ssh` that is recorded, or a host check, which
    asks every host once more and changes nothing.
    """
    old = json.loads((HERE / "state.json").read_text(encoding="utf-8"))["deployment"]["resources"]
    steps, unchanged = project.preview()
    assert {(step["op"], named(step)) for step in steps if step["op"] not in ("same", "update")} == {
        ("create", "pulumi:providers:ipvlan-fabric fabric-connections"),
        ("create", "ipvlan-fabric:index:StackIdentity fabric-identity"),
        ("delete", "pulumi:providers:pulumi-python fabric-connections"),
        *(
            ("create", f"ipvlan-fabric:index:{kind} {name}-{kind.lower()}")
            for name in (one["urn"].rpartition("::")[2] for one in old if one["type"] == CONTAINER_TYPE)
            for kind in ("Handover", "Settled")
        ),
        *(
            ("create", f"ipvlan-fabric:index:NetworkRemoval {one['urn'].rpartition('::')[2]}-removal")
            for one in old
            if one["type"] == NETWORK_TYPE
        ),
    }
    updates = [step for step in steps if step["op"] == "update"]
    for step in updates:
        assert named(step).startswith(("pulumi:providers:docker ", "command:local:Command ")) or changed(step) == {
            "ssh"
        }
    # The handle of the old provider is deleted, and a default provider is not counted.
    assert unchanged == len(old) - len(updates) - 2


def named(step: dict[str, Any]) -> str:
    """Return `TYPE NAME` of the step's resource."""
    _, _, types, name = step["urn"].split("::")
    return f"{types.rpartition('$')[2]} {name}"


def changed(step: dict[str, Any]) -> set[str]:
    """Return the inputs that the step changes; `__provider` of a dynamic resource counts for nothing."""
    old, new = ({**step[state]["inputs"]} for state in ("oldState", "newState"))
    return {key for key in {*old, *new} - {"__provider"} if old.get(key) != new.get(key)}


def test_no_single_resource_before_the_take_over(project: Project) -> None:
    """Pulumi refuses `--target` until a complete `up`: `ipvlan heal` knows such a state (`StackState.before_plugin`)."""
    container = next(
        one["urn"]
        for one in json.loads((HERE / "state.json").read_text(encoding="utf-8"))["deployment"]["resources"]
        if one["urn"].endswith("::fabric-docker-1-nginx")
    )
    with pytest.raises(AssertionError, match="change of providers mixed with --target"):
        project.pulumi("preview", "--stack", "dev", "--target", container)


def test_the_plugin_is_found_from_anywhere(project: Project) -> None:
    """Pulumi finds it with `-C` and a folder of the project, from a folder outside, without an install step."""
    printed = project.pulumi("-C", str(project.root / "components"), "preview", "--stack", "dev", folder=Path("/"))
    assert "fabric-identity create" in printed
