"""The schema of the Pulumi package: the component IpvlanFabric and its inputs, for every Pulumi language.

Responsible for turning the config models into Pulumi's schema (https://www.pulumi.com/docs/iac/extending-pulumi/schema/), so that
a program in any language has the keys of the stack file, under the same names and with the same descriptions.

Pulumi's schema has no patterns, no ranges and no lists of allowed values for strings: those are checked when the component is
created, as for a stack file.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from ipvlan import PROJECT
from ipvlan.config.models import SECTIONS, StackConfig
from ipvlan.plan.resource_names import PACKAGE_COMPONENT_TYPE, SECRETS_INPUT

_REQUIRED: Final = ("fabric", "hosts", "services")
_TEXT: Final = {"type": "string"}

Definitions = Mapping[str, Mapping[str, Any]]
"""Name of a model -> its JSON Schema."""


def package_schema(version: str) -> dict[str, Any]:
    """Return the schema of the package: the component, and the resources that it declares through the plugin.

    Args:
        version: The package's version, `1.2.3`.
    """
    component = component_schema()
    return {
        "name": PROJECT,
        "displayName": PROJECT,
        "version": version,
        "description": "Fixed addresses for containers on one flat ipvlan network over several Docker hosts.",
        "keywords": ["docker", "ipvlan", "category/infrastructure"],
        "types": component["types"],
        "resources": component["resources"],
        "language": {language: {"respectSchemaVersion": True} for language in ("nodejs", "python")},
    }


def component_schema() -> dict[str, Any]:
    """Return `types` and `resources` of the package's schema, with the component alone."""
    models = StackConfig.model_json_schema(mode="validation")
    definitions: Definitions = models["$defs"]
    inputs = {key: _property(models["properties"][key], definitions) for key in SECTIONS}
    inputs[SECRETS_INPUT] = {
        "type": "object",
        "additionalProperties": _TEXT,
        "secret": True,
        "description": "The values of the names that `secret_environment`, `files` and `secret_driver_opts` refer to.",
    }
    component = {
        "isComponent": True,
        "description": "One flat ipvlan network over several Docker hosts, with its containers and their published ports.",
        "inputProperties": inputs,
        "requiredInputs": list(_REQUIRED),
        "properties": _OUTPUTS,
        "required": list(_OUTPUTS),
    }
    return {"types": dict(_types(definitions)), "resources": {PACKAGE_COMPONENT_TYPE: component}}


_OUTPUTS: Final[Mapping[str, Mapping[str, Any]]] = {
    "addresses": {
        "type": "object",
        "additionalProperties": {"type": "object", "additionalProperties": _TEXT},
        "description": "Service name -> host name -> address of the container.",
    },
    "urls": {
        "type": "object",
        "additionalProperties": {"type": "array", "items": _TEXT},
        "description": "Published service -> the URL of each published TCP port at each host; known when the ports are bound.",
    },
}


def _types(definitions: Definitions) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the type of each model, by its token."""
    for name, model in definitions.items():
        if not _has_fields(model):
            continue
        yield (
            _token(name),
            {
                "type": "object",
                "description": model.get("description", ""),
                "properties": {key: _property(field, definitions) for key, field in model["properties"].items()},
                **({"required": model["required"]} if "required" in model else {}),
            },
        )


def _property(field: Mapping[str, Any], definitions: Definitions) -> dict[str, Any]:
    """Return a field as a property of Pulumi's schema, with its description."""
    described = {"description": field["description"]} if field.get("description") else {}
    return _type(field, definitions) | described


def _type(field: Mapping[str, Any], definitions: Definitions) -> dict[str, Any]:
    """Return the type of a field, without what Pulumi's schema cannot say.

    All of it is plain: the plan is made of it before anything is declared, so no part can be another resource's output.
    """
    return _shape(field, definitions) | {"plain": True}


def _shape(field: Mapping[str, Any], definitions: Definitions) -> dict[str, Any]:
    if "$ref" in field:
        name = field["$ref"].rpartition("/")[2]
        model = definitions[name]
        return {"$ref": f"#/types/{_token(name)}"} if _has_fields(model) else _shape(model, definitions)
    kinds = field.get("type")
    alternatives = (
        field.get("anyOf")
        or field.get("oneOf")
        or ([{**field, "type": kind} for kind in kinds] if isinstance(kinds, list) else ())
    )
    if alternatives:
        return _one_of([_type(one, definitions) for one in alternatives if one.get("type") != "null"])
    if "enum" in field or "const" in field:
        return dict(_TEXT)
    shape: dict[str, Any] = {"type": kinds}
    if kinds == "array":
        shape["items"] = _type(field["items"], definitions)
    elif kinds == "object":
        shape["additionalProperties"] = _type(field["additionalProperties"], definitions)
    elif kinds not in ("string", "integer", "number", "boolean"):
        raise ValueError(f"the package's schema has no type for {field}")
    return shape


def _one_of(types: list[dict[str, Any]]) -> dict[str, Any]:
    types = [inner for one in types for inner in one.get("oneOf", (one,))]
    different = [one for number, one in enumerate(types) if one not in types[:number]]
    return different[0] if len(different) == 1 else {"oneOf": different}


def _has_fields(model: Mapping[str, Any]) -> bool:
    return model.get("type") == "object" and "properties" in model


def _token(name: str) -> str:
    return f"{PROJECT}:index:{name}"
