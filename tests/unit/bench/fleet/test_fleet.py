"""A simulated fleet: real ssh reaches its hosts, and what it leaves behind."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from bench.fleet import namespace
from bench.fleet.project import chosen
from bench.fleet.tools import PARENT
from bench.project import ROOT

pytestmark = pytest.mark.skipif(bool(namespace.missing()), reason=f"no fleet here: {namespace.missing()}")


def namespaces_work() -> str:
    """Return why this machine gives no namespaces, as in most containers; empty where it does."""
    done = subprocess.run(
        namespace.command_inside(["mount", "-t", "tmpfs", "tmpfs", "/run"]),
        capture_output=True, text=True, timeout=20, check=False,
    )  # fmt: skip
    return done.stderr.strip() if done.returncode else ""


def of_this_machine() -> tuple[set[str], set[str]]:
    """Return what a fleet could leave behind here: its mounts and its links."""
    mounts = {line for line in Path("/proc/self/mounts").read_text().splitlines() if str(namespace.FOLDER) in line}
    return mounts, {link.name for link in Path("/sys/class/net").iterdir() if link.name in ("lan", PARENT)}


def test_status_reads_hosts_through_real_ssh() -> None:
    """Two hosts are as planned and one has nothing; one that refuses and one that is silent are unreachable. Nothing is left."""
    reason = namespaces_work()
    if reason:
        pytest.skip(f"no namespaces here: {reason}")
    before = of_this_machine()
    done = subprocess.run(
        namespace.command_inside([sys.executable, "-m", "tests.support.fleet_status"]),
        cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    empty = ["network-missing", *["container-missing"] * 3]
    assert found["well"] == [f"host-3 {kind}" for kind in empty]
    assert found["failed"] == [
        "host-1 host-unreachable",
        "host-2 host-unreachable",
        *(f"host-3 {kind}" for kind in empty),
    ]
    assert not namespace.FOLDER.exists()
    assert of_this_machine() == before


def test_failures_meet_different_hosts() -> None:
    """Dead and slow hosts are spread over the fleet, and none is both."""
    names = [str(number) for number in range(100)]
    dead, slow = chosen(names, 10, offset=1), chosen(names, 10, offset=3)
    assert len({*dead, *slow}) == 20
    assert dead[:2] == ["1", "11"]
