"""A host on which the scripts of a container's files run as the root of a user namespace of this machine."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ipvlan.hosts.files import FilesFolder
from tests.support.namespace import Namespace, network_namespace, write_command

OWNER = "0123456789abcdef"
LABEL = f"{OWNER}/docker-1/nginx"


@dataclass
class Host:
    """This machine, on which root is that of a user namespace; or root's shell is killed before a line."""

    base: Path
    root: Namespace
    kill_before: int = 0
    """The number of the command before which the shell is killed; 0 for never."""

    def run(self, text: str, seconds: float) -> str:
        """Run a text as root and return what it printed."""
        trap = ""
        if self.kill_before:
            # bash counts each simple command; that of a subshell too.
            trap = (
                "set -T; traced=0; trap 'traced=$((traced+1)); "
                f'[ "$traced" -lt {self.kill_before} ] || kill -KILL "$$" "$BASHPID"\' DEBUG\n'
            )
        shell = ["bash"] if self.kill_before else ["sh"]
        completed = subprocess.run(
            [*self.root.enter, *shell, "-s"],
            input=f"{trap}{{\n{text}\n}} </dev/null 2>&1\n",
            capture_output=True,
            text=True,
            check=False,
            timeout=seconds,
        )
        return completed.stdout + completed.stderr

    @property
    def folder(self) -> FilesFolder:
        """The folder of the container's files."""
        return FilesFolder(host="docker-1", label=LABEL, run=self.run, base=str(self.base))

    @property
    def path(self) -> Path:
        """The same as a path."""
        return self.base / LABEL

    def names(self, part: str) -> dict[str, str]:
        """Return path -> content of all files in a part of the folder."""
        top = self.path / part
        return {str(path.relative_to(top)): path.read_text() for path in top.rglob("*") if path.is_file()}


@contextmanager
def files_host(folder: Path) -> Iterator[Host]:
    """Give a host without any files, whose folders are below this one."""
    with network_namespace() as root:
        # `sync` of this machine waits for the disk of all that runs on it.
        root.commands = folder / "commands"
        write_command(root.commands, "sync", "")
        yield Host(folder / "ipvlan-fabric", root)
