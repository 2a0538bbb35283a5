"""The further bridge networks of a stack: which a host has, and which of them a container is connected to.

Out of scope: what the keys must agree on (`ipvlan.plan.rules.bridges`), and what a change does (`ipvlan.plan.bridge_changes`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from netaddr import IPNetwork

from ipvlan.plan.resource_names import BRIDGE

if TYPE_CHECKING:
    from ipvlan.config.models import ServiceConfig, StackConfig


@dataclass(frozen=True, slots=True, kw_only=True)
class BridgePlan:
    """One bridge network of the section `bridges` on one host."""

    key: str
    """Its key in the section."""
    name: str
    """Its name in Docker."""
    internal: bool
    """Whether it has no way out of the host."""
    subnet: IPNetwork | None
    """None where Docker chooses it."""
    options: Mapping[str, str]
    """Option of Docker's bridge driver -> value."""
    labels: Mapping[str, str]
    external: bool
    """Whether somebody else makes it: it is used, and never created, changed or removed."""
    members: tuple[str, ...]
    """The services that are connected to it on this host, sorted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointPlan:
    """The connection of one container to one bridge network of the section `bridges`."""

    bridge: str
    """The network's name in Docker."""
    aliases: tuple[str, ...]
    """Further names by which the others on it find the container, sorted; the container's own name is not among them."""


def docker_name(config: StackConfig, key: str) -> str:
    """Return the name in Docker of the bridge that has this key in the section.

    By default it is FABRIC-KEY: on one machine it is no other stack's, and it sorts after the fabric's name, so the fabric keeps
    the default route in a Docker that goes by names. What others make has the name that they gave it: the key.
    """
    bridge = config.bridges[key]
    if bridge.name is not None:
        return bridge.name
    return key if bridge.external else default_name(config.fabric.name, key)


def default_name(fabric: str, key: str) -> str:
    """Return the name in Docker of a bridge of the stack without a `name`; `fabric` is the name of the fabric's network."""
    return f"{fabric}-{key}"


def bridges_on(config: StackConfig, host: str) -> tuple[BridgePlan, ...]:
    """Return the bridge networks of one host, sorted by Docker's name: those that a service which runs there is connected to."""
    if not config.bridges:
        return ()
    members: dict[str, set[str]] = {}
    for name, service in config.services.items():
        if service.runs_on(host):
            for key in service.bridges:
                members.setdefault(key, set()).add(name)
    planned = (_bridge(config, key, members[key]) for key in config.bridges if key in members)
    return tuple(sorted(planned, key=lambda bridge: bridge.name))


def _bridge(config: StackConfig, key: str, members: Collection[str]) -> BridgePlan:
    bridge = config.bridges[key]
    return BridgePlan(
        key=key,
        name=docker_name(config, key),
        internal=bridge.internal,
        subnet=bridge.subnet,
        options=bridge.options,
        labels=bridge.labels,
        external=bridge.external,
        members=tuple(sorted(members)),
    )


def bridge_endpoints(config: StackConfig, name: str) -> tuple[EndpointPlan, ...]:
    """Return the connections of a service's containers to bridge networks, sorted by the network's name.

    The service's name is an alias where the container has another one, as in compose.
    """
    service = config.services[name]
    planned = (
        EndpointPlan(
            bridge=docker_name(config, key),
            aliases=tuple(sorted({name, *endpoint.aliases} - {service.container_name or name})),
        )
        for key, endpoint in service.bridges.items()
        if key in config.bridges
    )
    return tuple(sorted(planned, key=lambda endpoint: endpoint.bridge))


def with_a_route(config: StackConfig, service: ServiceConfig) -> Iterator[str]:
    """Yield the names in Docker of the bridges of a service that can have a default route: those that are not internal.

    What an external one is, only the host knows: it counts as one that is not.
    """
    for key in service.bridges:
        if key in config.bridges and not config.bridges[key].internal:
            yield docker_name(config, key)


def default_route(config: StackConfig, service: ServiceConfig) -> str | None:
    """Return the name of the Docker network that has the default route of a service's containers; None where none has.

    That is Docker's own bridge where the service is connected to it, else the fabric; without the fabric the first by name of its
    bridges that are not internal, as every Docker orders them (moby, `Endpoint.Less` in libnetwork/sandbox.go).
    """
    if service.bridged:
        return BRIDGE
    return config.fabric.name if service.fabric else min(with_a_route(config, service), default=None)
