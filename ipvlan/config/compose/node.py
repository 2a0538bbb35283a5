"""Values of a compose file with the places that they have there, and what is left out of an import.

Out of scope: reading the file (`ipvlan.config.compose.source`), and what a key means (`ipvlan.config.compose.service`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple

Scalar = str | int | float | bool | None


class Place(NamedTuple):
    """Where a value is."""

    file: str
    """The file's name, as the command line has it."""
    line: int
    """From 1."""


@dataclass(frozen=True, slots=True)
class Hole:
    """A text that is not known, since a variable in it has no value, or since it is no template."""

    reason: str
    """Why, one clause; without any value."""
    text: str = ""
    """The text as it is in the file."""


Variables = Mapping[str, str | Hole]
"""Name -> value; a hole for a variable that is set to a text which is not known."""


@dataclass(slots=True)
class Node:
    """A value, and where it is."""

    value: Scalar | Hole | list[Node] | dict[str, Node]
    place: Place
    variables: frozenset[str] = frozenset()
    """The variables whose values are in the text."""

    @property
    def items(self) -> dict[str, Node]:
        """The entries of a mapping; raise LeftOutError where it is none."""
        if not isinstance(self.value, dict):
            raise LeftOutError("this is not a mapping" if not isinstance(self.value, Hole) else self.value.reason)
        return self.value

    @property
    def entries(self) -> list[Node]:
        """The entries of a list; raise LeftOutError where it is none."""
        if not isinstance(self.value, list):
            raise LeftOutError("this is not a list" if not isinstance(self.value, Hole) else self.value.reason)
        return self.value


class LeftOutError(Exception):
    """A value cannot be carried over; the text is the reason, one clause, without the value."""


Kind = Literal["not-carried", "not-needed", "advice"]


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftOut:
    """A key of a compose file that is not in the stack file after an import, or that asks for a decision."""

    place: Place
    service: str
    """Empty for what is of no service."""
    key: str
    """Keys from the service down, joined by dots; a number in brackets for an entry of a list."""
    kind: Kind
    """`not-carried`: the container would have had it. `not-needed`: nothing has to be written. `advice`: it was carried."""
    reason: str
    """Why, and what to do; without any value of `environment`."""


def leaves(node: Node, path: str = "") -> Iterator[tuple[str, Node]]:
    """Yield the values of nested mappings that are no mapping, each with its keys, joined by dots."""
    if isinstance(node.value, dict) and node.value:
        for key, below in node.value.items():
            yield from leaves(below, f"{path}.{key}" if path else key)
    else:
        yield path, node


def variables_of(node: Node) -> Iterator[str]:
    """Yield the variables whose values are in a value, or in what is below it."""
    yield from node.variables
    below = node.value.values() if isinstance(node.value, dict) else node.value if isinstance(node.value, list) else ()
    for entry in below:
        yield from variables_of(entry)
