"""What `ipvlan heal` does about bridge networks and connections to them, and what keeps it from doing so.

A container with bridges is started when it has all of them (docs/decisions/0032-bridges.md): while one of its networks is missing,
or is not this stack's, nothing is done about its connections and it is not started.

Out of scope: the differences (`ipvlan.checks.bridge_drift`), and the work on the host (`ipvlan.hosts.endpoints`).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from ipvlan.checks.bridge_drift import usable_bridges
from ipvlan.checks.not_ours import described
from ipvlan.hosts.endpoints import Wanted, planned_endpoints
from ipvlan.plan.rollout_containers import role_of

if TYPE_CHECKING:
    from ipvlan.checks.difference import Difference
    from ipvlan.hosts.snapshot import HostSnapshot, LiveContainer
    from ipvlan.plan.model import ContainerPlan, HostPlan
    from ipvlan.plan.ownership import Ownership


def wanted_connections(
    ownership: Ownership, host: HostPlan, snapshot: HostSnapshot, planned: ContainerPlan, live: LiveContainer
) -> Wanted:
    """Return the container's connections as they are to be, where `container_obstacle` has nothing against it."""
    return planned_endpoints(planned, live.id, usable_bridges(ownership, host, snapshot), ownership.owner)


def container_obstacle(ownership: Ownership, host: HostPlan, snapshot: HostSnapshot, planned: ContainerPlan) -> str:
    """Return why a container is neither connected to its bridges nor started; empty where nothing is in the way."""
    usable = usable_bridges(ownership, host, snapshot)
    absent = [endpoint.bridge for endpoint in planned.bridges if endpoint.bridge not in usable]
    if not absent:
        return ""
    return (
        f"{planned.name} on {host.name} stays as it is: a container with bridges is started with all of them, and "
        f"{', '.join(absent)} is missing there or is not of this stack. Settle that first (`ipvlan status`); then run "
        "`ipvlan heal` again"
    )


def network_obstacle(ownership: Ownership, host: HostPlan, snapshot: HostSnapshot, found: Difference) -> str:
    """Return why a bridge network is left to a person; empty where Pulumi may create it again."""
    if any(planned.external for planned in host.bridges if planned.name == found.network):
        return found.fix
    others = foreign_users(ownership, host, snapshot, found)
    if others:
        return (
            f"nothing is changed: containers that are not of this stack are on {found.network} on {host.name}: "
            f"{', '.join(others)}. Disconnect them; then run `ipvlan heal` again"
        )
    restored = [live.name for live in _on(snapshot, found) if role_of(ownership, host.name, live) == "restored"]
    if restored:
        return (
            f"nothing is changed: {', '.join(restored)} on {host.name} runs in place of a replacement that did not come up, and "
            f"would lose {found.network}. Settle that first (`ipvlan status`); then run `ipvlan heal` again"
        )
    return ""


def foreign_users(ownership: Ownership, host: HostPlan, snapshot: HostSnapshot, found: Difference) -> list[str]:
    """Return the containers of others on the network that a difference is about, running or not, each with whose it is."""
    return [
        f"{live.name} ({described(live)})"
        for live in _on(snapshot, found)
        if role_of(ownership, host.name, live) is None and live.id not in ownership.ids
    ]


def _on(snapshot: HostSnapshot, found: Difference) -> Iterator[LiveContainer]:
    """Yield the containers that are on the network; one that never started knows its name alone."""
    for live in snapshot.containers.values():
        if any(
            endpoint.network_id == found.id or (not endpoint.network_id and endpoint.network == found.network)
            for endpoint in live.endpoints.values()
        ):
            yield live
