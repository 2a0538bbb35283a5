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
    bad("no fabric", {"fabric": REMOVE}, ("fabric", "it is missing")),
    bad("fabric is a list", {"fabric": ["l2"]}, ("fabric", "this is not a map")),
    bad("unknown key", {"fabric.subnett": "10.1.0.0/16"}, ("fabric.subnett", "there is no such key")),
    bad("network name of Docker's own", {"fabric.name": "bridge"}, ("fabric.name", "Docker uses this name")),
    bad("network name host", {"fabric.name": "host"}, ("fabric.name", "Docker uses this name")),
    bad("network name none", {"fabric.name": "none"}, ("fabric.name", "Docker uses this name")),
    bad("network name with a slash", {"fabric.name": "ipvlan/l2"}, ("fabric.name", "Docker refuses this name")),
    bad("network name that is a number", {"fabric.name": 12}, ("fabric.name", "a name is text, and this is a number")),
    bad(
        "network name that loses the gateway before Docker 28",
        {"fabric.name": "apps"},
        ("fabric.name", "it sorts before Docker's `bridge`"),
        warning=True,
    ),
    bad("a mode that does not exist", {"fabric.mode": "l4"}, ("fabric.mode", "there is no such value")),
    bad("subnet missing", {"fabric.subnet": REMOVE}, ("fabric.subnet", "it is missing")),
    bad("subnet without a length", {"fabric.subnet": "10.1.0.0"}, ("fabric.subnet", "the prefix length is missing")),
    bad("host bits set in the subnet", {"fabric.subnet": "10.1.0.1/16"}, ("fabric.subnet", "host bits are set")),
    bad("leading zeros", {"fabric.subnet": "10.01.0.0/16"}, ("fabric.subnet", "a part of the address has a leading")),
    bad("prefix length beyond 32", {"fabric.subnet": "10.1.0.0/33"}, ("fabric.subnet", "the prefix length '33'")),
    bad(
        "netmask instead of a length", {"fabric.subnet": "10.1.0.0/255.255.0.0"}, ("fabric.subnet", "the prefix length")
    ),
    bad("IPv6 subnet", {"fabric.subnet": "fd00::/64"}, ("fabric.subnet", "this is an IPv6 address")),
    bad(
        "IPv4-mapped address",
        {"fabric.gateway": "::ffff:10.1.0.1"},
        ("fabric.gateway", "this is an IPv6 address that maps an IPv4 one"),
    ),
    bad(
        "subnet /0",
        {"fabric.subnet": "0.0.0.0/0"},
        ("fabric.subnet", "it overlaps 0.0.0.0/8"),
        ("hosts.docker-1.address", "the host's own address is inside"),
        ("hosts.docker-2.address", "the host's own address is inside"),
    ),
    bad(
        "subnet /31",
        {
            "fabric.subnet": "10.1.1.0/31",
            "fabric.gateway": "10.1.1.0",
            "hosts": {"docker-1": host(1, slice="10.1.1.0/31")},
            "services": {},
        },
        ("fabric.subnet", "it has 2 addresses"),
        ("hosts.docker-1.slice", "a /31 has no address between"),
    ),
    bad(
        "subnet /32",
        {
            "fabric.subnet": "10.1.1.0/32",
            "fabric.gateway": "10.1.1.0",
            "hosts": {"docker-1": host(1, slice="10.1.1.0/32")},
            "services": {},
        },
        ("fabric.subnet", "it has 1 address"),
        ("hosts.docker-1.slice", "a /32 has no address between"),
    ),
    bad(
        "multicast subnet",
        {
            "fabric.subnet": "224.0.0.0/4",
            "fabric.gateway": "224.0.0.1",
            "hosts": {"docker-1": host(1, slice="224.0.1.0/24")},
        },
        ("fabric.subnet", "it overlaps 224.0.0.0/4, multicast"),
    ),
    bad(
        "subnet that is not private",
        {
            "fabric.subnet": "11.1.0.0/16",
            "fabric.gateway": "11.1.0.1",
            "hosts.docker-1.slice": "11.1.1.0/24",
            "hosts.docker-2.slice": "11.1.2.0/24",
        },
        ("fabric.subnet", "it is not private"),
        warning=True,
    ),
    bad(
        "subnet that is small",
        {
            "fabric.subnet": "10.1.1.0/28",
            "fabric.gateway": "10.1.1.1",
            "hosts": {"docker-1": host(1, slice="10.1.1.8/29")},
        },
        ("fabric.subnet", "it is small: 14 usable addresses"),
        warning=True,
    ),
    bad(
        "subnet of Docker's own bridge",
        {
            "fabric.subnet": "172.17.0.0/16",
            "fabric.gateway": "172.17.0.1",
            "hosts": {"docker-1": host(1, slice="172.17.1.0/24")},
        },
        ("fabric.subnet", "it overlaps 172.17.0.0/16, which Docker gives"),
        warning=True,
    ),
    bad(
        "gateway missing in l2", {"fabric.gateway": REMOVE}, ("fabric.gateway", "it is missing, and mode l2 needs one")
    ),
    bad("gateway outside the subnet", {"fabric.gateway": "10.2.0.1"}, ("fabric.gateway", "it is outside the subnet")),
    bad(
        "gateway is the network address",
        {"fabric.gateway": "10.1.0.0"},
        ("fabric.gateway", "it is the network address"),
    ),
    bad(
        "gateway is the broadcast address",
        {"fabric.gateway": "10.1.255.255"},
        ("fabric.gateway", "it is the broadcast address"),
    ),
    bad(
        "gateway held by a container",
        {"fabric.gateway": "10.1.1.2"},
        ("services.nginx.offset and fabric.gateway", "the container would hold the gateway's address"),
    ),
    bad("gateway given for l3", {"fabric.mode": "l3"}, ("fabric.gateway", "mode l3 has no gateway")),
    bad(
        "the address that Docker holds in l3",
        {"fabric.mode": "l3", "fabric.gateway": REMOVE, "services.nginx.offset": 254},
        ("services.nginx.offset", "it is the last address of the slice 10.1.1.0/24, which Docker holds in mode l3"),
        ("services.nginx.offset", "it is the last address of the slice 10.1.2.0/24, which Docker holds in mode l3"),
    ),
    bad("gateway given for l3s", {"fabric.mode": "l3s"}, ("fabric.gateway", "mode l3s has no gateway")),
    bad("not an address", {"fabric.gateway": "10.1.0.256"}, ("fabric.gateway", "this is not an IPv4 address")),
    bad("an address that is a number", {"fabric.gateway": 10.1}, ("fabric.gateway", "an address is text")),
    bad("short form of an address", {"fabric.gateway": "10.1"}, ("fabric.gateway", "this is not an IPv4 address")),
    bad(
        "reserved range that ends before it begins",
        {"fabric.reserved": ["10.1.9.9-10.1.9.1"]},
        ("fabric.reserved[0]", "the range ends before it begins"),
    ),
    bad(
        "reserved outside the subnet",
        {"fabric.reserved": ["10.2.0.0/24"]},
        ("fabric.reserved[0]", "it is outside the fabric's subnet"),
        warning=True,
    ),
    bad("reserved is one text", {"fabric.reserved": "10.1.9.9"}, ("fabric.reserved", "this is not a list")),
    bad("slice_prefix out of range", {"fabric.slice_prefix": 31}, ("fabric.slice_prefix", "the number is too large")),
    bad("slice_prefix as text", {"fabric.slice_prefix": "24"}, ("fabric.slice_prefix", "this is not a whole number")),
    # hosts
    bad("no hosts", {"hosts": REMOVE}, ("hosts", "it is missing")),
    bad("hosts is empty", {"hosts": {}}, ("hosts", "there is no host")),
    bad("hosts is a list", {"hosts": [host(1)]}, ("hosts", "this is not a mapping of names")),
    bad("nothing below a host's name", {"hosts.docker-3": None}, ("hosts.docker-3", "nothing is below the name")),
    bad("host name Docker and Pulumi refuse", {"hosts.döcker": host(3)}, ("hosts.döcker", "Docker and Pulumi do not")),
    bad("host name of 4 KB", {"hosts." + "h" * 4096: host(3)}, ("hosts.hhh", "the name has 4096 characters")),
    bad("address missing", {"hosts.docker-1.address": REMOVE}, ("hosts.docker-1.address", "it is missing")),
    bad("parent missing", {"hosts.docker-1.parent": REMOVE}, ("hosts.docker-1.parent", "it is missing")),
    bad("slice missing", {"hosts.docker-1.slice": REMOVE}, ("hosts.docker-1.slice", "it is missing")),
    bad(
        "slices overlap",
        {"hosts.docker-2.slice": "10.1.0.0/22", "services": {}},
        ("hosts.docker-2.slice and hosts.docker-1.slice", "the slices overlap"),
    ),
    bad(
        "one slice for two hosts",
        {"hosts.docker-2.slice": "10.1.1.0/24", "services": {}},
        ("hosts.docker-1.slice and hosts.docker-2.slice", "the slices are the same"),
    ),
    bad(
        "slice outside the subnet",
        {"hosts.docker-2.slice": "10.2.2.0/24", "services": {}},
        ("hosts.docker-2.slice", "it is outside the fabric's subnet"),
    ),
    bad(
        "slice larger than the subnet",
        {"hosts": {"docker-1": host(1, slice="10.0.0.0/8")}, "services": {}},
        ("hosts.docker-1.slice", "it is larger than the fabric's subnet"),
    ),
    bad(
        "host bits set in a slice",
        {"hosts.docker-1.slice": "10.1.1.1/24"},
        ("hosts.docker-1.slice", "host bits are set"),
    ),
    bad(
        "slice /31",
        {"hosts.docker-1.slice": "10.1.1.0/31", "services": {}},
        ("hosts.docker-1.slice", "a /31 has no address between"),
    ),
    bad(
        "host's own address inside the fabric",
        {"hosts.docker-1.address": "10.1.7.7"},
        ("hosts.docker-1.address", "the host's own address is inside the fabric's subnet"),
    ),
    bad(
        "host's address is loopback",
        {"hosts.docker-1.address": "127.0.0.1"},
        ("hosts.docker-1.address", "it belongs to 127.0.0.0/8"),
    ),
    bad(
        "hosts that share an address",
        {"hosts.docker-2.address": "192.168.140.200"},
        ("hosts.docker-1.address and hosts.docker-2.address", "the two hosts have one address"),
    ),
    bad(
        "two parents on one host",
        {"hosts.docker-2.address": "192.168.140.200", "hosts.docker-2.parent": "ens34"},
        ("hosts.docker-1.address and hosts.docker-2.address", "the two hosts have one address, with two parents"),
    ),
    bad(
        "hosts reached at one ssh destination",
        {"hosts.docker-2.ssh": "root@192.168.140.200"},
        ("hosts.docker-1.ssh and hosts.docker-2.ssh", "the two hosts are reached at one ssh destination"),
    ),
    bad(
        "ssh destination with an option",
        {"hosts.docker-1.ssh": "-oProxyCommand=x"},
        ("hosts.docker-1.ssh", "this is not"),
    ),
    bad("ssh port out of range", {"hosts.docker-1.ssh": "root@h:70000"}, ("hosts.docker-1.ssh", "this is not")),
    bad("host key that is none", {"hosts.docker-1.host_key": "SHA256:abc"}, ("hosts.docker-1.host_key", "this is not")),
    bad(
        "interface name too long",
        {"hosts.docker-1.parent": "enp0s31f6nic0001"},
        ("hosts.docker-1.parent", "the interface"),
    ),
    bad(
        "interface name with a slash",
        {"hosts.docker-1.parent": "ens/33"},
        ("hosts.docker-1.parent", "this is not the name"),
    ),
    bad("VLAN id out of range", {"hosts.docker-1.parent": "ens33.4095"}, ("hosts.docker-1.parent", "the VLAN id 4095")),
    bad(
        "dynamic range outside the slice",
        {"hosts.docker-1.dynamic": "10.1.2.128/25"},
        ("hosts.docker-1.dynamic", "it is not a part of the host's slice"),
    ),
    bad(
        "container in the dynamic range",
        {"hosts.docker-1.dynamic": "10.1.1.0/30"},
        ("services.centos.offset and hosts.docker-1.dynamic", "it is in the range that Docker may hand out"),
        ("services.nginx.offset and hosts.docker-1.dynamic", "it is in the range that Docker may hand out"),
    ),
    bad(
        "reserved address in the dynamic range",
        {"hosts.docker-1.dynamic": "10.1.1.128/25", "fabric.reserved": ["10.1.1.200"]},
        ("hosts.docker-1.dynamic and fabric.reserved[0]", "Docker may hand out addresses that nothing may use"),
    ),
    # services
    bad("no services", {"services": REMOVE}, ("services", "it is missing")),
    bad("services is a list", {"services": [image()]}, ("services", "this is not a mapping of names")),
    bad("image missing", {"services.nginx.image": REMOVE}, ("services.nginx.image", "it is missing")),
    bad("image in upper case", {"services.nginx.image": "Nginx"}, ("services.nginx.image", "this is not an image")),
    bad(
        "image by tag",
        {"services.nginx.image": "registry/nginx:1.27"},
        ("services.nginx.image", "the tag 1.27"),
        warning=True,
    ),
    bad(
        "image without tag",
        {"services.nginx.image": "nginx"},
        ("services.nginx.image", "neither tag nor"),
        warning=True,
    ),
    bad("misspelt key", {"services.nginx.publish": True}, ("services.nginx.publish", "there is no such key")),
    bad(
        "service name with a space",
        {"services.my app": {**image(), "offset": 9}},
        ("services.my app", "Docker and Pulumi"),
    ),
    bad("service name of one letter", {"services.a": {**image(), "offset": 9}}, ("services.a", "Docker and Pulumi")),
    bad(
        "unicode service name",
        {"services.dienst-ä": {**image(), "offset": 9}},
        ("services.dienst-ä", "Docker and Pulumi"),
    ),
    bad(
        "service name of 4 KB",
        {"services." + "s" * 4096: {**image(), "offset": 9}},
        ("services.sss", "the name has 4096"),
    ),
    bad(
        "container name Docker refuses",
        {"services.nginx.container_name": "-x"},
        ("services.nginx.container_name", "Docker"),
    ),
    bad(
        "command as one text",
        {"services.centos.command": "/usr/sbin/init"},
        ("services.centos.command", "this is not a list"),
    ),
    bad("offset as text", {"services.nginx.offset": "2"}, ("services.nginx.offset", "an offset is a whole number")),
    bad("offset 0", {"services.nginx.offset": 0}, ("services.nginx.offset", "offsets begin at 1")),
    bad("negative offset", {"services.nginx.offset": -1}, ("services.nginx.offset", "offsets begin at 1")),
    bad("offset that YAML made a fraction", {"services.nginx.offset": 2.5}, ("services.nginx.offset", "an offset is")),
    bad(
        "offset is the broadcast address",
        {"services.nginx.offset": 255},
        ("services.nginx.offset", "it is the slice's broad"),
    ),
    bad("offset beyond the slice", {"services.nginx.offset": 258}, ("services.nginx.offset", "it is beyond the slice")),
    bad("offset beyond IPv4", {"services.nginx.offset": 2**40}, ("services.nginx.offset", "it is beyond the slice")),
    bad(
        "no offset and no address",
        {"services.nginx.offset": REMOVE},
        ("services.nginx.offset", "neither an offset nor"),
    ),
    bad(
        "two containers with one address",
        {"services.nginx.offset": 1},
        (
            "services.centos.offset and services.nginx.offset",
            "centos on docker-1 and nginx on docker-1 have one address",
        ),
    ),
    bad(
        "one address by offset and by `addresses`",
        {"services.nginx.addresses": {"docker-2": "10.1.2.1"}},
        ("services.centos.offset and services.nginx.addresses.docker-2", "centos on docker-2 and nginx on docker-2"),
    ),
    bad(
        "one address on two hosts",
        {"services.nginx.addresses": {"docker-2": "10.1.1.1"}},
        ("services.nginx.addresses.docker-2", "it is in the slice of docker-1"),
        ("services.centos.offset and services.nginx.addresses.docker-2", "centos on docker-1 and nginx on docker-2"),
    ),
    bad(
        "an address in another host's slice",
        {"services.nginx.addresses": {"docker-2": "10.1.1.7"}},
        ("services.nginx.addresses.docker-2", "it is in the slice of docker-1"),
    ),
    bad(
        "an address in nobody's slice",
        {"services.nginx.addresses": {"docker-2": "10.1.7.7"}},
        ("services.nginx.addresses.docker-2", "it is outside the slice of docker-2"),
    ),
    bad(
        "an address outside the subnet",
        {"services.nginx.addresses": {"docker-2": "10.9.7.7"}},
        (
            "services.nginx.addresses.docker-2",
            "it is outside the slice of docker-2 (10.1.2.0/24) and outside the subnet",
        ),
    ),
    bad(
        "network address of the slice",
        {"services.nginx.addresses": {"docker-2": "10.1.2.0"}},
        ("services.nginx.addresses.docker-2", "it is the network address of the slice"),
    ),
    bad(
        "broadcast address of the slice",
        {"services.nginx.addresses": {"docker-2": "10.1.2.255"}},
        ("services.nginx.addresses.docker-2", "it is the broadcast address of the slice"),
    ),
    bad(
        "broadcast address of the subnet",
        {"hosts.docker-2.slice": "10.1.255.0/24", "services.nginx.addresses": {"docker-2": "10.1.255.255"}},
        ("services.nginx.addresses.docker-2", "it is the broadcast address of the subnet"),
    ),
    bad(
        "a reserved address",
        {"fabric.reserved": ["10.1.1.2"]},
        ("services.nginx.offset and fabric.reserved", "it is reserved by 10.1.1.2"),
    ),
    bad(
        "a reserved range",
        {"fabric.reserved": ["10.1.1.2-10.1.1.9"]},
        ("services.nginx.offset and fabric.reserved", "it is reserved by 10.1.1.2-10.1.1.9"),
    ),
    bad(
        "a reserved subnet",
        {"fabric.reserved": ["10.1.2.0/31"]},
        ("services.centos.offset and fabric.reserved", "it is reserved by 10.1.2.0/31"),
    ),
    bad(
        "unknown host in `hosts`",
        {"services.nginx.hosts": ["docker-1", "docker-9"]},
        ("services.nginx.hosts[1]", "there is no such host"),
    ),
    bad(
        "unknown host in `addresses`",
        {"services.nginx.addresses": {"docker-9": "10.1.2.7"}},
        ("services.nginx.addresses", "there is no such host"),
    ),
    bad(
        "a host named twice",
        {"services.nginx.hosts": ["docker-1", "docker-1"]},
        ("services.nginx.hosts[1]", "the host is"),
    ),
    bad(
        "address for a host it does not run on",
        {"services.nginx.hosts": ["docker-1"], "services.nginx.addresses": {"docker-2": "10.1.2.7"}},
        ("services.nginx.addresses.docker-2", "the service does not run on docker-2"),
    ),
    bad("runs nowhere", {"services.centos.hosts": []}, ("services.centos.hosts", "the list is empty"), warning=True),
    bad(
        "two services with one container name",
        {"services.nginx.container_name": "centos"},
        ("services.centos and services.nginx", "both call their container centos on docker-1, docker-2"),
    ),
    bad(
        "published without ports",
        {"services.nginx.ports": REMOVE},
        ("services.nginx.published", "the service has no ports"),
    ),
    bad(
        "ports without any way out",
        {"services.nginx.published": REMOVE},
        ("services.nginx.ports", "the ports have no way out"),
        warning=True,
    ),
    bad(
        "published: yes", {"services.nginx.published": "yes"}, ("services.nginx.published", "this is neither true nor")
    ),
    bad("ports as one text", {"services.nginx.ports": "80:80"}, ("services.nginx.ports", "this is not a list")),
    bad(
        "port that YAML made a number",
        {"services.nginx.ports": [1342]},
        ("services.nginx.ports", "the entry 1342 is no text"),
    ),
    bad(
        "port without a host port",
        {"services.nginx.ports": ["80"]},
        ("services.nginx.ports", "the entry '80' is not HOST"),
    ),
    bad("port 0", {"services.nginx.ports": ["0:80"]}, ("services.nginx.ports", "0 of '0:80' is not a port")),
    bad("port beyond 65535", {"services.nginx.ports": ["80:65536"]}, ("services.nginx.ports", "65536 of '80:65536'")),
    bad(
        "protocol that does not exist",
        {"services.nginx.ports": ["80:80/tpc"]},
        ("services.nginx.ports", "the protocol 'tpc'"),
    ),
    bad(
        "port ranges of two lengths",
        {"services.nginx.ports": ["80-90:80"]},
        ("services.nginx.ports", "the two ranges of"),
    ),
    bad(
        "host port bound twice by one service",
        {"services.nginx.ports": ["80:80", "80:81"]},
        ("services.nginx.ports", "tcp port 80 is bound twice by this service"),
    ),
    bad(
        "host port taken by two services",
        {"services.web": {**image(), "offset": 3, "ports": ["80:8080"], "published": True}},
        ("services.nginx.ports and services.web.ports", "both bind tcp port 80 of docker-1"),
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
            "both bind tcp port 80 of docker-1, one of them at every address",
        ),
    ),
    bad(
        "port of the ssh server",
        {"services.nginx.ports": ["22:80"]},
        ("services.nginx.ports", "the ssh server of docker-1 listens on port 22"),
        ("services.nginx.ports", "the ssh server of docker-2 listens on port 22"),
    ),
    bad(
        "port at another host's address",
        {"services.nginx.ports": ["192.168.140.200:80:80"]},
        ("services.nginx.ports", "192.168.140.200 is the address of docker-1, and the service also runs on docker-2"),
    ),
    bad(
        "environment value that is a number",
        {"services.nginx.environment": {"PORT": 80}},
        ("services.nginx.environment.PORT", "this value is text, and this is a number"),
    ),
    bad(
        "environment as a list",
        {"services.nginx.environment": ["A=b"]},
        ("services.nginx.environment", "this is not a map"),
    ),
    bad(
        "variable both in plaintext and secret",
        {"services.nginx.environment": {"TOKEN": "x"}, "services.nginx.secret_environment": {"TOKEN": "token"}},
        ("services.nginx.environment and services.nginx.secret_environment", "the variable is in both"),
    ),
    bad(
        "a secret inside the map",
        {"services.nginx.environment": {"TOKEN": {"secure": "v1:abc"}}},
        ("services.nginx.environment.TOKEN", "an encrypted value is inside the mapping"),
    ),
    bad(
        "restart policy that does not exist",
        {"services.nginx.restart": "never"},
        ("services.nginx.restart", "Docker has no"),
    ),
    bad(
        "restart: no",
        {"services.nginx.restart": False},
        ("services.nginx.restart", "this value is text, and this is a yes"),
    ),
    bad(
        "volume without a path",
        {"services.nginx.volumes": ["data"]},
        ("services.nginx.volumes[0]", "this is not SOURCE"),
    ),
    bad("memory in words", {"services.nginx.memory": "lots"}, ("services.nginx.memory", "this is not a size")),
    bad(
        "memory not in whole MiB",
        {"services.nginx.memory": "1000k"},
        ("services.nginx.memory", "1024000 bytes are not"),
    ),
    bad(
        "a label of ours",
        {"services.nginx.labels": {"ipvlan-fabric.plan": "x"}},
        ("services.nginx.labels", "labels that"),
    ),
    bad("ssh time limit 0", {"ssh": {"connect_timeout": 0}}, ("ssh.connect_timeout", "the number is too small")),
    bad("unknown section", {"servces": {}}, ("servces", "there is no such key")),
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
        ("hosts.docker-1.ssh", "this is not"),
        ("services.nginx.image", "this is not an image"),
        ("fabric.name", "Docker uses this name"),
        ("fabric.gateway", "it is outside the subnet"),
        ("hosts.docker-1.slice and hosts.docker-2.slice", "the slices overlap"),
        ("services.centos.offset and services.nginx.offset", "centos on docker-1 and nginx on docker-1"),
    ),
)

YAML_CASES: tuple[Bad, ...] = tuple(
    Bad(title, {}, ((key, wrong),), yaml=text)
    for title, text, key, wrong in (
        ("a tab in the indentation", "config:\n\tx: 1\n", "Pulumi.test.yaml:2:1", "this is not YAML"),
        ("a quote that does not end", 'config:\n  x: "1\n', "Pulumi.test.yaml:", "this is not YAML"),
        ("a bracket that does not end", "config:\n  x: [1\n", "Pulumi.test.yaml:", "this is not YAML"),
        ("a control character", "config:\n  x: \x07\n", "Pulumi.test.yaml", "this is not YAML"),
        ("a key written twice", "config:\n  x: 1\n  x: 2\n", "Pulumi.test.yaml:3:3", "the key stands here twice"),
        ("an alias without an anchor", "config: *nowhere\n", "Pulumi.test.yaml:1:9", "this is not YAML"),
        ("an alias to itself", "config: &a [*a]\n", "Pulumi.test.yaml:1:9", "the map or list contains itself"),
        ("an empty file", "", "Pulumi.test.yaml: config", "it is missing"),
        ("a list as the file", "- config\n", "Pulumi.test.yaml", "the file is not a map"),
        ("config is a text", "config: none\n", "Pulumi.test.yaml: config", "this is not a map"),
        ("080 without quotes", "config:\n  x: 080\n", "Pulumi.test.yaml:2:6", "YAML 1.1 reads it as an octal number"),
        ("1e3 without quotes", "config:\n  x: 1e3\n", "Pulumi.test.yaml:2:6", "YAML reads it as a number in another"),
        ("on without quotes", "config:\n  x: on\n", "Pulumi.test.yaml:2:6", "YAML 1.1 reads it as true or false"),
        ("22:22 without quotes", "config:\n  x: [22:22]\n", "Pulumi.test.yaml:2:7", "YAML 1.1 reads it as a number of"),
        ("0x10 without quotes", "config:\n  x: 0x10\n", "Pulumi.test.yaml:2:6", "YAML reads it as a number in another"),
        ("1_000 without quotes", "config:\n  x: 1_000\n", "Pulumi.test.yaml:2:6", "YAML 1.1 reads it as a number with"),
        ("a date without quotes", "config:\n  x: 2026-01-01\n", "Pulumi.test.yaml:2:6", "YAML reads it as a point"),
        ("nested 500 deep", "config: " + "[" * 500, "Pulumi.test.yaml", "maps or lists are nested too deep"),
    )
)
