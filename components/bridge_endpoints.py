"""The resource of one container's connections to bridges of the section `bridges`, declared (docs/decisions/0032-bridges.md).

Out of scope: the work on the host, which the plugin does (`provider.bridge_endpoints`).
"""

from __future__ import annotations

from collections.abc import Mapping

import pulumi

from components.host_provider import token
from components.rollout_args import RolloutArgs
from ipvlan.hosts.endpoints import ENDPOINT_PRIORITY, keeps_bridge


class BridgeEndpoints(pulumi.CustomResource):
    """All connections of one container to bridges, and its first start. Its id is `HOST/CONTAINER_ID`."""

    def __init__(
        self,
        name: str,
        args: RolloutArgs,
        *,
        container_id: pulumi.Input[str],
        network_ids: Mapping[str, pulumi.Input[str]],
        detached: bool,
        opts: pulumi.ResourceOptions,
    ) -> None:
        """Declare them.

        Args:
            name: Name of the resource.
            args: The container.
            container_id: An output of the container's resource: the connections come after it and are replaced with it.
            network_ids: Docker's name of each of its bridges -> the network's id, an output of the network's resource.
            detached: Whether the container is known to be off a bridge on which the state has it: it is connected again.
            opts: The resource's options.
        """
        planned = args.planned
        super().__init__(
            token("BridgeEndpoints"),
            name,
            {
                "host": args.host.name,
                "ssh": list(args.connection.command),
                "container": planned.name,
                "container_id": container_id,
                "endpoints": [
                    {
                        "network": endpoint.bridge,
                        "network_id": network_ids[endpoint.bridge],
                        "aliases": list(endpoint.aliases),
                    }
                    for endpoint in planned.bridges
                ],
                "priority": ENDPOINT_PRIORITY,
                "keep_bridge": keeps_bridge(planned),
                "detached": detached,
                # Where the connection fails, the previous container runs again.
                "rollout": args.of_connection,
                **args.file_secrets,
            },
            pulumi.ResourceOptions.merge(
                opts,
                pulumi.ResourceOptions(provider=args.provider, additional_secret_outputs=[*args.file_secrets]),
            ),
        )
