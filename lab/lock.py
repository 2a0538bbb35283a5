"""Locks, so that two commands do not build the same cache entry or start the same lab at the same time."""

from __future__ import annotations

import fcntl
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from lab.errors import LabError
from lab.run import say

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextmanager
def lock(path: Path, *, limit: float = 1800.0) -> Iterator[None]:
    """Hold a lock file.

    Raises:
        LabError: Another command still holds it after `limit` seconds.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    deadline = time.monotonic() + limit
    reported = False
    with path.open("a") as handle:
        while True:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if not reported:
                    say(f"waiting for another lab command that holds {path}")
                    reported = True
            if time.monotonic() > deadline:
                raise LabError(
                    f"{path}: still held after {limit:.0f} s by another lab command (`fuser {path}` shows it)"
                )
            time.sleep(0.2)
        yield
