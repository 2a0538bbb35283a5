"""JSON Schemas of the stack file and of a shared file, for editors; made from the models, so that they cannot differ from them."""

from __future__ import annotations

import copy
from typing import Any

from ipvlan import PROJECT
from ipvlan.config.models import COMMON, SECTIONS, StackConfig


def stack_schema() -> dict[str, Any]:
    """Return the schema of `Pulumi.<stack>.yaml`.

    If the stack names a shared file, no key of an entry is required, since the shared file may have it, and an entry may be null,
    which removes it.
    """
    strict, loose = _sections()
    names = {key: f"{PROJECT}:{key}" for key in SECTIONS}
    return {
        "title": "Stack file of ipvlan-fabric",
        "type": "object",
        "required": ["config"],
        "properties": {
            "config": {
                "type": "object",
                "properties": {
                    f"{PROJECT}:{COMMON}": {
                        "type": "string",
                        "description": "Path of a file with what several stacks share, such as stacks/common.yaml",
                    }
                },
                "if": {"required": [f"{PROJECT}:{COMMON}"]},
                "then": {"properties": {names[key]: {"$ref": f"#/$defs/loose_{key}"} for key in SECTIONS}},
                "else": {
                    "properties": {names[key]: {"$ref": f"#/$defs/strict_{key}"} for key in SECTIONS},
                    "required": [names[key] for key in ("fabric", "hosts", "services")],
                },
            }
        },
        "$defs": {**_named("strict", strict), **_named("loose", loose)},
    }


def common_schema() -> dict[str, Any]:
    """Return the schema of a shared file: the same sections, without the namespace and with nothing required."""
    _, loose = _sections()
    return {
        "title": "Shared file of ipvlan-fabric stacks",
        "type": "object",
        "additionalProperties": False,
        "properties": {key: {"$ref": f"#/$defs/loose_{key}"} for key in SECTIONS},
        "$defs": _named("loose", loose),
    }


def _sections() -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the models' definitions and one more per section, once as they are and once with nothing required."""
    schema = StackConfig.model_json_schema(mode="validation")
    strict: dict[str, Any] = schema["$defs"]
    for key in SECTIONS:
        strict[key] = schema["properties"][key]
    for definition in strict.values():
        _drop_titles(definition)
    loose = copy.deepcopy(strict)
    for name in ("FabricConfig", "HostConfig", "ServiceConfig"):
        loose[name].pop("required", None)
    for key in ("hosts", "services", "volumes", "bridges"):
        loose[key]["additionalProperties"] = {"anyOf": [loose[key]["additionalProperties"], {"type": "null"}]}
    return strict, loose


def _drop_titles(definition: Any) -> None:
    """Remove pydantic's titles, which only repeat the key; in place."""
    if isinstance(definition, dict):
        if isinstance(definition.get("title"), str):
            del definition["title"]
        for value in definition.values():
            _drop_titles(value)
    elif isinstance(definition, list):
        for value in definition:
            _drop_titles(value)


def _named(prefix: str, definitions: dict[str, Any]) -> dict[str, Any]:
    """Return the definitions with a prefix before their names, and the references to them likewise."""

    def prefixed(value: Any) -> Any:
        if isinstance(value, dict):
            return {
                key: f"#/$defs/{prefix}_{inner.rpartition('/')[2]}"
                if key == "$ref" and isinstance(inner, str)
                else prefixed(inner)
                for key, inner in value.items()
            }
        return [prefixed(inner) for inner in value] if isinstance(value, list) else value

    return {f"{prefix}_{name}": prefixed(definition) for name, definition in definitions.items()}
