"""Secrets of the config: they are referred to by name, and their values are in no map.

Out of scope: the values, which Pulumi decrypts.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Collection, Iterator, Mapping
from difflib import get_close_matches
from typing import Final

from ipvlan import PROJECT
from ipvlan.config.models import ServiceConfig
from ipvlan.config.shown_values import NOT_SHOWN
from ipvlan.config.volume_model import VolumeConfig
from ipvlan.problems import Problem, shorten

_NAME: Final = re.compile(r"[a-z]+[0-9]{0,2}([-_.][a-z]+[0-9]{0,2})*|[a-z]+([A-Z][a-z]+)+")
"""What looks like the name of a config key. Anything else may be the secret itself, and is not shown."""


_IN_A_FILE: Final = re.compile(r"services\..+\.files\./")
"""The path of a value of a service's files; the path in the container begins with a slash."""


def is_secret(value: object) -> bool:
    """Return whether a value of the stack file is encrypted: `{secure: TEXT}` (isSecureValue of Pulumi's Go SDK, 3.259.0)."""
    return isinstance(value, Mapping) and set(value) == {"secure"} and isinstance(value["secure"], str)


def encrypted_values(sections: Mapping[str, object]) -> Iterator[Problem]:
    """Yield a problem for each encrypted value inside a section; each would make its whole section secret to Pulumi."""
    seen: set[int] = set()
    for key, value in sections.items():
        yield from _encrypted(key, value, seen)


def _encrypted(path: str, value: object, seen: set[int]) -> Iterator[Problem]:
    # A value that aliases repeat is looked at once: nested aliases would take for ever.
    if not isinstance(value, Mapping | list) or id(value) in seen:
        return
    seen.add(id(value))
    if is_secret(value):
        yield Problem(
            code="IPF022",
            key=path,
            value="(encrypted)",
            problem="an encrypted value is inside the mapping",
            effect="Pulumi would treat the whole mapping as secret, and no plan or preview could be read",
            fix="`pulumi config set --secret NAME`, then "
            + (
                f"write its name in the place of the value: {_of_file(path)}"
                if _IN_A_FILE.match(path)
                else "refer to it: secret_environment: {VARIABLE: NAME}"
            ),
        )
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _encrypted(f"{path}.{shorten(key)}", inner, seen)
    else:
        for number, inner in enumerate(value):
            yield from _encrypted(f"{path}[{number}]", inner, seen)


def _of_file(path: str) -> str:
    """Return how a file refers to a secret, at the path of an encrypted value in it."""
    key = path.rpartition(".")[2]
    if re.search(r"\.secrets\.[A-Za-z_][A-Za-z0-9_-]*$", path):
        return f"{key}: NAME"
    return "secret: NAME" if key == "secret" else "{secret: NAME}"


_REFERRING: Final = {"services": "secret_environment", "volumes": "secret_driver_opts"}
"""Section -> the key of its entries whose values are names of config keys."""

NO_VOLUMES: Final[Mapping[str, VolumeConfig]] = {}


def referred_keys(sections: Mapping[str, object]) -> Iterator[str]:
    """Yield the config keys that services and volumes refer to as secrets, whatever else is wrong with them."""
    for section, field in _REFERRING.items():
        entries = sections.get(section)
        for entry in entries.values() if isinstance(entries, Mapping) else ():
            references = entry.get(field) if isinstance(entry, Mapping) else None
            if isinstance(references, Mapping):
                yield from (key for key in references.values() if isinstance(key, str))
            if section == "services" and isinstance(entry, Mapping):
                yield from _referred_by_files(entry.get("files"))


def _referred_by_files(files: object) -> Iterator[str]:
    for file in files.values() if isinstance(files, Mapping) else ():
        if isinstance(file, Mapping):
            references = file.get("secrets")
            keys = [file.get("secret"), *(references.values() if isinstance(references, Mapping) else ())]
            yield from (key for key in keys if isinstance(key, str))


def secret_keys(services: Mapping[str, ServiceConfig], volumes: Mapping[str, VolumeConfig]) -> list[str]:
    """Return the config keys that services and volumes refer to as secrets, sorted."""
    return sorted({key for _, key in _references(services, volumes)})


def unknown_secrets(
    services: Mapping[str, ServiceConfig], known: Collection[str], volumes: Mapping[str, VolumeConfig] = NO_VOLUMES
) -> Iterator[Problem]:
    """Yield a problem for each reference to a config key that the stack does not set."""
    for path, key in _references(services, volumes):
        if key not in known:
            near = get_close_matches(key[:100], [*known], n=1)
            name = key if near or _NAME.fullmatch(key) else "NAME"
            yield Problem(
                code="IPF023",
                key=path,
                value=NOT_SHOWN if name == "NAME" else shorten(key),
                problem="no config key of that name is set in the stack",
                effect="the volume would be created without it"
                if path.startswith("volumes.")
                else "the container would start without its secret",
                fix=f"did you mean {near[0]}?" if near else f"pulumi config set --secret {shlex.quote(name)}",
            )


def secrets_in_plaintext(
    services: Mapping[str, ServiceConfig],
    values: Mapping[str, object],
    volumes: Mapping[str, VolumeConfig] = NO_VOLUMES,
) -> Iterator[Problem]:
    """Yield a problem for each reference to a config key whose value is not encrypted."""
    for path, key in _references(services, volumes):
        if key in values and not is_secret(values[key]):
            yield Problem(
                code="IPF024",
                key=f"{PROJECT}:{key}",
                value=NOT_SHOWN,
                problem=f"it is in plaintext in the stack file, and {path} calls it a secret",
                effect="everybody who reads the repository knows it, also after it was removed",
                fix=f"choose a new secret and run pulumi config set --secret {shlex.quote(key)}",
            )


def _references(
    services: Mapping[str, ServiceConfig], volumes: Mapping[str, VolumeConfig]
) -> Iterator[tuple[str, str]]:
    """Yield the path of each reference to a secret, and the config key that it names."""
    for name, service in services.items():
        for variable, key in service.secret_environment.items():
            yield f"services.{name}.secret_environment.{shorten(variable)}", key
        for target, file in service.files.items():
            path = f"services.{name}.files.{shorten(target)}"
            if file.secret is not None:
                yield f"{path}.secret", file.secret
            for variable, key in file.secrets.items():
                yield f"{path}.secrets.{shorten(variable)}", key
    for name, volume in volumes.items():
        for option, key in volume.secret_driver_opts.items():
            yield f"volumes.{shorten(name)}.secret_driver_opts.{shorten(option)}", key
