"""What `allocate` gives out on the LAN of the hosts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from netaddr import IPNetwork, IPSet, iprange_to_cidrs

from ipvlan.config.yaml_file import Checkout
from ipvlan.plan.allocate import allocate, filled
from ipvlan.plan.make import make_plan
from ipvlan.plan.validate import parse
from ipvlan.problems import ConfigError
from tools.bad_input.lan import ON_LAN
from tools.reference_setup import REMOVE, changed, image


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
