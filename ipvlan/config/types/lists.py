"""Lists where compose takes lists: `environment: ["A=b"]` for `environment: {A: b}`, and one text for a list of one.

The rest of the program sees the mapping, or the list. Where one file has a list and the file that it shares has a mapping, the
stack's own wins, as any other value of a service does (`ipvlan.config.shared_file`).

Out of scope: the names and values themselves, whose types check them afterwards.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from pydantic import GetJsonSchemaHandler
from pydantic_core import CoreSchema

from ipvlan.config.types.base import fail, need_text


@dataclass(frozen=True, slots=True)
class AlsoAllows:
    """An annotation: the JSON Schema of a value is its own, or this one."""

    schema: tuple[tuple[str, Any], ...]
    """Keywords of the other schema."""

    def __get_pydantic_json_schema__(self, core: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        """Return the schema of both."""
        return {"anyOf": [handler(core), dict(self.schema)]}


_UNCLEAR: Final = "it is unclear which of the two counts"


def entries(
    *separators: str, alone: bool = False, single: bool = False, why: str = "", fix: str = "", twice: str = _UNCLEAR
) -> Callable[[object], object]:
    """Return what turns a list of `NAME=VALUE` into a mapping, and leaves everything else to pydantic.

    Args:
        separators: What ends a name; where an entry has several, the first of these counts.
        alone: Whether a name may stand alone; its value is empty then.
        single: Whether one text is a list of one.
        why: What it means where no separator is in an entry, as the effect of the problem.
        fix: What to write then.
        twice: What it means where a name is in the list twice.
    """

    def as_mapping(value: object) -> object:
        if single and isinstance(value, str):
            value = [value]
        if not isinstance(value, list | tuple):
            return value
        mapping: dict[str, str] = {}
        for number, entry in enumerate(value):
            text = need_text(entry, f"entry {number + 1} of the list")
            separator = next((separator for separator in separators if separator in text), "")
            if not separator and not alone:
                # Without the entry: it may be a secret.
                fail("IPF193", f"entry {number + 1} of the list has no {separators[0]}", why, fix)
            name, _, rest = text.partition(separator) if separator else (text, "", "")
            if name in mapping:
                fail(
                    "IPF194",
                    f"entry {number + 1} of the list has the name of an earlier one",
                    twice,
                    "remove one of them",
                )
            mapping[name] = rest
        return mapping

    return as_mapping


def one_is_a_list(value: object) -> object:
    """Return one text as a list of it; everything else as it is."""
    return [value] if isinstance(value, str) else value


ENVIRONMENT: Final = entries(
    "=",
    why="compose takes such a variable from the shell of whoever runs it, so the container would depend on that",
    fix="write NAME=VALUE, or NAME= for an empty one; a secret with secret_environment",
)
LABELS: Final = entries("=", alone=True)
"""docker/cli, ConvertKVStringsToMap in opts/parse.go: a label alone is empty."""
SYSCTLS: Final = entries(
    "=", why="the kernel parameter would have no value", fix="write NAME=VALUE: net.core.somaxconn=1024"
)
EXTRA_HOSTS: Final = entries(
    "=",
    ":",
    why="the name would have no address",
    fix="write NAME=ADDRESS or NAME:ADDRESS",
    twice="here a name has one address; Docker would write both into /etc/hosts, of which most programs take the first",
)
"""docker/cli, ValidateExtraHost in opts/hosts.go."""
TMPFS: Final = entries(":", alone=True, single=True)
"""docker/cli, `--tmpfs`: PATH or PATH:OPTIONS."""

A_LIST: Final = AlsoAllows((("type", "array"), ("items", {"type": "string"})))
A_LIST_OF_ASSIGNMENTS: Final = AlsoAllows((("type", "array"), ("items", {"type": "string", "pattern": "="})))
A_LIST_OF_ADDRESSES: Final = AlsoAllows((("type", "array"), ("items", {"type": "string", "pattern": "[=:]"})))
A_LIST_OR_ONE_PATH: Final = AlsoAllows(
    (("type", ["array", "string"]), ("pattern", "^/"), ("items", {"type": "string", "pattern": "^/"}))
)
ONE: Final = AlsoAllows((("type", "string"),))
A_NUMBER: Final = AlsoAllows((("type", "integer"), ("minimum", -1)))
