"""The type of published ports.

A range is one port with a count, and is never written out: a service may publish all 65,535 of them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Annotated, Final, Literal, TypeGuard, get_args

from netaddr import IPAddress
from pydantic import BeforeValidator, PlainSerializer, WithJsonSchema

from ipvlan.config.types.addresses import parse_address
from ipvlan.config.types.base import fail, json_pattern
from ipvlan.config.types.ipv6 import IPV4_ONLY, IPV6_EFFECT, is_ipv6

Protocol = Literal["tcp", "udp", "sctp"]

PORT: Final = re.compile(
    r"(?:(?P<address>[0-9.]+):)?(?P<host>[0-9]+(?:-[0-9]+)?):(?P<container>[0-9]+(?:-[0-9]+)?)(?:/(?P<kind>[a-z]+))?"
)


MANY: Final = 100
"""Ports of a range that is too long to be written out. One of fewer is, where earlier versions did so and something depends on it:
in the label of a container, whose change replaces it, and in the program's outputs."""


ON_THE_HOST: Final = "on the host itself"
"""Where a port at the host's own loopback is reached."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Port:
    """One published port, or a range of them, as the daemon binds it."""

    container_port: int
    """Where the process in the container listens, 1 to 65535; the first of a range."""
    host_port: int
    """Where clients connect at the host, 1 to 65535; the first of a range."""
    protocol: Protocol = "tcp"
    host_address: IPAddress | None = None
    """The host's address that is bound; None binds every address."""
    count: int = 1
    """How many ports, one after the other on both sides."""

    def __str__(self) -> str:
        address = f"{self.host_address}:" if self.host_address else ""
        protocol = "" if self.protocol == "tcp" else f"/{self.protocol}"
        return f"{address}{self.host_ports}:{self.container_ports}{protocol}"

    @property
    def host_ports(self) -> str:
        """What clients connect to, as people write it: `80` or `8000-8009`."""
        return numbers(self.host_port, self.count)

    @property
    def container_ports(self) -> str:
        """Where the process in the container listens, as people write it: `80` or `8000-8009`."""
        return numbers(self.container_port, self.count)

    @property
    def last_host_port(self) -> int:
        """The last port of the range at the host; the only one of a single port."""
        return self.host_port + self.count - 1

    @property
    def on_loopback(self) -> bool:
        """Whether only the host itself reaches it (127.0.0.0/8, RFC 1122, section 3.2.1.3)."""
        return self.host_address is not None and bool(self.host_address.is_loopback())

    def holds(self, host_port: int) -> bool:
        """Return whether that port of the host is among them."""
        return self.host_port <= host_port <= self.last_host_port

    def shares_address(self, other: Port) -> bool:
        """Return whether the two are bound at a common address of the host; without one, a port is bound at all of them."""
        addresses = self.host_address, other.host_address
        return None in addresses or addresses[0] == addresses[1]

    def part(self, first: int, count: int) -> Port:
        """Return `count` of its ports, from number `first` on, which counts from 0."""
        return replace(self, host_port=self.host_port + first, container_port=self.container_port + first, count=count)

    def singles(self) -> Iterator[Port]:
        """Yield its ports one by one."""
        return (self.part(number, 1) for number in range(self.count))

    def few(self) -> tuple[Port, ...]:
        """Return its ports one by one; of MANY or more, the range as it is."""
        return tuple(self.singles()) if self.count < MANY else (self,)

    def ends(self) -> tuple[Port, ...]:
        """Return its first and its last port; a single port once."""
        return tuple(self.part(number, 1) for number in sorted({0, self.count - 1}))


def url(address: IPAddress, port: str) -> str:
    """Return where a browser finds a tcp port: `http://ADDRESS`, with `:PORT` unless it is 80."""
    return f"http://{address}" + ("" if port == "80" else f":{port}")


def with_urls(ports: Iterable[Port]) -> Iterator[Port]:
    """Yield the tcp ports one by one, since each has a URL; of a range of MANY or more only its ends."""
    for port in ports:
        if port.protocol == "tcp":
            yield from port.singles() if port.count < MANY else port.ends()


def without(ports: Iterable[Port], others: Iterable[Port]) -> Iterator[Port]:
    """Yield what of `ports` is not in `others`: ports, and parts of ranges."""
    others = list(others)
    for port in ports:
        left = [port]
        for other in others:
            left = [part for one in left for part in _without(one, other)]
        yield from left


def _without(port: Port, other: Port) -> Iterator[Port]:
    alike = replace(other, host_port=port.host_port, container_port=port.container_port, count=port.count) == port
    shift = other.host_port - port.host_port
    if not alike or other.container_port - port.container_port != shift:
        yield port
        return
    before, after = min(max(shift, 0), port.count), min(max(shift + other.count, 0), port.count)
    if before:
        yield port.part(0, before)
    if after < port.count:
        yield port.part(max(after, before), port.count - max(after, before))


def numbers(first: int, count: int) -> str:
    """Return ports as people write them: `80`, or `8000-8009`."""
    return str(first) if count == 1 else f"{first}-{first + count - 1}"


def runs(ports: Iterable[int]) -> Iterator[tuple[int, int]]:
    """Yield the first port and the count of each unbroken run of ports, sorted."""
    first, count = 0, 0
    for port in sorted(set(ports)):
        if count and port == first + count:
            count += 1
            continue
        if count:
            yield first, count
        first, count = port, 1
    if count:
        yield first, count


def parse_ports(value: object) -> tuple[Port, ...]:
    """Return the ports of `ports`, each entry `[ADDRESS:]HOST:CONTAINER[/PROTOCOL]` as in `docker run --publish`.

    A range on both sides (`8000-8009:8000-8009`) is one port with a count.
    """
    if not isinstance(value, list | tuple):
        fail(
            "IPF119",
            "this is not a list of ports",
            "the number of ports is unclear",
            'write a list of quoted strings: ports: ["80:80"]',
        )
    return tuple(entry if isinstance(entry, Port) else _parse_entry(entry) for entry in value)


def _parse_entry(entry: object) -> Port:
    if isinstance(entry, dict | list | tuple):
        fail(
            "IPF936",
            f"an entry is a {'mapping, the long form of compose' if isinstance(entry, dict) else 'list'}",
            "ports have one form here, a text, and the daemon would bind none",
            'write the published port and the target as "HOST:CONTAINER", with /udp behind it or "ADDRESS:" before it',
        )
    if not isinstance(entry, str):
        fail(
            "IPF120",
            f"the entry {entry!r} is not a string (YAML may read an unquoted 22:22 as the number 1342)",
            "the daemon would bind another port than the one written",
            'put the entry in quotes: ports: ["22:22"]',
        )
    match = PORT.fullmatch(entry)
    if match is None and _at_ipv6(entry):
        fail(
            "IPF172",
            f"the entry {entry!r} is bound to an IPv6 address",
            IPV6_EFFECT,
            f'{IPV4_ONLY}: write "HOST:CONTAINER", or the host\'s IPv4 address in front of it',
        )
    if match is None:
        fail(
            "IPF121",
            f"the entry {entry!r} is not HOST:CONTAINER",
            "Docker would choose another host port at every start, so no client could know it",
            'write "HOST:CONTAINER", "ADDRESS:HOST:CONTAINER" or either with /udp, as in "8080:80"',
        )
    protocol = match["kind"] or "tcp"
    if not _is_protocol(protocol):
        fail(
            "IPF122",
            f"the protocol {protocol!r} of {entry!r} does not exist",
            "Docker would refuse it",
            "write tcp, udp or sctp",
        )
    address = parse_address(match["address"]) if match["address"] else None
    if address is not None and int(address) == 0:
        address = None
    (host, count), (container, count_inside) = _numbers(match["host"], entry), _numbers(match["container"], entry)
    if count != count_inside:
        fail(
            "IPF123",
            f"the two ranges of {entry!r} have {count} and {count_inside} ports",
            "it is unclear which host port leads to which container port",
            "write two ranges of one length",
        )
    return Port(host_port=host, container_port=container, protocol=protocol, host_address=address, count=count)


def _at_ipv6(entry: str) -> bool:
    """Return whether an entry that is no port is ADDRESS:HOST:CONTAINER with an IPv6 address, in brackets or without."""
    if entry.startswith("["):
        return True
    address, *rest = entry.rsplit(":", 2)
    return (len(rest) == 2 and is_ipv6(address)) or is_ipv6(entry.partition("/")[0])


def _is_protocol(text: str) -> TypeGuard[Protocol]:
    return text in get_args(Protocol)


def _numbers(text: str, entry: str) -> tuple[int, int]:
    """Return the first port and the count of `80` or `8000-8009`."""
    first_text, _, last_text = text.partition("-")
    if len(first_text) > 5 or len(last_text) > 5:
        first, last = 0, 0
    else:
        first, last = int(first_text), int(last_text or first_text)
    if not 1 <= first <= last <= 65535:
        fail(
            "IPF124",
            f"{text} of {entry!r} is not a port",
            "no client could connect to it",
            "write a number from 1 to 65535, or FIRST-LAST",
        )
    return first, last - first + 1


Ports = Annotated[
    tuple[Port, ...],
    BeforeValidator(parse_ports),
    PlainSerializer(lambda ports: [str(port) for port in ports], return_type=list[str]),
    WithJsonSchema(
        {
            "type": "array",
            "items": {"type": "string", "pattern": json_pattern(PORT)},
            "description": '"HOST:CONTAINER" or "ADDRESS:HOST:CONTAINER", with /udp or /sctp',
        }
    ),
]
