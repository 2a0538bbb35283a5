"""The plugin under the real engine: an interrupted run, and the connection of a delete. Shell commands take the place of ssh."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from tests.support.projects import ROOT

PROGRAM = """
import json, os, pulumi

class Own(pulumi.CustomResource):
    pass

handle = pulumi.ProviderResource("ipvlan-fabric", "handle", {"connections": os.environ["CONNECTIONS"]})
opts = pulumi.ResourceOptions(provider=handle)
Own("ipvlan-fabric:index:StackIdentity", "identity", {"owner": None}, opts)
for name, inputs in json.loads(os.environ["BRIDGES"]).items():
    Own("ipvlan-fabric:index:BridgeConnection", name, inputs, opts)
"""


class Project:
    """A project whose program declares our resources alone, with a backend of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "backend").mkdir()
        (folder / "__main__.py").write_text(PROGRAM, encoding="utf-8")
        (folder / ".venv").symlink_to(ROOT / ".venv")
        runtime = {"name": "python", "options": {"toolchain": "pip", "virtualenv": ".venv"}}
        plugins = {"providers": [{"name": "ipvlan-fabric", "path": str(ROOT / "provider")}]}
        text = json.dumps({"name": "ipvlan-fabric", "runtime": runtime, "plugins": plugins})
        (folder / "Pulumi.yaml").write_text(text, encoding="utf-8")
        self._environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("PULUMI_", "DOCKER_"))},
            "PULUMI_BACKEND_URL": f"file://{folder}/backend",
            "PULUMI_CONFIG_PASSPHRASE": "test",
        }
        self.pulumi("stack", "init", "dev", "--no-select")

    def start(
        self, *arguments: str, connections: dict[str, list[str]] | None = None, bridges: Any = None
    ) -> subprocess.Popen[str]:
        """Start pulumi, with what the program is to declare."""
        program = {"CONNECTIONS": json.dumps(connections or {}), "BRIDGES": json.dumps(bridges or {})}
        return subprocess.Popen(
            [ROOT / "toolchain" / "run", "pulumi", *arguments, "--non-interactive", "--color", "never"],
            cwd=self.folder,
            env=self._environment | program,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def pulumi(self, *arguments: str, status: int = 0, **program: Any) -> str:
        """Run pulumi to its end, and return what it prints."""
        with self.start(*arguments, **program) as process:
            printed, _ = process.communicate(timeout=50)
        assert process.returncode == status, printed
        return printed

    def up(self, status: int = 0, **program: Any) -> str:
        """Run `pulumi up`."""
        return self.pulumi("up", "--stack", "dev", "--yes", "--skip-preview", status=status, **program)

    def deployment(self) -> dict[str, Any]:
        """Return the state."""
        found: dict[str, Any] = json.loads(self.pulumi("stack", "export", "--stack", "dev"))["deployment"]
        return found


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """Return a project with an empty stack."""
    return Project(tmp_path)


def bridge(ssh: list[str], host: str) -> dict[str, Any]:
    """Return the inputs of a bridge connection."""
    return {"host": host, "ssh": ssh, "container": "c", "container_id": "1", "fabric": "f", "ports": []}


def test_an_interrupted_up_ends_at_once(project: Project, tmp_path: Path) -> None:
    """SIGINT while hosts do not answer: pulumi ends, nothing is pending in the state, and no program is left."""
    waits = ["/bin/sh", "-c", f"echo $$ >>{tmp_path}/pids; exec sleep 100"]
    bridges = {f"bridge-{number}": bridge(waits, f"docker-{number}") for number in range(4)}
    with project.start("up", "--stack", "dev", "--yes", "--skip-preview", bridges=bridges) as process:
        end = time.monotonic() + 30
        pids: list[str] = []
        while len(pids) < len(bridges):
            assert time.monotonic() < end, "the hosts are not contacted"
            time.sleep(0.1)
            pids = (tmp_path / "pids").read_text().split() if (tmp_path / "pids").exists() else []
        process.send_signal(signal.SIGINT)
        begun = time.monotonic()
        printed, _ = process.communicate(timeout=30)
    assert time.monotonic() - begun < 20
    assert "IPF730 bridge-0" in printed
    assert "Traceback" not in printed
    assert not any(Path(f"/proc/{pid}").exists() for pid in pids)
    state = project.deployment()
    assert not state.get("pending_operations")
    assert "bridge-0" not in json.dumps(state["resources"])


def test_a_delete_uses_the_connection_of_this_run(project: Project, tmp_path: Path) -> None:
    """A host's other ssh command and a delete in one `up`: the delete uses it; a host without one is reached as the state says."""

    def noted(name: str) -> list[str]:
        return ["/bin/sh", "-c", f"echo {name} >>{tmp_path}/used; exit 255"]

    project.up(connections={"docker-1": noted("yesterday")})
    state = json.loads(project.pulumi("stack", "export", "--stack", "dev"))
    resources = state["deployment"]["resources"]
    (handle,) = (entry for entry in resources if entry["type"] == "pulumi:providers:ipvlan-fabric")
    for host in ("docker-1", "gone"):
        inputs = bridge(noted(f"state-of-{host}"), host)
        type_ = "ipvlan-fabric:index:BridgeConnection"
        resources.append(
            {
                "urn": f"urn:pulumi:dev::ipvlan-fabric::{type_}::{host}",
                "custom": True,
                "id": f"{host}/1",
                "type": type_,
                "inputs": inputs,
                "outputs": inputs,
                "provider": f"{handle['urn']}::{handle['id']}",
            }
        )
    (tmp_path / "state.json").write_text(json.dumps(state), encoding="utf-8")
    project.pulumi("stack", "import", "--stack", "dev", "--file", str(tmp_path / "state.json"))
    # The deletes fail, as nothing answers, and so does pulumi.
    with project.start(
        "up", "--stack", "dev", "--yes", "--skip-preview", connections={"docker-1": noted("today")}
    ) as process:
        printed, _ = process.communicate(timeout=50)
    assert process.returncode
    assert "handle updated" in printed
    assert "replac" not in printed
    assert sorted((tmp_path / "used").read_text().split()) == ["state-of-gone", "today"]
    assert {"docker-1", "gone"} <= {entry["urn"].rpartition("::")[2] for entry in project.deployment()["resources"]}
