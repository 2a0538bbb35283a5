"""The project's files in a commit, for comparing two states of a stack. It calls git, only to read."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import lru_cache
from pathlib import Path
from typing import Final, NamedTuple

from ipvlan.config.no_links import MOST_ENTRIES, NoSuchSourceError, RefusedSourceError
from ipvlan.config.yaml_file import STACK_FILES, refuse_large
from ipvlan.config.yaml_limits import LARGEST_SOURCE
from ipvlan.config.yaml_text import StackFileError
from ipvlan.problems import Problem, ToolError, UsageError, shorten

TIME_LIMIT: Final = 30
"""Seconds for one call of git; reading a file takes milliseconds."""
_BLOB: Final = re.compile(rb"(?P<hash>[0-9a-f]+) blob (?P<size>[0-9]+)\n")
"""How git describes a file. A link that leads nowhere or out of the repository, and a folder, are described in other words."""

_FILES: Final = ("100644", "100755")
"""Modes of regular files in a commit; 120000 is a link, 160000 a submodule (git-fast-import(1))."""


class _Entry(NamedTuple):
    """What a commit has at a path."""

    mode: str
    hash: str


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

    def content(self, name: str) -> bytes:
        """Return the file's bytes in the commit, as git has them: no filter of the repository's attributes is run."""
        entries = _entries(self.root, self.sha)
        _require_no_link(entries, name)
        entry = entries.get(name)
        if entry is None:
            if any(other.startswith(f"{name}/") for other in entries):
                raise RefusedSourceError("it is a folder, and the path ends in no slash")
            raise NoSuchSourceError(f"commit {self.sha[:12]} has no such file")
        # Its size first: a file of gigabytes is not read for an error.
        size = int(_blob(self.root, "-s", entry.hash))
        return b"\0" * (LARGEST_SOURCE + 1) if size > LARGEST_SOURCE else _blob(self.root, "blob", entry.hash)

    def below(self, name: str) -> list[str]:
        """Return the files below a folder of the commit."""
        entries, folder = _entries(self.root, self.sha), name.removesuffix("/")
        _require_no_link(entries, folder)
        if folder in entries:
            raise RefusedSourceError("it is a file, and the path ends in a slash")
        found = sorted(path for path in entries if path.startswith(f"{folder}/"))
        if not found:
            raise NoSuchSourceError(f"commit {self.sha[:12]} has no such folder")
        if len(found) > MOST_ENTRIES:
            raise RefusedSourceError(f"the folder has more than {MOST_ENTRIES} files and folders")
        for path in found:
            if entries[path].mode not in _FILES:
                raise RefusedSourceError(f"{path} is {_kind(entries[path].mode)}")
        return found

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


@lru_cache(maxsize=8)
def _entries(root: Path, sha: str) -> Mapping[str, _Entry]:
    """Return what the commit has below the project's folder: path -> file, link or submodule. A commit never changes."""
    # Without `--full-tree` the paths are those below the working folder. No sizes: a partial clone would fetch every file for them.
    listed = _git(root, "ls-tree", "-r", "-z", sha, "./")
    if listed.returncode:
        raise RefusedSourceError("git cannot list the commit's files")
    entries = {}
    for line in filter(None, os.fsdecode(listed.stdout).split("\0")):
        described, _, path = line.partition("\t")
        mode, _, hash_ = described.split(" ")
        entries[path] = _Entry(mode, hash_)
    return entries


def _require_no_link(entries: Mapping[str, _Entry], path: str) -> None:
    """Raise RefusedSourceError where a part of the path is a link or a submodule, or a folder of it is a file."""
    parts = path.split("/")
    for number in range(1, len(parts) + 1):
        entry = entries.get("/".join(parts[:number]))
        if entry is not None and entry.mode not in _FILES:
            raise RefusedSourceError(f"a part of the path is {_kind(entry.mode)}")
        if entry is not None and number < len(parts):
            raise RefusedSourceError("a part of the path is a file, and not a folder")


def _kind(mode: str) -> str:
    return {"120000": "a link", "160000": "a submodule"}.get(mode, "no file")


def _blob(root: Path, *arguments: str) -> bytes:
    done = _git(root, "cat-file", *arguments)
    if done.returncode:
        # Of a partial clone, where the server does not answer.
        raise RefusedSourceError("git cannot read it")
    return done.stdout


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
