"""The type of network interfaces."""

from __future__ import annotations

import re
from typing import Annotated, Final

from pydantic import BeforeValidator

from ipvlan.config.types.base import fail, need_string, string_schema

LONGEST_INTERFACE: Final = 15
"""Characters: IFNAMSIZ - 1 of the Linux kernel (include/uapi/linux/if.h)."""
PARENT: Final = re.compile(r"[^\s/.:\x00-\x1f\x7f]+(?:\.(?P<vlan>[0-9]+))?")


def parse_parent(value: object) -> str:
    """Return the name of a network interface, `ens33`, or of a VLAN on it, `ens33.40`."""
    text = need_string(value, "an interface name")
    if len(text) > LONGEST_INTERFACE:
        fail(
            "IPF129",
            f"the interface name has {len(text)} characters, and Linux allows {LONGEST_INTERFACE}",
            "no such interface can exist on the host",
            "write the name that `ip -br link` shows on the host",
        )
    match = PARENT.fullmatch(text)
    if match is None or not text.isascii():
        fail(
            "IPF130",
            "this is not the name of a network interface",
            "Docker would not find the parent, or would create an isolated dummy interface instead",
            "write the name that `ip -br link` shows on the host, or NAME.VLAN as in ens33.40",
        )
    if match["vlan"] and (match["vlan"].startswith("0") or not 1 <= int(match["vlan"]) <= 4094):
        fail(
            "IPF131",
            f"the VLAN id {match['vlan']} is not a number from 1 to 4094",
            "the kernel would refuse the VLAN interface (IEEE 802.1Q: 0 and 4095 are reserved)",
            "write PARENT.ID with an id from 1 to 4094",
        )
    return text


Parent = Annotated[
    str,
    BeforeValidator(parse_parent),
    string_schema("A NIC, ens33, or a VLAN of it, ens33.40", PARENT, maxLength=LONGEST_INTERFACE),
]
