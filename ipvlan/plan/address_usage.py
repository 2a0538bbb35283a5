"""Who has an address of the fabric, and how full the slices are, as people and documents show it.

Out of scope: which address is usable and who has it (`ipvlan.plan.address_space`); the texts about it are here.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from netaddr import IPAddress

from ipvlan.plan.model import HostPlan, Plan
from ipvlan.plan.reasons import Cause, Reason


@dataclass(frozen=True, slots=True, kw_only=True)
class SliceUse:
    """How full a host's slice is, in numbers of addresses."""

    used: int
    """Held by containers of the plan."""
    set_aside: int
    """Reserved, dynamic, the gateway's or the shim's: no container of the plan may have them."""
    free: int
    """Left for further containers."""


def slice_use(plan: Plan, host: HostPlan) -> SliceUse:
    """Return how full the slice of one host is.

    Containers with an address outside of it are used addresses too. What no container could have in any config counts as nothing:
    the first and last address of the subnet, and in l3 and l3s of a slice that is a subnet.
    """
    space = plan.address_space
    return SliceUse(
        used=len(host.on_fabric),
        set_aside=space.inside(host.name) - space.usable(host.name).size,
        free=space.free(host.name).size,
    )


def who_holds(plan: Plan, address: IPAddress) -> list[str]:
    """Return what the plan says of an address, one sentence each, the most important first; never empty."""
    reasons = list(plan.address_space.reasons(address))
    sentences = [*_containers(plan, address), *_hosts(plan, address)]
    sentences += [
        text
        for cause in _ORDER
        for reason in reasons
        if reason.cause is cause
        for text in _sentence(plan, reason, address)
    ]
    return sentences or [_nobody(plan, address)]


def _containers(plan: Plan, address: IPAddress) -> Iterator[str]:
    for service, host in plan.address_space.holders(address):
        yield f"{plan.host(host).container(service).name} on {host} (service {service})"


def _hosts(plan: Plan, address: IPAddress) -> Iterator[str]:
    return (f"the host {host.name} itself, in the LAN" for host in plan.hosts if host.address == address)


_ORDER = (
    Cause.GATEWAY,
    Cause.RESERVED,
    Cause.SUBNET_NETWORK,
    Cause.SUBNET_BROADCAST,
    Cause.DYNAMIC,
    Cause.SHIM,
    Cause.WITHHELD,
    Cause.DOCKER,
    Cause.SLICE_NETWORK,
    Cause.SLICE_BROADCAST,
)
"""The causes that say who has an address, the most important first."""


def _sentence(plan: Plan, reason: Reason, address: IPAddress) -> Iterator[str]:
    host = plan.host(reason.host) if reason.host else None
    match reason.cause:
        case Cause.GATEWAY:
            yield "the fabric's gateway"
        case Cause.RESERVED:
            yield f"reserved by {reason.block}"
        case Cause.SUBNET_NETWORK:
            yield f"the network address of {reason.block}"
        case Cause.SUBNET_BROADCAST:
            yield f"the broadcast address of {reason.block}"
        case Cause.DYNAMIC:
            yield f"Docker may assign it on {reason.host} (dynamic {reason.block})"
        case Cause.SHIM if host is not None and host.shim is not None:
            yield f"the shim of {reason.host} ({host.shim.link})"
        case Cause.WITHHELD:
            yield f"Docker is kept from assigning addresses with it on {reason.host} (dynamic: none)"
        case Cause.DOCKER if host is not None and (host.shim is None or host.shim.address != address):
            yield f"Docker's on {reason.host}: the gateway that a network of mode {plan.mode} has, and that no route uses"
        case Cause.SLICE_NETWORK:
            yield f"the first address of the slice {reason.block} of {reason.host}, which no container can have"
        case Cause.SLICE_BROADCAST:
            yield f"the last address of the slice {reason.block} of {reason.host}, which no container can have"


def _nobody(plan: Plan, address: IPAddress) -> str:
    space = plan.address_space
    owner = space.slice_owner(address)
    if owner is not None:
        block = next(block for block in space.slices(owner) if address in block)
        return f"free, in the slice {block} of {owner} (offset {space.offsets(owner).of(address)})"
    if address in plan.subnet:
        return f"unassigned: in the subnet {plan.subnet}, but in no host's slice"
    return f"unassigned: outside the subnet {plan.subnet}"
