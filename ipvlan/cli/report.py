"""`ipvlan report`: what does a change of the stack file do? Options, and reading the two states."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any

import typer

from ipvlan import PROJECT
from ipvlan.cli.context import selected_stack
from ipvlan.cli.output import print_document, print_text
from ipvlan.config.git_commit import Commit, commit
from ipvlan.config.load import read_raw, stack_file
from ipvlan.config.models import SECTIONS
from ipvlan.config.project_file import PROJECT_FILE
from ipvlan.config.yaml_file import Checkout, Folder, ProjectFolder, read
from ipvlan.config.yaml_text import StackFileError
from ipvlan.plan.changes import compare
from ipvlan.plan.make import make_plan
from ipvlan.plan.model import Plan
from ipvlan.plan.neighbours import with_clashes
from ipvlan.plan.report import KeyChange, Report, key_changes
from ipvlan.plan.validate import load
from ipvlan.problems import ConfigError, Problem
from ipvlan.views.report import as_markdown
from ipvlan.views.report_json import document


def report(
    context: typer.Context,
    base: Annotated[str, typer.Option(metavar="REF", help="Branch, tag or commit to compare with.")],
    head: Annotated[
        str | None, typer.Option(metavar="REF", help="Commit with the new state; by default the working folder.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of Markdown.")] = False,
) -> None:
    """Print what a change does to addresses, containers, hosts and ports, in Markdown. Contacts no host."""
    stack = selected_stack(context)
    folder = commit(stack.folder, head, "--head") if head else Checkout(stack.folder)
    result = read_report(stack.name, commit(stack.folder, base), folder)
    if as_json:
        print_document(document(result))
    else:
        print_text(as_markdown(result))


def read_report(stack: str, base: Commit, folder: ProjectFolder) -> Report:
    """Compare the stack in a commit with the stack in a folder.

    Raises:
        ConfigError: the new state has problems. Those of the earlier state are in the report.
    """
    after = with_clashes(make_plan(load(stack, folder)), stack, folder)
    before: Plan | None = None
    problems: tuple[Problem, ...] = ()
    new_secrets: set[str] = set()
    if base.has(stack_file(stack)):
        try:
            before = make_plan(load(stack, base))
            new_secrets = _new_secrets(stack, base, folder)
        except ConfigError as error:
            problems = error.problems
    return Report(
        stack=stack,
        before=before,
        before_problems=problems,
        after=after,
        changes=compare(before, after, new_secrets=new_secrets),
        keys=tuple(_keys(stack_file(stack), base, folder)),
    )


def _keys(file: str, base: Commit, folder: Folder) -> Iterator[KeyChange]:
    """Yield what differs in the stack file and in Pulumi.yaml, without the sections that are in the plans."""
    planned = {f"config.{PROJECT}:{section}" for section in SECTIONS}
    for name in (file, PROJECT_FILE):
        before, after = (
            {key: value for key, value in _flattened(content).items() if key not in planned}
            for content in (_earlier(base, name), read(folder, name))
        )
        yield from key_changes(name, before, after)


def _earlier(base: Commit, name: str) -> Mapping[str, Any]:
    """Return the content of a file in the base: nothing where it is missing, or cannot be read."""
    try:
        return read(base, name) if base.has(name) else {}
    except StackFileError:
        # The report has the problem; every key counts as new.
        return {}


def _flattened(content: Mapping[str, Any]) -> dict[str, object]:
    """Return the keys of a file of Pulumi's, those below `config` one by one."""
    config = content.get("config")
    if not isinstance(config, Mapping):
        return dict(content)
    others = {key: value for key, value in content.items() if key != "config"}
    return {**others, **{f"config.{key}": value for key, value in config.items()}}


def _new_secrets(stack: str, base: Folder, folder: Folder) -> set[str]:
    """Return the config keys whose encrypted text differs: the secret was set again, perhaps to the same value."""
    before, after = (read_raw(stack, state).others for state in (base, folder))
    return {key for key in after if key in before and before[key] != after[key]}
