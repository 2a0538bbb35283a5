"""What a change of the plan does to the files of containers, and what their containers do with it. It predicts `pulumi up`.

The plugin raises the generation of a container's files where a path, the bytes, an owner, a mode or a secret differs
(`provider.files`); the container then takes them as its service says (`ipvlan.hosts.files_in_use`). Another set of mounts replaces
the container, and so do other files where both plans have `files_change: replace` (`provider.handover`).

Out of scope: the hosts, and how much of a difference is shown (`ipvlan.views.file_contents`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, Literal

from ipvlan.plan.file_diff import unified_diff

if TYPE_CHECKING:
    from ipvlan.plan.files import FilePlan, FilesPlan
    from ipvlan.plan.model import ContainerPlan, HostPlan

FileAction = Literal["add", "change", "remove"]
FileEffect = Literal["create", "replace", "restart", "reload"]
"""What happens to the container: it is created or replaced, and starts with the file; it is stopped and started again, and keeps
its id; or it takes the file while it runs."""

_LONGEST_LIST: Final = 5
"""Files that a reason names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FileChange:
    """What happens to one file of a service, on all hosts where it is the same."""

    service: str
    hosts: tuple[str, ...]
    """Sorted."""
    target: str
    """Its path in the container."""
    action: FileAction
    effect: FileEffect
    details: tuple[str, ...]
    """What differs besides the lines; never the value of a secret."""
    diff: tuple[str, ...]
    """The lines of the difference (`ipvlan.plan.file_diff`), with what is not visible as it is; none where it is no text."""
    sources: tuple[str, ...]
    """The paths below the project's folder that its bytes come from, before and after the change."""


@dataclass(frozen=True, slots=True)
class _Pair:
    """A file before and after a change; one of them may be missing."""

    before: FilePlan | None
    after: FilePlan | None
    new_secrets: tuple[str, ...]
    """Config keys of secrets in it that have another value."""


def changed_mounts(before: FilesPlan | None, after: FilesPlan | None) -> str:
    """Return which files and folders the container has a mount for from now on, or no more; empty where none differs."""
    old, new = (set(files.mounts) if files else set() for files in (before, after))
    named = [*(f"+{target}" for target in sorted(new - old)), *(f"-{target}" for target in sorted(old - new))]
    return f"files: {_first(named)}" if named else ""


def changed_files(before: FilesPlan | None, after: FilesPlan | None, new_secrets: Collection[str]) -> str:
    """Return which files differ on the host, in a container whose mounts stay the same; empty where none does."""
    targets = [file.target for pair in _pairs(before, after, new_secrets) if (file := pair.after or pair.before)]
    return f"files: {_first(targets)}" if targets else ""


def replaced_by_files(before: FilesPlan | None, after: FilesPlan | None) -> bool:
    """Return whether other files replace the container; that they do so from now on, or no more, replaces nothing."""
    return before is not None and after is not None and before.change == after.change == "replace"


def effect_in_place(after: FilesPlan) -> Literal["reload", "restart"]:
    """Return how a container takes other files that is not replaced for them."""
    return "reload" if after.change == "reload" else "restart"


def file_changes(
    old: HostPlan | None,
    new: HostPlan | None,
    effects: Mapping[str, FileEffect],
    new_secrets: Collection[str] = (),
) -> Iterator[FileChange]:
    """Yield what happens to the files on one host, by service and target.

    Args:
        old: The host before the change; None where it is new.
        new: The host after it; None where it is removed, and its files with it.
        effects: Service -> what happens to its container. One that is deleted is in none of it, and its files are not listed.
        new_secrets: The config keys whose secret was set to another value.
    """
    olds: Mapping[str, ContainerPlan] = {container.service: container for container in old.containers} if old else {}
    for after in new.containers if new else ():
        before = olds.get(after.service)
        for pair in _pairs(before.files if before else None, after.files, new_secrets):
            yield FileChange(
                service=after.service,
                hosts=(after.host,),
                target=_target(pair),
                action="add" if pair.before is None else "remove" if pair.after is None else "change",
                effect=effects[after.service],
                details=tuple(_details(pair)),
                diff=tuple(_diff(pair)),
                sources=_sources(pair),
            )


def on_all_hosts(changes: Iterable[FileChange]) -> tuple[FileChange, ...]:
    """Return changes of single hosts, as one where everything but the host is the same; sorted by service and target."""
    hosts: dict[FileChange, list[str]] = {}
    for change in changes:
        hosts.setdefault(replace(change, hosts=()), []).extend(change.hosts)
    joined = [replace(change, hosts=tuple(sorted(names))) for change, names in hosts.items()]
    return tuple(sorted(joined, key=lambda change: (change.service, change.target, change.hosts)))


def other_sources(before: FilesPlan | None, after: FilesPlan | None) -> Iterator[tuple[str, str, str]]:
    """Yield target, old and new source of each file that is the same on the host, and comes from another path."""
    olds = {file.target: file for file in before.files} if before else {}
    for file in after.files if after else ():
        old = olds.get(file.target)
        if old is not None and old.source != file.source and _on_host(old) == _on_host(file):
            yield file.target, old.source or "none", file.source or "none"


def _pairs(before: FilesPlan | None, after: FilesPlan | None, new_secrets: Collection[str]) -> Iterator[_Pair]:
    """Yield the files that differ on the host, by target."""
    olds, news = ({file.target: file for file in files.files} if files else {} for files in (before, after))
    for target in sorted(olds.keys() | news.keys()):
        old, new = olds.get(target), news.get(target)
        both = frozenset[str]() if old is None or new is None else old.secret_keys & new.secret_keys
        renewed = tuple(sorted(both & set(new_secrets)))
        if old is None or new is None or renewed or _on_host(old) != _on_host(new):
            yield _Pair(old, new, renewed)


def _on_host(file: FilePlan) -> tuple[object, ...]:
    """Return what the plugin compares of a file (`ipvlan.hosts.files.file_properties`)."""
    return file.folder, file.content, file.owner, file.mode, dict(file.secrets), file.whole_secret


def _target(pair: _Pair) -> str:
    file = pair.after or pair.before
    return file.target if file else ""


def _sources(pair: _Pair) -> tuple[str, ...]:
    return tuple(sorted({file.source for file in (pair.before, pair.after) if file and file.source is not None}))


def _details(pair: _Pair) -> Iterator[str]:
    """Yield what differs besides the lines of a text."""
    old, new = pair.before, pair.after
    for name in ("owner", "mode", "folder", "source"):
        before, after = (getattr(file, name) if file else None for file in (old, new))
        if old is None and new is not None and name in ("owner", "mode"):
            yield f"{name}: {after}"
        elif old is not None and new is not None and before != after:
            yield f"{name}: {before or 'none'} -> {after or 'none'}"
    kinds = [_kind(file) for file in (old, new) if file]
    if kinds != ["text"] * len(kinds) and (len(kinds) == 1 or _differ_in_bytes(pair)):
        yield " -> ".join(kinds)
    before_names, after_names = (dict(file.secrets) if file else {} for file in (old, new))
    for name in sorted(before_names.keys() | after_names.keys()):
        before_key, after_key = before_names.get(name), after_names.get(name)
        if before_key != after_key:
            keys = (after_key,) if old is None else (before_key,) if new is None else (before_key, after_key)
            yield f"secret {name}: {' -> '.join(key or 'none' for key in keys)}"
    yield from (f"secret {key} has a new value" for key in pair.new_secrets)


def _kind(file: FilePlan) -> str:
    if file.whole_secret is not None:
        return f"secret {file.whole_secret}"
    return f"binary, {len(file.content)} bytes" if file.text is None else "text"


def _differ_in_bytes(pair: _Pair) -> bool:
    old, new = pair.before, pair.after
    return old is None or new is None or (old.content, old.whole_secret) != (new.content, new.whole_secret)


def _diff(pair: _Pair) -> Iterator[str]:
    texts = [_shown(file) for file in (pair.before, pair.after)]
    if any(texts):
        yield from unified_diff(*texts)


def _shown(file: FilePlan | None) -> str:
    """Return the text of a file; none of what is no text, or is a secret's value."""
    return "" if file is None or file.whole_secret is not None else file.text or ""


def _first(names: list[str]) -> str:
    more = len(names) - _LONGEST_LIST
    return ", ".join(names if more < 2 else [*names[:_LONGEST_LIST], f"{more} more"])
