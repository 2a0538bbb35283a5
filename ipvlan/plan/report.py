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
from ipvlan.plan.new_powers import new_powers
from ipvlan.plan.powers import ContainerPower
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


@dataclass(frozen=True, slots=True, order=True)
class KeyChange:
    """A key of the project's files that differs and is in no plan, such as a setting of Pulumi's, or a secret that nothing uses."""

    file: str
    key: str
    action: Literal["add", "change", "remove"]
    """Without the values: any of them may be a secret."""


def key_changes(file: str, before: Mapping[str, object], after: Mapping[str, object]) -> Iterator[KeyChange]:
    """Yield the keys of a file that differ, sorted by key."""
    for key in sorted(before.keys() | after.keys()):
        if key not in before or key not in after:
            yield KeyChange(file, key, "add" if key in after else "remove")
        # By their text: to Python, 1 is True.
        elif repr(before[key]) != repr(after[key]):
            yield KeyChange(file, key, "change")


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
    keys: tuple[KeyChange, ...] = ()
    """What differs in the project's files and is in no plan."""

    @property
    def nothing(self) -> bool:
        """Whether nothing differs, as far as the report knows."""
        return not self.changes and not self.keys

    @property
    def powers(self) -> list[ContainerPower]:
        """What the change adds to what containers may do, then what the changed ones could do before."""
        places = {(change.host, change.service) for change in self.changes.containers}
        return new_powers(self.before, self.after, places)

    @property
    def has_downtime(self) -> bool:
        """Whether a container is stopped."""
        return bool(self.changes.of("replace", "restart", "delete"))

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
