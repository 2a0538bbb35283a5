"""`ipvlan allocate`: writes missing slices and offsets into the stack's file. Options and exit status."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from typing import Annotated

import typer

from ipvlan.cli.context import SelectedStack, selected_stack
from ipvlan.cli.options import JsonOption
from ipvlan.cli.output import print_document, print_text
from ipvlan.config.file_write import edit_lock, read_texts, write_texts
from ipvlan.config.load import read_raw, stack_file
from ipvlan.config.shared_file import common_path
from ipvlan.config.yaml_file import Checkout
from ipvlan.plan.allocate import Allocation
from ipvlan.plan.allocate import allocate as find_allocations
from ipvlan.plan.allocation_edits import new_texts
from ipvlan.plan.neighbours import read_neighbours
from ipvlan.problems import ConfigError
from ipvlan.views import allocate as view


def allocate(
    context: typer.Context,
    check: Annotated[bool, typer.Option("--check", help="Write nothing; exit with 1 when a key is missing.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Write the next free slice or offset where the stack file has none. Never changes a value that is there."""
    stack = selected_stack(context)
    own = stack_file(stack.name)
    # From the reading to the writing: two runs at once would give one address to two services.
    with nullcontext() if check else edit_lock(stack.folder, [own]):
        allocations, before, after = _new_texts(stack, own)
        if not check:
            write_texts(stack.folder, before, after)
    if as_json:
        print_document(view.document(allocations, stack.short_name, written=bool(allocations) and not check))
    elif not allocations:
        print_text("nothing is missing: every host has a slice, and every service has an offset or addresses.\n")
    else:
        print_text(view.as_diff(before, after))
    if check:
        if allocations and not as_json:
            print_text(
                f"{len(allocations)} keys are missing; run: {shlex.join(['ipvlan', '--stack', stack.name, 'allocate'])}\n",
                to_stderr=True,
            )
        raise typer.Exit(1 if allocations else 0)


def _new_texts(stack: SelectedStack, own: str) -> tuple[Sequence[Allocation], Mapping[str, str], Mapping[str, str]]:
    """Return what is missing, the texts of the stack's files, and the new texts of those that change."""
    folder = Checkout(stack.folder)
    raw = read_raw(stack.name, folder)
    if raw.problems:
        raise ConfigError(raw.problems)
    # A file that cannot be read is named by `ipvlan plan`; what is in it is not known here.
    neighbours, _ = read_neighbours(stack.name, folder)
    allocations = find_allocations(raw.sections, folder, neighbours)
    common = common_path(raw.sections)
    # Not `folder.text`: it removes a byte order mark, which has to stay in the file.
    before = read_texts(stack.folder, [own] if common is None else [own, common])
    return allocations, before, new_texts(allocations, before, own=own, common=common)
