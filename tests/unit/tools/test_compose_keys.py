"""The list of compose's keys is read from a JSON Schema: references, alternatives, lists, and names that people choose."""

from __future__ import annotations

from tools.compose_keys import keys


def test_every_kind_of_part() -> None:
    """Each key is found once, by its path; a definition that refers to itself has an end."""
    service = {
        "properties": {
            "image": {"type": "string"},
            "build": {"oneOf": [{"type": "string"}, {"properties": {"context": {}}}]},
            "ports": {"items": {"properties": {"target": {}}}},
            "labels": {"additionalProperties": {"type": "string"}},
            "again": {"$ref": "#/$defs/service"},
        },
        "patternProperties": {"^x-": {}},
    }
    schema = {
        "properties": {"services": {"patternProperties": {"^[a-z]+$": {"$ref": "#/$defs/service"}}}},
        "patternProperties": {"^x-": {}},
        "$defs": {"service": service},
    }
    assert keys(schema) == [
        "services",
        *(
            f"services.*.{key}"
            for key in ("image", "build", "build.context", "ports", "ports.target", "labels", "again")
        ),
        "x-*",
    ]
