"""A host whose Docker listens elsewhere: what the program registers for it, and what the key's change does."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from ipvlan.plan.changes import compare
from ipvlan.plan.make import make_plan
from ipvlan.plan.validate import parse
from tests.support.strict_monitor import Run

SOCKET = "/run/other/docker.sock"


def test_only_connections_know_the_socket(run: Callable[..., Run], config: dict[str, Any]) -> None:
    """The docker provider's URL and the ssh commands name it; no input of a container, network or image differs."""
    before = run(config)
    config["hosts"]["docker-1"]["docker_socket"] = SOCKET
    after = run(config)
    assert before.named("fabric-docker-1-provider").inputs["host"] == "ssh://root@192.168.140.200"
    assert after.named("fabric-docker-1-provider").inputs["host"] == f"ssh://root@192.168.140.200{SOCKET}"
    assert after.named("fabric-docker-2-provider").inputs == before.named("fabric-docker-2-provider").inputs
    for name in ("fabric-docker-1-check", "fabric-docker-1-nginx-published-bridge", "fabric-addresses"):
        assert f"DOCKER_HOST=unix://{SOCKET}" in json.dumps(after.named(name).inputs)
    for urn, resource in before.resources.items():
        if resource.type.startswith("docker:"):
            assert after.resources[urn].inputs == resource.inputs


def test_the_report_says_that_only_the_connection_changes(config: dict[str, Any]) -> None:
    """One host changes by its connection, and no container does."""
    old = make_plan(parse(config))
    config["hosts"]["docker-1"]["docker_socket"] = SOCKET
    changes = compare(old, make_plan(parse(config)))
    assert [(host.host, host.action) for host in changes.hosts] == [("docker-1", "update connection")]
    assert not changes.containers
