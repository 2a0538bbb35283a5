"""Which hosts have another network in the state than in the plan: Docker changes no network, so Pulumi replaces it.

Every container of the host is on it and goes with it, and a spare cannot: it is on the network that was deleted.

Out of scope: what the host itself has (`ipvlan.checks.drift`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ipvlan.checks.stack_state import StateResource
    from ipvlan.plan.model import NetworkPlan, Plan


def changed_networks(networks: Mapping[str, StateResource], plan: Plan) -> frozenset[str]:
    """Return the planned hosts whose network in the state is another one than planned.

    Args:
        networks: Host -> its network in the state.
        plan: The plan.
    """
    return frozenset(
        host.name
        for host in plan.hosts
        if host.name in networks and _recorded(networks[host.name].inputs) != _planned(host.network)
    )


def _planned(network: NetworkPlan) -> tuple[Any, ...]:
    return (
        network.name,
        network.mode,
        network.parent,
        str(network.subnet),
        str(network.ip_range),
        "" if network.gateway is None else str(network.gateway),
        {key: str(address) for key, address in network.auxiliary.items()},
    )


def _recorded(inputs: Mapping[str, Any]) -> tuple[Any, ...]:
    options = inputs.get("options") or {}
    pools = inputs.get("ipamConfigs") or [{}]
    return (
        inputs.get("name"),
        options.get("ipvlan_mode"),
        options.get("parent"),
        pools[0].get("subnet"),
        pools[0].get("ipRange"),
        pools[0].get("gateway") or "",
        pools[0].get("auxAddress") or {},
    )
