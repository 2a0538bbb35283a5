"""The plan: every network, slice, container, address, port and route of a stack, decided.

Owns all arithmetic on addresses. It reads a `StackConfig` and nothing else: no file, no host, no clock, so that the
same config always gives the same plan. Contradictions are found in `ipvlan.plan.rules` before anything is computed.

Order: hosts and containers are sorted by name, whatever the order of the file, so that plans compare equal and a diff
of two plans shows what changed and not how a file was sorted.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from netaddr import IPAddress, IPNetwork

from ipvlan.config.models import ContainerSettings, HostConfig, Mode, ServiceConfig, StackConfig, own_address
from ipvlan.config.values import LONGEST_INTERFACE, AddressRange, Port, SshTarget
from ipvlan.plan.resource_names import BRIDGE
from ipvlan.plan.rules import check
from ipvlan.problems import PlanError, Problem

__all__ = [
    "ContainerPlan",
    "ContainerSettings",
    "HostPlan",
    "NetworkPlan",
    "Plan",
    "PlanError",
    "Port",
    "Route",
    "ShimPlan",
    "SshPlan",
    "SshTarget",
    "make_plan",
]

NO_DYNAMIC = "no-dynamic-address"
"""Name of the auxiliary address that uses up a one-address range (see `NetworkPlan.auxiliary`)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkPlan:
    """The ipvlan network as Docker gets it on one host."""

    name: str
    mode: Mode
    subnet: IPNetwork
    """The fabric's subnet, in every mode. In l3 the slice would do for an unpublished container; a published one has its
    default route on the bridge and would reach other slices through the host's NAT (docs/decisions/0013-l3-subnet.md)."""
    gateway: IPAddress | None
    """The fabric's in l2; in l3 and l3s the last address of the slice, which Docker wants to hold (`models.own_address`)."""
    ip_range: IPNetwork
    """From where Docker hands out addresses to containers that ask for none: the slice, or the host's `dynamic`."""
    parent: str
    auxiliary: Mapping[str, IPAddress]
    """Docker's `aux_addresses`, name -> address that it must not hand out. Empty but for `dynamic: none` in l2, where
    `ip_range` is the slice's first address, which no container of the plan holds, and this takes it away too, so that
    the daemon refuses every container that comes without an address. In l3 the gateway does that."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ShimPlan:
    """The host's own link on its parent, by which it and its own containers reach each other."""

    link: str
    """Name of the link on the host."""
    address: IPAddress
    """An address of the slice, held by nothing else."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """A route a host needs so that its containers reach another host's (l3 and l3s)."""

    destination: IPNetwork
    """The other host's slice."""
    via: IPAddress
    """The other host's own address."""
    host: str
    """The other host's name."""


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
    """Whether its ports are to be bound at the host, over the bridge."""
    internet: bool
    """Whether the bridge is to be connected as a way out."""
    egress_gateway: bool
    """Whether it is to leave by the fabric's gateway, which must answer."""
    default_route: str
    """Name of the Docker network that holds its default route: the bridge's, or the fabric's."""
    environment: Mapping[str, str]
    secret_environment: Mapping[str, str]
    """Variable -> config key; never a value."""
    settings: ContainerSettings

    @property
    def bridged(self) -> bool:
        """Whether the bridge is to be connected, for whatever reason."""
        return self.published or self.internet

    @property
    def docker_ports(self) -> tuple[Port, ...]:
        """The ports that Docker is told of when the container is made; it binds all of them once the bridge is connected.

        None for a container that goes out through the bridge and is not published: its door would stand open.
        """
        return () if self.internet and not self.published else self.ports


@dataclass(frozen=True, slots=True, kw_only=True)
class HostPlan:
    """One host with its network and containers."""

    name: str
    address: IPAddress
    ssh: SshTarget
    host_key: str | None
    slice: IPNetwork
    parent: str
    dynamic: IPNetwork | None
    """What Docker may hand out by plan: the host's `dynamic`; None where nothing is set aside for it."""
    static_only: bool
    """`dynamic: none`: Docker has nothing to hand out and refuses a container that comes without an address."""
    network: NetworkPlan
    containers: tuple[ContainerPlan, ...]
    """Sorted by service."""
    images: tuple[str, ...]
    """Distinct, sorted."""
    routes: tuple[Route, ...]
    """Sorted by host; empty in l2."""
    shim: ShimPlan | None
    """None where the host and its own containers stay apart."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SshPlan:
    """How hosts are reached."""

    shared_connection: bool
    connect_timeout: int
    """Seconds."""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """A whole stack, decided."""

    network_name: str
    """The fabric's name for Docker, on every host."""
    subnet: IPNetwork
    mode: Mode
    gateway: IPAddress | None
    reserved: tuple[AddressRange, ...]
    """What nothing may use, as the config has it."""
    probe_addresses: bool
    """Whether `pulumi up` asks who holds a new address before it gives it out."""
    hosts: tuple[HostPlan, ...]
    """Sorted by name."""
    warnings: tuple[Problem, ...]
    ssh: SshPlan
    slice_routes: tuple[Route, ...]
    """What a router needs so that its networks and the containers reach each other: the route to every slice, sorted by host;
    empty in l2."""

    @cached_property
    def _by_name(self) -> Mapping[str, HostPlan]:
        return {host.name: host for host in self.hosts}

    def host(self, name: str) -> HostPlan:
        """The host of that name; KeyError where there is none."""
        return self._by_name[name]

    def containers(self) -> Iterator[ContainerPlan]:
        """All containers, by host and then by service."""
        for host in self.hosts:
            yield from host.containers

    @property
    def addresses(self) -> dict[str, dict[str, IPAddress]]:
        """Service -> host -> address."""
        found: dict[str, dict[str, IPAddress]] = {}
        for container in self.containers():
            found.setdefault(container.service, {})[container.host] = container.address
        return {service: found[service] for service in sorted(found)}

    @property
    def urls(self) -> dict[str, list[str]]:
        """Published service -> the URL of each published tcp port at each host (`http://HOST`, `:PORT` unless 80)."""
        found: dict[str, list[str]] = {}
        for container in self.containers():
            if container.published:
                found.setdefault(container.service, []).extend(self.urls_of(container))
        return {service: found[service] for service in sorted(found)}

    def urls_of(self, container: ContainerPlan) -> tuple[str, ...]:
        """The URL of each tcp port of one container at its host, whether the bridge is to be connected or not."""
        return tuple(
            f"http://{port.host_address or self.host(container.host).address}"
            + ("" if port.host_port == 80 else f":{port.host_port}")
            for port in container.ports
            if port.protocol == "tcp"
        )


def make_plan(config: StackConfig) -> Plan:
    """Decides everything; raises `PlanError` with all contradictions of the config at once."""
    problems = check(config)
    errors = [problem for problem in problems if problem.severity == "error"]
    if errors:
        raise PlanError(errors)
    settings = {name: _settings(config, service) for name, service in config.services.items()}
    routes = _routes(config)
    hosts = tuple(_host(config, settings, routes, name) for name in sorted(config.hosts))
    return Plan(
        network_name=config.fabric.name,
        subnet=config.fabric.subnet,
        mode=config.fabric.mode,
        gateway=config.fabric.gateway,
        reserved=config.fabric.reserved,
        probe_addresses=config.fabric.probe_addresses,
        hosts=hosts,
        warnings=tuple(
            sorted(
                (problem for problem in problems if problem.severity == "warning"),
                key=lambda problem: (problem.key, problem.value),
            )
        ),
        ssh=SshPlan(
            shared_connection=config.ssh.shared_connection,
            connect_timeout=config.ssh.connect_timeout,
        ),
        slice_routes=tuple(routes.values()),
    )


def address_of(service: ServiceConfig, host_name: str, host: HostConfig) -> IPAddress | None:
    """The service's address on that host; None where the config gives neither address nor offset."""
    explicit = service.addresses.get(host_name)
    if explicit is not None:
        return explicit
    if service.offset is None:
        return None
    return IPAddress(host.slice.first + service.offset, 4)


def _host(
    config: StackConfig, settings: Mapping[str, ContainerSettings], routes: Mapping[str, Route], name: str
) -> HostPlan:
    host = config.hosts[name]
    containers = tuple(
        _container(config, service_name, settings[service_name], name)
        for service_name, service in sorted(config.services.items())
        if service.hosts is None or name in service.hosts
    )
    return HostPlan(
        name=name,
        address=host.address,
        ssh=host.ssh or SshTarget("root", str(host.address), written=frozenset({"user"})),
        host_key=host.host_key,
        slice=host.slice,
        parent=host.parent,
        dynamic=host.dynamic if isinstance(host.dynamic, IPNetwork) else None,
        static_only=host.dynamic == "none",
        network=_network(config, host),
        containers=containers,
        images=tuple(sorted({container.image for container in containers})),
        routes=tuple(route for other, route in routes.items() if other != name),
        shim=_shim(host),
    )


def _shim(host: HostConfig) -> ShimPlan | None:
    address = own_address(host.slice)
    if not host.shim or address is None:
        return None
    return ShimPlan(link=shim_link(host.parent), address=IPAddress(address, 4))


def shim_link(parent: str) -> str:
    """The name of the shim's link on `parent`; two fabrics of one host have two parents, and so two names."""
    name = f"shim.{parent}"
    if len(name) <= LONGEST_INTERFACE:
        return name
    # Of a long name the end tells two VLANs apart, and a digest two NICs.
    return f"shim.{hashlib.sha256(parent.encode()).hexdigest()[:10]}"


def _network(config: StackConfig, host: HostConfig) -> NetworkPlan:
    fabric = config.fabric
    ip_range, auxiliary = host.slice, {}
    if isinstance(host.dynamic, IPNetwork):
        ip_range = host.dynamic
    elif host.dynamic == "none":
        ip_range = IPNetwork((host.slice.first, 32))
        auxiliary = {NO_DYNAMIC: IPAddress(host.slice.first, 4)}
    gateway = fabric.gateway
    if fabric.mode != "l2" and (routed := own_address(host.slice)) is not None:
        gateway = IPAddress(routed, 4)
        if host.dynamic == "none":
            # Here the gateway itself uses the range up.
            ip_range, auxiliary = IPNetwork((routed, 32)), {}
    return NetworkPlan(
        name=fabric.name,
        mode=fabric.mode,
        subnet=fabric.subnet,
        gateway=gateway,
        ip_range=ip_range,
        parent=host.parent,
        auxiliary=auxiliary,
    )


def _container(config: StackConfig, service_name: str, settings: ContainerSettings, host_name: str) -> ContainerPlan:
    service, host = config.services[service_name], config.hosts[host_name]
    address = address_of(service, host_name, host)
    if address is None:
        raise AssertionError(f"{service_name} has no address on {host_name}, which ipvlan.plan.rules must have refused")
    return ContainerPlan(
        service=service_name,
        host=host_name,
        name=service.container_name or service_name,
        image=service.image,
        command=service.command,
        address=address,
        ports=service.ports,
        published=service.published,
        internet=service.internet,
        egress_gateway=service.egress == "gateway",
        default_route=BRIDGE if service.published or service.internet else config.fabric.name,
        environment=service.environment,
        secret_environment=service.secret_environment,
        settings=settings,
    )


def _settings(config: StackConfig, service: ServiceConfig) -> ContainerSettings:
    values = {field: getattr(service, field) for field in ContainerSettings.model_fields}
    values["dns"] = service.dns or config.fabric.dns
    return ContainerSettings.model_construct(**values)


def _routes(config: StackConfig) -> Mapping[str, Route]:
    """The route to each host's slice; every other host has the same one, so that they are made once."""
    if config.fabric.mode == "l2":
        return {}
    return {
        name: Route(destination=host.slice, via=host.address, host=name) for name, host in sorted(config.hosts.items())
    }
