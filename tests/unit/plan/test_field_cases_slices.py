"""Addresses as people have them: stacks of the field whose slices are no ordinary subnet, and those that took too long."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from netaddr import IPAddress

from ipvlan.config.load import read_raw
from ipvlan.config.yaml_file import Checkout
from ipvlan.plan.allocate import allocate
from ipvlan.plan.docker_versions import RULES
from ipvlan.plan.make import make_plan
from ipvlan.plan.model import Plan
from ipvlan.plan.validate import load_stack
from ipvlan.problems import ConfigError, Problem

IMAGE = "registry/x@sha256:" + "0" * 64

ONE_ADDRESS = """
# One address is all the host is given
config:
  ipvlan-fabric:fabric: {name: inventory, mode: l2, subnet: 192.168.2.0/24, gateway: 192.168.2.21}
  ipvlan-fabric:hosts:
    vm: {address: 192.168.9.6, parent: ens160, slice: 192.168.2.150/32}
  ipvlan-fabric:services:
    web: {image: IMAGE, addresses: {vm: 192.168.2.150}, egress: gateway}
"""

FIRST_ADDRESS = """
# The first address of the range that the router leaves free (a /29 of a /24, l2)
config:
  ipvlan-fabric:fabric: {name: lan, mode: l2, subnet: 192.168.0.0/24, gateway: 192.168.0.1}
  ipvlan-fabric:hosts:
    nas: {address: 192.168.9.7, parent: ovs_eth0, slice: 192.168.0.248/29}
  ipvlan-fabric:services:
    dns: {image: IMAGE, addresses: {nas: 192.168.0.248}, egress: gateway}
"""

POINT_TO_POINT = """
# RFC 3021 link: router .0, container .1
config:
  ipvlan-fabric:fabric: {name: link, mode: l2, subnet: 10.200.1.0/31, gateway: 10.200.1.0}
  ipvlan-fabric:hosts:
    edge: {address: 192.168.9.10, parent: eth0.100, slice: 10.200.1.0/31}
  ipvlan-fabric:services:
    bird: {image: IMAGE, addresses: {edge: 10.200.1.1}, egress: gateway}
"""

FOREIGN_GATEWAY = """
# Gateway of another subnet
config:
  ipvlan-fabric:fabric: {name: mac, mode: l2, subnet: 172.30.30.0/23, gateway: 192.168.0.1}
  ipvlan-fabric:hosts:
    srv: {address: 192.168.9.26, parent: enp3s0, slice: 172.30.30.64/26}
  ipvlan-fabric:services:
    dns: {image: IMAGE, offset: 3}
"""

CHOSEN_SHIM = """
# VLAN on a bond, small range, address of the host's own link outside the range
config:
  ipvlan-fabric:fabric: {name: c1_services, mode: l2, subnet: 10.25.13.0/24, gateway: 10.25.13.1, reserved: [10.25.13.17]}
  ipvlan-fabric:hosts:
    c1: {address: 192.168.9.28, parent: bond0.2513, slice: 10.25.13.64/27, shim: true}
  ipvlan-fabric:services:
    store: {image: IMAGE, offset: 1, egress: gateway}
"""

HOME = """
# A home /24 shared with DHCP, two hosts, slices and offsets given out by the tool
config:
  ipvlan-fabric:fabric:
    name: vlan20
    mode: l2
    subnet: 10.67.0.0/24
    gateway: 10.67.0.1
    slice_prefix: 28
    reserved: [10.67.0.2-10.67.0.20, 10.67.0.100-10.67.0.199]
  ipvlan-fabric:hosts:
    a: {address: 192.168.9.30, parent: eth0.20}
    b: {address: 192.168.9.31, parent: eth0.20, shim: true}
  ipvlan-fabric:services:
    dns: {image: IMAGE, egress: gateway}
    ha: {image: IMAGE, hosts: [b], internet: true}
"""

NEIGHBOURS = """
# Two resolvers with neighbouring addresses, one on each host
config:
  ipvlan-fabric:fabric: {name: home, mode: l2, subnet: 192.168.1.0/24, gateway: 192.168.1.1}
  ipvlan-fabric:hosts:
    one: {address: 192.168.9.51, parent: eth0.5, slice: 192.168.1.53/32}
    two: {address: 192.168.9.52, parent: eth0.5, slice: 192.168.1.54/32}
  ipvlan-fabric:services:
    dns:
      image: IMAGE
      addresses: {one: 192.168.1.53, two: 192.168.1.54}
      egress: gateway
"""

LARGE_SLICE = """
config:
  ipvlan-fabric:fabric: {name: fab, subnet: 10.1.0.0/16, gateway: 10.1.0.1, slice_prefix: 30}
  ipvlan-fabric:hosts:
    a: {address: 192.168.1.1, parent: eth0, slice: 0.0.0.0/0}
    b: {address: 192.168.1.2, parent: eth0}
  ipvlan-fabric:services:
    web: {image: IMAGE, offset: 2}
"""

LARGE_RESERVATION = """
config:
  ipvlan-fabric:fabric: {name: fab, subnet: 10.0.0.0/8, gateway: 10.200.0.1, reserved: [10.0.0.0/9]}
  ipvlan-fabric:hosts:
    a: {address: 192.168.1.1, parent: eth0, slice: 10.0.0.0/9}
  ipvlan-fabric:services:
    web: {image: IMAGE}
"""

FIRST_SLICE = """
config:
  ipvlan-fabric:fabric: {name: fab, subnet: 10.1.0.0/16, gateway: 10.1.0.1}
  ipvlan-fabric:hosts:
    a: {address: 192.168.1.1, parent: eth0, slice: 10.1.0.0/24, dynamic: none}
  ipvlan-fabric:services:
    web: {image: IMAGE, offset: 2}
"""

GATEWAY_FIRST = """
config:
  ipvlan-fabric:fabric: {name: fab, subnet: 10.1.0.0/16, gateway: 10.1.4.0}
  ipvlan-fabric:hosts:
    a: {address: 192.168.1.1, parent: eth0, slice: 10.1.4.0/24, dynamic: none}
  ipvlan-fabric:services:
    web: {image: IMAGE, offset: 2}
"""


def plan_of(text: str, folder: Path) -> Plan:
    """Return the plan of a stack file."""
    return make_plan(load_stack("field", folder_of(text, folder)))


def folder_of(text: str, folder: Path) -> Path:
    """Write the stack file and return its folder."""
    (folder / "Pulumi.field.yaml").write_text(text.replace("IMAGE", IMAGE), encoding="utf-8")
    return folder


def refused(text: str, folder: Path) -> tuple[Problem, ...]:
    """Return why a stack file is refused."""
    with pytest.raises(ConfigError) as error:
        plan_of(text, folder)
    return error.value.problems


def given_out(text: str, folder: Path) -> dict[str, str | int]:
    """Return what `allocate` writes: key path -> value."""
    checkout = Checkout(folder_of(text, folder))
    raw = read_raw("field", checkout)
    return {f"{one.section}.{one.entry}.{one.key}": one.value for one in allocate(raw.sections, checkout)}


def addresses(plan: Plan) -> dict[str, str]:
    """Return host -> address of its one container."""
    return {host.name: str(host.containers[0].address) for host in plan.hosts}


def test_one_address_is_all_that_a_host_has(tmp_path: Path) -> None:
    """A /32 is a slice, Docker may assign nothing, and a wrong address is told what is possible."""
    plan = plan_of(ONE_ADDRESS, tmp_path)
    assert addresses(plan) == {"vm": "192.168.2.150"}
    assert str(plan.hosts[0].network.ip_range) == "192.168.2.21/32"
    [problem] = refused(ONE_ADDRESS.replace("{vm: 192.168.2.150}", "{vm: 192.168.2.0}"), tmp_path)
    assert (problem.code, problem.fix) == ("IPF508", "choose another address or offset")


def test_first_and_last_address_of_a_range(tmp_path: Path) -> None:
    """In l2 the first and last address of a slice are ordinary addresses, and so is offset 0."""
    assert addresses(plan_of(FIRST_ADDRESS, tmp_path)) == {"nas": "192.168.0.248"}
    assert addresses(plan_of(FIRST_ADDRESS.replace("addresses: {nas: 192.168.0.248}", "offset: 0"), tmp_path)) == {
        "nas": "192.168.0.248"
    }
    last = FIRST_ADDRESS.replace("addresses: {nas: 192.168.0.248}", "offset: 7")
    [problem] = refused(last, tmp_path)
    # Of the last range of the subnet the last address is the subnet's broadcast address.
    assert problem.code == "IPF508"
    assert addresses(plan_of(last.replace("192.168.0.248/29", "192.168.0.240/29"), tmp_path)) == {
        "nas": "192.168.0.247"
    }


def test_a_link_of_two_addresses(tmp_path: Path) -> None:
    """A /31 has a router and a container (RFC 3021), on a Docker that takes it."""
    plan = plan_of(POINT_TO_POINT, tmp_path)
    assert addresses(plan) == {"edge": "10.200.1.1"}
    assert (str(plan.hosts[0].network.gateway), str(plan.hosts[0].network.ip_range)) == ("10.200.1.0", "10.200.1.0/32")
    refusing = [
        rule.name for rule in RULES if rule.refused and rule.holds((20, 10, 24)) and rule.concerns(plan.hosts[0])
    ]
    assert refusing == ["subnets of two addresses"]
    assert not [rule for rule in RULES if rule.holds((26, 1, 5)) and rule.concerns(plan.hosts[0])]


def test_a_gateway_of_another_subnet_is_refused(tmp_path: Path) -> None:
    """The one problem names the gateway and the subnet."""
    [problem] = refused(FOREIGN_GATEWAY, tmp_path)
    assert (problem.code, problem.key) == ("IPF212", "fabric.gateway")


def test_the_address_of_a_shim_is_chosen(tmp_path: Path) -> None:
    """A shim has the address that is reserved for it, outside of the slice, and leads to the slice."""
    plan = plan_of(CHOSEN_SHIM.replace("shim: true", "shim: 10.25.13.17"), tmp_path)
    shim = plan.hosts[0].shim
    assert shim is not None
    assert shim.address == IPAddress("10.25.13.17")
    assert plan.warnings == ()
    [problem] = refused(CHOSEN_SHIM.replace("shim: true", "shim: 10.25.13.1"), tmp_path)
    assert problem.code == "IPF309"


def test_slices_beside_a_dhcp_pool(tmp_path: Path) -> None:
    """The router and the pool are left out, and offsets begin behind the first address."""
    assert given_out(HOME, tmp_path) == {
        "hosts.a.slice": "10.67.0.32/28",
        "hosts.b.slice": "10.67.0.48/28",
        "services.dns.offset": 1,
        "services.ha.offset": 2,
    }


def test_a_shim_is_not_wrong_while_the_slice_is_missing(tmp_path: Path) -> None:
    """What is missing is said once, with `allocate`; there may be room for the shim then."""
    assert {problem.code for problem in refused(HOME, tmp_path)} == {"IPF334"}


def test_neighbouring_addresses_on_two_hosts(tmp_path: Path) -> None:
    """Two hosts have one address each, beside each other, with and without slices."""
    expected = {"one": "192.168.1.53", "two": "192.168.1.54"}
    assert addresses(plan_of(NEIGHBOURS, tmp_path)) == expected
    without = NEIGHBOURS.replace(", slice: 192.168.1.53/32", "").replace(", slice: 192.168.1.54/32", "")
    assert addresses(plan_of(without, tmp_path)) == expected
    assert given_out(without, tmp_path) == {}


@pytest.mark.parametrize("text", [LARGE_SLICE, LARGE_RESERVATION], ids=["slice of everything", "reserved half"])
def test_huge_blocks_are_not_counted_through(text: str, tmp_path: Path) -> None:
    """`allocate` refuses at once where a block of millions of addresses has no room."""
    begin = time.monotonic()
    with pytest.raises(ConfigError):
        given_out(text, tmp_path)
    assert time.monotonic() - begin < 5


@pytest.mark.parametrize("text", [FIRST_SLICE, GATEWAY_FIRST], ids=["slice at the subnet's start", "gateway first"])
def test_docker_takes_a_network_that_assigns_nothing(text: str, tmp_path: Path) -> None:
    """No auxiliary address is one that Docker has itself: the gateway, or the subnet's first."""
    plan = plan_of(text, tmp_path)
    network = plan.hosts[0].network
    assert (str(network.ip_range), network.auxiliary) == (f"{plan.gateway}/32", {})


def test_the_example_has_every_form(tmp_path: Path) -> None:
    """examples/slices.yaml is planned without a warning; Docker may assign addresses on one host alone."""
    plan = plan_of((Path(__file__).parents[3] / "examples" / "slices.yaml").read_text(encoding="utf-8"), tmp_path)
    assert plan.warnings == ()
    assert [host.slice_text for host in plan.hosts] == [
        "10.1.1.0/29",
        "10.1.1.50-10.1.1.59",
        "10.1.1.60",
        "10.1.1.61, 10.1.1.100-10.1.1.104, 10.1.2.0/25",
        "none",
    ]
    assert [host.name for host in plan.hosts if not host.static_only] == ["docker-4"]
    assert addresses(plan) == {
        "docker-1": "10.1.1.7",
        "docker-2": "10.1.1.50",
        "docker-3": "10.1.1.60",
        "docker-4": "10.1.1.61",
        "docker-5": "10.1.9.9",
    }
