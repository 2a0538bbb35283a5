"""Mistakes in the fabric."""

from __future__ import annotations

from typing import Final

from tools.bad_input.case import BadInput
from tools.reference_setup import REMOVE, host

FABRIC: Final = (
    BadInput.of("no fabric", {"fabric": REMOVE}, ("fabric", "IPF018")),
    BadInput.of("fabric is a list", {"fabric": ["l2"]}, ("fabric", "IPF102")),
    BadInput.of("unknown key", {"fabric.subnett": "10.1.0.0/16"}, ("fabric.subnett", "IPF109")),
    BadInput.of("network name of Docker's own", {"fabric.name": "bridge"}, ("fabric.name", "IPF201")),
    BadInput.of("network name host", {"fabric.name": "host"}, ("fabric.name", "IPF201")),
    BadInput.of("network name none", {"fabric.name": "none"}, ("fabric.name", "IPF201")),
    BadInput.of("network name with a slash", {"fabric.name": "ipvlan/l2"}, ("fabric.name", "IPF127")),
    BadInput.of("network name that is a number", {"fabric.name": 12}, ("fabric.name", "IPF111")),
    BadInput.of(
        "network name that loses the gateway before Docker 28",
        {"fabric.name": "apps"},
        ("fabric.name", "IPF202"),
        warning=True,
    ),
    BadInput.of("a mode that does not exist", {"fabric.mode": "l4"}, ("fabric.mode", "IPF108")),
    BadInput.of("subnet missing", {"fabric.subnet": REMOVE}, ("fabric.subnet", "IPF101")),
    BadInput.of("subnet without a length", {"fabric.subnet": "10.1.0.0"}, ("fabric.subnet", "IPF115")),
    BadInput.of("host bits set in the subnet", {"fabric.subnet": "10.1.0.1/16"}, ("fabric.subnet", "IPF117")),
    BadInput.of("leading zeros", {"fabric.subnet": "10.01.0.0/16"}, ("fabric.subnet", "IPF112")),
    BadInput.of("prefix length beyond 32", {"fabric.subnet": "10.1.0.0/33"}, ("fabric.subnet", "IPF116")),
    BadInput.of("netmask instead of a length", {"fabric.subnet": "10.1.0.0/255.255.0.0"}, ("fabric.subnet", "IPF116")),
    BadInput.of("IPv6 subnet", {"fabric.subnet": "fd00::/64"}, ("fabric.subnet", "IPF114")),
    BadInput.of("IPv6 subnet without a length", {"fabric.subnet": "fd00::"}, ("fabric.subnet", "IPF114")),
    BadInput.of("IPv6 range reserved", {"fabric.reserved": ["fd00::1-fd00::9"]}, ("fabric.reserved[0]", "IPF114")),
    BadInput.of("IPv6 name server", {"fabric.dns": ["fd00::53"]}, ("fabric.dns[0]", "IPF114")),
    BadInput.of(
        "a subnet of each version", {"fabric.subnet": ["10.1.0.0/16", "fd00::/64"]}, ("fabric.subnet", "IPF114")
    ),
    BadInput.of("two subnets", {"fabric.subnet": ["10.1.0.0/16", "10.2.0.0/16"]}, ("fabric.subnet", "IPF170")),
    BadInput.of("a key of IPv6", {"fabric.subnet6": "fd00::/64"}, ("fabric.subnet6", "IPF171")),
    BadInput.of("two gateways", {"fabric.gateway": ["10.1.0.1", "10.2.0.1"]}, ("fabric.gateway", "IPF111")),
    BadInput.of(
        "IPv4-mapped address",
        {"fabric.gateway": "::ffff:10.1.0.1"},
        ("fabric.gateway", "IPF114"),
    ),
    BadInput.of(
        "subnet /0",
        {"fabric.subnet": "0.0.0.0/0"},
        ("fabric.subnet", "IPF205"),
        ("services.nginx.published", "IPF432"),
    ),
    BadInput.of(
        "subnet /32",
        {
            "fabric.subnet": "10.1.1.0/32",
            "fabric.gateway": "10.1.1.0",
            "hosts": {"docker-1": host(1, slice="10.1.1.0/32")},
            "services": {},
        },
        ("fabric.subnet", "IPF208"),
    ),
    BadInput.of(
        "multicast subnet",
        {
            "fabric.subnet": "224.0.0.0/4",
            "fabric.gateway": "224.0.0.1",
            "hosts": {"docker-1": host(1, slice="224.0.1.0/24")},
        },
        ("fabric.subnet", "IPF205"),
    ),
    BadInput.of(
        "subnet that is not private",
        {
            "fabric.subnet": "11.1.0.0/16",
            "fabric.gateway": "11.1.0.1",
            "hosts.docker-1.slice": "11.1.1.0/24",
            "hosts.docker-2.slice": "11.1.2.0/24",
        },
        ("fabric.subnet", "IPF206"),
        warning=True,
    ),
    BadInput.of(
        "subnet that is small",
        {
            "fabric.subnet": "10.1.1.0/28",
            "fabric.gateway": "10.1.1.1",
            "hosts": {"docker-1": host(1, slice="10.1.1.8/29")},
        },
        ("fabric.subnet", "IPF209"),
        warning=True,
    ),
    BadInput.of(
        "subnet of Docker's own bridge",
        {
            "fabric.subnet": "172.17.0.0/16",
            "fabric.gateway": "172.17.0.1",
            "hosts": {"docker-1": host(1, slice="172.17.1.0/24")},
        },
        ("fabric.subnet", "IPF207"),
        warning=True,
    ),
    BadInput.of("gateway missing in l2", {"fabric.gateway": REMOVE}, ("fabric.gateway", "IPF211")),
    BadInput.of("gateway outside the subnet", {"fabric.gateway": "10.2.0.1"}, ("fabric.gateway", "IPF212")),
    BadInput.of(
        "gateway is the network address",
        {"fabric.gateway": "10.1.0.0"},
        ("fabric.gateway", "IPF213"),
    ),
    BadInput.of(
        "gateway is the broadcast address",
        {"fabric.gateway": "10.1.255.255"},
        ("fabric.gateway", "IPF213"),
    ),
    BadInput.of(
        "gateway held by a container",
        {"fabric.gateway": "10.1.1.2"},
        ("services.nginx.offset and fabric.gateway", "IPF507"),
    ),
    BadInput.of("gateway given for l3", {"fabric.mode": "l3"}, ("fabric.gateway", "IPF210")),
    BadInput.of(
        "the address that Docker uses in l3",
        {"fabric.mode": "l3", "fabric.gateway": REMOVE, "services.nginx.offset": 254},
        ("services.nginx.offset", "IPF505"),
        ("services.nginx.offset", "IPF505"),
    ),
    BadInput.of("gateway given for l3s", {"fabric.mode": "l3s"}, ("fabric.gateway", "IPF210")),
    BadInput.of("not an address", {"fabric.gateway": "10.1.0.256"}, ("fabric.gateway", "IPF113")),
    BadInput.of("an address that is a number", {"fabric.gateway": 10.1}, ("fabric.gateway", "IPF111")),
    BadInput.of("short form of an address", {"fabric.gateway": "10.1"}, ("fabric.gateway", "IPF113")),
    BadInput.of(
        "reserved range that ends before it begins",
        {"fabric.reserved": ["10.1.9.9-10.1.9.1"]},
        ("fabric.reserved[0]", "IPF118"),
    ),
    BadInput.of(
        "reserved outside the subnet",
        {"fabric.reserved": ["10.2.0.0/24"]},
        ("fabric.reserved[0]", "IPF203"),
        warning=True,
    ),
    BadInput.of("reserved is one string", {"fabric.reserved": "10.1.9.9"}, ("fabric.reserved", "IPF103")),
    BadInput.of("slice_prefix out of range", {"fabric.slice_prefix": 31}, ("fabric.slice_prefix", "IPF107")),
    BadInput.of("slice_prefix as a string", {"fabric.slice_prefix": "24"}, ("fabric.slice_prefix", "IPF105")),
    BadInput.of(
        "name servers that isolated services cannot reach",
        {"fabric.dns": ["192.168.140.53"]},
        ("fabric.dns", "IPF204"),
        warning=True,
    ),
    BadInput.of("network name of 64 characters", {"fabric.name": "n" * 64}, ("fabric.name", "IPF128")),
)
