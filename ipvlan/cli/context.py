"""The stack that a subcommand works on, and the project's folder.

A subcommand is a function that takes `typer.Context` first; `ipvlan.cli.main.SUBCOMMANDS` names it. It gets the plan by
`selected_stack(context).plan()`; one with `--host` or `--service` by `ipvlan.cli.options.planned`, which checks them. It raises
`UserError` or `HostError` for what a person must fix: `ipvlan.cli.main.main` prints these without a traceback.

Out of scope: options that several subcommands share (`ipvlan.cli.options`), and printing (`ipvlan.cli.output`).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import typer

from ipvlan.config.models import StackConfig
from ipvlan.config.project_file import PROJECT_FILE
from ipvlan.config.stack_names import short_name
from ipvlan.plan.make import make_plan
from ipvlan.plan.model import Plan
from ipvlan.plan.validate import load_stack
from ipvlan.problems import Problem, UsageError


@dataclass(frozen=True, slots=True)
class SelectedStack:
    """The stack that the command line selects."""

    name: str
    """As the user spelled it: STACK, ORG/STACK or ORG/PROJECT/STACK. The pulumi command gets this."""
    folder: Path
    """The project's folder."""

    def config(self) -> StackConfig:
        """Return the stack's config.

        Raises:
            ConfigError: the stack file has problems.
        """
        return load_stack(self.name, self.folder)

    @property
    def short_name(self) -> str:
        """The stack's own name, as in the name of its file and in labels."""
        return short_name(self.name)

    def plan(self) -> Plan:
        """Return the stack's plan, with its warnings.

        Raises:
            ConfigError: the stack file has problems.
        """
        return make_plan(self.config())


def selected_stack(context: typer.Context) -> SelectedStack:
    """Return the stack that the running command selected."""
    stack = context.find_object(SelectedStack)
    if stack is None:
        raise RuntimeError("the subcommand was not started by ipvlan.cli.main")
    return stack


def find_project_folder(start: Path) -> Path:
    """Return the folder of the Pulumi project that contains `start`.

    Raises:
        UsageError: neither `start` nor a folder above it is a project.
    """
    for folder in (start, *start.parents):
        if (folder / PROJECT_FILE).is_file():
            return folder
    raise UsageError(
        [
            Problem(
                code="IPF902",
                key="--project",
                value=str(start),
                problem=f"there is no {PROJECT_FILE} in this folder or in a folder above it",
                effect="the command finds no stack file",
                fix="change into the project's folder, or name it with --project",
            )
        ]
    )
