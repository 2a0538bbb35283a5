"""The resource of one container's connection to Docker's bridge, declared (docs/decisions/0003-bridge-connection.md).

The state of every stack of the time of dynamic resources refers to this module's path and to `BridgeConnectionProvider`: they
never change.

Out of scope: the work on the host, which the plugin does (`provider.bridge_connection`).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

import pulumi

from components.host_provider import OldProvider, taken_over, token
from components.rollout_args import RolloutArgs
from ipvlan.hosts import bridge
from provider import bridge_connection


def port_inputs(ports: Iterable[bridge.BoundPort]) -> list[dict[str, object]]:
    """Return ports that must be bound as the plugin takes them (`provider.resource.bound_ports`)."""
    return [
        {
            "container_port": port.container_port,
            "host_address": port.host_address,
            "host_port": port.host_port,
        }
        for port in ports
    ]


class BridgeConnectionProvider(OldProvider):
    """What old states refer to."""

    kind: ClassVar[bridge_connection.BridgeConnection] = bridge_connection.BridgeConnection()


class BridgeConnection(pulumi.CustomResource):
    """One container's connection to Docker's bridge. Its id is `HOST/CONTAINER_ID`."""

    def __init__(
        self,
        name: str,
        *,
        attachment: bridge.BridgeAttachment,
        container_id: pulumi.Input[str],
        rollout: RolloutArgs,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Declare the connection.

        Args:
            name: Name of the resource.
            attachment: The container, and the ports that must be bound.
            container_id: An output of the container's resource: the connection is created after the container and replaced with it.
            rollout: What is known of the container's replacement.
            opts: The resource's options.
        """
        super().__init__(
            token("BridgeConnection"),
            name,
            {
                "host": attachment.host,
                "ssh": list(attachment.connection.command),
                "container": attachment.container,
                "container_id": container_id,
                # Where the connection fails, the previous container runs again.
                "rollout": rollout.of_connection,
                "fabric": attachment.network,
                # A service without bridges has what it always had.
                **({"networks": list(attachment.networks)} if attachment.networks else {}),
                "ports": port_inputs(attachment.ports),
                **rollout.file_secrets,
            },
            pulumi.ResourceOptions.merge(
                taken_over("BridgeConnection", opts),
                pulumi.ResourceOptions(additional_secret_outputs=[*rollout.file_secrets]),
            ),
        )
