"""What two stacks cannot both have of networks on one Docker: a name, or a part of a subnet, where a bridge is one of the two.

Out of scope: two fabrics on one Docker, and the words (`ipvlan.plan.clashes`).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from netaddr import IPNetwork

from ipvlan.plan.blocks import overlap

if TYPE_CHECKING:
    from ipvlan.plan.model import HostPlan


def one_name(own: HostPlan, other: HostPlan) -> Iterator[tuple[str, str, str]]:
    """Yield the key in each stack, and the name, of each network that both stacks make; an external one is made by neither."""
    others = dict(_names(other))
    for name, key in _names(own):
        if name in others and not (_is_fabric(key) and _is_fabric(others[name])):
            yield key, others[name], name


def overlapping_subnets(own: HostPlan, other: HostPlan) -> Iterator[tuple[str, str, str]]:
    """Yield the key in each stack, and the subnets, of each two networks that overlap; where Docker chooses, it chooses another."""
    for own_key, subnet in _subnets(own):
        for other_key, found in _subnets(other):
            if not (_is_fabric(own_key) and _is_fabric(other_key)) and overlap(subnet, found):
                yield own_key, other_key, str(subnet) if subnet == found else f"{subnet} and {found}"


def _names(host: HostPlan) -> Iterator[tuple[str, str]]:
    yield host.network.name, "fabric.name"
    yield from ((bridge.name, f"bridges.{bridge.key}") for bridge in host.bridges if not bridge.external)


def _subnets(host: HostPlan) -> Iterator[tuple[str, IPNetwork]]:
    yield "fabric.subnet", host.network.subnet
    for bridge in host.bridges:
        if bridge.subnet is not None and not bridge.external:
            yield f"bridges.{bridge.key}.subnet", bridge.subnet


def _is_fabric(key: str) -> bool:
    return key.startswith("fabric.")
