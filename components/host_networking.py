"""The resource of one host's routes to the other slices, and of its shim, declared (docs/decisions/0012-host-networking.md).

The state of every stack of the time of dynamic resources refers to this module's path and to `HostNetworkingProvider`: they never
change.

Out of scope: the work on the host, which the plugin does (`provider.host_networking`).
"""

from __future__ import annotations

from typing import ClassVar

import pulumi

from components.host_provider import OldProvider, taken_over, token
from ipvlan.hosts import networking
from provider import host_networking


class HostNetworkingProvider(OldProvider):
    """What old states refer to."""

    kind: ClassVar[host_networking.HostNetworking] = host_networking.HostNetworking()


class HostNetworking(pulumi.CustomResource):
    """One host's routes and shim. Its id is `HOST/UNIT`."""

    def __init__(
        self, name: str, *, planned: networking.Networking, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        """Declare the resource; `planned` has at least a route or a shim."""
        shim = planned.shim
        super().__init__(
            token("HostNetworking"),
            name,
            {
                "host": planned.host,
                "ssh": list(planned.connection.command),
                "parent": planned.parent,
                # Empty, and not None: the protocol drops what is None.
                "shim": {}
                if shim is None
                else {"link": shim.link, "address": shim.address, "slice": shim.slice, "mode": shim.mode},
                "routes": [{"destination": route.destination, "via": route.via} for route in planned.routes],
            },
            taken_over("HostNetworking", opts),
        )
