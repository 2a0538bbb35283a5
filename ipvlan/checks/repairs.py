"""The repairs that are done on hosts: all hosts in parallel, the steps of one host in their order.

Each step looks at the host again before it changes anything there, and skips what is not as the user was shown it.

Out of scope: which steps there are (`ipvlan.checks.heal`), and the work on a container (`ipvlan.hosts.repair`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

from ipvlan.checks.drift_kinds import DriftKind
from ipvlan.checks.heal import RepairStep
from ipvlan.hosts import bridge, repair
from ipvlan.hosts.connection import HostConnection, connection_to
from ipvlan.hosts.errors import HostError
from ipvlan.hosts.networking import apply, planned_networking
from ipvlan.hosts.repair import Seen
from ipvlan.hosts.session import HOSTS_AT_ONCE
from ipvlan.plan.model import HostPlan, Plan


def repair_on_hosts(
    plan: Plan,
    steps: Sequence[RepairStep],
    *,
    may_change: Callable[[str], None],
    done: Callable[[RepairStep], None],
) -> Mapping[RepairStep, HostError]:
    """Do the steps that are done on hosts, and return those that failed with the reason.

    Args:
        plan: What is planned.
        steps: The steps.
        may_change: Called with the host before each step; raises HostError where this run must not change it any more.
        done: Called with each step that succeeded.
    """
    if not steps:
        return {}
    by_host: dict[str, list[RepairStep]] = {}
    for step in steps:
        by_host.setdefault(step.difference.host, []).append(step)

    def repair_host(host: str) -> dict[RepairStep, HostError]:
        failed = {}
        planned = plan.host(host)
        connection = connection_to(planned, plan.ssh)
        # What a step leaves is what the next one of the same container expects.
        left: dict[str, Seen] = {}
        unconnected: dict[str, HostError] = {}
        for step in by_host[host]:
            seen = step.seen and left.get(step.seen.id, step.seen)
            try:
                if seen is not None and step.difference.kind is DriftKind.CONTAINER_STOPPED and seen.id in unconnected:
                    # Started without its bridges it may end at once: nginx does where it finds no upstream.
                    raise unconnected[seen.id]
                may_change(host)
                after = _repair(planned, connection, step, seen)
                if after is not None:
                    left[after.id] = after
            except HostError as error:
                failed[step] = error
                if seen is not None and step.connections is not None:
                    unconnected[seen.id] = error
            else:
                done(step)
        return failed

    with ThreadPoolExecutor(max_workers=min(len(by_host), HOSTS_AT_ONCE)) as pool:
        failures = list(pool.map(repair_host, by_host))
    return {step: error for failed in failures for step, error in failed.items()}


def _repair(host: HostPlan, connection: HostConnection, step: RepairStep, seen: Seen | None) -> Seen | None:
    """Do one step on its host, and return the container as it is then where that is known. Raises HostError."""
    kind = step.difference.kind
    if kind in (DriftKind.ROUTE_MISSING, DriftKind.SHIM_MISSING):
        networking = planned_networking(host, connection)
        if networking is None:
            raise RuntimeError(f"{kind} on {host.name}, and the plan has neither routes nor a shim there")
        apply(networking)
        return None
    if seen is None:
        raise RuntimeError(f"{kind} on {host.name} is repaired without a container")
    planned = host.container(step.difference.service or "")
    match kind:
        case DriftKind.FABRIC_DISCONNECTED | DriftKind.ADDRESS_DIFFERENT:
            return repair.connect_to_fabric(
                connection,
                seen,
                network=host.network.name,
                network_id=step.network_id,
                address=planned.fabric_address,
            )
        case DriftKind.CONTAINER_STOPPED:
            return repair.start(connection, seen)
        case DriftKind.BRIDGE_DISCONNECTED | DriftKind.PORTS_UNBOUND:
            repair.connect_to_bridge(seen, bridge.planned_attachment(host, planned, connection, seen.id))
        case DriftKind.BRIDGE_CONNECTED:
            return repair.disconnect_from_bridge(seen, bridge.planned_attachment(host, planned, connection, seen.id))
        case DriftKind.ENDPOINT_MISSING | DriftKind.ENDPOINT_DIFFERENT | DriftKind.ENDPOINT_EXTRA:
            if step.connections is None:
                raise RuntimeError(f"{kind} on {host.name} is repaired without connections")
            return repair.connect_to_bridges(connection, seen, step.connections)
        case _:
            raise RuntimeError(f"{kind} is not repaired on a host")
    return None
