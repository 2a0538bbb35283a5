"""What two stacks cannot both have, and what they can."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from ipvlan.plan.clashes import Neighbour, clashes
from ipvlan.plan.make import make_plan
from ipvlan.plan.validate import parse
from ipvlan.problems import Problem
from tools.reference_setup import DIGEST

Config = dict[str, Any]


def stack(number: int, address: str = "192.168.1.1", **host: Any) -> Config:
    """Return a stack that has nothing in common with one of another number but the machine."""
    return {
        "fabric": {"name": f"fabric{number}", "subnet": f"10.{number}.0.0/16", "gateway": f"10.{number}.0.1"},
        "hosts": {
            f"host{number}": {"address": address, "parent": f"eth0.{number}", "slice": f"10.{number}.1.0/24"} | host
        },
        "services": {
            f"web{number}": {
                "image": f"registry/web{DIGEST}",
                "offset": 5,
                "ports": [f"{8000 + number}:80"],
                "published": True,
            }
        },
    }


def found(own: Config, other: Config) -> list[Problem]:
    """Return what is said of the two, from the side of the first."""
    neighbour = Neighbour(stack="blue", file="Pulumi.blue.yaml", plan=make_plan(parse(other)))
    return list(clashes(make_plan(parse(own)), neighbour))


def said(own: Config, other: Config) -> list[tuple[str, str, str]]:
    """Return code, key and value of what is said, after a look at it from the other side."""
    problems = found(own, other)
    assert {problem.severity for problem in problems} <= {"warning"}
    assert [problem.code for problem in found(other, own)] == [problem.code for problem in problems]
    return [(problem.code, problem.key, problem.value) for problem in problems]


def changed(config: Config, path: str, value: Any) -> Config:
    """Return the config with another value at a path."""
    config = copy.deepcopy(config)
    *folders, key = path.split(".")
    place = config
    for folder in folders:
        place = place[folder]
    place[key] = value
    return config


def test_two_fabrics_on_two_vlans_of_one_machine() -> None:
    """Nothing is said of them."""
    assert said(stack(1), stack(2)) == []


def test_one_subnet_on_two_vlans_of_one_machine() -> None:
    """Nothing is said where slices and gateways differ, as docs/modes/vlan.md has it."""
    other = changed(stack(2), "fabric", {"name": "fabric2", "subnet": "10.1.0.0/16", "gateway": "10.1.0.2"})
    assert said(stack(1), changed(other, "hosts.host2.slice", "10.1.2.0/24")) == []


@pytest.mark.parametrize(
    ("gateway", "slice_", "expected"),
    [
        ("10.1.0.1", "10.1.2.0/24", ("fabric.gateway", "fabric.gateway", "10.1.0.0/16 with 10.1.0.1")),
        ("10.1.0.2", "10.1.1.0/24", ("hosts.host1.slice", "hosts.host2.slice", "10.1.0.0/16 with 10.1.1.0/24")),
    ],
)
def test_one_pool_on_one_machine(gateway: str, slice_: str, expected: tuple[str, str, str]) -> None:
    """Docker's register of addresses is per subnet: the same range or gateway is refused, also across VLANs."""
    other = changed(stack(2), "fabric", {"name": "fabric2", "subnet": "10.1.0.0/16", "gateway": gateway})
    other = changed(changed(other, "hosts.host2.slice", slice_), "services.web2.offset", 6)
    own_key, other_key, value = expected
    assert said(stack(1), other) == [("IPF356", f"{own_key} and Pulumi.blue.yaml: {other_key}", value)]


def test_one_pool_in_l3() -> None:
    """There the network's gateway is the host's own address of the slice."""

    def routed(config: Config) -> Config:
        name = config["fabric"]["name"]
        return changed(config, "fabric", {"name": name, "subnet": "10.1.0.0/16", "mode": "l3"})

    other = changed(stack(2, slice="10.1.1.0/24"), "services.web2.offset", 6)
    assert said(routed(stack(1)), routed(other)) == [
        ("IPF356", "hosts.host1.slice and Pulumi.blue.yaml: hosts.host2.slice", "10.1.0.0/16 with 10.1.1.254")
    ]


@pytest.mark.parametrize(
    ("address", "host"),
    [
        ("192.168.1.1", {}),
        ("192.168.1.2", {"ssh": "ops@192.168.1.1"}),
        ("192.168.1.1", {"ssh": "ops@192.168.1.1:2222"}),
    ],
)
@pytest.mark.parametrize(
    ("path", "value", "expected"),
    [
        (
            "services.web2.ports",
            ["8001:90"],
            ("IPF352", "services.web1.ports", "services.web2.ports", "8001:80 and 8001:90"),
        ),
        ("services.web2.container_name", "web1", ("IPF353", "services.web1", "services.web2", "web1")),
        ("fabric.name", "fabric1", ("IPF354", "fabric.name", "fabric.name", "fabric1")),
        ("hosts.host2.parent", "eth0.1", ("IPF355", "hosts.host1.parent", "hosts.host2.parent", "eth0.1")),
    ],
)
def test_one_thing_twice_on_one_machine(
    address: str, host: dict[str, str], path: str, value: Any, expected: tuple[str, str, str, str]
) -> None:
    """It is named with the key of each stack, whether the address or the ssh target shows that the machine is one."""
    code, own_key, other_key, shown = expected
    other = changed(stack(2, address, **host), path, value)
    assert said(stack(1), other) == [(code, f"{own_key} and Pulumi.blue.yaml: {other_key}", shown)]
    if host != {"ssh": "ops@192.168.1.1:2222"}:
        assert (
            said(
                stack(1),
                changed(other, "hosts.host2", other["hosts"]["host2"] | {"address": "192.168.9.9", "ssh": "x"}),
            )
            == []
        )


def test_two_daemons_of_one_machine() -> None:
    """They have names and networks of their own; ports are the machine's."""
    other = changed(stack(1), "hosts.host1.docker_socket", "/run/user/1000/docker.sock")
    assert "IPF352" in [code for code, _, _ in said(stack(1), other)]
    one_daemon = changed(stack(1), "hosts.host1.docker_socket", "/run/docker.sock")
    assert "IPF354" in [code for code, _, _ in said(stack(1), one_daemon)]
    assert not {"IPF353", "IPF354", "IPF355", "IPF356"} & {code for code, _, _ in said(stack(1), other)}


@pytest.mark.parametrize(
    ("own", "other", "clash"),
    [
        ("80:80", "80:8080", True),
        ("80:80", "80:80/udp", False),
        ("53:53/udp", "53:53/udp", True),
        ("192.168.1.1:80:80", "80:80", True),
        ("192.168.1.1:80:80", "192.168.1.1:80:80", True),
        ("192.168.1.1:80:80", "127.0.0.1:80:80", False),
        ("80:80", "81:80", False),
        ("8000-8009:8000-8009", "8009:1", True),
        ("8000-8009:8000-8009", "7990-8000:1-11", True),
        ("8000-8009:8000-8009", "8010:1", False),
        ("8000-8009:8000-8009", "8002-8003:1-2", True),
    ],
)
def test_ports(own: str, other: str, clash: bool) -> None:
    """Two ports clash by number, protocol and address of the host."""
    ours, theirs = changed(stack(1), "services.web1.ports", [own]), changed(stack(2), "services.web2.ports", [other])
    assert [code for code, _, _ in said(ours, theirs)] == (["IPF352"] if clash else [])
    # What is not published is not bound.
    assert said(changed(ours, "services.web1.published", False), theirs) == []


def test_one_address_on_one_machine() -> None:
    """Two containers of one machine have one address, on two VLANs of one subnet: Docker refuses the second."""
    other = changed(stack(2), "fabric", {"name": "fabric2", "subnet": "10.1.0.0/16", "gateway": "10.1.0.2"})
    other = changed(changed(other, "hosts.host2.slice", "10.1.0.0/22"), "services.web2.offset", 256 + 5)
    assert said(stack(1), other) == [("IPF357", "services.web1 and Pulumi.blue.yaml: services.web2", "10.1.1.5")]


@pytest.mark.parametrize("parent", ["eth0.2", "eth0.1"])
def test_one_address_in_two_subnets_of_one_machine(parent: str) -> None:
    """Docker has a register per subnet, so it is no clash on two VLANs; on one VLAN there can be one network only."""
    other = changed(stack(2), "fabric", {"name": "fabric2", "subnet": "10.1.0.0/22", "gateway": "10.1.0.2"})
    other = changed(changed(other, "hosts.host2.slice", "10.1.0.0/22"), "services.web2.offset", 256 + 5)
    codes = [code for code, _, _ in said(stack(1), changed(other, "hosts.host2.parent", parent))]
    assert codes == ([] if parent == "eth0.2" else ["IPF355", "IPF357", "IPF358"])


def routed(number: int, others: str, own: str, machine: str = "10.0.0.3", mode: str = "l3") -> Config:
    """Return a routed stack with a host of its own, and one that the machine at 10.0.0.3 is."""
    config = stack(number)
    config["fabric"] = {"name": f"fabric{number}", "subnet": f"10.{number + 1}.0.0/16", "mode": mode}
    config["hosts"] = {
        f"far{number}": {"address": f"10.0.0.{number}", "parent": f"eth0.{number}", "slice": others},
        f"near{number}": {"address": machine, "parent": f"eth0.{number}", "slice": own},
    }
    config["services"] = {}
    return config


def one_subnet(config: Config) -> Config:
    """Return the config with a subnet that several have."""
    return changed(config, "fabric.subnet", "10.1.0.0/16")


@pytest.mark.parametrize(
    ("slice_", "value"),
    [
        ("10.1.1.0/24", "10.1.1.0/24 via 10.0.0.1 and via 10.0.0.2"),
        ("10.1.1.128/25", "10.1.1.0/24 via 10.0.0.1 and 10.1.1.128/25 via 10.0.0.2"),
        ("10.1.0.0/23", "10.1.1.0/24 via 10.0.0.1 and 10.1.0.0/23 via 10.0.0.2"),
        ("10.1.2.0/24", None),
    ],
)
def test_two_routes_of_one_machine(slice_: str, value: str | None) -> None:
    """A host reaches a destination by one way: the second `up` would stop at it, or one of the two is not reached."""
    own, other = one_subnet(routed(1, "10.1.1.0/24", "10.1.8.0/24")), one_subnet(routed(2, slice_, "10.1.9.0/24"))
    expected = ("IPF359", "hosts.far1.slice and Pulumi.blue.yaml: hosts.far2.slice", value)
    assert said(own, other) == ([expected] if value else [])
    assert said(own, changed(other, "hosts.near2.address", "10.0.0.4")) == []
    # Routes are the machine's, and not its daemons'.
    two = changed(other, "hosts.near2.docker_socket", "/run/user/1000/docker.sock")
    assert said(own, two) == ([expected] if value else [])


def test_one_route_of_two_stacks() -> None:
    """The same destination by the same host is one route."""
    own, other = (
        one_subnet(routed(1, "10.1.1.0/24", "10.1.8.0/24")),
        one_subnet(routed(2, "10.1.1.0/24", "10.1.9.0/24")),
    )
    other = changed(other, "hosts.far2.address", "10.0.0.1")
    assert "IPF359" not in [code for code, _, _ in said(own, other)]


def test_a_route_to_a_single_address() -> None:
    """It is named by the service that has the address."""
    own, other = (
        one_subnet(routed(1, "10.1.1.0/24", "10.1.8.0/24")),
        one_subnet(routed(2, "10.1.2.0/24", "10.1.9.0/24")),
    )
    web = {"image": f"registry/web{DIGEST}", "hosts": ["far2"], "addresses": {"far2": "10.1.1.9"}}
    assert said(own, changed(other, "services.web", web)) == [
        (
            "IPF359",
            "hosts.far1.slice and Pulumi.blue.yaml: services.web",
            "10.1.1.0/24 via 10.0.0.1 and 10.1.1.9/32 via 10.0.0.2",
        )
    ]


def test_a_shim_and_a_route_of_one_machine() -> None:
    """Over the shim the machine reaches its own containers, and by the route those of another host."""
    own = stack(1, "10.0.0.3", shim=True, parent="eth0.9")
    other = one_subnet(routed(2, "10.1.1.0/24", "10.1.9.0/24"))
    assert said(own, other) == [
        (
            "IPF359",
            "hosts.host1.shim and Pulumi.blue.yaml: hosts.far2.slice",
            "10.1.1.0/24 over its shim shim.eth0.9 and via 10.0.0.2",
        )
    ]


def lan(number: int, **host: Any) -> Config:
    """Return a stack on the LAN that its host is on."""
    config = stack(number)
    subnet, gateway = "192.168.1.0/24", "192.168.1.1"
    config["fabric"] = {"name": f"lan{number}", "subnet": subnet, "gateway": gateway, "reserved": ["192.168.1.100/30"]}
    config["hosts"] = {
        f"host{number}": {"address": f"192.168.1.{9 + number}", "parent": "eth0", "slice": "192.168.1.32/28"} | host
    }
    config["services"][f"web{number}"] |= {"offset": 8, "ports": [f"127.0.0.1:800{number}:80"]}
    return config


@pytest.mark.parametrize("parent", ["eth0", "ens33", "eth0.20"])
def test_two_stacks_on_one_lan(parent: str) -> None:
    """Own addresses in the fabric's subnet show one LAN, whatever the NICs are called."""
    assert said(lan(1), lan(2, parent=parent)) == [
        ("IPF357", "services.web1 and Pulumi.blue.yaml: services.web2", "192.168.1.40"),
        ("IPF358", "hosts.host1.slice and Pulumi.blue.yaml: hosts.host2.slice", "192.168.1.32/28"),
    ]
    assert said(lan(1), lan(2, parent=parent, slice="192.168.1.48/28")) == []
    # Written as a part of the LAN, it is the same one.
    part = changed(lan(2, parent=parent), "fabric.subnet", "192.168.1.0/25")
    part["fabric"]["reserved"] = []
    assert [code for code, _, _ in said(lan(1), part)] == ["IPF357", "IPF358"]
    # A host that is not on the LAN of the other one shows nothing.
    far = changed(lan(2, parent="ens33"), "hosts.host2.address", "10.9.9.9")
    assert said(lan(1), far) == []


@pytest.mark.parametrize(
    ("own", "other", "one_machine"),
    [
        (None, None, True),
        (None, "ops@192.168.1.10:2222", True),
        ("box.example", "ops@BOX.example", True),
        (None, "siteb.example", False),
        ("sitea.example", "siteb.example", False),
        ("sitea.example", "10.8.0.2", False),
        ("nat.example:2201", "nat.example:2202", False),
    ],
)
def test_two_sites_with_one_plan_of_addresses(own: str | None, other: str | None, one_machine: bool) -> None:
    """An own address is one machine where ssh goes to it; two machines with one address are on two LANs, so nothing clashes."""

    def site(number: int, ssh: str | None) -> Config:
        config = lan(number, address="192.168.1.10", **({"ssh": ssh} if ssh else {}))
        return changed(config, f"services.web{number}.ports", ["127.0.0.1:80:80"])

    codes = {code for code, _, _ in said(site(1, own), site(2, other))}
    assert codes == ({"IPF352", "IPF355", "IPF356", "IPF357", "IPF358"} if one_machine else set())
    # The same outside of LAN mode.
    apart = {"hosts__host2__slice": "10.1.1.0/24", "hosts__host2__address": "192.168.1.1"}
    if other and not one_machine:
        config = stack(1, **({"ssh": own} if own else {}))
        assert said(config, beside(**apart, hosts__host2__ssh=other)) == []


def beside(**changes: Any) -> Config:
    """Return a stack on another machine of the LAN, on the same parent and subnet as `stack(1)`."""
    config = stack(2, "192.168.1.2", parent="eth0.1", slice="10.1.2.0/24")
    config["fabric"] = {"name": "fabric2", "subnet": "10.1.0.0/16", "gateway": "10.1.0.1"}
    for path, value in changes.items():
        config = changed(config, path.replace("__", "."), value)
    return config


def test_two_stacks_on_one_link() -> None:
    """On different machines, one subnet on one VLAN is no clash; one address and overlapping slices are."""
    assert said(stack(1), beside()) == []
    assert said(stack(1), beside(services__web2__addresses={"host2": "10.1.2.5"})) == []
    assert said(stack(1), beside(hosts__host2__slice="10.1.0.0/16", services__web2__offset=9)) == [
        ("IPF358", "hosts.host1.slice and Pulumi.blue.yaml: hosts.host2.slice", "10.1.1.0/24 and 10.1.0.0/16")
    ]
    assert said(stack(1), beside(hosts__host2__slice="10.1.1.0/24")) == [
        ("IPF357", "services.web1 and Pulumi.blue.yaml: services.web2", "10.1.1.5"),
        ("IPF358", "hosts.host1.slice and Pulumi.blue.yaml: hosts.host2.slice", "10.1.1.0/24"),
    ]


@pytest.mark.parametrize(
    "apart",
    [
        {"hosts__host2__parent": "eth0.2"},
        {"hosts__host2__address": "172.20.7.2"},
        {"fabric": {"name": "fabric2", "subnet": "10.1.0.0/16", "mode": "l3"}},
    ],
    ids=["another VLAN", "another site", "routed"],
)
def test_two_stacks_on_two_links(apart: dict[str, Any]) -> None:
    """The same addresses are no clash where the files show two links, or no link at all."""
    assert said(stack(1), beside(hosts__host2__slice="10.1.1.0/24", **apart)) == []


def test_the_address_of_a_router_or_shim() -> None:
    """A container with the gateway's address of the other stack, or with that of its shim, is told; a common gateway is none."""
    router = beside(fabric={"name": "fabric2", "subnet": "10.1.0.0/16", "gateway": "10.1.1.5"})
    assert said(stack(1), router) == [("IPF357", "services.web1 and Pulumi.blue.yaml: fabric.gateway", "10.1.1.5")]
    shim = changed(beside(), "hosts.host2", beside()["hosts"]["host2"] | {"slice": "10.1.1.0/29", "shim": True})
    shim = changed(shim, "services.web2.offset", 1)
    own = changed(stack(1), "services.web1.offset", 6)
    assert ("IPF357", "services.web1 and Pulumi.blue.yaml: hosts.host2.shim", "10.1.1.6") in said(own, shim)


def test_many_of_a_kind_are_one_warning() -> None:
    """It names the first, counts the others, and says which machines it is about."""
    own, other = stack(1), stack(2)
    for config, number in ((own, 1), (other, 2)):
        config["hosts"] = {
            f"h{index}": {"address": f"192.168.1.{index}", "parent": "eth0", "slice": f"10.{number}.{index}.0/24"}
            for index in range(1, 7)
        }
    (problem,) = found(own, other)
    assert (problem.code, problem.key, problem.value) == (
        "IPF355",
        "hosts.h1.parent and Pulumi.blue.yaml: hosts.h1.parent",
        "eth0",
    )
    assert problem.problem == (
        "stack blue has its network on the same parent (192.168.1.1); and 5 more such: eth0 (192.168.1.2), "
        "eth0 (192.168.1.3), eth0 (192.168.1.4), ..."
    )


def test_one_volume_of_a_machine() -> None:
    """Docker has one of a name; where one stack calls it external the two share it on purpose."""
    own, other = stack(1), stack(2)
    own["volumes"] = {"data": {"name": "shared", "hosts": ["host1"]}}
    other["volumes"] = {"shared": {"hosts": ["host2"]}}
    assert said(own, other) == [("IPF798", "volumes.data and Pulumi.blue.yaml: volumes.shared", "shared")]
    other["volumes"]["shared"]["external"] = True
    assert said(own, other) == []
    other["volumes"] = {"data": {"hosts": ["host2"]}}
    assert said(own, other) == []
