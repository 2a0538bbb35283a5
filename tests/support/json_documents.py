"""JSON documents that a subcommand printed, checked against their schemas in docs/schemas."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema

SCHEMAS = Path(__file__).resolve().parents[2] / "docs" / "schemas"


def validate(document: Any, name: str) -> None:
    """Fail when the document is not as its schema in docs/schemas says; `name` is the subcommand, or `plan-at`."""
    text = (SCHEMAS / f"{name}.schema.json").read_text(encoding="utf-8")
    jsonschema.validate(document, json.loads(text), cls=jsonschema.Draft202012Validator)
