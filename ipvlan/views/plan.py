"""What `ipvlan plan` prints for people: the tables of hosts, services and routes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from rich.table import Table

from ipvlan.config.types.rollout import written_duration
from ipvlan.plan.address_usage import slice_use
from ipvlan.plan.model import ContainerPlan, HostPlan, Plan
from ipvlan.plan.rollout_order import BUILT_IN, ServiceRollout, service_rollouts
from ipvlan.plan.volume_powers import shown_source
from ipvlan.views.plan_files import files_table
from ipvlan.views.ports import endpoints
from ipvlan.views.rollout import otherwise, pace
from ipvlan.views.terminal import Terminal

MOST_HOSTS: Final = 4
"""Hosts that the order of a replacement names; all hosts are in the order of their names."""


def print_tables(plan: Plan, stack: str, out: Terminal) -> None:
    """Print the plan of a stack."""
    gateway = f", gateway {plan.gateway}" if plan.gateway else ""
    out.print(f"stack {stack}: network {plan.network_name}, mode {plan.mode}, subnet {plan.subnet}{gateway}")
    if plan.lan:
        out.print(f"on the LAN of {', '.join(plan.lan_hosts)}: every port is at the container's own address")
    if plan.reserved:
        out.print(f"reserved: {', '.join(map(str, plan.reserved))}")
    out.print(_hosts(plan))
    out.print(_services(plan))
    if any(host.volumes for host in plan.hosts):
        out.print(_volumes(plan))
    if any(host.bridges for host in plan.hosts):
        out.print(_bridges(plan))
    files = files_table(plan)
    if files is not None:
        out.print(files)
    if any(host.routes for host in plan.hosts):
        out.print(_routes(plan))
    rollouts = service_rollouts(plan)
    if any(service.after or service.rollout != BUILT_IN for service in rollouts):
        out.print(_rollouts(rollouts))


def _hosts(plan: Plan) -> Table:
    with_shims = any(host.shim for host in plan.hosts)
    table = Table(title="Hosts", title_justify="left")
    for heading in ("host", "address", "parent", "slice"):
        table.add_column(heading)
    for heading in ("used", "free"):
        table.add_column(heading, justify="right")
    table.add_column("dynamic range")
    if with_shims:
        table.add_column("shim")
    for host in plan.hosts:
        use = slice_use(plan, host)
        table.add_row(
            host.name,
            str(host.address),
            host.parent,
            host.slice_text,
            str(use.used),
            str(use.free),
            _dynamic_range(host),
            *([_shim(host)] if with_shims else []),
        )
    return table


def _services(plan: Plan) -> Table:
    table = Table(
        "service",
        "host",
        "container",
        "address",
        "default route",
        "clients find it at" if plan.lan else "published at",
        title="Services",
        title_justify="left",
    )
    previous = None
    for container in sorted(plan.containers(), key=lambda container: (container.service, container.host)):
        table.add_row(
            "" if container.service == previous else container.service,
            container.host,
            container.name,
            container.address_text,
            _default_route(plan, container),
            _published_at(plan, container),
        )
        previous = container.service
    return table


def _volumes(plan: Plan) -> Table:
    table = Table(
        "volume",
        "host",
        "in Docker",
        "data",
        "mounted by",
        "when it leaves",
        title="Named volumes",
        title_justify="left",
    )
    previous = None
    found = ((host, volume) for host in plan.hosts for volume in host.volumes)
    for place, volume in sorted(found, key=lambda entry: (entry[1].key, entry[0].name)):
        table.add_row(
            "" if volume.key == previous else volume.key,
            place.name,
            volume.name,
            "of others" if volume.external else f"{volume.driver} {shown_source(volume)}".strip(),
            ", ".join(volume.mounted_by),
            "" if volume.external else "deleted with its data" if volume.delete else "kept",
        )
        previous = volume.key
    return table


def _bridges(plan: Plan) -> Table:
    table = Table(
        "bridge", "host", "in Docker", "subnet", "way out", "containers on it", title="Bridges", title_justify="left"
    )
    previous = None
    found = ((host, bridge) for host in plan.hosts for bridge in host.bridges)
    for place, bridge in sorted(found, key=lambda entry: (entry[1].key, entry[0].name)):
        table.add_row(
            "" if bridge.key == previous else bridge.key,
            place.name,
            bridge.name,
            "of others" if bridge.external else "by Docker" if bridge.subnet is None else str(bridge.subnet),
            "" if bridge.external else "none" if bridge.internal else "the host's NAT",
            ", ".join(_with_aliases(place.container(service), bridge.name) for service in bridge.members),
        )
        previous = bridge.key
    return table


def _with_aliases(container: ContainerPlan, bridge: str) -> str:
    """Return the names by which the others on a bridge find a container."""
    aliases = next(endpoint.aliases for endpoint in container.bridges if endpoint.bridge == bridge)
    return container.name + (f" (also {' '.join(aliases)})" if aliases else "")


def _routes(plan: Plan) -> Table:
    table = Table("host", "destination", "via", title="Routes", title_justify="left")
    for host in plan.hosts:
        for route in host.routes:
            table.add_row(host.name, str(route.destination), f"{route.via} ({route.host})")
    return table


def _rollouts(rollouts: Iterable[ServiceRollout]) -> Table:
    """Return how each service is replaced; the plan shows it where something differs from what is built in."""
    table = Table(
        "service",
        "after",
        "replaced on",
        "pace",
        "up within",
        "otherwise",
        title="Order of the services, and how they are replaced",
        title_justify="left",
    )
    for service in rollouts:
        table.add_row(
            service.service,
            ", ".join(service.after),
            ", ".join(service.hosts[:MOST_HOSTS]) + (", ..." if len(service.hosts) > MOST_HOSTS else ""),
            pace(service.rollout),
            written_duration(service.rollout.healthy_within),
            otherwise(service.rollout),
        )
    return table


def _shim(host: HostPlan) -> str:
    return "" if host.shim is None else f"{host.shim.address} ({host.shim.link})"


def _dynamic_range(host: HostPlan) -> str:
    if host.dynamic is not None:
        return str(host.dynamic)
    return "none" if host.static_only else "unrestricted"


def _default_route(plan: Plan, container: ContainerPlan) -> str:
    """Return the network with the container's default route, and where it leads."""
    if container.default_route is None:
        return "none"
    if container.bridged or not container.fabric:
        return f"{container.default_route} (the host's NAT)"
    if plan.mode != "l2":
        return f"{container.default_route} (the host's routes)"
    needed = ", must answer" if container.egress_gateway else ""
    return f"{container.default_route} ({plan.gateway}{needed})"


def _published_at(plan: Plan, container: ContainerPlan) -> str:
    """Return where clients find the container; its ports in brackets when it is not published."""
    if not container.ports:
        return ""
    if not container.published and not (plan.lan and container.fabric):
        return f"(not published: {', '.join(map(str, container.ports))})"
    # URLs first.
    return ", ".join(sorted(endpoints(plan, container), key=lambda text: not text.startswith("http")))
