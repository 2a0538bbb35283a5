"""The further bridge networks of a stack: which a host has, and which of them a container is connected to.

Out of scope: what the keys must agree on (`ipvlan.plan.rules.bridges`), and what a change does (`ipvlan.plan.bridge_changes`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from netaddr import IPNetwork


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
