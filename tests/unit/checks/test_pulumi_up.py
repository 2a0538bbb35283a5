"""The `pulumi up` of a repair: its environment, an interruption, and the end by its time limit. `pulumi` is a shell script."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ipvlan.checks import pulumi_up
from ipvlan.checks.pulumi_up import run_pulumi
from ipvlan.hosts.docker_environment import REDIRECTING
from ipvlan.problems import ToolError
from tests.support.projects import ROOT


@pytest.fixture
def pulumi(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Put a `pulumi` on PATH, to be written by the test."""
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    file = tmp_path / "pulumi"
    file.touch(mode=0o755)
    return file


def test_our_pulumi_is_sent_nowhere_else(pulumi: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It has none of the variables that send Docker to another machine, all the others, and those that are added."""
    pulumi.write_text("#!/bin/sh\nenv > seen\n")
    monkeypatch.setenv("KEPT", "yes")
    for name in REDIRECTING:
        monkeypatch.setenv(name, "elsewhere")
    assert run_pulumi(["pulumi", "up"], pulumi.parent, {"ADDED": "yes"}, to_stderr=True) == 0
    seen = {line.partition("=")[0] for line in (pulumi.parent / "seen").read_text(encoding="utf-8").splitlines()}
    assert {"KEPT", "ADDED"} <= seen
    assert not seen & set(REDIRECTING)


RUN = (
    "import signal, sys; from pathlib import Path; from ipvlan.checks.pulumi_up import run_pulumi\n"
    # A process that a shell starts in the background ignores it.
    "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
    "print('begins', flush=True); sys.exit(run_pulumi(['pulumi', 'up'], Path(sys.argv[1]), {}, to_stderr=True))\n"
)

PULUMI = """#!{python} -IS
import signal, sys, time
def interrupted(*_):
    {interrupted}
signal.signal(signal.SIGINT, interrupted)
open("begun", "w").close()
time.sleep({seconds})
open("ended", "w").close()
sys.exit(3)
"""


def write(pulumi: Path, interrupted: str, seconds: float) -> None:
    """Write a pulumi that takes so long, and does that when it is interrupted."""
    pulumi.write_text(PULUMI.format(python=sys.executable, interrupted=interrupted, seconds=seconds))


def test_an_interrupted_pulumi_ends_what_it_has_begun(pulumi: Path) -> None:
    """Ctrl-C goes to both; pulumi is not killed, and this waits for it."""
    write(pulumi, "pass", 1)
    with subprocess.Popen([sys.executable, "-c", RUN, pulumi.parent], cwd=ROOT, start_new_session=True) as run:
        while not (pulumi.parent / "begun").exists():
            time.sleep(0.05)
        os.killpg(run.pid, signal.SIGINT)
        assert run.wait(30) == 3
    assert (pulumi.parent / "ended").exists()


def test_a_pulumi_that_takes_too_long_is_interrupted_first(pulumi: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After its time it gets the chance to end what it has begun; one that does not end is killed."""
    monkeypatch.setattr(pulumi_up, "PULUMI_SECONDS", 1.5)
    write(pulumi, "open('ended', 'w').close(); sys.exit(1)", 60)
    with pytest.raises(ToolError, match="IPF915"):
        run_pulumi(["pulumi", "up"], pulumi.parent, {}, to_stderr=True)
    assert (pulumi.parent / "ended").exists()
    monkeypatch.setattr(pulumi_up, "CANCEL_SECONDS", 0.5)
    write(pulumi, "pass", 60)
    began = time.monotonic()
    with pytest.raises(ToolError, match="IPF915"):
        run_pulumi(["pulumi", "up"], pulumi.parent, {}, to_stderr=True)
    assert time.monotonic() - began < 20
