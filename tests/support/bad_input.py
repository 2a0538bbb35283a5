"""Every bad input the config is known to meet, and the keys its message must name.

One table for the tests and for docs/bad-input.md, which is printed from it (`make docs`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tests.support.reference import REMOVE, host, image


@dataclass(frozen=True)
class Bad:
    """One bad input."""

    title: str
    """What is bad about it, as the documentation calls it."""
    changes: Mapping[str, Any]
    """Key path in the reference setup's config -> value put there."""
    found: tuple[tuple[str, str], ...]
    """Key and the beginning of what is wrong, of each problem; exactly these must be found."""
    warning: bool = False
    yaml: str | None = None
    """A whole file instead of changes to the reference setup."""


def bad(title: str, changes: Mapping[str, Any], *found: tuple[str, str], warning: bool = False) -> Bad:
    """A bad input made by changing the reference setup."""
    return Bad(title, changes, found, warning)


CASES: tuple[Bad, ...] = (
    # fabric
    bad("no fabric", {"fabric": REMOVE}, ("fabric", "IPF018")),
    bad("fabric is a list", {"fabric": ["l2"]}, ("fabric", "IPF102")),
    bad("unknown key", {"fabric.subnett": "10.1.0.0/16"}, ("fabric.subnett", "IPF109")),
    bad("network name of Docker's own", {"fabric.name": "bridge"}, ("fabric.name", "IPF201")),
    bad("network name host", {"fabric.name": "host"}, ("fabric.name", "IPF201")),
    bad("network name none", {"fabric.name": "none"}, ("fabric.name", "IPF201")),
    bad("network name with a slash", {"fabric.name": "ipvlan/l2"}, ("fabric.name", "IPF127")),
    bad("network name that is a number", {"fabric.name": 12}, ("fabric.name", "IPF111")),
    bad(
        "network name that loses the gateway before Docker 28",
        {"fabric.name": "apps"},
        ("fabric.name", "IPF202"),
        warning=True,
    ),
    bad("a mode that does not exist", {"fabric.mode": "l4"}, ("fabric.mode", "IPF108")),
    bad("subnet missing", {"fabric.subnet": REMOVE}, ("fabric.subnet", "IPF101")),
    bad("subnet without a length", {"fabric.subnet": "10.1.0.0"}, ("fabric.subnet", "IPF115")),
    bad("host bits set in the subnet", {"fabric.subnet": "10.1.0.1/16"}, ("fabric.subnet", "IPF117")),
    bad("leading zeros", {"fabric.subnet": "10.01.0.0/16"}, ("fabric.subnet", "IPF112")),
    bad("prefix length beyond 32", {"fabric.subnet": "10.1.0.0/33"}, ("fabric.subnet", "IPF116")),
    bad("netmask instead of a length", {"fabric.subnet": "10.1.0.0/255.255.0.0"}, ("fabric.subnet", "IPF116")),
    bad("IPv6 subnet", {"fabric.subnet": "fd00::/64"}, ("fabric.subnet", "IPF114")),
    bad(
        "IPv4-mapped address",
        {"fabric.gateway": "::ffff:10.1.0.1"},
        ("fabric.gateway", "IPF114"),
    ),
    bad(
        "subnet /0",
        {"fabric.subnet": "0.0.0.0/0"},
        ("fabric.subnet", "IPF205"),
        ("hosts.docker-1.address", "IPF304"),
        ("hosts.docker-2.address", "IPF304"),
    ),
    bad(
        "subnet /31",
        {
            "fabric.subnet": "10.1.1.0/31",
            "fabric.gateway": "10.1.1.0",
            "hosts": {"docker-1": host(1, slice="10.1.1.0/31")},
            "services": {},
        },
        ("fabric.subnet", "IPF208"),
        ("hosts.docker-1.slice", "IPF303"),
    ),
    bad(
        "subnet /32",
        {
            "fabric.subnet": "10.1.1.0/32",
            "fabric.gateway": "10.1.1.0",
            "hosts": {"docker-1": host(1, slice="10.1.1.0/32")},
            "services": {},
        },
        ("fabric.subnet", "IPF208"),
        ("hosts.docker-1.slice", "IPF303"),
    ),
    bad(
        "multicast subnet",
        {
            "fabric.subnet": "224.0.0.0/4",
            "fabric.gateway": "224.0.0.1",
            "hosts": {"docker-1": host(1, slice="224.0.1.0/24")},
        },
        ("fabric.subnet", "IPF205"),
    ),
    bad(
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
    bad(
        "subnet that is small",
        {
            "fabric.subnet": "10.1.1.0/28",
            "fabric.gateway": "10.1.1.1",
            "hosts": {"docker-1": host(1, slice="10.1.1.8/29")},
        },
        ("fabric.subnet", "IPF209"),
        warning=True,
    ),
    bad(
        "subnet of Docker's own bridge",
        {
            "fabric.subnet": "172.17.0.0/16",
            "fabric.gateway": "172.17.0.1",
            "hosts": {"docker-1": host(1, slice="172.17.1.0/24")},
        },
        ("fabric.subnet", "IPF207"),
        warning=True,
    ),
    bad("gateway missing in l2", {"fabric.gateway": REMOVE}, ("fabric.gateway", "IPF211")),
    bad("gateway outside the subnet", {"fabric.gateway": "10.2.0.1"}, ("fabric.gateway", "IPF212")),
    bad(
        "gateway is the network address",
        {"fabric.gateway": "10.1.0.0"},
        ("fabric.gateway", "IPF213"),
    ),
    bad(
        "gateway is the broadcast address",
        {"fabric.gateway": "10.1.255.255"},
        ("fabric.gateway", "IPF213"),
    ),
    bad(
        "gateway held by a container",
        {"fabric.gateway": "10.1.1.2"},
        ("services.nginx.offset and fabric.gateway", "IPF507"),
    ),
    bad("gateway given for l3", {"fabric.mode": "l3"}, ("fabric.gateway", "IPF210")),
    bad(
        "the address that Docker holds in l3",
        {"fabric.mode": "l3", "fabric.gateway": REMOVE, "services.nginx.offset": 254},
        ("services.nginx.offset", "IPF505"),
        ("services.nginx.offset", "IPF505"),
    ),
    bad("gateway given for l3s", {"fabric.mode": "l3s"}, ("fabric.gateway", "IPF210")),
    bad("not an address", {"fabric.gateway": "10.1.0.256"}, ("fabric.gateway", "IPF113")),
    bad("an address that is a number", {"fabric.gateway": 10.1}, ("fabric.gateway", "IPF111")),
    bad("short form of an address", {"fabric.gateway": "10.1"}, ("fabric.gateway", "IPF113")),
    bad(
        "reserved range that ends before it begins",
        {"fabric.reserved": ["10.1.9.9-10.1.9.1"]},
        ("fabric.reserved[0]", "IPF118"),
    ),
    bad(
        "reserved outside the subnet",
        {"fabric.reserved": ["10.2.0.0/24"]},
        ("fabric.reserved[0]", "IPF203"),
        warning=True,
    ),
    bad("reserved is one text", {"fabric.reserved": "10.1.9.9"}, ("fabric.reserved", "IPF103")),
    bad("slice_prefix out of range", {"fabric.slice_prefix": 31}, ("fabric.slice_prefix", "IPF107")),
    bad("slice_prefix as text", {"fabric.slice_prefix": "24"}, ("fabric.slice_prefix", "IPF105")),
    # hosts
    bad("no hosts", {"hosts": REMOVE}, ("hosts", "IPF019")),
    bad("hosts is empty", {"hosts": {}}, ("hosts", "IPF301")),
    bad("hosts is a list", {"hosts": [host(1)]}, ("hosts", "IPF019")),
    bad("nothing below a host's name", {"hosts.docker-3": None}, ("hosts.docker-3", "IPF021")),
    bad("host name Docker and Pulumi refuse", {"hosts.döcker": host(3)}, ("hosts.döcker", "IPF020")),
    bad("host name of 4 KB", {"hosts." + "h" * 4096: host(3)}, ("hosts.hhh", "IPF020")),
    bad("address missing", {"hosts.docker-1.address": REMOVE}, ("hosts.docker-1.address", "IPF101")),
    bad("parent missing", {"hosts.docker-1.parent": REMOVE}, ("hosts.docker-1.parent", "IPF101")),
    bad("slice missing", {"hosts.docker-1.slice": REMOVE}, ("hosts.docker-1.slice", "IPF101")),
    bad(
        "slices overlap",
        {"hosts.docker-2.slice": "10.1.0.0/22", "services": {}},
        ("hosts.docker-2.slice and hosts.docker-1.slice", "IPF312"),
    ),
    bad(
        "one slice for two hosts",
        {"hosts.docker-2.slice": "10.1.1.0/24", "services": {}},
        ("hosts.docker-1.slice and hosts.docker-2.slice", "IPF312"),
    ),
    bad(
        "slice outside the subnet",
        {"hosts.docker-2.slice": "10.2.2.0/24", "services": {}},
        ("hosts.docker-2.slice", "IPF302"),
    ),
    bad(
        "slice larger than the subnet",
        {"hosts": {"docker-1": host(1, slice="10.0.0.0/8")}, "services": {}},
        ("hosts.docker-1.slice", "IPF302"),
    ),
    bad(
        "host bits set in a slice",
        {"hosts.docker-1.slice": "10.1.1.1/24"},
        ("hosts.docker-1.slice", "IPF117"),
    ),
    bad(
        "slice /31",
        {"hosts.docker-1.slice": "10.1.1.0/31", "services": {}},
        ("hosts.docker-1.slice", "IPF303"),
    ),
    bad(
        "host's own address inside the fabric",
        {"hosts.docker-1.address": "10.1.7.7"},
        ("hosts.docker-1.address", "IPF304"),
    ),
    bad(
        "host's address is loopback",
        {"hosts.docker-1.address": "127.0.0.1"},
        ("hosts.docker-1.address", "IPF305"),
    ),
    bad(
        "hosts that share an address",
        {"hosts.docker-2.address": "192.168.140.200"},
        ("hosts.docker-1.address and hosts.docker-2.address", "IPF313"),
    ),
    bad(
        "two parents on one host",
        {"hosts.docker-2.address": "192.168.140.200", "hosts.docker-2.parent": "ens34"},
        ("hosts.docker-1.address and hosts.docker-2.address", "IPF313"),
    ),
    bad(
        "hosts reached at one ssh destination",
        {"hosts.docker-2.ssh": "root@192.168.140.200"},
        ("hosts.docker-1.ssh and hosts.docker-2.ssh", "IPF314"),
    ),
    bad(
        "ssh destination with an option",
        {"hosts.docker-1.ssh": "-oProxyCommand=x"},
        ("hosts.docker-1.ssh", "IPF125"),
    ),
    bad("ssh port out of range", {"hosts.docker-1.ssh": "root@h:70000"}, ("hosts.docker-1.ssh", "IPF125")),
    bad("host key that is none", {"hosts.docker-1.host_key": "SHA256:abc"}, ("hosts.docker-1.host_key", "IPF126")),
    bad(
        "interface name too long",
        {"hosts.docker-1.parent": "enp0s31f6nic0001"},
        ("hosts.docker-1.parent", "IPF129"),
    ),
    bad(
        "interface name with a slash",
        {"hosts.docker-1.parent": "ens/33"},
        ("hosts.docker-1.parent", "IPF130"),
    ),
    bad("VLAN id out of range", {"hosts.docker-1.parent": "ens33.4095"}, ("hosts.docker-1.parent", "IPF131")),
    bad(
        "dynamic range outside the slice",
        {"hosts.docker-1.dynamic": "10.1.2.128/25"},
        ("hosts.docker-1.dynamic", "IPF306"),
    ),
    bad(
        "container in the dynamic range",
        {"hosts.docker-1.dynamic": "10.1.1.0/30"},
        ("services.centos.offset and hosts.docker-1.dynamic", "IPF510"),
        ("services.nginx.offset and hosts.docker-1.dynamic", "IPF510"),
    ),
    bad(
        "reserved address in the dynamic range",
        {"hosts.docker-1.dynamic": "10.1.1.128/25", "fabric.reserved": ["10.1.1.200"]},
        ("hosts.docker-1.dynamic and fabric.reserved[0]", "IPF307"),
    ),
    # services
    bad("no services", {"services": REMOVE}, ("services", "IPF019")),
    bad("services is a list", {"services": [image()]}, ("services", "IPF019")),
    bad("image missing", {"services.nginx.image": REMOVE}, ("services.nginx.image", "IPF101")),
    bad("image in upper case", {"services.nginx.image": "Nginx"}, ("services.nginx.image", "IPF132")),
    bad(
        "image by tag",
        {"services.nginx.image": "registry/nginx:1.27"},
        ("services.nginx.image", "IPF405"),
        warning=True,
    ),
    bad(
        "image without tag",
        {"services.nginx.image": "nginx"},
        ("services.nginx.image", "IPF405"),
        warning=True,
    ),
    bad("misspelt key", {"services.nginx.publish": True}, ("services.nginx.publish", "IPF109")),
    bad(
        "service name with a space",
        {"services.my app": {**image(), "offset": 9}},
        ("services.my app", "IPF020"),
    ),
    bad("service name of one letter", {"services.a": {**image(), "offset": 9}}, ("services.a", "IPF020")),
    bad(
        "unicode service name",
        {"services.dienst-ä": {**image(), "offset": 9}},
        ("services.dienst-ä", "IPF020"),
    ),
    bad(
        "service name of 4 KB",
        {"services." + "s" * 4096: {**image(), "offset": 9}},
        ("services.sss", "IPF020"),
    ),
    bad(
        "container name Docker refuses",
        {"services.nginx.container_name": "-x"},
        ("services.nginx.container_name", "IPF127"),
    ),
    bad(
        "command as one text",
        {"services.centos.command": "/usr/sbin/init"},
        ("services.centos.command", "IPF133"),
    ),
    bad("offset as text", {"services.nginx.offset": "2"}, ("services.nginx.offset", "IPF138")),
    bad("offset 0", {"services.nginx.offset": 0}, ("services.nginx.offset", "IPF139")),
    bad("negative offset", {"services.nginx.offset": -1}, ("services.nginx.offset", "IPF139")),
    bad("offset that YAML made a fraction", {"services.nginx.offset": 2.5}, ("services.nginx.offset", "IPF138")),
    bad(
        "offset is the broadcast address",
        {"services.nginx.offset": 255},
        ("services.nginx.offset", "IPF512"),
    ),
    bad("offset beyond the slice", {"services.nginx.offset": 258}, ("services.nginx.offset", "IPF512")),
    bad("offset beyond IPv4", {"services.nginx.offset": 2**40}, ("services.nginx.offset", "IPF512")),
    bad(
        "no offset and no address",
        {"services.nginx.offset": REMOVE},
        ("services.nginx.offset", "IPF511"),
    ),
    bad(
        "two containers with one address",
        {"services.nginx.offset": 1},
        (
            "services.centos.offset and services.nginx.offset",
            "IPF513",
        ),
    ),
    bad(
        "one address by offset and by `addresses`",
        {"services.nginx.addresses": {"docker-2": "10.1.2.1"}},
        ("services.centos.offset and services.nginx.addresses.docker-2", "IPF513"),
    ),
    bad(
        "one address on two hosts",
        {"services.nginx.addresses": {"docker-2": "10.1.1.1"}},
        ("services.nginx.addresses.docker-2", "IPF501"),
        ("services.centos.offset and services.nginx.addresses.docker-2", "IPF513"),
    ),
    bad(
        "an address in another host's slice",
        {"services.nginx.addresses": {"docker-2": "10.1.1.7"}},
        ("services.nginx.addresses.docker-2", "IPF501"),
    ),
    bad(
        "an address in nobody's slice",
        {"services.nginx.addresses": {"docker-2": "10.1.7.7"}},
        ("services.nginx.addresses.docker-2", "IPF502"),
    ),
    bad(
        "an address outside the subnet",
        {"services.nginx.addresses": {"docker-2": "10.9.7.7"}},
        (
            "services.nginx.addresses.docker-2",
            "IPF503",
        ),
    ),
    bad(
        "network address of the slice",
        {"services.nginx.addresses": {"docker-2": "10.1.2.0"}},
        ("services.nginx.addresses.docker-2", "IPF504"),
    ),
    bad(
        "broadcast address of the slice",
        {"services.nginx.addresses": {"docker-2": "10.1.2.255"}},
        ("services.nginx.addresses.docker-2", "IPF504"),
    ),
    bad(
        "broadcast address of the subnet",
        {"hosts.docker-2.slice": "10.1.255.0/24", "services.nginx.addresses": {"docker-2": "10.1.255.255"}},
        ("services.nginx.addresses.docker-2", "IPF508"),
    ),
    bad(
        "a reserved address",
        {"fabric.reserved": ["10.1.1.2"]},
        ("services.nginx.offset and fabric.reserved", "IPF509"),
    ),
    bad(
        "a reserved range",
        {"fabric.reserved": ["10.1.1.2-10.1.1.9"]},
        ("services.nginx.offset and fabric.reserved", "IPF509"),
    ),
    bad(
        "a reserved subnet",
        {"fabric.reserved": ["10.1.2.0/31"]},
        ("services.centos.offset and fabric.reserved", "IPF509"),
    ),
    bad(
        "unknown host in `hosts`",
        {"services.nginx.hosts": ["docker-1", "docker-9"]},
        ("services.nginx.hosts[1]", "IPF401"),
    ),
    bad(
        "unknown host in `addresses`",
        {"services.nginx.addresses": {"docker-9": "10.1.2.7"}},
        ("services.nginx.addresses", "IPF401"),
    ),
    bad(
        "a host named twice",
        {"services.nginx.hosts": ["docker-1", "docker-1"]},
        ("services.nginx.hosts[1]", "IPF402"),
    ),
    bad(
        "address for a host it does not run on",
        {"services.nginx.hosts": ["docker-1"], "services.nginx.addresses": {"docker-2": "10.1.2.7"}},
        ("services.nginx.addresses.docker-2", "IPF403"),
    ),
    bad("runs nowhere", {"services.centos.hosts": []}, ("services.centos.hosts", "IPF404"), warning=True),
    bad(
        "two services with one container name",
        {"services.nginx.container_name": "centos"},
        ("services.centos and services.nginx", "IPF414"),
    ),
    bad(
        "published without ports",
        {"services.nginx.ports": REMOVE},
        ("services.nginx.published", "IPF406"),
    ),
    bad(
        "ports without any way out",
        {"services.nginx.published": REMOVE},
        ("services.nginx.ports", "IPF407"),
        warning=True,
    ),
    bad("published: yes", {"services.nginx.published": "yes"}, ("services.nginx.published", "IPF104")),
    bad("ports as one text", {"services.nginx.ports": "80:80"}, ("services.nginx.ports", "IPF119")),
    bad(
        "port that YAML made a number",
        {"services.nginx.ports": [1342]},
        ("services.nginx.ports", "IPF120"),
    ),
    bad(
        "port without a host port",
        {"services.nginx.ports": ["80"]},
        ("services.nginx.ports", "IPF121"),
    ),
    bad("port 0", {"services.nginx.ports": ["0:80"]}, ("services.nginx.ports", "IPF124")),
    bad("port beyond 65535", {"services.nginx.ports": ["80:65536"]}, ("services.nginx.ports", "IPF124")),
    bad(
        "protocol that does not exist",
        {"services.nginx.ports": ["80:80/tpc"]},
        ("services.nginx.ports", "IPF122"),
    ),
    bad(
        "port ranges of two lengths",
        {"services.nginx.ports": ["80-90:80"]},
        ("services.nginx.ports", "IPF123"),
    ),
    bad(
        "host port bound twice by one service",
        {"services.nginx.ports": ["80:80", "80:81"]},
        ("services.nginx.ports", "IPF417"),
    ),
    bad(
        "host port taken by two services",
        {"services.web": {**image(), "offset": 3, "ports": ["80:8080"], "published": True}},
        ("services.nginx.ports and services.web.ports", "IPF416"),
    ),
    bad(
        "0.0.0.0 against a specific address",
        {
            "services.web": {
                **image(),
                "offset": 3,
                "ports": ["192.168.140.200:80:80"],
                "published": True,
                "hosts": ["docker-1"],
            }
        },
        (
            "services.nginx.ports and services.web.ports",
            "IPF416",
        ),
    ),
    bad(
        "port of the ssh server",
        {"services.nginx.ports": ["22:80"]},
        ("services.nginx.ports", "IPF415"),
        ("services.nginx.ports", "IPF415"),
    ),
    bad(
        "port at another host's address",
        {"services.nginx.ports": ["192.168.140.200:80:80"]},
        ("services.nginx.ports", "IPF418"),
    ),
    bad(
        "environment value that is a number",
        {"services.nginx.environment": {"PORT": 80}},
        ("services.nginx.environment.PORT", "IPF111"),
    ),
    bad(
        "environment as a list",
        {"services.nginx.environment": ["A=b"]},
        ("services.nginx.environment", "IPF102"),
    ),
    bad(
        "variable both in plaintext and secret",
        {"services.nginx.environment": {"TOKEN": "x"}, "services.nginx.secret_environment": {"TOKEN": "token"}},
        ("services.nginx.environment and services.nginx.secret_environment", "IPF412"),
    ),
    bad(
        "a secret inside the map",
        {"services.nginx.environment": {"TOKEN": {"secure": "v1:abc"}}},
        ("services.nginx.environment.TOKEN", "IPF022"),
    ),
    bad(
        "restart policy that does not exist",
        {"services.nginx.restart": "never"},
        ("services.nginx.restart", "IPF137"),
    ),
    bad(
        "restart: no",
        {"services.nginx.restart": False},
        ("services.nginx.restart", "IPF111"),
    ),
    bad(
        "volume without a path",
        {"services.nginx.volumes": ["data"]},
        ("services.nginx.volumes[0]", "IPF136"),
    ),
    bad("memory in words", {"services.nginx.memory": "lots"}, ("services.nginx.memory", "IPF134")),
    bad(
        "memory not in whole MiB",
        {"services.nginx.memory": "1000k"},
        ("services.nginx.memory", "IPF135"),
    ),
    bad(
        "a label of ours",
        {"services.nginx.labels": {"ipvlan-fabric.plan": "x"}},
        ("services.nginx.labels", "IPF411"),
    ),
    bad("ssh time limit 0", {"ssh": {"connect_timeout": 0}}, ("ssh.connect_timeout", "IPF106")),
    bad("unknown section", {"servces": {}}, ("servces", "IPF016")),
    bad(
        "several at once, hidden behind nothing",
        {
            "fabric.name": "none",
            "fabric.gateway": "10.2.0.1",
            "hosts.docker-1.ssh": "a b",
            "hosts.docker-2.slice": "10.1.1.128/25",
            "services.nginx.image": "NGINX",
            "services.nginx.offset": 1,
        },
        ("hosts.docker-1.ssh", "IPF125"),
        ("services.nginx.image", "IPF132"),
        ("fabric.name", "IPF201"),
        ("fabric.gateway", "IPF212"),
        ("hosts.docker-1.slice and hosts.docker-2.slice", "IPF312"),
        ("services.centos.offset and services.nginx.offset", "IPF513"),
    ),
)

YAML_CASES: tuple[Bad, ...] = tuple(
    Bad(title, {}, ((key, wrong),), yaml=text)
    for title, text, key, wrong in (
        ("a tab in the indentation", "config:\n\tx: 1\n", "Pulumi.test.yaml:2:1", "IPF005"),
        ("a quote that does not end", 'config:\n  x: "1\n', "Pulumi.test.yaml:", "IPF005"),
        ("a bracket that does not end", "config:\n  x: [1\n", "Pulumi.test.yaml:", "IPF005"),
        ("a control character", "config:\n  x: \x07\n", "Pulumi.test.yaml", "IPF006"),
        ("a key written twice", "config:\n  x: 1\n  x: 2\n", "Pulumi.test.yaml:3:3", "IPF011"),
        ("an alias without an anchor", "config: *nowhere\n", "Pulumi.test.yaml:1:9", "IPF005"),
        ("an alias to itself", "config: &a [*a]\n", "Pulumi.test.yaml:1:9", "IPF009"),
        ("an empty file", "", "Pulumi.test.yaml: config", "IPF014"),
        ("a list as the file", "- config\n", "Pulumi.test.yaml", "IPF008"),
        ("config is a text", "config: none\n", "Pulumi.test.yaml: config", "IPF014"),
        ("080 without quotes", "config:\n  x: 080\n", "Pulumi.test.yaml:2:6", "IPF013"),
        ("1e3 without quotes", "config:\n  x: 1e3\n", "Pulumi.test.yaml:2:6", "IPF013"),
        ("on without quotes", "config:\n  x: on\n", "Pulumi.test.yaml:2:6", "IPF013"),
        ("22:22 without quotes", "config:\n  x: [22:22]\n", "Pulumi.test.yaml:2:7", "IPF013"),
        ("0x10 without quotes", "config:\n  x: 0x10\n", "Pulumi.test.yaml:2:6", "IPF013"),
        ("1_000 without quotes", "config:\n  x: 1_000\n", "Pulumi.test.yaml:2:6", "IPF013"),
        ("a date without quotes", "config:\n  x: 2026-01-01\n", "Pulumi.test.yaml:2:6", "IPF013"),
        ("nested 500 deep", "config: " + "[" * 500, "Pulumi.test.yaml", "IPF007"),
    )
)
