"""The bench itself, with substitutes for the tools and the lab: the turns, the tables, and the exit status."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import typer

from bench import run
from bench.run import ANSIBLE_COLLECTION, BY_HAND, THIS, UNCHECKED

SECONDS = {
    BY_HAND: {"up": [10.0, 20.0], "again": [0.0, 0.0], "down": [4.0, 4.0]},
    THIS: {"up": [12.0, 24.0], "again": [1.6, 1.8], "down": [4.4, 4.8]},
    UNCHECKED: {"up": [11.0, 22.0], "again": [1.6, 1.6], "down": [4.4, 4.4]},
}


def test_the_tools_have_their_turns() -> None:
    """Each does all passes in a run; another one is first each time."""
    done: list[str] = []

    def tool(name: str) -> Callable[[str], None]:
        return lambda step: done.append(f"{name} {step}")

    seconds = run.measure({"a": tool("a"), "b": tool("b")}, 2)
    assert done == [
        "a up", "a again", "a down", "b up", "b again", "b down",
        "b up", "b again", "b down", "a up", "a again", "a down",
    ]  # fmt: skip
    assert {name: {step: len(values) for step, values in of.items()} for name, of in seconds.items()} == {
        "a": {"up": 2, "again": 2, "down": 2},
        "b": {"up": 2, "again": 2, "down": 2},
    }


def measured(monkeypatch: pytest.MonkeyPatch, seconds: Mapping[str, Any]) -> list[str]:
    """Let the lab be up and empty, and the tools take so long; return the commands of the lab."""
    commands: list[str] = []

    def lab(*command: str, timeout: float = 0) -> str:
        assert timeout >= 0
        commands.append(" ".join(command))
        return ""

    monkeypatch.setattr(run, "lab", lab)
    monkeypatch.setattr(run, "images", lambda: {"debian-init": "debian@1", "nginx": "nginx@2"})
    monkeypatch.setattr(run, "measure", lambda _tools, _runs: seconds)
    return commands


def test_within_the_limits(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """The tables have medians with their spread, and ratios of the same run. Nothing fails."""
    measured(monkeypatch, SECONDS)
    run.main(runs=2, ansible=False)
    printed = capsys.readouterr().out
    for part in (
        "15.0 (10.0-20.0)", "18.0 (12.0-24.0)", "1.20 (1.20-1.20)", "1.10 (1.10-1.10)", "1.15 (1.10-1.20)",
        "1.3, in every run", "1.2, in every run", "within the limits in every run",
    ):  # fmt: skip
        assert part in printed
    assert "EXCEEDED" not in printed


def test_one_run_beyond_a_limit_fails(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """The median is within it."""
    slow = {**SECONDS, THIS: {**SECONDS[THIS], "up": [10.0, 28.0]}}
    measured(monkeypatch, slow)
    with pytest.raises(typer.Exit) as ended:
        run.main(runs=2, ansible=False)
    assert ended.value.exit_code == 1
    line = "LIMIT EXCEEDED: up, run 2: 1.40 x the reference commands, and the limit is 1.3 x (28.0 s and 20.0 s)"
    assert line in capsys.readouterr().out


def test_ansible_is_compared_with_this_program() -> None:
    """Where it was measured."""
    with_ansible = {**SECONDS, ANSIBLE_COLLECTION: {"up": [24.0, 48.0], "again": [16.0, 16.0], "down": [8.8, 9.6]}}
    for seconds, columns in ((SECONDS, 4), (with_ansible, 5)):
        times, ratios = run.tables(seconds)
        assert len(times.columns) == len(seconds) + 1
        assert len(ratios.columns) == columns


def test_a_pass_of_this_program(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Pulumi writes its event log only in this environment, and each pass has its phases."""
    log = tmp_path / "events"
    commands: list[tuple[str, ...]] = []
    type_ = "docker:index/network:Network"

    def lab(*command: str) -> str:
        commands.append(command)
        metadata = {"op": "create", "urn": f"urn::{type_}::net", "type": type_, "old": None, "new": {"custom": True}}
        lines = [{kind: {"metadata": metadata}} for kind in ("resourcePreEvent", "resOutputsEvent")]
        Path(command[command.index("--event-log") + 1]).write_text("".join(f"{json.dumps(line)}\n" for line in lines))
        return ""

    monkeypatch.setattr(run, "lab", lab)
    program = run.ThisProgram(log, "--cwd", "/elsewhere")
    for step in ("up", "again", "down"):
        program(step)
    common = ("--stack", "dev", "--yes", "--skip-preview", "--event-log", str(log), "--cwd", "/elsewhere")
    assert commands == [
        ("exec", "env", "PULUMI_DEBUG_COMMANDS=true", "pulumi", command, *common) for command in ("up", "up", "destroy")
    ]
    assert {step: [phase.kind for phase in found[0]][1] for step, found in program.phases.items()} == dict.fromkeys(
        ("up", "again", "down"), "network"
    )
