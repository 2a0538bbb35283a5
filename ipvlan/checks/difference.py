"""A difference between a host and the plan.

Out of scope: the kinds of differences (`drift_kinds`), and finding one (`drift`).
"""

from __future__ import annotations

from dataclasses import dataclass

from ipvlan.checks.drift_kinds import DriftKind
from ipvlan.plan.model import HostPlan
from ipvlan.problems import Severity


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One thing on a host that is not as planned."""

    kind: DriftKind
    host: str
    problem: str
    """One sentence, with the names and values."""
    fix: str
    """A command that can be copied, or what a person must decide."""
    severity: Severity
    """`info` does not affect the exit status."""
    service: str | None = None
    container: str | None = None
    """The container's name in Docker."""
    network: str | None = None
    """The name of a network that is not the fabric's."""
    volume: str | None = None
    """The volume's name in Docker."""
    output: tuple[str, ...] = ()
    """The last lines of the container's log, or of its health check; without secret values."""
    id: str | None = None
    """Docker's id of the container or network that is there; None where there is none, or where it is about something else."""


def difference(
    kind: DriftKind,
    host: HostPlan,
    problem: str,
    fix: str,
    *,
    severity: Severity | None = None,
    service: str | None = None,
    container: str | None = None,
    network: str | None = None,
    volume: str | None = None,
    id_: str | None = None,
    output: tuple[str, ...] = (),
) -> Difference:
    """Return a difference; without a severity it has the one of its kind."""
    return Difference(
        kind=kind,
        host=host.name,
        problem=problem,
        fix=fix,
        severity=severity or kind.severity or "error",
        service=service,
        container=container,
        network=network,
        volume=volume,
        output=output,
        id=id_,
    )
