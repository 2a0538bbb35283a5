"""Rules of container addresses: in the slice of their host or in that of none, usable, one container each.

Which addresses are usable is decided in `ipvlan.plan.address_space`; the texts about it are here.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from netaddr import IPAddress

from ipvlan.config.models import ServiceConfig, StackConfig
from ipvlan.plan.address_space import AddressSpace
from ipvlan.plan.offsets import each
from ipvlan.plan.reasons import Cause, Reason
from ipvlan.plan.room import has_room, more_addresses
from ipvlan.problems import Problem, shorten


def check(config: StackConfig, space: AddressSpace) -> Iterator[Problem]:
    """Yield the problems of every container's address, shared addresses included.

    A mistake in one key that shows on many hosts is one problem, which names the first host and counts the others.
    """
    missing: dict[str, list[str]] = {}
    beyond: dict[str, list[str]] = {}
    for host in config.hosts:
        for name, service in config.services.items():
            if not (service.fabric and service.runs_on(host)):
                continue
            address = space.address(name, host)
            if address is None:
                # Where the host has no slice, that is what is wrong: `ipvlan.plan.rules.slices`.
                if space.slices(host):
                    (missing if service.offset is None else beyond).setdefault(name, []).append(host)
            elif space.unusable(address, host) is not None:
                yield from _unusable(_Container(name, service, host, address), space)
    yield from (_missing(name, hosts) for name, hosts in missing.items())
    yield from (_beyond(config, space, name, hosts) for name, hosts in beyond.items())
    yield from _shared(config, space)


@dataclass(frozen=True, slots=True)
class _Container:
    name: str
    service: ServiceConfig
    host: str
    address: IPAddress

    @property
    def key(self) -> str:
        return _key(self.service, self.name, self.host)

    @property
    def value(self) -> str:
        if self.host in self.service.addresses:
            return str(self.address)
        return f"{self.service.offset} ({self.address} on {self.host})"


def _key(service: ServiceConfig, name: str, host: str) -> str:
    if host in service.addresses:
        return f"services.{name}.addresses.{host}"
    return f"services.{name}.offset"


def _unusable(container: _Container, space: AddressSpace) -> Iterator[Problem]:
    """Yield a problem for each cause; of several reservations the first counts."""
    reasons: dict[Cause, Reason] = {}
    for reason in space.reasons(container.address, container.host):
        reasons.setdefault(reason.cause, reason)
    of_subnet = reasons.keys() & {Cause.SUBNET_NETWORK, Cause.SUBNET_BROADCAST}
    for cause in _TEXTS:
        # The first address of the subnet is that of a slice too: once is enough.
        if cause in reasons and not (of_subnet and cause in (Cause.SLICE_NETWORK, Cause.SLICE_BROADCAST)):
            yield _TEXTS[cause](container, reasons[cause], space)


def _other_slice(container: _Container, reason: Reason, space: AddressSpace) -> Problem:
    return Problem(
        code="IPF501",
        key=container.key,
        value=container.value,
        problem=f"it is in the slice of {reason.host} ({reason.block})",
        effect=f"{reason.host} may give it to another container",
        fix=_use_another(space, container.host),
    )


def _outside(container: _Container, reason: Reason, space: AddressSpace) -> Problem:
    return Problem(
        code="IPF503",
        key=container.key,
        value=container.value,
        problem=f"it is outside the subnet {reason.block}",
        effect="the daemon refuses the container",
        fix=_use_another(space, container.host),
    )


def _slice_edge(container: _Container, reason: Reason, space: AddressSpace) -> Problem:
    kind = "network" if reason.cause is Cause.SLICE_NETWORK else "broadcast"
    return Problem(
        code="IPF504",
        key=container.key,
        value=container.value,
        problem=f"it is the {kind} address of the slice {reason.block}, which is routed in mode {space.mode}",
        effect="routers and other programs do not take it for a container's",
        fix=_use_another(space, container.host),
    )


def _docker(container: _Container, reason: Reason, space: AddressSpace) -> Problem:
    return Problem(
        code="IPF505",
        key=container.key,
        value=container.value,
        problem=f"Docker has it on {reason.host}, as the gateway that a network of mode {space.mode} has there",
        effect='the daemon refuses the container with "Address already in use"',
        fix=_use_another(space, container.host),
    )


def _withheld(container: _Container, reason: Reason, space: AddressSpace) -> Problem:
    return Problem(
        code="IPF338",
        key=f"{container.key} and {reason.key}",
        value=container.value,
        problem=f"Docker is kept from assigning addresses with it on {reason.host} (dynamic: none)",
        effect="the daemon refuses the container",
        fix=f"{_use_another(space, container.host)}; or write it as services.{container.name}.addresses.{container.host}, "
        "and another one is taken, which replaces the host's network once",
    )


def _shim(container: _Container, reason: Reason, space: AddressSpace) -> Problem:
    return Problem(
        code="IPF506",
        key=f"{container.key} and {reason.key}",
        value=container.value,
        problem=f"the shim of {reason.host} has it",
        effect="the container or the shim would not start, since the kernel assigns an address once",
        fix=f"{_use_another(space, container.host)}, or give the shim another address, or remove it",
    )


def _host_own(container: _Container, reason: Reason, space: AddressSpace) -> Problem:
    return Problem(
        code="IPF434",
        key=f"{container.key} and {reason.key}",
        value=container.value,
        problem=f"it is the own address of {'the host' if reason.host == container.host else reason.host}",
        effect="the container would answer instead of the host, or the host instead of the container",
        fix=_choose_another(space, container.host),
    )


def _gateway(container: _Container, reason: Reason, space: AddressSpace) -> Problem:
    return Problem(
        code="IPF507",
        key=f"{container.key} and {reason.key}",
        value=container.value,
        problem="the container would have the gateway's address",
        effect="the daemon refuses it, or no container of the fabric can leave the subnet",
        fix=_choose_another(space, container.host),
    )


def _subnet_edge(container: _Container, reason: Reason, space: AddressSpace) -> Problem:
    kind = "network" if reason.cause is Cause.SUBNET_NETWORK else "broadcast"
    return Problem(
        code="IPF508",
        key=container.key,
        value=container.value,
        problem=f"it is the {kind} address of the subnet {reason.block}",
        effect="no container can have it",
        fix=_choose_another(space, container.host),
    )


def _reserved(container: _Container, reason: Reason, space: AddressSpace) -> Problem:
    return Problem(
        code="IPF509",
        key=f"{container.key} and {reason.key}",
        value=container.value,
        problem=f"it is reserved by {reason.block}",
        effect="what it is reserved for would conflict with the container",
        fix=_choose_another(space, container.host, ", or reserve less"),
    )


def _dynamic(container: _Container, reason: Reason, space: AddressSpace) -> Problem:
    return Problem(
        code="IPF510",
        key=f"{container.key} and {reason.key}",
        value=container.value,
        problem=f"it is in the range that Docker may assign on {reason.host} ({reason.block})",
        effect="an unmanaged container can get the address while this one is stopped",
        fix="choose an address outside the dynamic range, or make that range smaller"
        if has_room(space, container.host)
        else f"make hosts.{reason.host}.dynamic smaller",
    )


_TEXTS: Final[Mapping[Cause, Callable[[_Container, Reason, AddressSpace], Problem]]] = {
    Cause.OTHER_SLICE: _other_slice,
    Cause.OUTSIDE_SUBNET: _outside,
    Cause.SLICE_NETWORK: _slice_edge,
    Cause.SLICE_BROADCAST: _slice_edge,
    Cause.DOCKER: _docker,
    Cause.WITHHELD: _withheld,
    Cause.SHIM: _shim,
    Cause.HOST: _host_own,
    Cause.GATEWAY: _gateway,
    Cause.SUBNET_NETWORK: _subnet_edge,
    Cause.SUBNET_BROADCAST: _subnet_edge,
    Cause.RESERVED: _reserved,
    Cause.DYNAMIC: _dynamic,
}
"""The problem of each cause, in the order in which problems are shown."""


def _slices(space: AddressSpace, host: str) -> str:
    return ", ".join(map(str, space.slices(host)))


def _use_another(space: AddressSpace, host: str) -> str:
    """Return what to write instead: addresses that are free on the host, or, where none is, how there will be one."""
    free = space.free(host) if space.slices(host) else space.free_elsewhere(host)
    if not free.size:
        return more_addresses(space, host)
    runs = list(itertools.islice(free.iter_ipranges(), 2))
    run = max(runs, key=lambda one: one.size)
    if run.size == 1:
        return f"use {IPAddress(run.first, run.version)}"
    return f"use one of {IPAddress(run.first, run.version)} to {IPAddress(run.last, run.version)}"


def _choose_another(space: AddressSpace, host: str, more: str = "") -> str:
    """Return that another address is to be chosen, and what else helps; or, where none is free, how there will be one."""
    return f"choose another address or offset{more}" if has_room(space, host) else more_addresses(space, host)


def _on(hosts: list[str]) -> str:
    more = len(hosts) - 1
    return hosts[0] + (f" and {more} more host{'' if more == 1 else 's'}" if more else "")


def _missing(name: str, hosts: list[str]) -> Problem:
    return Problem(
        code="IPF511",
        key=f"services.{name}.offset",
        value="",
        problem=f"the service has neither an offset nor an address for {_on(hosts)}",
        effect="Docker would choose an address, another one each time the container is recreated",
        fix="run `ipvlan allocate`, which writes the next free offset into the file",
    )


def _beyond(config: StackConfig, space: AddressSpace, name: str, hosts: list[str]) -> Problem:
    host = hosts[0]
    offset, offsets = config.services[name].offset or 0, space.offsets(host)
    address = offsets.at(offset)
    owner = None if address is None else space.slice_owner(address)
    free = next(each(offsets.runs(space.free(host))), None)
    smaller = f"write a smaller offset ({free} is free there)" if free is not None else more_addresses(space, host)
    return Problem(
        code="IPF512",
        key=f"services.{name}.offset",
        value=shorten(offset),
        problem=f"it is beyond the slice {_slices(space, host)} of {_on(hosts)}, which has "
        + (f"offsets 0 to {len(offsets.all) - 1}" if len(offsets.all) > 1 else "the offset 0 alone"),
        effect=f"{address} belongs to {owner}: two containers could have it"
        if owner not in (None, host)
        else "the slice has no such address",
        fix=smaller + (f", or write services.{name}.addresses.{host}" if has_room(space, host) else ""),
    )


def _shared(config: StackConfig, space: AddressSpace) -> Iterator[Problem]:
    by_key: dict[str, list[tuple[IPAddress, tuple[str, str], tuple[str, str]]]] = {}
    for address, holders in space.shared():
        name, host = holders[0]
        for other, other_host in holders[1:]:
            key = f"{_key(config.services[name], name, host)} and {_key(config.services[other], other, other_host)}"
            by_key.setdefault(key, []).append((address, (name, host), (other, other_host)))
    for key, pairs in by_key.items():
        address, (name, host), (other, other_host) = pairs[0]
        more = f" (and {len(pairs) - 1} more)" if len(pairs) > 1 else ""
        yield Problem(
            code="IPF513",
            key=key,
            value=str(address),
            problem=f"{name} on {host} and {other} on {other_host} have one address{more}",
            effect="the second container does not start, or both answer and connections break intermittently",
            fix="give one of them another offset or address"
            if has_room(space, host) or has_room(space, other_host)
            else more_addresses(space, host),
        )
