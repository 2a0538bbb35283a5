"""`ipvlan allocate`: writes missing slices and offsets into the stack's file."""

from __future__ import annotations

import difflib
import json
from typing import Annotated

import typer

from ipvlan import PROJECT
from ipvlan.cli.context import Selected, selected
from ipvlan.config.load import read_raw, stack_file
from ipvlan.config.models import COMMON
from ipvlan.config.yaml_edit import Edit, has, insert, write
from ipvlan.config.yaml_file import Checkout
from ipvlan.plan.allocate import Allocation
from ipvlan.plan.allocate import allocate as decide
from ipvlan.problems import ConfigError


def allocate(
    context: typer.Context,
    check: Annotated[bool, typer.Option("--check", help="Write nothing; exit 1 when something is missing.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print what was given out as JSON.")] = False,
) -> None:
    """Write the next free slice and offset where the stack file has none; what is there is never changed."""
    chosen = selected(context)
    folder = Checkout(chosen.root)
    raw = read_raw(chosen.stack, folder)
    if raw.problems:
        raise ConfigError(raw.problems)
    found = decide(raw.sections, folder)
    before, after = _texts(chosen, found, raw.sections.get(COMMON))
    if as_json:
        typer.echo(
            json.dumps(
                [{"key": f"{one.section}.{one.entry}.{one.key}", "value": one.value} for one in found],
                indent=2,
            )
        )
    elif not found:
        typer.echo("nothing is missing: every host has a slice and every service an offset or its addresses")
    else:
        for name, text in after.items():
            typer.echo("".join(_diff(before[name], text, name)), nl=False)
    if check:
        if found and not as_json:
            typer.echo(f"{len(found)} keys are missing; run: ipvlan --stack {chosen.stack} allocate", err=True)
        if found:
            raise typer.Exit(1)
        return
    for name, text in after.items():
        write(chosen.root / name, text)


def _texts(chosen: Selected, found: list[Allocation], common: object) -> tuple[dict[str, str], dict[str, str]]:
    """The files to write, before and after: an entry that only the shared file has is filled in there."""
    folder = Checkout(chosen.root)
    own = stack_file(chosen.stack)
    before = {own: _text(folder, own)}
    if isinstance(common, str):
        before[common] = _text(folder, common)
    edits: dict[str, list[Edit]] = {}
    for one in found:
        in_own = ("config", f"{PROJECT}:{one.section}", one.entry)
        in_common = (one.section, one.entry)
        if not has(before[own], in_own) and isinstance(common, str) and has(before[common], in_common):
            edits.setdefault(common, []).append(Edit(in_common, one.key, one.value))
        else:
            edits.setdefault(own, []).append(Edit(in_own, one.key, one.value))
    return before, {name: insert(before[name], some, name) for name, some in edits.items()}


def _text(folder: Checkout, name: str) -> str:
    # Not `folder.text`: a byte order mark is a byte like any other, and stays.
    return (folder.root / name).read_bytes().decode("utf-8")


def _diff(before: str, after: str, name: str) -> list[str]:
    lines = difflib.unified_diff(
        before.splitlines(keepends=True), after.splitlines(keepends=True), f"a/{name}", f"b/{name}"
    )
    return [line if line.endswith("\n") else f"{line}\n" for line in lines]
