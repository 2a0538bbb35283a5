"""Bridge networks of the section `bridges` on a host: whose one is, whether it is as planned, and how it is created or removed.

Docker cannot change a network. One that is to be another is created again below its containers: they are disconnected, it is removed
and created, and their endpoints are connected again afterwards (`ipvlan.hosts.endpoints`). Docker removes a network of stopped
containers without a word, and such a container does not start again ("network ID not found", moby#17187): so stopped ones count.

Out of scope: what is planned (`ipvlan.plan.bridges`), and the engine's resource (`provider.bridge_network`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from ipvlan.hosts.errors import HostError
from ipvlan.plan.ownership import owner_label

if TYPE_CHECKING:
    from ipvlan.hosts.engine import Engine
    from ipvlan.hosts.engine_writes import EngineWrites

DRIVER: Final = "bridge"
"""Docker's driver of the networks of the section."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveNetwork:
    """A network as Docker describes it (`GET /networks`, `GET /networks/ID`)."""

    id: str
    """Docker's id, in full."""
    name: str
    driver: str
    internal: bool
    ipv6: bool
    subnets: tuple[str, ...]
    """Its IPv4 subnets: `172.18.0.0/16`."""
    options: Mapping[str, str]
    labels: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A bridge network as it is to be on a host."""

    host: str
    name: str
    """Its name in Docker."""
    internal: bool
    subnet: str
    """Empty where Docker chooses it."""
    options: Mapping[str, str]
    labels: Mapping[str, str]
    """Those of the config alone."""
    external: bool
    owner: str
    """The stack's owner id; empty where it is not known."""
    stack: str
    """The stack's short name."""
    recorded: str = ""
    """Docker's id of the network in the state, where the stack created it; empty otherwise."""

    @property
    def owner_label(self) -> str:
        """The owner label of a network that this stack creates here: `OWNER/HOST/NAME`."""
        return owner_label(self.owner, self.host, self.name)


def live_network(described: Mapping[str, Any]) -> LiveNetwork:
    """Return a network of Docker's list or description."""
    raise NotImplementedError


def named(networks: Sequence[Mapping[str, Any]], name: str) -> tuple[LiveNetwork, ...]:
    """Return the networks of exactly that name in Docker's list: before Docker 25 there may be several."""
    raise NotImplementedError


def is_ours(wanted: Wanted, live: LiveNetwork) -> bool:
    """Return whether this stack created it: the state has its id, or it has exactly the owner label of this place."""
    raise NotImplementedError


def differences(wanted: Wanted, live: LiveNetwork) -> list[str]:
    """Return what of the network is not as planned, in words: driver, internal, subnet, options. Docker cannot change any.

    A subnet that Docker chose, and an option that Docker sets itself, are no difference. Of an external one only the driver counts.
    """
    raise NotImplementedError


def users(containers: Sequence[Mapping[str, Any]], live: LiveNetwork) -> dict[str, str]:
    """Return the containers of Docker's list that are on the network, stopped ones too: Docker's id -> name."""
    raise NotImplementedError


def foreign_users(containers: Sequence[Mapping[str, Any]], live: LiveNetwork, owner: str) -> dict[str, str]:
    """Return those of `users` that do not have the stack's owner id in their owner label: Docker's id -> name."""
    raise NotImplementedError


def obstacle(
    wanted: Wanted, networks: Sequence[Mapping[str, Any]], containers: Sequence[Mapping[str, Any]]
) -> HostError | None:
    """Return why the planned network cannot be had (IPF803, 804, 805); None where it exists as planned or can be created.

    Args:
        wanted: The planned network.
        networks: Those of the host, as Docker lists them.
        containers: Those of the host, as Docker lists them.
    """
    raise NotImplementedError


class Ensured(NamedTuple):
    """A planned network that exists."""

    live: LiveNetwork
    created: bool
    """Whether it was created now."""
    rebuilt: bool
    """Whether one was removed for it: its containers of this stack were disconnected, and are to be connected again."""


def ensure(engine: EngineWrites, wanted: Wanted) -> Ensured:
    """Return the planned network, which exists then; create it, or create it again below running containers.

    Raises:
        HostError: IPF803 to IPF805 (nothing was changed), IPF806 or IPF807; it is safe to repeat.
    """
    raise NotImplementedError


def remove(engine: EngineWrites, wanted: Wanted) -> None:
    """Remove the network of ours, with the endpoints of this stack's containers; succeed where it is gone, or is not ours.

    Raises:
        HostError: IPF806: containers of others are on it, stopped ones too.
    """
    raise NotImplementedError


def find(engine: Engine, wanted: Wanted) -> LiveNetwork | None:
    """Return the network of the state, or of the planned name where the state has none; None where there is none."""
    raise NotImplementedError
