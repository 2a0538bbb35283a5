"""`ipvlan status`: what on the hosts differs from the plan? Options and exit status."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from ipvlan.checks.state_reading import StateReading
from ipvlan.checks.status import read_status
from ipvlan.cli.options import (
    DEFAULT_TIMEOUT,
    HostOption,
    JsonOption,
    ServiceOption,
    TimeoutOption,
    count_of_hosts,
    planned,
)
from ipvlan.cli.output import print_document, print_text, print_unread_state, progress, result_console
from ipvlan.views.junit import junit_xml
from ipvlan.views.status import print_tables
from ipvlan.views.status_json import document


class Format(StrEnum):
    """What `status` prints."""

    TABLE = "table"
    JSON = "json"
    JUNIT = "junit"


FormatOption = Annotated[
    Format | None,
    typer.Option("--format", help="Tables (the default), JSON, or JUnit's XML for a CI server.", show_default=False),
]


def status(
    context: typer.Context,
    *,
    host: HostOption = None,
    service: ServiceOption = None,
    timeout: TimeoutOption = DEFAULT_TIMEOUT,
    form: FormatOption = None,
    as_json: JsonOption = False,
) -> None:
    """Compare the hosts with the plan. The exit status is 0 only when nothing differs."""
    if as_json and form not in (None, Format.JSON):
        raise typer.BadParameter(f"{form}: --json prints JSON; give one of the two", param_hint="--format")
    shown = Format.JSON if as_json else form or Format.TABLE
    quiet = shown is not Format.TABLE
    stack, plan = planned(context, host=host, service=service, quiet=quiet)
    state = StateReading(stack.name, stack.folder)
    with progress(f"asking {count_of_hosts(plan)}", quiet=quiet):
        result = read_status(plan, stack.name, state.owned, host=host, service=service, timeout=timeout)
    print_unread_state(state)
    match shown:
        case Format.JSON:
            print_document(document(result, plan, stack.short_name))
        case Format.JUNIT:
            print_text(f"{junit_xml(result, plan, stack.short_name, service=service)}\n")
        case Format.TABLE:
            print_tables(result, plan, stack.short_name, result_console())
    raise typer.Exit(0 if result.ok else 1)
