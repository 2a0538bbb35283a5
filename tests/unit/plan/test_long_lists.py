"""Long lists of addresses cost little, and a mistake in one is told once."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
from netaddr import IPAddress

from ipvlan.config.yaml_file import Checkout
from ipvlan.plan.allocate import allocate
from ipvlan.plan.make import make_plan
from ipvlan.plan.validate import parse
from ipvlan.problems import ConfigError, Problem
from tools.reference_setup import DIGEST, changed

FABRIC = {"name": "lan", "mode": "l2", "subnet": "10.0.0.0/8", "gateway": "10.0.0.1"}


def overlaps(slices: list[str]) -> list[Problem]:
    """Return the problems of a list whose entries overlap."""
    with pytest.raises(ConfigError) as raised:
        make_plan(parse(changed({"hosts.docker-1.slice": slices})))
    return [problem for problem in raised.value.problems if problem.code == "IPF333"]


def test_an_address_a_thousand_times_is_one_problem() -> None:
    """Entries that repeat one are counted."""
    begin = time.process_time()
    [problem] = overlaps(["10.1.7.7"] * 1500)
    assert time.process_time() - begin < 3
    assert problem.key == "hosts.docker-1.slice[0] and hosts.docker-1.slice[1]"
    assert problem.value == "10.1.7.7 and 10.1.7.7"
    assert problem.problem == "they are the same (1498 more entries have addresses of 10.1.7.7)"


def test_entries_are_told_with_the_one_that_has_them() -> None:
    """Of entries that meet a large one, wherever it is in the list, the first is named; a further overlap is told by itself."""
    problems = overlaps(["10.1.7.1", "10.1.7.9", "10.1.7.0/24", "10.1.6.0/24", "10.1.9.1-10.1.9.8", "10.1.9.8"])
    assert [(problem.key, problem.problem) for problem in problems] == [
        (
            "hosts.docker-1.slice[0] and hosts.docker-1.slice[2]",
            "they overlap (1 more entry has addresses of 10.1.7.0/24)",
        ),
        ("hosts.docker-1.slice[4] and hosts.docker-1.slice[5]", "they overlap"),
    ]


def test_a_list_of_two_hosts_is_one_problem() -> None:
    """Two hosts with one address a thousand times are two lists with repetitions, and one overlap of slices."""
    begin = time.process_time()
    with pytest.raises(ConfigError) as raised:
        make_plan(parse(changed({f"hosts.docker-{number}.slice": ["10.1.7.7"] * 1500 for number in (1, 2)})))
    assert time.process_time() - begin < 5
    assert sorted(problem.code for problem in raised.value.problems if problem.code.startswith("IPF3")) == [
        "IPF312",
        "IPF333",
        "IPF333",
    ]


def test_many_reservations_are_counted() -> None:
    """A warning about reservations in a slice names the first ones."""
    plan = make_plan(parse(changed({"fabric.reserved": [f"10.1.1.{100 + number}" for number in range(99)]})))
    [warning] = [problem for problem in plan.warnings if problem.code == "IPF332"]
    assert warning.key == (
        "hosts.docker-1.slice and fabric.reserved[0] and fabric.reserved[1] and fabric.reserved[2] and 96 more"
    )


def test_offsets_of_long_lists(tmp_path: Path) -> None:
    """What is free on a set of hosts is found once, not again for each service."""
    hosts, count = 40, 200
    raw: dict[str, Any] = {
        "fabric": FABRIC,
        "hosts": {
            f"host-{number}": {
                "address": f"192.168.0.{number + 1}",
                "parent": "eth0",
                "slice": [str(IPAddress("10.1.0.0") + 1000 * number + 2 * entry) for entry in range(count)],
            }
            for number in range(hosts)
        },
        "services": {f"service-{number}": {"image": f"registry/x{DIGEST}"} for number in range(count)},
    }
    begin = time.process_time()
    allocations = allocate(raw, Checkout(tmp_path))
    seconds = time.process_time() - begin
    assert [allocation.value for allocation in allocations] == list(range(count))
    assert seconds < 3
