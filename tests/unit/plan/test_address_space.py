"""The address space answers alike to everybody who asks it."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from netaddr import IPAddress, IPNetwork, IPRange, IPSet

from ipvlan.config.models import Mode
from ipvlan.config.yaml_file import Checkout
from ipvlan.plan.address_space import AddressSpace
from ipvlan.plan.address_usage import slice_use, who_holds
from ipvlan.plan.allocate import allocate
from ipvlan.plan.host_blocks import HostBlocks, own_address
from ipvlan.plan.make import make_plan
from ipvlan.plan.model import Plan
from ipvlan.plan.reasons import Cause
from ipvlan.plan.rules import check
from ipvlan.plan.validate import parse
from ipvlan.problems import ConfigError
from tools.reference_setup import REMOVE, changed

IMAGE = "registry/x@sha256:" + "0" * 64


@st.composite
def small_fabrics(draw: st.DrawFn) -> dict[str, Any]:
    """Draw a valid stack in a /27: two hosts with 8 addresses each, and everything that can take an address."""
    subnet = IPNetwork("10.1.1.0/27")
    mode = draw(st.sampled_from(["l2", "l3"]))
    slices = draw(st.lists(st.sampled_from(list(subnet.subnet(29))), min_size=2, max_size=2, unique=True))
    fabric: dict[str, Any] = {"name": "ipvlanl2", "mode": mode, "subnet": str(subnet)}
    if mode == "l2":
        fabric["gateway"] = str(draw(st.sampled_from(list(subnet.iter_hosts()))))
    first = draw(st.integers(subnet.first, subnet.last))
    last = draw(st.integers(first, min(first + 4, subnet.last)))
    fabric["reserved"] = draw(st.sampled_from([[], [f"{IPAddress(first)}-{IPAddress(last)}"], [str(IPAddress(first))]]))
    hosts = {}
    for number, block in enumerate(slices, 1):
        dynamic = draw(st.sampled_from([None, "none", *map(str, block.subnet(30))]))
        hosts[f"host-{number}"] = {
            "address": f"192.168.140.{number}",
            "parent": "ens33",
            "slice": str(block),
            "shim": draw(st.booleans()),
            **({"dynamic": dynamic} if dynamic else {}),
        }
    offsets = draw(st.lists(st.integers(0, 7), max_size=3, unique=True))
    services = {f"service-{offset}": {"image": IMAGE, "offset": offset} for offset in offsets}
    return {"fabric": fabric, "hosts": hosts, "services": services}


def valid(raw: dict[str, Any]) -> Plan | None:
    """Return the plan; None when the drawn stack contradicts itself."""
    try:
        return make_plan(parse(raw))
    except ConfigError:
        return None


@settings(max_examples=25, deadline=None)
@given(small_fabrics())
def test_everybody_agrees_about_every_address(raw: dict[str, Any]) -> None:
    """Rules, allocation, usage and `plan --at` say of each address of the subnet what the address space says."""
    plan = valid(raw)
    if plan is None:
        # A shim on the gateway, for example. Without containers and shims every such fabric is valid.
        raw = {**raw, "services": {}, "hosts": {name: {**host, "shim": False} for name, host in raw["hosts"].items()}}
        raw["fabric"] = {**raw["fabric"], "reserved": []}
        plan = make_plan(parse(raw))
    space = plan.address_space
    for host in plan.hosts:
        free = [address for address in plan.subnet if space.is_free(address, host.name)]
        [block] = host.slices
        inside = [address for address in free if address in block]
        assert IPSet(inside) == space.free(host.name)
        assert IPSet(address for address in free if address not in block) == space.free_elsewhere(host.name)
        assert slice_use(plan, host).free == len(inside)
        # The address that keeps Docker from assigning others may be explicitly a container's: another one keeps it then. Not where
        # something else speaks against it too, such as a reservation.
        first = space.withheld(host.name)
        withheld = {first} if first and len(list(space.reasons(first, host.name))) == 1 else set()
        assert refused(raw, host.name) == set(plan.subnet) - set(free) - withheld
        for address in block:
            assert (who_holds(plan, address)[0].startswith("free,")) == (address in inside)
        assert allocated(raw, host.name) == sorted(int(address) for address in inside)


def refused(raw: dict[str, Any], host: str) -> set[IPAddress]:
    """Return the addresses of the subnet that the rules refuse to one more container on that host."""
    addresses = set()
    more = copy.deepcopy(raw)
    more["services"]["one-more"] = {"image": IMAGE, "hosts": [host]}
    parsed = parse(more)
    for address in IPNetwork(raw["fabric"]["subnet"]):
        # As a config with this one address more is read, which would take most of the time of this test.
        one_more = parsed.services["one-more"].model_copy(update={"addresses": {host: address}})
        config = parsed.model_copy(update={"services": {**parsed.services, "one-more": one_more}})
        space = AddressSpace.from_config(config.fabric, config.hosts, config.services)
        if any("one-more" in problem.key for problem in check(config, space) if problem.severity == "error"):
            addresses.add(address)
    return addresses


def allocated(raw: dict[str, Any], host: str) -> list[int]:
    """Return the addresses that further services on that host get, until there is no room."""
    base = IPNetwork(raw["hosts"][host]["slice"]).first
    more = copy.deepcopy(raw)
    addresses: list[int] = []
    while True:
        more["services"][f"more-{len(addresses)}"] = {"image": IMAGE, "hosts": [host]}
        try:
            [allocation] = allocate(more, Checkout(Path()))
        except ConfigError as error:
            if "no offset is free" not in str(error):
                raise
            return sorted(addresses)
        more["services"][allocation.entry]["offset"] = allocation.value
        addresses.append(base + int(allocation.value))


def space_of(*slices: IPNetwork | IPRange, subnet: str = "10.1.0.0/16", mode: Mode = "l2") -> AddressSpace:
    """Return a fabric with one host that has these blocks."""
    blocks = HostBlocks(slices=slices, dynamic=(), static_only=False, shim=None)
    return AddressSpace(subnets=(IPNetwork(subnet),), gateways=(), reserved=(), mode=mode, hosts={"host": blocks})


def test_offsets_count_through_several_blocks() -> None:
    """A second block continues the offsets of the first, and leaves the addresses of the first where they are."""
    first, second = IPNetwork("10.1.1.0/30"), IPRange("10.1.9.5", "10.1.9.6")
    space = space_of(first, second)
    assert [str(space.offsets("host").at(offset)) for offset in space.offsets("host").all] == [
        "10.1.1.0",
        "10.1.1.1",
        "10.1.1.2",
        "10.1.1.3",
        "10.1.9.5",
        "10.1.9.6",
    ]
    assert [space.offsets("host").of(IPAddress(text)) for text in ("10.1.1.2", "10.1.9.5", "10.1.9.7")] == [2, 4, None]
    assert space.offsets("host").runs(IPSet(["10.1.1.2/31", "10.1.9.5/32"])) == [range(2, 4), range(4, 5)]
    assert own_address((second, first)) == own_address((first,)) == IPAddress("10.1.1.2")


def test_only_a_routed_subnet_has_edges() -> None:
    """The first and last address of a subnet may not be a container's in l3; others may, and all in l2."""
    slices = (
        IPNetwork("10.1.1.0/30"),
        IPRange("10.1.9.5", "10.1.9.6"),
        IPNetwork("10.1.3.0/31"),
        IPNetwork("10.1.4.4/32"),
    )
    routed, l2 = space_of(*slices, mode="l3"), space_of(*slices)
    assert l2.usable("host") == IPSet(["10.1.1.0/30", "10.1.9.5", "10.1.9.6", "10.1.3.0/31", "10.1.4.4"])
    # Docker has 10.1.1.2 as the network's gateway.
    assert l2.usable("host") - routed.usable("host") == IPSet(["10.1.1.0", "10.1.1.2", "10.1.1.3"])
    assert (l2.inside("host"), routed.inside("host")) == (9, 7)
    assert [reason.cause for reason in routed.reasons(IPAddress("10.1.1.3"))] == [Cause.SLICE_BROADCAST]


def test_ipv6_has_no_broadcast_address() -> None:
    """In IPv6 the last address of a slice may be a container's, and offsets are far from the end of the family."""
    space = space_of(IPNetwork("fd00::1:0/112"), subnet="fd00::/64", mode="l3")
    assert space.unusable(IPAddress("fd00::1:ffff"), "host") is None
    assert space.offsets("host").at(2) == IPAddress("fd00::1:2")
    assert space.offsets("host").all[-1] == 2**16 - 1


@pytest.mark.parametrize(
    ("offset", "address"), [(4, "10.1.1.4"), (2**32 - int(IPAddress("10.1.1.0")) - 1, "255.255.255.255")]
)
def test_an_offset_beyond_the_slice_leads_on(offset: int, address: str) -> None:
    """An offset that the slice does not have leads to the address that would follow, as far as there are addresses."""
    space = space_of(IPNetwork("10.1.1.0/30"))
    assert space.offsets("host").at(offset) == IPAddress(address)
    assert space.offsets("host").at(2**32) is None


def test_overlapping_slices_are_found_in_any_order() -> None:
    """A large slice overlaps the small ones in it, whichever begins first; neighbours do not overlap."""
    texts = {"a": "10.1.4.0/24", "b": "10.1.0.0/21", "c": "10.1.8.0/24", "d": "10.1.0.0/24"}
    hosts = {
        name: HostBlocks(slices=(IPNetwork(text),), dynamic=(), static_only=False, shim=None)
        for name, text in texts.items()
    }
    space = AddressSpace(subnets=(IPNetwork("10.1.0.0/16"),), gateways=(), reserved=(), mode="l2", hosts=hosts)
    assert [(one[1], other[1]) for one, other in space.overlapping_slices()] == [("b", "d"), ("b", "a")]
    assert space.slice_owner(IPAddress("10.1.8.9")) == "c"
    assert space.slice_owner(IPAddress("10.1.5.1")) == "b"
    assert space.slice_owner(IPAddress("10.1.9.0")) is None


@pytest.mark.parametrize("mode", ["l2", "l3"])
@pytest.mark.parametrize(
    ("dynamic", "assignable"),
    [(None, {7, 130}), ("none", set()), ("10.1.1.128/25", {130})],
    ids=["slice", "none", "part"],
)
def test_what_docker_may_assign(mode: str, dynamic: str | None, assignable: set[int]) -> None:
    """The slice, or its dynamic part, but nothing that is reserved; with `none` nothing, in every mode."""
    changes: dict[str, Any] = {"fabric.mode": mode, "fabric.reserved": ["10.1.1.9"], "services": {}}
    changes |= {"fabric.gateway": REMOVE} if mode == "l3" else {}
    changes["hosts.docker-1.dynamic"] = dynamic
    space = make_plan(parse(changed(changes))).address_space
    base = int(IPAddress("10.1.1.0"))
    assert {
        number for number in (7, 9, 130, 300) if space.assignable(IPAddress(base + number), "docker-1")
    } == assignable
