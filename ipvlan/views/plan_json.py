"""The plan as a JSON document, for machines; its JSON Schema is docs/plan.schema.json.

Owns the document's shape. Keys are only ever added. No value of a secret can be in it: the plan has none.
"""

from __future__ import annotations

from typing import Any

from pydantic import TypeAdapter
from typing_extensions import TypedDict  # pydantic refuses the one of typing before Python 3.12

from ipvlan.plan.address_usage import slice_use
from ipvlan.plan.model import ContainerPlan, HostPlan, Plan


class Fabric(TypedDict):
    """The network that all hosts share."""

    name: str
    mode: str
    subnet: str
    gateway: str | None
    reserved: list[str]


class Network(TypedDict):
    """Docker's network on one host."""

    name: str
    mode: str
    subnet: str
    gateway: str | None
    ip_range: str
    parent: str
    auxiliary: dict[str, str]


class Container(TypedDict):
    """One container on one host."""

    service: str
    name: str
    address: str
    image: str
    ports: list[str]
    published: bool
    internet: bool
    egress: str | None
    default_route: str
    dns: list[str]
    urls: list[str]
    secret_variables: list[str]


class Route(TypedDict):
    """A route that the host needs."""

    destination: str
    via: str
    host: str


class Shim(TypedDict):
    """The host's own link on its parent."""

    link: str
    address: str


class Host(TypedDict):
    """One host."""

    name: str
    address: str
    ssh: str
    parent: str
    slice: str
    dynamic: str | None
    static_only: bool
    used: int
    set_aside: int
    free: int
    network: Network
    containers: list[Container]
    routes: list[Route]
    shim: Shim | None


class Service(TypedDict):
    """One service over all hosts."""

    addresses: dict[str, str]
    published: bool
    urls: list[str]


class Doubt(TypedDict):
    """A doubt that does not stop the plan."""

    key: str
    value: str
    problem: str
    effect: str
    fix: str


class PlanDocument(TypedDict):
    """A whole plan."""

    stack: str
    fabric: Fabric
    hosts: list[Host]
    services: dict[str, Service]
    warnings: list[Doubt]


def document(plan: Plan, stack: str) -> PlanDocument:
    """The plan of the stack as plain maps and lists, ready for `json.dumps`."""
    urls = plan.urls
    return {
        "stack": stack,
        "fabric": {
            "name": plan.network_name,
            "mode": plan.mode,
            "subnet": str(plan.subnet),
            "gateway": None if plan.gateway is None else str(plan.gateway),
            "reserved": [str(entry) for entry in plan.reserved],
        },
        "hosts": [_host(plan, host) for host in plan.hosts],
        "services": {
            service: {
                "addresses": {host: str(address) for host, address in addresses.items()},
                "published": service in urls,
                "urls": urls.get(service, []),
            }
            for service, addresses in plan.addresses.items()
        },
        "warnings": [
            {
                "key": warning.key,
                "value": warning.value,
                "problem": warning.problem,
                "effect": warning.effect,
                "fix": warning.fix,
            }
            for warning in plan.warnings
        ],
    }


def _host(plan: Plan, host: HostPlan) -> Host:
    use = slice_use(plan, host)
    network = host.network
    return {
        "name": host.name,
        "address": str(host.address),
        "ssh": str(host.ssh),
        "parent": host.parent,
        "slice": str(host.slice),
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
    }


def _container(plan: Plan, container: ContainerPlan) -> Container:
    return {
        "service": container.service,
        "name": container.name,
        "address": str(container.address),
        "image": container.image,
        "ports": [str(port) for port in container.ports],
        "published": container.published,
        "internet": container.internet,
        "egress": "gateway" if container.egress_gateway else None,
        "default_route": container.default_route,
        "dns": [str(server) for server in container.settings.dns],
        "urls": list(plan.urls_of(container)) if container.published else [],
        "secret_variables": sorted(container.secret_environment),
    }


def schema() -> dict[str, Any]:
    """The JSON Schema of the document."""
    return {
        **TypeAdapter(PlanDocument).json_schema(),
    }
