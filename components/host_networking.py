"""The resource of one host's routes to the other slices, and of its shim.

A dynamic resource and not a Command, as the bridge connection is: `pulumi refresh` finds a route that somebody removed, and the
state holds no delete text (docs/decisions/0012-host-networking.md).

Responsible for the translation between the engine's properties and `ipvlan.hosts.networking`, which does the work on the host.
The state of every stack refers to this module's path and the provider's class name: they never change.
"""

from __future__ import annotations

from typing import Any, Final

import pulumi
from pulumi import dynamic

from components.host_provider import HostProvider
from ipvlan.hosts import networking
from ipvlan.hosts.connection import HostConnection
from ipvlan.plan.resource_names import PACKAGE

_IDENTITY: Final = ("host", "parent")
"""Properties whose change replaces the systemd unit. For the others it is updated, and routes that stay exist all the time."""


def _networking(properties: dict[str, Any]) -> networking.Networking:
    shim = properties["shim"]
    return networking.Networking(
        connection=HostConnection(
            name=properties["host"], command=tuple(properties["ssh"]), parent=properties["parent"]
        ),
        shim=networking.Shim(**shim) if shim else None,
        routes=tuple(networking.SliceRoute(**route) for route in properties["routes"]),
    )


class HostNetworkingProvider(HostProvider):
    """Creates, reads, updates and deletes one host's routes and shim."""

    def create(self, props: dict[str, Any]) -> dynamic.CreateResult:
        """Create unit, routes and shim."""
        planned = _networking(props)
        networking.apply(planned)
        return dynamic.CreateResult(f"{planned.host}/{planned.unit}", props)

    def read(self, id_: str, props: dict[str, Any]) -> dynamic.ReadResult:
        """Report it as gone if anything of it is missing; fail if the host does not answer."""
        missing = networking.read(_networking(props))
        return dynamic.ReadResult("" if missing else id_, props)

    def diff(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> dynamic.DiffResult:
        """Replace for another host or parent; update for the rest."""
        replaces = [key for key in _IDENTITY if _olds.get(key) != _news.get(key)]
        changed = bool(replaces) or any(_olds.get(key) != _news.get(key) for key in ("ssh", "shim", "routes"))
        return dynamic.DiffResult(changes=changed, replaces=replaces, delete_before_replace=True)

    def update(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> dynamic.UpdateResult:
        """Remove what is no longer planned and create the rest."""
        networking.apply(_networking(_news), before=_networking(_olds))
        return dynamic.UpdateResult(_news)

    def delete(self, _id: str, _props: dict[str, Any]) -> None:
        """Remove all of it; succeed if it is gone already."""
        networking.remove(_networking(_props))


class HostNetworking(dynamic.Resource, module=PACKAGE, name="HostNetworking"):
    """One host's routes and shim. Its id is `HOST/UNIT`."""

    def __init__(
        self, name: str, *, planned: networking.Networking, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        """Declare the resource; `planned` has at least a route or a shim."""
        shim = planned.shim
        super().__init__(
            HostNetworkingProvider(),
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
            opts,
        )
