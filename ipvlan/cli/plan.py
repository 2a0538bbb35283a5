"""`ipvlan plan`: the plan as people want it, as JSON, or the holder of one address."""

from __future__ import annotations

import json
from enum import StrEnum
from typing import Annotated

import typer
from netaddr import IPAddress
from pydantic_core import PydanticCustomError
from rich.console import Console
from rich.table import Table

from ipvlan.cli.context import print_warnings, printer, selected
from ipvlan.config.values import parse_address
from ipvlan.plan.address_usage import slice_use, who_holds
from ipvlan.plan.model import ContainerPlan, HostPlan, Plan
from ipvlan.plan.router_routes import router_routes
from ipvlan.views.plan_json import document


class RouterKind(StrEnum):
    """What routes are printed for."""

    ip = "ip"
    frr = "frr"
    networkd = "networkd"


def plan(
    context: typer.Context,
    at: Annotated[str | None, typer.Option(metavar="ADDRESS", help="Say who holds this address.")] = None,
    routes: Annotated[
        bool, typer.Option("--routes", help="Print only the routes that a router needs to reach the slices (l3, l3s).")
    ] = False,
    routes_for: Annotated[RouterKind, typer.Option("--for", help="What the routes are printed for.")] = RouterKind.ip,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON (docs/plan.schema.json).")] = False,
) -> None:
    """Print every host's slice and every service's addresses; needs no host."""
    chosen = selected(context)
    address = _address(at) if at is not None else None
    made = chosen.plan()
    out = printer()
    if address is not None:
        holders = who_holds(made, address)
        if as_json:
            out.print_json(json.dumps({"address": str(address), "held_by": holders}))
        else:
            out.print(f"{address}: {'; '.join(holders)}", markup=False, soft_wrap=True)
        return
    if routes:
        _print_routes(made, routes_for.value)
        return
    if as_json:
        # Not by rich: a plan of 10,000 containers would be coloured for seconds.
        typer.echo(json.dumps(document(made, chosen.stack), indent=2))
        return
    print_warnings(made.warnings)
    show(made, chosen.stack, out)


def _print_routes(made: Plan, kind: str) -> None:
    lines = router_routes(made, kind)
    if not lines:
        typer.echo(
            f"mode {made.mode} needs no routes: a router that is to reach the containers holds {made.gateway} itself",
            err=True,
        )
    for line in lines:
        typer.echo(line)


def _address(text: str) -> IPAddress:
    try:
        return parse_address(text)
    except PydanticCustomError as error:
        raise typer.BadParameter(f"{text[:80]}: {error.message()}", param_hint="--at") from None


def show(made: Plan, stack: str, out: Console) -> None:
    """Print the plan as two tables."""
    gateway = f", gateway {made.gateway}" if made.gateway else ""
    out.print(
        f"stack {stack}: network {made.network_name}, mode {made.mode}, subnet {made.subnet}{gateway}", markup=False
    )
    if made.reserved:
        out.print(f"reserved: {', '.join(map(str, made.reserved))}", markup=False)
    shims = any(host.shim for host in made.hosts)
    hosts = Table(
        "host", "address", "parent", "slice", "used", "free", "dynamic range", title="Hosts", title_justify="left"
    )
    if shims:
        hosts.add_column("shim")
    for column in (4, 5):
        hosts.columns[column].justify = "right"
    for host in made.hosts:
        use = slice_use(made, host)
        hosts.add_row(
            host.name,
            str(host.address),
            host.parent,
            str(host.slice),
            str(use.used),
            str(use.free),
            dynamic_of(host),
            *([f"{host.shim.address} ({host.shim.link})" if host.shim else ""] if shims else []),
        )
    out.print(hosts)
    services = Table(
        "service",
        "host",
        "container",
        "address",
        "default route",
        "published at",
        title="Services",
        title_justify="left",
    )
    by_service = sorted(made.containers(), key=lambda container: (container.service, container.host))
    for index, container in enumerate(by_service):
        first = index == 0 or by_service[index - 1].service != container.service
        services.add_row(
            container.service if first else "",
            container.host,
            container.name,
            str(container.address),
            default_route(made, container),
            published_at(made, container),
        )
    out.print(services)
    if any(host.routes for host in made.hosts):
        routes = Table("host", "destination", "via", title="Routes", title_justify="left")
        for host in made.hosts:
            for route in host.routes:
                routes.add_row(host.name, str(route.destination), f"{route.via} ({route.host})")
        out.print(routes)


def default_route(made: Plan, container: ContainerPlan) -> str:
    """Which network holds the container's default route, and where it leads."""
    if container.bridged:
        return f"{container.default_route} (the host's NAT)"
    if made.mode != "l2":
        return f"{container.default_route} (the host's routes)"
    needed = ", must answer" if container.egress_gateway else ""
    return f"{container.default_route} ({made.gateway}{needed})"


def dynamic_of(host: HostPlan) -> str:
    """The dynamic range in words."""
    if host.dynamic is not None:
        return str(host.dynamic)
    return "none" if host.static_only else "whatever is free"


def published_at(made: Plan, container: ContainerPlan) -> str:
    """Where clients find the container; its ports in brackets while it is not published."""
    if not container.ports:
        return ""
    if not container.published:
        return f"(not published: {', '.join(map(str, container.ports))})"
    others = [
        f"{port.host_address or made.host(container.host).address}:{port.host_port}/{port.protocol}"
        for port in container.ports
        if port.protocol != "tcp"
    ]
    return ", ".join([*made.urls_of(container), *others])
