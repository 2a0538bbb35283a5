"""Types of addresses, subnets and ranges."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal, NoReturn, TypeAlias

from netaddr import INET_PTON, AddrFormatError, IPAddress, IPNetwork, IPRange, iprange_to_cidrs, spanning_cidr
from pydantic import BeforeValidator, PlainSerializer, PlainValidator, WithJsonSchema

from ipvlan.config.types.base import as_text, fail, json_pattern, need_string, string_schema
from ipvlan.config.types.ipv6 import refuse_ipv6

DOTTED: Final = re.compile(r"[0-9]+(?:\.[0-9]+){3}")
"""Four decimal numbers; whether they are an address is a further question."""
LAST_PART: Final = re.compile(r"[0-9]{1,3}")
LARGEST_PART: Final = 255
WIDTH: Final = 32
"""Bits of an address."""
PREFIX_LENGTH: Final = re.compile(r"0|[1-9][0-9]?")
CIDR: Final = re.compile(rf"{DOTTED.pattern}/(?:{PREFIX_LENGTH.pattern})")
RANGE: Final = re.compile(rf"\s*{DOTTED.pattern}(?:\s*-\s*{DOTTED.pattern})?\s*")
_ENTRY: Final = re.compile(rf"{DOTTED.pattern}(?:/[0-9]+|-{DOTTED.pattern})?")
MOST_SHOWN: Final = 4
"""Values of a text that a message repeats as a list."""
NONE: Final = "none"
"""The value of `dynamic` that leaves Docker nothing to assign."""


def _entries(text: str) -> list[str]:
    """Return the values of a text that has several addresses, subnets or ranges, which a list ought to have; else the text."""
    # Blanks are looked at from the first of them on only: else many of them would be looked at from each one.
    entries = [entry for entry in re.split(r"[\s,;]+", re.sub(r"(?<!\s)\s*-\s*", "-", text.strip())) if entry]
    return entries if len(entries) > 1 and all(_ENTRY.fullmatch(entry) for entry in entries) else [text]


def _address(text: str) -> IPAddress | None:
    """Return the address of a text; None where it is none."""
    try:
        return IPAddress(text.strip(), flags=INET_PTON)
    except (AddrFormatError, ValueError):
        return None


def _bounds(text: str) -> tuple[IPAddress, IPAddress] | None:
    """Return the first and last address of a range; None where the text is no range."""
    first, dash, last = text.partition("-")
    bounds = _address(first), _address(last)
    return (bounds[0], bounds[1]) if dash and bounds[0] is not None and bounds[1] is not None else None


def _no_address(problem: str, fix: str) -> NoReturn:
    """Reject a text that is not one address."""
    fail("IPF113", problem, "no host could be reached at it, and no container could have it", fix)


def parse_address(value: object) -> IPAddress:
    """Return an IPv4 address from four decimal parts without leading zeros."""
    if isinstance(value, IPAddress):
        return value
    text = need_string(value, "an address")
    refuse_ipv6(text)
    if DOTTED.fullmatch(text) and any(len(part) > 1 and part[0] == "0" for part in text.split(".")):
        fail(
            "IPF112",
            "a part of the address has a leading zero",
            "some programs read it as octal and would use another address (010 is 8)",
            "write the parts without leading zeros: " + ".".join(str(int(part)) for part in text.split(".")),
        )
    if len(entries := _entries(text)) > 1:
        _no_address(
            f"these are {len(entries)} values in one text, and one IPv4 address is meant here",
            f"write each address as an entry of its own if this is a list, else one: {entries[0]}",
        )
    try:
        address = IPAddress(text, flags=INET_PTON)
    except (AddrFormatError, ValueError):
        _no_address(
            "this is not an IPv4 address",
            "write four numbers from 0 to 255 with dots, as in 10.1.1.2",
        )
    return address


def _without_length(text: str, *, inside: bool) -> tuple[str, str, str]:
    """Return problem, effect and fix of a text without a slash where a subnet is needed."""
    if (bounds := _bounds(text)) is not None:
        lowest, highest = sorted(bounds)
        largest = max(iprange_to_cidrs(lowest, highest), key=lambda cidr: cidr.size)
        subnet = largest if inside else spanning_cidr([lowest, highest])
        return (
            "this is a range, which is not possible here",
            "Docker takes a subnet",
            f"write a subnet, such as {subnet}",
        )
    address = _address(text)
    example = "as in 10.1.0.0/16" if address is None else f"for example {IPNetwork(f'{address}/24').cidr}"
    problem = "the prefix length is missing"
    return problem, "it would mean one single address instead of a subnet", f"write ADDRESS/LENGTH, {example}"


def parse_network(value: object) -> IPNetwork:
    """Return an IPv4 subnet from CIDR notation with all host bits zero."""
    return _network(value, inside=False)


def _network(value: object, *, inside: bool) -> IPNetwork:
    """Return a subnet; what is suggested instead of a range is a subnet inside of it, or one that has all of it."""
    if isinstance(value, IPNetwork):
        return value
    text = need_string(value, "a subnet")
    refuse_ipv6(text)
    base, slash, prefix = text.partition("/")
    if not slash:
        fail("IPF115", *_without_length(base, inside=inside))
    several = len(entries := _entries(text)) > 1
    if several or not PREFIX_LENGTH.fullmatch(prefix) or int(prefix) > WIDTH:
        fail(
            "IPF116",
            f"these are {len(entries)} values in one text, and one subnet is meant here"
            if several
            else f"the prefix length {prefix!r} is not a number from 0 to {WIDTH}",
            "Docker would refuse the network on every host",
            f"write one subnet: {next(entry for entry in entries if '/' in entry)}"
            if several
            else "write a length such as 16 or 24 after the slash",
        )
    address = parse_address(base)
    network = IPNetwork(f"{address}/{prefix}")
    if network.ip != network.network:
        fail(
            "IPF117",
            f"host bits are set: {address} is an address inside {network.cidr}, not the subnet's own",
            "the subnet or the one address may be meant",
            f"write {network.cidr}",
        )
    return network


def parse_dynamic(value: object) -> IPNetwork | Literal["none"] | None:
    """Return a subnet, the word `none`, or None where the key is left out."""
    if value is None or value == NONE:
        return value
    return _network(value, inside=True)


class AddressRange(IPRange):
    """A range that is shown as the config writes it: as an address, as FIRST-LAST or as a subnet."""

    __slots__ = ("text",)

    def __init__(self, first: IPAddress, last: IPAddress, text: str) -> None:
        """Hold the addresses from `first` to `last`, both included; `text` is what the config says."""
        super().__init__(first, last)
        self.text = text

    def __str__(self) -> str:
        return self.text

    def __reduce__(self) -> tuple[type[AddressRange], tuple[IPAddress, IPAddress, str]]:
        # netaddr's own state has no further fields, so that a copy would be without the text.
        return AddressRange, (IPAddress(self.first, self.version), IPAddress(self.last, self.version), self.text)


def _refuse_several(text: str) -> None:
    """Reject several values in one text, where a list can have them."""
    refuse_ipv6(text)
    if len(entries := _entries(text)) > 1:
        _no_address(
            f"these are {len(entries)} values in one text",
            f"write a list: [{', '.join(entries)}]" if len(entries) <= MOST_SHOWN else "write a list: [FIRST, SECOND]",
        )


def parse_range(value: object) -> AddressRange:
    """Return a range from `10.1.9.9`, `10.1.9.1-10.1.9.20` or `10.1.9.0/24`."""
    if isinstance(value, AddressRange):
        return value
    text = need_string(value, "an address, a range or a subnet").strip()
    _refuse_several(text)
    if "/" in text:
        network = parse_network(text)
        return AddressRange(IPAddress(network.first, network.version), IPAddress(network.last, network.version), text)
    first_text, dash, last_text = (part.strip() for part in text.partition("-"))
    first = parse_address(first_text)
    if LAST_PART.fullmatch(last_text) and int(last_text) <= LARGEST_PART:
        _no_address(
            "the end of the range is not an IPv4 address",
            f"write both addresses in full: {first}-{str(first).rpartition('.')[0]}.{int(last_text)}",
        )
    last = parse_address(last_text) if dash else first
    if last < first:
        fail(
            "IPF118",
            "the range ends before it begins",
            "it would reserve nothing, and containers could get addresses that you meant to keep",
            f"write {last}-{first}",
        )
    return AddressRange(first, last, text)


SliceEntry: TypeAlias = IPNetwork | AddressRange
"""A part of a slice: a subnet, or a range, which may be one address."""


def parse_slice_entry(value: object) -> SliceEntry:
    """Return a part of a slice from `10.1.1.0/24`, `10.1.1.50-10.1.1.59` or `10.1.1.53`."""
    if isinstance(value, IPNetwork | AddressRange):
        return value
    text = need_string(value, "a slice").strip()
    _refuse_several(text)
    return parse_network(text) if "/" in text else parse_range(text)


def parse_slice(value: object) -> tuple[object, ...]:
    """Return the entries of a slice, which may be one without a list, or none; those of a list are parsed one by one."""
    if value is None:
        return ()
    if isinstance(value, list | tuple):
        return tuple(value)
    return (parse_slice_entry(value),)


def written_slice(entries: tuple[SliceEntry, ...]) -> str | list[str]:
    """Return a slice as the config writes it."""
    return str(entries[0]) if len(entries) == 1 else [str(entry) for entry in entries]


def parse_shim(value: object) -> IPAddress | bool:
    """Return the address of a shim; True for one that the plan chooses, and False for no shim."""
    if isinstance(value, bool | IPAddress):
        return value
    if not isinstance(value, str):
        fail(
            "IPF337",
            "this is neither true nor false nor an address",
            "the host's own link on the fabric would have no address",
            "write true, false, or an address of the fabric in quotes",
        )
    return parse_address(value)


def parse_offset(value: object) -> int:
    """Return the offset of an address in a slice; 0 is the slice's first address."""
    if isinstance(value, bool) or not isinstance(value, int):
        fail(
            "IPF138",
            "an offset is a whole number, and this is not",
            "no address can be computed from it",
            "write a number without quotes: offset 2 is the slice's address + 2",
        )
    if value < 0:
        fail(
            "IPF139",
            "offsets begin at 0",
            "the address would be before the slice's first one",
            "write a number from 0 on, or leave it out and run `ipvlan allocate`",
        )
    return value


Address = Annotated[
    IPAddress, BeforeValidator(parse_address), as_text, string_schema("An IPv4 address: 10.1.1.2", DOTTED)
]
Network = Annotated[
    IPNetwork, BeforeValidator(parse_network), as_text, string_schema("An IPv4 subnet: 10.1.0.0/16", CIDR)
]
Dynamic = Annotated[
    IPNetwork | Literal["none"] | None,
    PlainValidator(parse_dynamic),
    PlainSerializer(lambda value: None if value is None else str(value), return_type=str | None),
    string_schema("A part of the slice: 10.1.1.128/25, or none", CIDR, re.compile(NONE)),
]
Reserved = Annotated[
    AddressRange,
    BeforeValidator(parse_range),
    as_text,
    string_schema("An address, a range FIRST-LAST or a subnet", RANGE, CIDR),
]
_SLICE_ENTRY_SCHEMA: Final[Mapping[str, Any]] = {
    "type": "string",
    "pattern": json_pattern(CIDR, RANGE),
    "description": "A subnet, a range FIRST-LAST or an address: 10.1.1.0/24",
}
Slice = Annotated[
    tuple[Annotated[SliceEntry, PlainValidator(parse_slice_entry)], ...],
    BeforeValidator(parse_slice),
    PlainSerializer(written_slice, return_type=str | list[str]),
    WithJsonSchema(
        {
            "anyOf": [dict(_SLICE_ENTRY_SCHEMA), {"type": "array", "items": dict(_SLICE_ENTRY_SCHEMA)}],
            "description": "A subnet, a range FIRST-LAST, an address, or a list of them",
        }
    ),
]
Shim = Annotated[
    IPAddress | bool,
    PlainValidator(parse_shim),
    PlainSerializer(lambda value: value if isinstance(value, bool) else str(value), return_type=bool | str),
    WithJsonSchema(
        {
            "anyOf": [{"type": "boolean"}, {"type": "string", "pattern": json_pattern(DOTTED)}],
            "description": "true, false or an address of the fabric: 10.1.0.9",
        }
    ),
]
Offset = Annotated[int, BeforeValidator(parse_offset)]
