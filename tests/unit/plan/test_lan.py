"""LAN mode: the fabric's subnet is that of the LAN that hosts are on themselves."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from netaddr import IPAddress, IPNetwork, IPSet, iprange_to_cidrs

from ipvlan.config.yaml_file import Checkout
from ipvlan.plan.address_space import AddressSpace, Cause
from ipvlan.plan.address_usage import slice_use, who_holds
from ipvlan.plan.allocate import allocate, filled
from ipvlan.plan.lan import own_addresses
from ipvlan.plan.make import make_plan
from ipvlan.plan.model import Plan
from ipvlan.plan.reachability import Cell, make_matrix
from ipvlan.plan.validate import parse
from ipvlan.problems import ConfigError
from tools.bad_input.lan import ON_LAN
from tools.reference_setup import REMOVE, changed, image

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


def test_allocate_avoids_the_hosts_own_addresses() -> None:
    """A slice that `allocate` writes has no host's own address, and an offset never leads to one."""
    raw = changed(
        {
            **ON_LAN,
            "fabric.slice_prefix": 29,
            "fabric.reserved": ["192.168.140.0-192.168.140.191"],
            "hosts.docker-1.slice": "192.168.140.192/29",
            "hosts.docker-2.slice": REMOVE,
            "services.nginx.offset": REMOVE,
        }
    )
    # 192.168.140.200/29 has both hosts.
    assert [allocation.value for allocation in allocate(raw, Checkout(Path()))] == ["192.168.140.208/29", 2]
    raw["hosts"]["docker-1"].update(address="192.168.140.194")
    raw["hosts"]["docker-2"].update(address="192.168.140.211", slice="192.168.140.208/29")
    assert [allocation.value for allocation in allocate(raw, Checkout(Path()))] == [4]


def test_a_slice_is_beside_all_that_the_lan_has() -> None:
    """One for a host that is in the LAN itself: not with its own address, nor with anybody's but the pool's in the way."""
    raw = changed(
        {
            **ON_LAN,
            "fabric.slice_prefix": 28,
            "fabric.reserved": ["192.168.140.100-192.168.140.149", "192.168.140.2"],
            "hosts.docker-1.address": "192.168.140.20",
            "hosts.docker-1.slice": REMOVE,
            "hosts.docker-1.shim": "192.168.140.70",
            "hosts.docker-2.address": "192.168.140.35",
            "hosts.docker-2.shim": "192.168.140.85",
            "services.fixed": {**image(), "addresses": {"docker-1": "192.168.140.90", "docker-2": "192.168.140.161"}},
        }
    )
    # .0 has the gateway, .16 and .32 hosts, .48 is a slice, .64 and .80 have shims, .96 to .144 the pool, .160 a container.
    assert [one.value for one in allocate(raw, Checkout(Path()))] == ["192.168.140.176/28"]


@st.composite
def incomplete_lans(draw: st.DrawFn) -> dict[str, Any]:
    """Draw a stack on a LAN that has no mistake and lacks slices and offsets: each thing has an address of its own."""
    subnet = IPNetwork("192.168.140.0/25")
    # The upper half of the LAN has the slices that are there, and no other address but of hosts.
    lower, upper = (list(half) for half in subnet.subnet(26))
    first = draw(st.integers(1, 60))
    pool = range(first, min(first + draw(st.integers(1, 30)), 63))
    addresses = iter(draw(st.permutations([lower[number] for number in range(1, 64) if number not in pool])))
    own = iter(draw(st.permutations(upper[1:-1])))
    raw: dict[str, Any] = {
        "fabric": {
            "name": "lan",
            "mode": "l2",
            "subnet": str(subnet),
            "gateway": str(next(addresses)),
            "reserved": [f"{lower[pool.start]}-{lower[pool.stop - 1]}", str(next(addresses))],
            "slice_prefix": draw(st.integers(27, 30)),
        },
        "hosts": {},
        "services": {},
    }
    given_slices = iter(["192.168.140.64/28", "192.168.140.96/28"])
    for number in range(draw(st.integers(1, 3))):
        host: dict[str, Any] = {"parent": "eth0"}
        # The first one is on the LAN, so that it is one.
        kind = draw(st.sampled_from(["lower", "upper"] if number == 0 else ["lower", "upper", "outside"]))
        host["address"] = {"lower": str(next(addresses)), "upper": str(next(own)), "outside": f"192.168.9.{number}"}[
            kind
        ]
        shim = draw(st.sampled_from([False, True, "address"]))
        host["shim"] = str(next(addresses)) if shim == "address" else shim
        if draw(st.booleans()):
            host["dynamic"] = "none"
        if number < 2 and draw(st.booleans()):
            # `shim: true` is the address before the last.
            host["slice"] = next(given_slices)
            host["shim"] = False if shim is True else host["shim"]
        raw["hosts"][f"h{number}"] = host
    for number in range(draw(st.integers(1, 4))):
        hosts = draw(st.lists(st.sampled_from(sorted(raw["hosts"])), min_size=1, unique=True))
        explicit = draw(st.lists(st.sampled_from(hosts), unique=True))
        raw["services"][f"s{number}"] = {
            **image(),
            "hosts": hosts,
            "addresses": {host: str(next(addresses)) for host in explicit},
        }
    # A host without a slice has containers that need one: with `shim: true` and none it has no address for the shim.
    raw["services"]["everywhere"] = image()
    return raw


@given(incomplete_lans())
def test_whatever_allocate_writes_on_a_lan_is_planned_and_apart(raw: dict[str, Any]) -> None:
    """A slice has no address of a host, a shim, a container, the router or the pool; only a lack of room is refused."""
    try:
        allocations = allocate(raw, Checkout(Path()))
    except ConfigError as error:
        assert {problem.code for problem in error.problems} <= {"IPF602", "IPF603"}  # noqa: PT017  # both are fine
        return
    new = IPSet(IPNetwork(str(one.value)) for one in allocations if one.key == "slice")
    missing = [name for name, host in raw["hosts"].items() if "slice" not in host]
    assert [one.entry for one in allocations if one.key == "slice"] == missing
    taken = [raw["fabric"]["gateway"], *raw["fabric"]["reserved"]]
    for host in raw["hosts"].values():
        taken += [host["address"], *([host["slice"]] if "slice" in host else [])]
        taken += [host["shim"]] if isinstance(host["shim"], str) else []
    for service in raw["services"].values():
        taken += service.get("addresses", {}).values()
    assert not new & IPSet(address for text in taken for address in _cidrs(text))
    plan = make_plan(parse(filled(raw, allocations)))
    assert plan.lan
    assert {container.host for container in plan.containers() if container.service == "everywhere"} == set(raw["hosts"])
    assert allocate(filled(raw, allocations), Checkout(Path())) == []


def _cidrs(text: str) -> list[IPNetwork]:
    return iprange_to_cidrs(*text.split("-")) if "-" in text else [IPNetwork(text)]


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
        assert make_plan(config).warnings == ()
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
