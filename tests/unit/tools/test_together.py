"""Commands side by side: their output, their exit status, and their end."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.processes import alive, pids_in, wait_for
from tests.support.projects import ROOT

TOGETHER = (sys.executable, "-m", "tools.together")


def together(*commands: str) -> subprocess.CompletedProcess[str]:
    """Run commands side by side."""
    return subprocess.run([*TOGETHER, *commands], cwd=ROOT, capture_output=True, text=True, timeout=50, check=False)


def test_both_run_at_once_and_their_lines_are_told_apart(tmp_path: Path) -> None:
    """Each waits for what the other makes; what is printed to standard error too has the name before it."""
    done = together(
        f"one=touch {tmp_path}/one; until [ -e {tmp_path}/two ]; do sleep 0.05; done; echo first; echo second >&2",
        f"longer=touch {tmp_path}/two; until [ -e {tmp_path}/one ]; do sleep 0.05; done; printf 'a=b, no end'",
    )
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert [line for line in lines if line.startswith("one")][:2] == ["one    | first", "one    | second"]
    assert "longer | a=b, no end" in lines
    assert sum(" | done in " in line for line in lines) == 2


@pytest.mark.parametrize(("text", "status"), [("exit 7", 7), ("kill -KILL $$", 137)])
def test_a_failure_ends_the_others(tmp_path: Path, text: str, status: int) -> None:
    """The whole fails at once, with the status of the one that failed, and nothing goes on."""
    pids = tmp_path / "pids"
    done = together(f"long=echo $$ >{pids}; sleep 40 & wait", f"bad=until [ -s {pids} ]; do sleep 0.05; done; {text}")
    assert done.returncode == status
    assert f"bad  | failed, exit status {status} in " in done.stdout
    assert "long | is ended" in done.stdout
    assert not any(alive(pid) for pid in pids_in(pids, 1))


@pytest.mark.parametrize(("kind", "status"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_an_end_from_outside_ends_all(tmp_path: Path, kind: signal.Signals, status: int) -> None:
    """What cleans up at its end does so."""
    text = f"echo $$ >>{tmp_path}/pids; trap 'touch {tmp_path}/cleaned; exit' TERM; sleep 40 & wait"
    with subprocess.Popen([*TOGETHER, f"a={text}", f"b={text}"], cwd=ROOT, stdout=subprocess.DEVNULL) as process:
        pids = wait_for(lambda: pids_in(tmp_path / "pids", 2))
        process.send_signal(kind)
        assert process.wait(30) == status
    assert (tmp_path / "cleaned").exists()
    assert not any(alive(pid) for pid in pids)


def test_a_wrong_call_is_told(tmp_path: Path) -> None:
    """A command without a name is not run."""
    done = together(f"touch {tmp_path}/run")
    assert done.returncode == 2
    assert "usage: tools/together.py" in done.stderr
    assert not (tmp_path / "run").exists()
