"""`ipvlan allocate`: writes missing slices and offsets into the stack's file. Options and exit status."""

from __future__ import annotations

from typing import Annotated

import typer

from ipvlan.cli.context import selected_stack
from ipvlan.cli.options import JsonOption
from ipvlan.cli.output import print_document
from ipvlan.config.load import read_raw, stack_file
from ipvlan.config.models import COMMON
from ipvlan.config.yaml_edit import write
from ipvlan.config.yaml_file import Checkout
from ipvlan.plan.allocate import allocate as find_allocations
from ipvlan.plan.allocation_edits import new_texts
from ipvlan.problems import ConfigError
from ipvlan.views import allocate as view


def allocate(
    context: typer.Context,
    check: Annotated[bool, typer.Option("--check", help="Write nothing; exit with 1 when a key is missing.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Write the next free slice or offset where the stack file has none. Never changes a value that is there."""
    stack = selected_stack(context)
    folder = Checkout(stack.folder)
    raw = read_raw(stack.name, folder)
    if raw.problems:
        raise ConfigError(raw.problems)
    allocations = find_allocations(raw.sections, folder)
    own, common = stack_file(stack.name), raw.sections.get(COMMON)
    common = common if isinstance(common, str) else None
    # Not `folder.text`: it removes a byte order mark, which has to stay in the file.
    before = {name: (stack.folder / name).read_bytes().decode("utf-8") for name in (own, common) if name is not None}
    after = new_texts(allocations, before, own=own, common=common)
    if as_json:
        print_document(view.document(allocations, stack.short_name, written=bool(allocations) and not check))
    elif not allocations:
        typer.echo("nothing is missing: every host has a slice, and every service has an offset or addresses.")
    else:
        typer.echo(view.as_diff(before, after), nl=False)
    if check:
        if allocations and not as_json:
            typer.echo(f"{len(allocations)} keys are missing; run: ipvlan --stack {stack.name} allocate", err=True)
        raise typer.Exit(1 if allocations else 0)
    for name, text in after.items():
        write(stack.folder / name, text)
