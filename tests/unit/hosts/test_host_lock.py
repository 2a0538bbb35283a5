"""The lock of a host, with the real shell text and the real flock(2): the shell and the locked file are this machine's own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

import pytest

from ipvlan.hosts import host_lock
from ipvlan.hosts.connection import HostConnection
from ipvlan.hosts.errors import HostError, HostUnreachableError
from ipvlan.hosts.host_lock import Holder, HostLockedError, HostLocks
from ipvlan.hosts.script import Output

HERE = HostConnection(name="docker-1", command=("sh", "-c"))
FIRST = Holder(what="ipvlan heal", who="ann@desk", since="2026-11-24 07:00:00 UTC", token="one")
SECOND = Holder(what="pulumi up", who="bob@ci", since="2026-11-24 07:01:00 UTC", token="two")


@pytest.fixture(autouse=True)
def file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Lock a file of the test in place of /etc/machine-id; it cannot be written."""
    file = tmp_path / "machine-id"
    file.write_text("0123\n")
    file.chmod(0o444)
    monkeypatch.setattr(host_lock, "LOCK_FILES", (str(tmp_path / "missing"), str(file)))
    # Other tests lock files of their own on this machine at the same time.
    monkeypatch.setattr(host_lock, "LOCK_MARKER", f"test-lock-{uuid4().hex}")
    return file


def locks(holder: Holder) -> HostLocks:
    """Return the locks of a run."""
    return HostLocks(holder, timeout=10)


def is_free(file: Path) -> bool:
    """Return whether nobody has the lock."""
    return subprocess.run(["flock", "-n", str(file), "true"], check=False).returncode == 0


def wait_for(condition: Callable[[], bool], seconds: float) -> bool:
    """Return whether it comes true in time."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.05)
    return True


def test_a_second_run_is_told_who_has_the_lock(file: Path) -> None:
    """The first run has the lock until its end; the second one gets who has it, for what and since when, and nothing else."""
    with locks(FIRST) as first, locks(SECOND) as second:
        assert isinstance(first.acquire([HERE])["docker-1"], Output)
        with pytest.raises(HostLockedError) as refused:
            second.acquire([HERE])
        assert str(refused.value).startswith(
            'IPF771 host "docker-1"\n    problem: ann@desk runs `ipvlan heal` there since 2026-11-24 07:00:00 UTC\n'
        )
        assert not is_free(file)
    assert is_free(file)
    with locks(SECOND) as second:
        second.acquire([HERE])


def test_the_end_of_an_interrupted_run_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """A run says once that it waits for what only ends an interrupted run, and goes on; for others it does not wait."""
    told: list[str] = []
    with locks(Holder(what=host_lock.ENDS_A_RUN)) as ending, locks(SECOND) as second:
        ending.acquire([HERE])
        with pytest.raises(HostLockedError):
            second.acquire([HERE])
        release = threading.Timer(0.5, ending.release)
        release.start()
        second.acquire([HERE], waiting=told.append)
        release.join()
        assert len(told) == 1
        assert host_lock.ENDS_A_RUN in told[0]
    with locks(Holder(what=host_lock.ENDS_A_RUN)) as ending, locks(SECOND) as second:
        ending.acquire([HERE])
        monkeypatch.setattr(host_lock, "ENDING_SECONDS", 0.5)
        with pytest.raises(HostLockedError):
            second.acquire([HERE], waiting=told.append)
        monkeypatch.setattr(host_lock, "ENDING_SECONDS", 60)
        second.stop_waiting()
        with pytest.raises(HostLockedError):
            second.acquire([HERE], waiting=told.append)
    told.clear()
    with locks(FIRST) as first, locks(SECOND) as second:
        first.acquire([HERE])
        with pytest.raises(HostLockedError):
            second.acquire([HERE], waiting=told.append)
        assert told == []


def test_all_or_none(file: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A run that does not get the lock of one host gives back those that it got."""
    free = tmp_path / "free"
    free.touch()
    marker = f"test-lock-{uuid4().hex}"
    monkeypatch.setattr(host_lock, "LOCK_MARKER", marker)
    other = HostConnection(
        name="docker-2",
        command=(sys.executable, "-c", RUN_ON.format(file=file, free=free, marker=marker)),
    )
    with locks(FIRST) as first, locks(SECOND) as second:
        first.acquire([HERE])
        with pytest.raises(HostLockedError):
            second.acquire([other, HERE])
        assert is_free(free)


RUN_ON = (
    "import subprocess, sys\n"
    "text = sys.stdin.buffer.raw.read(65536).decode().replace('{file}', '{free}').replace('{marker}', 'elsewhere')\n"
    "shell = subprocess.Popen(['sh', '-s'], stdin=subprocess.PIPE)\n"
    "shell.stdin.write(text.encode()); shell.stdin.flush()\n"
    "for line in sys.stdin.buffer.raw: shell.stdin.write(line); shell.stdin.flush()\n"
    "shell.stdin.close(); shell.wait()\n"
)
"""Another host: the same shell text with another file, whose holder is not seen from the first host."""


def test_what_a_run_started_is_not_stopped_by_it(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The `pulumi up` that `ipvlan heal` starts has the run's token: it goes on, and the lock stays the first one's."""
    with locks(FIRST) as first:
        first.acquire([HERE])
        monkeypatch.setenv(host_lock.LOCK_TOKEN, FIRST.token)
        with locks(Holder(what="pulumi up")) as nested:
            assert nested.acquire([HERE], "echo seen=yes")["docker-1"] == Output(
                {"lock": ("borrowed",), "seen": ("yes",)}
            )
        assert not is_free(file)


def test_a_visit_rides_on_the_connection(file: Path) -> None:
    """The text runs while the lock is held, its output is returned, and what it leaves running does not keep the lock."""
    visit = f"flock -n {file} true || echo free=no\nsleep 60 >/dev/null 2>&1 &\necho pid=$!\ncat\necho loud >&2"
    with locks(FIRST) as first:
        output = first.acquire([HERE], visit)["docker-1"]
        assert isinstance(output, Output)
        assert (output.text("free"), output.other) == ("no", ("loud",))
    assert is_free(file)
    os.kill(int(output.text("pid")), signal.SIGKILL)


HOLD = (
    "import sys; from ipvlan.hosts import host_lock as h; from ipvlan.hosts.connection import HostConnection as C\n"
    "h.LOCK_FILES = (sys.argv[1],); h.SILENCE_SECONDS = 2; h.BEAT_SECONDS = 0.3\n"
    "with h.HostLocks(h.Holder(what='x'), timeout=10) as locks:\n"
    "    locks.acquire([C(name='docker-1', command=('sh', '-c'))]); print('held', flush=True); sys.stdin.read()\n"
)


def hold(file: Path) -> subprocess.Popen[str]:
    """Return another process that has the lock, and whose host waits two seconds for a line."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(file)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def end(process: subprocess.Popen[str]) -> None:
    """End it, however it is."""
    process.kill()
    process.communicate()


def test_a_killed_run_leaves_no_lock(file: Path) -> None:
    """`kill -9` gives the lock back at once."""
    process = hold(file)
    assert not is_free(file)
    end(process)
    assert wait_for(lambda: is_free(file), 2)


def test_a_silent_run_loses_its_lock(file: Path) -> None:
    """A run whose lines do not arrive (no network, stopped) has the lock for the time of silence; a living one keeps it."""
    process = hold(file)
    try:
        time.sleep(2.5)
        assert not is_free(file)
        process.send_signal(signal.SIGSTOP)
        assert not is_free(file)
        assert wait_for(lambda: is_free(file), 6)
    finally:
        end(process)


def test_a_lost_lock_is_noticed(file: Path) -> None:
    """When the connection of the lock ends, `check` says so, for that host alone."""
    with locks(FIRST) as first:
        first.acquire([HERE])
        first.check(["docker-1", "docker-2"])
        (process,) = first._kept.values()
        process.kill()
        process.wait()
        first.check(["docker-2"])
        with pytest.raises(HostError, match="the connection that holds its lock has ended"):
            first.check(["docker-1"])


def test_hosts_without_a_lock(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A host that does not answer, one without a file and one without flock are reported, and stop no other host."""
    silent = HostConnection(name="docker-2", command=("sh", "-c", "echo No route to host >&2; exit 255"))
    bare = HostConnection(name="docker-3", command=("sh", "-c", f'PATH={tmp_path}; eval "$0"'))
    for tool in ("sh", "sed"):
        (tmp_path / tool).symlink_to(f"/bin/{tool}")
    with locks(FIRST) as first:
        result = first.acquire([silent, bare, HERE])
        assert isinstance(result["docker-2"], HostUnreachableError)
        assert "No route to host" in str(result["docker-2"])
        assert "flock: not found" in str(result["docker-3"])
        assert isinstance(result["docker-1"], Output)
    monkeypatch.setattr(host_lock, "LOCK_FILES", (str(tmp_path / "missing"),))
    with locks(FIRST) as first:
        refused = first.acquire([HERE])["docker-1"]
        assert f"the ssh user can read none of {tmp_path}/missing" in str(refused)


def test_a_lock_of_a_stranger(file: Path, tmp_path: Path) -> None:
    """A process that is none of ours and has the lock is not named, and the file is."""
    # The host waits for a holder that does not show yet: here, less long.
    (tmp_path / "sleep").write_text("#!/bin/sh\nexec /bin/sleep 0.01\n")
    (tmp_path / "sleep").chmod(0o755)
    host = HostConnection(name="docker-1", command=("sh", "-c", f'PATH={tmp_path}:$PATH; eval "$0"'))
    with subprocess.Popen(["flock", "--no-fork", str(file), "sleep", "60"]) as stranger, locks(FIRST) as first:
        try:
            assert wait_for(lambda: not is_free(file), 5)
            with pytest.raises(HostLockedError, match=r"a process there has a lock on .*/machine-id, and is not shown"):
                first.acquire([host])
        finally:
            stranger.kill()


def test_a_host_that_hangs_is_given_up(file: Path) -> None:
    """The time limit is that of the run, and nothing stays."""
    with HostLocks(FIRST, timeout=0.5) as first:
        refused = first.acquire([HERE], "sleep 5 >/dev/null 2>&1")["docker-1"]
    assert "no answer within 0.5 seconds" in str(refused)


def test_the_file_is_not_changed(file: Path) -> None:
    """Nothing is written: the file stays as it is, with its time."""
    before = file.stat()
    with locks(FIRST) as first:
        first.acquire([HERE])
    after = file.stat()
    assert (file.read_text(), before.st_mtime_ns, before.st_mode) == ("0123\n", after.st_mtime_ns, after.st_mode)
    assert [path.name for path in file.parent.iterdir()] == ["machine-id"]
