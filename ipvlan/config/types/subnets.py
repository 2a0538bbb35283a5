"""The type of the fabric's subnet: one, of IPv4."""

from __future__ import annotations

from typing import Annotated

from netaddr import IPNetwork
from pydantic import BeforeValidator

from ipvlan.config.types.addresses import CIDR, parse_network
from ipvlan.config.types.base import as_text, fail, string_schema
from ipvlan.config.types.ipv6 import refuse_ipv6


def parse_subnet(value: object) -> IPNetwork:
    """Return the one subnet of a fabric; a list is rejected with what to do instead."""
    if isinstance(value, list | tuple):
        for entry in value:
            if isinstance(entry, str):
                refuse_ipv6(entry)
        fail(
            "IPF170",
            f"this is a list of {len(value)}, and one fabric has one subnet",
            "an ipvlan network takes its parent for itself, so a second subnet cannot share it",
            "write one subnet, not as a list; another one is a second stack, whose parent is a VLAN of the NIC (ens33.40) or a "
            "second NIC",
        )
    return parse_network(value)


Subnet = Annotated[
    IPNetwork, BeforeValidator(parse_subnet), as_text, string_schema("An IPv4 subnet: 10.1.0.0/16", CIDR)
]
