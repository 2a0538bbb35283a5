"""One host's routes to the other slices, and its shim (docs/decisions/0012-host-networking.md).

Out of scope: the work on the host, which `ipvlan.hosts.networking` does. The state of every stack has the properties' names.
"""

from __future__ import annotations

from typing import ClassVar, Final

from ipvlan.hosts import networking
from ipvlan.hosts.connection import HostConnection
from provider.errors import not_importable
from provider.resource import Created, Difference, Operation, Properties, Resource, compare

_IDENTITY: Final = ("host", "parent")
"""Properties whose change replaces the systemd unit. For the others it is updated, and routes that stay exist all the time."""

_PARTS: Final = ("shim", "routes")
"""Properties whose change is made on the host. The only other one is `ssh`."""


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
        operation.hold(planned.connection)
        networking.apply(planned)
        return Created(f"{planned.host}/{planned.unit}", inputs)

    def read(self, id_: str, state: Properties, operation: Operation) -> Properties | None:
        """Return None if anything of it is missing; fail if the host does not answer."""
        if not state:
            raise not_importable(self.name, id_)
        return None if networking.read(_networking(state, operation)) else state

    def diff(self, old: Properties, new: Properties) -> Difference:
        """Replace for another host or parent; update for the rest."""
        return compare(old, new, identity=_IDENTITY, rest=["ssh", *_PARTS])

    def update(self, old: Properties, new: Properties, operation: Operation) -> Properties:
        """Remove what is no longer planned and create the rest; record another ssh command without a visit to the host."""
        if not compare(old, new, identity=[], rest=_PARTS).changed:
            return new
        planned = _networking(new, operation)
        operation.hold(planned.connection)
        networking.apply(planned, before=_networking(old, operation))
        return new

    def delete(self, state: Properties, operation: Operation) -> None:
        """Remove all of it; succeed if it is gone already."""
        planned = _networking(state, operation)
        operation.hold(planned.connection)
        networking.remove(planned)
