"""The resource that holds what one host needs beside Docker: the routes to the other slices, and its shim.

A Pulumi dynamic resource and not a Command, for the same reasons as the bridge connection: a route that somebody removed is found
by `pulumi refresh`, and no delete text lies in the state (docs/decisions/0012-host-networking.md). What is done on the host stands
in ipvlan.hosts.networking; this module only translates between it and the engine.
"""

from __future__ import annotations

from typing import Any, Final

import pulumi
from pulumi import dynamic

from components.host_provider import HostProvider
from ipvlan.hosts import networking
from ipvlan.hosts.connection import HostConnection
from ipvlan.plan.resource_names import PACKAGE

#: A change of these makes another unit; of the others the same one is updated, and routes that stay are never gone.
_IDENTITY: Final = ("host", "parent")


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
        """Make unit, routes and shim."""
        wanted = _networking(props)
        networking.apply(wanted)
        return dynamic.CreateResult(f"{wanted.host}/{wanted.unit}", props)

    def read(self, id_: str, props: dict[str, Any]) -> dynamic.ReadResult:
        """Report it as gone when anything of it is missing; fail when the host is silent."""
        found = networking.read(_networking(props))
        return dynamic.ReadResult("" if found.missing else id_, props)

    def diff(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> dynamic.DiffResult:
        """Replace for another host or parent; update for the rest."""
        replaces = [key for key in _IDENTITY if _olds.get(key) != _news.get(key)]
        changed = bool(replaces) or any(_olds.get(key) != _news.get(key) for key in ("ssh", "shim", "routes"))
        return dynamic.DiffResult(changes=changed, replaces=replaces, delete_before_replace=True)

    def update(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> dynamic.UpdateResult:
        """Take away what is not wanted any more, and make the rest."""
        networking.apply(_networking(_news), before=_networking(_olds))
        return dynamic.UpdateResult(_news)

    def delete(self, _id: str, _props: dict[str, Any]) -> None:
        """Take all of it away; succeeds when it is gone already."""
        networking.remove(_networking(_props))


class HostNetworking(dynamic.Resource, module=PACKAGE, name="HostNetworking"):
    """One host's routes and shim. Its id is `<host>/<systemd unit>`."""

    def __init__(
        self, name: str, *, planned: networking.Networking, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        """Declare it; `planned` has a route or a shim at least."""
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
