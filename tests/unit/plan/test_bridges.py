"""Bridges in the plan: where they are, who is on them, what has the default route, and what a container without the fabric is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ipvlan.config.models import StackConfig
from ipvlan.plan.make import make_plan
from ipvlan.plan.model import ContainerPlan, Plan
from ipvlan.plan.rules.bridge_options import OPTIONS
from ipvlan.plan.validate import parse
from ipvlan.problems import ConfigError
from tests.support.bridge_configs import raw_configs_with_bridges, without_the_fabric
from tests.support.config_of_plan import as_config
from tools.reference_setup import DIGEST, changed

APP = {"image": f"registry/app{DIGEST}", "fabric": False, "bridges": ["web"], "hosts": ["docker-1"]}
"""A service that is on the bridge `web` of docker-1 alone."""
OPTION = "com.docker.network.bridge."


def config_with(changes: Mapping[str, Any]) -> StackConfig:
    """Return the reference setup with a bridge `web`, a service `app` on it alone, and changes."""
    return parse(changed({"bridges": {"web": {}}, "services.app": APP, **changes}))


def plan_with(changes: Mapping[str, Any]) -> Plan:
    """Return the plan of it."""
    return make_plan(config_with(changes))


def app_with(**keys: Any) -> ContainerPlan:
    """Return the container of `app`, with further keys of the service."""
    return plan_with({"services.app": {**APP, **keys}}).host("docker-1").container("app")


def codes(changes: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return code and key of what is wrong or doubtful with bridges, or with one of the rules that they touch."""
    try:
        problems = plan_with(changes).warnings
    except ConfigError as error:
        problems = error.problems
    return [(problem.code, problem.key) for problem in problems if problem.code not in ("IPF405", "IPF407")]


def test_a_bridge_is_where_its_services_run() -> None:
    """On each of their hosts, with those that run there, sorted by the name in Docker; elsewhere it is not."""
    plan = plan_with(
        {
            "bridges": {"web": {"name": "zone"}, "data": {"internal": True, "subnet": "172.30.5.0/24"}},
            "services.nginx.bridges": ["web", "data"],
            "services.nginx.hosts": ["docker-1"],
            "services.centos.bridges": ["data"],
        }
    )
    first, second = plan.hosts
    assert [(bridge.key, bridge.name, bridge.members) for bridge in first.bridges] == [
        ("data", "data", ("centos", "nginx")),
        ("web", "zone", ("app", "nginx")),
    ]
    assert [(bridge.key, bridge.members) for bridge in second.bridges] == [("data", ("centos",))]
    data = second.bridges[0]
    assert (data.internal, str(data.subnet), data.external) == (True, "172.30.5.0/24", False)


def test_a_container_is_found_by_the_name_of_its_service_too() -> None:
    """The service's name is an alias where the container has another name, and its own name never is."""
    plan = plan_with(
        {
            "bridges": {"web": {"name": "zone"}, "data": {}},
            "services.nginx.bridges": {"web": {"aliases": ["shop", "proxy-1", "shop"]}, "data": None},
            "services.nginx.container_name": "proxy-1",
        }
    )
    endpoints = plan.host("docker-1").container("nginx").bridges
    assert [(endpoint.bridge, endpoint.aliases) for endpoint in endpoints] == [
        ("data", ("nginx",)),
        ("zone", ("nginx", "shop")),
    ]
    assert [endpoint.aliases for endpoint in plan.host("docker-1").container("app").bridges] == [()]


def test_a_list_and_a_mapping_of_bridges_are_one() -> None:
    """A list of keys, and a mapping with nothing below them, give one plan."""
    as_list = plan_with({"services.nginx.bridges": ["web"]})
    assert as_list == plan_with({"services.nginx.bridges": {"web": None}})
    assert as_list == plan_with({"services.nginx.bridges": {"web": {}}})


@pytest.mark.parametrize(
    ("keys", "route"),
    [
        ({}, "web"),
        ({"bridges": ["web", "api"]}, "api"),
        ({"bridges": ["closed", "web"]}, "web"),
        ({"bridges": ["closed"]}, None),
        ({"bridges": ["others", "web"]}, "a_others"),
        ({"bridges": ["closed"], "internet": True}, "bridge"),
        ({"bridges": ["closed", "web"], "ports": ["81:80"], "published": True}, "bridge"),
        ({"fabric": True, "offset": 9, "bridges": ["api"]}, "ipvlanl2"),
        ({"fabric": True, "offset": 9, "bridges": ["api"], "internet": True}, "bridge"),
    ],
)
def test_where_the_default_route_is(keys: dict[str, Any], route: str | None) -> None:
    """On Docker's bridge, else on the fabric; without both on the first bridge by name that is not internal; else nowhere."""
    bridges = {
        "web": {},
        "api": {},
        "closed": {"internal": True},
        "others": {"external": True, "name": "a_others"},
    }
    plan = plan_with({"bridges": bridges, "services.app": {**APP, **keys}})
    assert plan.host("docker-1").container("app").default_route == route


def test_ports_of_a_container_without_the_fabric_are_not_published_by_the_way() -> None:
    """Docker would bind them on its bridge: it gets them only where they are to be published."""
    declared, published = app_with(ports=["81:80"], published=False), app_with(ports=["81:80"], published=True)
    assert [str(port) for port in declared.ports] == ["81:80"]
    assert declared.docker_ports == ()
    assert published.docker_ports == published.ports


def test_a_container_without_the_fabric_has_nothing_of_it() -> None:
    """No address, no place in the slice, no name server of the fabric, no membership of the LAN; its own name servers stay."""
    fabric = {"fabric.dns": ["10.1.0.53"], "services.nginx.dns": ["10.1.0.54"]}
    plan = plan_with(fabric)
    app = plan.host("docker-1").container("app")
    assert (app.address, app.fabric, app.on_lan, app.settings.dns) == (None, False, False, ())
    assert [str(server) for server in plan.host("docker-1").container("centos").settings.dns] == ["10.1.0.53"]
    own = plan_with({**fabric, "services.app": {**APP, "dns": ["192.0.2.1"]}}).host("docker-1").container("app")
    assert [str(server) for server in own.settings.dns] == ["192.0.2.1"]
    assert codes({}) == []


def test_a_lan_does_not_have_a_container_without_the_fabric() -> None:
    """Also where its host is on the fabric's own subnet."""
    lan = {
        "fabric": {"name": "lan", "mode": "l2", "subnet": "192.168.140.0/24", "gateway": "192.168.140.1"},
        "hosts.docker-1.slice": "192.168.140.32/28",
        "hosts.docker-2.slice": "192.168.140.48/28",
        "services.nginx.published": False,
    }
    host = plan_with(lan).host("docker-1")
    assert {container.service: container.on_lan for container in host.containers} == {
        "app": False,
        "centos": True,
        "nginx": True,
    }


def test_a_slice_may_be_full_of_others() -> None:
    """A service without the fabric asks for no place in it."""
    changes = {
        "hosts.docker-1.slice": ["10.1.1.1-10.1.1.2"],
        "services.centos.offset": 0,
        "services.nginx.offset": 1,
        "services.centos.hosts": ["docker-1"],
        "services.nginx.hosts": ["docker-1"],
    }
    assert [code for code, _ in codes(changes) if code.startswith("IPF5")] == []


def test_an_alias_is_another_name_where_both_run() -> None:
    """Case does not count in DNS; hosts that only one of the two runs on do not, nor do aliases of several services."""
    both = {"services.nginx.bridges": {"web": {"aliases": ["APP"]}}}
    assert [code for code, _ in codes(both)] == ["IPF242"]
    assert codes({**both, "services.nginx.hosts": ["docker-2"]}) == []
    shared = {"web": {"aliases": ["api"]}}
    assert codes({"services.nginx.bridges": shared, "services.app": {**APP, "bridges": shared}}) == []
    elsewhere = {
        "bridges": {"web": {}, "work": {}},
        "services.nginx.bridges": {"work": {"aliases": ["app"]}},
    }
    assert codes(elsewhere) == []


@pytest.mark.parametrize("alias", ["", "-a", "a-", "a..b", "a" * 64, ".".join(["a" * 60] * 5), "a b", "ä"])
def test_an_alias_is_a_name_of_dns(alias: str) -> None:
    """Labels of 63 characters at most, 253 in all."""
    assert [code for code, _ in codes({"services.nginx.bridges": {"web": {"aliases": [alias]}}})] == ["IPF242"]


@pytest.mark.parametrize("alias", ["a", "a_b", "_srv.tcp", "api.shop.lan", "a" * 63])
def test_dots_and_underscores_are_in_aliases(alias: str) -> None:
    """Docker resolves names with them."""
    assert codes({"services.nginx.bridges": {"web": {"aliases": [alias]}}}) == []


def test_the_name_of_a_service_is_an_alias_whatever_it_ends_with() -> None:
    """A service may be called `app-`, though no alias of the file may."""
    assert codes({"services.app-": {**APP, "container_name": "shop"}}) == []


def test_names_of_networks_without_priorities() -> None:
    """A bridge that is not internal is warned of where it sorts before the network that is to have the default route."""
    assert codes({"bridges": {"web": {}, "aa": {"name": "api"}}, "services.nginx.bridges": ["aa"]}) == [
        ("IPF247", "bridges.aa")
    ]
    internal = {"bridges": {"web": {}, "aa": {"name": "api", "internal": True}}, "services.nginx.bridges": ["aa"]}
    assert codes(internal) == []
    external = {"bridges": {"web": {}, "aa": {"name": "api", "external": True}}, "services.nginx.bridges": ["aa"]}
    assert codes(external) == [("IPF247", "bridges.aa")]
    # centos has its default route on the fabric, nginx on Docker's bridge.
    between: dict[str, Any] = {"bridges": {"web": {}, "data": {}}}
    assert codes({**between, "services.nginx.bridges": ["data"]}) == []
    assert codes({**between, "services.centos.bridges": ["data"]}) == [("IPF247", "bridges.data")]
    # Without the fabric the first by name has it, in every Docker.
    assert codes({**between, "services.app": {**APP, "bridges": ["data", "web"]}}) == []


def test_the_fabrics_name_concerns_only_what_is_on_it() -> None:
    """A service on bridges alone that uses Docker's own is not asked to sort the fabric behind it."""
    changes = {
        "fabric.name": "alpha",
        "services.nginx.published": False,
        "services.app": {**APP, "internet": True},
    }
    assert codes(changes) == []
    assert ("IPF202", "fabric.name") in codes({**changes, "services.nginx.internet": True})


def test_the_hosts_own_name_over_a_bridge() -> None:
    """A container without the fabric reaches `host-gateway` by a bridge that is not internal, and by no other one."""
    name = {"extra_hosts": {"host": "host-gateway"}}
    assert codes({"services.app": {**APP, **name}}) == []
    internal = {"bridges": {"web": {"internal": True}}, "services.app": {**APP, **name}}
    assert [code for code, _ in codes(internal)] == ["IPF449"]


@pytest.mark.parametrize(
    ("link", "host"),
    [
        ("eth0.40", {"parent": "eth0.40"}),
        ("eth0", {"parent": "eth0.40"}),
        ("shim.ens33", {"shim": True}),
    ],
)
def test_links_of_a_host(link: str, host: dict[str, Any]) -> None:
    """The parent, what it is a VLAN of, and the shim's link are taken; the shim's only where there is one."""
    bridge = {"bridges": {"web": {"options": {f"{OPTION}name": link}}}}
    changes = {**bridge, **{f"hosts.docker-1.{key}": value for key, value in host.items()}}
    assert [code for code, _ in codes(changes)] == ["IPF238"]
    assert codes(bridge) == []


@pytest.mark.parametrize(
    ("option", "good", "bad"),
    [
        ("com.docker.network.bridge.name", ["br-web", "a" * 15], ["", "a" * 16, "a b", "-a"]),
        ("com.docker.network.bridge.enable_icc", ["true", "0", "F"], ["", "yes", "off", "TrUe"]),
        ("com.docker.network.bridge.enable_ip_masquerade", ["false"], ["no"]),
        ("com.docker.network.bridge.inhibit_ipv4", ["1"], ["on"]),
        ("com.docker.network.bridge.host_binding_ipv4", ["127.0.0.1"], ["", "localhost", "::1", "10.1", "10.0.0.0/8"]),
        ("com.docker.network.bridge.gateway_mode_ipv4", ["nat", "nat-unprotected", "routed"], ["", "NAT", "isolated"]),
        ("com.docker.network.bridge.trusted_host_interfaces", ["eth0", "eth0:vxlan.1"], ["", "eth0:", "eth0,eth1"]),
        (
            "com.docker.network.driver.mtu",
            ["68", "1400", "65535"],
            ["", "67", "65536", "-1", "1e3", "١٤٠٠", "9" * 5000],
        ),
        ("com.docker.network.container_iface_prefix", ["lan", "e"], ["", "0", "a" * 13, "a.b"]),
    ],
)
def test_values_of_options(option: str, good: list[str], bad: list[str]) -> None:
    """What Docker's bridge driver parses, and the kernel takes."""
    for value in good:
        assert codes({"bridges": {"web": {"options": {option: value}}}}) == [], value
    for value in bad:
        found = codes({"bridges": {"web": {"options": {option: value}}}})
        assert found == [("IPF237", f"bridges.web.options.{option}")], value


def test_every_option_has_values_here() -> None:
    """A new one needs some in the test above."""
    [parameters] = [mark.args[1] for mark in test_values_of_options.pytestmark]  # type: ignore[attr-defined]
    assert {option for option, _, _ in parameters} == OPTIONS.keys()


def test_an_isolated_bridge_is_internal() -> None:
    """Docker takes this gateway mode for no other one."""
    assert codes({"bridges": {"web": {"internal": True, "options": {f"{OPTION}gateway_mode_ipv4": "isolated"}}}}) == []


def test_bridges_overlap_only_where_both_are() -> None:
    """On hosts that have one of two, the other one does not count; nor does a pair without a subnet."""
    bridges = {"web": {"subnet": "172.30.0.0/16"}, "data": {"subnet": "172.30.5.0/24", "internal": True}, "free": {}}
    apart = {"bridges": bridges, "services.centos.hosts": ["docker-2"], "services.centos.bridges": ["data"]}
    assert [code for code, _ in codes(apart)] == ["IPF245"]
    together = {**apart, "services.centos.hosts": ["docker-1"]}
    assert ("IPF234", "bridges.data.subnet and bridges.web.subnet") in codes(together)


def test_the_fabrics_name_servers_are_reached_past_a_bridge() -> None:
    """A bridge of a service that asks them must not have their addresses; a service without the fabric asks others."""
    changes = {"fabric.dns": ["172.30.5.53"], "bridges": {"web": {"subnet": "172.30.5.0/24"}}}
    assert [code for code, _ in codes(changes) if code == "IPF234"] == []
    on_both = codes({**changes, "services.nginx.bridges": ["web"]})
    assert on_both == [("IPF234", "bridges.web.subnet and fabric.dns")]


def test_a_bridge_that_cannot_be_read_is_none_that_is_unknown() -> None:
    """Its services are not refused for naming it."""
    found = codes({"bridges": {"web": {"internal": "maybe"}}})
    assert found == [("IPF104", "bridges.web.internal")]


def test_a_fabric_that_cannot_be_read_hides_no_mistake_of_a_bridge() -> None:
    """And makes none of what depends on it."""
    found = codes(
        {
            "fabric": {"name": "ipvlanl2"},
            "bridges": {"web": {"subnet": "172.30.5.0/24", "labels": {"ipvlan-fabric.x": ""}}},
        }
    )
    assert sorted(code for code, _ in found) == ["IPF101", "IPF239"]


def test_a_service_that_cannot_be_read_may_use_a_bridge() -> None:
    """No bridge is called unused then, and the service is not called one without a bridge."""
    found = codes({"services.app": {**APP, "bridges": ["web", 5]}})
    assert found == [("IPF111", "services.app.bridges")]


@given(raw_configs_with_bridges(), st.randoms(use_true_random=False))
def test_the_order_of_the_file_does_not_matter(raw: dict[str, Any], random: Any) -> None:
    """The same bridges and services in another order give the same plan."""
    shuffled = {section: shuffle(entries, random) for section, entries in raw.items()}
    for service in shuffled["services"].values():
        bridges = service["bridges"]
        service["bridges"] = shuffle(bridges, random) if isinstance(bridges, dict) else bridges[::-1]
    assert make_plan(parse(raw)) == make_plan(parse(shuffled))


def shuffle(mapping: dict[str, Any], random: Any) -> dict[str, Any]:
    """Return a copy in another order."""
    keys = [*mapping]
    random.shuffle(keys)
    return {key: dict(value) if isinstance(value := mapping[key], dict) else value for key in keys}


@given(raw_configs_with_bridges())
def test_a_plan_with_bridges_says_all_of_its_config(raw: dict[str, Any]) -> None:
    """The config that is made of a plan gives that plan again, but for the keys of bridges, which are Docker's names there."""
    plan = make_plan(parse(raw))
    again = make_plan(parse(as_config(plan)))
    assert [host.containers for host in again.hosts] == [host.containers for host in plan.hosts]
    of_host = [
        [(bridge.name, bridge.subnet, bridge.labels, bridge.members) for bridge in host.bridges] for host in plan.hosts
    ]
    assert of_host == [
        [(bridge.name, bridge.subnet, bridge.labels, bridge.members) for bridge in host.bridges] for host in again.hosts
    ]


@given(raw_configs_with_bridges(), st.data())
def test_fabric_false_moves_no_other_address(raw: dict[str, Any], data: st.DataObject) -> None:
    """A service that leaves the fabric leaves every other container, and every host's network, as they are."""
    names = data.draw(st.lists(st.sampled_from([*raw["services"]]), unique=True)) if raw["services"] else []
    services = {
        name: without_the_fabric(service) if name in names else service for name, service in raw["services"].items()
    }
    before, after = make_plan(parse(raw)), make_plan(parse({**raw, "services": services}))
    assert after.addresses == {name: hosts for name, hosts in before.addresses.items() if name not in names}
    assert [host.network for host in after.hosts] == [host.network for host in before.hosts]
    assert [host.shim for host in after.hosts] == [host.shim for host in before.hosts]
    for container in after.containers():
        assert (container.address is None) == (container.service in names)
