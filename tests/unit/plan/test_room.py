"""Errors about addresses that are used up suggest only what is possible."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ipvlan.config.yaml_file import Checkout
from ipvlan.plan.allocate import allocate
from ipvlan.plan.make import make_plan
from ipvlan.plan.validate import parse
from ipvlan.problems import ConfigError, Problem
from tools.reference_setup import DIGEST

ROUTED: dict[str, Any] = {"name": "lan", "mode": "l3", "subnet": "10.1.1.0/31"}
LAN: dict[str, Any] = {
    "name": "lan",
    "mode": "l2",
    "subnet": "192.168.1.0/24",
    "gateway": "192.168.1.1",
    "reserved": ["192.168.1.2"],
}


def stack(fabric: dict[str, Any], slices: dict[str, Any], services: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """Return the sections of a stack file; the hosts are on the LAN if the fabric is. No slice: None."""
    on_lan = fabric["subnet"].startswith("192.168.1.")
    return {
        "fabric": fabric,
        "hosts": {
            name: {"address": f"192.168.{1 if on_lan else 9}.{10 + number}", "parent": "eth0"}
            | ({} if entry is None else {"slice": entry})
            for number, (name, entry) in enumerate(slices.items())
        },
        "services": {name: {"image": f"registry/x{DIGEST}"} | keys for name, keys in services.items()},
    }


def fix_of(raw: dict[str, Any], code: str) -> str:
    """Return the fix of the first problem with the code that the plan has, error or warning."""
    try:
        problems: tuple[Problem, ...] = make_plan(parse(raw)).warnings
    except ConfigError as error:
        problems = error.problems
    fixes = {problem.code: problem.fix for problem in reversed(problems)}
    assert code in fixes, fixes
    return fixes[code]


def refused(raw: dict[str, Any], tmp_path: Path) -> Problem:
    """Return why `allocate` refuses the stack."""
    with pytest.raises(ConfigError) as raised:
        allocate(raw, Checkout(tmp_path))
    [problem] = raised.value.problems
    return problem


def test_a_slice_that_is_the_subnet_cannot_be_enlarged() -> None:
    """Where the slice cannot grow in the subnet, the subnet must."""
    raw = stack(ROUTED, {"one": "10.1.1.0/31"}, {"aa": {"offset": 0}, "bb": {"offset": 1}})
    assert fix_of(raw, "IPF505") == "enlarge fabric.subnet, and then hosts.one.slice, which has no free address"


def test_a_slice_beside_free_addresses_can_be_enlarged() -> None:
    """Addresses that no slice has can go to a slice that has none left."""
    raw = stack(ROUTED | {"subnet": "10.1.0.0/16"}, {"one": "10.1.1.0/32"}, {"aa": {"addresses": {"one": "10.1.1.0"}}})
    raw["fabric"]["reserved"] = ["10.1.1.0"]
    raw["services"]["bb"] = raw["services"]["aa"] | {"addresses": {}, "offset": 9}
    assert fix_of(raw, "IPF512").startswith("enlarge hosts.one.slice, which has no free address, or write services.bb.")


@pytest.mark.parametrize(
    ("slices", "fix"),
    [
        (
            {"one": ["192.168.1.240"], "two": "192.168.1.0-192.168.1.239", "three": "192.168.1.241-192.168.1.255"},
            "make hosts.two.slice smaller, which has free addresses, and hosts.one.slice larger",
        ),
        ({"one": ["192.168.1.240"], "two": None}, "enlarge hosts.one.slice, which has no free address"),
    ],
    ids=["another host has the rest", "nobody has the rest"],
)
def test_a_lan_is_not_enlarged(slices: dict[str, Any], fix: str) -> None:
    """The LAN is not the fabric's: another host gives addresses away, or those of nobody are taken."""
    raw = stack(LAN | {"reserved": ["192.168.1.240"]}, slices, {"aa": {"offset": 0, "hosts": ["one"]}})
    raw["services"]["aa"] = raw["services"]["aa"] | {"offset": 1}
    assert fix_of(raw, "IPF512").startswith(fix)
    assert "subnet" not in fix_of(raw, "IPF512")


@pytest.mark.parametrize(
    ("reserved", "fix"),
    [
        (["192.168.1.0/24"], "reserve less (fabric.reserved): no other address of the LAN is free"),
        ([], "run fewer containers: no address of the LAN is free"),
    ],
    ids=["reserved", "in use"],
)
def test_a_full_lan(reserved: list[str], fix: str) -> None:
    """Where a LAN has no free address at all, only less that needs one helps."""
    subnet = "192.168.1.0/24" if reserved else "192.168.1.0/29"
    raw = stack(
        LAN | {"subnet": subnet, "reserved": reserved},
        {"one": subnet},
        {f"s{number}": {"offset": number} for number in range(2, 7)} | {"more": {"offset": 7}},
    )
    raw["hosts"]["one"]["address"] = "192.168.1.6"
    assert fix_of(raw, "IPF509" if reserved else "IPF508") == fix


def test_one_host_owns_the_lan(tmp_path: Path) -> None:
    """No slice is left on a LAN that one host has as a whole: neither a larger subnet nor smaller slices give one."""
    problem = refused(stack(LAN, {"one": "192.168.1.0/24", "two": None}, {"aa": {}}), tmp_path)
    assert problem.code == "IPF602"
    assert (
        problem.fix
        == "make hosts.one.slice smaller (then raise fabric.slice_prefix or write services.NAME.addresses.two)"
    )
    assert "1 host has none (two)" in problem.problem
    assert problem.effect == "this host can run no container"


def test_smaller_slices_are_suggested_where_they_fit(tmp_path: Path) -> None:
    """What is left for slices of another length is named with its length; single addresses fit where no slice does."""
    problem = refused(stack(LAN, {"one": "192.168.1.0/25", "two": None}, {"aa": {}}), tmp_path)
    assert problem.fix == (
        "raise fabric.slice_prefix to 25 or a larger number for smaller slices, or write services.NAME.addresses.two"
    )
    no_lan = {"name": "lan", "subnet": "10.1.0.0/24", "gateway": "10.1.0.1"}
    problem = refused(stack(no_lan, {"one": "10.1.0.0/24", "two": None}, {"aa": {}}), tmp_path)
    assert problem.fix == (
        "make hosts.one.slice smaller (then raise fabric.slice_prefix or write services.NAME.addresses.two), or enlarge "
        "fabric.subnet"
    )
    assert not any(" 1 hosts" in text for text in (problem.problem, problem.effect))


def test_a_subnet_too_small_for_any_slice_prefix(tmp_path: Path) -> None:
    """A /31 has no slice of a /30 or larger, which is the smallest that `allocate` writes."""
    problem = refused(stack(ROUTED, {"one": None}, {"aa": {}}), tmp_path)
    assert (problem.code, problem.fix) == (
        "IPF601",
        "write hosts.one.slice yourself: allocate writes no slice smaller than a /30",
    )


def test_an_offset_for_one_host_alone(tmp_path: Path) -> None:
    """A service with one host cannot run on fewer, and a slice that is the subnet is not enlarged."""
    raw = stack(ROUTED, {"one": "10.1.1.0/31"}, {"aa": {"offset": 0}, "bb": {}})
    problem = refused(raw, tmp_path)
    assert problem.code == "IPF603"
    assert "on its only host" in problem.problem
    assert problem.fix == "enlarge fabric.subnet, and then hosts.one.slice, which has no free address"


def test_a_reserved_slice_of_the_lan() -> None:
    """A slice in which nothing is usable is enlarged or moved only where there are other addresses."""
    raw = stack(LAN | {"reserved": ["192.168.1.0/24"]}, {"one": "192.168.1.0/24"}, {})
    assert fix_of(raw, "IPF303") == "reserve less (fabric.reserved): no other address of the LAN is free"
    raw = stack(LAN | {"reserved": ["192.168.1.0/25"]}, {"one": "192.168.1.0/25"}, {})
    assert fix_of(raw, "IPF303") == "enlarge it, or write another one"


def test_a_slice_outside_the_lan() -> None:
    """The subnet of a LAN is not enlarged for a slice."""
    raw = stack(LAN, {"one": "192.168.7.0/25"}, {})
    assert fix_of(raw, "IPF302") == "write a part of 192.168.1.0/24"
