"""The lock of a host in real runs of Pulumi: `up` holds it to the end of its deletions. The host is this machine."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from ipvlan.hosts import host_lock
from ipvlan.hosts.connection import HostConnection
from ipvlan.hosts.host_lock import LOCK_TOKEN, Holder, HostLocks
from tests.support.projects import ROOT

PROGRAM = """
import pulumi, sys
from pulumi_command import local
from components.host_locks import lock_hosts
from components.host_provider import FabricProvider
from components.stack_identity import StackIdentity
from ipvlan.hosts.connection import HostConnection
provider = FabricProvider("provider", {{"host": HostConnection(name="host", command={command})}})
lock_hosts(provider, pulumi.get_stack(), ["host"], seconds=10)
StackIdentity("identity", provider=provider, opts=pulumi.ResourceOptions())
for probe in {probes}:
    local.Command(probe, create="{probe}", delete="{probe}", opts=pulumi.ResourceOptions(depends_on=[provider]))
"""


class Project:
    """A project whose program locks this machine, by a file of the test, and then asks whether the lock is free."""

    def __init__(self, folder: Path) -> None:
        self.root = folder
        self.file = folder / "machine-id"
        self.file.touch()
        for name in ("ipvlan", "components", "provider", ".venv"):
            (folder / name).symlink_to((ROOT / name).resolve())
        (folder / "Pulumi.yaml").write_text((ROOT / "Pulumi.yaml").read_text(encoding="utf-8"), encoding="utf-8")
        (folder / "backend").mkdir()
        self._environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("PULUMI_", "PYTHONPATH"))},
            "PULUMI_BACKEND_URL": f"file://{folder}/backend",
            "PULUMI_CONFIG_PASSPHRASE": "test",
        }
        self.pulumi("stack", "init", "dev")

    @property
    def command(self) -> tuple[str, ...]:
        """What takes the place of ssh: the shell here, and the test's file."""
        return ("bash", "-c", f"exec sh -s < <(sed -u s,/etc/machine-id,{self.file},)")

    def up(self, *probes: str, token: str = "") -> subprocess.CompletedProcess[str]:
        """Run `pulumi up` of the program with these probes, each of which appends to `free` whether the lock is."""
        probe = f"flock -n {self.file} true && echo yes >>{self.root}/free || echo no >>{self.root}/free"
        program = PROGRAM.format(command=self.command, probes=list(probes), probe=probe)
        (self.root / "__main__.py").write_text(program, encoding="utf-8")
        return self.pulumi("up", "--stack", "dev", "--yes", "--skip-preview", token=token)

    def pulumi(self, *arguments: str, token: str = "") -> subprocess.CompletedProcess[str]:
        """Run pulumi."""
        return subprocess.run(
            [ROOT / "toolchain" / "run", "pulumi", *arguments, "--non-interactive", "--color", "never"],
            cwd=self.root,
            env={**self._environment, **({LOCK_TOKEN: token} if token else {})},
            capture_output=True,
            text=True,
            check=False,
            timeout=50,
        )

    @property
    def answers(self) -> list[str]:
        """What the probes said."""
        return (self.root / "free").read_text().split()


def test_an_up_holds_the_lock_to_the_end_of_its_deletions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """While it creates and deletes nobody else gets the lock, afterwards it is free; while another has it `up` does nothing."""
    project = Project(tmp_path)
    created = project.up("probe")
    assert created.returncode == 0, created.stdout + created.stderr
    deleted = project.up()
    assert deleted.returncode == 0, deleted.stdout + deleted.stderr
    assert project.answers == ["no", "no"]
    assert subprocess.run(["flock", "-n", project.file, "true"], check=False).returncode == 0

    monkeypatch.setattr(host_lock, "LOCK_FILES", (str(project.file),))
    with HostLocks(Holder(what="ipvlan heal", who="ann@desk"), timeout=10) as heal:
        heal.acquire([HostConnection(name="host", command=("sh", "-c"))])
        refused = project.up("probe")
        assert refused.returncode != 0
        assert "ann@desk runs `ipvlan heal` there since" in refused.stdout
        assert "Nothing was declared and nothing was changed." in refused.stdout
        assert project.answers == ["no", "no"]
        # What heal starts itself.
        assert project.up("probe", token=heal.holder.token).returncode == 0
