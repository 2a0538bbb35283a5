"""The removal of the fabric's network from a host, without the two seconds that the docker provider waits before it.

The network is the docker provider's. This resource comes after it and before all that uses it, so it is deleted when the containers
are gone, and removes the network. From the next `up` on the network's own resource is retained when it is deleted: the engine
forgets it (docs/decisions/0036-beside.md).

Out of scope: the work on the host (`ipvlan.hosts.fabric_network`). The state of every stack has the properties' names.
"""

from __future__ import annotations

from typing import ClassVar

from provider.errors import not_importable
from provider.resource import Created, Difference, Operation, Properties, Resource, compare, connection_of


class NetworkRemoval(Resource):
    """Removes a network when it is deleted. The id is `HOST/NETWORK`."""

    name: ClassVar[str] = "NetworkRemoval"

    def create(self, inputs: Properties, operation: Operation) -> Created:  # noqa: ARG002  # no host is asked
        """Record which network is to be removed."""
        return Created(f"{inputs['host']}/{inputs['network']}", inputs)

    def read(self, id_: str, state: Properties, operation: Operation) -> Properties:  # noqa: ARG002  # no host has it
        """Return what is recorded: the state alone has it."""
        if not state:
            raise not_importable(self.name, id_)
        return state

    def diff(self, old: Properties, new: Properties) -> Difference:
        """Replace where the network is replaced, so that this one is removed before the new one is created; record the rest.

        The engine asks for that with an id that is not known yet. Another id that is known is that of a network which was created
        already, after a refresh found the former one gone: a replacement would remove it.
        """
        # What is not known is no text.
        replaced = not isinstance(new["network_id"], str)
        rest = ("network", "owner", "ssh", *(() if replaced else ("network_id",)))
        return compare(old, new, identity=("host", *(("network_id",) if replaced else ())), rest=rest)

    def update(self, old: Properties, new: Properties, operation: Operation) -> Properties:  # noqa: ARG002
        """Record what changed; nothing is done on the host."""
        return new

    def delete(self, state: Properties, operation: Operation) -> None:
        """Remove the network; succeed if it is gone already.

        Raises:
            HostError: IPF845: containers are on it, or Docker refuses; or the host does not answer.
        """
        from ipvlan.hosts.engine_writes import open_engine  # noqa: PLC0415  # most runs of this process remove no network
        from ipvlan.hosts.fabric_network import remove  # noqa: PLC0415

        connection = connection_of(state, operation)
        operation.hold(connection)
        with open_engine(connection) as engine:
            remove(engine, state["network_id"], name=state["network"], owner=state["owner"])
