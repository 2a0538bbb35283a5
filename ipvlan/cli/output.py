"""Where the output of a subcommand goes: the result to standard output, everything else to standard error."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING

import typer
from rich.text import Text

from ipvlan.problems import plain
from ipvlan.views.terminal import Terminal

if TYPE_CHECKING:
    from rich.status import Status

    from ipvlan.checks.state_reading import StateReading
    from ipvlan.problems import Problem

FILE_WIDTH = 240
"""Columns of a table that goes to a file or a pipe. Rich would take 80 there, and break addresses in two."""


def result_console() -> Terminal:
    """Return the console for a result: standard output, as wide as the terminal, or `FILE_WIDTH` without one."""
    console = Terminal()
    return console if console.is_terminal else Terminal(width=FILE_WIDTH)


def message_console(*, quiet: bool = False) -> Terminal:
    """Return the console for everything that is no result: standard error."""
    return Terminal(stderr=True, quiet=quiet)


def print_text(text: str, *, to_stderr: bool = False) -> None:
    """Print text that is complete: lines of a file, Markdown, a drawing. Nothing is wrapped, and no line break is added."""
    typer.echo(plain(text, keep="\n\t"), nl=False, err=to_stderr)


def print_document(document: Mapping[str, object]) -> None:
    """Print a JSON document on standard output."""
    # Not with rich: it would take seconds to colour a plan of 10,000 containers.
    typer.echo(json.dumps(document, indent=2))


def print_warnings(warnings: Sequence[Problem]) -> None:
    """Print a plan's warnings on standard error."""
    console = message_console()
    for warning in warnings:
        console.print(f"warning: {warning}", style="yellow", soft_wrap=True)


def print_unread_state(state: StateReading) -> None:
    """Say on standard error, in one line, that the stack's state could not be read; nothing where it was.

    For commands that change nothing: they go on by the labels.
    """
    failure = state.failure()
    if failure:
        print_text(
            f"warning: labels alone say what is the stack's own, because its state was not read: {failure}\n",
            to_stderr=True,
        )


def progress(text: str, *, quiet: bool = False) -> AbstractContextManager[Status]:
    """Show a moving line on standard error while hosts are asked; nothing where standard error is no terminal."""
    # As a string it would be markup.
    return message_console(quiet=quiet).status(Text(text))
