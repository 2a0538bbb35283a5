"""Bridge networks of the section `bridges`, changed on a host: created, created again below their containers, and removed.

Docker cannot change a network. One that is to be another is created again below its containers: they are disconnected, it is
removed and created, and they are connected again. Where Docker refuses the new one, the old one is created again as it was. Docker
removes a network of stopped containers without a word, and such a container does not start again ("network ID not found",
moby#17187): so stopped ones count.

Out of scope: what a network is to be, and what is in the way (`ipvlan.hosts.bridge_networks`).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from ipvlan.hosts import bridge_network_refusals as refused
from ipvlan.hosts.bridge_networks import (
    DRIVER,
    LiveNetwork,
    Wanted,
    container_name,
    differences,
    find,
    named,
    obstacle,
    own_network,
    users_of,
)
from ipvlan.hosts.spare import labelled_by_image
from ipvlan.hosts.spare_copy import given_aliases
from ipvlan.plan.ownership import has_owner
from ipvlan.plan.resource_names import OWNER_LABEL, STACK_LABEL

if TYPE_CHECKING:
    from ipvlan.hosts.engine_writes import EngineWrites
    from ipvlan.hosts.errors import HostError


_COPIED: Final = ("Driver", "Internal", "EnableIPv4", "EnableIPv6", "Attachable", "Options", "IPAM")
"""What `POST /networks/create` takes as `GET /networks` has it."""


class Ensured(NamedTuple):
    """A planned network that exists."""

    live: LiveNetwork
    created: bool
    """Whether it was created now."""
    rebuilt: bool
    """Whether one was removed for it: this stack's containers on it were disconnected, and connected again."""
    unconnected: Sequence[str] = ()
    """Names of containers of this stack that were on it, and that Docker does not connect again."""


def ensure(engine: EngineWrites, wanted: Wanted, *, links: Collection[str] = ()) -> Ensured:
    """Return the planned network, which exists then; create it, or create it again below running containers.

    Args:
        engine: The host's Docker.
        wanted: The planned network.
        links: Names of the host's interfaces, where the network is to have one of a given name.

    Raises:
        HostError: IPF803 to IPF805, IPF821, IPF822 (nothing was changed); IPF806, or IPF807: the network is as it was, if Docker
            does not refuse that too. It is safe to repeat.
    """
    networks, containers = engine.networks(), engine.containers()
    failure = obstacle(wanted, networks, containers, docker_version=engine.version, links=links)
    if failure is not None:
        raise failure
    if wanted.external:
        return Ensured(named(networks, wanted.name)[0], created=False, rebuilt=False)
    live = own_network(wanted, networks)
    if live is not None and not differences(wanted, live):
        return Ensured(live, created=False, rebuilt=False)
    endpoints = _disconnected(engine, wanted, live, networks, containers)
    if live is not None:
        refusal = engine.network_not_removed(live.id)
        if refusal:
            _connect_again(engine, live.id, endpoints)
            raise refused.not_removed(wanted, refusal)
    created = _created(engine, wanted)
    if isinstance(created, str):
        raise _rolled_back(engine, wanted, created, _of_id(networks, live), endpoints)
    unconnected = _connect_again(engine, created.id, endpoints)
    return Ensured(created, created=live is None, rebuilt=live is not None, unconnected=unconnected)


def _of_id(networks: Sequence[Mapping[str, Any]], live: LiveNetwork | None) -> Mapping[str, Any] | None:
    return None if live is None else next(network for network in networks if network["Id"] == live.id)


def _created(engine: EngineWrites, wanted: Wanted) -> LiveNetwork | str:
    """Create the network; return why it is not as planned where Docker refuses it or made another one."""
    body: dict[str, Any] = {
        "Driver": DRIVER,
        "Internal": wanted.internal,
        # `default-network-opts` of the host may switch it on, and the default route would go by it.
        "EnableIPv6": False,
        "Options": dict(wanted.options),
        "Labels": {**wanted.labels, STACK_LABEL: wanted.stack, OWNER_LABEL: wanted.owner_label},
    }
    if wanted.subnet:
        body["IPAM"] = {"Driver": "default", "Config": [{"Subnet": wanted.subnet}]}
    refusal = engine.network_not_created(wanted.name, body)
    if refusal:
        return refusal
    live = own_network(wanted, engine.networks())
    if live is None:
        return "it does not exist after its creation"
    different = differences(wanted, live)
    return f"after its creation it has {', '.join(different)}" if different else live


def _rolled_back(
    engine: EngineWrites,
    wanted: Wanted,
    refusal: str,
    before: Mapping[str, Any] | None,
    endpoints: Sequence[_Endpoint],
) -> HostError:
    """Create the network that was removed again, as it was and with its containers; return the error with what became of it.

    Args:
        engine: The host's Docker.
        wanted: The planned network.
        refusal: Why it is not there.
        before: The one that was removed for it, as Docker listed it; None without.
        endpoints: The connections that were ended.
    """
    if before is None:
        return refused.refused(wanted, refusal, [each.container for each in endpoints])
    made = own_network(wanted, engine.networks())
    if made is not None:
        # Nothing is connected to it yet. Where Docker keeps it, the old one is refused, and its reason is said.
        engine.network_not_removed(made.id)
    # By its label it is this stack's: its id is another one, which the state does not have.
    labels = {**(before.get("Labels") or {}), STACK_LABEL: wanted.stack, OWNER_LABEL: wanted.owner_label}
    copied = {key: before[key] for key in _COPIED if before.get(key) is not None}
    again = engine.network_not_created(wanted.name, {**copied, "Labels": labels})
    live = None if again else own_network(wanted, engine.networks())
    if live is None:
        both = f"{refusal}; nor is the previous one: {again or 'it does not exist after its creation'}"
        return refused.refused(wanted, both, [each.container for each in endpoints])
    return refused.rolled_back(wanted, refusal, _connect_again(engine, live.id, endpoints))


class _Endpoint(NamedTuple):
    """One connection of a container of this stack that was ended."""

    container_id: str
    container: str
    aliases: Sequence[str]
    priority: int


def _disconnected(
    engine: EngineWrites,
    wanted: Wanted,
    live: LiveNetwork | None,
    networks: Sequence[Mapping[str, Any]],
    containers: Sequence[Mapping[str, Any]],
) -> list[_Endpoint]:
    """Disconnect this stack's containers from the network, and from one of its name that is gone; return what they had.

    Raises:
        HostError: IPF806: containers of others are on it, and nothing was changed; or Docker refuses one.
    """
    engine.prepare_priorities()
    on_it = [] if live is None else list(users_of(containers, live))
    foreign = [each for each in on_it if not _is_own(engine, each, wanted)]
    if foreign:
        raise refused.others_on(wanted, map(container_name, foreign))
    ids = {network["Id"] for network in networks}
    dead = [
        each
        for each in containers
        # Not looked at before: only this stack's are changed.
        if _dead_id(each, wanted.name, ids) and _is_own(engine, each, wanted)
    ]
    endpoints: list[_Endpoint] = []
    for each in [*on_it, *dead]:
        inspected = engine.find_container(each["Id"])
        settings = ((inspected or {}).get("NetworkSettings") or {}).get("Networks", {}).get(wanted.name)
        if inspected is None or settings is None:
            continue
        # By its name, where Docker does not know its id any more.
        refusal = engine.not_disconnected(each["Id"], wanted.name if each in dead or live is None else live.id)
        if refusal:
            if live is not None:
                _connect_again(engine, live.id, endpoints)
            raise refused.not_removed(wanted, f"{container_name(each)} is not disconnected: {refusal}")
        endpoints.append(
            _Endpoint(
                each["Id"],
                container_name(each),
                given_aliases(settings, each["Id"]),
                int(settings.get("GwPriority") or 0),
            )
        )
    return endpoints


def _dead_id(container: Mapping[str, Any], name: str, ids: Collection[str]) -> bool:
    endpoint = ((container.get("NetworkSettings") or {}).get("Networks") or {}).get(name) or {}
    return bool(endpoint.get("NetworkID")) and endpoint["NetworkID"] not in ids


def _connect_again(engine: EngineWrites, network_id: str, endpoints: Sequence[_Endpoint]) -> list[str]:
    """Connect containers as they were; return the names of those that Docker refuses."""
    return [
        each.container
        for each in endpoints
        if engine.not_connected(each.container_id, network_id, each.aliases, each.priority)
    ]


def _is_own(engine: EngineWrites, container: Mapping[str, Any], wanted: Wanted) -> bool:
    if container["Id"] in wanted.containers:
        return True
    labelled = has_owner(container.get("Labels") or {}, wanted.owner)
    return labelled and not labelled_by_image(engine, container["ImageID"])


def remove(engine: EngineWrites, wanted: Wanted) -> None:
    """Remove the network of the state, with the endpoints of this stack's containers; succeed where it is gone.

    An external one, and one that the state does not have, stays.

    Raises:
        HostError: IPF806: containers of others are on it, stopped ones too, or Docker refuses.
    """
    live = None if wanted.external else find(engine, wanted)
    if live is None:
        return
    endpoints = _disconnected(engine, wanted, live, engine.networks(), engine.containers())
    refusal = engine.network_not_removed(live.id)
    if refusal:
        _connect_again(engine, live.id, endpoints)
        raise refused.not_removed(wanted, refusal)
