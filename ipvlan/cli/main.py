"""The `ipvlan` command: its subcommands, the options they share, and how an error ends the command.

To add a subcommand, write a module with its function and add a line to `SUBCOMMANDS`. A subcommand is imported when it is used,
so that `ipvlan plan` does not wait for the packages that talk to hosts.
"""

from __future__ import annotations

import os
import sys
from collections import UserDict
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from typer.core import TyperGroup
from typer.main import get_command

from ipvlan.cli.context import SelectedStack, find_project_folder
from ipvlan.config.stack_names import check_project, selected_in_workspace
from ipvlan.problems import UserError

DEFAULT_STACK: Final = "dev"
"""The stack where neither the command line nor the environment nor Pulumi's workspace names one."""

SUBCOMMANDS: Final[Mapping[str, str]] = {
    "plan": "ipvlan.cli.plan:plan",
    "allocate": "ipvlan.cli.allocate:allocate",
    "import": "ipvlan.cli.import_:import_",
    "preflight": "ipvlan.cli.preflight:preflight",
    "verify": "ipvlan.cli.verify:verify",
    "status": "ipvlan.cli.status:status",
    "heal": "ipvlan.cli.heal:heal",
    "forget": "ipvlan.cli.forget:forget",
    "diagram": "ipvlan.cli.diagram:diagram",
    "report": "ipvlan.cli.report:report",
}
"""Subcommand -> `module:function`, in the order of `ipvlan --help`. The function's docstring is the help text."""


class _LazyCommands(UserDict[str, Any]):
    """Name -> typer's command object, which is made when it is looked up."""

    def __getitem__(self, name: str) -> Any:
        module, _, function = str(super().__getitem__(name)).partition(":")
        app = typer.Typer(add_completion=False)
        app.command(name)(getattr(import_module(module), function))
        return get_command(app)


class LazyGroup(TyperGroup):
    """A command whose subcommands are `SUBCOMMANDS`, each imported when it is used or listed."""

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        self.commands = _LazyCommands(SUBCOMMANDS)


app = typer.Typer(
    cls=LazyGroup,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Plan, check and repair an ipvlan fabric.",
)


@app.callback()
def _select_stack(
    context: typer.Context,
    stack: Annotated[
        str | None,
        typer.Option(
            "--stack",
            "-s",
            envvar="PULUMI_STACK",
            metavar="[ORG/[PROJECT/]]STACK",
            help="The stack, as Pulumi spells it. Its file is Pulumi.STACK.yaml. By default the one that is selected, or dev.",
        ),
    ] = None,
    project: Annotated[
        Path | None, typer.Option(help="The project's folder; by default the one that contains the working folder.")
    ] = None,
) -> None:
    folder = find_project_folder((project or Path.cwd()).resolve())
    name = stack or selected_in_workspace(folder, os.environ) or DEFAULT_STACK
    check_project(name, folder)
    context.obj = SelectedStack(name=name, folder=folder)


def main() -> None:
    """Run the command line and exit: 0 when all is as planned, 1 when not or on an error, 2 for wrong arguments."""
    try:
        app()
    except UserError as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(1)
    except BrokenPipeError:
        # The reader of a pipe (`| head`) is gone: that is no error, and Python must not flush into the pipe at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)


if __name__ == "__main__":
    main()
