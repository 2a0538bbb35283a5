"""What the plan decides beside Docker: routes, shims and default routes; and the table of Docker's versions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from netaddr import IPAddress

from ipvlan.hosts.connection import connection_to
from ipvlan.hosts.networking import planned_networking
from ipvlan.plan.docker_versions import RULES, VersionRule, parse_version
from ipvlan.plan.host_links import shim_link
from ipvlan.plan.make import make_plan
from ipvlan.plan.model import HostPlan, Plan
from ipvlan.plan.router_routes import router_routes
from ipvlan.plan.validate import parse
from ipvlan.problems import ConfigError
from tests.support.live_parts import reference_plan
from tools.reference_setup import reference_config

ROUTED: dict[str, Any] = {"mode": "l3", "gateway": None}


def routed(hosts: int = 2) -> Plan:
    """Return the plan of the reference setup in mode l3."""
    return reference_plan(hosts, published=False, **ROUTED)


def problems(**changes: Mapping[str, object]) -> list[str]:
    """Return the keys of all problems of the reference setup with the sections' changes, `{section: {"name.key": value}}`."""
    config = reference_config()
    for section, values in changes.items():
        for path, value in values.items():
            *names, key = path.split(".")
            place = config[section]
            for name in names:
                place = place[name]
            place[key] = value
    try:
        return [warning.key for warning in make_plan(parse(config)).warnings]
    except ConfigError as error:
        return [problem.key for problem in error.problems]


def test_nothing_is_needed_in_l2() -> None:
    """In l2 without a shim a host needs nothing beside Docker."""
    plan = reference_plan()
    assert all(planned_networking(host, connection_to(host, plan.ssh)) is None for host in plan.hosts)
    assert router_routes(plan, "ip") == []


def test_every_host_has_a_route_to_every_other_slice() -> None:
    """Of three hosts each has two routes, through the other hosts' own addresses."""
    plan = routed(3)
    networking = planned_networking(plan.host("docker-2"), connection_to(plan.host("docker-2"), plan.ssh))
    assert networking is not None
    assert [(route.destination, route.via) for route in networking.routes] == [
        ("10.1.1.0/24", "192.168.140.200"),
        ("10.1.3.0/24", "192.168.140.202"),
    ]
    assert plan.host("docker-2").network.subnet == plan.subnet


@pytest.mark.parametrize(
    ("kind", "first"),
    [
        ("ip", "ip route replace 10.1.1.0/24 via 192.168.140.200"),
        ("frr", "ip route 10.1.1.0/24 192.168.140.200"),
        ("networkd", "[Route]\nDestination=10.1.1.0/24\nGateway=192.168.140.200\n"),
    ],
)
def test_routes_for_routers(kind: str, first: str) -> None:
    """A router gets a route to every slice, in its own words."""
    lines = router_routes(routed(), kind)
    assert (len(lines), lines[0]) == (2, first)


def test_the_link_of_a_shim_has_a_name_that_linux_takes() -> None:
    """At most 15 characters, and another name for another parent."""
    parents = ["ens33", "ens33.40", "enx0123456789ab", "enx0123456789ac", "enp129s0f1.4001"]
    names = [shim_link(parent) for parent in parents]
    assert len(set(names)) == len(parents)
    assert all(len(name) <= 15 for name in names)


def test_a_shim_is_planned_and_reserved() -> None:
    """The shim has the slice's last usable address, which no container, gateway or range may have."""
    config = reference_config()
    config["hosts"]["docker-1"]["shim"] = True
    plan = make_plan(parse(config))
    shim = plan.host("docker-1").shim
    assert shim is not None
    assert (shim.link, shim.address) == ("shim.ens33", IPAddress("10.1.1.254"))
    on = {"docker-1.shim": True}
    assert "services.nginx.offset and hosts.docker-1.shim" in problems(hosts=on, services={"nginx.offset": 254})
    assert "hosts.docker-1.shim and fabric.gateway" in problems(hosts=on, fabric={"gateway": "10.1.1.254"})
    assert "hosts.docker-1.shim and hosts.docker-1.dynamic" in problems(
        hosts={**on, "docker-1.dynamic": "10.1.1.128/25"}
    )
    assert "hosts.docker-1.shim and fabric.reserved[0]" in problems(hosts=on, fabric={"reserved": ["10.1.1.240/28"]})


def test_ways_out_exclude_each_other() -> None:
    """A container has one default route; l3 has no gateway; name servers need a way out."""
    egress = {"nginx.egress": "gateway"}
    assert "services.nginx.egress and services.nginx.published" in problems(services=egress)
    assert "services.nginx.egress and services.nginx.internet" in problems(
        services={**egress, "nginx.published": False, "nginx.internet": True}
    )
    assert "services.centos.egress and fabric.mode" in problems(
        services={"centos.egress": "gateway"}, fabric={"mode": "l3", "gateway": None}
    )
    assert "fabric.dns" in problems(fabric={"dns": ["203.0.113.10"]})
    assert "services.centos.dns" in problems(services={"centos.dns": ["203.0.113.10"]})
    assert problems(services={"centos.dns": ["203.0.113.10"], "centos.internet": True}) == []


def test_a_route_to_the_internet_publishes_no_port() -> None:
    """Docker binds all ports that it knows of once the bridge is connected: an unpublished service with internet has none."""
    config = reference_config()
    config["services"]["nginx"].update(published=False, internet=True)
    plan = make_plan(parse(config))
    nginx = next(container for container in plan.containers() if container.service == "nginx")
    assert (nginx.docker_ports, nginx.bridged, nginx.default_route) == ((), True, "bridge")
    assert len(nginx.ports) == 1


@pytest.mark.parametrize(
    ("text", "version"), [("26.1.5+dfsg1", (26, 1, 5)), ("20.10.24", (20, 10, 24)), ("29.0", (29, 0, 0)), ("", None)]
)
def test_versions_are_read(text: str, version: tuple[int, int, int] | None) -> None:
    """Suffixes count for nothing."""
    assert parse_version(text) == version


def concerning(host: HostPlan, version: tuple[int, int, int]) -> list[VersionRule]:
    """Return the rules that the host's plan meets on that Docker."""
    return [rule for rule in RULES if rule.holds(version) and rule.concerns(host)]


def test_what_a_version_cannot_is_refused() -> None:
    """Publishing in l3 needs Docker 28; 26.0.0 has no names in l3; every row has a source."""
    publishing = reference_plan(**ROUTED).host("docker-1")
    unpublished = routed().host("docker-1")
    assert "bridge in l3" in [rule.name for rule in concerning(publishing, (26, 1, 5)) if rule.refused]
    assert not [rule for rule in concerning(publishing, (28, 5, 2)) if rule.refused]
    assert not [rule for rule in concerning(unpublished, (26, 1, 5)) if rule.refused]
    assert [rule.name for rule in concerning(unpublished, (26, 0, 0))] == ["names in l3"]
    assert not [rule for rule in RULES if rule.refused and rule.concerns(reference_plan().host("docker-1"))]
    assert all(rule.source and rule.fix for rule in RULES)


def test_routes_are_exact() -> None:
    """A list of slices has a route for each subnet, a range for the subnets that make it up, and an address outside its own."""
    config = reference_config()
    config["fabric"] |= {"mode": "l3"}
    del config["fabric"]["gateway"]
    config["hosts"]["docker-1"] |= {"slice": ["10.1.7.0/24", "10.1.1.8-10.1.1.13", "10.1.1.77"], "shim": "10.1.99.9"}
    config["services"]["nginx"] |= {"published": False, "offset": 5, "addresses": {"docker-1": "10.1.0.9"}}
    plan = make_plan(parse(config))
    destinations = ["10.1.0.9/32", "10.1.1.8/30", "10.1.1.12/31", "10.1.1.77/32", "10.1.7.0/24"]
    assert [str(route.destination) for route in plan.host("docker-2").routes] == destinations
    assert [str(route.destination) for route in plan.slice_routes] == [*destinations, "10.1.2.0/24"]
    assert router_routes(plan, "ip")[0] == "ip route replace 10.1.0.9/32 via 192.168.140.200"
    networking = planned_networking(plan.host("docker-1"), connection_to(plan.host("docker-1"), plan.ssh))
    assert networking is not None
    assert networking.shim is not None
    assert networking.shim.slice == " ".join(destinations)
    assert str(networking.shim.address) == "10.1.99.9"


def test_a_slice_of_one_subnet_gives_what_it_always_gave() -> None:
    """The property of the resource is the subnet alone: no state differs after an upgrade."""
    config = reference_config()
    config["hosts"]["docker-1"]["shim"] = True
    plan = make_plan(parse(config))
    networking = planned_networking(plan.host("docker-1"), connection_to(plan.host("docker-1"), plan.ssh))
    assert networking is not None
    assert networking.shim is not None
    assert (networking.shim.slice, networking.shim.address) == ("10.1.1.0/24", "10.1.1.254")
