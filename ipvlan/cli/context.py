"""What every `ipvlan` command shares: which stack, where the project is, where output goes.

A command is a function that takes `typer.Context` first and is registered in `ipvlan.cli.main`. It gets the plan by
`selected(context).plan()`, and raises `ConfigError` or `HostError` for what a person must fix: `ipvlan.cli.main.main` prints
these without a traceback and exits 1.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import typer
from rich.console import Console

from ipvlan.config.models import StackConfig
from ipvlan.plan.make import make_plan
from ipvlan.plan.model import Plan
from ipvlan.plan.validate import load_stack
from ipvlan.problems import ConfigError, Problem

PROJECT_FILE = "Pulumi.yaml"


@dataclass(frozen=True, slots=True)
class Selected:
    """The stack that the command line chose."""

    stack: str
    """Its name, as in `Pulumi.<stack>.yaml`."""
    root: Path
    """The project's folder."""

    def config(self) -> StackConfig:
        """The stack's config; raises `ConfigError`."""
        return load_stack(self.stack, self.root)

    def plan(self) -> Plan:
        """The stack's plan; raises `ConfigError`. Warnings are in it and not printed."""
        return make_plan(self.config())


def selected(context: typer.Context) -> Selected:
    """The stack of the running command."""
    found = context.find_object(Selected)
    if found is None:
        raise RuntimeError("the command was not started through ipvlan.cli.main")
    return found


def find_root(start: Path) -> Path:
    """The folder of the Pulumi project that `start` is in; raises `ConfigError` where there is none."""
    for folder in (start, *start.parents):
        if (folder / PROJECT_FILE).is_file():
            return folder
    raise ConfigError(
        [
            Problem(
                key="folder",
                value=str(start),
                problem=f"neither here nor in a folder above is a {PROJECT_FILE}",
                effect="no stack file can be found",
                fix="change into the project's folder, or name it with --project",
            )
        ]
    )


def printer() -> Console:
    """Where a command's result goes: standard output, as wide as the terminal, or unlimited when it goes to a file."""
    console = Console(highlight=False)
    # Rich takes 80 columns where there is no terminal, and would break addresses in two.
    return console if console.is_terminal else Console(highlight=False, width=240)


def print_warnings(warnings: tuple[Problem, ...]) -> None:
    """Warnings on standard error, so that `--json` stays JSON."""
    console = Console(stderr=True, highlight=False)
    for warning in warnings:
        console.print(f"warning: {warning}", style="yellow", markup=False)
