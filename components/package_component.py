"""The component IpvlanFabric for a program in another language: its inputs come through Pulumi's protocol.

Responsible for the translation of these inputs into the arguments of the component. `provider.package_schema` says what they are.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pulumi
from pulumi.provider import ConstructResult

from components.ipvlan_fabric import IpvlanFabric
from components.program_inputs import fabric_args
from ipvlan.config.models import SECTIONS, StackConfig
from ipvlan.config.secrets import secret_keys, unknown_secrets
from ipvlan.config.yaml_file import NoFolder
from ipvlan.plan.resource_names import PACKAGE, PACKAGE_COMPONENT_TYPE, SECRETS_INPUT
from ipvlan.plan.validate import parse
from ipvlan.problems import ConfigError


def construct(
    name: str, resource_type: str, inputs: Mapping[str, Any], options: pulumi.ResourceOptions | None
) -> ConstructResult:
    """Declare the component.

    Args:
        name: Its name; the names of all its resources begin with it.
        resource_type: The type that the program asks for.
        inputs: The sections of a stack file, and `secrets`: name -> secret value.
        options: Its options.

    Raises:
        ConfigError: The inputs are wrong: all problems, with the keys that a stack file has for them.
        pulumi.RunError: The hosts do not fit the plan.
    """
    if resource_type != PACKAGE_COMPONENT_TYPE:
        raise pulumi.RunError(
            f"the package {PACKAGE} has no component {resource_type}; it has {PACKAGE_COMPONENT_TYPE}"
        )
    sections = {key: whole_numbers(inputs[key]) for key in SECTIONS if inputs.get(key) is not None}
    # The plugin's working folder says nothing about the program's.
    config = parse(sections, NoFolder())
    secrets = secret_values(config, inputs.get(SECRETS_INPUT))
    fabric = IpvlanFabric(name, fabric_args(config, secrets), options)
    return ConstructResult(fabric.urn, {"addresses": fabric.addresses, "urls": fabric.urls})


def whole_numbers(value: Any) -> Any:
    """Return the value with numbers as a stack file has them: Pulumi's protocol has floats alone."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, Mapping):
        return {key: whole_numbers(entry) for key, entry in value.items()}
    if isinstance(value, list):
        return [whole_numbers(entry) for entry in value]
    return value


def secret_values(config: StackConfig, given: Any) -> Mapping[str, pulumi.Output[str]]:
    """Return name -> secret value, for every name in a `secret_environment`, in `files` or in `secret_driver_opts`.

    Args:
        config: The config, whose services and volumes refer to secrets.
        given: The input: a mapping, or an output of one; None where the program gives none.

    Raises:
        ConfigError: A name has no value, as far as that is known: in a preview the values may be unknown.
    """
    names = secret_keys(config.services, config.volumes)
    if not names:
        return {}
    if isinstance(given, Mapping):
        missing = list(unknown_secrets(config.services, set(given), config.volumes))
        if missing:
            raise ConfigError(missing)
    values = pulumi.Output.secret({} if given is None else given)

    def value(name: str) -> pulumi.Output[str]:
        def pick(known: Mapping[str, str]) -> str:
            missing = list(unknown_secrets(config.services, set(known), config.volumes))
            if missing:
                raise ConfigError(missing)
            return known[name]

        return values.apply(pick)

    return {name: value(name) for name in names}
