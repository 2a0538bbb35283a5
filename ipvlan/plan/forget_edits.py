"""What of a host leaves the stack file, and what of it only a person can edit. Reads and writes no file.

Out of scope: the state (`ipvlan.plan.forget`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from ipvlan import PROJECT
from ipvlan.config.yaml_edit import Removal, remove
from ipvlan.config.yaml_file import Folder, TextsAlone
from ipvlan.config.yaml_text import parse_text
from ipvlan.plan.make import make_plan
from ipvlan.plan.validate import load_without_files
from ipvlan.problems import ConfigError, Problem

_SERVICES: Final = "services"
_HOSTS: Final = "hosts"


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigEdits:
    """What is to be done to the files of a stack."""

    texts: Mapping[str, str]
    """File name -> its new text, for each file that changes. Empty where something is to be edited by hand: a file that is half
    edited would be refused by every command, for the other hosts too."""
    by_hand: tuple[Problem, ...]
    """What a person has to edit or decide."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StackFiles(TextsAlone):
    """The files of a stack, as texts."""

    stack: str
    own: str
    """Name of the stack's own file."""
    common: str | None
    """Name of the shared file, if the stack has one."""
    texts: Mapping[str, str]
    """File name -> its text."""

    def text(self, name: str) -> str:
        """Return the text of a file: it is a `Folder`."""
        return self.texts[name].removeprefix("\N{ZERO WIDTH NO-BREAK SPACE}")

    def has(self, name: str) -> bool:
        """Return whether the text of the file is here."""
        return name in self.texts


def forget_edits(files: StackFiles, host: str) -> ConfigEdits:
    """Return the edits after which the stack's config does not name the host any more."""
    own = _sections(parse_text(files.text(files.own), files.own).get("config"), f"{PROJECT}:")
    shared = {} if files.common is None else _sections(parse_text(files.text(files.common), files.common), "")
    removals: list[Removal] = []
    by_hand = list(_host_by_hand(files, own, shared, host))
    if host in _mapping(own, _HOSTS) and host not in _mapping(shared, _HOSTS):
        removals.append(Removal(("config", f"{PROJECT}:{_HOSTS}"), host))
    own_services, shared_services = _mapping(own, _SERVICES), _mapping(shared, _SERVICES)
    for service in {**shared_services, **own_services}:
        if own_services.get(service, {}) is None:
            # The stack does not have this service of the shared file.
            continue
        own_service, shared_service = _mapping(own_services, service), _mapping(shared_services, service)
        for key in (_HOSTS, "addresses"):
            value = own_service.get(key, shared_service.get(key))
            if not isinstance(value, list | dict) or host not in value:
                continue
            if key == _HOSTS and len(value) == 1:
                by_hand.append(_runs_nowhere(service, host))
            elif key not in own_service:
                by_hand.append(_in_shared_file(files, f"{_SERVICES}.{service}.{key}", host))
            else:
                path = ("config", f"{PROJECT}:{_SERVICES}", service)
                # A mapping that nothing is left of is removed itself.
                removals.append(Removal((*path, key), host) if len(value) > 1 else Removal(path, key))
    try:
        text = remove(files.texts[files.own], removals, files.own)
    except ConfigError as error:
        by_hand.extend(error.problems)
        text = files.texts[files.own]
    texts = {files.own: text} if text != files.texts[files.own] else {}
    if not by_hand:
        by_hand.extend(_new_problems(files, texts))
    return ConfigEdits(texts={} if by_hand else texts, by_hand=tuple(by_hand))


def hosts_in_config(files: StackFiles) -> tuple[str, ...]:
    """Return the names of the hosts in the stack's files, sorted."""
    own = _sections(parse_text(files.text(files.own), files.own).get("config"), f"{PROJECT}:")
    shared = {} if files.common is None else _sections(parse_text(files.text(files.common), files.common), "")
    return tuple(sorted({*_mapping(own, _HOSTS), *_mapping(shared, _HOSTS)}))


def _new_problems(files: StackFiles, texts: Mapping[str, str]) -> Iterator[Problem]:
    """Yield what would be wrong with the config after the edits and is not wrong before."""
    edited = StackFiles(stack=files.stack, own=files.own, common=files.common, texts={**files.texts, **texts})
    if texts:
        before = {(problem.code, problem.key) for problem in _problems(files)}
        yield from (problem for problem in _problems(edited) if (problem.code, problem.key) not in before)


def _problems(files: StackFiles) -> tuple[Problem, ...]:
    folder: Folder = files
    try:
        make_plan(load_without_files(files.stack, folder))
    except ConfigError as error:
        return error.problems
    return ()


def _host_by_hand(files: StackFiles, own: Mapping[str, Any], shared: Mapping[str, Any], host: str) -> Iterator[Problem]:
    in_own, in_shared = host in _mapping(own, _HOSTS), host in _mapping(shared, _HOSTS)
    if not in_shared or (in_own and _mapping(own, _HOSTS)[host] is None):
        # `null` in the stack's own file removes the host of the shared one (docs/decisions/0001-common-file.md).
        return
    yield _in_shared_file(files, _HOSTS, host)


def _in_shared_file(files: StackFiles, key: str, host: str) -> Problem:
    alone = (
        f"`{host}: null` below {PROJECT}:{_HOSTS} of {files.own}"
        if key == _HOSTS
        else f"{key} without {host} in {files.own}"
    )
    return Problem(
        code="IPF791",
        key=f"{key}.{host}",
        value="",
        problem=f"it is in {files.common}, which other stacks may share",
        effect=f"the config still has {host}, and no file is changed",
        fix=f"remove it from {files.common}, or, for this stack alone, write {alone}; then run the command again",
    )


def _runs_nowhere(service: str, host: str) -> Problem:
    return Problem(
        code="IPF792",
        key=f"{_SERVICES}.{service}.{_HOSTS}",
        value=host,
        problem=f"{service} runs on no other host",
        effect="it would run nowhere, and no file is changed",
        fix=f"name other hosts there, or remove {_SERVICES}.{service}; then run the command again",
    )


def _sections(content: object, prefix: str) -> dict[str, Any]:
    if not isinstance(content, Mapping):
        return {}
    return {str(key).removeprefix(prefix): value for key, value in content.items() if str(key).startswith(prefix)}


def _mapping(parent: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = parent.get(key)
    return value if isinstance(value, Mapping) else {}
