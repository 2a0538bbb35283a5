"""LAN mode: the fabric's subnet is that of the LAN that hosts are on themselves."""

from __future__ import annotations

from typing import Any

import pytest
from netaddr import IPAddress, IPNetwork

from ipvlan.plan.address_space import AddressSpace
from ipvlan.plan.address_usage import slice_use, who_holds
from ipvlan.plan.cells import Cell
from ipvlan.plan.lan import own_addresses
from ipvlan.plan.make import make_plan
from ipvlan.plan.model import Plan
from ipvlan.plan.reachability import make_matrix
from ipvlan.plan.reasons import Cause
from ipvlan.plan.validate import parse
from ipvlan.problems import ConfigError
from tools.bad_input.lan import ON_LAN
from tools.reference_setup import REMOVE, changed

INTERNET = IPAddress("203.0.113.10")


def lan_plan(**changes: Any) -> Plan:
    """Return the plan of the reference setup on the LAN of its hosts, with further changes; `__` is the dot of a key path."""
    return make_plan(parse(changed({**ON_LAN, **{path.replace("__", "."): value for path, value in changes.items()}})))


def cells(plan: Plan) -> dict[tuple[str, str, str], Cell]:
    """Return the matrix, by kind, source and target."""
    return {(cell.kind, cell.source, cell.target): cell for cell in make_matrix(plan, internet=[INTERNET]).cells}


def expected(plan: Plan, kind: str, source: str, target: str) -> str:
    """Return what the plan expects of one cell."""
    return cells(plan)[kind, source, target].expected


@pytest.mark.parametrize(
    ("mode", "subnet", "on_lan"),
    [
        ("l2", "192.168.140.0/24", {"docker-1", "docker-2"}),
        ("l2", "192.168.140.192/29", set()),
        ("l2", "192.168.140.200/32", {"docker-1"}),
        ("l3", "192.168.140.0/24", set()),
        ("l3s", "192.168.140.0/24", set()),
    ],
)
def test_lan_mode_is_l2_with_a_host_in_the_subnet(mode: Any, subnet: str, on_lan: set[str]) -> None:
    """Nothing but a host's own address in the subnet, in l2, selects LAN mode."""
    hosts = {"docker-1": IPAddress("192.168.140.200"), "docker-2": IPAddress("192.168.140.201")}
    assert own_addresses(IPNetwork(subnet), mode, hosts).keys() == on_lan


def test_a_config_on_the_lan_is_planned_without_a_warning() -> None:
    """Ports that are not published are no mistake on a LAN, since clients reach them at the container's own address."""
    plan = lan_plan()
    assert plan.lan
    assert plan.warnings == ()
    assert plan.urls == {"nginx": ["http://192.168.140.34", "http://192.168.140.50"]}


def test_a_port_other_than_80_is_in_the_url_as_the_container_has_it() -> None:
    """At its own address a container answers at the container's port, not at the host's; udp has no URL."""
    plan = lan_plan(services__nginx__ports=["8080:81", "53:53/udp"])
    assert plan.urls["nginx"] == ["http://192.168.140.34:81", "http://192.168.140.50:81"]


def test_elsewhere_only_published_ports_have_urls() -> None:
    """Outside LAN mode the plan does not say who reaches a container's own address."""
    plan = make_plan(parse(changed({"services.nginx.published": False})))
    assert not plan.lan
    assert plan.urls == {}


def test_the_hosts_own_addresses_are_nobody_elses() -> None:
    """In a slice that has them, hosts' own addresses are neither free for containers nor assigned by Docker."""
    plan = lan_plan(**{"hosts__docker-1__slice": "192.168.140.192/28"})
    space = plan.address_space
    for own in map(IPAddress, ("192.168.140.200", "192.168.140.201")):
        assert own not in space.usable("docker-1")
        assert not space.is_free(own, "docker-1")
        assert not space.assignable(own, "docker-1")
        assert [reason.cause for reason in space.reasons(own, "docker-1")] == [Cause.HOST]
    assert who_holds(plan, IPAddress("192.168.140.201")) == ["the host docker-2 itself, in the LAN"]
    assert slice_use(plan, plan.host("docker-1")).free == 16 - 2 - 2


def test_outside_lan_mode_the_hosts_addresses_take_nothing() -> None:
    """In l3 the hosts' addresses are no reason; the config is refused by its own rule."""
    config = parse(changed({**ON_LAN, "fabric.mode": "l3", "fabric.gateway": REMOVE}))
    space = AddressSpace.from_config(config.fabric, config.hosts, config.services)
    assert Cause.HOST not in {reason.cause for reason in space.reasons(IPAddress("192.168.140.200"))}
    with pytest.raises(ConfigError) as refused:
        make_plan(config)
    problems = [problem for problem in refused.value.problems if problem.code == "IPF304"]
    assert [problem.key for problem in problems] == ["hosts.docker-1.address", "hosts.docker-2.address"]
    assert all("in mode l3" in problem.problem for problem in problems)


def test_the_matrix_on_a_lan() -> None:
    """Hosts of the LAN are on the containers' link: others are reached both ways, the own one neither way."""
    plan = lan_plan()
    assert expected(plan, "container", "docker-1/centos", "docker-2/nginx") == "yes"
    assert expected(plan, "host-address", "docker-1/centos", "docker-1") == "no"
    assert expected(plan, "host-address", "docker-1/centos", "docker-2") == "yes"
    assert expected(plan, "own-container", "docker-1", "docker-1/centos") == "no"
    assert expected(plan, "other-container", "docker-1", "docker-2/centos") == "yes"
    assert expected(plan, "gateway", "docker-1/centos", "gateway") == "any"
    assert expected(plan, "internet", "docker-1/centos", "internet") == "unless-gateway"


def test_a_shim_on_a_lan() -> None:
    """A shim connects the host with its own containers, at the shim's address and at its own."""
    plan = lan_plan(**{"hosts__docker-2__shim": True})
    assert expected(plan, "own-container", "docker-2", "docker-2/nginx") == "yes"
    assert expected(plan, "shim", "docker-2/nginx", "docker-2's shim") == "yes"
    assert expected(plan, "host-address", "docker-2/nginx", "docker-2") == "yes"
    assert expected(plan, "host-address", "docker-1/nginx", "docker-2") == "yes"
    assert expected(plan, "own-container", "docker-1", "docker-1/nginx") == "no"


def test_egress_and_internet_on_a_lan() -> None:
    """With egress the router must answer and leads out. With the bridge the LAN is still on the container's own link."""
    plan = lan_plan(services__nginx__egress="gateway", services__centos__internet=True)
    assert expected(plan, "gateway", "docker-1/nginx", "gateway") == "yes"
    assert expected(plan, "internet", "docker-1/nginx", "internet") == "yes"
    assert expected(plan, "internet", "docker-1/centos", "internet") == "yes"
    assert expected(plan, "host-address", "docker-1/centos", "docker-1") == "no"


def test_a_host_outside_the_lan_is_as_without_lan_mode() -> None:
    """Of a host outside the subnet the plan does not know how it is reached, unless something answers at the gateway."""
    plan = lan_plan(**{"hosts__docker-2__address": "192.168.9.201"})
    assert [problem.code for problem in plan.warnings] == ["IPF341"]
    assert expected(plan, "host-address", "docker-1/centos", "docker-2") == "unless-gateway"
    assert expected(plan, "host-address", "docker-2/centos", "docker-1") == "yes"
    assert expected(plan, "own-container", "docker-2", "docker-2/centos") == "unless-gateway"
    assert expected(plan, "other-container", "docker-1", "docker-2/centos") == "yes"
    assert ("other-container", "docker-2", "docker-1/centos") not in cells(plan)


def test_clients_reach_each_tcp_port_at_the_containers_own_address() -> None:
    """There is a cell per tcp port, at the container's address and port; nothing is asked of the host's address."""
    plan = lan_plan(services__nginx__ports=["8080:81", "8081:81", "443:443", "53:53/udp"])
    of_target = [
        cell for cell in make_matrix(plan).cells if cell.target == "docker-1/nginx" and cell.source == "client"
    ]
    assert [(cell.kind, str(cell.address), cell.published_port.host_port, cell.expected) for cell in of_target] == [
        ("container-port", "192.168.140.34", 81, "yes"),
        ("container-port", "192.168.140.34", 443, "yes"),
    ]


def test_through_the_bridge_the_plan_does_not_know_which_clients_are_answered() -> None:
    """A container with internet answers clients on the LAN and not those beyond the router; the plan has no client."""
    plan = lan_plan(services__nginx__internet=True)
    assert expected(plan, "container-port", "client", "docker-1/nginx") == "any"
    assert [problem.code for problem in plan.warnings] == ["IPF431"]


def test_outside_lan_mode_no_port_is_asked_at_a_containers_own_address() -> None:
    """Elsewhere the plan does not know whether a client has a route."""
    plan = make_plan(parse(changed({})))
    assert not [cell for cell in make_matrix(plan).cells if cell.kind == "container-port"]


@pytest.mark.parametrize(
    ("ports", "refused"),
    [
        (["80:80"], True),
        (["192.168.140.200:80:80"], True),
        (["127.0.0.1:80:80"], False),
        (["10.9.0.5:80:80"], False),
        (["127.0.0.1:80:80", "443:443"], True),
    ],
)
def test_a_port_is_published_only_where_no_client_of_the_lan_asks(ports: list[str], refused: bool) -> None:
    """Clients of the LAN are answered on the fabric and drop it; the host itself and other networks are answered by the bridge."""
    config = parse(
        changed(
            {
                **ON_LAN,
                "services.nginx.published": True,
                "services.nginx.ports": ports,
                "services.nginx.hosts": ["docker-1"],
            }
        )
    )
    if not refused:
        # Clients use the container's own address where only the host is served at its own.
        codes = ["IPF431"] if ports == ["127.0.0.1:80:80"] else []
        assert [problem.code for problem in make_plan(config).warnings] == codes
        return
    with pytest.raises(ConfigError) as problems:
        make_plan(config)
    assert [problem.code for problem in problems.value.problems] == ["IPF432"]


def test_a_host_outside_the_lan_may_publish() -> None:
    """A service that runs only on a host outside the subnet is published there as ever."""
    plan = lan_plan(
        **{"hosts__docker-2__address": "192.168.9.201"},
        services__nginx__published=True,
        services__nginx__hosts=["docker-2"],
    )
    assert [problem.code for problem in plan.warnings] == ["IPF341"]


def test_a_host_without_containers_may_be_the_router() -> None:
    """The gateway is a host's own address only where no container of that host routes through it."""
    apart = {"services__centos__hosts": ["docker-1"], "services__nginx__hosts": ["docker-1"]}
    assert lan_plan(fabric__gateway="192.168.140.201", **apart).lan
    bridged = {"services__centos__internet": True, "services__nginx__hosts": ["docker-1"]}
    assert lan_plan(fabric__gateway="192.168.140.201", **bridged).lan


def test_name_servers_beyond_the_lan_are_reached_through_its_router() -> None:
    """On a LAN the gateway is the router that the hosts use too, so a service needs no egress to find a name server."""
    assert lan_plan(fabric__dns=["203.0.113.53"], services__centos__dns=["203.0.113.54"]).warnings == ()


def test_a_small_lan_is_no_choice() -> None:
    """The size of a LAN is not the fabric's to choose, so nothing is said about it."""
    plan = lan_plan(
        **{"hosts__docker-1__slice": "192.168.140.208/29", "hosts__docker-2__slice": "192.168.140.216/29"},
        fabric__subnet="192.168.140.192/26",
        fabric__gateway="192.168.140.193",
        fabric__reserved=["192.168.140.240-192.168.140.250"],
    )
    assert plan.warnings == ()


def test_a_name_server_on_a_host_is_asked_from_other_hosts_only() -> None:
    """A host's own address as name server is told of where containers of that host ask it; with a shim the plan does not know."""
    (warning,) = lan_plan(services__centos__dns=["192.168.140.200"]).warnings
    assert (warning.code, warning.key) == ("IPF345", "services.centos.dns")
    elsewhere = {"services__centos__dns": ["192.168.140.200"], "services__centos__hosts": ["docker-2"]}
    assert lan_plan(**elsewhere).warnings == ()
    with_shim = {"hosts__docker-1__shim": True, "hosts__docker-1__dynamic": "none"}
    assert lan_plan(services__centos__dns=["192.168.140.200"], **with_shim).warnings == ()


def test_docker_gets_no_ports_of_a_container_on_a_lan() -> None:
    """Every port is at its own address. So thousands are no trouble, unless a host is outside the LAN, or they are published."""
    many = {"services__nginx__ports": ["16384-32768:16384-32768/udp"]}
    plan = lan_plan(**many)
    assert plan.warnings == ()
    assert {container.docker_ports for container in plan.containers()} == {()}
    outside = lan_plan(**many, **{"hosts__docker-2__address": "192.168.9.201"})
    assert [problem.code for problem in outside.warnings] == ["IPF341", "IPF436"]
    assert outside.host("docker-1").container("nginx").docker_ports == ()
    assert outside.host("docker-2").container("nginx").docker_ports != ()
    alone = lan_plan(services__nginx__ports=["127.0.0.1:5000:80"], services__nginx__published=True)
    assert [str(port) for port in alone.host("docker-1").container("nginx").docker_ports] == ["127.0.0.1:5000:80"]
