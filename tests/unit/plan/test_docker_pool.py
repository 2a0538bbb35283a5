"""What Docker may assign by itself, for every form of a slice."""

from __future__ import annotations

import copy
import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from netaddr import IPAddress, IPNetwork, IPRange, IPSet

from ipvlan.plan.address_space import AddressSpace
from ipvlan.plan.blocks import has_edges, set_of
from ipvlan.plan.docker_pool import docker_pool
from ipvlan.plan.host_blocks import HostBlocks
from ipvlan.plan.make import make_plan
from ipvlan.plan.model import HostPlan, Plan
from ipvlan.plan.rules import check
from ipvlan.plan.validate import parse
from ipvlan.problems import Problem
from tests.support.slice_configs import IMAGE, SUBNET, slice_configs


def assigned(host: HostPlan) -> IPSet:
    """Return what Docker may assign on the host."""
    network = host.network
    return set_of([network.ip_range]) - set_of(
        [*network.auxiliary.values(), *([network.gateway] if network.gateway else [])]
    )


def planned(plan: Plan, *, on: str = "", not_on: str = "") -> IPSet:
    """Return the addresses of containers, of one host or of all others."""
    return set_of(
        container.fabric_address
        for container in plan.on_fabric()
        if container.host != not_on and on in ("", container.host)
    )


@settings(deadline=None)
@given(slice_configs())
def test_docker_assigns_nothing_that_belongs_to_others(raw: dict[str, Any]) -> None:
    """What Docker may assign is disjoint from all that is planned, for every form of a slice, mode and `dynamic`."""
    plan = make_plan(parse(raw))
    kept = set_of([*plan.reserved, *(host.shim.address for host in plan.hosts if host.shim)])
    for host in plan.hosts:
        mine = assigned(host)
        others = set_of(block for other in plan.hosts if other is not host for block in other.slices)
        assert not mine & (others | planned(plan, not_on=host.name))
        assert plan.gateway is None or plan.gateway not in mine
        unrestricted = (
            host.dynamic is None and not host.static_only and len(host.slices) == 1 and has_edges(host.slices[0])
        )
        if unrestricted:
            assert mine <= set_of(host.slices)
            if mine & kept:
                assert any(one.code == "IPF332" and f"hosts.{host.name}.slice" in one.key for one in plan.warnings)
        elif host.dynamic is not None:
            assert mine <= set_of([host.dynamic])
            assert not mine & (kept | planned(plan))
        else:
            assert host.static_only
        assert not (host.static_only and mine)


@settings(deadline=None)
@given(slice_configs())
def test_docker_takes_every_network(raw: dict[str, Any]) -> None:
    """Range, gateway and auxiliary addresses are of the subnet, different, not the subnet's own, and no container's."""
    for host in make_plan(parse(raw)).hosts:
        network = host.network
        assert network.gateway is not None
        assert network.ip_range in network.subnet
        reserved = [network.gateway, *network.auxiliary.values()]
        assert len(set(reserved)) == len(reserved)
        assert {SUBNET.network, SUBNET.broadcast}.isdisjoint(reserved)
        assert all(address in network.subnet for address in reserved)
        assert {container.address for container in host.containers}.isdisjoint(reserved)


@settings(deadline=None)
@given(slice_configs(), st.integers(SUBNET.first, SUBNET.last), st.integers(0, 1))
def test_what_an_error_suggests_is_possible(raw: dict[str, Any], address: int, number: int) -> None:
    """Every address in the fix of an error about an address could be the container's."""
    host = f"host-{number}"
    for problem in problems(raw, host, IPAddress(address)):
        for first, last in re.findall(r"use (?:one of )?(10\.1\.1\.\d+)(?: to (10\.1\.1\.\d+))?", problem.fix):
            for suggested in IPRange(first, last or first):
                assert problems(raw, host, suggested) == []


def problems(raw: dict[str, Any], host: str, address: IPAddress) -> list[Problem]:
    """Return what is wrong with one more container that has the address."""
    more = copy.deepcopy(raw)
    more["services"]["one-more"] = {"image": IMAGE, "hosts": [host], "addresses": {host: str(address)}}
    config = parse(more)
    space = AddressSpace.from_config(config.fabric, config.hosts, config.services)
    return [one for one in check(config, space) if "one-more" in one.key and one.severity == "error"]


@pytest.mark.parametrize(
    ("slices", "dynamic", "ip_range", "auxiliary"),
    [
        ("10.1.1.0/24", None, "10.1.1.0/24", {}),
        ("10.1.1.0/24", "10.1.1.128/25", "10.1.1.128/25", {}),
        ("10.1.1.0/24", "none", "10.1.1.0/32", {"no-dynamic-address": "10.1.1.0"}),
        ("10.1.0.0/24", "none", "10.1.0.1/32", {}),
        ("10.1.1.0/31", None, "10.1.0.1/32", {}),
        ("10.1.1.7/32", "none", "10.1.0.1/32", {}),
        ("10.1.1.7", None, "10.1.0.1/32", {}),
        ("10.1.1.0-10.1.1.255", None, "10.1.0.1/32", {}),
        (["10.1.1.0/24", "10.1.3.0/24"], None, "10.1.0.1/32", {}),
        (["10.1.1.0/24", "10.1.3.0/24"], "10.1.3.0/25", "10.1.3.0/25", {}),
        (["10.1.1.0/25", "10.1.1.128/25"], "10.1.1.0/24", "10.1.1.0/24", {}),
        ([], None, "10.1.0.1/32", {}),
    ],
)
def test_each_form_in_l2(slices: object, dynamic: str | None, ip_range: str, auxiliary: dict[str, str]) -> None:
    """One subnet is as it always was; of every other form Docker may assign `dynamic`, or nothing."""
    network = network_of("l2", slices, dynamic)
    assert (str(network.gateway), str(network.ip_range)) == ("10.1.0.1", ip_range)
    assert {name: str(address) for name, address in network.auxiliary.items()} == auxiliary


@pytest.mark.parametrize(
    ("slices", "dynamic", "ip_range", "gateway"),
    [
        ("10.1.1.0/24", None, "10.1.1.0/24", "10.1.1.254"),
        ("10.1.1.0/24", "none", "10.1.1.254/32", "10.1.1.254"),
        ("10.1.1.0/24", "10.1.1.128/25", "10.1.1.128/25", "10.1.1.254"),
        (["10.1.7.7", "10.1.1.0/24"], None, "10.1.1.254/32", "10.1.1.254"),
        ("10.1.7.7", None, "10.1.255.254/32", "10.1.255.254"),
        ([], None, "10.1.255.254/32", "10.1.255.254"),
    ],
)
def test_each_form_in_l3(slices: object, dynamic: str | None, ip_range: str, gateway: str) -> None:
    """Docker's own gateway is that of the first subnet of the slice, or the last address of the fabric's subnet."""
    network = network_of("l3", slices, dynamic)
    assert (str(network.gateway), str(network.ip_range), network.auxiliary) == (gateway, ip_range, {})


def network_of(mode: str, slices: object, dynamic: str | None) -> Any:
    """Return the network of a fabric with one host."""
    fabric: dict[str, Any] = {"name": "lan", "mode": mode, "subnet": "10.1.0.0/16"}
    fabric |= {"gateway": "10.1.0.1"} if mode == "l2" else {}
    host = {"address": "192.168.140.1", "parent": "ens33", "slice": slices, "dynamic": dynamic}
    return make_plan(parse({"fabric": fabric, "hosts": {"a": host}, "services": {}})).hosts[0].network


@pytest.mark.parametrize(
    ("changes", "gateway"),
    [({}, "10.1.4.0"), ({"services": {"web": {"image": IMAGE, "addresses": {"a": "10.1.4.0"}}}}, "10.1.0.1")],
    ids=["the gateway is the first", "a container has the first"],
)
def test_the_gateway_takes_the_place_of_the_first_address(changes: dict[str, Any], gateway: str) -> None:
    """Docker would refuse an auxiliary address that is the gateway, and a container with the auxiliary address."""
    fabric = {"name": "lan", "subnet": "10.1.0.0/16", "gateway": gateway}
    host = {"address": "192.168.140.1", "parent": "ens33", "slice": "10.1.4.0/24", "dynamic": "none"}
    network = make_plan(parse({"fabric": fabric, "hosts": {"a": host}, "services": {}} | changes)).hosts[0].network
    assert (str(network.ip_range), network.auxiliary) == (f"{gateway}/32", {})


def test_hosts_in_the_slice_are_kept_from_docker() -> None:
    """Docker must not assign the own address of a host that is in what it may assign."""
    blocks = HostBlocks(slices=(IPNetwork("10.1.1.0/24"),), dynamic=(), static_only=False, shim=None)
    space = AddressSpace(
        subnets=(IPNetwork("10.1.0.0/16"),),
        gateways=(IPAddress("10.1.1.1"),),
        reserved=(),
        mode="l2",
        hosts={"a": blocks},
    )
    own = {"a": IPAddress("10.1.1.9"), "b": IPAddress("10.1.2.9"), "c": IPAddress("10.1.1.8")}
    assert docker_pool(space, "a", own).auxiliary == {"host-10-1-1-8": own["c"], "host-10-1-1-9": own["a"]}
    renamed = {"z": own["a"], "b": own["b"], "c": own["c"]}
    assert list(docker_pool(space, "a", renamed).auxiliary.items()) == list(
        docker_pool(space, "a", own).auxiliary.items()
    )


def test_an_ipv6_address_has_a_name_without_colons() -> None:
    """The name of an auxiliary address has letters, digits and `-`, whatever the address family."""
    blocks = HostBlocks(slices=(IPNetwork("2001:db8::/64"),), dynamic=(), static_only=False, shim=None)
    space = AddressSpace(
        subnets=(IPNetwork("2001:db8::/64"),), gateways=(), reserved=(), mode="l2", hosts={"a": blocks}
    )
    own = IPAddress("2001:db8::9")
    assert docker_pool(space, "a", {"a": own}).auxiliary == {"host-2001-db8--9": own}
