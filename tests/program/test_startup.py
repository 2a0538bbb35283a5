"""What an `up` with nothing to do does not wait for: packages that a process loads and never uses."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

from components import program_inputs as stack_module
from ipvlan.plan.make import make_plan
from ipvlan.plan.validate import parse
from tests.support.strict_monitor import ROOT


@pytest.mark.parametrize(
    ("module", "not_loaded"),
    [
        # The engine starts the process that serves these at every `up` and waits for it.
        ("components.bridge_connection", ["pulumi_docker", "pydantic", "netaddr", "ruamel"]),
        ("components.address_claims", ["pulumi_docker", "pydantic", "netaddr", "ruamel"]),
        # Loaded while the hosts are being asked, not before.
        ("components.program_inputs", ["pulumi_docker", "pulumi_command"]),
    ],
)
def test_a_module_loads_no_more_than_it_needs(module: str, not_loaded: list[str]) -> None:
    """Importing it leaves the slow packages alone that it needs later, or never."""
    text = f"import sys, {module}; sys.exit(str([name for name in {not_loaded!r} if name in sys.modules]))"
    done = subprocess.run(
        [sys.executable, "-c", text], cwd=ROOT, capture_output=True, text=True, check=False, timeout=30
    )
    assert done.stderr.strip() == "[]"


def test_hosts_are_asked_at_once_and_waited_for_last(monkeypatch: pytest.MonkeyPatch, config: dict[str, Any]) -> None:
    """The hosts are asked when the answers are made, and the answer is awaited only where it is read."""
    asked: list[object] = []

    def answer(plan: object) -> dict[str, str]:
        asked.append(plan)
        return {}

    monkeypatch.setattr(stack_module, "unreachable", answer)
    monkeypatch.setattr("pulumi.runtime.is_dry_run", lambda: False)
    plan = make_plan(parse(config))
    assert stack_module.HostAnswers(plan).unreachable() == frozenset()
    assert asked == [plan]
    monkeypatch.setattr("pulumi.runtime.is_dry_run", lambda: True)
    assert stack_module.HostAnswers(plan).unreachable() == frozenset()
    assert asked == [plan]
