"""Bridge networks of the section `bridges` on a host: whose one is, whether it is as planned, and how it is created or removed.

Docker cannot change a network. One that is to be another is created again below its containers: they are disconnected, it is
removed and created, and they are connected again. Docker removes a network of stopped containers without a word, and such a
container does not start again ("network ID not found", moby#17187): so stopped ones count.

Out of scope: what is planned (`ipvlan.plan.bridges`), and the engine's resource (`provider.bridge_network`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from netaddr import IPNetwork

from ipvlan.hosts import bridge_network_refusals as refused
from ipvlan.hosts.spare import labelled_by_image
from ipvlan.hosts.spare_copy import given_aliases
from ipvlan.plan.docker_versions import PRIORITY_BEFORE_FAMILY, parse_version
from ipvlan.plan.ownership import owner_label, parse_owner_label
from ipvlan.plan.resource_names import OWNER_LABEL, STACK_LABEL

if TYPE_CHECKING:
    from ipvlan.hosts.engine import Engine
    from ipvlan.hosts.engine_writes import EngineWrites
    from ipvlan.hosts.errors import HostError

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
    dropped: Collection[str] = ()
    """Names of options that it has in the state, and that are not planned any more. Any other option beyond the planned ones is
    Docker's own (`default-network-opts` in its daemon.json)."""

    @property
    def owner_label(self) -> str:
        """The owner label of a network that this stack creates here: `OWNER/HOST/NAME`."""
        return owner_label(self.owner, self.host, self.name)


def live_network(described: Mapping[str, Any]) -> LiveNetwork:
    """Return a network of Docker's list or description."""
    pools = [pool.get("Subnet") or "" for pool in (described.get("IPAM") or {}).get("Config") or ()]
    return LiveNetwork(
        id=described["Id"],
        name=described["Name"],
        driver=described.get("Driver") or "",
        internal=bool(described.get("Internal")),
        ipv6=bool(described.get("EnableIPv6")),
        subnets=tuple(pool for pool in pools if pool and ":" not in pool),
        options=described.get("Options") or {},
        labels=described.get("Labels") or {},
    )


def named(networks: Sequence[Mapping[str, Any]], name: str) -> tuple[LiveNetwork, ...]:
    """Return the networks of exactly that name in Docker's list: before Docker 25 there may be several."""
    return tuple(live_network(each) for each in networks if each["Name"] == name)


def is_ours(wanted: Wanted, live: LiveNetwork) -> bool:
    """Return whether this stack created it: the state has its id, or it has exactly the owner label of this place."""
    labelled = bool(wanted.owner) and live.labels.get(OWNER_LABEL) == wanted.owner_label
    return labelled or bool(wanted.recorded and live.id == wanted.recorded)


def differences(wanted: Wanted, live: LiveNetwork) -> list[str]:
    """Return what of the network is not as planned, in words: driver, internal, subnet, options. Docker cannot change any.

    A subnet that Docker chose, and an option that Docker sets itself, are no difference. Of an external one only the driver counts.
    """
    found = [] if live.driver == DRIVER else [f"driver {live.driver}"]
    if wanted.external:
        return found
    if live.internal is not wanted.internal:
        found.append("a way out of the host" if wanted.internal else "no way out of the host (internal)")
    if wanted.subnet and [IPNetwork(wanted.subnet)] != [IPNetwork(subnet) for subnet in live.subnets]:
        found.append(f"subnet {', '.join(live.subnets) or 'none'} instead of {wanted.subnet}")
    for option, value in sorted(wanted.options.items()):
        if live.options.get(option) != value:
            now = (
                f"{live.options[option]} instead of {value}"
                if option in live.options
                else f"missing instead of {value}"
            )
            found.append(f"the option {option} {now}")
    return [
        *found,
        *(
            f"the option {option}, which is not planned"
            for option in sorted(wanted.dropped)
            if option in live.options and option not in wanted.options
        ),
    ]


def users(containers: Sequence[Mapping[str, Any]], live: LiveNetwork) -> dict[str, str]:
    """Return the containers of Docker's list that are on the network, stopped ones too: Docker's id -> name."""
    return {container["Id"]: container_name(container) for container in _on(containers, live)}


def foreign_users(containers: Sequence[Mapping[str, Any]], live: LiveNetwork, owner: str) -> dict[str, str]:
    """Return those of `users` that do not have the stack's owner id in their owner label: Docker's id -> name."""
    return {
        container["Id"]: container_name(container)
        for container in _on(containers, live)
        if not has_owner(container.get("Labels") or {}, owner)
    }


def has_owner(labels: Mapping[str, str], owner: str) -> bool:
    """Return whether an owner label has the owner id; an empty id is nobody's."""
    label = parse_owner_label(labels.get(OWNER_LABEL, ""))
    return bool(owner) and label is not None and label.owner == owner


def container_name(container: Mapping[str, Any]) -> str:
    """Return the name of a container of Docker's list."""
    return str((container.get("Names") or [container["Id"]])[0]).removeprefix("/")


def _on(containers: Sequence[Mapping[str, Any]], live: LiveNetwork) -> Iterator[Mapping[str, Any]]:
    """Yield the containers of Docker's list that are on a network; one that never started has its name alone."""
    for container in containers:
        endpoints = (container.get("NetworkSettings") or {}).get("Networks") or {}
        if any(
            endpoint.get("NetworkID") == live.id or (not endpoint.get("NetworkID") and name == live.name)
            for name, endpoint in endpoints.items()
        ):
            yield container


def obstacle(
    wanted: Wanted,
    networks: Sequence[Mapping[str, Any]],
    containers: Sequence[Mapping[str, Any]],
    *,
    docker_version: str = "",
) -> HostError | None:
    """Return why the planned network cannot be had (IPF803, 804, 805); None where it exists as planned or can be created.

    Args:
        wanted: The planned network.
        networks: Those of the host, as Docker lists them.
        containers: Those of the host, as Docker lists them.
        docker_version: The host's Docker: `28.5.2`; empty where it is not known.
    """
    found = named(networks, wanted.name)
    if wanted.external:
        return external_obstacle(wanted, found, docker_version)
    others = [live for live in found if not is_ours(wanted, live)]
    if others:
        return refused.not_ours(wanted, others[0], users(containers, others[0]).values())
    live = _ours(wanted, networks)
    if live is None:
        return None
    different, foreign = differences(wanted, live), foreign_users(containers, live, wanted.owner)
    return refused.in_use(wanted, different, foreign.values()) if different and foreign else None


def external_obstacle(wanted: Wanted, found: Sequence[LiveNetwork], docker_version: str) -> HostError | None:
    """Return why containers cannot be connected to the external network (IPF803), of which `found` are all of its name."""
    if not found:
        return refused.missing(wanted)
    if len(found) > 1:
        return refused.unusable(
            wanted, f"the host has {len(found)} networks {wanted.name}, and which one is meant is not known"
        )
    live = found[0]
    if live.driver != DRIVER:
        return refused.unusable(
            wanted, f"network {wanted.name} has the driver {live.driver or 'none'} and not {DRIVER}"
        )
    version = parse_version(docker_version)
    if live.ipv6 and not live.internal and version is not None and version < PRIORITY_BEFORE_FAMILY:
        first = ".".join(map(str, PRIORITY_BEFORE_FAMILY))
        return refused.unusable(
            wanted,
            f"network {wanted.name} has IPv6, and a Docker older than {first} gives such a network the default route of its "
            "containers, whatever the priorities are",
        )
    return None


def _ours(wanted: Wanted, networks: Sequence[Mapping[str, Any]]) -> LiveNetwork | None:
    """Return the network of this stack, first that of the state."""
    ours = [live for live in named(networks, wanted.name) if is_ours(wanted, live)]
    return next((live for live in ours if live.id == wanted.recorded), ours[0] if ours else None)


class Ensured(NamedTuple):
    """A planned network that exists."""

    live: LiveNetwork
    created: bool
    """Whether it was created now."""
    rebuilt: bool
    """Whether one was removed for it: this stack's containers on it were disconnected, and connected again."""
    unconnected: Sequence[str] = ()
    """Names of containers of this stack that were on it, and that Docker does not connect again."""


def ensure(engine: EngineWrites, wanted: Wanted) -> Ensured:
    """Return the planned network, which exists then; create it, or create it again below running containers.

    Raises:
        HostError: IPF803 to IPF805 (nothing was changed), IPF806 or IPF807; it is safe to repeat.
    """
    networks, containers = engine.networks(), engine.containers()
    failure = obstacle(wanted, networks, containers, docker_version=engine.version)
    if failure is not None:
        raise failure
    if wanted.external:
        return Ensured(named(networks, wanted.name)[0], created=False, rebuilt=False)
    live = _ours(wanted, networks)
    if live is not None and not differences(wanted, live):
        return Ensured(live, created=False, rebuilt=False)
    endpoints = _disconnected(engine, wanted, live, networks, containers)
    if live is not None:
        refusal = engine.network_not_removed(live.id)
        if refusal:
            _connect_again(engine, live.id, endpoints)
            raise refused.not_removed(wanted, refusal)
    created = _created(engine, wanted)
    unconnected = _connect_again(engine, created.id, endpoints)
    return Ensured(created, created=live is None, rebuilt=live is not None, unconnected=unconnected)


def _created(engine: EngineWrites, wanted: Wanted) -> LiveNetwork:
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
        raise refused.refused(wanted, refusal)
    live = _ours(wanted, engine.networks())
    if live is None:
        raise refused.refused(wanted, "it does not exist after its creation")
    different = differences(wanted, live)
    if different:
        raise refused.refused(wanted, f"after its creation it has {', '.join(different)}")
    return live


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
    on_it = [] if live is None else list(_on(containers, live))
    foreign = [each for each in on_it if not _is_own(engine, each, wanted.owner)]
    if foreign:
        raise refused.others_on(wanted, map(container_name, foreign))
    ids = {network["Id"] for network in networks}
    dead = [
        each
        for each in containers
        if has_owner(each.get("Labels") or {}, wanted.owner)
        and _dead_id(each, wanted.name, ids)
        # Not looked at before: only this stack's are changed.
        and not labelled_by_image(engine, each["ImageID"])
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


def _is_own(engine: EngineWrites, container: Mapping[str, Any], owner: str) -> bool:
    return has_owner(container.get("Labels") or {}, owner) and not labelled_by_image(engine, container["ImageID"])


def remove(engine: EngineWrites, wanted: Wanted) -> None:
    """Remove the network of the state, with the endpoints of this stack's containers; succeed where it is gone.

    An external one, and one that the state does not have, stays.

    Raises:
        HostError: IPF806: containers of others are on it, stopped ones too, or Docker refuses.
    """
    described = None if wanted.external or not wanted.recorded else engine.network(wanted.recorded)
    if described is None:
        return
    live = live_network(described)
    endpoints = _disconnected(engine, wanted, live, engine.networks(), engine.containers())
    refusal = engine.network_not_removed(live.id)
    if refusal:
        _connect_again(engine, live.id, endpoints)
        raise refused.not_removed(wanted, refusal)


def find(engine: Engine, wanted: Wanted) -> LiveNetwork | None:
    """Return the network of the state; of an external one that of the name, if its driver is the right one; None without one."""
    if not wanted.external:
        described = engine.network(wanted.recorded) if wanted.recorded else None
        return None if described is None else live_network(described)
    found = [live for live in named(engine.networks(), wanted.name) if live.driver == DRIVER]
    return found[0] if len(found) == 1 else None
