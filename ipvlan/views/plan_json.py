"""The JSON documents of `ipvlan plan` and `ipvlan plan --at`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from netaddr import IPAddress

from ipvlan.plan.address_usage import slice_use
from ipvlan.plan.bridges import BridgePlan
from ipvlan.plan.model import ContainerPlan, HostPlan, Plan
from ipvlan.plan.rollout_order import service_rollouts, service_steps
from ipvlan.plan.volume_powers import shown_source
from ipvlan.plan.volumes import VolumePlan
from ipvlan.views.json_document import ProblemEntry, TypedDict, document_part, problem_entries
from ipvlan.views.plan_files import PlannedFile, planned_files


@document_part
class Fabric(TypedDict):
    """The network that all hosts share."""

    name: str
    mode: str
    subnet: str
    gateway: str | None
    lan: bool
    """Whether hosts have an address of the subnet themselves, so that clients reach every port at a container's own address."""
    reserved: list[str]
    """Addresses, ranges and subnets that no container may have."""


@document_part
class Network(TypedDict):
    """Docker's network on one host."""

    name: str
    mode: str
    subnet: str
    gateway: str | None
    ip_range: str
    """Where Docker takes the addresses that it hands out by itself."""
    parent: str
    auxiliary: dict[str, str]
    """Name -> address that Docker may not hand out."""


@document_part
class Endpoint(TypedDict):
    """The connection of a container to one bridge network of the section `bridges`."""

    bridge: str
    """The network's name in Docker."""
    aliases: list[str]
    """Further names by which the others on it find the container."""


@document_part
class Container(TypedDict):
    """One container on one host."""

    service: str
    name: str
    """The container's name for Docker."""
    address: str | None
    """Of the fabric; null where it is not on it."""
    image: str
    ports: list[str]
    """As Docker's `--publish` takes them."""
    published: bool
    internet: bool
    egress: str | None
    """`gateway`, or null."""
    default_route: str | None
    """The network with the container's default route; null where it has none."""
    fabric: bool
    """Whether it is on the fabric."""
    bridges: list[Endpoint]
    dns: list[str]
    urls: list[str]
    """Where clients find it: at the host when it is published, on a LAN at its own address; else empty."""
    secret_variables: list[str]
    """Names of the environment variables with a secret."""


@document_part
class Route(TypedDict):
    """A route that the host needs."""

    destination: str
    via: str
    host: str
    """The host that the destination belongs to."""


@document_part
class Shim(TypedDict):
    """The host's own link on its parent."""

    link: str
    address: str


@document_part
class Volume(TypedDict):
    """A named volume of the section `volumes` on one host."""

    key: str
    name: str
    """Its name in Docker."""
    driver: str
    options: list[str]
    """Names of its driver's options; their values may be secrets."""
    source: str
    """Where its data is: type, device and address of its options; empty for a folder of Docker's own."""
    external: bool
    delete: bool
    """Whether it is deleted with its data when it leaves the config or the stack is destroyed."""
    mounted_by: list[str]
    """The services that mount it on the host."""


@document_part
class Bridge(TypedDict):
    """A bridge network of the section `bridges` on one host."""

    key: str
    name: str
    """Its name in Docker."""
    internal: bool
    """Whether it has no way out of the host."""
    subnet: str | None
    """Null where Docker chooses it, or somebody else."""
    options: dict[str, str]
    external: bool
    """Whether somebody else makes it."""
    members: list[str]
    """The services that are connected to it on the host."""


@document_part
class Host(TypedDict):
    """One host."""

    name: str
    address: str
    ssh: str
    parent: str
    slice: str
    """All of it in one text, with commas; empty where the host has none."""
    slices: list[str]
    """Its subnets, ranges and addresses, as the config has them."""
    dynamic: str | None
    """The range in which Docker may hand out addresses by itself, if the config has one."""
    static_only: bool
    """Docker hands out no address by itself."""
    used: int
    """Addresses of the plan's containers."""
    set_aside: int
    """Addresses that no container may have: reserved, dynamic, the gateway's, the shim's."""
    free: int
    network: Network
    containers: list[Container]
    routes: list[Route]
    shim: Shim | None
    volumes: list[Volume]
    bridges: list[Bridge]


@document_part
class Rollout(TypedDict):
    """How the containers of a service are replaced."""

    hosts: list[str]
    """In the order in which its containers are replaced."""
    at_once: int | None
    """On how many hosts at the same time; null is all."""
    healthy_within: int
    """Seconds in which a new container must be up."""
    on_failure: str
    """`restore` or `leave`."""


@document_part
class Service(TypedDict):
    """One service over all hosts."""

    addresses: dict[str, str]
    """Host -> address; empty for a service that is not on the fabric."""
    published: bool
    urls: list[str]
    after: list[str]
    """Services that are up before a container of this one is created or replaced."""
    rollout: Rollout


@document_part
class PlanDocument(TypedDict):
    """What `ipvlan plan --json` prints."""

    stack: str
    fabric: Fabric
    hosts: list[Host]
    services: dict[str, Service]
    files: list[PlannedFile]
    """The files that services are given, sorted by service and path; never their contents."""
    order: list[list[str]]
    """The services in steps: each is in a step after all that it waits for; the services of one step are in no order."""
    warnings: list[ProblemEntry]


@document_part
class AddressDocument(TypedDict):
    """What `ipvlan plan --at ADDRESS --json` prints."""

    address: str
    usage: list[str]
    """What the plan says of the address, one sentence each; never empty."""


def address_document(address: IPAddress, usage: Iterable[str]) -> AddressDocument:
    """Return the usage of one address, ready for `json.dumps`."""
    return {"address": str(address), "usage": list(usage)}


def document(plan: Plan, stack: str) -> PlanDocument:
    """Return the plan of the stack, ready for `json.dumps`."""
    return {
        "stack": stack,
        "fabric": {
            "name": plan.network_name,
            "mode": plan.mode,
            "subnet": str(plan.subnet),
            "gateway": None if plan.gateway is None else str(plan.gateway),
            "lan": plan.lan,
            "reserved": [str(entry) for entry in plan.reserved],
        },
        "hosts": [_host(plan, host) for host in plan.hosts],
        "services": dict(_services(plan)),
        "files": planned_files(plan),
        "order": [list(step) for step in service_steps(plan)],
        "warnings": problem_entries(plan.warnings),
    }


def _services(plan: Plan) -> Iterator[tuple[str, Service]]:
    addresses, urls = plan.addresses, plan.urls
    published = {container.service for container in plan.containers() if container.published}
    for service in sorted(service_rollouts(plan), key=lambda service: service.service):
        name = service.service
        yield (
            name,
            {
                "addresses": {host: str(address) for host, address in addresses.get(name, {}).items()},
                "published": name in published,
                "urls": urls.get(name, []),
                "after": list(service.after),
                "rollout": {
                    "hosts": list(service.hosts),
                    "at_once": service.rollout.at_once,
                    "healthy_within": service.rollout.healthy_within,
                    "on_failure": service.rollout.on_failure,
                },
            },
        )


def _host(plan: Plan, host: HostPlan) -> Host:
    use = slice_use(plan, host)
    network = host.network
    return {
        "name": host.name,
        "address": str(host.address),
        "ssh": str(host.ssh),
        "parent": host.parent,
        "slice": ", ".join(map(str, host.slices)),
        "slices": [str(block) for block in host.slices],
        "dynamic": None if host.dynamic is None else str(host.dynamic),
        "static_only": host.static_only,
        "used": use.used,
        "set_aside": use.set_aside,
        "free": use.free,
        "network": {
            "name": network.name,
            "mode": network.mode,
            "subnet": str(network.subnet),
            "gateway": None if network.gateway is None else str(network.gateway),
            "ip_range": str(network.ip_range),
            "parent": network.parent,
            "auxiliary": {name: str(address) for name, address in network.auxiliary.items()},
        },
        "containers": [_container(plan, container) for container in host.containers],
        "routes": [
            {"destination": str(route.destination), "via": str(route.via), "host": route.host} for route in host.routes
        ],
        "shim": None if host.shim is None else {"link": host.shim.link, "address": str(host.shim.address)},
        "volumes": [_volume(volume) for volume in host.volumes],
        "bridges": [_bridge(bridge) for bridge in host.bridges],
    }


def _bridge(bridge: BridgePlan) -> Bridge:
    return {
        "key": bridge.key,
        "name": bridge.name,
        "internal": bridge.internal,
        "subnet": None if bridge.subnet is None else str(bridge.subnet),
        "options": dict(bridge.options),
        "external": bridge.external,
        "members": list(bridge.members),
    }


def _volume(volume: VolumePlan) -> Volume:
    return {
        "key": volume.key,
        "name": volume.name,
        "driver": volume.driver,
        "options": sorted({*volume.driver_opts, *volume.secret_driver_opts}),
        "source": shown_source(volume),
        "external": volume.external,
        "delete": volume.delete,
        "mounted_by": list(volume.mounted_by),
    }


def _container(plan: Plan, container: ContainerPlan) -> Container:
    return {
        "service": container.service,
        "name": container.name,
        "address": None if container.address is None else str(container.address),
        "image": container.image,
        "ports": [str(port) for port in container.ports],
        "published": container.published,
        "internet": container.internet,
        "egress": "gateway" if container.egress_gateway else None,
        "default_route": container.default_route,
        "fabric": container.fabric,
        "bridges": [{"bridge": endpoint.bridge, "aliases": list(endpoint.aliases)} for endpoint in container.bridges],
        "dns": [str(server) for server in container.settings.dns],
        "urls": list(plan.endpoints_of(container)),
        "secret_variables": sorted(container.secret_environment),
    }
