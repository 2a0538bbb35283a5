"""In which order containers are created, replaced and removed: the services by `after`, and of each service host by host.

The order of the services is that of first creation and of replacement; removal has it reversed. Services of one step are not
ordered among each other: they are worked on at the same time.
Of a service, the container of a host waits for that of the host `at_once` places before it. So never more than `at_once` are
replaced at the same time, and each next one begins as soon as one is up.

Out of scope: which containers a change replaces (`ipvlan.plan.changes`), and the words (`ipvlan.views.rollout`).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from graphlib import TopologicalSorter
from typing import Final

from ipvlan.config.durations import NANOSECONDS, nanoseconds
from ipvlan.config.models import Healthcheck, RolloutConfig
from ipvlan.config.types.rollout import ALL
from ipvlan.plan.model import Plan, RolloutPlan

BUILT_IN: Final = RolloutPlan(at_once=1, healthy_within=60, on_failure="restore")
"""What holds where neither the service nor the fabric says anything."""


def rollout_plan(service: RolloutConfig, fabric: RolloutConfig, check: Healthcheck | None = None) -> RolloutPlan:
    """Return the rollout of a service: of each key on its own the service's value, the fabric's or the built-in one.

    Args:
        service: What the service says.
        fabric: What the fabric says.
        check: The service's own health check, which may need more than the built-in time.
    """
    at_once = service.at_once or fabric.at_once or BUILT_IN.at_once
    return RolloutPlan(
        at_once=None if at_once == ALL else at_once,
        healthy_within=service.healthy_within
        or fabric.healthy_within
        or max(BUILT_IN.healthy_within, _until_first_check(check)),
        on_failure=service.on_failure or fabric.on_failure or BUILT_IN.on_failure,
    )


def _until_first_check(check: Healthcheck | None) -> int:
    """Return the seconds until the first check that counts has ended, rounded up."""
    if check is None or check.test[:1] == ("NONE",):
        return 0
    # Docker's own values: docs.docker.com/reference/dockerfile, HEALTHCHECK.
    durations = (check.start_period or "0s", check.interval or "30s", check.timeout or "30s")
    return math.ceil(sum(nanoseconds(text) or 0 for text in durations) / NANOSECONDS["s"])


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceRollout:
    """How the containers of one service follow each other."""

    service: str
    hosts: tuple[str, ...]
    """In the order in which its containers are replaced; sorted by name."""
    rollout: RolloutPlan
    after: tuple[str, ...]
    """Services that are up on all their hosts before, sorted."""


def service_steps(plan: Plan) -> tuple[tuple[str, ...], ...]:
    """Return the services in steps, each sorted: all services that one is after are in steps before its own."""
    sorter = TopologicalSorter(_after(plan))
    sorter.prepare()
    steps: list[tuple[str, ...]] = []
    while sorter.is_active():
        step = sorter.get_ready()
        steps.append(tuple(sorted(step)))
        sorter.done(*step)
    return tuple(steps)


def service_order(plan: Plan) -> tuple[str, ...]:
    """Return the services that have a container, each after all that it names in `after`."""
    return tuple(service for step in service_steps(plan) for service in step)


def service_rollouts(plan: Plan) -> tuple[ServiceRollout, ...]:
    """Return the services that have a container, in the order of `service_order`."""
    hosts: dict[str, list[str]] = {}
    rollouts: dict[str, RolloutPlan] = {}
    for container in plan.containers():
        hosts.setdefault(container.service, []).append(container.host)
        rollouts[container.service] = container.rollout
    after = _after(plan)
    return tuple(
        ServiceRollout(service=service, hosts=tuple(hosts[service]), rollout=rollouts[service], after=after[service])
        for service in service_order(plan)
    )


def all_before(plan: Plan) -> Mapping[str, frozenset[str]]:
    """Return service -> every service that is before it, directly or by way of others."""
    after = _after(plan)
    before: dict[str, frozenset[str]] = {}
    for service in service_order(plan):
        before[service] = frozenset(after[service]).union(*(before[other] for other in after[service]))
    return before


def _after(plan: Plan) -> Mapping[str, tuple[str, ...]]:
    """Return the services that have a container -> those of them that each is after; a service that runs nowhere orders nothing."""
    named = {container.service: container.after for container in plan.containers()}
    return {service: tuple(other for other in others if other in named) for service, others in sorted(named.items())}
