"""Rules of the hosts' shims: an address of the fabric that nothing else has.

Containers that have it too are in `ipvlan.plan.rules.addresses`.
"""

from __future__ import annotations

from collections.abc import Iterator

from netaddr import IPAddress

from ipvlan.config.models import StackConfig
from ipvlan.plan.address_space import AddressSpace
from ipvlan.plan.reasons import Cause, Reason
from ipvlan.plan.rules import slices
from ipvlan.problems import Problem

_MOVE = "write shim: ADDRESS with an address of the fabric that nothing else has"


def check(config: StackConfig, space: AddressSpace, name: str) -> Iterator[Problem]:
    """Yield what else has the address of the host's shim, or why it has none."""
    host = config.hosts[name]
    if host.shim is False:
        return
    address = space.shim(name)
    if address is None and not host.slice and slices.without_address(config, name):
        # That the slice is missing is said already (IPF334), and with a slice there may be room.
        return
    if address is None:
        blocks = ", ".join(map(str, host.slice))
        yield Problem(
            code="IPF308",
            key=f"hosts.{name}.shim and hosts.{name}.slice",
            value=f"true and {blocks}" if blocks else "true",
            problem="the slice has no subnet of a /30 or more, whose last usable address the shim could have",
            effect="the shim could not be created",
            fix=_MOVE,
        )
        return
    chosen = host.shim is not True
    what = "the shim's address" if chosen else "the shim's address, the last of the slice,"
    yield from _of_others(config, space, name, address)
    for reason in space.reasons(address, name):
        if (problem := _problem(name, address, what, reason, chosen=chosen)) is not None:
            yield problem


def _of_others(config: StackConfig, space: AddressSpace, name: str, address: IPAddress) -> Iterator[Problem]:
    """Yield the hosts that have the address: in their slice, as their own, or for their shim."""
    owner = space.slice_owner(address)
    if owner not in (None, name) and not any(address in block for block in space.slices(name)):
        yield _taken(
            name, address, f"hosts.{owner}.slice", f"it is in the slice of {owner}, which may give it to a container"
        )
    for other, host in config.hosts.items():
        if host.address == address:
            yield _taken(name, address, f"hosts.{other}.address", f"it is the own address of {other}")
        # Once for two shims.
        elif space.shim(other) == address and other < name:
            yield _taken(name, address, f"hosts.{other}.shim", f"the shim of {other} has it too")


def _taken(name: str, address: IPAddress, key: str, problem: str) -> Problem:
    return Problem(
        code="IPF336",
        key=f"hosts.{name}.shim and {key}",
        value=str(address),
        problem=problem,
        effect="two links would have one address, and each would be reached intermittently",
        fix=_MOVE,
    )


def _problem(name: str, address: IPAddress, what: str, reason: Reason, *, chosen: bool) -> Problem | None:
    match reason.cause:
        case Cause.GATEWAY:
            code, problem = "IPF309", f"{what} is the fabric's gateway"
            effect = f"{name} would answer instead of the router, and no container could leave the subnet"
            fix = _MOVE if chosen else f"move the gateway, or {_MOVE}"
        case Cause.DYNAMIC:
            code, problem = "IPF310", f"{what} is in the range that Docker may assign on {reason.host}"
            effect = "an unmanaged container that Docker gives the address does not start"
            fix = _MOVE if chosen else f"choose a dynamic range that ends before it, or {_MOVE}"
        case Cause.RESERVED if not chosen or reason.block is None or reason.block.size > 1:
            code, problem = "IPF311", f"{what} is reserved"
            effect = "what the address is reserved for would conflict with the host"
            fix = f"reserve less, or {_MOVE}; an address that is reserved by itself may be the shim's"
        case Cause.OUTSIDE_SUBNET:
            code, problem = "IPF335", f"{what} is outside the fabric's subnet"
            effect, fix = "no container would reach it", _MOVE
        case Cause.SUBNET_NETWORK | Cause.SUBNET_BROADCAST:
            kind = "network" if reason.cause is Cause.SUBNET_NETWORK else "broadcast"
            code, problem = "IPF339", f"{what} is the {kind} address of the subnet"
            effect, fix = "no host can have it", _MOVE
        case _:
            # Of those that are left none keeps the host from the address.
            return None
    return Problem(
        code=code,
        key=f"hosts.{name}.shim and {reason.key}",
        value=str(address) if reason.block is None else f"{address} and {reason.block}",
        problem=problem,
        effect=effect,
        fix=fix,
    )
