"""What `ipvlan forget` prints: what leaves the state and the file, what stays on the machine. Decides nothing."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path

from rich.table import Table
from rich.text import Text

from ipvlan.checks.forget import clean_up_lines, kept_lines
from ipvlan.hosts.files import folder_of
from ipvlan.plan.forget import ForgottenState, Remains
from ipvlan.problems import Problem, plain
from ipvlan.views.allocate import as_diff
from ipvlan.views.json_document import ProblemEntry, TypedDict, document_part, problem_entries
from ipvlan.views.terminal import Terminal


@document_part
class ForgottenResourceEntry(TypedDict):
    """A resource that leaves the state."""

    type: str
    name: str
    urn: str


@document_part
class RemainingContainerEntry(TypedDict):
    """A container that stays on the machine."""

    name: str
    id: str
    """Docker's id; empty where an interrupted `up` recorded none."""
    address: str
    """The address that it has when it runs."""
    ports: list[str]
    """The ports that it binds on the machine while it is published."""


@document_part
class RemainingNetworkEntry(TypedDict):
    """A Docker network that stays on the machine."""

    name: str
    id: str
    parent: str


@document_part
class RemainingBridgeEntry(TypedDict):
    """A bridge network of the section `bridges` that stays on the machine; none that somebody else made."""

    name: str
    id: str
    """Docker's id; empty where an interrupted `up` recorded none."""


@document_part
class RemainingNetworkingEntry(TypedDict):
    """Routes and a shim that stay on the machine."""

    unit: str
    """The systemd unit that sets them at every boot."""
    shim: str
    """The link; empty without one."""
    routes: list[str]


@document_part
class RemainsEntry(TypedDict):
    """What stays on the machine, as the state records it."""

    containers: list[RemainingContainerEntry]
    networks: list[RemainingNetworkEntry]
    bridges: list[RemainingBridgeEntry]
    networking: list[RemainingNetworkingEntry]
    volumes: list[str]
    files: list[str]
    """Folders with the files of its containers."""
    images: list[str]


@document_part
class ForgetDocument(TypedDict):
    """What `ipvlan forget --json` prints."""

    stack: str
    host: str
    ok: bool
    """Whether the host is forgotten: nothing is left to do, by the command or by hand."""
    applied: bool
    """False without --yes: nothing was changed."""
    resources: list[ForgottenResourceEntry]
    """What leaves the state."""
    remains: RemainsEntry
    clean_up: list[str]
    """Shell lines that remove from the machine, as root, what `pulumi destroy` would have removed."""
    clean_up_kept: list[str]
    """Shell lines that remove what `pulumi destroy` leaves: named volumes, with their data, and images."""
    files: dict[str, str]
    """File name -> the unified diff of its change."""
    by_hand: list[ProblemEntry]
    """What is to be edited or decided by hand; no file is changed then."""
    backup: str | None
    """Path of the state before; null where the state was not changed."""


def document(
    state: ForgottenState,
    files: Mapping[str, str],
    by_hand: Sequence[Problem],
    *,
    stack: str,
    host: str,
    applied: bool,
    backup: Path | None,
) -> ForgetDocument:
    """Return all of it, ready for `json.dumps`; `files` are diffs by file name."""
    remains = state.remains
    return {
        "stack": stack,
        "host": host,
        "ok": applied and not by_hand,
        "applied": applied,
        "resources": [{"type": one.type, "name": one.name, "urn": one.urn} for one in state.resources],
        "remains": {
            "containers": [
                {"name": one.name, "id": one.id, "address": one.address, "ports": list(one.ports)}
                for one in remains.containers
            ],
            "networks": [{"name": one.name, "id": one.id, "parent": one.parent} for one in remains.networks],
            "bridges": [{"name": one.name, "id": one.id} for one in remains.bridges],
            "networking": [
                {"unit": one.unit, "shim": one.shim, "routes": list(one.routes)} for one in remains.networking
            ],
            "volumes": list(remains.volumes),
            "files": [folder_of(label) for label in remains.files],
            "images": list(remains.images),
        },
        "clean_up": list(clean_up_lines(remains)),
        "clean_up_kept": list(kept_lines(remains)),
        "files": dict(files),
        "by_hand": problem_entries(by_hand),
        "backup": None if backup is None else str(backup),
    }


def diffs(before: Mapping[str, str], after: Mapping[str, str]) -> dict[str, str]:
    """Return file name -> unified diff, for the files in `after`."""
    return {name: as_diff(before, {name: text}) for name, text in after.items()}


def print_intent(
    state: ForgottenState, files: Mapping[str, str], by_hand: Sequence[Problem], host: str, out: Terminal
) -> None:
    """Print what will be done, and what stays."""
    if state.resources:
        table = Table("resource", "type", title=f"Leave the state ({len(state.resources)})", title_justify="left")
        for resource in state.resources:
            table.add_row(Text(resource.name), Text(resource.type.rpartition(":")[2]))
        out.print(table)
        _print_remains(state.remains, host, out)
    else:
        _line(f"the state has nothing of {host}", out)
    if state.pending:
        _line(
            "an interrupted `up` left notes of operations that it did not finish. Pulumi drops them with this change: "
            + ", ".join(state.pending),
            out,
        )
    for diff in files.values():
        _line(diff.rstrip("\n"), out)
    for problem in by_hand:
        out.print(Text.assemble(("by hand: ", "bold yellow"), str(problem)), soft_wrap=True)


def print_unchanged(out: Terminal) -> None:
    """Print that nothing was done, for want of a terminal."""
    _line("nothing was changed: there is no terminal to ask at. --yes forgets without a question", out)


def print_done(state: ForgottenState, files: Mapping[str, str], backup: Path | None, stack: str, out: Terminal) -> None:
    """Print what was done."""
    if backup is not None:
        _line(f"the state has {len(state.resources)} resources less. The state before: {backup}", out)
        _line(
            f"    to go back: {shlex.join(['pulumi', 'stack', 'import', '--stack', stack, '--file', str(backup)])}", out
        )
    for name in files:
        _line(f"{name} is edited", out)


def print_next(stack: str, host: str, *, keep_config: bool, out: Terminal) -> None:
    """Print what to do next."""
    what = f"creates all of {host} again" if keep_config else "does what the change means for the other hosts"
    _line(f"next: pulumi preview --stack {stack}, then pulumi up --stack {stack}: it {what}", out)


def _print_remains(remains: Remains, host: str, out: Terminal) -> None:
    table = Table(
        "kind", "name", "id", "detail", title=f"Stay on {host}, as the state records them", title_justify="left"
    )
    for container in remains.containers:
        detail = " ".join(part for part in (container.address, *container.ports) if part)
        table.add_row("container", Text(container.name), container.id[:12], detail)
    for network in remains.networks:
        table.add_row("network", Text(network.name), network.id[:12], Text(f"parent {network.parent}"))
    for bridge in remains.bridges:
        table.add_row("bridge network", Text(bridge.name), bridge.id[:12], "")
    for networking in remains.networking:
        shim = [f"shim {networking.shim}"] if networking.shim else []
        table.add_row("unit", Text(networking.unit), "", Text("\n".join([*shim, *networking.routes])))
    for kind, names, detail in (
        ("volume", remains.volumes, "its data"),
        ("files", map(folder_of, remains.files), "of a service"),
        ("image", remains.images, ""),
    ):
        for name in names:
            table.add_row(kind, Text(name, overflow="fold"), "", detail)
    if not table.row_count:
        return
    out.print(table)
    if remains.addresses:
        _line(
            f"When the machine runs again, its containers have {', '.join(remains.addresses)} again. "
            "Before it is on the network again, or something else gets these addresses, run on it as root:",
            out,
        )
    else:
        _line("To remove it there, as root:", out)
    for line in clean_up_lines(remains):
        _line(f"    {plain(line)}", out)
    if kept_lines(remains):
        _line("`pulumi destroy` leaves these on a host. Where nothing else uses them:", out)
        for line in kept_lines(remains):
            _line(f"    {plain(line)}", out)


def _line(text: str, out: Terminal) -> None:
    out.print(text, soft_wrap=True)
