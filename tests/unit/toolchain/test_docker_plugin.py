"""The docker plugin that toolchain/ builds uses the names and types of the Python package pulumi_docker."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping, Sequence
from typing import Any, get_args, get_origin

import pulumi_docker
import pytest
from pulumi._types import input_type_types, is_input_type, unwrap_type
from pulumi_docker import container, network, provider, remote_image, volume

from tests.support.toolchain import TOOLCHAIN

SCALARS = {str: "string", bool: "boolean", int: "integer", float: "number"}


@pytest.fixture(scope="module")
def docker_schema() -> dict[str, Any]:
    """Return the schema that the built docker plugin serves; skip where another plugin is in use."""
    exports = subprocess.run([TOOLCHAIN / "env"], capture_output=True, text=True, timeout=30, check=False)
    if exports.returncode:
        pytest.skip("no toolchain is set up (toolchain/setup)")
    if "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION" not in exports.stdout:
        pytest.skip("the plugin in use is the published one, whose names the Python package was made from")
    command = [str(TOOLCHAIN / "run"), "pulumi", "package", "get-schema", "docker"]
    served = subprocess.run(command, capture_output=True, text=True, timeout=30, check=True)
    schema: dict[str, Any] = json.loads(served.stdout)
    return schema


def shape_in_python(hint: Any) -> Any:
    """Return a type of pulumi_docker as nested lists and mappings: "string", ["string"], {"*": "string"}, {"name": ...}."""
    hint = unwrap_type(hint)
    origin = get_origin(hint)
    if hint in SCALARS:
        return SCALARS[hint]
    if isinstance(origin, type) and issubclass(origin, Sequence):
        return [shape_in_python(get_args(hint)[0])]
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return {"*": shape_in_python(get_args(hint)[1])}
    return members_in_python(hint)


def members_in_python(cls: type) -> dict[str, Any]:
    """Return the properties of an args class, by the names that the SDK sends to the plugin."""
    assert is_input_type(cls), cls
    return {sent: shape_in_python(hint) for sent, hint in input_type_types(cls).items()}


def shape_in_schema(schema: dict[str, Any], kind: dict[str, Any]) -> Any:
    """Return a type of the package schema in the same form as `shape_in_python`."""
    if "$ref" in kind:
        nested = schema["types"][kind["$ref"].removeprefix("#/types/")]["properties"]
        return {name: shape_in_schema(schema, member) for name, member in nested.items()}
    if kind["type"] == "array":
        return [shape_in_schema(schema, kind["items"])]
    if kind["type"] == "object":
        return {"*": shape_in_schema(schema, kind["additionalProperties"])}
    return kind["type"]


def differences(python: Any, plugin: Any, path: str) -> list[str]:
    """Return a line for every place where the two forms differ, with the text of each."""
    if isinstance(python, dict) and isinstance(plugin, dict):
        only = [f"{path}.{name}: only in the Python package" for name in python.keys() - plugin.keys()]
        only += [f"{path}.{name}: only in the plugin" for name in plugin.keys() - python.keys()]
        both = python.keys() & plugin.keys()
        return sorted(only) + [
            line for name in sorted(both) for line in differences(python[name], plugin[name], f"{path}.{name}")
        ]
    if isinstance(python, list) and isinstance(plugin, list):
        return differences(python[0], plugin[0], f"{path}[]")
    return [] if python == plugin else [f"{path}: {python} in the Python package, {plugin} in the plugin"]


@pytest.mark.parametrize("name", ["Container", "Network", "RemoteImage", "Volume"])
def test_every_docker_property_has_one_name_and_type(docker_schema: dict[str, Any], name: str) -> None:
    """The built plugin knows every property that pulumi_docker sends and reads, nested arguments included."""
    module = {"Container": container, "Network": network, "RemoteImage": remote_image, "Volume": volume}[name]
    resource = docker_schema["resources"][getattr(pulumi_docker, name).pulumi_type]
    for cls, key in (
        (getattr(module, f"{name}Args"), "inputProperties"),
        (getattr(module, f"_{name}State"), "properties"),
    ):
        served = {member: shape_in_schema(docker_schema, kind) for member, kind in resource[key].items()}
        assert differences(members_in_python(cls), served, name) == []


def test_every_provider_setting_has_one_name_and_type(docker_schema: dict[str, Any]) -> None:
    """docker.Provider's host, sshOpts and the rest reach the plugin by their names."""
    settings = docker_schema["provider"]["inputProperties"]
    served = {member: shape_in_schema(docker_schema, kind) for member, kind in settings.items()}
    assert differences(members_in_python(provider.ProviderArgs), served, "Provider") == []


def test_the_comparison_reports_each_difference() -> None:
    """The comparison above can fail: it reports a missing name, another name and another type."""
    python = {"a": "string", "b": ["string"], "c": {"d": "integer"}}
    plugin = {"b": "string", "c": {"d": "integer", "e": "string"}}
    assert differences(python, plugin, "X") == [
        "X.a: only in the Python package",
        "X.b: ['string'] in the Python package, string in the plugin",
        "X.c.e: only in the plugin",
    ]
