"""The keys that a key below the first level of a model may be a slip of, and what compose's keys are there.

Out of scope: keys of the first level, which the table of compose's keys has (`ipvlan.config.compose.table`).
"""

from __future__ import annotations

import types
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, Final, Union, get_args, get_origin

from ipvlan.config.types.base import Model

_OWNER: Final = 'write owner: "UID:GID", numbers'
_SOURCE: Final = "put the text into a file of the project, and write source: files/NAME"

OF_FILE: Final[Mapping[str, str]] = {
    "uid": _OWNER,
    "gid": _OWNER,
    "user": _OWNER,
    "group": _OWNER,
    "content": _SOURCE,
    "file": "write source: files/NAME, a file of the project",
    "target": "remove it: the path in the container is the key of the file",
    "environment": "`pulumi config set --secret NAME`, and write secret: NAME in the place of source",
}
"""A key of compose's `configs` and `secrets` -> what to write at a file."""

OF_ENDPOINT: Final[Mapping[str, str]] = {
    "ipv4_address": "remove it: a bridge has no fixed addresses, and containers find each other by name",
    "mac_address": "remove it: Docker gives a container its hardware address on a bridge",
}
"""A key of compose's `services.X.networks.KEY` -> what to write at `services.X.bridges.KEY`, where its row says something else."""


def fields_at(kind: type[Model], location: Sequence[Any]) -> list[str]:
    """Return the fields of the model below `kind` in which the last key of a location is; none where no model is there."""
    found: list[Any] = [kind]
    for part in location[:-1]:
        found = [below for annotation in found for below in _below(annotation, part)]
    return [field for annotation in found for model in _models(annotation) for field in model.model_fields]


def _alternatives(annotation: Any) -> Iterator[Any]:
    if get_origin(annotation) is Annotated:
        yield from _alternatives(get_args(annotation)[0])
    elif get_origin(annotation) in (Union, types.UnionType):
        for alternative in get_args(annotation):
            yield from _alternatives(alternative)
    else:
        yield annotation


def _models(annotation: Any) -> list[type[Model]]:
    return [each for each in _alternatives(annotation) if isinstance(each, type) and issubclass(each, Model)]


def _below(annotation: Any, part: object) -> Iterator[Any]:
    for model in _models(annotation):
        if part in model.model_fields:
            yield model.model_fields[str(part)].annotation
    for each in _alternatives(annotation):
        origin, arguments = get_origin(each), get_args(each)
        if isinstance(origin, type) and issubclass(origin, Mapping | tuple) and arguments:
            yield arguments[1] if issubclass(origin, Mapping) else arguments[0]
