"""The resource that holds one container's bridge connection: made, re-read, and taken away on the host.

A Pulumi dynamic resource and not a Command, because a Command is never read again: a connection that someone removed by hand
would stay "unchanged" while the service is down (docs/decisions/0003-bridge-connection.md). What is done on the host stands in
ipvlan.hosts.bridge; this module only translates between it and the engine.
"""

from __future__ import annotations

from typing import Any, Final

import pulumi
from pulumi import dynamic

from components.host_provider import HostProvider
from ipvlan.hosts import bridge
from ipvlan.hosts.connection import HostConnection
from ipvlan.plan.resource_names import PACKAGE

#: A change of these makes another connection; of the others (the way to the host) nothing on the host.
_IDENTITY: Final = ("host", "container", "container_id", "fabric", "ports")


def _attachment(properties: dict[str, Any]) -> bridge.BridgeAttachment:
    return bridge.BridgeAttachment(
        connection=HostConnection(name=properties["host"], command=tuple(properties["ssh"])),
        container=properties["container"],
        network=properties["fabric"],
        ports=tuple(
            bridge.BoundPort(
                container_port=port["container_port"],
                host_address=port["host_address"],
                # Numbers come through Pulumi's protocol as floats.
                host_port=int(port["host_port"]),
            )
            for port in properties["ports"]
        ),
    )


class BridgeConnectionProvider(HostProvider):
    """Creates, reads and deletes bridge connections.

    Pulumi stores a reference to this class in the state, not its code: an operation on an old connection runs today's code, so
    a mistake in it is fixed by the next version of the program. The delete text of a Command is in the state, and is not fixed
    (docs/decisions/0003-bridge-connection.md).
    """

    def create(self, props: dict[str, Any]) -> dynamic.CreateResult:
        """Connect, and succeed only with the proof that every port is bound."""
        state = bridge.connect(_attachment(props))
        return dynamic.CreateResult(f"{props['host']}/{state.container_id}", props)

    def read(self, id_: str, props: dict[str, Any]) -> dynamic.ReadResult:
        """Report the connection as gone unless this container holds it with all its ports; fail when the host is silent."""
        attachment = _attachment(props)
        state = bridge.read(attachment)
        # Ports of a stopped container are unbound without fault of the connection, and come back with it.
        alive = (
            state is not None
            and state.connected
            and id_.endswith(state.container_id)
            and (not state.running or not state.missing(attachment.ports))
        )
        return dynamic.ReadResult(id_ if alive else "", props)

    def diff(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> dynamic.DiffResult:
        """Replace for another container or other ports; update the state alone for another way to the host."""
        replaces = [key for key in _IDENTITY if _olds.get(key) != _news.get(key)]
        changed = bool(replaces) or _olds.get("ssh") != _news.get("ssh")
        return dynamic.DiffResult(changes=changed, replaces=replaces, delete_before_replace=True)

    def update(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> dynamic.UpdateResult:
        """Take over the new way to the host; nothing is done on it."""
        return dynamic.UpdateResult(_news)

    def delete(self, _id: str, _props: dict[str, Any]) -> None:
        """Disconnect; succeeds when the connection or the container is gone already."""
        bridge.disconnect(_attachment(_props))


class BridgeConnection(dynamic.Resource, module=PACKAGE, name="BridgeConnection"):
    """One container's connection to Docker's bridge. Its id is `<host>/<container id>`."""

    def __init__(
        self,
        name: str,
        *,
        attachment: bridge.BridgeAttachment,
        container_id: pulumi.Input[str],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Declare the connection of the container `container_id` (a resource's output: it orders and replaces)."""
        super().__init__(
            BridgeConnectionProvider(),
            name,
            {
                "host": attachment.host,
                "ssh": list(attachment.connection.command),
                "container": attachment.container,
                "container_id": container_id,
                "fabric": attachment.network,
                "ports": [
                    {
                        "container_port": port.container_port,
                        "host_address": port.host_address,
                        "host_port": port.host_port,
                    }
                    for port in attachment.ports
                ],
            },
            opts,
        )
