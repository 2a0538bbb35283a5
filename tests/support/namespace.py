"""Network namespaces of this machine, in which the hosts' scripts run with the real `ip`.

They need no root where the kernel lets users create user namespaces.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import Self

import pytest

from ipvlan.hosts.connection import HostConnection

TOOLS = {"ip": "iproute2", "unshare": "util-linux", "nsenter": "util-linux"}


class Namespace:
    """A network namespace that lasts as long as a process in it; a context manager."""

    def __init__(self, *start: str) -> None:
        """Prepare; `start` is the command that creates it."""
        self._start = start
        self.commands: Path | None = None
        """Folder of commands that stand in for this machine's; none by default."""

    def __enter__(self) -> Self:
        """Create it."""
        for tool, package in TOOLS.items():
            if shutil.which(tool) is None:
                pytest.fail(f"this machine has no `{tool}`, which the test runs: install {package}")
        self._process = subprocess.Popen(
            [*self._start, "sh", "-c", "echo ready; exec sleep 600"],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        if self._process.stdout is None or self._process.stdout.readline() != "ready\n":
            complaint = self._process.communicate()[1]
            pytest.fail(f"`{' '.join(self._start)}` creates no namespace here: {complaint.strip()}")
        return self

    def __exit__(self, *_: object) -> None:
        """End the process, and with it the namespace."""
        self._process.kill()
        self._process.communicate()

    @property
    def pid(self) -> int:
        """The process that holds it."""
        return self._process.pid

    @property
    def enter(self) -> tuple[str, ...]:
        """The command that enters it; append what is to run there."""
        command = ("nsenter", "-t", str(self.pid), "-U", "-n", "--preserve-credentials")
        return command if self.commands is None else (*command, "env", f"PATH={self.commands}:{os.environ['PATH']}")

    def run(self, *command: str) -> str:
        """Run a command in it and return its output; the test fails when the command does."""
        completed = subprocess.run([*self.enter, *command], capture_output=True, text=True, check=False)
        assert completed.returncode == 0, f"{command}: {completed.stderr}"
        return completed.stdout

    def connection(self, name: str = "docker-1", parent: str = "ens33") -> HostConnection:
        """Return a connection that runs its texts in it."""
        return HostConnection(name=name, command=(*self.enter, "sh", "-c"), parent=parent)


def network_namespace() -> Namespace:
    """Return a new namespace; the commands in it are root."""
    return Namespace("unshare", "-r", "-n")


def namespace_within(outer: Namespace) -> Namespace:
    """Return a new namespace that `outer` can enter, as a host can enter its containers'."""
    return Namespace(*outer.enter, "unshare", "-n")


def write_command(folder: Path, name: str, text: str, interpreter: str = "/bin/sh") -> None:
    """Put a command on the PATH of a namespace whose `commands` is `folder`."""
    folder.mkdir(exist_ok=True)
    command = folder / name
    command.write_text(f"#!{interpreter}\n{text}\n")
    command.chmod(0o755)
