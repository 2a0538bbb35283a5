"""What is IPv6 in a stack file: values and keys that are refused with that reason, and not with a guess.

The fabric is IPv4 only for now. What a container does inside (`sysctls`, `environment`) and an ssh target are not concerned.
"""

from __future__ import annotations

import re
from typing import Final

from ipvlan.config.types.base import fail

IPV4_ONLY: Final = "IPv4 only for now"
IPV6_EFFECT: Final = "the fabric's subnet is IPv4, so nothing on it could reach this address"
_OF_FABRIC: Final = (IPV6_EFFECT, "write IPv4, as in 10.1.1.2 or 10.1.0.0/16")
_OF_BRIDGE: Final = (
    "a bridge is IPv4, so no container on it would get this subnet's address",
    "remove subnet, so that Docker chooses one, or write one such as 172.30.5.0/24",
)
"""What it costs, and what to write."""

_VALUE: Final = re.compile(
    r"\[?[0-9A-Fa-f:]*:[0-9A-Fa-f:]*(?:[0-9]+(?:\.[0-9]+){3})?\]?(?:%[A-Za-z0-9_.-]+)?\]?(?:/[0-9]*)?"
)
"""Hexadecimal digits and colons, with what may be around them: brackets, a zone, a prefix length, an IPv4 address at the end."""
_KEY: Final = re.compile(
    r"(?:ip|inet|addr|address|addresses|subnet|gateway|gw|cidr|slice|range|dynamic|reserved|pool|prefix|network|route|dns|egress|"
    r"fabric|shim|nat|ra|radv|dhcp|[_-]v|v)s?[_-]?v?6(?![0-9])",
    re.IGNORECASE,
)
"""A word of addressing with a 6 after it: ipv6, subnet6, gateway_v6, enable_ip6tables, fixed-cidr-v6."""


def is_ipv6(text: str) -> bool:
    """Return whether somebody meant an IPv6 address or subnet by the text; it need not be a right one.

    A hardware address and a time of day have colons too: IPv6 has `::`, or eight groups, or six and an IPv4 address.
    """
    colons = text.count(":")
    return ("::" in text or colons >= 7 or (colons == 6 and "." in text)) and _VALUE.fullmatch(text.strip()) is not None


def is_ipv6_key(key: str) -> bool:
    """Return whether a key names something of IPv6."""
    return _KEY.search(key) is not None


def refuse_ipv6(text: str, *, on_a_bridge: bool = False) -> None:
    """Reject the text where it is an IPv6 address, subnet, or a range of such addresses; of a bridge, or of the fabric."""
    effect, fix = _OF_BRIDGE if on_a_bridge else _OF_FABRIC
    for part in text.split("-"):
        if is_ipv6(part):
            mapped = re.fullmatch(r"::ffff:([0-9]+(?:\.[0-9]+){3})", part.strip(), re.IGNORECASE)
            fail(
                "IPF114",
                "this is an IPv6 address that maps an IPv4 address" if mapped else "this is IPv6",
                effect,
                f"{IPV4_ONLY}: " + (f"write {mapped[1]}" if mapped and not on_a_bridge else fix),
            )
