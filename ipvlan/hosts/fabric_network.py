"""The removal of the fabric's network from a host.

Out of scope: its creation, and that of bridge networks (`ipvlan.hosts.bridge_networks`).
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any, Final

from ipvlan.hosts.engine_writes import EngineWrites
from ipvlan.hosts.errors import NETWORK_NOT_REMOVED, HostError
from ipvlan.hosts.ids import short_id
from ipvlan.plan.resource_names import OWNER_LABEL

TRIES: Final = 10
SECONDS_BETWEEN: Final = 1.0
"""A container that Docker still removes is on the network a moment longer; the docker provider tries for 30 seconds."""

_IN_USE: Final = "has active endpoints"
"""What Docker says while a running container is on the network (moby, libnetwork/error.go, ActiveEndpointsError)."""


def remove(engine: EngineWrites, id_: str, *, name: str, owner: str) -> None:
    """Remove the network; succeed where it is gone.

    Args:
        engine: Docker on the host.
        id_: The network's id, as the state has it.
        name: Its name.
        owner: The owner label that this stack writes on it. Where the id is gone, a network of that name with exactly this label is
            removed: an `up --target` of the network alone leaves the id of the network before it in the state.

    Raises:
        HostError: IPF845: running containers are on it, or Docker refuses; or Docker does not answer.
    """
    live = engine.network(id_) or _created_again(engine, name, owner)
    if live is None:
        return
    for more in reversed(range(TRIES)):
        refusal = engine.network_not_removed(live["Id"])
        if not refusal:
            return
        if _IN_USE not in refusal or not more:
            raise _not_removed(engine, live, refusal)
        time.sleep(SECONDS_BETWEEN)


def _created_again(engine: EngineWrites, name: str, owner: str) -> Mapping[str, Any] | None:
    return next(
        (
            network
            for network in engine.networks()
            if network["Name"] == name and (network.get("Labels") or {}).get(OWNER_LABEL) == owner
        ),
        None,
    )


def _not_removed(engine: EngineWrites, live: Mapping[str, Any], refusal: str) -> HostError:
    now = engine.network(live["Id"]) or live
    names = sorted(endpoint.get("Name") or id_ for id_, endpoint in (now.get("Containers") or {}).items())
    on_it = f" (on it: {', '.join(names)})" if names else ""
    return HostError.on(
        engine.host,
        NETWORK_NOT_REMOVED,
        problem=f"Docker does not remove the network {live['Name']} ({short_id(live['Id'])}){on_it}: {refusal}",
        effect="it stays on the host, and in the state",
        fix=f"take what is not this stack's off it (`docker network disconnect {live['Name']} CONTAINER`), then run the same "
        "command again",
    )
