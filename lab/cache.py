"""The lab's caches: an entry is built in a temporary folder beside its place, then moved there in one step, under a lock."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from lab.lock import lock

if TYPE_CHECKING:
    from collections.abc import Callable


def entry(place: Path, build: Callable[[Path], None]) -> Path:
    """Return the folder `place`; if it is missing, `build` fills a new folder, which then becomes it."""
    if place.is_dir():
        return place
    with lock(place.parent / f"{place.name}.lock"):
        if place.is_dir():
            return place
        for interrupted in place.parent.glob(f"{place.name}.tmp-*"):
            shutil.rmtree(interrupted, ignore_errors=True)
        work = Path(tempfile.mkdtemp(prefix=f"{place.name}.tmp-", dir=place.parent))
        try:
            build(work)
            work.rename(place)
        finally:
            shutil.rmtree(work, ignore_errors=True)
    return place
