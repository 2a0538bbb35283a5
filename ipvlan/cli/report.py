"""`ipvlan report`: what a change of the stack file does, as Markdown for a pull request."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from ipvlan.cli.context import selected
from ipvlan.config.git_commit import commit
from ipvlan.config.yaml_file import Checkout
from ipvlan.views.report import as_document, as_markdown, make_report


def report(
    context: typer.Context,
    base: Annotated[str, typer.Option(metavar="REF", help="Branch, tag or commit to compare with.")],
    head: Annotated[
        str | None, typer.Option(metavar="REF", help="Commit with the new state; by default the working folder.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of Markdown.")] = False,
) -> None:
    """Print which addresses, containers, hosts and ports a change makes, moves, recreates or removes; needs no host."""
    chosen = selected(context)
    folder = commit(chosen.root, head) if head else Checkout(chosen.root)
    made = make_report(chosen.stack, commit(chosen.root, base), folder)
    if as_json:
        typer.echo(json.dumps(as_document(made), indent=2))
    else:
        typer.echo(as_markdown(made), nl=False)
