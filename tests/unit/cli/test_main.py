"""How the `ipvlan` command starts and ends: subcommands, errors, exit statuses."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from ipvlan.cli.main import SUBCOMMANDS
from tests.support.projects import ROOT, ipvlan, ipvlan_process, write_project
from tools.reference_setup import STACK_TEXT


def test_as_a_process_of_its_own(tmp_path: Path) -> None:
    """Started as a person starts it, the command prints, and fails with its message alone and status 1."""
    write_project(tmp_path)
    done = ipvlan_process(tmp_path, "plan", "--at", "10.1.2.2")
    assert (done.returncode, done.stdout, done.stderr) == (0, "10.1.2.2: nginx on docker-2 (service nginx)\n", "")
    wrong = ipvlan_process(tmp_path, "--stack", "nowhere", "plan")
    assert (wrong.returncode, wrong.stdout) == (1, "")
    assert wrong.stderr.startswith("the config has 1 problem:")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--stack", "nowhere", "plan"], "there are: Pulumi.dev.yaml"),
        (["--stack", "a b", "plan"], "this is not the name of a stack"),
        (["--project", "/", "plan"], "there is no Pulumi.yaml in this folder or in a folder above it"),
        (["report", "--base", "main"], "--base"),
        (["report", "--base", "--upload-pack=x"], "--base"),
    ],
)
def test_a_mistake_ends_in_one_message(tmp_path: Path, arguments: list[str], message: str) -> None:
    """No traceback, exit status 1, and the message says what to do."""
    write_project(tmp_path)
    done = ipvlan(tmp_path, *arguments)
    assert done.returncode == 1
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


def test_a_bad_config_fails_every_subcommand(tmp_path: Path) -> None:
    """All problems are printed by each subcommand, none of them with a traceback."""
    write_project(tmp_path, STACK_TEXT.replace("offset: 2", "offset: 1").replace("10.1.0.1", "10.2.0.1"))
    for arguments in (
        ["plan"],
        ["plan", "--json"],
        ["plan", "--at", "10.1.1.1"],
        ["allocate"],
        ["allocate", "--check"],
    ):
        done = ipvlan(tmp_path, *arguments)
        assert done.returncode == 1
        assert "the config has 2 problems" in done.stderr
        assert "fabric.gateway: 10.2.0.1" in done.stderr
        assert "services.centos.offset and services.nginx.offset: 10.1.1.1" in done.stderr
        assert "Traceback" not in done.stderr


def test_help_lists_every_subcommand(tmp_path: Path) -> None:
    """`ipvlan --help` has every subcommand with its help text, in order; each has help of its own."""
    write_project(tmp_path)
    done = ipvlan(tmp_path, "--help")
    assert done.returncode == 0
    assert "Plan, check and repair an ipvlan fabric." in done.stdout
    listed = [line.split("│")[1].split(maxsplit=1) for line in done.stdout.splitlines() if line.startswith("│ ")]
    subcommands = [row for row in listed if row[0] in SUBCOMMANDS]
    assert [name for name, _ in subcommands] == list(SUBCOMMANDS)
    assert all(text.strip() for _, text in subcommands)
    for name in SUBCOMMANDS:
        assert f"ipvlan {name} [OPTIONS]" in ipvlan(tmp_path, name, "--help").stdout


def test_an_unknown_subcommand_is_refused(tmp_path: Path) -> None:
    """A misspelt subcommand ends with status 2, and the right one is proposed."""
    write_project(tmp_path)
    done = ipvlan(tmp_path, "stats")
    assert done.returncode == 2
    assert "Did you mean 'status'?" in done.stderr


def test_a_subcommand_is_loaded_when_it_is_used(tmp_path: Path) -> None:
    """`ipvlan plan` does not wait for the packages that talk to hosts."""
    write_project(tmp_path)
    text = """
import sys
from ipvlan.cli.main import main
sys.argv = ["ipvlan", "plan", "--json"]
try:
    main()
finally:
    slow = ("docker", "ipvlan.checks", "ipvlan.hosts.session")
    sys.stderr.write(str([name for name in slow if name in sys.modules]))
"""
    done = subprocess.run(
        [sys.executable, "-c", text],
        cwd=tmp_path,
        env={"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )
    assert (done.returncode, done.stderr) == (0, "[]")
