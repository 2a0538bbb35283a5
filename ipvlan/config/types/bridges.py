"""Types of a bridge network of the stack: its subnet, and how a service names the bridges that it is connected to.

Out of scope: what two keys of a bridge, or a bridge and a service, must agree on (`ipvlan.plan.rules.bridges`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Final

from netaddr import IPNetwork
from pydantic import BeforeValidator

from ipvlan.config.types.addresses import CIDR, parse_network
from ipvlan.config.types.base import as_text, fail, need_string, string_schema
from ipvlan.config.types.docker import SERVICE_NAME
from ipvlan.config.types.ipv6 import refuse_ipv6
from ipvlan.config.types.lists import AlsoAllows

SHORTEST_PREFIX: Final = 8
"""A block that is larger than a /8 has addresses that are no host's."""
LONGEST_PREFIX: Final = 30
"""A /30 has room for Docker's own address and one container; of a /31 Docker gives both away (moby, ipam in libnetwork)."""


def parse_bridge_name(value: object) -> str:
    """Return the name of a network in Docker; the rules of the plan check it, since the key is one too."""
    return need_string(value, "the name of a network")


def parse_bridge_subnet(value: object) -> IPNetwork:
    """Return a subnet that has room for a gateway and a container, from CIDR notation with all host bits zero."""
    if isinstance(value, str):
        refuse_ipv6(value, on_a_bridge=True)
    network = parse_network(value)
    if not SHORTEST_PREFIX <= network.prefixlen <= LONGEST_PREFIX:
        fail(
            "IPF233",
            f"a /{network.prefixlen} is not the size of a bridge's subnet",
            "Docker would refuse the bridge, or no container would have room on it"
            if network.prefixlen > LONGEST_PREFIX
            else "the host would look for addresses of others on the bridge",
            f"write a subnet from /{SHORTEST_PREFIX} to /{LONGEST_PREFIX}: 172.30.5.0/24",
        )
    return network


def parse_endpoints(value: object) -> object:
    """Return the bridges of a service as a mapping of keys; a list of keys has no more to say, and so has an empty entry."""
    if isinstance(value, list | tuple):
        keys: dict[str, object] = {}
        for number, entry in enumerate(value):
            key = need_string(entry, f"entry {number + 1} of the list, the key of a bridge,")
            if key in keys:
                fail(
                    "IPF241",
                    f"entry {number + 1} of the list is the same bridge as an earlier one",
                    "a container is connected to a network once",
                    "remove one of them",
                )
            keys[key] = {}
        return keys
    if isinstance(value, Mapping):
        return {key: {} if entry is None else entry for key, entry in value.items()}
    return value


BridgeName = Annotated[
    str, BeforeValidator(parse_bridge_name), string_schema("A name that Docker accepts for a network", SERVICE_NAME)
]
BridgeSubnet = Annotated[
    IPNetwork,
    BeforeValidator(parse_bridge_subnet),
    as_text,
    string_schema("An IPv4 subnet, /8 to /30: 172.30.5.0/24", CIDR),
]
A_LIST_OF_KEYS: Final = AlsoAllows((("type", "array"), ("items", {"type": "string"}), ("uniqueItems", True)))
OR_NOTHING: Final = AlsoAllows((("type", "null"),))
