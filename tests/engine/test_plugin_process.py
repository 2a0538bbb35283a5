"""The plugin's process and those that it started, when the engine ends."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.processes import alive, pids_in, wait_for
from tests.support.projects import ROOT


@pytest.mark.parametrize("ends", ["terminate", "kill the engine"])
def test_no_process_is_left(tmp_path: Path, ends: str) -> None:
    """The plugin ends, and what it started, when the engine ends it and when the engine was killed."""
    program = f"""
import sys, threading
from tests.support.plugin import running_plugin
with running_plugin() as plugin:
    ssh = ["/bin/sh", "-c", "echo $$ >>{tmp_path}/pids; exec sleep 100"]
    state = {{"host": "h", "ssh": ssh, "container": "c", "container_id": "1", "fabric": "f", "ports": []}}
    threading.Thread(target=lambda: plugin.delete("BridgeConnection", state), daemon=True).start()
    print(plugin.process.pid, flush=True)
    sys.stdin.readline()
"""
    with subprocess.Popen(
        [sys.executable, "-c", program],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as engine:
        assert engine.stdout is not None
        assert engine.stdin is not None
        process = int(engine.stdout.readline())
        pids = [process, *wait_for(lambda: pids_in(tmp_path / "pids", 1))]
        assert all(alive(pid) for pid in pids)
        if ends == "terminate":
            engine.stdin.write("\n")
            engine.stdin.flush()
        else:
            engine.kill()
        assert wait_for(lambda: not any(alive(pid) for pid in pids))
        engine.kill()
