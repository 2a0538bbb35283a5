"""Input N of a seed: the files of one project, as bytes."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import Final

from tools.fuzz.corpus import Corpus
from tools.fuzz.text import encode, mutate_text
from tools.fuzz.tree import as_text, mutate_tree

_STYLES: Final = ("text", "text", "tree", "tree", "tree", "tree", "tree and text")


@dataclass(frozen=True)
class Input:
    """The files that are tried."""

    base: str
    """The valid stack file that it was made of."""
    stack: bytes
    common: bytes | None
    """The shared file, where there is one."""


def make_input(corpus: Corpus, seed: str, number: int) -> Input:
    """Return that input; it depends on nothing but the arguments."""
    # A text as the seed: Python makes the same state of it in every process.
    rng = Random(f"{seed}/{number}")  # noqa: S311 (no secret)
    origin = rng.choice(corpus.seeds)
    own, common = origin.text, origin.common
    if common is not None and rng.random() < 0.15:
        return Input(origin.name, own.encode(), encode(mutate_text(common, rng), rng))
    if rng.random() < 0.05:
        own = rng.choice(corpus.texts)
    style = rng.choice(_STYLES)
    if "tree" in style:
        content = origin.tree()
        mutate_tree(content, corpus, rng)
        own = as_text(content, rng)
    if "text" in style:
        own = mutate_text(own, rng)
    return Input(origin.name, encode(own, rng), None if common is None else common.encode())
