"""What `ipvlan heal` does about bridge networks and connections to them, and what keeps it from doing so.

A container with bridges is started when it has all of them (docs/decisions/0032-bridges.md): while one of its networks is missing,
or is not this stack's, nothing is done about its connections and it is not started.

Out of scope: the differences (`ipvlan.checks.bridge_drift`), and the work on the host (`ipvlan.hosts.endpoints`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ipvlan.checks.bridge_drift import usable_bridges
from ipvlan.checks.not_ours import described
from ipvlan.hosts.endpoints import ENDPOINT_PRIORITY, Endpoint, Wanted
from ipvlan.plan.rollout_containers import role_of

if TYPE_CHECKING:
    from ipvlan.checks.difference import Difference
    from ipvlan.hosts.snapshot import HostSnapshot, LiveContainer
    from ipvlan.plan.model import ContainerPlan, HostPlan
    from ipvlan.plan.ownership import Ownership


def wanted_connections(
    ownership: Ownership, host: HostPlan, snapshot: HostSnapshot, planned: ContainerPlan, live: LiveContainer
) -> Wanted:
    """Return the container's connections as they are to be, to the networks that are there and may be used."""
    usable = usable_bridges(ownership, host, snapshot)
    return Wanted(
        host=host.name,
        container=planned.name,
        container_id=live.id,
        endpoints=tuple(
            Endpoint(network=endpoint.bridge, network_id=usable[endpoint.bridge], aliases=endpoint.aliases)
            for endpoint in planned.bridges
            if endpoint.bridge in usable
        ),
        priority=ENDPOINT_PRIORITY,
        keep_bridge=planned.bridged,
        owner=ownership.owner,
    )


def container_obstacle(ownership: Ownership, host: HostPlan, snapshot: HostSnapshot, planned: ContainerPlan) -> str:
    """Return why a container is neither connected to its bridges nor started; empty where nothing is in the way."""
    usable = usable_bridges(ownership, host, snapshot)
    absent = [endpoint.bridge for endpoint in planned.bridges if endpoint.bridge not in usable]
    if not absent:
        return ""
    return (
        f"{planned.name} on {host.name} stays as it is: a container with bridges is started with all of them, and "
        f"{', '.join(absent)} is missing there or is not of this stack. Settle that first (`ipvlan status`); then run `ipvlan heal` "
        "again"
    )


def network_obstacle(ownership: Ownership, host: HostPlan, snapshot: HostSnapshot, found: Difference) -> str:
    """Return why a bridge network is left to a person; empty where Pulumi may create it again."""
    if any(planned.external for planned in host.bridges if planned.name == found.network):
        return found.fix
    if found.id is None:
        return ""
    others, restored = [], []
    for live in snapshot.containers.values():
        if not any(endpoint.network_id == found.id for endpoint in live.endpoints.values()):
            continue
        role = role_of(ownership, host.name, live)
        if role == "restored":
            restored.append(live.name)
        elif role is None and live.id not in ownership.ids:
            others.append(f"{live.name} ({described(live)})")
    if others:
        return (
            f"nothing is changed: containers that are not of this stack are on {found.network} on {host.name}: "
            f"{', '.join(others)}. Disconnect them; then run `ipvlan heal` again"
        )
    if restored:
        return (
            f"nothing is changed: {', '.join(restored)} on {host.name} runs in place of a replacement that did not come up, and "
            f"would lose {found.network}. Settle that first (`ipvlan status`); then run `ipvlan heal` again"
        )
    return ""
