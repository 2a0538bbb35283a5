"""The type of network interfaces."""

from __future__ import annotations

import re
from typing import Annotated, Final

from pydantic import BeforeValidator

from ipvlan.config.types.base import fail, need_string, string_schema

LONGEST_INTERFACE: Final = 15
"""Characters: IFNAMSIZ - 1 of the Linux kernel (include/uapi/linux/if.h)."""
PARENT: Final = re.compile(r"(?!lo$)[A-Za-z0-9_][A-Za-z0-9_.-]*")
"""Names that no shell, terminal, unit of systemd, diagram or option of a command reads as something else. The kernel takes more
(dev_valid_name, net/core/dev.c): all but a blank, a slash and a colon."""


def parse_parent(value: object) -> str:
    """Return the name of a network interface: `ens33`, a VLAN on it, `ens33.40`, or any other link of the host, `lan.dmz`."""
    text = need_string(value, "an interface name")
    if len(text) > LONGEST_INTERFACE:
        fail(
            "IPF129",
            f"the interface name has {len(text)} characters, and Linux allows {LONGEST_INTERFACE}",
            "no such interface can exist on the host",
            "write the name that `ip -br link` shows on the host",
        )
    if PARENT.fullmatch(text) is None:
        fail(
            "IPF130",
            "this is the host's own loopback, on which there is nothing but the host"
            if text == "lo"
            else "this is not a name of letters, digits, `_`, `-` and dots that begins with a letter, a digit or `_`",
            "Docker would find no such parent, or what runs on the host would read the name as something else",
            "write the name that `ip -br link` shows on the host, or NAME.VLAN as in ens33.40",
        )
    return text


Parent = Annotated[
    str,
    BeforeValidator(parse_parent),
    string_schema(
        "A link of the host: a NIC, ens33, a VLAN of it, ens33.40, a bridge or bond",
        PARENT,
        maxLength=LONGEST_INTERFACE,
    ),
]
