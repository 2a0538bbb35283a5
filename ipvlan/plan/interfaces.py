"""What Docker makes of a parent that does not exist on a host. Imports nothing that is slow to load."""

from __future__ import annotations

import re
from typing import Final

HIGHEST_VLAN: Final = 4094
"""IEEE 802.1Q: 0 and 4095 are reserved."""

_VLAN: Final = re.compile(r"(?P<link>[^.]+)\.(?P<id>[1-9][0-9]{0,3})")


def vlan_link(parent: str) -> str | None:
    """Return the link on which Docker creates the VLAN of that name where no link has it; None where it creates none.

    It takes exactly one dot, and ids from 1 to 4094 (moby, drivers/ipvlan, parseVlan and createVlanLink). Without
    leading zeros here, though Docker reads them as a number: `eth0.0040` is a name that the host's operator gave.
    """
    match = _VLAN.fullmatch(parent)
    return match["link"] if match is not None and int(match["id"]) <= HIGHEST_VLAN else None
