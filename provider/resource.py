"""What the kinds of resources have in common: their operations on plain dictionaries, and what an operation has of the engine.

Out of scope: the protocol of the engine (`provider.server`).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, NamedTuple

from ipvlan.hosts.shared_connection import same_connection

Properties = dict[str, Any]
"""Inputs or outputs of a resource by name, as JSON has them. Numbers come through the protocol as floats."""


class Created(NamedTuple):
    """What the state keeps of a new resource."""

    id: str
    outputs: Properties


class Difference(NamedTuple):
    """What a change of the inputs does."""

    changes: bool
    """Whether anything is to be done."""
    replaces: Sequence[str] = ()
    """Properties whose change replaces the resource; empty for an update."""


def other_connection(old: Properties, new: Properties) -> bool:
    """Return whether the host is reached in another manner; where ssh has the socket of a shared connection is no difference."""
    return not same_connection(old.get("ssh") or (), new.get("ssh") or ())


def _no_warning(_text: str) -> None:
    """Drop the text."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """What one operation on a resource has of the engine."""

    warn: Callable[[str], None] = _no_warning
    """Shows a text beside the resource, as a warning."""
    connections: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """Host -> the ssh command that reaches it today; none for a host that the config does not have any more."""

    def ssh(self, host: str, recorded: Sequence[str]) -> tuple[str, ...]:
        """Return the ssh command to `host`: today's, else the one that the state has of it."""
        return tuple(self.connections.get(host, recorded))


class Resource(ABC):
    """One kind of resource. The operations raise HostError."""

    name: ClassVar[str]
    """The last part of the type token."""

    @abstractmethod
    def create(self, inputs: Properties, operation: Operation) -> Created:
        """Create it."""

    @abstractmethod
    def read(self, id_: str, state: Properties, operation: Operation) -> bool:
        """Return whether it exists as the state has it."""

    @abstractmethod
    def diff(self, old: Properties, new: Properties) -> Difference:
        """Compare the outputs in the state with the new inputs; contact no host."""

    @abstractmethod
    def update(self, old: Properties, new: Properties, operation: Operation) -> Properties:
        """Change it, and return its outputs."""

    @abstractmethod
    def delete(self, state: Properties, operation: Operation) -> None:
        """Delete it; succeed if it is gone already."""
