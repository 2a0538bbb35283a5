"""The `ipvlan` command: one word per question about a stack.

Owns the options that all words share and how errors end. Each word's work is in a module of its own; to add one, import its
function and add a line to `COMMANDS`.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Final

import typer

from ipvlan.cli.allocate import allocate
from ipvlan.cli.context import Selected, find_root
from ipvlan.cli.host_commands import diagram, heal, preflight, status, verify
from ipvlan.cli.plan import plan
from ipvlan.cli.report import report
from ipvlan.hosts.errors import HostError
from ipvlan.problems import UserError

COMMANDS: Final[tuple[Callable[..., object], ...]] = (plan, allocate, preflight, verify, status, heal, diagram, report)
"""The words, in the order of `ipvlan --help`; a function's name is the word, its docstring the help."""

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="The book-keeping of an ipvlan fabric: who has which address, whether it holds, what a change would do.",
)
for _command in COMMANDS:
    app.command()(_command)


@app.callback()
def _options(
    context: typer.Context,
    stack: Annotated[
        str, typer.Option("--stack", "-s", envvar="PULUMI_STACK", help="Name of the stack: Pulumi.STACK.yaml.")
    ] = "dev",
    project: Annotated[
        Path | None, typer.Option(help="The project's folder; by default the one around the working folder.")
    ] = None,
) -> None:
    context.obj = Selected(stack=stack, root=find_root((project or Path.cwd()).resolve()))


def main() -> None:
    """Run the command line and exit: 0 when all holds, 1 when not, 2 for a wrong command line."""
    try:
        app()
    except (UserError, HostError) as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(1)
    except BrokenPipeError:
        # The reader of a pipe (`| head`) went away: no reason to complain, and Python must not flush into it at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)


if __name__ == "__main__":
    main()
