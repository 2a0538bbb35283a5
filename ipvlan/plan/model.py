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
from ipvlan.config.types.ports import MANY, Port
from ipvlan.config.types.rollout import Otherwise
from ipvlan.config.types.ssh import SshTarget
from ipvlan.plan.address_space import AddressSpace, HostBlocks
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
    """The fabric's in l2; in l3 and l3s the host's own address (`ipvlan.plan.address_space.own_address`)."""
    ip_range: IPNetwork
    """From where Docker assigns addresses to containers that ask for none: the slice, or the host's `dynamic`."""
    parent: str
    auxiliary: Mapping[str, IPAddress]
    """Docker's `aux_addresses`, name -> address that it must not assign; empty but for `dynamic: none` in l2. There `ip_range` is
    the slice's first address, which no container has. With that address excluded too, the daemon refuses every container that asks
    for no address. In l3 the gateway has the same effect."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ShimPlan:
    """The host's own link on its parent, over which it and its own containers reach each other."""

    link: str
    """Name of the link on the host."""
    address: IPAddress
    """An address of the slice that nothing else has."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """A route that a host needs, so that its containers reach those of another host (l3 and l3s)."""

    destination: IPNetwork
    """The other host's slice."""
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
    address: IPAddress
    ports: tuple[Port, ...]
    published: bool
    """Whether its ports are bound at the host, over the bridge."""
    internet: bool
    """Whether the bridge is connected as the route to the internet."""
    egress_gateway: bool
    """Whether its traffic leaves by the fabric's gateway, which must answer."""
    default_route: str
    """Name of the Docker network that has its default route: the bridge's, or the fabric's."""
    environment: Mapping[str, str]
    secret_environment: Mapping[str, str]
    """Variable -> config key; never a value."""
    settings: ContainerSettings
    rollout: RolloutPlan
    """How the container is replaced; the same on every host of the service."""
    after: tuple[str, ...]
    """Services that are up on all their hosts before this container is created or replaced, sorted; the same on every host."""

    @property
    def bridged(self) -> bool:
        """Whether the container is connected to Docker's bridge: published, or with internet."""
        return self.published or self.internet

    @property
    def docker_ports(self) -> tuple[Port, ...]:
        """The ports with which Docker creates the container; it binds all of them while the bridge is connected.

        Empty for a container that has the bridge for the internet and is not published: its ports would be published.
        """
        return () if self.internet and not self.published else self.ports


@dataclass(frozen=True, slots=True, kw_only=True)
class HostPlan:
    """One host with its network and containers."""

    name: str
    address: IPAddress
    ssh: SshTarget
    host_key: str | None
    docker_socket: str
    """Where Docker listens on the host."""
    slice: IPNetwork
    dynamic: IPNetwork | None
    """What Docker may assign by plan: the host's `dynamic`; None where nothing is set aside for it."""
    static_only: bool
    """`dynamic: none`: Docker can assign nothing, and refuses a container that asks for no address."""
    network: NetworkPlan
    containers: tuple[ContainerPlan, ...]
    """Sorted by service."""
    routes: tuple[Route, ...]
    """Sorted by host; empty in l2."""
    shim: ShimPlan | None
    """None where the host and its own containers do not reach each other."""

    @property
    def docker_url(self) -> str:
        """Where the docker provider finds Docker: `ssh://[USER@]HOST[:PORT][/SOCKET]`, without the usual socket."""
        return self.ssh.url + ("" if self.docker_socket == DEFAULT_SOCKET else self.docker_socket)

    @property
    def parent(self) -> str:
        """The NIC that carries the network, or a VLAN of it."""
        return self.network.parent

    @property
    def images(self) -> tuple[str, ...]:
        """The images of the containers, distinct and sorted."""
        return tuple(sorted({container.image for container in self.containers}))

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
                    slices=(host.slice,),
                    dynamic=() if host.dynamic is None else (host.dynamic,),
                    static_only=host.static_only,
                    shim=host.shim is not None,
                )
                for host in self.hosts
            },
        )
        for container in self.containers():
            space.assign(container.service, container.host, container.address)
        return space

    @property
    def slice_routes(self) -> tuple[Route, ...]:
        """The route to every slice, sorted by host: what a router needs to reach the containers. Empty in l2."""
        if self.mode == "l2":
            return ()
        return tuple(Route(destination=host.slice, via=host.address, host=host.name) for host in self.hosts)

    def host(self, name: str) -> HostPlan:
        """Return the host of that name; KeyError where there is none."""
        return self._by_name[name]

    def containers(self) -> Iterator[ContainerPlan]:
        """Yield all containers, by host and then by service."""
        for host in self.hosts:
            yield from host.containers

    @property
    def addresses(self) -> dict[str, dict[str, IPAddress]]:
        """Service -> host -> address, sorted."""
        addresses: dict[str, dict[str, IPAddress]] = {}
        for container in self.containers():
            addresses.setdefault(container.service, {})[container.host] = container.address
        return dict(sorted(addresses.items()))

    @property
    def urls(self) -> dict[str, list[str]]:
        """Published service -> its URLs at each host (`urls_of`), sorted."""
        urls: dict[str, list[str]] = {}
        for container in self.containers():
            if container.published:
                urls.setdefault(container.service, []).extend(self.urls_of(container))
        return dict(sorted(urls.items()))

    def urls_of(self, container: ContainerPlan) -> tuple[str, ...]:
        """Return the URL of each tcp port of one container at its host, whether the container is published or not.

        `http://HOST`, with `:PORT` unless it is 80. There is none for a port at the host's own loopback, where no client finds it.
        Of a range of MANY ports or more only the ends have theirs.
        """
        return tuple(
            f"http://{port.host_address or self.host(container.host).address}"
            + ("" if port.host_port == 80 else f":{port.host_port}")
            for written in container.ports
            if written.protocol == "tcp" and not written.on_loopback
            for port in (written.singles() if written.count < MANY else written.ends())
        )
