"""What is meant by a value that has another form than its key takes: the text of a fix that is accepted when it is written.

Out of scope: finding that the form is wrong, which pydantic and our types do.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

import yaml

from ipvlan.config.bridge_model import BridgeConfig, BridgeEndpointConfig
from ipvlan.config.models import ServiceConfig
from ipvlan.config.types.base import Model
from ipvlan.config.types.docker import SERVICE_NAME
from ipvlan.config.types.files import MODE, TARGET, cleaned_source, source_problem
from ipvlan.config.types.process import SIGNAL
from ipvlan.config.volume_model import VolumeConfig

_MOST: Final = 8
"""Entries of a list that a fix repeats; of a longer one it shows the form alone."""
_LONGEST: Final = 200
"""Characters of a fix that has the user's own names."""
_VOLUME_OPTIONS: Final = re.compile(r":(?:ro|rw|z|Z)(?:,(?:ro|rw|z|Z))*")
_RELOAD: Final = "write reload: HUP, or the words of a command: reload: [nginx, -s, reload]"
_OWNER: Final = 'write UID:GID, the numbers that `id` prints in the container, in quotes: "101:101"'


def meant(kind: type[Model], location: Sequence[Any], value: object) -> str | None:
    """Return what to write in the place of a value with the wrong form; None where the form's own text says it.

    Args:
        kind: The model in which the value is.
        location: Its keys from there.
        value: What is written.
    """
    if kind in (BridgeConfig, VolumeConfig):
        return _external(location, value)
    if kind is not ServiceConfig or not location:
        return None
    below = [str(part) for part in location[1:]]
    if location[0] == "bridges":
        return _bridges(value) if not below else _endpoint(below[0], value) if len(below) == 1 else None
    if location[0] == "files":
        return _files(value) if not below else _file(below, value)
    return _reload(value) if list(location) == ["reload"] else None


def _written(content: Mapping[str, object], form: str) -> str:
    """Return a fix with the content in one line of YAML, or with the form where that is long."""
    text = yaml.safe_dump({**content}, default_flow_style=True, width=10**6, sort_keys=False, allow_unicode=True)
    return f"write {text.strip()[1:-1] if len(text) <= _LONGEST else form}"


def _texts(value: object) -> list[str]:
    """Return the texts of a short list that has nothing else; else none."""
    entries = value if isinstance(value, list | tuple) and len(value) <= _MOST else ()
    return [*entries] if all(isinstance(entry, str) for entry in entries) else []


def _bridges(value: object) -> str | None:
    form = "bridges: [KEY]"
    if isinstance(value, list | tuple):
        return _map_of_bridges(value)
    keys = re.split(r"[,\s]+", value.strip()) if isinstance(value, str) and len(value) <= _LONGEST else []
    if keys and len(keys) <= _MOST and all(SERVICE_NAME.fullmatch(key) for key in keys):
        return _written({"bridges": [*dict.fromkeys(keys)]}, form)
    return f"write {form}, with keys of the section `bridges`{', or remove it' if value is None else ''}"


def _map_of_bridges(entries: Sequence[object]) -> str | None:
    """Return the map of a list in which bridges have settings; None where no entry has any."""
    if not any(isinstance(entry, Mapping) for entry in entries):
        return None
    bridges: dict[str, object] = {}
    for entry in entries[: _MOST + 1]:
        for key, below in entry.items() if isinstance(entry, Mapping) else [(entry, {})]:
            aliases = _aliases({} if below is None else below)
            if not isinstance(key, str) or not SERVICE_NAME.fullmatch(key) or aliases is None or len(bridges) > _MOST:
                return "write the map form: bridges: {KEY: {aliases: [NAME]}}"
            bridges[key] = aliases
    return _written({"bridges": bridges}, "bridges: {KEY: {aliases: [NAME]}}").replace(
        "write", "write the map form:", 1
    )


def _aliases(below: object) -> dict[str, object] | None:
    """Return the settings of a connection as they are written; None where they would be refused."""
    if not isinstance(below, Mapping) or not below.keys() <= BridgeEndpointConfig.model_fields.keys():
        return None
    aliases = _texts(below.get("aliases", []))
    return dict(below) if "aliases" not in below or aliases else None


def _endpoint(key: str, value: object) -> str:
    names = [value] if isinstance(value, str) else _texts(value)
    if names and all(SERVICE_NAME.fullmatch(name) for name in names) and not all(map(_is_address, names)):
        return _written({key: {"aliases": names}}, "KEY: {aliases: [NAME]}")
    return _written({key: {}}, "KEY: {}") + "; further names of the container there are {aliases: [NAME]}"


def _is_address(text: str) -> bool:
    return re.fullmatch(r"[0-9.]+", text) is not None


def _files(value: object) -> str:
    form = "files: {/PATH/IN/CONTAINER: files/NAME}"
    files: dict[str, str] = {}
    for entry in _texts(value):
        source, colon, target = entry.partition(":")
        target = re.sub(rf"{_VOLUME_OPTIONS.pattern}$", "", target)
        source = cleaned_source(source)
        if not colon or not TARGET.fullmatch(target) or source_problem(source) is not None:
            files.clear()
            break
        files[target] = source
    if files:
        return _written({"files": files}, form)
    return f"write {form}{', or remove it' if value is None else ''}"


def _file(below: Sequence[str], value: object) -> str | None:
    if len(below) == 1:
        target, sources = below[0], _texts(value)
        source = cleaned_source(sources[0]) if len(sources) == 1 else ""
        if source and source_problem(source) is None:
            return _written({target: source}, "/PATH/IN/CONTAINER: files/NAME")
        return _written({target: f"files/NAME{'/' if target.endswith('/') else ''}"}, "/PATH/IN/CONTAINER: files/NAME")
    if below[1:] == ["owner"]:
        return _OWNER
    if below[1:] == ["mode"] and not (isinstance(value, int) and MODE.fullmatch(str(value))):
        return 'write four octal digits, in quotes: "0440"'
    return None


def _reload(value: object) -> str | None:
    if isinstance(value, Mapping):
        value = value.get("signal")
        if isinstance(value, str) and value and SIGNAL.fullmatch(value):
            return f"write reload: {value}"
    if isinstance(value, int) and not isinstance(value, bool) and SIGNAL.fullmatch(str(value)):
        return None
    return _RELOAD if value is not None else f"{_RELOAD}; or remove it"


def _external(location: Sequence[Any], value: object) -> str | None:
    """Return what compose's first form of an external network or volume is here."""
    if list(location) != ["external"] or not isinstance(value, Mapping):
        return None
    name = value.get("name")
    if not isinstance(name, str) or not name:
        return "write external: true, and name: NAME beside it where the name is another one than the key"
    return _written({"external": True, "name": name}, "external: true, and name: NAME beside it")


FILES_CHANGE: Final = {
    "effect": "it is unclear what happens when a file changes",
    "fix": f"write files_change: restart, or replace; for a reload remove files_change, and {_RELOAD}",
}
"""What another value of `files_change` costs, and what to write."""
