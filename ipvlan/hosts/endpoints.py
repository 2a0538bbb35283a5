"""A container's endpoints: its connections to the bridge networks of the section `bridges`, made live.

Docker's answer to a connection of a stopped container says nothing: where it is connected already, Docker changes nothing, aliases
neither, and reports success (moby, updateNetworkSettings in its daemon). So an endpoint that is to be another is
disconnected first, and everything is looked at again afterwards.

Out of scope: the networks themselves (`ipvlan.hosts.bridge_networks`), and Docker's own bridge (`ipvlan.hosts.bridge`).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from ipvlan.hosts.bridge import PORTS_A_SECOND
from ipvlan.hosts.bridge_networks import DRIVER, LiveNetwork, live_network
from ipvlan.hosts.errors import NOT_ATTACHED, HostError
from ipvlan.hosts.ids import short_id
from ipvlan.hosts.restore import was_never_started
from ipvlan.hosts.spare_copy import given_aliases
from ipvlan.plan.ownership import has_owner
from ipvlan.plan.resource_names import BRIDGE

if TYPE_CHECKING:
    from ipvlan.hosts.engine_writes import EngineWrites
    from ipvlan.plan.model import ContainerPlan

ENDPOINT_PRIORITY: Final = -100
"""Gateway priority of an endpoint on a bridge of the section: below the fabric's, which has Docker's default, 0."""


_NO_NETWORKS: Final = ("host", "none")
"""Network modes of a container that Docker connects to no other network."""


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
    """Whether it stays on Docker's own bridge, where it is on it. A container off the fabric is created there, and leaves it unless
    it is published or has internet."""
    owner: str
    """The stack's owner id: networks with it in their owner label are this stack's, and one that is not wanted is disconnected."""


def keeps_bridge(planned: ContainerPlan) -> bool:
    """Return whether a container stays on Docker's own bridge where it is on it.

    One on the fabric is there by its bridge attachment alone, which connects and disconnects it.
    """
    return planned.fabric or planned.bridged


def planned_endpoints(planned: ContainerPlan, container_id: str, network_ids: Mapping[str, str], owner: str) -> Wanted:
    """Return the connections that the plan has for a container.

    Args:
        planned: The container as planned.
        container_id: Docker's id of the container.
        network_ids: Docker's name of each of its bridges -> the network's id.
        owner: The stack's owner id.
    """
    return Wanted(
        host=planned.host,
        container=planned.name,
        container_id=container_id,
        endpoints=tuple(
            Endpoint(network=each.bridge, network_id=network_ids[each.bridge], aliases=each.aliases)
            for each in planned.bridges
        ),
        priority=ENDPOINT_PRIORITY,
        keep_bridge=keeps_bridge(planned),
        owner=owner,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveEndpoint:
    """One connection of a container, as Docker describes it (`GET /containers/ID/json`, NetworkSettings.Networks)."""

    network: str
    network_id: str
    """Empty where the container never started with it: Docker fills it in at the start."""
    aliases: tuple[str, ...]
    """Sorted, without those that Docker adds itself (the short id)."""
    priority: int | None
    """None where Docker has no priorities, or was asked in a version of its API without them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Differences:
    """What is not as it is to be of a container's connections."""

    missing: tuple[Endpoint, ...] = ()
    different: tuple[tuple[Endpoint, LiveEndpoint], ...] = ()
    """As it is to be, and as it is: with other aliases, another priority, or on a network that is gone or was created again."""
    extra: tuple[LiveEndpoint, ...] = ()
    """To a bridge of this stack that is not wanted, or to one of others to which this stack connected it."""
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
    return {
        name: LiveEndpoint(
            network=name,
            network_id=endpoint.get("NetworkID") or "",
            aliases=tuple(sorted(given_aliases(endpoint, inspected["Id"]))),
            priority=int(endpoint["GwPriority"]) if "GwPriority" in endpoint else None,
        )
        for name, endpoint in (inspected["NetworkSettings"].get("Networks") or {}).items()
    }


def differences(
    wanted: Wanted,
    inspected: Mapping[str, Any],
    networks: Sequence[Mapping[str, Any]],
    *,
    fabric: str = "",
    former: Mapping[str, str] | None = None,
) -> Differences:
    """Return what is not as it is to be.

    Args:
        wanted: The connections as they are to be.
        inspected: The container, as `GET /containers/ID/json` describes it.
        networks: Those of the host, as Docker lists them: their labels say which are this stack's.
        fabric: Name of the fabric's network, which is none of the section's; without it, that counts as one of others.
        former: Name -> id of the networks to which this stack connected it before: it leaves them too, where they are of others.
    """
    live = live_endpoints(inspected)
    planned = {endpoint.network: endpoint for endpoint in wanted.endpoints}
    hostname = inspected["Config"].get("Hostname") or ""
    beyond = [endpoint for name, endpoint in live.items() if name not in {*planned, BRIDGE, fabric}]
    ids, before = {network["Id"] for network in networks}, former or {}
    ours = [
        endpoint
        for endpoint in beyond
        if (endpoint.network in before and _is_recorded(endpoint, before[endpoint.network], ids))
        or _is_own_bridge(endpoint, networks, wanted.owner)
    ]
    return Differences(
        missing=tuple(endpoint for name, endpoint in planned.items() if name not in live),
        different=tuple(
            (endpoint, live[name])
            for name, endpoint in planned.items()
            if name in live and _differs(wanted, endpoint, live[name], hostname)
        ),
        extra=tuple(ours),
        foreign=tuple(endpoint for endpoint in beyond if endpoint not in ours),
        on_bridge=BRIDGE in live and not wanted.keep_bridge,
    )


def _differs(wanted: Wanted, planned: Endpoint, live: LiveEndpoint, hostname: str) -> bool:
    """Return whether an endpoint is another one.

    The hostname is left out: a Docker from 25 on lists it among the aliases for a version of its API before 1.45, and finds the
    container by it anyway (moby, getContainersByName in its router of containers).
    """
    return (
        bool(live.network_id and live.network_id != planned.network_id)
        or {*live.aliases} - {hostname} != {*planned.aliases} - {hostname}
        or live.priority not in {None, wanted.priority}
    )


def _is_recorded(live: LiveEndpoint, recorded: str, ids: Collection[str]) -> bool:
    """Return whether an endpoint is the recorded one of its network's name; `ids` are those of the host's networks.

    Where the recorded network is gone, its owner created it again, and `heal` connected the container to that.
    """
    return live.network_id in {"", recorded} or recorded not in ids


def _is_own_bridge(live: LiveEndpoint, networks: Sequence[Mapping[str, Any]], owner: str) -> bool:
    """Return whether an endpoint is on a bridge of this stack; one that never started has the network's name alone."""
    found = next(
        (
            live_network(network)
            for network in networks
            if network["Id"] == live.network_id or (not live.network_id and network["Name"] == live.network)
        ),
        None,
    )
    # The fabric's network has the stack's label too, and another driver.
    return found is not None and found.driver == DRIVER and has_owner(found.labels, owner)


def attach(engine: EngineWrites, wanted: Wanted, *, former: Mapping[str, str] | None = None) -> Differences:
    """Make the container's connections as they are to be, and start it where it was created and never started.

    It is safe to repeat, after an end at any line. A container that was stopped stays stopped.

    Args:
        engine: The host's Docker.
        wanted: The connections as they are to be.
        former: Name -> id of the networks to which this stack connected it before.

    Returns:
        What was different, and is not any more.

    Raises:
        HostError: IPF808: a network or the container is not the one that was declared, and nothing was changed; or Docker refuses a
            step, and what was done before stays done.
    """
    networks = engine.networks()
    engine.prepare_priorities()
    inspected = _declared(engine, wanted)
    _verify_networks(wanted, networks)
    found = differences(wanted, inspected, networks, former=former)
    # What is new comes first: what Docker refuses then leaves the container with all that it had.
    for planned in found.missing:
        _connect(engine, wanted, planned)
    for planned, live in found.different:
        _connect_again(engine, wanted, planned, live, networks)
    for live in found.extra:
        _disconnect(engine, wanted, live.network, live.network_id, networks)
    if found.on_bridge:
        # Last: a container that runs is never without a network.
        _disconnect(engine, wanted, BRIDGE, "", networks)
    if found.to_do:
        left = differences(wanted, _declared(engine, wanted), networks, former=former)
        if left.to_do:
            # Docker reports success for a connection of a stopped container that changes nothing.
            raise _failed(wanted, f"Docker reports success, and still {_named(left)} is not as planned")
    _start(engine, wanted)
    return found


def _start(engine: EngineWrites, wanted: Wanted) -> None:
    """Start the container where it was created and never started; one that Docker did not start earlier is tried again."""
    inspected = _declared(engine, wanted)
    if was_never_started(inspected["State"]):
        # One that stays on Docker's own bridge binds its ports at the start.
        ports = sum(len(bindings or ()) for bindings in (inspected["HostConfig"].get("PortBindings") or {}).values())
        refusal = engine.not_started(wanted.container_id, more_seconds=ports // PORTS_A_SECOND)
        if refusal:
            raise _failed(wanted, f"it is on its networks and is not started: {refusal}")


def detach(engine: EngineWrites, wanted: Wanted) -> None:
    """Disconnect the container from the bridges; succeed where a connection, a network or the container is gone.

    Raises:
        HostError: IPF808: Docker refuses it.
    """
    inspected = engine.find_container(wanted.container_id)
    if inspected is None:
        return
    live, networks = live_endpoints(inspected), engine.networks()
    ids = {network["Id"] for network in networks}
    for planned in wanted.endpoints:
        found = live.get(planned.network)
        if found is not None and _is_recorded(found, planned.network_id, ids):
            _disconnect(engine, wanted, found.network, found.network_id, networks)


def _declared(engine: EngineWrites, wanted: Wanted) -> Mapping[str, Any]:
    """Return the container, if it is the one that was declared."""
    inspected = engine.find_container(wanted.container_id)
    if inspected is None:
        raise _not_attached(
            wanted,
            f'container "{wanted.container}" ({short_id(wanted.container_id)}) is gone: it was removed by hand',
            "run `pulumi up --refresh`: it creates the container and its connections again",
        )
    name = str(inspected["Name"]).removeprefix("/")
    if name != wanted.container:
        raise _not_attached(
            wanted,
            f'container "{wanted.container}" ({short_id(wanted.container_id)}) is now called "{name}"',
            f"give it its name back (`docker rename {short_id(wanted.container_id)} {wanted.container}` on the host)",
        )
    mode = str(inspected["HostConfig"].get("NetworkMode") or "")
    if mode in _NO_NETWORKS or mode.startswith("container:"):
        raise _not_attached(
            wanted,
            f'container "{wanted.container}" ({short_id(wanted.container_id)}) has the network mode "{mode}", and Docker connects '
            "such a container to no other network",
            "remove it if nobody needs it as it is, then run `pulumi up --refresh`: it creates the container as planned",
        )
    return inspected


def _verify_networks(wanted: Wanted, networks: Sequence[Mapping[str, Any]]) -> None:
    """Make sure that each network is there by its id: of a stopped container Docker takes any name for one."""
    by_id: Mapping[str, LiveNetwork] = {network["Id"]: live_network(network) for network in networks}
    for planned in wanted.endpoints:
        live = by_id.get(planned.network_id)
        if live is None or live.name != planned.network:
            raise _not_attached(
                wanted,
                f"there is no network {planned.network} with the id {short_id(planned.network_id)}: it was removed by hand",
                "run `pulumi up --refresh`: it creates the network and the connections again",
            )


def _connect(engine: EngineWrites, wanted: Wanted, planned: Endpoint) -> None:
    refusal = engine.not_connected(wanted.container_id, planned.network_id, planned.aliases, wanted.priority)
    if refusal:
        raise _failed(wanted, f"it is not connected to {planned.network}: {refusal}")


def _connect_again(
    engine: EngineWrites,
    wanted: Wanted,
    planned: Endpoint,
    live: LiveEndpoint,
    networks: Sequence[Mapping[str, Any]],
) -> None:
    """End a connection, and make the planned one in its place; where Docker refuses it, make it as it was.

    The state has what was before, so whoever takes the edit back is told that nothing differs.
    """
    _disconnect(engine, wanted, live.network, live.network_id, networks)
    refusal = engine.not_connected(wanted.container_id, planned.network_id, planned.aliases, wanted.priority)
    if not refusal:
        return
    if live.network_id and all(each["Id"] != live.network_id for each in networks):
        kept = "its network is gone"
    else:
        priority = wanted.priority if live.priority is None else live.priority
        kept = engine.not_connected(wanted.container_id, live.network_id or live.network, live.aliases, priority)
    became = f"it is not connected to it any more: {kept}" if kept else "it is connected as before"
    raise _failed(wanted, f"it is not connected to {planned.network} as planned: {refusal}; and {became}")


def _disconnect(
    engine: EngineWrites, wanted: Wanted, network: str, network_id: str, networks: Sequence[Mapping[str, Any]]
) -> None:
    # By its name, where it has no id yet or Docker does not know its id any more.
    known = any(each["Id"] == network_id for each in networks)
    refusal = engine.not_disconnected(wanted.container_id, network_id if known else network)
    if refusal:
        raise _failed(wanted, f"it is not disconnected from {network}: {refusal}")


def _named(left: Differences) -> str:
    names = [
        *(endpoint.network for endpoint in left.missing),
        *(endpoint.network for endpoint, _ in left.different),
        *(endpoint.network for endpoint in left.extra),
        *([BRIDGE] if left.on_bridge else []),
    ]
    return ", ".join(names)


def _not_attached(wanted: Wanted, problem: str, fix: str) -> HostError:
    return HostError.on(
        wanted.host,
        NOT_ATTACHED,
        problem=problem,
        effect="it is not on its bridge networks as planned; nothing was changed",
        fix=fix,
    )


def _failed(wanted: Wanted, refusal: str) -> HostError:
    return HostError.on(
        wanted.host,
        NOT_ATTACHED,
        problem=f'container "{wanted.container}": {refusal}',
        effect="it does not reach what is on that network; what was done before stays done, and it is safe to repeat",
        fix="fix what Docker names on the host, then run `pulumi up` again",
    )
