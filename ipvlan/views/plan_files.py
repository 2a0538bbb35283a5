"""The files of a plan, for people and for machines: what is where in which containers, and what a change of it does.

Neither has contents, nor a value of a secret: the key of a secret at most.

Out of scope: what a change of the config does to them (`ipvlan.views.file_contents`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from rich.table import Table

from ipvlan.plan.files import FilePlan, FilesPlan
from ipvlan.plan.model import Plan
from ipvlan.problems import shorten
from ipvlan.views.json_document import TypedDict, document_part
from ipvlan.views.rollout import listed

MOST_ROWS: Final = 30
"""Rows of the table; of more files, those of one folder are one row."""


@document_part
class PlannedFile(TypedDict):
    """One file of a service, on all hosts where it is the same; without its contents."""

    service: str
    hosts: list[str]
    file: str
    """Its path in the container."""
    folder: str | None
    """The path in the container of the folder of files that it is in; null for a file that is mounted alone."""
    source: str | None
    """The path below the project's folder; null where a secret's value is the whole file."""
    secrets: list[str]
    """Config keys of the secrets that it has in it; never their values."""
    owner: str
    """UID:GID."""
    mode: str
    """Four octal digits."""
    change: str
    """What another content does: `reload`, `restart` or `replace`."""
    reload_signal: str | None
    """With `reload`: what the container's first process gets."""
    reload_command: list[str] | None
    """With `reload`: what is run in the container."""


@dataclass(frozen=True, slots=True)
class _Placed:
    """A file of a service, and what a change of it does; the same on several hosts."""

    service: str
    target: str
    folder: str | None
    source: str | None
    secrets: tuple[str, ...]
    owner: str
    mode: str
    change: str
    reload_signal: str | None
    reload_command: tuple[str, ...] | None


def planned_files(plan: Plan) -> list[PlannedFile]:
    """Return the files of all services, sorted by service and path, ready for `json.dumps`."""
    return [
        {
            "service": file.service,
            "hosts": hosts,
            "file": file.target,
            "folder": file.folder,
            "source": file.source,
            "secrets": list(file.secrets),
            "owner": file.owner,
            "mode": file.mode,
            "change": file.change,
            "reload_signal": file.reload_signal,
            "reload_command": None if file.reload_command is None else list(file.reload_command),
        }
        for file, hosts in _placed(plan).items()
    ]


def files_table(plan: Plan) -> Table | None:
    """Return the table of all services' files; None where no service has any."""
    placed = _placed(plan)
    if not placed:
        return None
    table = Table(
        "service",
        "hosts",
        "in the container",
        "source",
        "owner",
        "mode",
        "a change of it",
        title="Files",
        title_justify="left",
    )
    rows = list(_rows(placed))
    previous = None
    for file, hosts, target, source in rows[:MOST_ROWS]:
        table.add_row(
            "" if file.service == previous else file.service,
            listed(hosts, "hosts"),
            target,
            source,
            file.owner,
            file.mode,
            _change(file),
        )
        previous = file.service
    if len(rows) > MOST_ROWS:
        table.caption = f"... and {len(rows) - MOST_ROWS} more: `ipvlan plan --json` lists them all"
        table.caption_justify = "left"
    return table


def _placed(plan: Plan) -> dict[_Placed, list[str]]:
    """Return each file of each service -> its hosts, sorted."""
    found: dict[_Placed, list[str]] = {}
    for container in plan.containers():
        if container.files is not None:
            for file in container.files.files:
                found.setdefault(_of(container.service, container.files, file), []).append(container.host)
    return {
        file: sorted(found[file]) for file in sorted(found, key=lambda file: (file.service, file.target, found[file]))
    }


def _of(service: str, files: FilesPlan, file: FilePlan) -> _Placed:
    return _Placed(
        service=service,
        target=file.target,
        folder=file.folder,
        source=file.source,
        secrets=tuple(sorted(file.secret_keys)),
        owner=file.owner,
        mode=file.mode,
        change=files.change,
        reload_signal=files.reload_signal,
        reload_command=files.reload_command,
    )


def _rows(placed: Mapping[_Placed, Sequence[str]]) -> Iterator[tuple[_Placed, Sequence[str], str, str]]:
    """Yield a file, its hosts, and the cells of its path and its source; of many files, one for all of a folder."""
    if len(placed) <= MOST_ROWS:
        for file, hosts in placed.items():
            yield file, hosts, shorten(file.target), _source(file)
        return
    folders: dict[tuple[str, str, tuple[str, ...]], list[_Placed]] = {}
    for file, hosts in placed.items():
        folders.setdefault((file.service, file.folder or file.target, tuple(hosts)), []).append(file)
    for (_, path, of_all), files in folders.items():
        first = files[0]
        if first.folder is None:
            yield first, of_all, shorten(path), _source(first)
        else:
            folder = (first.source or "").removesuffix(first.target.removeprefix(first.folder).removeprefix("/"))
            keys = sorted({key for file in files for key in file.secrets})
            count = f"{len(files)} file{'s' if len(files) > 1 else ''}"
            yield first, of_all, f"{shorten(path)}/", ", ".join([f"{shorten(folder)} ({count})", *_keys(keys)])


def _source(file: _Placed) -> str:
    return ", ".join([*([] if file.source is None else [shorten(file.source)]), *_keys(file.secrets)])


def _keys(keys: Sequence[str]) -> list[str]:
    return [f"secret{'s' if len(keys) > 1 else ''} {', '.join(keys)}"] if keys else []


def _change(file: _Placed) -> str:
    if file.change == "restart":
        return "stops the container and starts it again"
    if file.change == "replace":
        return "replaces the container"
    if file.reload_signal is not None:
        return f"sends it {file.reload_signal}"
    return f"runs in it: {shorten(' '.join(file.reload_command or ()))}"
