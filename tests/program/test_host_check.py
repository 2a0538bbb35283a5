"""The Command that checks a host: what it runs, with which Python, and what makes it run again."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.support.projects import ROOT
from tests.support.strict_monitor import Run

RunProgram = Callable[..., Run]


@pytest.fixture
def inputs(run: RunProgram, config: dict[str, Any]) -> Mapping[str, Any]:
    """Return the inputs of docker-1's check."""
    registered: Mapping[str, Any] = run(config).named("fabric-docker-1-check").inputs
    return registered


@pytest.mark.parametrize(
    ("environment", "python"),
    [
        ({"PULUMI_RUNTIME_VIRTUALENV": "{here}/venv"}, "venv/bin/python"),
        ({"PULUMI_RUNTIME_VIRTUALENV": "venv"}, "venv/bin/python"),
        ({"PULUMI_RUNTIME_TOOLCHAIN": "uv"}, ".venv/bin/python"),
        ({"PULUMI_PYTHON_CMD": "{here}/bin/python3.12"}, "bin/python3.12"),
        ({}, "bin/python3"),
    ],
)
def test_python_is_the_programs(
    inputs: Mapping[str, Any], tmp_path: Path, environment: dict[str, str], python: str
) -> None:
    """The check runs in the environment that the engine names to its plugins, with the question on standard input."""
    for name in ("venv/bin/python", ".venv/bin/python", "bin/python3.12", "bin/python3"):
        program = tmp_path / name
        program.parent.mkdir(parents=True, exist_ok=True)
        program.write_text(f"#!/bin/sh\necho {name} $*\ncat\n")
        program.chmod(0o755)
    done = subprocess.run(
        [*inputs["interpreter"], inputs["create"]],
        input=inputs["stdin"],
        env={name: value.format(here=tmp_path) for name, value in environment.items()}
        | {"PATH": f"{tmp_path}/bin:/usr/bin:/bin"},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    first, _, rest = done.stdout.partition("\n")
    assert first == f"{python} -m ipvlan.checks.host_check"
    assert json.loads(rest)["required"]["host"] == "docker-1"


def test_it_runs_again_for_what_concerns_the_host(run: RunProgram, config: dict[str, Any]) -> None:
    """Another parent, another connection, or a mode that needs another Docker changes the inputs; publishing a port does not."""

    def inputs() -> Mapping[str, Any]:
        registered: Mapping[str, Any] = run(config).named("fabric-docker-1-check").inputs
        return registered

    before = inputs()
    config["services"]["nginx"]["published"] = False
    assert inputs() == before
    config["hosts"]["docker-1"]["parent"] = "ens34"
    other_parent = inputs()
    assert other_parent != before
    config["ssh"] = {"connect_timeout": 20}
    other_connection = inputs()
    assert other_connection != other_parent
    config["fabric"] |= {"mode": "l3s", "gateway": None}
    assert inputs() != other_connection


def test_no_path_of_this_machine_is_in_it(inputs: Mapping[str, Any]) -> None:
    """An `up` from another machine, or another folder, is no reason to ask every host again."""
    assert str(ROOT) not in str(inputs)
    assert set(inputs) == {"create", "interpreter", "stdin"}
