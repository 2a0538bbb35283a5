"""An `up` with nothing to do does not wait for packages that a process never uses."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from typing import Any

import pytest

from components import program_inputs as stack_module
from ipvlan.hosts.availability import Visit
from ipvlan.hosts.connection import HostConnection
from ipvlan.plan.make import make_plan
from ipvlan.plan.validate import parse
from tests.support.strict_monitor import NOTHING_RECORDED, ROOT


@pytest.mark.parametrize(
    ("module", "not_loaded"),
    [
        # The engine starts the plugin at every preview and `up`, and waits for it.
        ("provider.process", ["pulumi_docker", "pulumi_command", "pydantic", "netaddr", "ruamel", "components"]),
        # The process of dynamic resources, for a state of that time.
        ("components.bridge_connection", ["pulumi_docker", "pydantic", "netaddr", "ruamel"]),
        ("components.address_claims", ["pulumi_docker", "pydantic", "netaddr", "ruamel"]),
        # Started once for each new host.
        ("ipvlan.checks.host_check", ["pulumi", "pydantic", "netaddr", "ruamel", "docker"]),
        # The program: it imports them while the hosts are being contacted, not before.
        ("components.ipvlan_fabric", ["pulumi_docker", "pulumi_command"]),
        ("components.program_inputs", ["pulumi_docker", "pulumi_command"]),
    ],
)
def test_a_module_loads_no_more_than_it_needs(module: str, not_loaded: list[str]) -> None:
    """Importing it does not import the slow packages that it needs later, or never."""
    text = f"import sys, {module}; sys.exit(str([name for name in {not_loaded!r} if name in sys.modules]))"
    done = subprocess.run(
        [sys.executable, "-c", text], cwd=ROOT, capture_output=True, text=True, check=False, timeout=30
    )
    assert done.stderr.strip() == "[]"


def test_the_docker_provider_loads_while_the_hosts_are_contacted(config: dict[str, Any]) -> None:
    """Its package is imported after the hosts are contacted, and before their answers are awaited."""
    text = f"""
import json, sys
from tests.support.given_folder import GivenFolder
from unittest import mock
from components import program_inputs

loaded = []

class Visits:
    def __init__(self, plan):
        loaded.append("pulumi_docker" in sys.modules)

    def unavailable(self):
        loaded.append("pulumi_docker" in sys.modules)
        return {{}}

    def tell_off_the_fabric(self, unavailable):
        pass

    def existing(self):
        return ()

    def from_before(self):
        return {{}}

    def recorded(self):
        return {{}}

    def proven(self):
        return ()

    def settled(self):
        return None

    def replaced_networks(self):
        return ()

    def volumes(self, stack, secrets, unavailable):
        return dict(), dict()

    def rebuilt_bridges(self, stack):
        return ()

    def new_hosts(self):
        return ()

    def removable_networks(self):
        return ()

    def bridges(self, stack, unavailable):
        return program_inputs.BridgesLooked(dict(), dict(), dict())

sections = json.loads({json.dumps(config)!r})
with (
    mock.patch("components.program_inputs.HostVisits", Visits),
    mock.patch("components.program_inputs.require_connections"),
    mock.patch("components.program_inputs.project_folder", lambda: GivenFolder("test", sections, {{}})),
    mock.patch("pulumi.Config.get", lambda self, key: json.dumps(sections[key]) if key in sections else None),
    mock.patch("pulumi.get_stack", lambda: "test"),
):
    args = program_inputs.read_fabric_args()
print(loaded, args.stack, len(args.plan.hosts))
"""
    done = subprocess.run(
        [sys.executable, "-c", text], cwd=ROOT, capture_output=True, text=True, check=True, timeout=30
    )
    assert done.stdout.strip() == "[False, True] test 2"


def test_hosts_are_visited_at_once_and_awaited_last(monkeypatch: pytest.MonkeyPatch, config: dict[str, Any]) -> None:
    """The hosts are visited when HostVisits is created, never in a preview; reading it waits for their answers."""
    visited: list[str] = []

    def visit(connections: Sequence[HostConnection], *, connect_timeout: float, network: str) -> dict[str, Visit]:
        visited.extend(connection.name for connection in connections)
        return {}

    monkeypatch.setattr(stack_module, "visit_hosts", visit)
    monkeypatch.setattr(stack_module, "read_stack_state", lambda _stack, _folder: NOTHING_RECORDED)
    monkeypatch.setattr("pulumi.runtime.is_dry_run", lambda: False)
    plan = make_plan(parse(config))
    assert not stack_module.HostVisits(plan).unavailable()
    assert visited == ["docker-1", "docker-2"]
    monkeypatch.setattr("pulumi.runtime.is_dry_run", lambda: True)
    assert not stack_module.HostVisits(plan).unavailable()
    assert visited == ["docker-1", "docker-2"]
