"""What the matrix has of bridges: the names of their containers, and what a container that is not on the fabric reaches.

The rules (Docker 28.5.2 from source: libnetwork/drivers/bridge, libnetwork/sandbox.go `ResolveName`):
- The containers of one bridge reach each other, by the name CONTAINER.BRIDGE too, which Docker's name server in the container asks
  that network alone for. With the option `enable_icc: "false"` the name is found, and nothing gets through.
- Docker isolates its bridges from each other: a container on none of the bridges of one without the fabric does not reach that one
  at the address that it has there. Asked for the name, Docker would ask the container's name servers, and a stranger might answer;
  so the address is tried, and no name leaves the host. What opens a bridge to others (`gateway_mode_ipv4`,
  `trusted_host_interfaces`), and what an external one is, the plan does not know.
- A container without the fabric reaches hosts and the internet through its host's NAT, where it is on Docker's own bridge or on one
  that is not internal. With internal ones alone it has no route.

Out of scope: the other cells (`ipvlan.plan.reachability`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final, Literal

from ipvlan.config.types.process import FALSE, TRUE
from ipvlan.plan.bridge_option_names import PREFIX
from ipvlan.plan.bridges import BridgePlan
from ipvlan.plan.cells import Cell, Expected, place
from ipvlan.plan.model import ContainerPlan, HostPlan, Plan

_WITH_NAT: Final = frozenset({"nat", "nat-unprotected"})
"""The modes of a bridge's gateway with which its containers send from their host's address."""
_OPENING: Final = ("gateway_mode_ipv4", "trusted_host_interfaces")
"""The options with which other networks may reach a bridge's containers."""


def by_own_route(host: HostPlan, container: ContainerPlan) -> Expected:
    """Return whether a container that is not on the fabric reaches what its host reaches: by its default route, through the NAT."""
    if container.bridged:
        return "yes"
    if container.default_route is None:
        return "no"
    bridge = next((bridge for bridge in host.bridges if bridge.name == container.default_route), None)
    return "yes" if bridge is not None and not bridge.external and _has_nat(bridge) else "any"


def _has_nat(bridge: BridgePlan) -> bool:
    return (
        _option(bridge, "enable_ip_masquerade") not in FALSE
        and _option(bridge, "inhibit_ipv4") not in TRUE
        and (_option(bridge, "gateway_mode_ipv4") or "nat") in _WITH_NAT
    )


def bridge_cells(plan: Plan) -> Iterator[Cell]:
    """Yield the names of the containers of each bridge, and the addresses there that the others must not reach, host by host."""
    for host in plan.hosts:
        bridges = {bridge.name: bridge for bridge in host.bridges}
        targets = [container for container in host.containers if container.bridges]
        for source in host.containers if targets else ():
            for target in targets:
                if source is not target:
                    yield from _between(bridges, source, target)


def _between(bridges: Mapping[str, BridgePlan], source: ContainerPlan, target: ContainerPlan) -> Iterator[Cell]:
    own = {endpoint.bridge for endpoint in source.bridges}
    theirs = [bridges[endpoint.bridge] for endpoint in target.bridges]
    shared = [bridge for bridge in theirs if bridge.name in own]
    for bridge in shared:
        isolated = _option(bridge, "enable_icc") in FALSE
        yield _cell("bridge-name", bridge, source, target, "no" if isolated else "yes")
    if not shared and not target.fabric:
        for bridge in theirs:
            if not bridge.external and not any(_option(bridge, name) for name in _OPENING):
                yield _cell("bridge-address", bridge, source, target, "no")


def _option(bridge: BridgePlan, name: str) -> str:
    """Return the value of an option of the bridge; empty where it is not set."""
    return bridge.options.get(PREFIX + name, "")


def _cell(
    kind: Literal["bridge-name", "bridge-address"],
    bridge: BridgePlan,
    source: ContainerPlan,
    target: ContainerPlan,
    expected: Expected,
) -> Cell:
    return Cell(
        kind=kind,
        source=place(source),
        target=place(target),
        address=f"{target.name}.{bridge.name}",
        expected=expected,
        source_host=source.host,
        target_host=target.host,
        source_service=source.service,
        target_service=target.service,
        bridge=bridge.name,
    )
