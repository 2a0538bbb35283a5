"""A project folder with a stack file, and a git history of it, for tests of the command."""

from __future__ import annotations

import contextlib
import io
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

from ipvlan.cli.main import main
from tools.reference_setup import STACK_TEXT

ROOT = Path(__file__).resolve().parents[2]


def write_project(folder: Path, text: str = STACK_TEXT, stack: str = "dev") -> Path:
    """Make a project folder with one stack, and return the stack's file."""
    (folder / "Pulumi.yaml").write_text("name: ipvlan-fabric\nruntime: python\n", encoding="utf-8")
    path = folder / f"Pulumi.{stack}.yaml"
    path.write_text(text, encoding="utf-8", newline="")
    return path


def git(folder: Path, *arguments: str) -> str:
    """Run git without the machine's own configuration, and return what it prints."""
    done = subprocess.run(
        ["git", "-c", "user.name=Test", "-c", "user.email=test@localhost", "-c", "commit.gpgsign=false", *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        check=True,
        timeout=30,
        env={"PATH": "/usr/bin:/bin", "HOME": str(folder), "GIT_CONFIG_NOSYSTEM": "1"},
    )
    return done.stdout.strip()


def commit_all(folder: Path, message: str) -> str:
    """Commit everything, in a new repository if there is none, and return the hash."""
    if not (folder / ".git").exists():
        git(folder, "init", "--quiet", "--initial-branch=main")
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", message)
    return git(folder, "rev-parse", "HEAD")


@dataclass(frozen=True, slots=True)
class Ended:
    """How a run of the command ended."""

    returncode: int
    stdout: str
    stderr: str


def ipvlan(folder: Path, *arguments: str) -> Ended:
    """Run `ipvlan` in that folder, in this process: to start Python for each call would take most of the time."""
    out, err = io.StringIO(), io.StringIO()
    status: object = 0
    with (
        contextlib.chdir(folder),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
        mock.patch.object(sys, "argv", ["ipvlan", *arguments]),
        mock.patch.dict(os.environ, {"COLUMNS": "200"}),
    ):
        os.environ.pop("PULUMI_STACK", None)
        try:
            main()
        except SystemExit as end:
            status = end.code or 0
    return Ended(int(str(status)), out.getvalue(), err.getvalue())


def ipvlan_process(folder: Path, *arguments: str) -> Ended:
    """Run `ipvlan` in a process of its own, as a person does."""
    done = subprocess.run(
        [sys.executable, "-m", "ipvlan.cli.main", *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=50,
        env={"PATH": "/usr/bin:/bin", "HOME": str(folder), "PYTHONPATH": str(ROOT), "COLUMNS": "200"},
    )
    return Ended(done.returncode, done.stdout, done.stderr)
