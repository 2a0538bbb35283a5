"""What a container may do by a bridge network of the section `bridges`, and by not being on the fabric.

Out of scope: what happens to a bridge (`ipvlan.plan.bridge_changes`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Final

from ipvlan.plan.bridge_option_names import GATEWAY_MODE, TRUSTED

if TYPE_CHECKING:
    from ipvlan.plan.bridges import BridgePlan
    from ipvlan.plan.model import ContainerPlan

_OPEN_MODES: Final = {
    "routed": "without NAT, and whoever has a route to it reaches its ports that are published",
    "nat-unprotected": "whoever has a route to it reaches every port of it, published or not",
}
"""Value of `gateway_mode_ipv4` -> what others may do by it (moby 28.5.2, libnetwork/drivers/bridge/bridge_linux.go, `gwMode`)."""


def of_bridges(container: ContainerPlan, bridges: Mapping[str, BridgePlan]) -> Iterator[tuple[str, str]]:
    """Yield value and meaning of each connection that leads beyond the stack's own containers.

    Those of the stack's own bridges have their keys: another name in Docker is no new power.

    Args:
        container: The container.
        bridges: Docker's name -> the bridge of the section `bridges` on the container's host.
    """
    for endpoint in container.bridges:
        bridge = bridges[endpoint.bridge]
        if bridge.external:
            yield (
                bridge.name,
                "reaches the containers of others on a network that somebody else made, and they reach every port of it",
            )
        mode = bridge.options.get(GATEWAY_MODE)
        if mode in _OPEN_MODES:
            yield f"{bridge.key} ({GATEWAY_MODE}={mode})", _OPEN_MODES[mode]
        trusted = bridge.options.get(TRUSTED)
        if trusted:
            yield (
                f"{bridge.key} ({TRUSTED}={trusted})",
                "what arrives at these interfaces of the host reaches its published ports at its own address too",
            )


def of_fabric(container: ContainerPlan) -> Iterator[tuple[str, str]]:
    """Yield the route that a container gets instead of the fabric's."""
    # With internet or published it is Docker's own bridge, which those keys ask for.
    if not container.fabric and not container.bridged and container.default_route is not None:
        yield (
            "false",
            "its default route is over a bridge: it reaches the internet and the host's networks by the host's NAT",
        )
