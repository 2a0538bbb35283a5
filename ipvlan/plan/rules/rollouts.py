"""Rules of how containers are replaced: the order of the services, and the time in which a container can be up.

Out of scope: the values of one key (`ipvlan.config.types.rollout`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from difflib import get_close_matches
from graphlib import CycleError, TopologicalSorter

from ipvlan.config.durations import NANOSECONDS, nanoseconds
from ipvlan.config.models import ServiceConfig, StackConfig
from ipvlan.config.types.rollout import written_duration
from ipvlan.plan.rollout_order import rollout_plan
from ipvlan.problems import MOST_SHOWN, Problem, shorten


def check(config: StackConfig, unreadable: Collection[str], *, with_fabric: bool = True) -> Iterator[Problem]:
    """Yield the problems of `rollout` and `after`.

    Args:
        config: What the rules are about.
        unreadable: Services that are in the file and could not be read.
        with_fabric: Whether the fabric, and so what holds for services that say nothing themselves, could be read.
    """
    known = {*config.services, *unreadable}
    for name, service in config.services.items():
        yield from _after(name, service, known)
        if with_fabric or service.rollout.healthy_within:
            yield from _health(config, name, service)
    yield from _cycles(config)


def _after(name: str, service: ServiceConfig, known: Collection[str]) -> Iterator[Problem]:
    seen: set[str] = set()
    for number, other in enumerate(service.after[:MOST_SHOWN]):
        key = f"services.{name}.after[{number}]"
        if other == name:
            yield Problem(
                code="IPF327",
                key=key,
                value=shorten(other),
                problem="the service is after itself",
                effect="no container of it could ever be created or replaced",
                fix="remove it",
            )
        elif other not in known:
            near = get_close_matches(other[:100], sorted({*known} - {name}), n=1)
            yield Problem(
                code="IPF326",
                key=key,
                value=shorten(other),
                problem="there is no such service",
                effect="the service would not wait for what you meant",
                fix=f"did you mean {near[0]}?" if near else "name a key of `services`, or remove it",
            )
        if other in seen:
            yield Problem(
                code="IPF328",
                key=key,
                value=shorten(other),
                problem="the service is named twice",
                effect="the second changes nothing",
                fix="remove one of the two",
            )
        seen.add(other)


def _cycles(config: StackConfig) -> Iterator[Problem]:
    """Yield each cycle of services that wait for each other, until none is left."""
    before = {
        name: [other for other in dict.fromkeys(service.after) if other in config.services and other != name]
        for name, service in config.services.items()
    }
    while True:
        try:
            TopologicalSorter(before).prepare()
        except CycleError as error:
            # The first is the last too, and each is before the next (graphlib.CycleError).
            cycle = _from_first([*reversed(error.args[1])][:-1], [*before])
            yield _cycle(cycle)
            before[cycle[-1]].remove(cycle[0])
        else:
            return


def _from_first(cycle: list[str], order: list[str]) -> list[str]:
    """Return the cycle so that it begins with the service that is the first of the file."""
    start = min(range(len(cycle)), key=lambda position: order.index(cycle[position]))
    return [*cycle[start:], *cycle[:start]]


def _cycle(cycle: list[str]) -> Problem:
    """Return the problem of services each of which is after the next one, and the last after the first."""
    pairs = zip(cycle, [*cycle[1:], cycle[0]], strict=True)
    return Problem(
        code="IPF329",
        key=f"services.{cycle[0]}.after and services.{cycle[-1]}.after",
        value=shorten(f"{cycle[1]} and {cycle[0]}"),
        problem="the services wait for each other: " + ", ".join(f"{name} is after {other}" for name, other in pairs),
        effect="none of them could ever be created or replaced",
        fix="remove one of these names from `after`",
    )


def _health(config: StackConfig, name: str, service: ServiceConfig) -> Iterator[Problem]:
    """Yield the service whose first check of health comes too late; what the image has as a healthcheck is not known here."""
    check, interval = service.healthcheck, None
    if check is not None and check.test[:1] != ("NONE",) and not _seconds(check.start_period):
        interval = _seconds(check.interval)
    within = rollout_plan(service.rollout, config.fabric.rollout, check).healthy_within
    if check is not None and interval is not None and interval >= within:
        of_fabric = config.fabric.rollout.healthy_within and not service.rollout.healthy_within
        where = "fabric" if of_fabric else f"services.{name}"
        yield Problem(
            code="IPF330",
            key=f"services.{name}.healthcheck.interval and {where}.rollout.healthy_within",
            value=f"{shorten(check.interval)} and {written_duration(within)}",
            problem="Docker checks the health for the first time after the interval, and the container must be healthy before",
            effect="every replacement would fail, however healthy it is",
            fix=f"write a shorter interval, or a longer services.{name}.rollout.healthy_within",
        )


def _seconds(duration: str | None) -> float | None:
    """Return a duration of Docker in seconds; None for none."""
    total = None if duration is None else nanoseconds(duration)
    return None if total is None else total / NANOSECONDS["s"]
