"""`ipvlan plan`: who has which address? Options and exit status."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from ipvlan.cli.context import selected_stack
from ipvlan.cli.options import JsonOption, parse_address_option
from ipvlan.cli.output import print_document, print_text, print_warnings, result_console
from ipvlan.config.yaml_file import Checkout
from ipvlan.plan.address_usage import who_holds
from ipvlan.plan.model import Plan
from ipvlan.plan.neighbours import with_clashes
from ipvlan.plan.router_routes import router_routes
from ipvlan.views.plan import print_tables
from ipvlan.views.plan_json import address_document, document


class RouterKind(StrEnum):
    """The configuration language that routes are printed in."""

    ip = "ip"
    frr = "frr"
    networkd = "networkd"


def plan(
    context: typer.Context,
    at: Annotated[str | None, typer.Option(metavar="ADDRESS", help="Print only who has this address.")] = None,
    routes: Annotated[
        bool, typer.Option("--routes", help="Print only the routes that a router needs to reach the slices (l3, l3s).")
    ] = False,
    routes_for: Annotated[
        RouterKind, typer.Option("--for", help="Configuration language of --routes.")
    ] = RouterKind.ip,
    as_json: JsonOption = False,
) -> None:
    """Print every host's slice and every service's addresses. Contacts no host."""
    stack = selected_stack(context)
    address = parse_address_option("--at", at) if at is not None else None
    result = stack.plan()
    if address is not None:
        usage = who_holds(result, address)
        if as_json:
            print_document(address_document(address, usage))
        else:
            print_text(f"{address}: {'; '.join(usage)}\n")
    elif routes:
        _print_routes(result, routes_for.value)
    else:
        result = with_clashes(result, stack.name, Checkout(stack.folder))
        if as_json:
            print_document(document(result, stack.short_name))
            return
        print_warnings(result.warnings)
        print_tables(result, stack.short_name, result_console())


def _print_routes(plan: Plan, kind: str) -> None:
    lines = router_routes(plan, kind)
    if not lines:
        print_text(
            f"mode {plan.mode} needs no routes: a router with the gateway's address {plan.gateway} reaches the containers.\n",
            to_stderr=True,
        )
    print_text("".join(f"{line}\n" for line in lines))
