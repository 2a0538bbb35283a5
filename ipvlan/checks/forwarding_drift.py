"""The differences of a host that does not forward what its plan needs.

Out of scope: what keeps a host from forwarding (`forwarding`).
"""

from __future__ import annotations

from collections.abc import Iterator

from ipvlan.checks.command_lines import host_line
from ipvlan.checks.difference import Difference, difference
from ipvlan.checks.drift_kinds import DriftKind
from ipvlan.checks.forwarding import FORWARDING_OFF, forwarded, obstacles
from ipvlan.hosts.snapshot import HostSnapshot
from ipvlan.plan.model import HostPlan


def forwarding_differences(host: HostPlan, snapshot: HostSnapshot) -> Iterator[Difference]:
    """Yield what keeps the host from forwarding; nothing where none of its planned containers has or may use a bridge.

    What may drop something else, and what cannot be read, is no difference: `ipvlan preflight` and `verify` say it.
    """
    services = sorted({container.service for container in forwarded(host)})
    if not services:
        return
    for found in obstacles(host.name, forwards=snapshot.forwards, rules=snapshot.forward_rules):
        kind = DriftKind.FORWARDING_OFF if found.code == FORWARDING_OFF else DriftKind.FORWARD_DROPPED
        fix = host_line(host, found.command) + (f"; then {found.afterwards}" if found.afterwards else "")
        yield difference(kind, host, f"{found.code}: {found.problem}: {', '.join(services)}", fix)
