"""A container's endpoints: its connections to the bridge networks of the section `bridges`, made live.

Docker's answer to a connection of a stopped container says nothing: where it is connected already, Docker changes nothing, aliases
neither, and reports success (moby daemon/container_operations.go, updateNetworkSettings). So an endpoint that is to be another is
disconnected first, and everything is looked at again afterwards.

Out of scope: the networks themselves (`ipvlan.hosts.bridge_networks`), and Docker's own bridge (`ipvlan.hosts.bridge`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from ipvlan.hosts.engine_writes import EngineWrites

ENDPOINT_PRIORITY: Final = -100
"""Gateway priority of an endpoint on a bridge of the section: below the fabric's, which has Docker's default, 0."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """One connection of a container, as it is to be."""

    network: str
    """The network's name in Docker."""
    network_id: str
    """Docker's id of the network."""
    aliases: tuple[str, ...]
    """Sorted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """All connections of one container to bridges, as they are to be."""

    host: str
    container: str
    """Its name."""
    container_id: str
    """Docker's id, in full."""
    endpoints: tuple[Endpoint, ...]
    priority: int
    """Gateway priority of each of them, where Docker has priorities."""
    keep_bridge: bool
    """Whether it stays on Docker's own bridge, where it is on it. A container off the fabric is created there, and leaves it unless it
    is published or has internet; one on the fabric is never on it but for its bridge attachment."""
    owner: str
    """The stack's owner id: networks with it in their owner label are this stack's, and one that is not wanted is disconnected."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveEndpoint:
    """One connection of a container, as Docker describes it (`GET /containers/ID/json`, NetworkSettings.Networks)."""

    network: str
    network_id: str
    """Empty where the container never started with it: Docker fills it in at the start."""
    aliases: tuple[str, ...]
    """Sorted, without those that Docker adds itself (the short id)."""
    priority: int | None
    """None where Docker has no priorities."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Differences:
    """What is not as it is to be of a container's connections."""

    missing: tuple[Endpoint, ...] = ()
    different: tuple[Endpoint, ...] = ()
    """Connected with other aliases, another priority, or to a network that is gone or was created again."""
    extra: tuple[LiveEndpoint, ...] = ()
    """To a bridge of this stack that is not wanted."""
    foreign: tuple[LiveEndpoint, ...] = ()
    """To a network of others that is not wanted; it stays."""
    on_bridge: bool = False
    """Whether it is on Docker's own bridge and is to leave it."""

    @property
    def to_do(self) -> bool:
        """Whether `attach` changes something about the connections."""
        return bool(self.missing or self.different or self.extra or self.on_bridge)


def live_endpoints(inspected: Mapping[str, Any]) -> Mapping[str, LiveEndpoint]:
    """Return the connections of a container that was inspected, by the network's name; Docker's own bridge and the fabric too."""
    raise NotImplementedError


def differences(
    wanted: Wanted, inspected: Mapping[str, Any], networks: Sequence[Mapping[str, Any]], *, fabric: str
) -> Differences:
    """Return what is not as it is to be.

    Args:
        wanted: The connections as they are to be.
        inspected: The container, as `GET /containers/ID/json` describes it.
        networks: Those of the host, as Docker lists them: their labels say which are this stack's.
        fabric: Name of the fabric's network, which is none of the section's; empty for none.
    """
    raise NotImplementedError


def attach(engine: EngineWrites, wanted: Wanted) -> Differences:
    """Make the container's connections as they are to be, and start it where it was created and never started.

    It is safe to repeat, after an end at any line. A container that was stopped stays stopped.

    Returns:
        What was different, and is not any more.

    Raises:
        HostError: IPF808: a network or the container is not the one that was declared, and nothing was changed; or Docker refuses a
            step, and what was done before stays done.
    """
    raise NotImplementedError


def detach(engine: EngineWrites, wanted: Wanted) -> None:
    """Disconnect the container from the bridges; succeed where a connection, a network or the container is gone.

    Raises:
        HostError: IPF808: Docker refuses it.
    """
    raise NotImplementedError
