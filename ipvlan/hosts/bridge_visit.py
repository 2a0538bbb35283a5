"""The bridge attachment of a container in the visit that has looked at it: no start of Docker's command line, two requests more.

Responsible for the case in which all is well, which is nearly every one. Where the proof is not there,
`ipvlan.hosts.bridge.connect` goes on: it tells the reasons apart, removes what a connection that failed has left, and names who
holds a port.

Out of scope: whether the container comes up (`ipvlan.hosts.settle`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ipvlan.hosts.bridge import BRIDGE_GATEWAY_PRIORITY, PORTS_A_SECOND, state_of
from ipvlan.hosts.errors import HostError

if TYPE_CHECKING:
    from ipvlan.hosts.bridge import AttachmentState, BridgeAttachment
    from ipvlan.hosts.engine_writes import EngineWrites


def attach(engine: EngineWrites, attachment: BridgeAttachment, inspected: Mapping[str, Any] | None) -> bool:
    """Connect a container that runs to Docker's bridge, as its gateway.

    Args:
        engine: Docker on the host.
        attachment: What is planned. The container's id says which one it is, and its name must be the planned one.
        inspected: How Docker described the container in this visit; None where it is absent.

    Returns:
        Whether it is proven that the container is connected and every port is bound. Otherwise it may be connected or not.
    """
    if inspected is None or not _can_be_connected(attachment, inspected):
        return False
    state = state_of(inspected)
    if _proven(attachment, state):
        return True
    # A connection of others is not the gateway: only a new one changes that. Without priorities the first name is.
    if not state.running or state.connected or (attachment.before_bridge and not engine.prepare_priorities()):
        return False
    try:
        engine.connect_bridge(
            attachment.container_id,
            BRIDGE_GATEWAY_PRIORITY,
            more_seconds=len(attachment.ports) // PORTS_A_SECOND,
        )
        now = engine.find_container(attachment.container_id)
    except HostError:
        # Refused, or nobody knows.
        return False
    return now is not None and _proven(attachment, state_of(now))


def _can_be_connected(attachment: BridgeAttachment, inspected: Mapping[str, Any]) -> bool:
    """Return whether it is the declared container, as declared. Docker takes an id for a name too."""
    mode = str(inspected["HostConfig"]["NetworkMode"])
    return (
        inspected["Id"] == attachment.container_id
        and inspected["Name"] == f"/{attachment.container}"
        and mode not in {"host", "none"}
        and not mode.startswith("container:")
    )


def _proven(attachment: BridgeAttachment, state: AttachmentState) -> bool:
    return state.connected and state.running and not state.missing(attachment.ports)
