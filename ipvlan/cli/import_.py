"""`ipvlan import`: writes services that are described elsewhere into the stack's file. Options and exit status."""

from __future__ import annotations

import shlex
from contextlib import nullcontext
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from ipvlan.cli.context import SelectedStack, selected_stack
from ipvlan.cli.options import JsonOption, check_known
from ipvlan.cli.output import print_document, print_text, result_console
from ipvlan.config.compose.services import CarriedProject, carried_project
from ipvlan.config.compose.source import read_project
from ipvlan.config.file_write import edit_lock, read_texts, write_texts
from ipvlan.config.load import read_raw, stack_file
from ipvlan.config.shared_file import common_path
from ipvlan.config.yaml_file import Checkout
from ipvlan.plan.compose_import import Import, known_hosts, plan_import
from ipvlan.views import compose_import as view
from ipvlan.views.allocate import as_diff


class Source(StrEnum):
    """What is imported."""

    COMPOSE = "compose"
    """Compose files."""


def import_(
    context: typer.Context,
    *,
    source: Annotated[Source, typer.Argument(metavar="compose", help="What the files are.", show_choices=False)],  # noqa: ARG001
    files: Annotated[
        list[Path], typer.Argument(metavar="FILE...", help="Compose files; a later one is laid over those before it.")
    ],
    host: Annotated[
        list[str], typer.Option("--host", metavar="NAME", help="The host that runs the services; may be repeated.")
    ],
    project_dir: Annotated[
        str | None,
        typer.Option(
            "--project-dir", metavar="PATH", help="The compose file's folder ON THE HOST, for sources such as ./data."
        ),
    ] = None,
    project_name: Annotated[
        str | None,
        typer.Option(
            "--project-name", metavar="NAME", help="Compose's name of the project, with which names of volumes begin."
        ),
    ] = None,
    env_file: Annotated[
        list[Path] | None,
        typer.Option(
            "--env-file", metavar="FILE", help="Variables of the files, instead of .env beside the first one."
        ),
    ] = None,
    profile: Annotated[
        list[str] | None,
        typer.Option("--profile", metavar="NAME", help="Services with this profile too, or with any: '*'."),
    ] = None,
    check: Annotated[
        bool, typer.Option("--check", "--dry-run", help="Write nothing; exit with 1 when something would be written.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Write the services of compose files into the stack file, and list what could not be carried over, and why."""
    if project_dir is not None and not project_dir.startswith("/"):
        raise typer.BadParameter("give the absolute path of the folder on the host", param_hint="--project-dir")
    stack = selected_stack(context)
    for name in host:
        check_known("--host", name, known_hosts(stack.name, Checkout(stack.folder)))
    project = carried_project(
        read_project(files, name=project_name, env_files=env_file or None, folder=project_dir),
        folder=project_dir,
        profiles=profile or (),
    )
    own = stack_file(stack.name)
    # From the reading to the writing: two runs at once would give one address to two services.
    with nullcontext() if check else edit_lock(stack.folder, [own]):
        imported, before = _imported(stack, own, project, host)
        if not check:
            write_texts(stack.folder, before, imported.texts)
    written = bool(imported.texts) and not check
    if as_json:
        print_document(view.document(imported, stack.short_name, written=written))
    else:
        print_text(as_diff(before, imported.shown) or "no service can be carried over: nothing is written.\n")
        view.print_left_out(imported.left_out, result_console())
        if written:
            print_text(f"\nnext: {shlex.join(['ipvlan', '--stack', stack.name, 'plan'])}\n", to_stderr=True)
    if imported.texts if check else not imported.services:
        raise typer.Exit(1)


def _imported(
    stack: SelectedStack, own: str, project: CarriedProject, hosts: list[str]
) -> tuple[Import, dict[str, str]]:
    """Return what would be written, and the texts of the stack's files before."""
    folder = Checkout(stack.folder)
    common = common_path(read_raw(stack.name, folder).sections)
    # Not `folder.text`: it removes a byte order mark, which has to stay in the file.
    before = read_texts(stack.folder, [own] if common is None else [own, common])
    return plan_import(stack.name, folder, project, hosts, texts=before, own=own), before
