"""Why a bridge network of the section `bridges` cannot be as planned, in words.

Out of scope: when (`ipvlan.hosts.bridge_networks`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import TYPE_CHECKING

from ipvlan.hosts.errors import (
    BRIDGE_IN_USE,
    BRIDGE_LINK_TAKEN,
    BRIDGE_NOT_OURS,
    BRIDGE_NOT_REMOVED,
    BRIDGE_REFUSED,
    BRIDGE_SUBNET_TAKEN,
    BRIDGE_UNUSABLE,
    HostError,
)
from ipvlan.hosts.ids import listed, short_id
from ipvlan.plan.ownership import has_owner, known_owner

if TYPE_CHECKING:
    from ipvlan.hosts.bridge_networks import LiveNetwork, Wanted


def missing(wanted: Wanted) -> HostError:
    """Return that an external network does not exist."""
    return HostError.on(
        wanted.host,
        BRIDGE_UNUSABLE,
        problem=f"there is no network {wanted.name}, which is external: somebody else makes it",
        effect="its containers could not be connected; nothing was changed",
        fix=f"create it on the host (docker network create {wanted.name}), or remove external",
    )


def unusable(wanted: Wanted, problem: str) -> HostError:
    """Return that an external network is not one that containers of the stack can be on."""
    return HostError.on(
        wanted.host,
        BRIDGE_UNUSABLE,
        problem=problem,
        effect="its containers are not connected to it; nothing was changed",
        fix="name another network in ipvlan-fabric:bridges, or remove external so that the stack makes one of another name",
    )


def not_ours(wanted: Wanted, live: LiveNetwork, used_by: Collection[str]) -> HostError:
    """Return that the name is taken; `used_by` are the containers on the network that has it."""
    owner = known_owner(live)
    made_by = f"{owner} made it" if owner else "this stack did not make it"
    used = f", and {listed(sorted(used_by))} is on it" if used_by else ""
    return HostError.on(
        wanted.host,
        BRIDGE_NOT_OURS,
        problem=f"there is a network {wanted.name} ({short_id(live.id)}) already: {made_by}{used}",
        effect="the stack would connect its containers to those of others; nothing was changed",
        # Without a name an external bridge has that of its key.
        fix=f"set external: true and name: {wanted.name} for the bridge, to use it as it is; or give yours another name",
    )


def in_use(wanted: Wanted, different: Sequence[str], used_by: Collection[str]) -> HostError:
    """Return that the network would have to be created again, below containers of others."""
    others = sorted(used_by)
    return HostError.on(
        wanted.host,
        BRIDGE_IN_USE,
        problem=f"network {wanted.name} has {', '.join(different)}, and Docker cannot change a network; {listed(others)}, which is "
        "not this stack's, is on it",
        effect="it would be interrupted, and a stopped one would not start again; nothing was changed",
        fix=f"disconnect it on the host (docker network disconnect {wanted.name} {others[0]}), or give the bridge another name",
    )


def others_on(wanted: Wanted, used_by: Iterable[str]) -> HostError:
    """Return that the network is kept because containers of others are on it."""
    others = sorted(used_by)
    return HostError.on(
        wanted.host,
        BRIDGE_NOT_REMOVED,
        problem=f"network {wanted.name} is not removed: {listed(others)}, which is not this stack's, is on it",
        effect="it would be interrupted, and a stopped one would not start again; nothing was changed about the network",
        fix=f"disconnect it on the host (docker network disconnect {wanted.name} {others[0]}), then run the same command again",
    )


def not_removed(wanted: Wanted, refusal: str) -> HostError:
    """Return that Docker keeps the network."""
    return HostError.on(
        wanted.host,
        BRIDGE_NOT_REMOVED,
        problem=f"network {wanted.name} is not removed: {refusal}",
        effect="it stays as it is; containers that were disconnected for it were connected again",
        fix="fix what Docker names on the host, then run the same command again",
    )


def refused(wanted: Wanted, refusal: str, detached: Collection[str] = ()) -> HostError:
    """Return that Docker does not create the network; `detached` are the containers that were disconnected for it."""
    off = (
        f"; {listed(sorted(detached))} was disconnected for it, and is without it until it is created"
        if detached
        else ""
    )
    return HostError.on(
        wanted.host,
        BRIDGE_REFUSED,
        problem=f"network {wanted.name} is not created: {refusal}",
        effect=f"its containers are not connected to it, and new ones are not started{off}",
        fix="correct its subnet and options, or free what Docker names on the host (docker network ls), then run `pulumi up` again",
    )


def rolled_back(wanted: Wanted, refusal: str, unconnected: Collection[str]) -> HostError:
    """Return that Docker does not create the network, and the previous one is there again; `unconnected` are not on it."""
    off = f", but for {listed(sorted(unconnected))}, which Docker does not connect again" if unconnected else ""
    return HostError.on(
        wanted.host,
        BRIDGE_REFUSED,
        problem=f"network {wanted.name} is not created: {refusal}. It was created again as it was, under another id",
        effect=f"its containers were without it for seconds, and are on it again{off}",
        fix="correct its subnet and options, or free what Docker names on the host (docker network ls), then run `pulumi up` again",
    )


def subnet_taken(wanted: Wanted, other: LiveNetwork, subnet: str) -> HostError:
    """Return that a network of the host has the planned subnet, or a part of it."""
    fix = "write another subnet, or none: then Docker chooses it"
    return HostError.on(
        wanted.host,
        BRIDGE_SUBNET_TAKEN,
        problem=f"network {wanted.name} is to have the subnet {wanted.subnet}, and network {other.name} has {subnet}",
        effect=f"Docker would refuse it{_not_yet(wanted, other)}; nothing was changed",
        fix=_fix(wanted, other, fix),
    )


def link_taken(wanted: Wanted, link: str, other: LiveNetwork) -> HostError:
    """Return that a network of the host has the planned interface."""
    return HostError.on(
        wanted.host,
        BRIDGE_LINK_TAKEN,
        problem=f"network {wanted.name} is to have the interface {link}, and network {other.name} has it",
        effect=f"Docker would refuse it{_not_yet(wanted, other)}; nothing was changed",
        fix=_fix(wanted, other, "write another interface in its option com.docker.network.bridge.name"),
    )


def link_exists(wanted: Wanted, link: str) -> HostError:
    """Return that the host has an interface of the planned name, which no network of Docker's names."""
    return HostError.on(
        wanted.host,
        BRIDGE_LINK_TAKEN,
        problem=f"network {wanted.name} is to have the interface {link}, and the host has one of that name",
        effect="Docker would take it over and change its addresses, whoever made it; nothing was changed",
        fix="write another interface in its option com.docker.network.bridge.name: one that the host does not have (ip link show)",
    )


def _not_yet(wanted: Wanted, other: LiveNetwork) -> str:
    return (
        f": this stack made {other.name}, and what it does not have any more goes last"
        if has_owner(other.labels, wanted.owner)
        else ""
    )


def _fix(wanted: Wanted, other: LiveNetwork, fix: str) -> str:
    if not has_owner(other.labels, wanted.owner):
        return fix
    return (
        f"{fix}. If it is the same bridge under another name, of its own or of the fabric, `name: {other.name}` keeps it as it is. "
        f"If they are two, let {other.name} go or have another one first, in a `pulumi up` of its own"
    )
