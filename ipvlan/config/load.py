"""Reads the stack config and refuses what is wrong with it, everything at once.

Owns the way from the stack file (or from what Pulumi read of it) to a validated, frozen `StackConfig`: the shared file
that a stack may name, secrets by reference, and the wording of what pydantic finds. It decides no address; `ipvlan.plan.model`
does. It needs no passphrase: secrets stand in the config by reference only.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from difflib import get_close_matches
from pathlib import Path
from typing import Any, TypeVar, cast

from netaddr import IPNetwork
from pydantic import ValidationError

from ipvlan import PROJECT
from ipvlan.config.messages import problem_of
from ipvlan.config.models import (
    ContainerSettings,
    FabricConfig,
    HostConfig,
    Model,
    ServiceConfig,
    SshConfig,
    StackConfig,
)
from ipvlan.config.values import HOST_NAME, SERVICE_NAME
from ipvlan.config.yaml_file import Checkout, Folder, StackFileError, read
from ipvlan.plan.rules import check
from ipvlan.problems import ConfigError, Problem, shorten

__all__ = [
    "COMMON",
    "PROJECT",
    "SECTIONS",
    "ConfigError",
    "FabricConfig",
    "HostConfig",
    "Problem",
    "ServiceConfig",
    "SshConfig",
    "StackConfig",
    "load",
    "load_stack",
    "parse",
    "read_raw",
    "stack_file",
    "with_common",
]

SECTIONS = ("fabric", "hosts", "services", "ssh")
"""The config keys that hold the stack, without the namespace."""
COMMON = "common"
"""The config key that names a file with what several stacks share."""

M = TypeVar("M", bound=Model)


def stack_file(stack: str) -> str:
    """The name of the stack's file; raises `ConfigError` for a name that would lead to another folder."""
    # The organisation and project of a full stack name (ORG/PROJECT/STACK) are not part of the file's name.
    *parents, name = stack.split("/")
    if len(parents) > 2 or not all(HOST_NAME.fullmatch(part) for part in (*parents, name)):
        raise ConfigError(
            [
                Problem(
                    key="--stack",
                    value=shorten(stack),
                    problem="this is not the name of a stack",
                    effect="no file belongs to it",
                    fix="use the STACK of a file Pulumi.STACK.yaml",
                )
            ]
        )
    return f"Pulumi.{name}.yaml"


def load_stack(stack: str, root: Path) -> StackConfig:
    """The config of `Pulumi.<stack>.yaml` in `root`; raises `ConfigError` with all problems of the file."""
    return load(stack, Checkout(root))


def load(stack: str, folder: Folder) -> StackConfig:
    """The config of a stack in a folder, which may be a commit; raises `ConfigError`."""
    raw, secrets, problems = read_raw(stack, folder)
    try:
        result = parse(raw, folder=folder, known_config_keys=frozenset(secrets))
    except ConfigError as error:
        told = {problem.key for problem in problems}
        raise ConfigError([*problems, *(one for one in error.problems if one.key not in told)]) from None
    problems.extend(_secrets_in_clear(result.services, secrets))
    if problems:
        raise ConfigError(problems)
    return result


def read_raw(stack: str, folder: Folder) -> tuple[dict[str, object], dict[str, object], list[Problem]]:
    """The sections of the stack's file (with `common`) as plain maps, and what else is in our namespace: secrets.

    The problems are of keys that nothing reads. Raises `ConfigError` when the file is no stack file.
    """
    name = stack_file(stack)
    content = read(folder, name)
    config = content.get("config")
    if not isinstance(config, Mapping):
        raise ConfigError(
            [
                Problem(
                    key=f"{name}: config",
                    value="" if config is None else shorten(config),
                    problem="it is missing" if config is None else "this is not a map",
                    effect="the stack has no fabric, no hosts and no services",
                    fix=f"write `config:` with {', '.join(f'{PROJECT}:{key}' for key in SECTIONS[:3])} below it",
                )
            ]
        )
    own = {key.partition(":")[2]: value for key, value in config.items() if key.startswith(f"{PROJECT}:")}
    problems = list(_stray_keys(own))
    raw: dict[str, object] = {}
    for key in (*SECTIONS, COMMON):
        try:
            raw[key] = _unpack(own.get(key))
        except json.JSONDecodeError as error:
            problems.append(
                Problem(
                    key=key,
                    value=shorten(own[key]),
                    problem=f"the text is not JSON: {error.msg} at character {error.pos}",
                    effect="Pulumi could not read the map either",
                    fix="write the map as YAML below the key",
                )
            )
    return raw, {key: value for key, value in own.items() if key not in raw}, problems


def parse(
    raw: Mapping[str, object],
    *,
    known_config_keys: Collection[str] | None = None,
    root: Path | None = None,
    folder: Folder | None = None,
) -> StackConfig:
    """The validated config out of plain maps and lists.

    `raw` has the keys `fabric`, `hosts`, `services`, and may have `ssh` and `common`, the path of the shared file in
    `folder` (or below `root`, or below the working folder). `known_config_keys` are the names that `secret_environment`
    may refer to; None leaves that unchecked. Raises `ConfigError` with all problems at once: also the contradictions among those
    parts that are well formed.
    """
    problems: list[Problem] = list(_unknown(raw, (*SECTIONS, COMMON), "", "config keys"))
    sections, more = with_common(raw, folder or Checkout(root or Path()))
    problems.extend(more)
    problems.extend(_secure(sections))
    fabric = _model(FabricConfig, sections["fabric"], "fabric", problems)
    hosts, broken_hosts = _models(HostConfig, sections["hosts"], "hosts", problems)
    services, _ = _models(ServiceConfig, sections["services"], "services", problems)
    ssh = _model(SshConfig, {} if sections["ssh"] is None else sections["ssh"], "ssh", problems)
    problems.extend(_unknown_secrets(services, known_config_keys))
    # Not validated again: every part was.
    config = StackConfig.model_construct(
        fabric=fabric or UNREAD_FABRIC, hosts=hosts, services=services, ssh=ssh or SshConfig()
    )
    if not problems:
        return config
    if hosts or sections["hosts"] == {}:
        told = {problem.key for problem in problems}
        problems.extend(
            problem
            for problem in check(config, broken=broken_hosts, with_fabric=fabric is not None)
            if problem.severity == "error" and problem.key not in told
        )
    raise ConfigError(dict.fromkeys(problems))


UNREAD_FABRIC = FabricConfig.model_construct(
    name="unread", mode="l2", subnet=IPNetwork("255.255.255.255/32"), gateway=None, reserved=(), slice_prefix=24
)
"""Stands for a fabric that could not be read while what does not depend on it is checked; nothing lies in it."""


def _unpack(value: object) -> object:
    # `pulumi config set --json` and a bare `pulumi config set` of a map both store it as JSON text.
    if isinstance(value, str) and value.lstrip()[:1] in ("{", "["):
        return json.loads(value)
    return value


def _stray_keys(own: Mapping[str, object]) -> Iterator[Problem]:
    """Keys of our namespace that nothing reads; a secret is read when a service refers to it, so it is let be."""
    plain = {key: value for key, value in own.items() if not _is_secret(value)}
    referred = {
        key
        for service in _maps(_quiet_unpack(own.get("services")))
        for key in _values(service.get("secret_environment"))
    }
    yield from _unknown(
        {key: value for key, value in plain.items() if key not in referred}, (*SECTIONS, COMMON), "", "config keys"
    )


def _quiet_unpack(value: object) -> object:
    try:
        return _unpack(value)
    except json.JSONDecodeError:  # told where the section itself is read
        return None


def _maps(value: object) -> Iterator[Mapping[str, Any]]:
    if isinstance(value, Mapping):
        yield from (entry for entry in value.values() if isinstance(entry, Mapping))


def _values(value: object) -> Iterator[str]:
    if isinstance(value, Mapping):
        yield from (entry for entry in value.values() if isinstance(entry, str))


def _is_secret(value: object) -> bool:
    return isinstance(value, Mapping) and set(value) == {"secure"}


def _unknown(raw: Mapping[str, object], known: Collection[str], prefix: str, what: str) -> Iterator[Problem]:
    for key in raw:
        if key not in known:
            near = get_close_matches(str(key)[:100], list(known), n=1)
            yield Problem(
                key=f"{prefix}{shorten(key)}",
                value="",
                problem="there is no such key",
                effect="it would be ignored, and what you meant by it would not happen",
                fix=f"did you mean {near[0]}?" if near else f"remove it; the {what} are {', '.join(known)}",
            )


def with_common(raw: Mapping[str, object], folder: Folder) -> tuple[dict[str, object], list[Problem]]:
    """The sections with what the shared file adds; the stack's own keys win, and its `null` removes an entry."""
    sections = {key: raw.get(key) for key in SECTIONS}
    common = raw.get(COMMON)
    # Pulumi.yaml declares the empty text as the key's default.
    if common in (None, ""):
        return sections, []
    if not isinstance(common, str) or Path(common).is_absolute() or ".." in Path(common).parts:
        return sections, [
            Problem(
                key=COMMON,
                value=shorten(common),
                problem="this is not the path of a file in the project",
                effect="what the stacks share would be missing, or differ from checkout to checkout",
                fix="write a path below the project's folder, such as stacks/common.yaml",
            )
        ]
    try:
        shared = read(folder, common)
    except StackFileError as error:
        return sections, [
            replace(problem, key=f"{COMMON}: {problem.key}", fix=f"correct {common}, or the path in the stack file")
            if "--stack" in problem.fix
            else problem
            for problem in error.problems
        ]
    problems = list(_unknown(shared, SECTIONS, f"{common}: ", "keys of a shared file"))
    # fabric and ssh are maps of values; hosts and services are maps of such maps.
    return {
        key: _merge(shared.get(key), sections[key], 1 if key in ("fabric", "ssh") else 2) for key in SECTIONS
    }, problems


def _merge(shared: object, own: object, depth: int) -> object:
    if own is None:
        return shared
    if depth == 0 or not isinstance(shared, Mapping) or not isinstance(own, Mapping):
        return own
    merged = dict(shared)
    for key, value in own.items():
        if value is None and key in merged:
            del merged[key]
        else:
            merged[key] = _merge(merged.get(key), value, depth - 1)
    return merged


def _secure(sections: Mapping[str, object]) -> Iterator[Problem]:
    """Encrypted values inside the maps; each would make its whole map secret to Pulumi."""
    waiting: list[tuple[str, object]] = [(key, value) for key, value in sections.items() if value is not None]
    seen: set[int] = set()
    while waiting:
        path, value = waiting.pop()
        if not isinstance(value, Mapping | list) or id(value) in seen:
            continue
        seen.add(id(value))
        if _is_secret(value):
            yield Problem(
                key=path,
                value="(encrypted)",
                problem="an encrypted value stands inside the map",
                effect="Pulumi would treat the whole map as secret, and no plan or preview could be read",
                fix="`pulumi config set --secret NAME`, then refer to it: secret_environment: {VARIABLE: NAME}",
            )
            continue
        items = value.items() if isinstance(value, Mapping) else ((f"[{n}]", item) for n, item in enumerate(value))
        waiting.extend((f"{path}.{shorten(key)}".replace(".[", "["), item) for key, item in items)


SPARE: Mapping[type[Model], Mapping[str, Mapping[str, object]]] = {
    FabricConfig: {
        "name": {"name": "unread"},
        "reserved": {},
        "slice_prefix": {},
    },
    HostConfig: {"parent": {"parent": "unread"}, "ssh": {}, "host_key": {}, "dynamic": {}},
    ServiceConfig: {
        **{field: {} for field in ContainerSettings.model_fields},
        "image": {"image": "unread@sha256:" + "0" * 64},
        "command": {},
        "environment": {},
        "secret_environment": {},
        "ports": {"published": False},
        "published": {"published": False},
    },
}
"""Fields without which the rest of an entry can still be compared with other entries, and what stands in for them.

Only fields whose absence makes up no contradiction: a service without its `hosts` would seem to run everywhere.
"""


def _salvage(kind: type[M], raw: object, bad: Collection[object]) -> M | None:
    """The entry without its bad fields, for finding what else is wrong; None where too little would be left."""
    spare = SPARE.get(kind, {})
    if not isinstance(raw, Mapping):
        return None
    rest = {key: value for key, value in raw.items() if key in kind.model_fields and key not in bad}
    for field in bad:
        if field in spare:
            rest.update(spare[str(field)])
        elif field in kind.model_fields:
            return None
    try:
        return kind.model_validate(rest)
    except ValidationError:
        return None


def _model(kind: type[M], raw: object, path: str, problems: list[Problem]) -> M | None:
    if raw is None:
        problems.append(
            Problem(
                key=path,
                value="",
                problem="it is missing",
                effect="nothing can be planned without it",
                fix=f"write {PROJECT}:{path} as docs/config.md shows it",
            )
        )
        return None
    try:
        return kind.model_validate(raw)
    except ValidationError as error:
        entries = error.errors(include_url=False)
        problems.extend(
            problem_of(kind, cast(Mapping[str, Any], entry), path)
            for entry in entries
            if not _is_secret(entry["input"])
        )
        return _salvage(kind, raw, {entry["loc"][0] for entry in entries if entry["loc"]})


def _models(kind: type[M], raw: object, section: str, problems: list[Problem]) -> tuple[dict[str, M], frozenset[str]]:
    """The well-formed entries of a section, and the names of the others."""
    if not isinstance(raw, Mapping):
        problems.append(
            Problem(
                key=section,
                value="" if raw is None else shorten(raw),
                problem="it is missing" if raw is None else "this is not a map from names",
                effect=f"the stack would have no {section}",
                fix=f"write {PROJECT}:{section} with one name per line below it"
                + (", or {} for none" if section == "services" else ""),
            )
        )
        return {}, frozenset()
    pattern = HOST_NAME if section == "hosts" else SERVICE_NAME
    read: dict[str, M] = {}
    broken: set[str] = set()
    for name, entry in raw.items():
        path = f"{section}.{shorten(name)}"
        if not pattern.fullmatch(str(name)):
            problems.append(_bad_name(section, str(name)))
            broken.add(name)
        if entry is None:
            problems.append(
                Problem(
                    key=path,
                    value="",
                    problem="nothing stands below the name",
                    effect=f"nothing is known of this {section[:-1]}",
                    fix="write its keys below it, indented, or remove the name",
                )
            )
            broken.add(name)
            continue
        found = _model(kind, entry, path, problems)
        if found is None or name in broken:
            broken.add(name)
        else:
            read[str(name)] = found
    return read, frozenset(broken)


def _bad_name(section: str, name: str) -> Problem:
    least = "two or more" if section == "services" else "one or more"
    return Problem(
        key=f"{section}.{shorten(name)}",
        value="",
        problem=f"the name has {len(name)} characters, and 63 are allowed"
        if len(name) > 63
        else "Docker and Pulumi do not accept this name",
        effect="the daemon answers 'Invalid container name', after other containers were already changed"
        if section == "services"
        else "the host could not be told apart in names of resources and files",
        fix=f"use {least} of a-z, A-Z, 0-9, _ . -, beginning with a letter or digit, at most 63",
    )


def _unknown_secrets(services: Mapping[str, ServiceConfig], known: Collection[str] | None) -> Iterator[Problem]:
    if known is None:
        return
    for name, service in services.items():
        for variable, key in service.secret_environment.items():
            if key not in known:
                yield Problem(
                    key=f"services.{name}.secret_environment.{shorten(variable)}",
                    value=shorten(key),
                    problem="no config key of that name is set in the stack",
                    effect="the container would start without its secret",
                    fix=f"pulumi config set --secret {shorten(key)}",
                )


def _secrets_in_clear(services: Mapping[str, ServiceConfig], secrets: Mapping[str, object]) -> Iterator[Problem]:
    for name, service in services.items():
        for variable, key in service.secret_environment.items():
            if key in secrets and not _is_secret(secrets[key]):
                yield Problem(
                    key=f"{PROJECT}:{key}",
                    value="(not shown)",
                    problem=f"it is in plaintext in the stack file, and services.{name}.secret_environment."
                    f"{variable} calls it a secret",
                    effect="everybody who reads the repository knows it, also after it was removed",
                    fix=f"choose a new secret and run pulumi config set --secret {key}",
                )
