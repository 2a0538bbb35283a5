"""How containers are replaced: what a service says, what the fabric says, and the order of hosts and services."""

from __future__ import annotations

from typing import Any

import pytest

from ipvlan.plan.changes import compare
from ipvlan.plan.make import make_plan
from ipvlan.plan.model import Plan, RolloutPlan
from ipvlan.plan.rollout_order import all_before, service_order, service_rollouts, service_steps
from ipvlan.plan.validate import parse
from ipvlan.problems import ConfigError
from tools.reference_setup import changed, host, image


def plan_of(changes: dict[str, Any]) -> Plan:
    """Return the plan of the reference setup with changes."""
    return make_plan(parse(changed(changes)))


def services(**after: list[str]) -> dict[str, Any]:
    """Return services by name, each after the named others."""
    return {
        "services": {
            name: {**image(), "offset": number, "after": others}
            for number, (name, others) in enumerate(after.items(), 1)
        }
    }


@pytest.mark.parametrize(
    ("fabric", "service", "expected"),
    [
        ({}, {}, (1, 60, "restore")),
        ({"at_once": 2, "healthy_within": "5m", "on_failure": "leave"}, {}, (2, 300, "leave")),
        ({"at_once": 2, "healthy_within": "5m"}, {"at_once": "all"}, (None, 300, "restore")),
        ({"at_once": "all", "on_failure": "leave"}, {"on_failure": "restore", "at_once": 1}, (1, 60, "restore")),
        ({"healthy_within": "1h"}, {"healthy_within": "1s"}, None),
        ({"healthy_within": "60m"}, {"healthy_within": "1s"}, (1, 1, "restore")),
    ],
)
def test_each_key_overrides_on_its_own(
    fabric: dict[str, Any], service: dict[str, Any], expected: tuple[Any, ...] | None
) -> None:
    """A key of the service overrides that of the fabric, which overrides the built-in default, each key on its own."""
    changes = {"fabric.rollout": fabric, "services.nginx.rollout": service}
    if expected is None:
        with pytest.raises(ConfigError, match="IPF323"):
            plan_of(changes)
        return
    at_once, healthy_within, on_failure = expected
    for name in ("docker-1", "docker-2"):
        assert plan_of(changes).host(name).container("nginx").rollout == RolloutPlan(
            at_once=at_once, healthy_within=healthy_within, on_failure=on_failure
        )


def test_after_is_sorted_in_the_plan() -> None:
    """Two files with the same names in `after` have equal plans."""
    one, other = (plan_of(services(web=others, api=[], db=[])) for others in (["db", "api"], ["api", "db"]))
    assert one == other
    assert one.host("docker-1").container("web").after == ("api", "db")


@pytest.mark.parametrize("key", ["fabric.rollout", "services.nginx.rollout"])
def test_a_changed_rollout_replaces_nothing(key: str) -> None:
    """A change of `rollout` or `after` alone affects no container."""
    before = plan_of({})
    after = plan_of(
        {key: {"at_once": 2, "healthy_within": "9s", "on_failure": "leave"}, "services.nginx.after": ["centos"]}
    )
    assert before != after
    changes = compare(before, after)
    assert (changes.hosts, changes.containers) == ((), ())
    assert "services.nginx.rollout.at_once" in {change.key for change in changes.settings}


def test_the_steps_of_services() -> None:
    """A service is in a step after all that it names; services without an order between them share a step."""
    plan = plan_of(services(web=["api", "cache"], api=["db"], cache=[], db=[]))
    assert service_steps(plan) == (("cache", "db"), ("api",), ("web",))
    assert service_order(plan) == ("cache", "db", "api", "web")
    assert tuple(rollout.service for rollout in service_rollouts(plan)) == service_order(plan)
    assert all_before(plan)["web"] == {"api", "cache", "db"}
    assert all_before(plan)["db"] == frozenset()


def test_a_service_that_runs_nowhere_orders_nothing() -> None:
    """There is no container to wait for, so the order ends at such a service."""
    plan = plan_of({**services(web=["api"], api=["db"], db=[]), "services.api.hosts": []})
    assert service_steps(plan) == (("db", "web"),)


def test_hosts_are_replaced_in_the_order_of_their_names() -> None:
    """The order of hosts is that of their names, whatever the order of the file."""
    plan = plan_of({"hosts": {"b": host(2), "a": host(1), "c": host(3)}, "services.nginx.hosts": ["c", "a"]})
    assert {rollout.service: rollout.hosts for rollout in service_rollouts(plan)} == {
        "centos": ("a", "b", "c"),
        "nginx": ("a", "c"),
    }


@pytest.mark.parametrize("ring", [2, 3, 5])
def test_a_cycle_is_named_completely(ring: int) -> None:
    """All services of a cycle are in its problem, in their order, beginning with the first of the file."""
    names = [f"s{number}" for number in range(ring)]
    after = {name: [names[(number + 1) % ring]] for number, name in enumerate(names)}
    with pytest.raises(ConfigError) as error:
        plan_of(services(free=["s0"], **after))
    (problem,) = error.value.problems
    assert problem.code == "IPF329"
    assert problem.problem.endswith(", ".join(f"{name} is after {others[0]}" for name, others in after.items()))
    assert problem.key == f"services.s0.after and services.s{ring - 1}.after"


def test_two_cycles_are_two_problems() -> None:
    """All cycles are reported at once."""
    with pytest.raises(ConfigError) as error:
        plan_of(services(s1=["s2"], s2=["s1"], s3=["s4"], s4=["s3"]))
    assert [problem.code for problem in error.value.problems] == ["IPF329", "IPF329"]


def test_a_service_that_cannot_be_read_is_known() -> None:
    """To name a service that is in the file is no mistake, even where the service itself has one."""
    with pytest.raises(ConfigError) as error:
        plan_of({"services.centos.hosts": 7, "services.nginx.after": ["centos"]})
    assert [problem.key for problem in error.value.problems] == ["services.centos.hosts"]


@pytest.mark.parametrize(
    ("healthcheck", "fits"),
    [
        ({"test": ["CMD", "true"], "interval": "59s"}, True),
        ({"test": ["CMD", "true"], "interval": "60s"}, False),
        ({"test": ["CMD", "true"], "interval": "0.5h1ms"}, False),
        ({"test": ["CMD", "true"]}, True),
        ({"test": ["NONE"], "interval": "2m"}, True),
        ({"test": ["CMD", "true"], "interval": "2m", "start_period": "10s"}, True),
        ({"test": ["CMD", "true"], "interval": "2m", "start_period": "0s"}, False),
    ],
)
def test_the_first_check_of_health_is_in_time(healthcheck: dict[str, Any], fits: bool) -> None:
    """Docker's first check is after the interval, or sooner where there is a start period (start_interval)."""
    changes = {"services.nginx.healthcheck": healthcheck, "services.nginx.rollout": {"healthy_within": "60s"}}
    if fits:
        plan_of(changes)
        del changes["services.nginx.rollout"]
        plan_of({**changes, "fabric.rollout": {"healthy_within": "3m"}})
    else:
        with pytest.raises(ConfigError, match="IPF330"):
            plan_of(changes)


@pytest.mark.parametrize(
    ("healthcheck", "within"),
    [
        ({"test": ["CMD", "true"]}, 60),
        ({"test": ["CMD", "true"], "interval": "1m30s"}, 120),
        ({"test": ["CMD", "true"], "interval": "1m30s", "timeout": "1.5s", "start_period": "2m"}, 212),
        ({"test": ["NONE"], "interval": "2m"}, 60),
    ],
)
def test_a_late_health_check_has_the_time_that_it_needs(healthcheck: dict[str, Any], within: int) -> None:
    """Where nobody says how long a container may take, its own first check of health fits in."""
    plan = plan_of({"services.nginx.healthcheck": healthcheck})
    assert {container.rollout.healthy_within for container in plan.containers() if container.service == "nginx"} == {
        within
    }


def test_an_unreadable_fabric_has_no_default() -> None:
    """What the fabric says of rollouts is not known then, so only what a service says itself is compared."""
    late = {"services.nginx.healthcheck": {"test": ["CMD", "true"], "interval": "2m"}, "fabric.subnet": "no subnet"}
    with pytest.raises(ConfigError) as error:
        plan_of(late)
    assert "IPF330" not in {problem.code for problem in error.value.problems}
    with pytest.raises(ConfigError, match="IPF330"):
        plan_of({**late, "services.nginx.rollout": {"healthy_within": "90s"}})
