"""What a change of the stack file does: two plans of one stack, compared for a report.

Out of scope: reading the two states (`ipvlan.cli.report`), the rules of what `pulumi up` does with a container
(`ipvlan.plan.changes`), and the wording (`ipvlan.views.report`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from ipvlan.config.types.ports import ON_THE_HOST, Port, without
from ipvlan.plan.changes import Changes, ContainerChange
from ipvlan.plan.model import Plan
from ipvlan.plan.rollout_changes import RolloutChange, rollout_change
from ipvlan.problems import Problem


@dataclass(frozen=True, slots=True, order=True)
class PortChange:
    """A port of a host that is published from now on, or no longer."""

    host: str
    service: str
    port: str
    """Host address and ports: `192.168.140.200 80:80`."""
    action: Literal["publish", "unpublish"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """Two states of one stack, compared."""

    stack: str
    before: Plan | None
    """None for a stack that is new, or whose earlier state is no valid config."""
    before_problems: tuple[Problem, ...]
    """Why the earlier state has no plan; empty when it has one, or when the stack is new."""
    after: Plan
    changes: Changes

    @property
    def has_downtime(self) -> bool:
        """Whether a container is stopped."""
        return bool(self.changes.of("replace", "delete"))

    @property
    def rollout(self) -> RolloutChange:
        """The order in which the change is carried out."""
        return rollout_change(self.changes, self.before, self.after)

    @property
    def moved(self) -> list[ContainerChange]:
        """Containers that get another address."""
        return [
            change
            for change in self.changes.containers
            if change.action != "update"
            and change.before is not None
            and change.after is not None
            and change.before.address != change.after.address
        ]

    @property
    def ports(self) -> list[PortChange]:
        """Ports that are published or unpublished, whatever the reason; those to publish first."""
        before, after = _published(self.before), _published(self.after)
        return [
            *(PortChange(*port, action="publish") for port in sorted(_missing(after, before))),
            *(PortChange(*port, action="unpublish") for port in sorted(_missing(before, after))),
        ]


_Published = Mapping[tuple[str, str, str], Sequence[Port]]
"""Host, service and the address that is bound -> the ports there."""


def _published(plan: Plan | None) -> _Published:
    ports: dict[tuple[str, str, str], list[Port]] = {}
    if plan is None:
        return ports
    for container in plan.containers():
        for port in container.ports if container.published else ():
            address = str(port.host_address or plan.host(container.host).address)
            ports.setdefault((container.host, container.service, address), []).append(port)
    return ports


def _missing(published: _Published, other: _Published) -> Iterator[tuple[str, str, str]]:
    """Yield host, service and text of each published port, or part of a range, that the other plan does not publish."""
    for (host, service, address), ports in published.items():
        for port in without(ports, other.get((host, service, address), ())):
            yield host, service, f"{port} ({ON_THE_HOST})" if port.on_loopback else f"{address} {port}"
