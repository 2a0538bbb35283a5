"""The resource of one container's connection to Docker's bridge: created, read and deleted on the host.

A dynamic resource and not a Command: a Command is never read again, so a connection that somebody removed by hand would stay
"unchanged" while the service is down (docs/decisions/0003-bridge-connection.md).

Responsible for the translation between the engine's properties and `ipvlan.hosts.bridge`, which does the work on the host. The
state of every stack refers to this module's path and the provider's class name: they never change.
"""

from __future__ import annotations

from typing import Any, Final

import pulumi
from pulumi import dynamic

from components.host_provider import HostProvider
from ipvlan.hosts import bridge
from ipvlan.hosts.connection import HostConnection
from ipvlan.plan.resource_names import PACKAGE

_IDENTITY: Final = ("host", "container", "container_id", "fabric", "ports")
"""Properties whose change replaces the connection. The only other one is `ssh`, and a change of it does nothing on the host."""


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

    The state holds a reference to this class and not its code, so an operation on an old connection runs the current code, with
    its fixes. The delete text of a Command is in the state and is never fixed (docs/decisions/0003-bridge-connection.md).
    """

    def create(self, props: dict[str, Any]) -> dynamic.CreateResult:
        """Connect; succeed only if every port is bound then."""
        state = bridge.connect(_attachment(props))
        return dynamic.CreateResult(f"{props['host']}/{state.container_id}", props)

    def read(self, id_: str, props: dict[str, Any]) -> dynamic.ReadResult:
        """Report the connection as gone unless this container has it with all its ports; fail if the host does not answer."""
        attachment = _attachment(props)
        state = bridge.read(attachment)
        # Docker unbinds the ports of a stopped container and binds them again when it starts.
        present = (
            state is not None
            and state.connected
            and id_.endswith(state.container_id)
            and (not state.running or not state.missing(attachment.ports))
        )
        return dynamic.ReadResult(id_ if present else "", props)

    def diff(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> dynamic.DiffResult:
        """Replace for another container or other ports; for another ssh command update the state alone."""
        replaces = [key for key in _IDENTITY if _olds.get(key) != _news.get(key)]
        changed = bool(replaces) or _olds.get("ssh") != _news.get("ssh")
        return dynamic.DiffResult(changes=changed, replaces=replaces, delete_before_replace=True)

    def update(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> dynamic.UpdateResult:
        """Record the new ssh command; nothing is done on the host."""
        return dynamic.UpdateResult(_news)

    def delete(self, _id: str, _props: dict[str, Any]) -> None:
        """Disconnect; succeed if the connection or the container is gone already."""
        bridge.disconnect(_attachment(_props))


class BridgeConnection(dynamic.Resource, module=PACKAGE, name="BridgeConnection"):
    """One container's connection to Docker's bridge. Its id is `HOST/CONTAINER_ID`."""

    def __init__(
        self,
        name: str,
        *,
        attachment: bridge.BridgeAttachment,
        container_id: pulumi.Input[str],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Declare the connection.

        Args:
            name: Name of the resource.
            attachment: The container, and the ports that must be bound.
            container_id: An output of the container's resource: the connection is created after the container and replaced with it.
            opts: The resource's options.
        """
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
