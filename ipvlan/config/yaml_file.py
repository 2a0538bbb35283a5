"""The files of a project: their texts, their content, and which of them are stack files.

Out of scope: how YAML is read (`ipvlan.config.yaml_text`), and what the keys mean (`ipvlan.config.load`).
"""

from __future__ import annotations

import errno
import os
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol

from ipvlan.config import no_links
from ipvlan.config.no_links import NoSourcesError
from ipvlan.config.yaml_limits import LARGEST_FILE, LARGEST_SOURCE
from ipvlan.config.yaml_text import parse_text, stack_file_error

STACK_FILES: Final = "Pulumi.*.yaml"
"""The files of a project's stacks."""


class Folder(Protocol):
    """Where a project's files are read from: the checkout, or a commit."""

    def text(self, name: str) -> str:
        """Return the text of the file at that path below the project's folder; raise StackFileError."""

    def has(self, name: str) -> bool:
        """Return whether something is at that path."""

    def content(self, name: str) -> bytes:
        """Return the bytes of the file at that path, at most one more than `LARGEST_SOURCE`; no part of the path is a link.

        Raises:
            NoSuchSourceError: Nothing is there.
            RefusedSourceError: What is there is no regular file, or a part of the path is a link.
            NoSourcesError: The folder has texts alone.
        """

    def below(self, name: str) -> list[str]:
        """Return the paths of all files below the folder at that path, sorted; they begin with that path. Raises as `content`."""


class TextsAlone:
    """The part of a `Folder` that has texts and nothing else: what is read of it must not name files."""

    def content(self, name: str) -> bytes:
        """Raise NoSourcesError."""
        raise NoSourcesError(name)

    def below(self, name: str) -> list[str]:
        """Raise NoSourcesError."""
        raise NoSourcesError(name)


class NoFolder(TextsAlone):
    """No folder: the config is not from a file, and nobody knows where its program is."""

    def text(self, name: str) -> str:
        """Raise NoSourcesError: a config that comes through Pulumi's protocol has all its keys in it."""
        raise NoSourcesError(name)

    def has(self, name: str) -> bool:
        """Return whether the name is that of no file at all: no file is here."""
        return not name


class ProjectFolder(Folder, Protocol):
    """A folder whose stack files can be listed."""

    def stack_files(self) -> list[str]:
        """Return the names of the files `Pulumi.*.yaml` in the folder, sorted."""


@dataclass(frozen=True, slots=True)
class Checkout:
    """The project's folder on disk."""

    root: Path

    def text(self, name: str) -> str:
        """Return the file's text as it is now."""
        return file_text(self.root / name, name)

    def has(self, name: str) -> bool:
        """Return whether something is there now, if only a link that leads nowhere."""
        return os.path.lexists(self.root / name)

    def content(self, name: str) -> bytes:
        """Return the file's bytes as they are now."""
        return no_links.read_file(self.root, name, LARGEST_SOURCE)

    def below(self, name: str) -> list[str]:
        """Return the files below a folder that are there now."""
        return no_links.files_below(self.root, name)

    def stack_files(self) -> list[str]:
        """Return the stack files that are there now. What is no file is not opened: a pipe might never answer."""
        return sorted(path.name for path in self.root.glob(STACK_FILES) if _may_be_file(path))


def read(folder: Folder, name: str) -> dict[str, Any]:
    """Return the content of a YAML file whose top is a mapping; raise StackFileError with line and column."""
    return parse_text(folder.text(name), name)


def read_bytes(path: Path) -> bytes:
    """Return the content of a regular file, at most one byte more than `LARGEST_FILE`.

    Raises:
        OSError: It cannot be read, or is none: a pipe might never answer, a device might never end.
    """
    mode = path.stat().st_mode
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    if not stat.S_ISREG(mode):
        raise OSError(errno.EINVAL, "It is a pipe, a socket or a device", str(path))
    with path.open("rb") as file:
        return file.read(LARGEST_FILE + 1)


def _may_be_file(path: Path) -> bool:
    try:
        return path.is_file()
    except PermissionError:
        # A link into a folder that is closed to this user: reading it says so.
        return True


def refuse_large(size: int, name: str) -> None:
    """Raise StackFileError where a file of that many bytes is too large."""
    if size > LARGEST_FILE:
        raise stack_file_error(
            "IPF002",
            name,
            problem=f"the file has more than {LARGEST_FILE} bytes",
            effect="reading it would take minutes, and much memory",
            fix="this is not a stack file",
        )


def file_text(path: Path, name: str, encoding: str = "utf-8-sig") -> str:
    """Return the text of a file, without its byte order mark unless the encoding is plain UTF-8; raise StackFileError."""
    try:
        content = read_bytes(path)
        refuse_large(len(content), name)
        return content.decode(encoding)
    except FileNotFoundError:
        others = ", ".join(sorted(other.name for other in path.parent.glob(STACK_FILES))) or "none"
        raise stack_file_error(
            "IPF001",
            name,
            problem="there is no such file",
            effect="nothing is known of the stack",
            fix=f"write it, or choose another stack with --stack (there are: {others})",
        ) from None
    except OSError as error:
        raise stack_file_error(
            "IPF003",
            name,
            problem=f"the file cannot be read: {error.strerror}",
            effect="nothing is known of the stack",
            fix="make it a file that can be read",
        ) from None
    except UnicodeDecodeError as error:
        raise stack_file_error(
            "IPF004",
            name,
            problem=f"byte {error.start} is not UTF-8",
            effect="Pulumi could not read the file either",
            fix="save the file as UTF-8",
        ) from None
