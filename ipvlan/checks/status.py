"""Declared against live, of all hosts at once.

Owns the order of the work and the sums. What counts as a difference stands in `differences`, what people see in `status_view`.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass

from ipvlan.checks.drift import Comparison, Difference
from ipvlan.hosts.errors import HostError
from ipvlan.hosts.session import on_hosts
from ipvlan.hosts.snapshot import HostSnapshot, take_snapshot
from ipvlan.plan.model import HostPlan, Plan


@dataclass(frozen=True, slots=True, kw_only=True)
class HostStatus:
    """One host, declared against live."""

    plan: HostPlan
    said: HostSnapshot | HostError
    differences: tuple[Difference, ...]

    @property
    def foreign(self) -> int:
        """Containers on the fabric that are not of the stack."""
        return sum(found.name in ("foreign-container", "foreign-address") for found in self.differences)


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """All hosts, in the plan's order."""

    hosts: tuple[HostStatus, ...]
    seconds: float

    @property
    def differences(self) -> tuple[Difference, ...]:
        """Of all hosts."""
        return tuple(found for host in self.hosts for found in host.differences)

    @property
    def ok(self) -> bool:
        """Whether all holds."""
        return all(found.severity == "info" for found in self.differences)


def read_status(
    plan: Plan, stack: str, *, host: str | None = None, service: str | None = None, timeout: float = 10.0
) -> Status:
    """Ask all hosts, or one, and compare; of one service only its own differences and those of its hosts.

    `stack` is the stack's name; `timeout` is in seconds, for reaching a host and for each question to it.
    """
    began = time.monotonic()
    hosts = [
        found
        for found in plan.hosts
        if (host is None or found.name == host)
        and (service is None or any(container.service == service for container in found.containers))
    ]
    said: Mapping[str, HostSnapshot | HostError] = on_hosts(
        plan, hosts, lambda session: take_snapshot(session, timeout=timeout), timeout=timeout
    )
    comparison = Comparison(plan, stack)
    return Status(
        hosts=tuple(
            HostStatus(
                plan=found,
                said=said[found.name],
                differences=tuple(
                    difference
                    for difference in comparison.of_host(found, said[found.name])
                    if service is None or difference.service in (None, service)
                ),
            )
            for found in hosts
        ),
        seconds=time.monotonic() - began,
    )
