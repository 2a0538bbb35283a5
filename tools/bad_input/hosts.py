"""Mistakes in the hosts."""

from __future__ import annotations

from typing import Final

from tools.bad_input.case import BadInput
from tools.reference_setup import REMOVE, host

HOSTS: Final = (
    BadInput.of("no hosts", {"hosts": REMOVE}, ("hosts", "IPF019")),
    BadInput.of("hosts is empty", {"hosts": {}}, ("hosts", "IPF301")),
    BadInput.of("hosts is a list", {"hosts": [host(1)]}, ("hosts", "IPF019")),
    BadInput.of("nothing below a host's name", {"hosts.docker-3": None}, ("hosts.docker-3", "IPF021")),
    BadInput.of("host name Docker and Pulumi refuse", {"hosts.döcker": host(3)}, ("hosts.döcker", "IPF020")),
    BadInput.of("host name of 4 KB", {"hosts." + "h" * 4096: host(3)}, ("hosts.hhh", "IPF020")),
    BadInput.of("address missing", {"hosts.docker-1.address": REMOVE}, ("hosts.docker-1.address", "IPF101")),
    BadInput.of("parent missing", {"hosts.docker-1.parent": REMOVE}, ("hosts.docker-1.parent", "IPF101")),
    BadInput.of("slice missing", {"hosts.docker-1.slice": REMOVE}, ("hosts.docker-1.slice", "IPF334")),
    BadInput.of("slice empty", {"hosts.docker-1.slice": []}, ("hosts.docker-1.slice", "IPF334")),
    BadInput.of(
        "slice with an entry that is none",
        {"hosts.docker-1.slice": ["10.1.1.0/24", 7]},
        ("hosts.docker-1.slice[1]", "IPF111"),
    ),
    BadInput.of(
        "slice with a range that ends before it begins",
        {"hosts.docker-1.slice": "10.1.1.9-10.1.1.2"},
        ("hosts.docker-1.slice", "IPF118"),
    ),
    BadInput.of(
        "entries of a slice that overlap",
        {"hosts.docker-1.slice": ["10.1.1.0/24", "10.1.1.250-10.1.1.255"]},
        ("hosts.docker-1.slice[0] and hosts.docker-1.slice[1]", "IPF333"),
    ),
    BadInput.of(
        "an entry of a slice outside the subnet",
        {"hosts.docker-1.slice": ["10.1.1.0/24", "10.2.0.9"]},
        ("hosts.docker-1.slice[1]", "IPF302"),
    ),
    BadInput.of(
        "Docker may assign reserved addresses",
        {"fabric.reserved": ["10.1.1.9"]},
        ("hosts.docker-1.slice and fabric.reserved[0]", "IPF332"),
        warning=True,
    ),
    BadInput.of(
        "dynamic range without a slice",
        {"hosts.docker-1": host(1, slice=[], dynamic="10.1.1.128/25"), "services": {}},
        ("hosts.docker-1.dynamic", "IPF306"),
    ),
    BadInput.of(
        "slices overlap",
        {"hosts.docker-2.slice": "10.1.0.0/22", "services": {}},
        ("hosts.docker-2.slice and hosts.docker-1.slice", "IPF312"),
    ),
    BadInput.of(
        "one slice for two hosts",
        {"hosts.docker-2.slice": "10.1.1.0/24", "services": {}},
        ("hosts.docker-1.slice and hosts.docker-2.slice", "IPF312"),
    ),
    BadInput.of(
        "slice outside the subnet",
        {"hosts.docker-2.slice": "10.2.2.0/24", "services": {}},
        ("hosts.docker-2.slice", "IPF302"),
    ),
    BadInput.of(
        "slice larger than the subnet",
        {"hosts": {"docker-1": host(1, slice="10.0.0.0/8")}, "services": {}},
        ("hosts.docker-1.slice", "IPF302"),
    ),
    BadInput.of(
        "host bits set in a slice",
        {"hosts.docker-1.slice": "10.1.1.1/24"},
        ("hosts.docker-1.slice", "IPF117"),
    ),
    BadInput.of(
        "slice that is the gateway's address",
        {"hosts.docker-1.slice": "10.1.0.1/32", "services": {}},
        ("hosts.docker-1.slice", "IPF303"),
        warning=True,
    ),
    BadInput.of(
        "host's own address inside the fabric in l3",
        {"hosts.docker-1.address": "10.1.7.7", "fabric.mode": "l3", "fabric.gateway": REMOVE},
        ("hosts.docker-1.address", "IPF304"),
    ),
    BadInput.of(
        "host's address is loopback",
        {"hosts.docker-1.address": "127.0.0.1"},
        ("hosts.docker-1.address", "IPF305"),
    ),
    BadInput.of(
        "hosts that share an address",
        {"hosts.docker-2.address": "192.168.140.200"},
        ("hosts.docker-1.address and hosts.docker-2.address", "IPF313"),
    ),
    BadInput.of(
        "two parents on one host",
        {"hosts.docker-2.address": "192.168.140.200", "hosts.docker-2.parent": "ens34"},
        ("hosts.docker-1.address and hosts.docker-2.address", "IPF313"),
    ),
    BadInput.of(
        "hosts with one ssh target",
        {"hosts.docker-2.ssh": "root@192.168.140.200"},
        ("hosts.docker-1.ssh and hosts.docker-2.ssh", "IPF314"),
    ),
    BadInput.of(
        "hosts with one ssh target, without the user",
        {"hosts.docker-2.ssh": "192.168.140.200"},
        ("hosts.docker-1.ssh and hosts.docker-2.ssh", "IPF314"),
    ),
    BadInput.of(
        "hosts with one ssh target, with the port and another user",
        {"hosts.docker-1.ssh": "192.168.140.200", "hosts.docker-2.ssh": "ops@192.168.140.200:22"},
        ("hosts.docker-1.ssh and hosts.docker-2.ssh", "IPF314"),
    ),
    BadInput.of(
        "the ssh target of a host is the address of another one",
        {"hosts.docker-1.ssh": "ops@first.example", "hosts.docker-2.ssh": "192.168.140.200"},
        ("hosts.docker-1.address and hosts.docker-2.ssh", "IPF314"),
    ),
    BadInput.of(
        "hosts with one ssh target, in two spellings",
        {"hosts.docker-1.ssh": "First.Example", "hosts.docker-2.ssh": "first.example.:22"},
        ("hosts.docker-1.ssh and hosts.docker-2.ssh", "IPF314"),
    ),
    BadInput.of(
        "hosts with one ssh target, an address in another notation",
        {"hosts.docker-2.ssh": "192.168.36040"},
        ("hosts.docker-1.ssh and hosts.docker-2.ssh", "IPF314"),
    ),
    BadInput.of(
        "ssh target with an option",
        {"hosts.docker-1.ssh": "-oProxyCommand=x"},
        ("hosts.docker-1.ssh", "IPF125"),
    ),
    BadInput.of("ssh port out of range", {"hosts.docker-1.ssh": "root@h:70000"}, ("hosts.docker-1.ssh", "IPF125")),
    BadInput.of(
        "host key that is none", {"hosts.docker-1.host_key": "SHA256:abc"}, ("hosts.docker-1.host_key", "IPF126")
    ),
    BadInput.of(
        "interface name too long",
        {"hosts.docker-1.parent": "enp0s31f6nic0001"},
        ("hosts.docker-1.parent", "IPF129"),
    ),
    BadInput.of(
        "interface name with a slash",
        {"hosts.docker-1.parent": "ens/33"},
        ("hosts.docker-1.parent", "IPF130"),
    ),
    BadInput.of(
        "Docker socket as a URL",
        {"hosts.docker-1.docker_socket": "unix:///var/run/docker.sock"},
        ("hosts.docker-1.docker_socket", "IPF140"),
    ),
    BadInput.of(
        "interface name with a NUL", {"hosts.docker-1.parent": "ens\x0033"}, ("hosts.docker-1.parent", "IPF130")
    ),
    BadInput.of(
        "interface name with a command", {"hosts.docker-1.parent": ";reboot;#"}, ("hosts.docker-1.parent", "IPF130")
    ),
    BadInput.of(
        "interface name like an option", {"hosts.docker-1.parent": "-all"}, ("hosts.docker-1.parent", "IPF130")
    ),
    BadInput.of("the loopback as parent", {"hosts.docker-1.parent": "lo"}, ("hosts.docker-1.parent", "IPF130")),
    BadInput.of(
        "dynamic range outside the slice",
        {"hosts.docker-1.dynamic": "10.1.2.128/25"},
        ("hosts.docker-1.dynamic", "IPF306"),
    ),
    BadInput.of(
        "container in the dynamic range",
        {"hosts.docker-1.dynamic": "10.1.1.0/30"},
        ("services.centos.offset and hosts.docker-1.dynamic", "IPF510"),
        ("services.nginx.offset and hosts.docker-1.dynamic", "IPF510"),
    ),
    BadInput.of(
        "reserved address in the dynamic range",
        {"hosts.docker-1.dynamic": "10.1.1.128/25", "fabric.reserved": ["10.1.1.200"]},
        ("hosts.docker-1.dynamic and fabric.reserved[0]", "IPF307"),
    ),
    BadInput.of(
        "shim in a slice without room",
        {"hosts.docker-1": host(1, slice="10.1.1.0/31", shim=True), "services": {}},
        ("hosts.docker-1.shim and hosts.docker-1.slice", "IPF308"),
    ),
    BadInput.of("shim that is no address", {"hosts.docker-1.shim": 7}, ("hosts.docker-1.shim", "IPF337")),
    BadInput.of(
        "shim outside the subnet",
        {"hosts.docker-1.shim": "10.2.0.9"},
        ("hosts.docker-1.shim and fabric.subnet", "IPF335"),
    ),
    BadInput.of(
        "shim at the subnet's broadcast address",
        {"hosts.docker-1.shim": "10.1.255.255"},
        ("hosts.docker-1.shim and fabric.subnet", "IPF339"),
    ),
    BadInput.of(
        "shim in another host's slice",
        {"hosts.docker-1.shim": "10.1.2.9"},
        ("hosts.docker-1.shim and hosts.docker-2.slice", "IPF336"),
    ),
    BadInput.of(
        "two shims with one address",
        {"hosts.docker-1.shim": "10.1.9.9", "hosts.docker-2.shim": "10.1.9.9"},
        ("hosts.docker-2.shim and hosts.docker-1.shim", "IPF336"),
    ),
    BadInput.of(
        "shim at the gateway's address",
        {"hosts.docker-1.shim": True, "fabric.gateway": "10.1.1.254"},
        ("hosts.docker-1.shim and fabric.gateway", "IPF309"),
    ),
    BadInput.of(
        "shim in the dynamic range",
        {"hosts.docker-1.shim": True, "hosts.docker-1.dynamic": "10.1.1.128/25"},
        ("hosts.docker-1.shim and hosts.docker-1.dynamic", "IPF310"),
    ),
    BadInput.of(
        "shim at a reserved address",
        {"hosts.docker-1.shim": True, "fabric.reserved": ["10.1.1.240/28"]},
        ("hosts.docker-1.shim and fabric.reserved[0]", "IPF311"),
    ),
)
