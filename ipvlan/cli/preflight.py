"""`ipvlan preflight`: can the hosts carry the plan? Options and exit status."""

from __future__ import annotations

import typer

from ipvlan.checks.preflight import check_hosts
from ipvlan.checks.state_reading import StateReading
from ipvlan.cli.options import DEFAULT_TIMEOUT, HostOption, JsonOption, TimeoutOption, count_of_hosts, planned
from ipvlan.cli.output import print_document, print_unread_state, progress, result_console
from ipvlan.views import preflight as view


def preflight(
    context: typer.Context,
    host: HostOption = None,
    timeout: TimeoutOption = DEFAULT_TIMEOUT,
    as_json: JsonOption = False,
) -> None:
    """Check, before the first `pulumi up`, that the hosts can carry the plan. Creates nothing."""
    stack, plan = planned(context, host=host, quiet=as_json)
    state = StateReading(stack.name, stack.folder)
    with progress(f"asking {count_of_hosts(plan)}", quiet=as_json):
        result = check_hosts(plan, state.owned, host=host, timeout=timeout)
    print_unread_state(state)
    if as_json:
        print_document(view.document(result, stack.short_name))
    else:
        view.print_tables(result, result_console())
    raise typer.Exit(0 if result.ok else 1)
