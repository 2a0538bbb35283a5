"""The routes to the slices in the syntax of routers: what `ipvlan plan --routes` prints.

Out of scope: which routes there are (`ipvlan.plan.model`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from ipvlan.plan.model import Plan, Route


def _ip(route: Route) -> str:
    return f"ip route replace {route.destination} via {route.via}"


def _frr(route: Route) -> str:
    return f"ip route {route.destination} {route.via}"


def _networkd(route: Route) -> str:
    return f"[Route]\nDestination={route.destination}\nGateway={route.via}\n"


FORMATS: Final[Mapping[str, Callable[[Route], str]]] = {"ip": _ip, "frr": _frr, "networkd": _networkd}
"""`ip`: commands of iproute2. `frr`: lines of staticd's configuration. `networkd`: sections of a systemd.network(5) file."""


def router_routes(plan: Plan, kind: str) -> list[str]:
    """Return one entry per slice, sorted by host; empty in l2, where a router needs an address of the fabric and no route.

    `kind` is a key of FORMATS.
    """
    return [FORMATS[kind](route) for route in plan.slice_routes]
