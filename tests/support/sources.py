"""The files of this repository, as git tracks them."""

from __future__ import annotations

import functools
import subprocess

from tests.support.projects import ROOT

TRACKED = [
    name
    for name in subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True, timeout=30
    ).stdout.splitlines()
    if (ROOT / name).is_file()
]
"""Paths from the root, sorted."""


@functools.cache
def read(name: str) -> str:
    """Return the text of a tracked file."""
    return (ROOT / name).read_text(encoding="utf-8")
