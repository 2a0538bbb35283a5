"""Hides, in what an import shows, values that may be secret: a terminal and the log of a job are read by others than a file is.

Out of scope: which values a message may repeat (`ipvlan.config.shown_values`).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Final

from ipvlan.config.compose.carried import Carried
from ipvlan.config.shown_values import HIDDEN, NOT_SHOWN

_PUBLIC: Final = frozenset(
    {"container_name", "hosts", "image", "mounts", "ports", "restart", "tmpfs", "user", "volumes"}
)
"""Keys that show values of files of variables: names, places and numbers, which have to be looked at before they are written."""


def with_hidden(keys: Mapping[str, Any], service: Carried) -> dict[str, Any]:
    """Return the keys of a service as they are shown."""
    shown: dict[str, Any] = {}
    for key, value in keys.items():
        origin = service.origins[key][0].partition(".")[0] if key in service.origins else key
        if key in HIDDEN:
            shown[key] = dict.fromkeys(value, NOT_SHOWN)
        elif origin in service.variables and key not in _PUBLIC:
            known = service.surroundings.variables
            values = [text for name in service.variables[origin] if isinstance(text := known[name], str)]
            # A command is split into words.
            shown[key] = _without(value, {part for text in values for part in (text, *text.split()) if part})
        else:
            shown[key] = value
    return shown


def with_hidden_options(keys: Mapping[str, Any]) -> dict[str, Any]:
    """Return the keys of a volume as they are shown."""
    return {key: dict.fromkeys(value, NOT_SHOWN) if key in HIDDEN else value for key, value in keys.items()}


def _without(value: Any, texts: Collection[str]) -> Any:
    """Return a value with each text in it hidden that has one of these texts in it."""
    if isinstance(value, Mapping):
        return {name: _without(below, texts) for name, below in value.items()}
    if isinstance(value, list):
        return [_without(below, texts) for below in value]
    return NOT_SHOWN if isinstance(value, str) and any(text in value for text in texts) else value
