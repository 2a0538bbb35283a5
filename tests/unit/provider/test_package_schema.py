"""The schema of the Pulumi package: the keys of the stack file, as every Pulumi language has them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from ipvlan.config.models import (
    SECTIONS,
    FabricConfig,
    Healthcheck,
    HostConfig,
    RolloutConfig,
    ServiceConfig,
    SshConfig,
    Ulimit,
)
from ipvlan.config.types.base import Model
from ipvlan.config.volume_model import VolumeConfig
from ipvlan.plan.resource_names import PACKAGE_COMPONENT_TYPE, SECRETS_INPUT
from provider.package import VERSION, Package
from provider.package_schema import package_schema


@pytest.fixture
def schema() -> dict[str, Any]:
    """Return the schema, as the engine gets it."""
    document: dict[str, Any] = json.loads(Package().schema)
    return document


def references(value: object) -> Iterator[str]:
    """Yield every `$ref`, at any depth."""
    if isinstance(value, dict):
        if "$ref" in value:
            yield value["$ref"]
        for entry in value.values():
            yield from references(entry)
    elif isinstance(value, list):
        for entry in value:
            yield from references(entry)


@pytest.mark.parametrize(
    "model", [FabricConfig, HostConfig, ServiceConfig, VolumeConfig, SshConfig, Healthcheck, RolloutConfig, Ulimit]
)
def test_every_key_of_a_stack_file_is_an_input_with_its_description(schema: dict[str, Any], model: type[Model]) -> None:
    """A program in another language has the same keys, under the same names, and its editor shows what they mean."""
    type_ = schema["types"][f"ipvlan-fabric:index:{model.__name__}"]
    assert set(type_["properties"]) == set(model.model_fields)
    assert all(field["description"] for field in type_["properties"].values())
    assert set(type_.get("required", ())) == {name for name, field in model.model_fields.items() if field.is_required()}


def test_the_component_takes_the_sections_and_secrets(schema: dict[str, Any]) -> None:
    """Values of secrets have an input of their own, which is always secret; the rest is plain."""
    component = schema["resources"][PACKAGE_COMPONENT_TYPE]
    inputs = component["inputProperties"]
    assert set(inputs) == {*SECTIONS, SECRETS_INPUT}
    assert inputs[SECRETS_INPUT]["secret"]
    assert all(inputs[section]["plain"] for section in SECTIONS)
    assert component["isComponent"]
    assert set(component["properties"]) == {"addresses", "urls"}


def test_every_reference_leads_to_a_type(schema: dict[str, Any]) -> None:
    """What makes an SDK from the schema finds every type that it names."""
    found = set(references(schema))
    assert found
    assert {reference.removeprefix("#/types/") for reference in found} <= set(schema["types"])


def test_the_version_is_that_of_the_package() -> None:
    """An SDK made from the schema asks the engine for this version of the plugin."""
    assert package_schema("1.2.3")["version"] == "1.2.3"
    assert json.loads(Package().schema)["version"] == VERSION
