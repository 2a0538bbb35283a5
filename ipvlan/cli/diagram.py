"""`ipvlan diagram`: the topology as Mermaid, SVG or PNG. Options and exit status."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from ipvlan.checks.state_reading import StateReading
from ipvlan.checks.status import read_status
from ipvlan.cli.context import selected_stack
from ipvlan.cli.options import DEFAULT_TIMEOUT, TimeoutOption, count_of_hosts
from ipvlan.cli.output import print_text, print_unread_state, progress
from ipvlan.views.diagram import as_mermaid, as_png, live_marks
from ipvlan.views.svg import NO_MARKS, as_svg


class Form(StrEnum):
    """What is drawn."""

    mermaid = "mermaid"
    svg = "svg"
    png = "png"


def diagram(
    context: typer.Context,
    form: Annotated[Form, typer.Option(help="What to draw.")] = Form.mermaid,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="The file to write. Without it the diagram is printed.")
    ] = None,
    live: Annotated[
        bool, typer.Option("--live", help="Read the hosts, and colour what differs from the plan.")
    ] = False,
    timeout: TimeoutOption = DEFAULT_TIMEOUT,
) -> None:
    """Draw the topology: hosts, parents, slices, containers, published ports. Contacts no host without --live."""
    if form is Form.png and output is None:
        raise typer.BadParameter("a PNG cannot be printed: name a file with --output", param_hint="--form")
    stack = selected_stack(context)
    plan = stack.plan()
    marks = NO_MARKS
    if live:
        state = StateReading(stack.name, stack.folder)
        with progress(f"asking {count_of_hosts(plan)}"):
            marks = live_marks(read_status(plan, stack.name, state.owned, timeout=timeout))
        print_unread_state(state)
    text = as_mermaid(plan, marks) if form is Form.mermaid else as_svg(plan, stack.short_name, marks)
    if output is None:
        print_text(text)
        return
    try:
        output.write_bytes(as_png(text) if form is Form.png else text.encode())
    except OSError as error:
        raise typer.BadParameter(f"{output}: {error.strerror}", param_hint="--output") from None
