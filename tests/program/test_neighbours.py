"""The program names what clashes with other stacks of the project."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from components import program_inputs
from tests.support.projects import write_project
from tools.reference_setup import STACK_TEXT


def test_a_run_names_what_clashes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, config: dict[str, Any]) -> None:
    """A preview prints one warning for each kind, of the other stack files beside it, and goes on; its own file is none of them."""
    shown: list[str] = []
    write_project(tmp_path)
    write_project(tmp_path, STACK_TEXT.replace("10.1.", "10.2.").replace("ipvlanl2", "second"), "blue")
    write_project(tmp_path, "config: [", "broken")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("pulumi.Config.get", lambda _self, key: json.dumps(config[key]) if key in config else None)
    monkeypatch.setattr("pulumi.get_stack", lambda: "dev")
    monkeypatch.setattr("pulumi.runtime.is_dry_run", lambda: True)
    monkeypatch.setattr("pulumi.log.warn", shown.append)
    assert len(program_inputs.read_fabric_args().plan.hosts) == 2
    assert [text.partition(":")[0] for text in shown] == [
        "IPF352 services.nginx.ports and Pulumi.blue.yaml",
        "IPF353 services.centos and Pulumi.blue.yaml",
        "IPF355 hosts.docker-1.parent and Pulumi.blue.yaml",
        "IPF350 Pulumi.broken.yaml\n    problem",
    ]
    # Programs in other languages have no stack files of ours.
    shown.clear()
    program_inputs.fabric_args(program_inputs.read_config(program_inputs.project_folder()), {})
    assert shown == []
