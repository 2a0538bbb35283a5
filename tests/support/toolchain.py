"""A machine for tests of toolchain/: an empty cache, no network, and on its PATH only what a test puts there."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import Final

TOOLCHAIN: Final = Path(__file__).resolve().parents[2] / "toolchain"
# The programs that the scripts of toolchain/ run, apart from pulumi, go and pip.
_TOOLS: Final = """
    awk bash cat chmod cut dirname echo env find flock grep gzip head ln mkdir mktemp mv python3 readlink rm sed sh sha256sum
    sleep sort stat tail tar timeout tr uname wc xargs
""".split()  # noqa: SIM905  # thirty names in one list


def versions() -> dict[str, str]:
    """Return the settings of toolchain/versions.env."""
    lines = (TOOLCHAIN / "versions.env").read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


class Machine:
    """The machine; its files are in one folder of the test's own."""

    def __init__(self, folder: Path) -> None:
        self.bin = folder / "bin"
        self.cache = folder / "cache"
        self.toolchain = TOOLCHAIN
        """The folder whose scripts run."""
        self.bin.mkdir()
        for tool in _TOOLS:
            path = shutil.which(tool, path="/usr/local/bin:/usr/bin:/bin") or shutil.which(tool)
            assert path, tool
            (self.bin / tool).symlink_to(path)

    @property
    def cached(self) -> list[str]:
        """The names of the folders in the toolchain's cache."""
        return [path.name for path in (self.cache / "toolchain").iterdir() if path.is_dir()]

    def put(self, folder: Path, name: str, text: str) -> Path:
        """Write a command of POSIX shell text into a folder; return its path."""
        folder.mkdir(parents=True, exist_ok=True)
        command = folder / name
        command.write_text(f"#!/bin/sh\n{text}\n")
        command.chmod(0o755)
        return command

    def put_pulumi(self, version: str, folder: Path | None = None, host: bool = True) -> Path:
        """Write a fake `pulumi` that prints its version, with a language host beside it or without; return its path."""
        folder = folder or self.bin
        if host:
            self.put(folder, "pulumi-language-python", "exit 0")
        return self.put(folder, "pulumi", f'[ "$1" = version ] && echo v{version}')

    def environment(self, **more: str) -> dict[str, str]:
        """Return the environment of the machine's commands."""
        base = {"PATH": str(self.bin), "HOME": str(self.cache.parent), "IPVLAN_FABRIC_CACHE": str(self.cache)}
        return base | more

    def copy_toolchain(self, **pins: str) -> Path:
        """Have the machine run a copy of toolchain/ whose versions.env has these values; return its path."""
        folder = self.bin.parent / "toolchain"
        shutil.copytree(TOOLCHAIN, folder, dirs_exist_ok=True)
        text = (TOOLCHAIN / "versions.env").read_text()
        for key, value in pins.items():
            text, found = re.subn(rf"^{key}=.*$", f"{key}={value}", text, flags=re.MULTILINE)
            assert found == 1, key
        (folder / "versions.env").write_text(text)
        self.toolchain = folder
        return folder

    def run(self, command: str, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run `toolchain/<command>` on this machine."""
        return subprocess.run(
            [self.toolchain / command, *arguments],
            env=self.environment(**environment),
            capture_output=True,
            text=True,
            timeout=50,
            check=False,
        )

    def make_entry(self, kind: str) -> Path:
        """Write the cache entry that setup would make on this machine, with a fake `pulumi` in it; return its path.

        `kind` is "build" or "release".
        """
        script = 'source "$1/common.sh"; choose; printf %s "$entry"'
        key = subprocess.run(
            ["bash", "-c", script, "test", TOOLCHAIN],
            env=self.environment(),
            capture_output=True,
            text=True,
            timeout=20,
            check=True,
        )
        entry = Path(f"{key.stdout}-{kind}")
        self.put_pulumi(versions()["PULUMI_VERSION"], entry / "bin")
        return entry

    def exported(self, text: str, **environment: str) -> dict[str, str]:
        """Return the environment after a shell evaluated `text`, which toolchain/env printed."""
        done = subprocess.run(
            ["bash", "-c", 'eval "$1"; env -0', "test", text],
            env=self.environment(**environment),
            capture_output=True,
            text=True,
            timeout=20,
            check=True,
        )
        return dict(line.split("=", 1) for line in done.stdout.split("\0") if line)
