"""Rules of container addresses: inside the slice, usable, held by one container each."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator

from netaddr import IPAddress, IPNetwork

from ipvlan.config.models import HostConfig, ServiceConfig, StackConfig, own_address
from ipvlan.plan.rules.services import runs_on
from ipvlan.problems import Problem, shorten


def check(config: StackConfig) -> Iterator[Problem]:
    """Problems of every container's address, clashes across hosts included.

    A mistake in one key that shows on many hosts is one problem, which names the first host and counts the others.
    """
    table = _Table(config)
    routed = config.fabric.mode != "l2"
    holders: dict[int, list[tuple[str, str]]] = {}
    missing: dict[str, list[str]] = {}
    beyond: dict[str, list[str]] = {}
    for host_name, host in config.hosts.items():
        first, last = host.slice.first, host.slice.last
        for name, service in config.services.items():
            if not runs_on(service, host_name):
                continue
            explicit = service.addresses.get(host_name)
            if explicit is not None:
                value = int(explicit)
            elif service.offset is None:
                missing.setdefault(name, []).append(host_name)
                continue
            elif first + service.offset >= last:
                beyond.setdefault(name, []).append(host_name)
                continue
            else:
                value = first + service.offset
            holders.setdefault(value, []).append((name, host_name))
            if (
                not first < value < last
                or value in table.special
                or (value == last - 1 and (routed or host.shim))
                or table.reserved(value)
                or table.dynamic(value)
            ):
                yield from table.problems(value, name, service, host_name, host)
    yield from (_missing(name, host_names) for name, host_names in missing.items())
    yield from (_beyond(table, name, host_names) for name, host_names in beyond.items())
    yield from _clashes(config, holders)


class _Table:
    """What an address may collide with besides containers; made once, asked per container."""

    def __init__(self, config: StackConfig) -> None:
        self.config = config
        fabric = config.fabric
        self.special = {fabric.subnet.first: "network", fabric.subnet.last: "broadcast"}
        if fabric.gateway is not None:
            self.special[int(fabric.gateway)] = "gateway"
        self._reserved = [(int(entry.first), int(entry.last), str(entry)) for entry in fabric.reserved]
        self._slices = sorted((host.slice.first, host.slice.last, name) for name, host in config.hosts.items())
        self._starts = [entry[0] for entry in self._slices]
        self._dynamic = [
            (host.dynamic.first, host.dynamic.last, name)
            for name, host in config.hosts.items()
            if isinstance(host.dynamic, IPNetwork)
        ]

    def reserved(self, value: int) -> str | None:
        return next((text for first, last, text in self._reserved if first <= value <= last), None)

    def dynamic(self, value: int) -> str | None:
        return next((name for first, last, name in self._dynamic if first <= value <= last), None)

    def owner(self, value: int) -> str | None:
        """The host in whose slice the address lies."""
        index = bisect_right(self._starts, value) - 1
        while index >= 0:
            first, last, name = self._slices[index]
            if first <= value <= last:
                return name
            index -= 1
        return None

    def problems(
        self, value: int, name: str, service: ServiceConfig, host_name: str, host: HostConfig
    ) -> Iterator[Problem]:
        """Everything that is wrong with this one container's address."""
        key = _key(service, name, host_name)
        text = _told(service, host_name, value)
        special = self.special.get(value)
        if not host.slice.first <= value <= host.slice.last:
            owner = self.owner(value)
            inside = self.config.fabric.subnet.first <= value <= self.config.fabric.subnet.last
            yield Problem(
                key=key,
                value=text,
                problem=f"it is in the slice of {owner} ({self.config.hosts[owner].slice})"
                if owner
                else f"it is outside the slice of {host_name} ({host.slice})"
                + ("" if inside else f" and outside the subnet {self.config.fabric.subnet}"),
                effect=f"{owner} may give it to another container"
                if owner
                else "no slice keeps it free, so another host may use it"
                if inside
                else "the daemon refuses the container",
                fix=f"write an address of {host.slice}",
            )
        elif value in (host.slice.first, host.slice.last) and special not in ("network", "broadcast"):
            kind = "network" if value == host.slice.first else "broadcast"
            yield Problem(
                key=key,
                value=text,
                problem=f"it is the {kind} address of the slice {host.slice}",
                effect="in mode l3 no container can hold it, and other programs treat it as no host's",
                fix=f"use one of {IPAddress(host.slice.first + 1, 4)} to {IPAddress(host.slice.last - 1, 4)}",
            )
        elif value == own_address(host.slice):
            mode = self.config.fabric.mode
            if mode != "l2":
                yield Problem(
                    key=key,
                    value=text,
                    problem=f"it is the last address of the slice {host.slice}, which Docker holds in mode {mode}",
                    effect='the daemon refuses the container with "Address already in use"',
                    fix=f"use one of {IPAddress(host.slice.first + 1, 4)} to {IPAddress(host.slice.last - 2, 4)}",
                )
            if host.shim:
                yield Problem(
                    key=f"{key} and hosts.{host_name}.shim",
                    value=text,
                    problem=f"it is the last address of the slice {host.slice}, which the shim of {host_name} holds",
                    effect="the container or the shim would not start, since the kernel gives an address once",
                    fix=f"use one of {IPAddress(host.slice.first + 1, 4)} to {IPAddress(host.slice.last - 2, 4)}, "
                    "or switch the shim off",
                )
        if special == "gateway":
            yield Problem(
                key=f"{key} and fabric.gateway",
                value=text,
                problem="the container would hold the gateway's address",
                effect="the daemon refuses it, or all containers of the fabric lose their way out",
                fix="choose another address or offset",
            )
        elif special is not None:
            yield Problem(
                key=key,
                value=text,
                problem=f"it is the {special} address of the subnet {self.config.fabric.subnet}",
                effect="no container can hold it",
                fix="choose another address or offset",
            )
        reserved = self.reserved(value)
        if reserved is not None:
            yield Problem(
                key=f"{key} and fabric.reserved",
                value=text,
                problem=f"it is reserved by {reserved}",
                effect="whatever it is reserved for would clash with the container",
                fix="choose another address or offset, or reserve less",
            )
        dynamic = self.dynamic(value)
        if dynamic is not None:
            yield Problem(
                key=f"{key} and hosts.{dynamic}.dynamic",
                value=text,
                problem=f"it is in the range that Docker may hand out on {dynamic} "
                f"({self.config.hosts[dynamic].dynamic})",
                effect="a foreign container can take the address while this one is stopped",
                fix="choose an address outside the dynamic range, or make that range smaller",
            )


def _key(service: ServiceConfig, name: str, host_name: str) -> str:
    if host_name in service.addresses:
        return f"services.{name}.addresses.{host_name}"
    return f"services.{name}.offset"


def _told(service: ServiceConfig, host_name: str, value: int) -> str:
    if host_name in service.addresses:
        return str(IPAddress(value, 4))
    return f"{service.offset} ({IPAddress(value, 4)} on {host_name})"


def _on(host_names: list[str]) -> str:
    more = len(host_names) - 1
    return host_names[0] + (f" and {more} more host{'' if more == 1 else 's'}" if more else "")


def _missing(name: str, host_names: list[str]) -> Problem:
    return Problem(
        key=f"services.{name}.offset",
        value="",
        problem=f"neither an offset nor an address is given for {_on(host_names)}",
        effect="Docker would choose an address, another one after each recreation",
        fix="run `ipvlan allocate`, which writes the next free offset into the file",
    )


def _beyond(table: _Table, name: str, host_names: list[str]) -> Problem:
    host = table.config.hosts[host_names[0]]
    offset = table.config.services[name].offset or 0
    room = host.slice.size - 2
    value = host.slice.first + offset
    owner = table.owner(value)
    what = "the slice's broadcast address" if value == host.slice.last else "beyond the slice"
    return Problem(
        key=f"services.{name}.offset",
        value=shorten(offset),
        problem=f"it is {what} {host.slice} of {_on(host_names)}, which has "
        + (f"offsets 1 to {room}" if room > 0 else "no room for a container"),
        effect=f"{IPAddress(value, 4)} belongs to {owner}: two containers could hold it"
        if owner not in (None, host_names[0])
        else "there is no such address for the container",
        fix=f"write a smaller offset, a larger slice, or services.{name}.addresses.{host_names[0]}",
    )


def _clashes(config: StackConfig, holders: dict[int, list[tuple[str, str]]]) -> Iterator[Problem]:
    found: dict[str, list[tuple[int, str, str]]] = {}
    for value, held in holders.items():
        name, host_name = held[0]
        for other, other_host in held[1:]:
            key = (
                f"{_key(config.services[name], name, host_name)} and {_key(config.services[other], other, other_host)}"
            )
            found.setdefault(key, []).append((value, f"{name} on {host_name}", f"{other} on {other_host}"))
    for key, clashes in found.items():
        value, one, two = clashes[0]
        more = f" (and so on {len(clashes) - 1} more addresses)" if len(clashes) > 1 else ""
        yield Problem(
            key=key,
            value=str(IPAddress(value, 4)),
            problem=f"{one} and {two} have one address{more}",
            effect="the second container does not start, or both answer and connections break at random",
            fix="give one of them another offset or address",
        )
