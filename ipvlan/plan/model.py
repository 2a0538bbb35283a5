"""The plan: every network, slice, container, address, port and route of a stack, decided.

Hosts and containers are sorted by name, whatever the order of the file: plans compare equal, and a diff of two plans shows what
changed and not how a file was sorted.

Out of scope: making a plan out of a config (`ipvlan.plan.make`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from netaddr import IPAddress, IPNetwork

from ipvlan.config.docker_socket import DEFAULT_SOCKET
from ipvlan.config.models import ContainerSettings, Mode
from ipvlan.config.types.addresses import AddressRange
from ipvlan.config.types.ports import Port, url, with_urls
from ipvlan.config.types.rollout import Otherwise
from ipvlan.config.types.ssh import SshTarget
from ipvlan.plan.address_space import AddressSpace
from ipvlan.plan.blocks import Block
from ipvlan.plan.bridges import BridgePlan, EndpointPlan
from ipvlan.plan.files import FilesPlan
from ipvlan.plan.host_blocks import HostBlocks
from ipvlan.plan.lan import own_addresses
from ipvlan.plan.volumes import VolumePlan
from ipvlan.problems import Problem


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkPlan:
    """The ipvlan network as Docker gets it on one host."""

    name: str
    mode: Mode
    subnet: IPNetwork
    """The fabric's subnet, in every mode. In l3 the slice would suffice for an unpublished container. A published container has its
    default route on the bridge, and would reach other slices through the host's NAT (docs/decisions/0013-l3-subnet.md)."""
    gateway: IPAddress | None
    """The fabric's in l2; in l3 and l3s an address of Docker's own (`ipvlan.plan.address_space.AddressSpace.gateway`)."""
    ip_range: IPNetwork
    """From where Docker assigns addresses to containers that ask for none: see `ipvlan.plan.docker_pool`."""
    parent: str
    auxiliary: Mapping[str, IPAddress]
    """Docker's `aux_addresses`, name -> address that it must not assign: hosts' own addresses, and with `dynamic: none` in l2 the
    slice's first address, where that is `ip_range` too. With it excluded, the daemon refuses every container that asks for no
    address. Everywhere else the gateway has the same effect."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ShimPlan:
    """The host's own link on its parent, over which it and its own containers reach each other."""

    link: str
    """Name of the link on the host."""
    address: IPAddress
    """An address of the fabric that nothing else has."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """A route that a host needs, so that its containers reach those of another host (l3 and l3s)."""

    destination: IPNetwork
    """A part of the other host's slice, or the address of one container outside of it."""
    via: IPAddress
    """The other host's own address."""
    host: str
    """The other host's name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RolloutPlan:
    """How the containers of a service are replaced."""

    at_once: int | None
    """On how many hosts at the same time, at least 1; None is all."""
    healthy_within: int
    """Seconds in which a container must be up."""
    on_failure: Otherwise
    """`restore` runs the previous container again where the replacement does not come up; `leave` leaves the failed one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ContainerPlan:
    """One container on one host."""

    service: str
    host: str
    name: str
    """The container's name for Docker."""
    image: str
    command: tuple[str, ...] | None
    address: IPAddress | None
    """None where it is not on the fabric."""
    ports: tuple[Port, ...]
    published: bool
    """Whether its ports are bound at the host, over the bridge."""
    internet: bool
    """Whether the bridge is connected as the route to the internet."""
    on_lan: bool
    """Whether it is a member of the LAN that its host is on (`ipvlan.plan.lan`)."""
    egress_gateway: bool
    """Whether its traffic leaves by the fabric's gateway, which must answer."""
    default_route: str | None
    """Name of the Docker network that has its default route: that of Docker's own bridge, the fabric's, or, without the fabric, the
    first of its bridges that are not internal; None without any."""
    environment: Mapping[str, str]
    secret_environment: Mapping[str, str]
    """Variable -> config key; never a value."""
    settings: ContainerSettings
    rollout: RolloutPlan
    """How the container is replaced; the same on every host of the service."""
    after: tuple[str, ...]
    """Services that are up on all their hosts before this container is created or replaced, sorted; the same on every host."""
    fabric: bool = True
    """Whether it is on the fabric's network; without it, it has no address of the fabric, and at least one bridge."""
    bridges: tuple[EndpointPlan, ...] = ()
    """Its connections to bridge networks of the section `bridges`, sorted by the network's name."""
    files: FilesPlan | None = None
    """Its files of the project; None without any."""

    @property
    def fabric_address(self) -> IPAddress:
        """Its address of the fabric; RuntimeError for a container that is not on it."""
        if self.address is None:
            raise RuntimeError(f"{self.service} on {self.host} is not on the fabric, and has no address of it")
        return self.address

    @property
    def address_text(self) -> str:
        """Its address of the fabric as people read it; `none` where there is none."""
        return "none" if self.address is None else str(self.address)

    @property
    def bridged(self) -> bool:
        """Whether the container is connected to Docker's bridge: published, or with internet."""
        return self.published or self.internet

    @property
    def docker_ports(self) -> tuple[Port, ...]:
        """The ports with which Docker creates the container; it binds all of them while the bridge is connected.

        Empty for a container that is not published and has its default route on a bridge, for the internet or since it is not on
        the fabric: its ports would be published. Empty too for one on a LAN that is not published: every port answers at its own
        address, and the docker provider takes long for many.
        """
        return () if (self.internet or self.on_lan or not self.fabric) and not self.published else self.ports


@dataclass(frozen=True, slots=True, kw_only=True)
class HostPlan:
    """One host with its network and containers."""

    name: str
    address: IPAddress
    ssh: SshTarget
    host_key: str | None
    docker_socket: str
    """Where Docker listens on the host."""
    slices: tuple[Block, ...]
    """As the config has them; empty where every container has an address of its own in the config."""
    dynamic: IPNetwork | None
    """What Docker may assign by plan: the host's `dynamic`; None where nothing is set aside for it."""
    static_only: bool
    """Docker can assign nothing, and refuses a container that asks for no address: `dynamic: none`, or a slice that is not one
    subnet of a /30 or more and has no `dynamic`."""
    network: NetworkPlan
    containers: tuple[ContainerPlan, ...]
    """Sorted by service."""
    routes: tuple[Route, ...]
    """Sorted by host, then by destination; empty in l2."""
    destinations: tuple[IPNetwork, ...]
    """What a route to the host's containers leads to: `ipvlan.plan.address_space.AddressSpace.destinations`."""
    shim: ShimPlan | None
    """None where the host and its own containers do not reach each other."""
    volumes: tuple[VolumePlan, ...] = ()
    """The named volumes of the section `volumes` on this host, sorted by Docker's name."""
    bridges: tuple[BridgePlan, ...] = ()
    """The bridge networks of the section `bridges` on this host, sorted by Docker's name."""

    @property
    def docker_url(self) -> str:
        """Where the docker provider finds Docker: `ssh://[USER@]HOST[:PORT][/SOCKET]`, without the usual socket."""
        return self.ssh.url + ("" if self.docker_socket == DEFAULT_SOCKET else self.docker_socket)

    @property
    def slice_text(self) -> str:
        """The slices as people read them: as the config writes them, with commas; `none` where there is none."""
        return ", ".join(map(str, self.slices)) or "none"

    @property
    def parent(self) -> str:
        """The NIC that carries the network, or a VLAN of it."""
        return self.network.parent

    @property
    def images(self) -> tuple[str, ...]:
        """The images of the containers, distinct and sorted."""
        return tuple(sorted({container.image for container in self.containers}))

    @property
    def on_fabric(self) -> tuple[ContainerPlan, ...]:
        """The containers that are on the fabric, and have an address of it; sorted by service."""
        return tuple(container for container in self.containers if container.address is not None)

    def container(self, service: str) -> ContainerPlan:
        """Return the container of that service; KeyError where the service does not run on the host."""
        for container in self.containers:
            if container.service == service:
                return container
        raise KeyError(service)


@dataclass(frozen=True, slots=True, kw_only=True)
class SshPlan:
    """How hosts are reached."""

    shared_connection: bool
    connect_timeout: int
    """Seconds."""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """A complete stack, decided."""

    network_name: str
    """The fabric's name for Docker, on every host."""
    subnet: IPNetwork
    mode: Mode
    gateway: IPAddress | None
    reserved: tuple[AddressRange, ...]
    """What nothing may use, as the config has it."""
    probe_addresses: bool
    """Whether `pulumi up` checks a new address for a conflict before it assigns the address."""
    hosts: tuple[HostPlan, ...]
    """Sorted by name."""
    warnings: tuple[Problem, ...]
    ssh: SshPlan

    @cached_property
    def _by_name(self) -> Mapping[str, HostPlan]:
        return {host.name: host for host in self.hosts}

    @cached_property
    def address_space(self) -> AddressSpace:
        """All addresses of the fabric, with what the containers have."""
        space = AddressSpace(
            subnets=(self.subnet,),
            gateways=() if self.gateway is None else (self.gateway,),
            reserved=self.reserved,
            mode=self.mode,
            hosts={
                host.name: HostBlocks(
                    slices=host.slices,
                    dynamic=() if host.dynamic is None else (host.dynamic,),
                    static_only=host.static_only,
                    shim=None if host.shim is None else host.shim.address,
                )
                for host in self.hosts
            },
            hosts_own=self.lan_hosts,
        )
        for container in self.on_fabric():
            space.assign(container.service, container.host, container.fabric_address, explicit=True)
        return space

    @cached_property
    def lan_hosts(self) -> Mapping[str, IPAddress]:
        """The hosts that are on the LAN of the fabric's subnet, each with its own address; none outside LAN mode."""
        return own_addresses(self.subnet, self.mode, {host.name: host.address for host in self.hosts})

    @property
    def lan(self) -> bool:
        """Whether the stack is in LAN mode: containers are members of the LAN that a host itself is on."""
        return bool(self.lan_hosts)

    @property
    def slice_routes(self) -> tuple[Route, ...]:
        """The routes to all slices, sorted by host: what a router needs to reach the containers. Empty in l2."""
        if self.mode == "l2":
            return ()
        return tuple(
            Route(destination=destination, via=host.address, host=host.name)
            for host in self.hosts
            for destination in host.destinations
        )

    def host(self, name: str) -> HostPlan:
        """Return the host of that name; KeyError where there is none."""
        return self._by_name[name]

    def containers(self) -> Iterator[ContainerPlan]:
        """Yield all containers, by host and then by service."""
        for host in self.hosts:
            yield from host.containers

    def on_fabric(self) -> Iterator[ContainerPlan]:
        """Yield the containers that are on the fabric, and have an address of it, by host and then by service."""
        for host in self.hosts:
            yield from host.on_fabric

    @property
    def addresses(self) -> dict[str, dict[str, IPAddress]]:
        """Service -> host -> address, sorted; without the services that are not on the fabric."""
        addresses: dict[str, dict[str, IPAddress]] = {}
        for container in self.on_fabric():
            addresses.setdefault(container.service, {})[container.host] = container.fabric_address
        return dict(sorted(addresses.items()))

    @property
    def urls(self) -> dict[str, list[str]]:
        """Service -> the URL of each tcp port that clients reach (`http://ADDRESS`, `:PORT` unless 80), on all hosts, sorted."""
        urls: dict[str, list[str]] = {}
        for container in self.containers():
            endpoints = self.endpoints_of(container)
            if container.published or endpoints:
                urls.setdefault(container.service, []).extend(endpoints)
        return dict(sorted(urls.items()))

    def urls_of(self, container: ContainerPlan) -> tuple[str, ...]:
        """Return the URL of each tcp port of one container at its host, whether the container is published or not.

        `http://HOST`, with `:PORT` unless it is 80. There is none for a port at the host's own loopback, where no client finds it.
        Of a range of MANY ports or more only the ends have theirs.
        """
        return tuple(
            url(port.host_address or self.host(container.host).address, port.host_ports)
            for port in with_urls(container.ports)
            if not port.on_loopback
        )

    def at_own_address(self, container: ContainerPlan) -> bool:
        """Return whether clients find the container at its own address: on a LAN, unless it has ports for them at its host.

        A container that is not on the fabric has no such address.
        """
        if not self.lan or container.address is None:
            return False
        return not any(container.published and not port.on_loopback for port in container.ports)

    def endpoints_of(self, container: ContainerPlan) -> tuple[str, ...]:
        """Return the URL of each tcp port at which clients find the container.

        Published, they are at its host. In LAN mode every port is at the container's own address, and needs no publishing; so it is
        for a container whose ports are published for its host alone (127.0.0.1).
        Elsewhere there are none: who reaches an own address there is not for the plan to say.
        """
        if not self.at_own_address(container):
            return self.urls_of(container) if container.published else ()
        return tuple(url(container.fabric_address, port.container_ports) for port in with_urls(container.ports))
