"""`ipvlan verify`: which connections work on the hosts, and which must not? Options and exit status."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Annotated

import typer
from netaddr import IPAddress

from ipvlan.checks.state_reading import StateReading
from ipvlan.checks.verify import verify_plan
from ipvlan.cli.options import (
    DEFAULT_TIMEOUT,
    HostOption,
    JsonOption,
    ServiceOption,
    TimeoutOption,
    check_known,
    count_of_hosts,
    host_names,
    parse_address_option,
    planned,
    service_names,
)
from ipvlan.cli.output import print_document, print_text, print_unread_state, progress, result_console
from ipvlan.plan.cells import CLIENT, Filter, place
from ipvlan.views.verify import as_markdown, print_tables
from ipvlan.views.verify_json import document


class TextFormat(StrEnum):
    """How the matrix is printed for people."""

    table = "table"
    markdown = "markdown"


def verify(  # noqa: PLR0917  # typer reads the options from the signature
    context: typer.Context,
    service: ServiceOption = None,
    host: HostOption = None,
    source: Annotated[
        str | None,
        typer.Option("--from", metavar="NAME", help="Only from here: client, a host, a service or HOST/CONTAINER."),
    ] = None,
    internet: Annotated[
        list[str] | None,
        typer.Option(
            metavar="ADDRESS|NAME",
            help="An address or a name beyond the LAN to test. Without it nothing is sent to the internet. May be repeated.",
        ),
    ] = None,
    timeout: TimeoutOption = DEFAULT_TIMEOUT,
    text_format: Annotated[TextFormat, typer.Option("--format", help="How to print the result.")] = TextFormat.table,
    as_json: JsonOption = False,
) -> None:
    """Test on the hosts which connections work, and compare with the plan. The exit status is 0 only when all are as expected."""
    stack, plan = planned(context, host=host, service=service, quiet=as_json)
    check_known("--from", source, [CLIENT, *host_names(plan), *service_names(plan), *map(place, plan.containers())])
    beyond = [_parse_internet_option(text) for text in internet or ()]
    state = StateReading(stack.name, stack.folder)
    with progress(f"testing connections from {count_of_hosts(plan)}", quiet=as_json):
        result = verify_plan(
            plan,
            state.owned,
            internet=beyond,
            only=Filter(service=service, host=host, source=source),
            timeout=timeout,
        )
    print_unread_state(state)
    if as_json:
        print_document(document(result, stack.short_name))
    elif text_format is TextFormat.markdown:
        print_text(as_markdown(result, plan, internet=bool(beyond)))
    else:
        print_tables(result, plan, result_console(), internet=bool(beyond))
    raise typer.Exit(0 if result.ok else 1)


def _parse_internet_option(text: str) -> IPAddress | str:
    """Return an address, or else a host's name (RFC 1123, section 2.1)."""
    if re.fullmatch(r"(?=.{1,253}$)[A-Za-z0-9-]{1,63}([.][A-Za-z0-9-]{1,63})*[.]?", text) and re.search(
        "[A-Za-z]", text
    ):
        return text
    return parse_address_option("--internet", text)
