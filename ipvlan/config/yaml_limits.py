"""How large and how deep a YAML file may be, and the reading of its nodes within these limits.

A small file must not stand for very much: with a few bytes for each value, with mappings in mappings, or with aliases of aliases.

Out of scope: what a person reads of it (`ipvlan.config.yaml_file`).
"""

from __future__ import annotations

from typing import Any, Final

from ruamel.yaml import YAML
from ruamel.yaml.composer import Composer, MaxDepthExceededError
from ruamel.yaml.nodes import CollectionNode, Node
from ruamel.yaml.scanner import Scanner

LARGEST_FILE: Final = 4 * 1024 * 1024
"""Bytes; a stack of 10,000 services has about 2 MB. A file of this size that is all comments is read in 6 s."""

MOST_VALUES: Final = 150_000
"""Keys and values, mappings, lists and aliases of one file, and of the same file with its aliases written out.

10,000 services with five keys each have 140,000. ruamel.yaml takes 80 us and 1 KB for each, and two bytes are enough for one:
without a limit 1 MB could take 40 s and 500 MB. Go's yaml.v3, with which Pulumi reads,
limits aliases too (allowedAliasRatio).
"""

DEEPEST: Final = 50
"""Mappings and lists in each other; a stack file has 6. ruamel.yaml's time grows with the square of the depth of flow style, before
Python's own limit ends it: `[` 500 times takes a second, 3,000 times ten."""


class TooManyValuesError(Exception):
    """The text has more than `MOST_VALUES`."""

    def __init__(self, *, written_out: bool) -> None:
        super().__init__()
        self.written_out = written_out
        """Whether only the text with its aliases written out has."""


class _Composer(Composer):
    """Counts what it makes. An anchor of a name that was there before is YAML, and no warning of Python's."""

    def __init__(self, loader: Any = None) -> None:
        super().__init__(loader)
        self.warn_double_anchors = False
        self._count = 0

    def compose_node(self, parent: Any, index: Any) -> Any:
        """Return the next node; raise TooManyValuesError."""
        self._count += 1
        if self._count > MOST_VALUES:
            raise TooManyValuesError(written_out=False)
        return super().compose_node(parent, index)


class _Scanner(Scanner):
    """Ends at the depth limit at once, and not after it looked ahead for the end of what might be a key."""

    def fetch_flow_collection_start(self, TokenClass: Any, to_push: str) -> None:  # noqa: N803 (the base class calls it so)
        """Begin a list or mapping in flow style."""
        if self.flow_level >= DEEPEST:
            raise MaxDepthExceededError(problem_mark=self.reader.get_mark())
        super().fetch_flow_collection_start(TokenClass, to_push)


def compose(text: str) -> Node | None:
    """Return the node at the top of YAML text; None for an empty text.

    Raises:
        YAMLError: It is not YAML; MaxDepthExceededError where it is nested deeper than `DEEPEST`.
        TooManyValuesError: It has more than `MOST_VALUES`.
    """
    yaml = YAML(typ="safe", pure=True)
    yaml.Scanner = _Scanner
    yaml.Composer = _Composer
    yaml.max_depth = DEEPEST
    root: Node | None = yaml.compose(text)
    if root is not None and _size(root, {}) > MOST_VALUES:
        raise TooManyValuesError(written_out=True)
    return root


def _size(node: Node, sizes: dict[int, int]) -> int:
    """Return the values of a node with its aliases written out; at most one more than `MOST_VALUES`."""
    if not isinstance(node, CollectionNode):
        return 1
    if id(node) not in sizes:
        # What contains itself ends here, and is reported by who reads it.
        sizes[id(node)] = 1
        parts = (part for entry in node.value for part in (entry if isinstance(entry, tuple) else (entry,)))
        sizes[id(node)] = min(1 + sum(_size(part, sizes) for part in parts), MOST_VALUES + 1)
    return sizes[id(node)]


def check_count(content: object) -> None:
    """Raise TooManyValuesError where mappings and lists that were read from JSON text have more than `MOST_VALUES`."""
    count, left = 1, [content]
    while left:
        value = left.pop()
        if isinstance(value, dict):
            count += 2 * len(value)
            left += value.values()
        elif isinstance(value, list):
            count += len(value)
            left += value
        if count > MOST_VALUES:
            raise TooManyValuesError(written_out=False)
