"""What the kinds of resources have in common: their operations on plain dictionaries, and what an operation has of the engine.

Out of scope: the protocol of the engine (`provider.server`).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, NamedTuple

from ipvlan.hosts.bridge import BoundPort
from ipvlan.hosts.connection import HostConnection
from ipvlan.hosts.shared_connection import same_connection

Properties = dict[str, Any]
"""Inputs or outputs of a resource by name, as JSON has them. Numbers may come as floats."""


class Created(NamedTuple):
    """What the state keeps of a new resource."""

    id: str
    outputs: Properties


class Difference(NamedTuple):
    """What a change of the inputs does."""

    changed: Sequence[str] = ()
    """Properties that differ; empty when nothing is to be done."""
    replaces: Sequence[str] = ()
    """Those of them whose change replaces the resource; empty for an update."""


def compare(old: Properties, new: Properties, *, identity: Sequence[str], rest: Sequence[str]) -> Difference:
    """Compare these properties and no others: a change of one in `identity` replaces, of one in `rest` updates."""
    changed = [key for key in (*identity, *rest) if not _same(key, old.get(key), new.get(key))]
    return Difference(changed, [key for key in changed if key in identity])


def _same(key: str, old: Any, new: Any) -> bool:
    """Return whether a property is the same; where ssh has the socket of a shared connection is no difference."""
    return same_connection(old or (), new or ()) if key == "ssh" else bool(old == new)


def _free(_connection: HostConnection) -> None:
    """Take no lock."""


def _drop(_text: str) -> None:
    """Show the text nowhere."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """What one operation has of the engine."""

    warn: Callable[[str], None] = _drop
    """Shows a text as a warning, beside the resource."""
    connections: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """Host -> the ssh command that reaches it today; none for a host that the config does not have any more."""

    hold: Callable[[HostConnection], None] = _free
    """Makes sure that this run has the host's lock, before the operation changes the host; raises HostError where it has not."""

    def ssh(self, host: str, recorded: Sequence[str]) -> tuple[str, ...]:
        """Return the ssh command to the host: today's, or the recorded one where the config does not have the host.

        An address in an old state may be another machine by now, and an old user or key may be gone.
        """
        return tuple(self.connections.get(host, recorded))


def connection_of(properties: Mapping[str, Any], operation: Operation) -> HostConnection:
    """Return today's connection to the host of a resource."""
    host = properties["host"]
    return HostConnection(name=host, command=operation.ssh(host, properties["ssh"]))


def bound_ports(ports: list[Mapping[str, Any]]) -> tuple[BoundPort, ...]:
    """Return the ports of a resource's property, in which numbers may be floats."""
    return tuple(
        BoundPort(
            container_port=port["container_port"],
            host_address=port["host_address"],
            host_port=int(port["host_port"]),
        )
        for port in ports
    )


def file_secrets(properties: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the values of the secrets in a container's files: `secrets`, config key -> value, is left out where it has none."""
    return tuple(value for value in (properties.get("secrets") or {}).values() if value)


class Resource(ABC):
    """One kind of resource. Its operations raise UserError for what a person can fix, HostError above all."""

    name: ClassVar[str]
    """The last part of the type token."""

    @abstractmethod
    def create(self, inputs: Properties, operation: Operation) -> Created:
        """Create it."""

    @abstractmethod
    def read(self, id_: str, state: Properties, operation: Operation) -> Properties | None:
        """Return its outputs, or None when it is not as the state has it; `state` is empty in an import."""

    @abstractmethod
    def diff(self, old: Properties, new: Properties) -> Difference:
        """Compare the outputs in the state with the new inputs; contact no host."""

    @abstractmethod
    def update(self, old: Properties, new: Properties, operation: Operation) -> Properties:
        """Change it, and return its outputs."""

    def preview(self, old: Properties, new: Properties) -> Properties:  # noqa: ARG002  # most kinds have nothing to say
        """Return the outputs of an update that are known before it, besides the inputs; contact no host."""
        return {}

    @abstractmethod
    def delete(self, state: Properties, operation: Operation) -> None:
        """Delete it; succeed if it is gone already."""
