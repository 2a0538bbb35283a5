"""Which hosts of a large fleet are tried with which others, and how many cells there would be."""

from __future__ import annotations

from typing import Any

import pytest

from ipvlan.plan import host_pairs
from ipvlan.plan.cells import Filter
from ipvlan.plan.make import make_plan
from ipvlan.plan.model import Plan
from ipvlan.plan.reachability import make_matrix
from ipvlan.plan.validate import parse
from tools.reference_setup import reference_config


def plan_of(hosts: int, **fabric: Any) -> Plan:
    """Return a plan with two services of the fabric and one beside it."""
    config = reference_config(2)
    config["hosts"] = {
        f"docker-{number}": {"address": f"192.168.141.{number}", "parent": "ens33", "slice": f"10.1.{number}.0/24"}
        for number in range(1, hosts + 1)
    }
    config["fabric"] |= fabric
    if "mode" in fabric:
        del config["fabric"]["gateway"]
    image = config["services"]["centos"]["image"]
    config["services"]["beside"] = {"image": image, "fabric": False, "bridges": ["backend"]}
    config["bridges"] = {"backend": {}}
    return make_plan(parse(config))


def test_of_many_hosts_each_is_tried_with_some() -> None:
    """250 hosts have 62,500 pairs; each begins nine of them and ends nine, with itself among them."""
    pairs = host_pairs.host_pairs(plan_of(250), Filter())
    reached = [target.name for targets in pairs.targets.values() for target in targets]
    assert not pairs.complete
    assert {len(targets) for targets in pairs.targets.values()} == {9}
    assert {reached.count(host) for host in pairs.targets} == {9}
    assert all(host in [target.name for target in targets] for host, targets in pairs.targets.items())


def test_a_hundred_hosts_are_all_tried_with_each_other() -> None:
    """Up to ten thousand pairs are all tried."""
    pairs = host_pairs.host_pairs(plan_of(100), Filter())
    assert pairs.complete
    assert sum(map(len, pairs.targets.values())) == 10_000


@pytest.mark.parametrize("only", [Filter(host="docker-7"), Filter(source="docker-7"), Filter(source="docker-7/nginx")])
def test_one_host_is_tried_with_all_others(only: Filter) -> None:
    """What names one host shows all its pairs."""
    pairs = host_pairs.host_pairs(plan_of(250), only)
    assert pairs.complete
    assert len(pairs.targets["docker-7"]) == 250


@pytest.mark.parametrize("fabric", [{}, {"mode": "l3"}])
@pytest.mark.parametrize(
    "only",
    [Filter(), Filter(service="nginx"), Filter(service="beside"), Filter(source="centos"), Filter(source="beside")],
)
def test_the_number_of_all_cells_is_known_without_them(
    only: Filter, fabric: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """How many cells there are does not depend on how many of them are tried."""
    plan = plan_of(12, **fabric)
    complete = make_matrix(plan, only=only)
    monkeypatch.setattr(host_pairs, "MOST_HOST_PAIRS", 12)
    some = make_matrix(plan, only=only)
    assert {(cell.source_host, cell.target_host) for cell in some.cells} < {
        (cell.source_host, cell.target_host) for cell in complete.cells
    }
    assert some.possible == complete.possible


def test_a_sample_of_many_hosts_has_every_container_at_both_ends() -> None:
    """Every container is a source and a target, and the cells grow with the hosts and not with their square."""
    plan = plan_of(250)
    between = [cell for cell in make_matrix(plan).cells if cell.kind == "container"]
    fabric = {f"{each.host}/{each.name}" for each in plan.on_fabric()}
    assert {cell.target for cell in between} == fabric
    assert {cell.source for cell in between} >= fabric
    assert len(between) < 250 * 20
