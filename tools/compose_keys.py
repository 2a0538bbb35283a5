"""Writes the list of compose's keys that the tests compare the table with, from the JSON Schema of the specification.

`go mod download -json github.com/compose-spec/compose-go/v2@VERSION` prints the folder that has schema/compose-spec.json. Write
that version into `ipvlan.config.compose.table.SPECIFICATION`, and run `python -m tools.compose_keys FILE`.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from ipvlan.config.compose.table import SPECIFICATION

KEYS_FILE: Final = Path(__file__).resolve().parent.parent / "tests" / "unit" / "config" / "compose" / "keys.txt"


def main() -> int:
    """Write the list from the schema that the command line names."""
    content = Path(sys.argv[1]).read_bytes()
    head = (
        "# Every key of the compose specification, `*` for names that people choose.",
        f"# Read by tools/compose_keys.py from the JSON Schema of {SPECIFICATION}, schema/compose-spec.json of",
        f"# github.com/compose-spec/compose-go, sha256 {hashlib.sha256(content).hexdigest()}.",
    )
    KEYS_FILE.write_text("\n".join([*head, *keys(json.loads(content))]) + "\n", encoding="utf-8")
    return 0


def keys(schema: Mapping[str, Any]) -> list[str]:
    """Return the paths of all keys that a JSON Schema has, joined by dots, each once."""
    definitions = schema.get("$defs") or schema.get("definitions") or {}
    return list(dict.fromkeys(_keys(schema, (), definitions, frozenset())))


def _keys(
    part: Mapping[str, Any], path: tuple[str, ...], definitions: Mapping[str, Any], inside: frozenset[str]
) -> Iterator[str]:
    if "$ref" in part:
        name = part["$ref"].rpartition("/")[2]
        if name not in inside:
            yield from _keys(definitions[name], path, definitions, inside | {name})
        return
    for alternative in (*part.get("oneOf", ()), *part.get("anyOf", ()), *part.get("allOf", ())):
        yield from _keys(alternative, path, definitions, inside)
    if isinstance(part.get("items"), Mapping):
        yield from _keys(part["items"], path, definitions, inside)
    for key, below in part.get("properties", {}).items():
        yield ".".join((*path, key))
        yield from _keys(below, (*path, key), definitions, inside)
    for pattern, below in part.get("patternProperties", {}).items():
        if not pattern.startswith("^x-"):
            yield from _keys(below, (*path, "*"), definitions, inside)
        elif not path:
            yield "x-*"
    if isinstance(part.get("additionalProperties"), Mapping):
        yield from _keys(part["additionalProperties"], (*path, "*"), definitions, inside)


if __name__ == "__main__":
    sys.exit(main())
