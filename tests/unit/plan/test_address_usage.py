"""Who has an address, and how full a slice is."""

from __future__ import annotations

import pytest
from netaddr import IPAddress

from ipvlan.plan.address_usage import slice_use, who_holds
from ipvlan.plan.make import make_plan
from ipvlan.plan.validate import parse
from tools.reference_setup import REMOVE, changed


@pytest.mark.parametrize(
    ("address", "holder"),
    [
        ("10.1.1.2", "nginx on docker-1 (service nginx)"),
        ("10.1.0.1", "the fabric's gateway"),
        ("192.168.140.201", "the host docker-2 itself, in the LAN"),
        ("10.1.1.9", "free, in the slice 10.1.1.0/24 of docker-1 (offset 9)"),
        ("10.1.1.255", "free, in the slice 10.1.1.0/24 of docker-1 (offset 255)"),
        ("10.1.2.200", "Docker may assign it on docker-2 (dynamic 10.1.2.128/25)"),
        ("10.1.9.9", "reserved by 10.1.9.0/24"),
        ("10.1.7.7", "unassigned: in the subnet 10.1.0.0/16, but in no host's slice"),
        ("10.9.9.9", "unassigned: outside the subnet 10.1.0.0/16"),
        ("10.1.255.255", "the broadcast address of 10.1.0.0/16"),
    ],
)
def test_who_holds_an_address(address: str, holder: str) -> None:
    """Every kind of address has its own answer."""
    plan = make_plan(parse(changed({"hosts.docker-2.dynamic": "10.1.2.128/25", "fabric.reserved": ["10.1.9.0/24"]})))
    assert who_holds(plan, IPAddress(address)) == [holder]


def test_use_of_a_slice_counts_everything_once() -> None:
    """Used, set aside and free make up the slice, however ranges overlap."""
    plan = make_plan(
        parse(
            changed(
                {
                    "fabric.gateway": "10.1.2.5",
                    "fabric.reserved": ["10.1.2.4-10.1.2.9", "10.1.2.8/29"],
                    "hosts.docker-2.dynamic": "10.1.2.128/25",
                }
            )
        )
    )
    use = slice_use(plan, plan.host("docker-2"))
    # 4 to 15 are 12 addresses; 128 to 255 are 128.
    assert (use.used, use.set_aside, use.free) == (2, 140, 256 - 2 - 140)


def test_who_holds_the_edges_of_a_routed_slice() -> None:
    """In l3 its first and last address are nobody's, and Docker has the one before."""
    plan = make_plan(parse(changed({"fabric.mode": "l3", "fabric.gateway": REMOVE})))
    assert who_holds(plan, IPAddress("10.1.1.0")) == [
        "the first address of the slice 10.1.1.0/24 of docker-1, which no container can have"
    ]
    assert who_holds(plan, IPAddress("10.1.1.255")) == [
        "the last address of the slice 10.1.1.0/24 of docker-1, which no container can have"
    ]
    assert who_holds(plan, IPAddress("10.1.1.254"))[0].startswith("Docker's on docker-1: the gateway")


def test_who_holds_the_address_that_is_withheld_from_docker() -> None:
    """With `dynamic: none` the first address of the slice keeps Docker from assigning others."""
    plan = make_plan(parse(changed({"hosts.docker-1.dynamic": "none"})))
    assert who_holds(plan, IPAddress("10.1.1.0")) == [
        "Docker is kept from assigning addresses with it on docker-1 (dynamic: none)"
    ]
