"""Versions of Docker that no Debian has: which there are, and what each is built from.

`versions.toml` names them; a folder per suite has the two Go modules, with the checksums of all that they are built from.
`build` makes the programs, `pin` writes the modules. Out of scope: containerd and runc, which are Debian's.
"""

from __future__ import annotations

import hashlib
import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

FOLDER: Final = Path(__file__).resolve().parent


@dataclass(frozen=True, slots=True, kw_only=True)
class Engine:
    """One Docker: `dockerd` and `docker-proxy` from github.com/moby/moby/v2, `docker` from github.com/docker/cli."""

    suite: str
    """The name in LAB_SUITE."""
    docker: str
    """The release, such as 29.8.1."""
    moby: str
    """The version of the module github.com/moby/moby/v2, such as v2.0.0-beta.24."""
    debian: str
    """The Debian suite that the programs are laid over."""

    @property
    def folder(self) -> Path:
        """The folder with the modules `engine` and `cli`."""
        return FOLDER / self.suite

    @property
    def minor(self) -> str:
        """The version without its patch, such as 29.8."""
        return self.docker.rpartition(".")[0]

    @property
    def key(self) -> str:
        """A short hash of all that decides the programs: the versions, the modules, how they are built, the machine."""
        files = [FOLDER / "build.py", *sorted(path for path in self.folder.rglob("*") if path.is_file())]
        parts = [f"{self.docker} {self.moby} {os.uname().machine}".encode(), *(path.read_bytes() for path in files)]
        return hashlib.sha256(b"".join(hashlib.sha256(part).digest() for part in parts)).hexdigest()[:12]


def _read(text: str) -> dict[str, Engine]:
    return {suite: Engine(suite=suite, **fields) for suite, fields in tomllib.loads(text).items()}


ENGINES: Final[Mapping[str, Engine]] = _read((FOLDER / "versions.toml").read_text(encoding="utf-8"))
"""Suite -> its Docker."""
