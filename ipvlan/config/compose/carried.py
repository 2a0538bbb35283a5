"""A service of a compose file while it is carried over: its keys here, where they come from, and what is left out.

Out of scope: how each key is carried (`ipvlan.config.compose.service`).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from ipvlan.config.compose import forms
from ipvlan.config.compose.mounts import Sources
from ipvlan.config.compose.networks import CarriedBridge
from ipvlan.config.compose.node import Kind, LeftOut, Node, Place, Variables
from ipvlan.config.compose.row import Row
from ipvlan.config.compose.table import row_of

_NUMBER: Final = re.compile(r"\[[0-9]+\]")
"""Of an entry of a list, in a key."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What the keys of a service refer to."""

    sources: Sources
    variables: Variables
    services: Collection[str]
    """The services that are carried."""
    bridges: Mapping[str, CarriedBridge]
    """Key of a network at the top -> the bridge that it is here."""
    networks: Collection[str]
    """All keys of networks at the top."""
    configs: Mapping[str, Node] = field(default_factory=dict)
    """Key of a config at the top -> what it has."""
    secrets: Mapping[str, Node] = field(default_factory=dict)
    """Key of a secret at the top -> what it has."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """A name by which one container finds another."""

    key: str
    node: Node
    service: str
    """The service that is linked to, which may not be carried."""
    name: str


@dataclass(slots=True, kw_only=True)
class Carried:
    """A service, as far as it was carried over."""

    name: str
    place: Place
    surroundings: Surroundings
    settings: dict[str, Any] = field(default_factory=dict)
    """Key of a service here -> its value, as plain mappings, lists and texts."""
    origins: dict[str, tuple[str, Place]] = field(default_factory=dict)
    """Key here -> the key of compose that it comes from, and where that is."""
    left_out: list[LeftOut] = field(default_factory=list)
    variables: dict[str, frozenset[str]] = field(default_factory=dict)
    """Key of compose -> the variables of files whose values are below it."""
    address: tuple[str, Place] | None = None
    """The address that the container had on a network of compose that is the fabric here."""
    fixed: dict[str, tuple[str, Place]] = field(default_factory=dict)
    """External bridge -> the address that the container had on it."""
    links: list[Link] = field(default_factory=list)
    """To other services; carried when all are read."""
    on_fabric: bool = True
    """Whether compose had it on a network that is the fabric here."""

    def put(self, key: str, value: Any, origin: str, place: Place) -> None:
        """Write a key here; a later one wins, as what `deploy` says in compose."""
        if key in self.origins and self.origins[key][0] != origin:
            other, where = self.origins[key]
            self.leave_out(other, Node(None, where), f"{origin} wins over it, as in compose", "not-needed")
        self.settings[key] = value
        self.origins[key] = (origin, place)

    def put_size(self, key: str, node: Node, origin: str) -> None:
        """Write a size of memory, which has whole MiB here."""
        shown, is_rounded = forms.whole_size(node)
        self.put(key, shown, origin, node.place)
        if is_rounded:
            self.leave_out(origin, node, f"{key} has whole MiB here: it is rounded up to {shown}", "advice")

    def leave_out(self, key: str, node: Node, reason: str, kind: Kind = "not-carried") -> None:
        """Note that a key of compose is not carried."""
        self.left_out.append(LeftOut(place=node.place, service=self.name, key=key, kind=kind, reason=reason))

    def leave_out_by_row(self, key: str, node: Node, row: Row | None) -> None:
        """Note it with the text of the table."""
        if row is None:
            self.leave_out(key, node, "compose has no such key")
        else:
            self.leave_out(key, node, row.text, "not-needed" if row.kind == "unneeded" else "not-carried")

    def leave_out_others(self, key: str, below: Mapping[str, Node], known: Collection[str]) -> None:
        """Note the keys of a mapping that nothing carries; `key` is that of the mapping, with numbers in brackets."""
        for name, node in below.items():
            if name not in known and not name.startswith("x-") and node.value is not None:
                row = row_of(f"services.*.{_NUMBER.sub('', key)}.{name}")
                self.leave_out_by_row(f"{key}.{name}", node, row)

    def each(self, key: str, nodes: list[Node]) -> Iterator[tuple[str, Node]]:
        """Yield the entries of a list with their keys."""
        yield from ((f"{key}[{number}]", node) for number, node in enumerate(nodes))
