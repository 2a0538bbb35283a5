"""Mistakes in offsets and addresses of services."""

from __future__ import annotations

from typing import Final

from tools.bad_input.case import BadInput
from tools.reference_setup import REMOVE

ROUTED: Final = {"fabric.mode": "l3", "fabric.gateway": REMOVE}

ADDRESSES: Final = (
    BadInput.of("offset as a string", {"services.nginx.offset": "2"}, ("services.nginx.offset", "IPF138")),
    BadInput.of("negative offset", {"services.nginx.offset": -1}, ("services.nginx.offset", "IPF139")),
    BadInput.of(
        "offset that YAML reads as a fraction", {"services.nginx.offset": 2.5}, ("services.nginx.offset", "IPF138")
    ),
    BadInput.of(
        "offset of the broadcast address of a routed slice",
        {**ROUTED, "services.centos.offset": 255},
        ("services.centos.offset", "IPF504"),
        ("services.centos.offset", "IPF504"),
    ),
    BadInput.of("offset beyond the slice", {"services.nginx.offset": 258}, ("services.nginx.offset", "IPF512")),
    BadInput.of("offset beyond IPv4", {"services.nginx.offset": 2**40}, ("services.nginx.offset", "IPF512")),
    BadInput.of(
        "no offset and no address",
        {"services.nginx.offset": REMOVE},
        ("services.nginx.offset", "IPF511"),
    ),
    BadInput.of(
        "two containers with one address",
        {"services.nginx.offset": 1},
        (
            "services.centos.offset and services.nginx.offset",
            "IPF513",
        ),
    ),
    BadInput.of(
        "one address by offset and by `addresses`",
        {"services.nginx.addresses": {"docker-2": "10.1.2.1"}},
        ("services.centos.offset and services.nginx.addresses.docker-2", "IPF513"),
    ),
    BadInput.of(
        "one address on two hosts",
        {"services.nginx.addresses": {"docker-2": "10.1.1.1"}},
        ("services.nginx.addresses.docker-2", "IPF501"),
        ("services.centos.offset and services.nginx.addresses.docker-2", "IPF513"),
    ),
    BadInput.of(
        "an address in another host's slice",
        {"services.nginx.addresses": {"docker-2": "10.1.1.7"}},
        ("services.nginx.addresses.docker-2", "IPF501"),
    ),
    BadInput.of(
        "an address outside the subnet",
        {"services.nginx.addresses": {"docker-2": "10.9.7.7"}},
        (
            "services.nginx.addresses.docker-2",
            "IPF503",
        ),
    ),
    BadInput.of(
        "network address of a routed slice",
        {**ROUTED, "services.centos.addresses": {"docker-2": "10.1.2.0"}},
        ("services.centos.addresses.docker-2", "IPF504"),
    ),
    BadInput.of(
        "broadcast address of a routed slice",
        {**ROUTED, "services.centos.addresses": {"docker-2": "10.1.2.255"}},
        ("services.centos.addresses.docker-2", "IPF504"),
    ),
    BadInput.of(
        "broadcast address of the subnet",
        {"hosts.docker-2.slice": "10.1.255.0/24", "services.nginx.addresses": {"docker-2": "10.1.255.255"}},
        ("services.nginx.addresses.docker-2", "IPF508"),
    ),
    BadInput.of(
        "a reserved address",
        {"fabric.reserved": ["10.1.1.2"]},
        ("services.nginx.offset and fabric.reserved", "IPF509"),
    ),
    BadInput.of(
        "a reserved range",
        {"fabric.reserved": ["10.1.1.2-10.1.1.9"]},
        ("services.nginx.offset and fabric.reserved", "IPF509"),
    ),
    BadInput.of(
        "a reserved subnet",
        {"fabric.reserved": ["10.1.2.0/31"]},
        ("services.centos.offset and fabric.reserved", "IPF509"),
    ),
    BadInput.of(
        "the address that keeps Docker from assigning others",
        {"hosts.docker-1.dynamic": "none", "services.nginx.offset": 0},
        ("services.nginx.offset and hosts.docker-1.dynamic", "IPF338"),
    ),
    BadInput.of(
        "the address of the shim of another host, in no host's slice",
        {"hosts.docker-1.shim": "10.1.9.9", "services.nginx.addresses": {"docker-2": "10.1.9.9"}},
        ("services.nginx.addresses.docker-2 and hosts.docker-1.shim", "IPF506"),
    ),
    BadInput.of(
        "the address of the shim",
        {"hosts.docker-1.shim": True, "services.nginx.addresses": {"docker-1": "10.1.1.254"}},
        ("services.nginx.addresses.docker-1 and hosts.docker-1.shim", "IPF506"),
    ),
)
