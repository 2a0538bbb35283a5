"""The project's files in a commit, for comparing two states of a stack. It calls git, only to read."""

from __future__ import annotations

import os
import re
import subprocess
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Final

from ipvlan.config.yaml_file import STACK_FILES, refuse_large
from ipvlan.config.yaml_text import StackFileError
from ipvlan.problems import Problem, ToolError, UsageError, shorten

TIME_LIMIT: Final = 30
"""Seconds for one call of git; reading a file takes milliseconds."""
_BLOB: Final = re.compile(rb"(?P<hash>[0-9a-f]+) blob (?P<size>[0-9]+)\n")
"""How git describes a file. A link that leads nowhere or out of the repository, and a folder, are described in other words."""


@dataclass(frozen=True, slots=True)
class Commit:
    """The project's folder in a commit."""

    root: Path
    """The project's folder in the checkout, anywhere in the repository."""
    sha: str

    def has(self, name: str) -> bool:
        """Return whether the commit has the file."""
        # `./` makes git look below the working folder and not below the repository's top.
        return _git(self.root, "cat-file", "-e", f"{self.sha}:./{name}").returncode == 0

    def stack_files(self) -> list[str]:
        """Return the stack files of the commit."""
        # Without `--full-tree` the paths are below the working folder.
        listed = _git(self.root, "ls-tree", "--name-only", "-z", self.sha, "./").stdout
        return sorted(name for name in os.fsdecode(listed).split("\0") if fnmatchcase(name, STACK_FILES))

    def text(self, name: str) -> str:
        """Return the file's text in the commit; raise StackFileError."""
        content = self._content(name)
        if content is None:
            raise StackFileError(
                [_problem("IPF027", name, "", f"commit {self.sha[:12]} has no such file", "correct the path")]
            )
        try:
            return content.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            problem = f"byte {error.start} in commit {self.sha[:12]} is not UTF-8"
            raise StackFileError([_problem("IPF028", name, "", problem, "save it as UTF-8")]) from None

    def _content(self, name: str) -> bytes | None:
        """Return the file's content; None where there is no such file. Raise StackFileError where it is too large."""
        # A link is followed as on disk, else its text would count as the file's. Out of the repository it leads nowhere.
        request = os.fsencode(f"{self.sha}:./{name}\n")
        found = _BLOB.match(_git(self.root, "cat-file", "--batch-check", "--follow-symlinks", given=request).stdout)
        # A line break in the name would make two requests of it.
        if found is None or "\n" in name:
            return None
        refuse_large(int(found["size"]), name)
        done = _git(self.root, "cat-file", "blob", found["hash"].decode())
        return None if done.returncode else done.stdout


def commit(root: Path, ref: str, option: str = "--base") -> Commit:
    """Return the commit that a branch, tag or hash names; `option` is where the name comes from.

    Raises:
        UsageError: There is no such commit.
        ToolError: Git is missing, or does not answer.
    """
    done = _git(root, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{ref}^{{commit}}")
    if done.returncode:
        message = " ".join(done.stderr.decode("utf-8", "replace").split())
        raise UsageError(
            [
                _problem(
                    "IPF903",
                    option,
                    shorten(ref),
                    message or "there is no such commit here",
                    "name a branch, tag or commit; in CI fetch the complete history (fetch-depth: 0)",
                )
            ]
        )
    return Commit(root, done.stdout.decode().strip())


def _git(root: Path, *arguments: str, given: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    try:
        return subprocess.run(
            ["git", *arguments],
            cwd=root,
            capture_output=True,
            check=False,
            timeout=TIME_LIMIT,
            input=given,
        )
    except FileNotFoundError:
        raise ToolError(
            [_problem("IPF911", "git", "", "git is not installed", "install it: apt-get install git")]
        ) from None
    except subprocess.TimeoutExpired:
        raise ToolError(
            [_problem("IPF912", "git", "", f"git took more than {TIME_LIMIT} s", "check the repository: git fsck")]
        ) from None


def _problem(code: str, key: str, value: str, problem: str, fix: str) -> Problem:
    return Problem(
        code=code,
        key=key,
        value=value,
        problem=problem,
        effect="the two states of the stack cannot be compared",
        fix=fix,
    )
