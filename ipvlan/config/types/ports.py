"""The type of published ports."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Annotated, Final, Literal, TypeGuard, get_args

from netaddr import IPAddress
from pydantic import BeforeValidator, PlainSerializer, WithJsonSchema

from ipvlan.config.types.addresses import parse_address
from ipvlan.config.types.base import fail, json_pattern

Protocol = Literal["tcp", "udp", "sctp"]

PORT: Final = re.compile(
    r"(?:(?P<address>[0-9.]+):)?(?P<host>[0-9]+(?:-[0-9]+)?):(?P<container>[0-9]+(?:-[0-9]+)?)(?:/(?P<kind>[a-z]+))?"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Port:
    """One published port, as the daemon binds it."""

    container_port: int
    """Where the process in the container listens, 1 to 65535."""
    host_port: int
    """Where clients connect at the host, 1 to 65535."""
    protocol: Protocol = "tcp"
    host_address: IPAddress | None = None
    """The host's address that is bound; None binds every address."""

    def __str__(self) -> str:
        address = f"{self.host_address}:" if self.host_address else ""
        protocol = "" if self.protocol == "tcp" else f"/{self.protocol}"
        return f"{address}{self.host_port}:{self.container_port}{protocol}"


def parse_ports(value: object) -> tuple[Port, ...]:
    """Return the ports of `ports`, each entry `[ADDRESS:]HOST:CONTAINER[/PROTOCOL]` as in `docker run --publish`.

    A range on both sides (`8000-8009:8000-8009`) becomes one port per number.
    """
    if not isinstance(value, list | tuple):
        fail(
            "IPF119",
            "this is not a list of ports",
            "the number of ports is unclear",
            'write a list of quoted strings: ports: ["80:80"]',
        )
    return tuple(port for entry in value for port in ([entry] if isinstance(entry, Port) else _parse_entry(entry)))


def _parse_entry(entry: object) -> list[Port]:
    if not isinstance(entry, str):
        fail(
            "IPF120",
            f"the entry {entry!r} is not a string (YAML may read an unquoted 22:22 as the number 1342)",
            "the daemon would bind another port than the one written",
            'put the entry in quotes: ports: ["22:22"]',
        )
    match = PORT.fullmatch(entry)
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
    host, container = _numbers(match["host"], entry), _numbers(match["container"], entry)
    if len(host) != len(container):
        fail(
            "IPF123",
            f"the two ranges of {entry!r} have {len(host)} and {len(container)} ports",
            "it is unclear which host port leads to which container port",
            "write two ranges of one length",
        )
    return [
        Port(host_port=outer, container_port=inner, protocol=protocol, host_address=address)
        for outer, inner in zip(host, container, strict=True)
    ]


def _is_protocol(text: str) -> TypeGuard[Protocol]:
    return text in get_args(Protocol)


def _numbers(text: str, entry: str) -> range:
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
    return range(first, last + 1)


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
