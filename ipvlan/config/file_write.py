"""Replaces files of a stack by their edited texts: at once, behind links, and not over the work of somebody else.

Out of scope: the edits (`ipvlan.config.yaml_edit`).
"""

from __future__ import annotations

import errno
import fcntl
import os
import tempfile
import time
from collections.abc import Collection, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Final

from ipvlan.config.yaml_file import file_text, read_bytes
from ipvlan.problems import Problem, ToolError

LOCK_SECONDS: Final = 10.0
"""How long another run is waited for. One holds the lock while it decides and writes, which takes less than a second."""

_POLL_SECONDS: Final = 0.1

_NO_LOCKS: Final = frozenset({errno.EBADF, errno.EINVAL, errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP})
"""What file systems without locks of folders answer; NFS locks only what is open for writing (flock(2), "NFS details")."""


def read_texts(folder: Path, names: Collection[str]) -> dict[str, str]:
    """Return the texts of files as they are, with a byte order mark and their line ends; raise StackFileError."""
    return {name: file_text(folder / name, name, encoding="utf-8") for name in names}


@contextmanager
def edit_lock(folder: Path, names: Collection[str]) -> Iterator[None]:
    """Keep other runs from editing these files, or files beside them, until the block ends. It leaves no trace.

    The lock is on the folders: a file is replaced, so a lock on the file would be on the earlier one. On a file system without
    locks nothing is locked, and `write_texts` alone keeps two runs apart.

    Args:
        folder: The project's folder.
        names: Files in it, some of which may be links to files elsewhere.

    Raises:
        ToolError: Another run holds the lock for longer than `LOCK_SECONDS`.
    """
    # Not `Path.resolve`: it raises RuntimeError for a link that leads to itself.
    folders = {Path(os.path.realpath(folder)), *(Path(os.path.realpath(folder / name)).parent for name in names)}
    deadline = time.monotonic() + LOCK_SECONDS
    with ExitStack() as held:
        # In one order in every run: two of them cannot wait for each other.
        for locked in sorted(folders):
            with suppress(PermissionError, FileNotFoundError, NotADirectoryError):
                # A folder that cannot be read is not locked; in one that can only be read nothing is written. A link may lead to
                # no folder at all: reading the file says so.
                descriptor = os.open(locked, os.O_RDONLY | os.O_CLOEXEC)
                held.callback(os.close, descriptor)
                _lock(descriptor, locked, deadline)
        yield


def require_unchanged(folder: Path, before: Mapping[str, str]) -> None:
    """Raise ToolError where one of the files is not any more what it was.

    Args:
        folder: The project's folder.
        before: Name -> the text that was read.
    """
    for name, text in before.items():
        if not _is_text(folder / name, text):
            raise ToolError(
                [
                    Problem(
                        code="IPF621",
                        key=name,
                        value="",
                        problem="somebody else changed the file after this command had read it",
                        effect="the file is not written: the other change would be lost",
                        fix="save the file in every editor, then run the command again",
                    )
                ]
            )


def write_texts(
    folder: Path, before: Mapping[str, str], after: Mapping[str, str], *, effect: str = "the file is not changed"
) -> None:
    """Replace the contents of files, each at once: a reader sees the old text or the new one, never a part.

    A link stays a link, and the file that it leads to is replaced. Its permissions stay, and its owner and group where this is
    allowed.

    Args:
        folder: The project's folder.
        before: Name -> the text of which the new one was made.
        after: Name -> new text, of some of these files.
        effect: What it causes that a file cannot be written.

    Raises:
        ToolError: A file is not what it was, and none is written; or a file cannot be written.
    """
    require_unchanged(folder, {name: before[name] for name in after})
    for name, text in after.items():
        try:
            _replace(Path(os.path.realpath(folder / name, strict=True)), text)
        except OSError as error:
            raise ToolError(
                [
                    Problem(
                        code="IPF921",
                        key=name,
                        value="",
                        problem=f"it cannot be written: {error.strerror}",
                        effect=effect,
                        fix="make it writable, and its folder, then run the command again: it does the rest",
                    )
                ]
            ) from None


def _is_text(path: Path, text: str) -> bool:
    try:
        return read_bytes(path) == text.encode("utf-8")
    except OSError:
        # It is gone, or something else is in its place.
        return False


def _lock(descriptor: int, folder: Path, deadline: float) -> None:
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                raise ToolError(
                    [
                        Problem(
                            code="IPF620",
                            key=str(folder),
                            value="",
                            problem=f"another run has been editing files of this folder for {LOCK_SECONDS:.0f} s",
                            effect="nothing is written: one of the two edits would be lost",
                            fix="wait until the other `ipvlan allocate`, `import` or `forget` ends, then run the command again",
                        )
                    ]
                ) from None
            time.sleep(_POLL_SECONDS)
        except OSError as error:
            if error.errno not in _NO_LOCKS:
                raise
            return
        else:
            return


def _replace(path: Path, text: str) -> None:
    status = path.stat()
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as file:
            file.write(text)
            file.flush()
            # Without it a power cut could leave an empty file under the old name.
            os.fsync(file.fileno())
        _chown(temporary, status)
        Path(temporary).chmod(status.st_mode & 0o7777)
        Path(temporary).replace(path)
    finally:
        Path(temporary).unlink(missing_ok=True)


def _chown(path: str, status: os.stat_result) -> None:
    """Give the file to the owner and group, as far as this user may: only root gives a file away, a member of a group to that."""
    try:
        os.chown(path, status.st_uid, status.st_gid)
    except PermissionError:
        with suppress(PermissionError):
            os.chown(path, -1, status.st_gid)
