"""The plan against the hosts, all of them in parallel: the state of each host and its differences.

Out of scope: what counts as a difference (`drift`), and how a status is shown (`ipvlan.views.status`).
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from ipvlan.checks.difference import Difference
from ipvlan.checks.drift import Comparison
from ipvlan.checks.drift_kinds import DriftKind
from ipvlan.hosts.errors import HostError
from ipvlan.hosts.files_look import with_files
from ipvlan.hosts.session import HostSession, on_hosts
from ipvlan.hosts.snapshot import HostSnapshot, take_snapshot
from ipvlan.plan.model import ContainerPlan, HostPlan, Plan
from ipvlan.plan.ownership import Ownership


@dataclass(frozen=True, slots=True, kw_only=True)
class HostStatus:
    """One host: planned, live, and what differs."""

    plan: HostPlan
    snapshot: HostSnapshot | HostError
    differences: tuple[Difference, ...]

    @property
    def foreign(self) -> int:
        """Number of containers on the fabric that are not of the stack."""
        return sum(
            difference.kind in (DriftKind.FOREIGN_CONTAINER, DriftKind.FOREIGN_ADDRESS)
            for difference in self.differences
        )

    def is_restored(self, planned: ContainerPlan) -> bool:
        """Return whether the previous container has the place of the planned one's replacement."""
        return any(
            difference.kind is DriftKind.CONTAINER_RESTORED and difference.service == planned.service
            for difference in self.differences
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """All hosts, in the plan's order."""

    hosts: tuple[HostStatus, ...]
    seconds: float
    """How long it took to read them."""
    state_read: bool
    """Whether the stack's state was read; where it was not, the labels say what is the stack's."""

    @property
    def differences(self) -> tuple[Difference, ...]:
        """The differences of all hosts."""
        return tuple(difference for host in self.hosts for difference in host.differences)

    @property
    def ok(self) -> bool:
        """Whether everything is as planned."""
        return all(difference.severity == "info" for difference in self.differences)


def connected_to(host: HostPlan, network: str, snapshot: HostSnapshot) -> list[str]:
    """Return the planned services of a host whose containers are connected to the network of that name, running or not."""
    return [
        planned.service
        for planned in host.containers
        if (live := snapshot.containers.get(planned.name)) is not None and network in live.endpoints
    ]


def read_status(
    plan: Plan,
    stack: str,
    owned: Callable[[], Ownership],
    *,
    host: str | None = None,
    service: str | None = None,
    timeout: float = 10.0,
) -> Status:
    """Read all hosts, or one, and compare them with the plan.

    Args:
        plan: What is planned.
        stack: The stack's name, as a command line takes it.
        owned: Returns what the stack owns; called when the hosts are read, so that its state can be read meanwhile, and by several
            threads.
        host: Read this host only.
        service: Report the differences of this service only, and those of the hosts that run it.
        timeout: In seconds, to connect to a host and for each answer of it.
    """
    began = time.monotonic()
    hosts = [
        planned
        for planned in plan.hosts
        if (host is None or planned.name == host)
        and (service is None or any(container.service == service for container in planned.containers))
    ]
    snapshots = on_hosts(
        plan,
        hosts,
        lambda session: _look(session, plan.host(session.name), owned, timeout=timeout),
        timeout=timeout,
    )
    ownership = owned()
    comparison = Comparison(plan, ownership, stack)
    return Status(
        hosts=tuple(
            HostStatus(
                plan=planned,
                snapshot=snapshots[planned.name],
                differences=tuple(
                    difference
                    for difference in comparison.of_host(planned, snapshots[planned.name])
                    if service is None or difference.service in (None, service)
                ),
            )
            for planned in hosts
        ),
        seconds=time.monotonic() - began,
        state_read=ownership.read,
    )


def _look(session: HostSession, host: HostPlan, owned: Callable[[], Ownership], *, timeout: float) -> HostSnapshot:
    snapshot = take_snapshot(
        session,
        timeout=timeout,
        troubles_of=host.containers,
        connections_of=host.containers,
        # What was kept is listed also where the plan has no volumes any more.
        with_volumes=True if host.volumes else "where Docker lists them",
    )
    planned = any(container.files is not None for container in host.containers)
    return with_files(session, snapshot, owned, planned=planned, timeout=timeout)
