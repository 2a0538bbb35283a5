"""Who holds an address of the fabric, and how full the slices are."""

from __future__ import annotations

from dataclasses import dataclass

from netaddr import IPAddress

from ipvlan.plan.model import HostPlan, Plan


@dataclass(frozen=True, slots=True, kw_only=True)
class SliceUse:
    """How full a host's slice is; counts of addresses."""

    used: int
    """Held by containers of the plan."""
    set_aside: int
    """Reserved, dynamic or the gateway's: no container of the plan may hold them."""
    free: int
    """Left for further containers."""


def slice_use(plan: Plan, host: HostPlan) -> SliceUse:
    """How full the slice of one host is; its first and last address count as neither used nor free."""
    usable_first, usable_last = host.slice.first + 1, host.slice.last - 1
    bounds = [(int(entry.first), int(entry.last)) for entry in plan.reserved]
    if host.dynamic is not None:
        bounds.append((host.dynamic.first, host.dynamic.last))
    if host.network.gateway is not None:
        bounds.append((int(host.network.gateway), int(host.network.gateway)))
    if host.shim is not None:
        bounds.append((int(host.shim.address), int(host.shim.address)))
    set_aside = _covered(bounds, usable_first, usable_last)
    used = len(host.containers)
    return SliceUse(used=used, set_aside=set_aside, free=usable_last - usable_first + 1 - set_aside - used)


def _covered(bounds: list[tuple[int, int]], first: int, last: int) -> int:
    """How many numbers from `first` to `last` lie in at least one of the bounds."""
    count = 0
    reached = first - 1
    for start, end in sorted(bounds):
        low, high = max(start, reached + 1), min(end, last)
        if high >= low:
            count += high - low + 1
            reached = high
    return count


def who_holds(plan: Plan, address: IPAddress) -> list[str]:
    """What the plan says of an address, one sentence each, the most telling first; never empty."""
    said: list[str] = [
        f"{container.name} on {container.host} (service {container.service})"
        for container in plan.containers()
        if container.address == address
    ]
    said += [f"the host {host.name} itself, in the LAN" for host in plan.hosts if host.address == address]
    if address == plan.gateway:
        said.append("the fabric's gateway")
    said += [f"reserved by {entry}" for entry in plan.reserved if entry.first <= address <= entry.last]
    if int(address) in (plan.subnet.first, plan.subnet.last):
        said.append(f"the {'network' if int(address) == plan.subnet.first else 'broadcast'} address of {plan.subnet}")
    for host in plan.hosts:
        if address not in host.slice:
            continue
        if host.dynamic is not None and address in host.dynamic:
            said.append(f"Docker may hand it out on {host.name} (dynamic {host.dynamic})")
        if host.shim is not None and address == host.shim.address:
            said.append(f"the shim of {host.name} ({host.shim.link})")
        elif address == host.network.gateway and address != plan.gateway:
            said.append(f"held by Docker on {host.name} as the gateway that mode {plan.mode} has and does not use")
        edge = {host.slice.first: "first", host.slice.last: "last"}.get(int(address))
        if edge:
            said.append(f"the {edge} address of the slice {host.slice} of {host.name}, which no container can hold")
        if not said:
            said.append(f"free, in the slice {host.slice} of {host.name} (offset {int(address) - host.slice.first})")
    if not said:
        said.append(
            f"nobody: in the subnet {plan.subnet}, but in no host's slice"
            if address in plan.subnet
            else f"nobody: outside the subnet {plan.subnet}"
        )
    return said
