"""Where the output of a subcommand goes: the result to standard output, everything else to standard error."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING

import typer
from rich.console import Console

if TYPE_CHECKING:
    from rich.status import Status

    from ipvlan.checks.stack_state import StateReading
    from ipvlan.problems import Problem

FILE_WIDTH = 240
"""Columns of a table that goes to a file or a pipe. Rich would take 80 there, and break addresses in two."""


def result_console() -> Console:
    """Return the console for a result: standard output, as wide as the terminal, or `FILE_WIDTH` without one."""
    console = Console(highlight=False)
    return console if console.is_terminal else Console(highlight=False, width=FILE_WIDTH)


def print_document(document: Mapping[str, object]) -> None:
    """Print a JSON document on standard output."""
    # Not with rich: it would take seconds to colour a plan of 10,000 containers.
    typer.echo(json.dumps(document, indent=2))


def print_warnings(warnings: Sequence[Problem]) -> None:
    """Print a plan's warnings on standard error."""
    console = Console(stderr=True, highlight=False)
    for warning in warnings:
        console.print(f"warning: {warning}", style="yellow", markup=False, soft_wrap=True)


def print_unread_state(state: StateReading) -> None:
    """Say on standard error, in one line, that the stack's state could not be read; nothing where it was.

    For commands that change nothing: they go on by the labels.
    """
    failure = state.failure()
    if failure:
        sys.stderr.write(
            f"warning: labels alone say what is the stack's own, because its state was not read: {failure}\n"
        )


def progress(text: str, *, quiet: bool = False) -> AbstractContextManager[Status]:
    """Show a moving line on standard error while hosts are asked; nothing where standard error is no terminal."""
    return Console(stderr=True, quiet=quiet, highlight=False).status(text)
