"""The links of compose services: names by which one container finds another, which are aliases on the bridges that both are on.

In compose a link's name is known to the one container that has the link (docker/compose, pkg/compose/create.go, `getLinks`); an
alias is known to all on the bridge, so a name is carried only where one container alone has it there.

Out of scope: the order that a link also is (`ipvlan.config.compose.service`), and which aliases a rule refuses
(`ipvlan.plan.compose_bridges`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ipvlan.config.compose.networks import put_bridges

if TYPE_CHECKING:
    from ipvlan.config.compose.carried import Carried, Link


def carry_links(services: Mapping[str, Carried]) -> None:
    """Write the names of all links as aliases; note those that none can be.

    Args:
        services: All services that are carried, with their bridges; the settings of those that are linked to are changed.
    """
    found = [(service, link) for service in services.values() for link in service.links]
    owners: dict[tuple[str, str], set[str]] = {}
    for name, service in services.items():
        for bridge, endpoint in _endpoints(service).items():
            for alias in endpoint.get("aliases", ()):
                owners.setdefault((bridge, alias), set()).add(name)
    for service, link in found:
        for bridge in _shared(service, services.get(link.service)):
            owners.setdefault((bridge, link.name), set()).add(link.service)
    for service, link in found:
        other = services.get(link.service)
        shared = _shared(service, other)
        several = sorted({owner for bridge in shared for owner in owners[bridge, link.name]} - {link.service})
        if other is None:
            service.leave_out(link.key, link.node, "no service of this name is carried, or it is the container's own")
        elif shared and several:
            service.leave_out(
                link.key,
                link.node,
                f"on a bridge all containers know a name, and {', '.join(several)} would be {link.name} too: give {link.service} a "
                f"name of its own, by bridges: {{KEY: {{aliases: [NAME]}}}} at {link.service}, and tell {service.name} that name",
            )
        elif shared:
            _add(other, shared, link.name)
        else:
            service.leave_out(link.key, link.node, _without_bridge(service, other, link))


def _endpoints(service: Carried) -> dict[str, dict[str, Any]]:
    written = service.settings.get("bridges", ())
    return (
        {bridge: dict(written[bridge]) for bridge in written} if isinstance(written, dict) else {x: {} for x in written}
    )


def _shared(service: Carried, other: Carried | None) -> list[str]:
    if other is None:
        return []
    return [bridge for bridge in _endpoints(service) if bridge in _endpoints(other)]


def _add(other: Carried, bridges: list[str], name: str) -> None:
    """Add an alias; the service's own name is one on each of its bridges anyway."""
    endpoints = _endpoints(other)
    for bridge in bridges:
        aliases = endpoints[bridge].get("aliases", [])
        if name not in (other.name, *aliases):
            endpoints[bridge] = {**endpoints[bridge], "aliases": [*aliases, name]}
    key, place = other.origins["bridges"]
    put_bridges(other, endpoints, key, place)


def _without_bridge(service: Carried, other: Carried, link: Link) -> str:
    if not (service.on_fabric and other.on_fabric):
        return (
            f"{service.name} and {other.name} are on no common bridge: connect both to one by bridges, with "
            f"bridges: {{KEY: {{aliases: [{link.name}]}}}} at {other.name}"
        )
    by_name = other.settings.get("container_name", other.name)
    if link.name == by_name:
        return (
            f"on the fabric {by_name} is found by its name on its own host; from another host write "
            f"extra_hosts: {{{by_name}: ADDRESS}}, and on a bridge of both (bridges) nothing"
        )
    return (
        f"the fabric has no further names: tell {service.name} {by_name} in the place of {link.name}, or connect both to a bridge, "
        f"with bridges: {{KEY: {{aliases: [{link.name}]}}}} at {other.name}"
    )
