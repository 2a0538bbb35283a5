"""A Handover under the real engine: its container's secrets in the state, and what a change of the arguments does."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.engine.test_plugin_engine import Project

PROGRAM = """
import json, os, pulumi, pulumi_docker as docker

class Own(pulumi.CustomResource):
    pass

given = json.loads(os.environ["BRIDGES"])
handle = pulumi.ProviderResource("ipvlan-fabric", "handle", {"connections": os.environ["CONNECTIONS"]})
opts = pulumi.ResourceOptions(provider=handle, additional_secret_outputs=["arguments"])
token = pulumi.Output.secret(given["token"]).apply(lambda value: f"TOKEN={value}")
arguments = docker.ContainerArgs(
    name="web",
    image=given["image"],
    memory=given.get("memory"),
    envs=["MODE=fast", token],
    networks_advanced=[docker.ContainerNetworksAdvancedArgs(name="ipvlanl2", ipv4_address="10.1.1.2")],
)
Own("ipvlan-fabric:index:Handover", "handover", {**given["properties"], "arguments": arguments}, opts)
"""
NO_HOST = ["/bin/sh", "-c", "echo 'ssh: connect to host 192.0.2.1 port 22: No route to host' >&2; exit 255"]
PROPERTIES: dict[str, Any] = {
    "host": "docker-1",
    "ssh": NO_HOST,
    "service": "nginx",
    "container": "web",
    "owner": "0123456789abcdef/docker-1/nginx",
    "healthy_within": 60,
    "on_failure": "restore",
    "docker_url": "ssh://root@192.0.2.1",
    "ssh_options": ["-o", "BatchMode=yes"],
    "trigger": "{}",
    "existing": False,
    "stop_seconds": 10,
    "bridged": False,
}


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """Return a project whose program declares one Handover."""
    made = Project(tmp_path)
    (tmp_path / "__main__.py").write_text(PROGRAM, encoding="utf-8")
    return made


def recorded(project: Project, *secrets: str) -> dict[str, Any]:
    """Return the Handover in the state, which has none of the secrets in plaintext."""
    state = project.deployment()
    text = json.dumps(state)
    assert not [secret for secret in secrets if secret in text]
    (handover,) = (entry for entry in state["resources"] if entry["type"] == "ipvlan-fabric:index:Handover")
    return dict(handover)


def test_secrets_of_a_container_are_secret_in_its_handover(project: Project) -> None:
    """After its creation, an update and a failed one; the arguments go to the plugin, and nobody reads them in the state."""
    given = {"token": "correct-horse", "image": "nginx:1", "properties": PROPERTIES}
    project.up(bridges=given)
    handover = recorded(project, "correct-horse")
    assert handover["id"] == "docker-1/nginx"
    # As a whole, whatever the engine knows of single values.
    assert set(handover["outputs"]["arguments"]) >= {"ciphertext"}
    # No host is asked for what Docker updates on a running container; it is recorded, as secret as before.
    printed = project.up(bridges={**given, "memory": 64})
    assert "handover updated" in printed
    assert recorded(project, "correct-horse")["outputs"]["arguments"] != handover["outputs"]["arguments"]
    assert "handover updated" not in project.up(bridges={**given, "memory": 64})
    # Another secret value replaces the container, and the host does not answer: neither value is shown or kept.
    printed = project.up(status=1, bridges={**given, "token": "battery-staple", "memory": 64})
    assert "No route to host" in printed
    recorded(project, "correct-horse", "battery-staple")
    preview = project.pulumi("preview", "--stack", "dev", "--diff", bridges={**given, "token": "battery-staple"})
    for text in (printed, preview):
        assert "correct-horse" not in text
        assert "battery-staple" not in text
