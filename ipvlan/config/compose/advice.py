"""Advice on services of a compose file that are carried over, and run differently here.

Out of scope: what follows from the hosts that they are placed on (`ipvlan.plan.compose_import`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ipvlan.config.compose.carried import Carried
from ipvlan.config.compose.node import LeftOut


def advice(services: Mapping[str, Carried]) -> Iterator[LeftOut]:
    """Yield what has to be looked at, by what it is about."""
    yield from _names(services)
    yield from _without_fabric(services)


def _names(services: Mapping[str, Carried]) -> Iterator[LeftOut]:
    """Yield advice on names: in compose a service is found by its own name, on the fabric by that of its container."""
    for name, service in services.items():
        container = service.settings.get("container_name", name)
        if container != name and len(services) > 1 and "bridges" not in service.settings:
            yield LeftOut(
                place=service.origins["container_name"][1],
                service=name,
                key="container_name",
                kind="advice",
                reason=f"other containers find it as {container}, and not as {name} any more: change what they are told",
            )


def _without_fabric(services: Mapping[str, Carried]) -> Iterator[LeftOut]:
    """Yield which services are as private as in compose, and what to do where they shall not be."""
    private = [service for service in services.values() if service.settings.get("fabric") is False]
    if private:
        they = "it has" if len(private) == 1 else "they have"
        them = "it" if len(private) == 1 else "them"
        yield LeftOut(
            place=private[0].place,
            service="",
            key="services",
            kind="advice",
            reason=f"{', '.join(service.name for service in private)} had neither a published port nor the network default: "
            f"with fabric: false {they} no address of the fabric, and only containers on the same bridge of the host reach {them}, "
            f"by name; remove fabric: false where others shall reach {them}",
        )
