"""The project's files as they are in a commit, for comparing two states of a stack.

Owns the calls of git; all of them only read.
"""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

from ipvlan.config.yaml_file import StackFileError
from ipvlan.problems import ConfigError, Problem, shorten

TIME_LIMIT = 30
"""Seconds for one call of git; reading a file takes milliseconds."""


@dataclass(frozen=True, slots=True)
class Commit:
    """The project's folder in a commit."""

    root: Path
    """The project's folder in the checkout, anywhere in the repository."""
    sha: str

    def has(self, name: str) -> bool:
        """Whether the commit has the file."""
        # `./` makes git look below the working folder and not below the repository's top.
        return _git(self.root, "cat-file", "-e", f"{self.sha}:./{name}").returncode == 0

    def text(self, name: str) -> str:
        """The file's text in the commit; raises `StackFileError`."""
        found = _git(self.root, "cat-file", "blob", f"{self.sha}:./{name}")
        if found.returncode:
            raise StackFileError([_problem(name, "", f"commit {self.sha[:12]} has no such file", "correct the path")])
        try:
            return found.stdout.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise StackFileError(
                [_problem(name, "", f"byte {error.start} in commit {self.sha[:12]} is not UTF-8", "save it as UTF-8")]
            ) from None


def commit(root: Path, ref: str) -> Commit:
    """The commit that a branch, tag or hash names; raises `ConfigError` where there is none or git fails."""
    try:
        found = _git(root, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{ref}^{{commit}}")
    except FileNotFoundError:
        raise ConfigError([_problem("git", "", "git is not installed", "apt-get install git")]) from None
    except subprocess.TimeoutExpired:
        raise ConfigError(
            [_problem("git", "", f"git took more than {TIME_LIMIT} s", "look at the repository")]
        ) from None
    if found.returncode:
        said = " ".join(found.stderr.decode("utf-8", "replace").split())
        raise ConfigError(
            [
                _problem(
                    "--base",
                    shorten(ref),
                    said or "there is no such commit here",
                    "name a branch, tag or commit; in CI fetch the whole history (fetch-depth: 0)",
                )
            ]
        )
    return Commit(root, found.stdout.decode().strip())


def _git(root: Path, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        ["git", *arguments], cwd=root, capture_output=True, check=False, timeout=TIME_LIMIT, stdin=subprocess.DEVNULL
    )


def _problem(key: str, value: str, wrong: str, fix: str) -> Problem:
    return Problem(
        key=key, value=value, problem=wrong, effect="the two states of the stack cannot be compared", fix=fix
    )
