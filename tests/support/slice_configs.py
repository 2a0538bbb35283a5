"""Stacks with slices of every form, for property tests: subnets, ranges, single addresses, lists, and none."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st
from netaddr import IPAddress, IPNetwork

from ipvlan.plan.make import make_plan
from ipvlan.plan.validate import parse
from ipvlan.problems import ConfigError

SUBNET = IPNetwork("10.1.1.0/26")
IMAGE = "registry/x@sha256:" + "0" * 64

Raw = dict[str, Any]


def is_valid(raw: Raw) -> bool:
    """Return whether the stack is planned."""
    try:
        make_plan(parse(raw))
    except ConfigError:
        return False
    return True


@st.composite
def slice_configs(draw: st.DrawFn) -> Raw:
    """Draw a valid stack in a /26 of two or three hosts, with as much in it as is possible together."""
    mode = draw(st.sampled_from(["l2", "l2", "l3"]))
    units = draw(st.permutations(list(SUBNET.subnet(29))))
    count = draw(st.integers(2, 3))
    raw: Raw = {"fabric": {"name": "lan", "mode": mode, "subnet": str(SUBNET)}, "hosts": {}, "services": {}}
    if mode == "l2":
        raw["fabric"]["gateway"] = str(draw(st.sampled_from(list(SUBNET.iter_hosts()))))
    for number in range(count):
        mine = units[2 * number : 2 * number + draw(st.sampled_from([0, 1, 1, 1, 2]))]
        entries = [draw(_form(unit)) for unit in mine]
        raw["hosts"][f"host-{number}"] = {
            "address": f"192.168.140.{number + 1}",
            "parent": "ens33",
            "slice": entries[0] if len(entries) == 1 and draw(st.booleans()) else entries,
        }
    for more in draw(st.lists(_more(count), min_size=2, max_size=10)):
        with_more = copy.deepcopy(raw)
        more(with_more)
        if is_valid(with_more):
            raw = with_more
    return raw


@st.composite
def _form(draw: st.DrawFn, unit: IPNetwork) -> str:
    first = draw(st.integers(unit.first, unit.last))
    return draw(
        st.sampled_from(
            [
                str(unit),
                str(unit),
                str(next(iter(unit.subnet(30)))),
                str(list(unit.subnet(31))[-1]),
                f"{IPAddress(first)}/32",
                str(IPAddress(first)),
                f"{IPAddress(first)}-{IPAddress(draw(st.integers(first, unit.last)))}",
            ]
        )
    )


@st.composite
def _more(draw: st.DrawFn, hosts: int) -> Callable[[Raw], None]:
    """Draw one thing more that a stack may have."""
    host = f"host-{draw(st.integers(0, hosts - 1))}"
    address = IPAddress(draw(st.integers(SUBNET.first, SUBNET.last)))
    kind = draw(st.sampled_from(["shim", "shim at", "dynamic", "none", "reserved", "explicit", "explicit", "offset"]))
    number = draw(st.integers(0, 9))

    def add(raw: Raw) -> None:
        match kind:
            case "shim":
                raw["hosts"][host]["shim"] = True
            case "shim at":
                raw["hosts"][host]["shim"] = str(address)
            case "dynamic":
                raw["hosts"][host]["dynamic"] = str(IPNetwork(f"{address}/{30 + number % 3}").cidr)
            case "none":
                raw["hosts"][host]["dynamic"] = "none"
            case "reserved":
                last = IPAddress(min(int(address) + number, SUBNET.last))
                raw["fabric"].setdefault("reserved", []).append(f"{address}-{last}")
            case "explicit":
                service = raw["services"].setdefault(
                    f"explicit-{number}", {"image": IMAGE, "hosts": [], "addresses": {}}
                )
                service["addresses"][host] = str(address)
                service["hosts"] = sorted(service["addresses"])
            case _:
                raw["services"][f"offset-{number}"] = {"image": IMAGE, "hosts": [host], "offset": number}

    return add
