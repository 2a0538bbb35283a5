"""Which hosts are one machine, as far as stack files say."""

from __future__ import annotations

from typing import Any

import pytest

from ipvlan.plan.machines import is_one_machine
from ipvlan.plan.make import make_plan
from ipvlan.plan.validate import parse
from ipvlan.problems import ConfigError
from tools.reference_setup import reference_config


def codes(first: dict[str, Any], second: dict[str, Any]) -> list[str]:
    """Return the codes of a stack whose two hosts have these keys besides their own."""
    config = reference_config()
    config["hosts"]["docker-1"] |= first
    config["hosts"]["docker-2"] |= second
    try:
        make_plan(parse(config))
    except ConfigError as error:
        return [problem.code for problem in error.problems]
    return []


@pytest.mark.parametrize(
    "ssh",
    [
        "192.168.140.200",
        "root@192.168.140.200",
        "ops@192.168.140.200",
        "192.168.140.200:22",
        "ssh://ops@192.168.140.200:22",
        "192.168.140.200.",
        "192.168.36040",
        "0xc0a88cc8",
        "3232271560",
        "0300.0250.0214.0310",
    ],
)
def test_an_ssh_target_at_another_hosts_address(ssh: str) -> None:
    """It is refused in every spelling that ssh takes for the address, with the default of the other host or a name of its own."""
    assert codes({}, {"ssh": ssh}) == ["IPF314"]
    assert codes({"ssh": "first.example"}, {"ssh": ssh}) == ["IPF314"]
    assert codes({"ssh": "ops@192.168.140.200:22"}, {"ssh": ssh}) == ["IPF314"]


@pytest.mark.parametrize(
    ("first", "second"),
    [("box", "box"), ("box", "Box"), ("box.example", "ops@BOX.Example.:22"), ("box:2222", "root@box:2222")],
)
def test_one_name_twice(first: str, second: str) -> None:
    """A name is one machine, whatever its case, its final dot, its user or the usual port."""
    assert codes({"ssh": first}, {"ssh": second}) == ["IPF314"]
    assert codes({"ssh": second}, {"ssh": first}) == ["IPF314"]


@pytest.mark.parametrize(
    ("first", "second"),
    [("box", "box2"), ("box", "box:2222"), ("gate:2201", "gate:2202"), ("192.168.140.77:2201", "192.168.140.77:2202")],
)
def test_what_may_be_two_machines(first: str, second: str) -> None:
    """Another port may lead through a NAT to another machine; `up` asks the machines themselves."""
    assert codes({"ssh": first}, {"ssh": second}) == []


def test_hosts_of_plans() -> None:
    """Hosts of two plans are compared in the same way."""
    config = reference_config()
    one, two = make_plan(parse(config)).hosts
    config["hosts"]["docker-1"] |= {"address": "192.168.140.99", "ssh": "ops@192.168.140.200"}
    other = make_plan(parse(config)).host("docker-1")
    assert (is_one_machine(one, other), is_one_machine(other, one)) == (True, True)
    assert (is_one_machine(two, other), is_one_machine(one, two)) == (False, False)
