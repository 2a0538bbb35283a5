"""Reads files below a folder, and follows no link on the way: neither to a file nor to a folder.

Each part of a path is opened in the folder before it, so nothing that is renamed meanwhile leads elsewhere (openat(2), O_NOFOLLOW).

Out of scope: which paths may be asked for (`ipvlan.config.types.files.source_problem`).
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

MOST_ENTRIES: Final = 1000
"""Files and folders of one folder that are looked at; a service has at most 50 files."""
_DEEPEST: Final = 20
"""Folders in each other below one that a container gets; each is open while those in it are read."""
_FOLDER: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
# A pipe is opened without waiting for its writer, and then refused.
_FILE: Final = os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC


class NoSuchSourceError(Exception):
    """There is no file or folder at the path; the text says what is missing."""


class RefusedSourceError(Exception):
    """What is at the path is no file of a folder, or cannot be read; the text says what it is."""


class NoSourcesError(Exception):
    """Files cannot be read here at all: only texts are known."""


def read_file(root: Path, name: str, most: int) -> bytes:
    """Return the content of a regular file at a path below `root`, at most `most` + 1 bytes.

    Raises:
        NoSuchSourceError: Nothing is there.
        RefusedSourceError: It is no regular file, a part of the path is a link, or it cannot be read.
    """
    *folders, file = name.split("/")
    with _opened(root, folders) as inside, _reasons():
        opened = os.open(file, _FILE, dir_fd=inside)
        try:
            if stat.S_ISDIR(os.fstat(opened).st_mode):
                raise RefusedSourceError("it is a folder, and the path ends in no slash")
            if not stat.S_ISREG(os.fstat(opened).st_mode):
                raise RefusedSourceError("it is a pipe, a socket or a device")
            os.set_blocking(opened, True)
            with os.fdopen(opened, "rb", closefd=False) as stream:
                return stream.read(most + 1)
        finally:
            os.close(opened)


def files_below(root: Path, name: str) -> list[str]:
    """Return the paths of all files below the folder at a path below `root`; they begin with that path, and are sorted.

    Raises:
        NoSuchSourceError: Nothing is there.
        RefusedSourceError: It is no folder, it has a link or anything else that is no file in it, or it is too large.
    """
    found: list[str] = []
    with _opened(root, name.removesuffix("/").split("/")) as opened, _reasons():
        _add(opened, name.removesuffix("/"), found, [MOST_ENTRIES])
    return sorted(found)


def _add(folder: int, path: str, found: list[str], left: list[int], depth: int = 1) -> None:
    if depth > _DEEPEST:
        raise RefusedSourceError(f"more than {_DEEPEST} folders are in each other")
    with os.scandir(folder) as entries:
        for entry in entries:
            left[0] -= 1
            if left[0] < 0:
                raise RefusedSourceError(f"the folder has more than {MOST_ENTRIES} files and folders")
            inner = f"{path}/{entry.name}"
            if entry.is_symlink():
                raise RefusedSourceError(f"{inner} is a link")
            if entry.is_file(follow_symlinks=False):
                found.append(inner)
            elif entry.is_dir(follow_symlinks=False):
                with _opened_in(folder, entry.name) as opened:
                    _add(opened, inner, found, left, depth + 1)
            else:
                raise RefusedSourceError(f"{inner} is a pipe, a socket or a device")


@contextmanager
def _opened(root: Path, folders: list[str]) -> Iterator[int]:
    """Open a folder below `root`; the file descriptor is closed at the end."""
    with _reasons():
        # The project's folder itself may be reached by a link.
        current = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        for folder in folders:
            with _reasons():
                inside = os.open(folder, _FOLDER, dir_fd=current)
            os.close(current)
            current = inside
        yield current
    finally:
        os.close(current)


@contextmanager
def _opened_in(folder: int, name: str) -> Iterator[int]:
    with _reasons():
        opened = os.open(name, _FOLDER, dir_fd=folder)
    try:
        yield opened
    finally:
        os.close(opened)


@contextmanager
def _reasons() -> Iterator[None]:
    """Turn what the kernel says into the reasons that a person reads."""
    try:
        yield
    except FileNotFoundError:
        raise NoSuchSourceError("there is no such file") from None
    except OSError as error:
        # A link: ELOOP, and ENOTDIR where a folder was to be opened (open(2), O_NOFOLLOW with O_DIRECTORY).
        if error.errno == errno.ELOOP:
            raise RefusedSourceError("a part of the path is a link") from None
        if error.errno == errno.ENOTDIR:
            raise RefusedSourceError("a part of the path is a link, or no folder") from None
        if error.errno == errno.ENXIO:
            raise RefusedSourceError("it is a pipe, a socket or a device") from None
        raise RefusedSourceError(f"it cannot be read: {error.strerror}") from None
