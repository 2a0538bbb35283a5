"""`ipvlan forget HOST`: a host that never comes back leaves the state and the stack file. Options, the question, the order.

Out of scope: what belongs to the host (`ipvlan.plan.forget`, `ipvlan.plan.forget_edits`), what is printed (`ipvlan.views.forget`).
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from ipvlan.checks.forget import replace_state, write_backup
from ipvlan.checks.stack_state import export_stack
from ipvlan.cli.context import SelectedStack, selected_stack
from ipvlan.cli.options import JsonOption, listed
from ipvlan.cli.output import print_document, result_console
from ipvlan.config.file_write import edit_lock, read_texts, require_unchanged, write_texts
from ipvlan.config.load import read_raw, stack_file
from ipvlan.config.shared_file import common_path
from ipvlan.config.yaml_file import Checkout
from ipvlan.plan.forget import ForgottenState, forget_host, hosts_in_state
from ipvlan.plan.forget_edits import ConfigEdits, StackFiles, forget_edits, hosts_in_config
from ipvlan.problems import plain, shorten
from ipvlan.views import forget as view
from ipvlan.views.terminal import Terminal

_EMPTY: Mapping[str, Any] = {"deployment": {}}
"""The state of a stack that does not exist."""


def forget(
    context: typer.Context,
    host: Annotated[str, typer.Argument(metavar="HOST", help="The host, as the stack file calls it, or called it.")],
    keep_config: Annotated[
        bool, typer.Option("--keep-config", help="Only the state: the next `up` creates all of the host again.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Forget without a question.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Take a host that never comes back out of the state and the stack file, without contact. Shows what stays on it, and asks."""
    stack = selected_stack(context)
    export = export_stack(stack.name, stack.folder) or _EMPTY
    files = None if keep_config else _files(stack)
    run = _Run(
        stack=stack,
        host=host,
        export=export,
        state=forget_host(export, host),
        files=files,
        edits=ConfigEdits(texts={}, by_hand=()) if files is None else forget_edits(files, host),
    )
    if not run.anything:
        known = sorted({*hosts_in_state(export), *(hosts_in_config(files) if files is not None else ())})
        raise typer.BadParameter(
            f"{shorten(host)}: neither the state nor the stack file has this host; they have {listed(known)}",
            param_hint="HOST",
        )
    done = run.as_document(yes=yes) if as_json else run.interactive(yes=yes)
    raise typer.Exit(0 if done else 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Run:
    """One run of `ipvlan forget`."""

    stack: SelectedStack
    host: str
    export: Mapping[str, Any]
    """The state before."""
    state: ForgottenState
    files: StackFiles | None
    """None with --keep-config."""
    edits: ConfigEdits

    @property
    def anything(self) -> bool:
        """Whether the state or the files have the host."""
        return bool(self.state.resources or self.edits.texts or self.edits.by_hand)

    @property
    def diffs(self) -> dict[str, str]:
        """File name -> the change of the file."""
        return {} if self.files is None else view.diffs(self.files.texts, self.edits.texts)

    def interactive(self, *, yes: bool) -> bool:
        """Show, ask, do, and return whether nothing is left to do."""
        out = result_console()
        view.print_intent(self.state, self.diffs, self.edits.by_hand, self.host, out)
        if not (self.state.resources or self.edits.texts):
            return False
        if not yes and not self._confirmed(out):
            return False
        backup = self._apply()
        view.print_done(self.state, self.edits.texts, backup, self.stack.name, out)
        if not self.edits.by_hand:
            view.print_next(self.stack.name, self.host, keep_config=self.files is None, out=out)
        return not self.edits.by_hand

    def as_document(self, *, yes: bool) -> bool:
        """Do the same for machines: one document on standard output."""
        backup = self._apply() if yes else None
        print_document(
            view.document(
                self.state,
                self.diffs,
                self.edits.by_hand,
                stack=self.stack.name,
                host=self.host,
                applied=yes,
                backup=backup,
            )
        )
        return yes and not self.edits.by_hand

    def _apply(self) -> Path | None:
        """Import the new state, then write the file; return the path of the state before, where it was changed.

        In this order: what can be refused comes first, and a run that was cut off in between leaves a host that is in the config
        alone, which the next run removes from there. In the other order `up` would try to delete what is on the host.
        """
        texts = {} if self.files is None else self.files.texts
        changed = {name: texts[name] for name in self.edits.texts}
        folder, backup = self.stack.folder, None
        # Not while the question is open: others could edit nothing until it is answered.
        with edit_lock(folder, changed) if changed else nullcontext():
            require_unchanged(folder, changed)
            if self.state.resources:
                backup = write_backup(self.stack.name, self.export)
                replace_state(self.stack.name, folder, self.export, self.state.export)
            write_texts(
                folder,
                texts,
                self.edits.texts,
                effect="the state does not have the host any more, and the file still has it",
            )
        return backup

    def _confirmed(self, out: Terminal) -> bool:
        if not sys.stdin.isatty():
            view.print_unchanged(out)
            return False
        return typer.confirm(plain(f"Forget {self.host}?"))


def _files(stack: SelectedStack) -> StackFiles:
    own = stack_file(stack.name)
    common = common_path(read_raw(stack.name, Checkout(stack.folder)).sections)
    names = [own] if common is None else [own, common]
    # Not `Folder.text`: it removes a byte order mark, which has to stay in the file.
    return StackFiles(stack=stack.name, own=own, common=common, texts=read_texts(stack.folder, names))
