"""A host on which the scripts of a container's files run as the root of a user namespace of this machine."""

from __future__ import annotations

import shutil
import stat
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Concatenate, ParamSpec

from ipvlan.hosts.files import FilesFolder
from tests.support.namespace import Namespace, network_namespace, write_command

Given = ParamSpec("Given")
OWNER = "0123456789abcdef"
LABEL = f"{OWNER}/docker-1/nginx"
COPIED = ("ipvlan-fabric", "inside")
"""The folder of the files, and that of a test's container where it has one."""
COPY_BEFORE_EACH_COMMAND = """
set -T
traced_last=''
trap 'case $traced_last in
  "["* | :* | return* | eval* | stat* | find* | cmp* | is_* | "for "*) ;;
  *)
    traced={copies}/$EPOCHREALTIME
    mkdir "$traced"
    if [ -e {top}/inside ]; then cp -a {top}/ipvlan-fabric {top}/inside "$traced"; else cp -a {top}/ipvlan-fabric "$traced"; fi
    ;;
esac
traced_last=$BASH_COMMAND' DEBUG
"""
"""A trap of bash; in a subshell too. What writes nothing leaves the state that was copied before it."""


@dataclass
class Host:
    """This machine, on which root is that of a user namespace; or what is there before each command of root's shell is copied."""

    base: Path
    root: Namespace
    copies: Path | None = None
    """Folder of the copies; none are made without it."""

    def run(self, text: str, seconds: float) -> str:
        """Run a text as root and return what it printed."""
        trap = "" if self.copies is None else COPY_BEFORE_EACH_COMMAND.format(copies=self.copies, top=self.base.parent)
        shell = ["sh"] if self.copies is None else ["bash"]
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

    def states(
        self, work: Callable[Concatenate[Host, Given], object], *given: Given.args, **named: Given.kwargs
    ) -> list[Path]:
        """Do the work and return what a kill before any command of it would leave, oldest first: copies for `restore`.

        What is copied: the folder of the files, and beside it what a container has of them. A state is there once, however many
        commands leave it as it is.
        """
        copies = self.base.parent / "copies"
        shutil.rmtree(copies, ignore_errors=True)
        copies.mkdir()
        work(replace(self, copies=copies), *given, **named)
        # bash names a copy by the time at which it is made. Of those that differ in `new` alone, which each script empties first,
        # the last is taken: it has most in it.
        found = {state_of(copy, without=f"{COPIED[0]}/{LABEL}/new"): copy for copy in sorted(copies.iterdir())}
        return sorted(found.values())

    def restore(self, copy: Path) -> None:
        """Make the folders what they were when they were copied: each file with its owner, mode and other names."""
        top = self.base.parent
        for part in COPIED:
            shutil.rmtree(top / part, ignore_errors=True)
        self.root.run("cp", "-a", f"{copy}/.", str(top))

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


def state_of(folder: Path, without: str) -> tuple[tuple[str, ...], ...]:
    """Return all that a folder holds: paths, kinds and modes, what is in files, where links lead, and which names are one file.

    `without`: the path of a folder that does not count.
    """
    first_names: dict[int, str] = {}
    found = []
    for path in sorted(folder.rglob("*")):
        name, status = str(path.relative_to(folder)), path.lstat()
        if f"{name}/".startswith(f"{without}/"):
            continue
        if stat.S_ISLNK(status.st_mode):
            held = str(path.readlink())
        else:
            held = path.read_bytes().hex() if stat.S_ISREG(status.st_mode) else ""
        same = first_names.setdefault(status.st_ino, name)
        found.append((name, oct(status.st_mode), held, same, f"{status.st_uid}:{status.st_gid}"))
    return tuple(found)
