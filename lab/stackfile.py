"""Keeps digests in the lab's stack file and the examples equal to those of the lab's registry, touching nothing else in them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_DIGEST = r"sha256:[0-9a-f]{64}"


def follow(path: Path, references: Mapping[str, str]) -> list[str]:
    """Rewrites digests in `path` to those of `references` (image name to `registry/name@digest`); a sentence per change.

    Every value of an `image:` key that names one of those repositories follows; a missing file or no such image is no change.
    """
    if not path.is_file():
        return []
    text = path.read_text(encoding="utf-8")
    changed, sentences = rewrite(text, references)
    if changed != text:
        path.write_text(changed, encoding="utf-8")
    return [f"{path.name}: {sentence}" for sentence in sentences]


def rewrite(text: str, references: Mapping[str, str]) -> tuple[str, list[str]]:
    """The text of a stack file with the digests of `references`, and a sentence per digest that changed."""
    sentences = []
    for name, reference in references.items():
        repository, _, digest = reference.partition("@")
        pattern = re.compile(rf"(\bimage:\s*[\"']?{re.escape(repository)}@)({_DIGEST})")
        for old in sorted({match[2] for match in pattern.finditer(text)} - {digest}):
            sentences.append(f"image {name}: {old[:19]}... is now {digest[:19]}..., as the registry holds it")
        text = pattern.sub(lambda match, digest=digest: match[1] + digest, text)  # type: ignore[misc]
    return text, sentences
