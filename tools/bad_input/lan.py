"""Mistakes on the LAN that hosts are on themselves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from tools.bad_input.case import BadInput
from tools.reference_setup import REMOVE

ON_LAN: Final[Mapping[str, Any]] = {
    "fabric.subnet": "192.168.140.0/24",
    "fabric.gateway": "192.168.140.1",
    "fabric.reserved": ["192.168.140.100-192.168.140.149"],
    "hosts.docker-1.slice": "192.168.140.32/28",
    "hosts.docker-2.slice": "192.168.140.48/28",
    "services.nginx.published": REMOVE,
}
"""The changes that put the reference setup on the LAN of its hosts."""

LAN: Final = (
    BadInput.of(
        "the gateway is a host with containers",
        {**ON_LAN, "fabric.gateway": "192.168.140.201"},
        ("fabric.gateway and hosts.docker-2.address", "IPF340"),
    ),
    BadInput.of(
        "one host on the fabric's LAN and one not",
        {**ON_LAN, "hosts.docker-2.address": "192.168.9.201"},
        ("hosts.docker-2.address", "IPF341"),
        warning=True,
    ),
    BadInput.of(
        "nothing of the hosts' LAN is reserved",
        {**ON_LAN, "fabric.reserved": []},
        ("fabric.reserved", "IPF342"),
        warning=True,
    ),
    BadInput.of(
        "a host's own address in a dynamic range",
        {
            **ON_LAN,
            "hosts.docker-1.slice": "192.168.140.192/27",
            "hosts.docker-1.dynamic": "192.168.140.200/29",
        },
        ("hosts.docker-1.dynamic and hosts.docker-1.address", "IPF343"),
        ("hosts.docker-1.dynamic and hosts.docker-2.address", "IPF343"),
    ),
    BadInput.of(
        "a host's own address for its shim",
        {
            **ON_LAN,
            "hosts.docker-1.slice": "192.168.140.192/28",
            "hosts.docker-1.address": "192.168.140.206",
            "hosts.docker-1.shim": True,
        },
        ("hosts.docker-1.shim and hosts.docker-1.address", "IPF336"),
    ),
    BadInput.of(
        "a name server that is the containers' own host",
        {**ON_LAN, "fabric.dns": ["192.168.140.200"]},
        ("fabric.dns", "IPF345"),
        warning=True,
    ),
    BadInput.of(
        "internet for a service that clients of the LAN use",
        {**ON_LAN, "services.nginx.internet": True},
        ("services.nginx.internet", "IPF431"),
        warning=True,
    ),
    BadInput.of(
        "published on the LAN of its clients",
        {**ON_LAN, "services.nginx.published": True},
        ("services.nginx.published", "IPF432"),
    ),
    BadInput.of(
        "a host's own address for a container",
        {**ON_LAN, "hosts.docker-1.slice": "192.168.140.192/28", "services.nginx.offset": 8},
        ("services.nginx.offset and hosts.docker-1.address", "IPF434"),
    ),
)
