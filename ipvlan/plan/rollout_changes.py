"""The order in which a change is carried out: which service after which, of each the hosts in their order, and what is down.

Services that neither are replaced nor order others of the change are left out.
A network that is replaced is a case of its own: Pulumi deletes all containers on it first, so they are down together, and neither
`after` nor `at_once` holds for them. Hosts with such a network follow each other (`components.ipvlan_fabric`). So it is with the
containers of a volume that is replaced, and with their hosts.
Other files that a container takes in its place, by a restart or while it runs, follow the same order.

Out of scope: what is replaced at all (`ipvlan.plan.changes`), and the words (`ipvlan.views.rollout`).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final, Literal

from ipvlan.plan.changes import Changes
from ipvlan.plan.model import Plan, RolloutPlan
from ipvlan.plan.rollout_order import all_before, service_rollouts
from ipvlan.plan.volumes import named_sources

StepAction = Literal["replace", "restart", "reload", "create", "delete"]
IN_ORDER: Final[tuple[StepAction, ...]] = ("replace", "restart", "reload")
"""What is done to the hosts of a service in their order, `at_once` of them at a time."""

_STOPPED: Final[tuple[StepAction, ...]] = ("replace", "restart")


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceStep:
    """What happens to one service on several hosts, as one step of a change."""

    service: str
    action: StepAction
    hosts: tuple[str, ...]
    """The hosts in their order; it counts for what is `IN_ORDER` only."""
    at_once: int
    """The most containers of the step that are worked on at the same time, from 1 to the number of `hosts`."""
    after: tuple[str, ...]
    """The services of the change that are done before this step begins: those that are directly before it, sorted."""
    rollout: RolloutPlan
    others: int
    """How many more hosts have a container of the service that runs on, before, during and after this step."""

    @property
    def others_answer(self) -> bool:
        """Whether containers of the service run at every moment of the step."""
        return self.action == "reload" or self.others + len(self.hosts) > self.at_once


@dataclass(frozen=True, slots=True, kw_only=True)
class RolloutChange:
    """A complete change, in its order."""

    steps: tuple[ServiceStep, ...]
    """What is created, replaced or takes other files, in an order in which each is after all that it waits for; then what is
    deleted."""
    together: Mapping[str, tuple[str, ...]]
    """Host whose network or volumes are replaced -> the services whose containers are down until these are there again, sorted."""
    volumes: frozenset[str] = frozenset()
    """Those of these hosts whose volumes are replaced, and not their network."""


def rollout_change(changes: Changes, before: Plan | None, after: Plan) -> RolloutChange:
    """Return the order in which `pulumi up` gets from one plan to the other; `changes` are what differs between them."""
    rebuilt = {change.host for change in changes.hosts if change.action == "replace network"}
    lost = {(change.host, change.name) for change in changes.volumes if change.action == "replace"}
    together: dict[str, list[str]] = {}
    for change in sorted(changes.of("replace"), key=lambda change: (change.host, change.service)):
        mounted = named_sources(change.before.settings) if change.before else ()
        on_fabric = change.before is not None and change.before.fabric
        if (on_fabric and change.host in rebuilt) or any((change.host, volume) in lost for volume in mounted):
            together.setdefault(change.host, []).append(change.service)
    down = {(service, host) for host, services in together.items() for service in services}
    forwards: tuple[StepAction, ...] = ("create", *IN_ORDER)
    steps = [
        *_forwards(after, before, {action: _by_service(changes, action, rebuilt, down) for action in forwards}, down),
        *(_backwards(before, _by_service(changes, "delete", rebuilt, down)) if before else ()),
    ]
    awaited = {service for step in steps for service in step.after}
    return RolloutChange(
        steps=tuple(step for step in steps if step.action in IN_ORDER or step.after or step.service in awaited),
        together={host: tuple(services) for host, services in together.items()},
        volumes=frozenset(together.keys() - rebuilt),
    )


def _by_service(
    changes: Changes, action: StepAction, rebuilt: Collection[str], down: Collection[tuple[str, str]]
) -> dict[str, tuple[str, ...]]:
    """Return service -> its hosts with that action, without those whose network, or a volume of the service, is replaced.

    A container that is not on the fabric is replaced in its order also where the network is.
    """
    hosts: dict[str, tuple[str, ...]] = {}
    for change in changes.of(action):
        if (action in IN_ORDER or change.host not in rebuilt) and (change.service, change.host) not in down:
            hosts[change.service] = (*hosts.get(change.service, ()), change.host)
    return hosts


def _forwards(
    after: Plan,
    before: Plan | None,
    changed: Mapping[StepAction, Mapping[str, tuple[str, ...]]],
    down: Collection[tuple[str, str]],
) -> list[ServiceStep]:
    """Return the steps of what is created, replaced, or takes other files.

    Args:
        after: The plan after the change.
        before: The plan before it.
        changed: Action -> service -> its hosts; the steps of a service are in the order of the actions.
        down: The containers (service and host) that are down together.
    """
    steps: list[ServiceStep] = []
    ran = {(container.service, container.host) for container in before.containers()} if before else set()
    order, services = all_before(after), {service for hosts in changed.values() for service in hosts}
    for service in service_rollouts(after):
        name = service.service
        waits_for = _nearest(order, name, services)
        running = sum((name, host) in ran and (name, host) not in down for host in service.hosts)
        # A host of the same service that is down in another step does not answer for this one.
        stopped = sum(len(changed[action].get(name, ())) for action in _STOPPED)
        for action, hosts in changed.items():
            if name not in hosts:
                continue
            count = len(hosts[name])
            steps.append(
                ServiceStep(
                    service=name,
                    action=action,
                    hosts=hosts[name],
                    at_once=min(service.rollout.at_once or count, count) if action in IN_ORDER else count,
                    after=waits_for,
                    rollout=service.rollout,
                    others=running if action == "create" else running - (count if action == "reload" else stopped),
                )
            )
    return steps


def _backwards(before: Plan, deleted: Mapping[str, tuple[str, ...]]) -> list[ServiceStep]:
    """Return the steps of what is deleted: first the services that are after others."""
    order = all_before(before)
    nearest = {service: _nearest(order, service, deleted) for service in deleted}
    return [
        ServiceStep(
            service=service.service,
            action="delete",
            hosts=deleted[service.service],
            at_once=len(deleted[service.service]),
            after=tuple(sorted(other for other, names in nearest.items() if service.service in names)),
            rollout=service.rollout,
            others=0,
        )
        for service in reversed(service_rollouts(before))
        if service.service in deleted
    ]


def _nearest(all_before: Mapping[str, frozenset[str]], service: str, of: Collection[str]) -> tuple[str, ...]:
    """Return those `of` some services that are before a service and before no other one of these, sorted."""
    candidates = all_before[service].intersection(of)
    further = frozenset[str]().union(*(all_before[candidate] for candidate in candidates))
    return tuple(sorted(candidates - further))
