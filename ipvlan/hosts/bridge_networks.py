"""Bridge networks of the section `bridges` on a host: whose one is, whether it is as planned, and what is in the way.

Out of scope: what is planned (`ipvlan.plan.bridges`), the changes on the host (`ipvlan.hosts.bridge_rebuild`), and the engine's
resource (`provider.bridge_network`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from netaddr import IPNetwork

from ipvlan.hosts import bridge_network_refusals as refused
from ipvlan.plan.bridge_option_names import LINK
from ipvlan.plan.docker_versions import PRIORITY_BEFORE_FAMILY, parse_version
from ipvlan.plan.ownership import has_owner, owner_label
from ipvlan.plan.resource_names import OWNER_LABEL

if TYPE_CHECKING:
    from ipvlan.hosts.engine import Engine
    from ipvlan.hosts.errors import HostError
    from ipvlan.hosts.session import HostSession

DRIVER: Final = "bridge"
"""Docker's driver of the networks of the section."""


LINK_SECONDS: Final = 20.0
"""For the host to list its interfaces."""


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
    containers: Collection[str] = ()
    """Docker's ids of the stack's containers, as the state has them: one that an earlier version created has no owner label."""
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
    return {container["Id"]: container_name(container) for container in users_of(containers, live)}


def foreign_users(containers: Sequence[Mapping[str, Any]], live: LiveNetwork, wanted: Wanted) -> dict[str, str]:
    """Return those of `users` that are neither in the state nor labelled with the stack's owner id: Docker's id -> name."""
    return {
        container["Id"]: container_name(container)
        for container in users_of(containers, live)
        if container["Id"] not in wanted.containers and not has_owner(container.get("Labels") or {}, wanted.owner)
    }


def container_name(container: Mapping[str, Any]) -> str:
    """Return the name of a container of Docker's list."""
    return str((container.get("Names") or [container["Id"]])[0]).removeprefix("/")


def users_of(containers: Sequence[Mapping[str, Any]], live: LiveNetwork) -> Iterator[Mapping[str, Any]]:
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
    links: Collection[str] = (),
) -> HostError | None:
    """Return why the planned network cannot be had (IPF803, 804, 805, 821, 822); None where it exists as planned or can be created.

    Args:
        wanted: The planned network.
        networks: Those of the host, as Docker lists them.
        containers: Those of the host, as Docker lists them.
        docker_version: The host's Docker: `28.5.2`; empty where it is not known.
        links: Names of the host's interfaces (`links_of`).
    """
    found = named(networks, wanted.name)
    if wanted.external:
        return external_obstacle(wanted, found, docker_version)
    others = [live for live in found if not is_ours(wanted, live)]
    if others:
        return refused.not_ours(wanted, others[0], users(containers, others[0]).values())
    live = own_network(wanted, networks)
    different = [] if live is None else differences(wanted, live)
    if live is not None and not different:
        return None
    foreign = {} if live is None else foreign_users(containers, live, wanted)
    if foreign:
        return refused.in_use(wanted, different, foreign.values())
    return _taken(wanted, live, networks, links)


def _taken(
    wanted: Wanted, live: LiveNetwork | None, networks: Sequence[Mapping[str, Any]], links: Collection[str]
) -> HostError | None:
    """Return that something else on the host has what a network that is created would have.

    Args:
        wanted: The planned network.
        live: The one that is removed for it.
        networks: Those of the host, as Docker lists them.
        links: Names of the host's interfaces.
    """
    others = [network for network in networks if live is None or network["Id"] != live.id]
    if wanted.subnet:
        for other in others:
            subnet = _overlapping(wanted.subnet, other)
            if subnet:
                return refused.subnet_taken(wanted, live_network(other), subnet)
    link = wanted.options.get(LINK)
    if not link:
        return None
    for other in others:
        if (other.get("Options") or {}).get(LINK) == link:
            return refused.link_taken(wanted, link, live_network(other))
    # What Docker calls the interface where nothing is written (moby, bridge driver: "br-" and 12 digits of the id).
    own = None if live is None else live.options.get(LINK, f"br-{live.id[:12]}")
    return refused.link_exists(wanted, link) if link in links and link != own else None


def links_of(session: HostSession, options: Iterable[Mapping[str, str]]) -> Collection[str]:
    """Return the names of the host's interfaces; empty, without a question, where no option of a planned network names one.

    Args:
        session: The session to the host.
        options: Those of each planned network.
    """
    if not any(LINK in each for each in options):
        return frozenset()
    return frozenset(session.run("ls /sys/class/net", timeout=LINK_SECONDS).split())


def _overlapping(subnet: str, network: Mapping[str, Any]) -> str:
    """Return the IPv4 subnet of a network of Docker's list that overlaps another one; empty without.

    Docker has one address space for all networks of a host, whatever their driver is; those of a swarm and of another IPAM driver
    have one of their own (moby, the default allocator in libnetwork/ipams/defaultipam).
    """
    ipam = network.get("IPAM") or {}
    if network.get("Scope") == "swarm" or ipam.get("Driver") not in {None, "", "default"}:
        return ""
    wanted = IPNetwork(subnet)
    return next(
        (each for each in live_network(network).subnets if IPNetwork(each) in wanted or wanted in IPNetwork(each)), ""
    )


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


def own_network(wanted: Wanted, networks: Sequence[Mapping[str, Any]]) -> LiveNetwork | None:
    """Return the network of this stack, first that of the state."""
    ours = [live for live in named(networks, wanted.name) if is_ours(wanted, live)]
    return next((live for live in ours if live.id == wanted.recorded), ours[0] if ours else None)


def find(engine: Engine, wanted: Wanted) -> LiveNetwork | None:
    """Return the network of the state; of an external one that of the name, if its driver is the right one; None without one."""
    if not wanted.external:
        described = engine.network(wanted.recorded) if wanted.recorded else None
        return None if described is None else live_network(described)
    found = [live for live in named(engine.networks(), wanted.name) if live.driver == DRIVER]
    return found[0] if len(found) == 1 else None
