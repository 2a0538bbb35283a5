"""The plugin's handle in the program: what is declared after it, and what it is given."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from tests.support.strict_monitor import Run

RunProgram = Callable[..., Run]


def test_the_plugin_comes_before_every_resource_of_docker(run: RunProgram, config: dict[str, Any]) -> None:
    """It is registered before any of them, as it deletes the connection of a replaced container, by today's ssh command."""
    result = run(config)
    plugin = result.named("fabric-connections")
    assert {host: json.loads(plugin.inputs["connections"])[host][-1] for host in ("docker-1", "docker-2")} == {
        "docker-1": "192.168.140.200",
        "docker-2": "192.168.140.201",
    }
    providers = {r.urn: r for r in result.resources.values() if r.type == "pulumi:providers:docker"}
    containers = [r for r in result.resources.values() if r.type == "docker:index/container:Container"]
    assert (len(providers), len(containers)) == (2, 4)
    assert all(plugin.urn in provider.dependencies for provider in providers.values())
    assert all(container.provider in providers for container in containers)
