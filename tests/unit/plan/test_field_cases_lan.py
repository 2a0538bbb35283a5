"""Stack files as people have them: containers as members of the LAN, and services that are reached at their own address."""

from __future__ import annotations

from typing import Any

from netaddr import IPAddress
from ruamel.yaml import YAML

from ipvlan.plan.make import make_plan
from ipvlan.plan.model import Plan
from ipvlan.plan.reachability import make_matrix
from ipvlan.plan.validate import parse

DIGEST = "@sha256:9b357fde13a0a250e4e68a57eeb8496427e68739cec8875f20c1d479911ffeb4"

LAN_MEMBER = f"""
fabric: {{name: lan, mode: l2, subnet: 192.168.77.0/24, gateway: 192.168.77.1, reserved: [192.168.77.20-192.168.77.199]}}
hosts:
  pi: {{address: 192.168.77.10, parent: eno1, slice: 192.168.77.200/29}}
services:
  sinkhole:
    image: docker.io/pihole/pihole{DIGEST}
    addresses: {{pi: 192.168.77.201}}
    egress: gateway
    cap_add: [NET_ADMIN]
    dns: [127.0.0.1, 192.168.77.1]
    environment: {{TZ: Europe/Oslo}}
"""
"""The DNS server has an address of the LAN that the host itself is on."""

OWN_RESOLVER = f"""
fabric: {{name: lan, mode: l2, subnet: 192.168.77.0/24, gateway: 192.168.77.1}}
hosts:
  pi: {{address: 192.168.9.10, parent: eno1.77, slice: 192.168.77.200/29}}
services:
  sinkhole:
    image: docker.io/pihole/pihole{DIGEST}
    addresses: {{pi: 192.168.77.201}}
    dns: [127.0.0.1]
"""
"""The same, with the host on another network: a resolver of its own, and no route out declared."""

BRIDGE_PARENT = f"""
fabric: {{name: vlan10, mode: l2, subnet: 192.168.0.0/24, gateway: 192.168.0.1}}
hosts:
  nas: {{address: 192.168.9.5, parent: br0, slice: 192.168.0.192/26}}
services:
  unifi:
    image: docker.io/example/unifi{DIGEST}
    addresses: {{nas: 192.168.0.223}}
    egress: gateway
    ports: ["3478:3478/udp", "8443:8443", "8080:8080"]
    init: true
    user: unifi
"""
"""A bridge as parent, udp ports, reached at its own address through the router, nothing published."""

TWO_HOSTS = f"""
fabric: {{name: pub_net, mode: l2, subnet: 192.168.1.0/24, gateway: 192.168.1.1}}
hosts:
  h1: {{address: 192.168.1.11, parent: eth0, slice: 192.168.1.64/27}}
  h2: {{address: 192.168.1.12, parent: eth0, slice: 192.168.1.96/27, shim: true}}
services:
  music: {{image: "docker.io/example/music{DIGEST}", offset: 2, egress: gateway}}
  home: {{image: "docker.io/example/ha{DIGEST}", offset: 3, egress: gateway, hosts: [h1]}}
"""
"""The first example of Docker's own page about ipvlan: the subnet of eth0."""


def raw(text: str) -> dict[str, Any]:
    """Return the sections of a stack file."""
    sections: dict[str, Any] = YAML(typ="safe").load(text)
    return sections


def plan_of(text: str) -> Plan:
    """Return the plan of a stack file's sections."""
    return make_plan(parse(raw(text)))


def expected(plan: Plan, source: str, target: str) -> str:
    """Return what the plan expects of one cell."""
    (cell,) = (cell for cell in make_matrix(plan).cells if (cell.source, cell.target) == (source, target))
    return cell.expected


def test_a_member_of_the_hosts_lan() -> None:
    """Case 1: a container of the LAN that its host is on is planned without a word against it."""
    plan = plan_of(LAN_MEMBER)
    assert plan.lan
    assert plan.warnings == ()
    assert plan.host("pi").container("sinkhole").address == IPAddress("192.168.77.201")
    assert expected(plan, "pi/sinkhole", "pi") == "no"
    assert expected(plan, "pi/sinkhole", "gateway") == "yes"


def test_a_resolver_of_its_own_needs_no_way_out() -> None:
    """Case 1b: 127.0.0.1 is in the container itself, whoever names it; another server beside it is still told of."""
    assert plan_of(OWN_RESOLVER).warnings == ()
    config = raw(OWN_RESOLVER)
    config["services"]["sinkhole"]["dns"] = ["127.0.0.1", "1.1.1.1"]
    assert [(problem.code, problem.value) for problem in make_plan(parse(config)).warnings] == [("IPF410", "1.1.1.1")]
    del config["services"]["sinkhole"]["dns"]
    config["fabric"]["dns"] = ["127.0.0.1"]
    assert make_plan(parse(config)).warnings == ()


def test_what_is_reached_through_the_router_needs_no_publishing() -> None:
    """Case 2: with `egress: gateway` clients reach the container's own address through the router, so nothing is missing."""
    assert plan_of(BRIDGE_PARENT).warnings == ()


def test_without_a_router_the_warning_says_who_reaches_the_ports() -> None:
    """Without egress the warning stays, and does not claim that nobody reaches what machines of the subnet do reach."""
    config = raw(BRIDGE_PARENT)
    del config["services"]["unifi"]["egress"]
    (warning,) = make_plan(parse(config)).warnings
    assert warning.code == "IPF407"
    assert "machines with an address of 192.168.0.0/24" in warning.effect
    config["fabric"] = {"name": "routed", "mode": "l3", "subnet": "192.168.0.0/24"}
    (warning,) = make_plan(parse(config)).warnings
    assert "the routes of `ipvlan plan --routes`" in warning.effect


def test_two_hosts_of_one_lan() -> None:
    """Case 28: planned; only the DHCP server is asked about, and what Docker may assign beside the shim."""
    plan = plan_of(TWO_HOSTS)
    assert [problem.code for problem in plan.warnings] == ["IPF342", "IPF332"]
    assert expected(plan, "h1/music", "h2") == "yes"
    assert expected(plan, "h2", "h2/music") == "yes"
    assert expected(plan, "h1", "h1/home") == "no"
