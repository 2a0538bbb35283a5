"""The resource of one bridge network of the section `bridges` on one host, declared (docs/decisions/0032-bridges.md).

Out of scope: the work on the host, which the plugin does (`provider.bridge_network`).
"""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

import pulumi

from components.host_provider import token

if TYPE_CHECKING:
    from ipvlan.hosts.connection import HostConnection
    from ipvlan.plan.bridges import BridgePlan


class BridgeNetwork(pulumi.CustomResource):
    """One bridge network of a host. Its id is `HOST/NAME`."""

    network_id: pulumi.Output[str]
    """Docker's id of the network: another one once the network was created again."""

    def __init__(
        self,
        name: str,
        *,
        planned: BridgePlan,
        connection: HostConnection,
        stack: str,
        owner: pulumi.Output[str],
        missing: bool,
        containers: Collection[str],
        opts: pulumi.ResourceOptions,
    ) -> None:
        """Declare it.

        Args:
            name: Name of the resource.
            planned: The network as planned.
            connection: The ssh connection to its host.
            stack: Name of the stack, for its label.
            owner: The stack's owner id, for its label.
            missing: Whether it is known not to exist under the id in the state: it is created again, or its new id is recorded.
            containers: Docker's ids of the stack's containers on the host, as far as the state has them; a change is no difference.
            opts: The resource's options.
        """
        super().__init__(
            token("BridgeNetwork"),
            name,
            {
                "host": connection.name,
                "ssh": list(connection.command),
                "network": planned.name,
                "internal": planned.internal,
                "subnet": "" if planned.subnet is None else str(planned.subnet),
                "options": dict(planned.options),
                "labels": dict(planned.labels),
                "external": planned.external,
                "owner": owner,
                "stack": stack,
                "missing": missing,
                "containers": sorted(containers),
                # An output; the input shows the engine that there is one.
                "network_id": None,
            },
            opts,
        )
