"""The state of one host at one moment, as far as the fabric is concerned.

Responsible for reading it (the Engine API, and one script in the host's shell) and for its shape.

Out of scope: comparing it with the plan (`ipvlan.checks`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from netaddr import IPAddress, IPNetwork

from ipvlan.hosts.docker_silence import reason_of_silence
from ipvlan.hosts.engine import Engine
from ipvlan.hosts.errors import HostError
from ipvlan.hosts.forward_chains import ForwardRules, read_forward_rules
from ipvlan.hosts.routes import has_route
from ipvlan.hosts.trouble import Trouble, read_troubles
from ipvlan.hosts.volumes import LiveVolume, live_volume

if TYPE_CHECKING:
    from ipvlan.hosts.bridge_networks import LiveNetwork as LiveBridge
    from ipvlan.hosts.endpoints import LiveEndpoint
    from ipvlan.hosts.files import FoundFiles
    from ipvlan.hosts.script import Output
    from ipvlan.hosts.session import HostSession
    from ipvlan.plan.model import ContainerPlan


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """A container's connection to one network (Docker's word for it)."""

    network: str
    network_id: str
    address: IPAddress | None
    """The address now; None while the container does not run."""
    fixed: IPAddress | None
    """The address that the container gets at every start; None where Docker chooses."""

    @property
    def held(self) -> IPAddress | None:
        """The address now, or else the one at the next start."""
        return self.address or self.fixed


@dataclass(frozen=True, slots=True, kw_only=True)
class Binding:
    """A port that the daemon has bound on the host for a container."""

    host_address: str
    host_port: int
    container_port: int
    protocol: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveContainer:
    """One container, as Docker lists it."""

    id: str
    name: str
    image: str
    image_id: str
    state: str
    """created, running, paused, restarting, exited, removing or dead."""
    status: str
    """Docker's text: `Up 3 minutes (healthy)`."""
    labels: Mapping[str, str]
    endpoints: Mapping[str, Endpoint]
    """By the network's name."""
    bindings: frozenset[Binding]
    created: int = 0
    """When it was created, by the host's clock, in seconds since 1970."""

    @property
    def running(self) -> bool:
        """Whether its process runs and takes part in the network."""
        return self.state == "running"

    @property
    def health(self) -> str | None:
        """healthy, unhealthy, starting, or None where there is no health check."""
        match = re.search(r"\((healthy|unhealthy|health: starting)\)", self.status)
        return match[1].removeprefix("health: ") if match else None


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveNetwork:
    """One network, as Docker lists it."""

    id: str
    name: str
    driver: str
    subnet: IPNetwork | None
    gateway: IPAddress | None
    ip_range: IPNetwork | None
    options: Mapping[str, str]
    labels: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Parent:
    """The state of a host's parent NIC."""

    name: str
    present: bool
    up: bool
    """Switched on, and not without carrier."""
    mtu: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveFiles:
    """The files of all containers of one stack on a host."""

    root: bool
    """Whether they could be read: as root, or by sudo without a password."""
    found: Mapping[str, FoundFiles] = field(default_factory=dict)
    """Owner label of a container -> its files."""
    failures: Mapping[str, HostError] = field(default_factory=dict)
    """Owner label -> why its files could not be read."""
    folders: frozenset[str] = frozenset()
    """Owner labels of all folders of the stack there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HostSnapshot:
    """All of one host."""

    host: str
    docker: str
    """Version of the Docker Engine; empty where it is not known."""
    engine_id: str
    """Id of the Docker Engine, which it keeps in its data folder."""
    kernel: str
    root: bool
    """Whether the ssh user is root on the host."""
    parent: Parent
    routes: tuple[str, ...]
    """As `ip -4 route` prints them."""
    containers: Mapping[str, LiveContainer]
    """By name."""
    networks: tuple[LiveNetwork, ...]
    now: float = 0.0
    """The host's clock, in seconds since 1970."""
    shim_addresses: tuple[IPAddress, ...] = ()
    """IPv4 addresses of the host's shim; none where there is no shim, and where none is planned. Others may have added some."""
    pids: Mapping[str, int] = field(default_factory=dict)
    """Service -> process id of its container on the host; only where it was requested."""
    resolvers: Mapping[str, str] = field(default_factory=dict)
    """Service -> path on the host of its container's /etc/resolv.conf; only where process ids were requested."""
    troubles: Mapping[str, Trouble] = field(default_factory=dict)
    """Container name -> why it does not stay up or is unhealthy; only of those that it was requested for."""
    bridges: tuple[LiveBridge, ...] = ()
    """All networks of Docker's driver `bridge`, with what the section `bridges` has of one."""
    connections: Mapping[str, Mapping[str, LiveEndpoint]] = field(default_factory=dict)
    """Container name -> network's name -> its connection, with aliases and priority; only of those that it was requested for."""
    volumes: Mapping[str, LiveVolume] | None = None
    """By name; None where they were not requested."""
    forwards: bool = True
    """Whether the kernel forwards IPv4."""
    forward_rules: ForwardRules | None = None
    """Where Docker's rules are in nftables, what decides beside them on what the host forwards; else None."""
    has_files: bool = False
    """Whether there is a folder of containers' files, of any stack."""
    files: LiveFiles | None = None
    """This stack's files; None where they were not requested, or the state does not say what they are."""

    def network(self, name: str) -> LiveNetwork | None:
        """Return the network of that name."""
        return next((network for network in self.networks if network.name == name), None)

    def endpoints_on_lan(self, container: LiveContainer) -> Iterator[Endpoint]:
        """Return the container's endpoints, except those on an ipvlan or macvlan network of another parent.

        Those are on another LAN, such as another VLAN of the same NIC, where the same address may exist again.
        """
        for endpoint in container.endpoints.values():
            network = self.network(endpoint.network)
            if (
                network is None
                or network.driver not in ("ipvlan", "macvlan")
                or network.options.get("parent", self.parent.name) == self.parent.name
            ):
                yield endpoint

    def loops(self, container: LiveContainer) -> bool:
        """Return whether the container ends and Docker starts it again, as far as it was asked about."""
        trouble = self.troubles.get(container.name)
        return container.state == "restarting" or (trouble is not None and trouble.looping)

    def routes_via(self, destination: IPNetwork, via: IPAddress) -> bool:
        """Return whether a route leads to exactly that destination, through that neighbour."""
        return has_route(self.routes, str(destination), "via", str(via))

    def routes_over(self, destination: IPNetwork, link: str) -> bool:
        """Return whether a route leads to exactly that destination, over that link."""
        return has_route(self.routes, str(destination), "dev", link)

    def has_route(self, target: IPNetwork) -> bool:
        """Return whether a route other than the default one leads to all of `target`."""
        destinations = (line.split(maxsplit=1)[0] for line in self.routes if line[:1].isdigit())
        return any(target in IPNetwork(destination) for destination in destinations)


def take_snapshot(
    session: HostSession,
    *,
    timeout: float,
    pids_of: Sequence[ContainerPlan] = (),
    troubles_of: Sequence[ContainerPlan] = (),
    connections_of: Sequence[ContainerPlan] = (),
    with_volumes: bool | Literal["where Docker lists them"] = False,
) -> HostSnapshot:
    """Read the state of the session's host.

    Args:
        session: The host.
        timeout: Seconds for each request.
        pids_of: Containers whose process ids are needed too; one more request for each.
        troubles_of: Containers that are asked about further where they do not look well; no request for the others.
        connections_of: Containers whose aliases and priorities are needed too; one more request for each that is planned to be on a
            bridge network of the section `bridges`, and none for the others.
        with_volumes: Whether the volumes are needed too; one more request. Docker does not list them where a plugin is dead: with
            `where Docker lists them` the rest is read then.

    Raises:
        HostError: The host, or its Docker, does not answer.
    """
    engine = Engine(session.name, session.socket, timeout=timeout)
    pids: dict[str, int] = {}
    resolvers: dict[str, str] = {}
    try:
        containers = {container.name: container for container in map(_container, engine.containers())}
        listed = engine.networks()
        networks = tuple(map(_network, listed))
        volumes = _volumes(engine, needed=with_volumes is True) if with_volumes else None
        engine_id, firewall = engine.id_and_firewall()
        troubles = read_troubles(engine, containers, troubles_of)
        for planned in pids_of:
            live = containers.get(planned.name)
            if live is not None and live.running:
                inspected = engine.container(live.id)
                pids[planned.service] = int(inspected["State"]["Pid"])
                resolvers[planned.service] = str(inspected.get("ResolvConfPath") or "")
        connections = _connections(engine, containers, connections_of)
    except HostError as error:
        raise reason_of_silence(session, timeout) or error from None
    finally:
        engine.close()
    from ipvlan.hosts.files import BASE  # noqa: PLC0415  # the views of a plan load this module, and no visit

    nftables = "yes" if firewall.startswith("nftables") else ""
    variables = {"parent": session.parent, "shim": session.shim, "files": BASE, "nftables": nftables}
    output = session.run_script("host_snapshot.sh", variables, timeout=timeout)
    return HostSnapshot(
        host=session.name,
        docker=engine.version,
        now=engine.now,
        engine_id=engine_id,
        kernel=output.text("kernel"),
        root=output.text("uid") == "0",
        parent=_parent(session.parent, output),
        routes=output.lines("route"),
        containers=containers,
        networks=networks,
        shim_addresses=tuple(filter(None, map(_address, output.lines("shim")))),
        pids=pids,
        resolvers=resolvers,
        troubles=troubles,
        volumes=volumes,
        has_files="files" in output,
        forwards=output.text("forward") != "0",
        forward_rules=read_forward_rules(output),
        bridges=_bridges(listed),
        connections=connections,
    )


def _volumes(engine: Engine, *, needed: bool) -> Mapping[str, LiveVolume] | None:
    try:
        return {volume.name: volume for volume in map(live_volume, engine.volumes())}
    except HostError:
        if needed:
            raise
        return None


def _bridges(listed: Sequence[Mapping[str, Any]]) -> tuple[LiveBridge, ...]:
    """Return the networks of Docker's driver `bridge` in its list."""
    # Only here: the views of a plan load this module, and that one the session to a host.
    from ipvlan.hosts.bridge_networks import DRIVER, live_network  # noqa: PLC0415

    return tuple(live_network(network) for network in listed if network.get("Driver") == DRIVER)


def _connections(
    engine: Engine, containers: Mapping[str, LiveContainer], connections_of: Sequence[ContainerPlan]
) -> Mapping[str, Mapping[str, LiveEndpoint]]:
    """Return the connections of the containers that are planned to be on bridges: Docker's list has no aliases."""
    ids = {
        planned.name: containers[planned.name].id
        for planned in connections_of
        if planned.bridges and planned.name in containers
    }
    if not ids:
        return {}
    from ipvlan.hosts.endpoints import live_endpoints  # noqa: PLC0415  # as `_bridges`

    engine.prepare_priorities()
    # One that was removed meanwhile is compared as it was listed.
    described = {name: engine.find_container(id_) for name, id_ in ids.items()}
    return {name: live_endpoints(inspected) for name, inspected in described.items() if inspected is not None}


def _parent(name: str, output: Output) -> Parent:
    flags = int(output.text("parent_flags") or "0", 16)
    return Parent(
        name=name,
        present="parent_flags" in output,
        # IFF_UP (netdevice(7)); a VLAN or dummy has the state `unknown` while it works.
        up=bool(flags & 1) and output.text("parent_operstate") not in ("down", "lowerlayerdown"),
        mtu=int(output.text("parent_mtu")) if "parent_mtu" in output else None,
    )


def _container(listed: Mapping[str, Any]) -> LiveContainer:
    networks: Mapping[str, Mapping[str, Any]] = (listed.get("NetworkSettings") or {}).get("Networks") or {}
    # A container that is being removed can have no name any more.
    names = listed.get("Names") or [listed["Id"]]
    return LiveContainer(
        id=listed["Id"],
        # Legacy links add names of the form /OTHER/ALIAS.
        name=min(names, key=lambda name: name.count("/")).removeprefix("/"),
        image=listed.get("Image", ""),
        image_id=listed.get("ImageID", ""),
        state=listed.get("State", ""),
        status=listed.get("Status", ""),
        labels=listed.get("Labels") or {},
        endpoints={name: endpoint_of(name, endpoint) for name, endpoint in networks.items()},
        bindings=frozenset(
            Binding(
                host_address=port.get("IP", ""),
                host_port=int(port["PublicPort"]),
                container_port=int(port["PrivatePort"]),
                protocol=port.get("Type", "tcp"),
            )
            for port in listed.get("Ports") or []
            if port.get("PublicPort")
        ),
        created=int(listed.get("Created") or 0),
    )


def endpoint_of(name: str, listed: Mapping[str, Any]) -> Endpoint:
    """Return a container's connection to the network of that name, as Docker lists or describes it."""
    return Endpoint(
        network=name,
        network_id=listed.get("NetworkID", ""),
        address=_address(listed.get("IPAddress")),
        fixed=_address((listed.get("IPAMConfig") or {}).get("IPv4Address")),
    )


def _address(text: object) -> IPAddress | None:
    # Docker 29 writes "invalid IP" where older ones write nothing.
    return IPAddress(text) if isinstance(text, str) and re.fullmatch(r"[0-9.]+", text) else None


def _network(listed: Mapping[str, Any]) -> LiveNetwork:
    pools: Sequence[Mapping[str, str]] = (listed.get("IPAM") or {}).get("Config") or []
    pool = next((pool for pool in pools if ":" not in pool.get("Subnet", ":")), {})
    return LiveNetwork(
        id=listed["Id"],
        name=listed["Name"],
        driver=listed.get("Driver", ""),
        subnet=_subnet(pool.get("Subnet")),
        gateway=_address(pool.get("Gateway")),
        ip_range=_subnet(pool.get("IPRange")),
        options=listed.get("Options") or {},
        labels=listed.get("Labels") or {},
    )


def _subnet(text: str | None) -> IPNetwork | None:
    return IPNetwork(text) if text else None
