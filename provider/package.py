"""The Pulumi package: what programs in other languages than Python get from the plugin, the component IpvlanFabric and its schema.

All of it is loaded when it is first used: a stack of this project's own program never does, and its components take longer to load
than a host takes to answer.
"""

from __future__ import annotations

import json
from functools import cached_property
from typing import Any

import pulumi
from pulumi.provider import ConstructResult, Provider
from typing_extensions import override

VERSION = "0.1.0"
"""The plugin's version, as in pyproject.toml."""


class Package(Provider):
    """The package `ipvlan-fabric`, as the SDK's server for components asks for it."""

    def __init__(self) -> None:
        self.version = VERSION

    @cached_property
    def schema(self) -> str:  # type: ignore[override]  # the SDK reads it at most once
        """The package's schema, as JSON."""
        from provider.package_schema import package_schema  # noqa: PLC0415

        return json.dumps(package_schema(VERSION))

    @override
    def construct(
        self, name: str, resource_type: str, inputs: Any, options: pulumi.ResourceOptions | None = None
    ) -> ConstructResult:
        """Declare a component for a program in another language.

        Raises:
            ConfigError: The inputs are wrong.
            pulumi.RunError: The hosts do not fit the plan.
        """
        from components.package_component import construct  # noqa: PLC0415

        return construct(name, resource_type, inputs, options)
