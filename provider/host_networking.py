"""One host's routes to the other slices, and its shim (docs/decisions/0012-host-networking.md).

Out of scope: the work on the host, which `ipvlan.hosts.networking` does. The state of every stack has the properties' names.
"""

from __future__ import annotations

from typing import ClassVar, Final

from ipvlan.hosts import networking
from ipvlan.hosts.connection import HostConnection
from provider.resource import Created, Difference, Operation, Properties, Resource, other_connection

_IDENTITY: Final = ("host", "parent")
"""Properties whose change replaces the systemd unit. For the others it is updated, and routes that stay exist all the time."""


def _networking(properties: Properties, operation: Operation) -> networking.Networking:
    host, shim = properties["host"], properties["shim"]
    return networking.Networking(
        connection=HostConnection(
            name=host, command=operation.ssh(host, properties["ssh"]), parent=properties["parent"]
        ),
        shim=networking.Shim(**shim) if shim else None,
        routes=tuple(networking.SliceRoute(**route) for route in properties["routes"]),
    )


class HostNetworking(Resource):
    """Creates, reads, updates and deletes one host's routes and shim. The id is `HOST/UNIT`."""

    name: ClassVar[str] = "HostNetworking"

    def create(self, inputs: Properties, operation: Operation) -> Created:
        """Create unit, routes and shim."""
        planned = _networking(inputs, operation)
        networking.apply(planned)
        return Created(f"{planned.host}/{planned.unit}", inputs)

    def read(self, id_: str, state: Properties, operation: Operation) -> bool:  # noqa: ARG002  # the state has its parts
        """Return whether nothing of it is missing; fail if the host does not answer."""
        return not networking.read(_networking(state, operation))

    def diff(self, old: Properties, new: Properties) -> Difference:
        """Replace for another host or parent; update for the rest."""
        replaces = [key for key in _IDENTITY if old.get(key) != new.get(key)]
        changes = any(old.get(key) != new.get(key) for key in (*_IDENTITY, "shim", "routes"))
        return Difference(changes or other_connection(old, new), replaces)

    def update(self, old: Properties, new: Properties, operation: Operation) -> Properties:
        """Remove what is no longer planned and create the rest."""
        networking.apply(_networking(new, operation), before=_networking(old, operation))
        return new

    def delete(self, state: Properties, operation: Operation) -> None:
        """Remove all of it; succeed if it is gone already."""
        networking.remove(_networking(state, operation))
