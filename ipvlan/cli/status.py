"""`ipvlan status`: what on the hosts differs from the plan? Options and exit status."""

from __future__ import annotations

import typer

from ipvlan.checks.status import read_status
from ipvlan.cli.context import selected_stack
from ipvlan.cli.options import (
    DEFAULT_TIMEOUT,
    HostOption,
    JsonOption,
    ServiceOption,
    TimeoutOption,
    check_host,
    check_service,
    count_of_hosts,
)
from ipvlan.cli.output import print_document, print_warnings, progress, result_console
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
    stack = selected_stack(context)
    plan = stack.plan()
    check_host(plan, host)
    check_service(plan, service)
    if not as_json:
        print_warnings(plan.warnings)
    with progress(f"asking {count_of_hosts(plan)}", quiet=as_json):
        result = read_status(plan, stack.name, host=host, service=service, timeout=timeout)
    if as_json:
        print_document(document(result, plan, stack.name))
    else:
        print_tables(result, plan, stack.name, result_console())
    raise typer.Exit(0 if result.ok else 1)
