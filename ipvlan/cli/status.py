"""`ipvlan status`: what on the hosts differs from the plan? Options and exit status."""

from __future__ import annotations

import typer

from ipvlan.checks.stack_state import StateReading
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
from ipvlan.cli.output import print_document, print_unread_state, progress, result_console
from ipvlan.views.status import print_tables
from ipvlan.views.status_json import document


def status(
    context: typer.Context,
    host: HostOption = None,
    service: ServiceOption = None,
    timeout: TimeoutOption = DEFAULT_TIMEOUT,
    as_json: JsonOption = False,
) -> None:
    """Compare the hosts with the plan. The exit status is 0 only when nothing differs."""
    stack, plan = planned(context, host=host, service=service, quiet=as_json)
    state = StateReading(stack.name, stack.folder)
    with progress(f"asking {count_of_hosts(plan)}", quiet=as_json):
        result = read_status(plan, stack.name, state.owned, host=host, service=service, timeout=timeout)
    print_unread_state(state)
    if as_json:
        print_document(document(result, plan, stack.short_name))
    else:
        print_tables(result, plan, stack.short_name, result_console())
    raise typer.Exit(0 if result.ok else 1)
