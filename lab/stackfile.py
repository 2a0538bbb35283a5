"""Keeps the digests in the lab's stack file and the examples equal to those of the lab's registry; changes nothing else there."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_DIGEST = r"sha256:[0-9a-f]{64}"


def follow(path: Path, references: Mapping[str, str]) -> list[str]:
    """Replace the digests in `path` by those of `references` (image name -> `registry/name@digest`); return a line per change.

    This changes every value of an `image:` key with one of those repositories. A missing file is no change.
    """
    if not path.is_file():
        return []
    text = path.read_text(encoding="utf-8")
    changed, lines = rewrite(text, references)
    if changed != text:
        path.write_text(changed, encoding="utf-8")
    return [f"{path.name}: {line}" for line in lines]


def rewrite(text: str, references: Mapping[str, str]) -> tuple[str, list[str]]:
    """Return the text of a stack file with the digests of `references`, and a line per changed digest."""
    lines = []
    for name, reference in references.items():
        repository, _, digest = reference.partition("@")
        pattern = re.compile(rf"(\bimage:\s*[\"']?{re.escape(repository)}@)({_DIGEST})")
        for old in sorted({match[2] for match in pattern.finditer(text)} - {digest}):
            lines.append(f"image {name}: {old[:19]}... is now {digest[:19]}..., as in the lab's registry")
        text = pattern.sub(lambda match, digest=digest: match[1] + digest, text)  # type: ignore[misc]
    return text, lines
