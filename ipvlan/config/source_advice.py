"""What to write in the place of a file's source that cannot be read: what is in the project instead.

Out of scope: reading the sources (`ipvlan.config.file_sources`), and what a path may be (`ipvlan.config.types.files`).
"""

from __future__ import annotations

import re
from difflib import get_close_matches

from ipvlan.config.no_links import NoSuchSourceError, RefusedSourceError
from ipvlan.config.types.files import TARGET, source_problem
from ipvlan.config.types.mounts import cleaned
from ipvlan.config.yaml_file import Checkout, Folder
from ipvlan.problems import shorten


def of_refused(folder: Folder, target: str, source: str) -> str:
    """Return the fix for what is no regular file, or no folder: the other of the two, where all of it can be read."""
    path = source.removesuffix("/")
    if source.endswith("/") and _is_file(folder, path):
        return f"it is a file: write no slash at the end of both: {shorten(cleaned(target))} and {shorten(path)}"
    if not source.endswith("/") and (below := _below(folder, f"{path}/")) and not any(map(source_problem, below)):
        at = f"{cleaned(target)}/"
        if TARGET.fullmatch(at):
            return f"write a slash at the end of both for all files of the folder: {shorten(at)} and {shorten(path)}/"
    return "put a regular file there, and no link; files of which a name begins with a dot are put elsewhere"


def of_missing(folder: Folder, source: str) -> str:
    """Return the fix for a path at which nothing is: the nearest one, or what the form of the path means."""
    path = re.sub(r":(?:ro|rw|z|Z)(?:,(?:ro|rw|z|Z))*$", "", source)
    if path != source and _is_file(folder, path):
        return f"write {shorten(path)}: files are read-only, always"
    if source.startswith("~"):
        name = source.removesuffix("/").rpartition("/")[2]
        return f"put the file below the project's folder, and write its path there: files/{shorten(name)}"
    near = _nearest(folder, source)
    if near is not None:
        return f"did you mean {shorten(near)}?"
    if re.search(r"[*?\[]", source):
        return "no pattern is read: write one file, or a folder with a slash at the end of both paths"
    return "write the path below the project's folder, in the case that it has there" + (
        "" if isinstance(folder, Checkout) else ", and commit the file"
    )


def _nearest(folder: Folder, source: str) -> str | None:
    """Return the path most like the source's, of files or of folders as the source is; `files/` is looked at in any case."""
    first, slash, _ = source.partition("/")
    paths = {path for name in {f"{first}/" if slash else "files/", "files/"} for path in _below(folder, name)}
    if source.endswith("/"):
        paths = {path[: end + 1] for path in paths for end, letter in enumerate(path) if letter == "/"}
    known = sorted(path for path in paths if source_problem(path) is None)
    same = [path for path in known if path.lower() == source.lower() or path.rpartition("/")[2] == source]
    near = same or ([] if re.search(r"[*?\[]", source) else get_close_matches(source[:200], known, n=1))
    return near[0] if near else None


def _below(folder: Folder, name: str) -> list[str]:
    if source_problem(name) is not None:
        return []
    try:
        return folder.below(name)
    except (NoSuchSourceError, RefusedSourceError):
        return []


def _is_file(folder: Folder, path: str) -> bool:
    if source_problem(path) is not None:
        return False
    try:
        folder.content(path)
    except (NoSuchSourceError, RefusedSourceError):
        return False
    return True
