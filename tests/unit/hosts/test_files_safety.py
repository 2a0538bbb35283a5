"""Links, other runs and ends at any line beside the scripts of a container's files, on a real shell."""

from __future__ import annotations

import fcntl
import os
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from ipvlan.hosts.errors import FILES_NOT_OURS, FILES_NOT_WRITTEN, HostError
from ipvlan.hosts.files import FileBytes
from tests.support.files_host import Host, files_host

SLOT, SITES = "nginx.conf.aaaaaaaa", "conf.d.bbbbbbbb"
TARGET = "/etc/nginx/nginx.conf"
MOUNTS = {TARGET: SLOT, "/etc/nginx/conf.d": SITES}


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Host]:
    """Return a host without any files."""
    with files_host(tmp_path) as host:
        yield host


def stage(host: Host, content: str) -> None:
    """Stage a file, and one in a folder."""
    common = {"content": content.encode(), "owner": "0:0", "mode": "0444"}
    host.folder.stage(
        [
            FileBytes(target=TARGET, slot=SLOT, path="", **common),  # type: ignore[arg-type]
            FileBytes(target="/etc/nginx/conf.d/a", slot=SITES, path="a", **common),  # type: ignore[arg-type]
        ]
    )


def activate(host: Host) -> None:
    """Bring what is staged live for a restart."""
    host.folder.activate(MOUNTS, pid=0, hold=False, keep=True)


@pytest.mark.parametrize("part", ["live", "held", "staged", "before", "spare"])
def test_a_part_that_is_a_link_is_not_ours(host: Host, tmp_path: Path, part: str) -> None:
    """Somebody moved it to another disk: nothing is removed or written there."""
    stage(host, "1")
    activate(host)
    host.folder.keep_for_spare()
    (host.path / part).rename(tmp_path / "disk")
    (tmp_path / "disk" / "of others").write_text("x")
    (host.path / part).symlink_to(tmp_path / "disk")
    works: tuple[Callable[[], object], ...] = (
        lambda: stage(host, "2"), lambda: host.folder.end(MOUNTS, spare=True), lambda: activate(host),
    )  # fmt: skip
    for work in works:
        with pytest.raises(HostError, match=f"/{part} ") as caught:
            work()
        assert caught.value.problems[0].code == FILES_NOT_OURS
    assert (tmp_path / "disk" / "of others").read_text() == "x"


def test_a_slot_that_is_a_link_is_replaced(host: Host, tmp_path: Path) -> None:
    """A rename to a link to a folder would put the file into that folder."""
    stage(host, "1")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    for link in (host.path / "live" / SLOT, host.path / "live" / SITES / "a"):
        link.unlink()
        link.symlink_to(elsewhere)
    stage(host, "2")
    activate(host)
    assert host.names("live") == {SLOT: "2", f"{SITES}/a": "2"}
    assert not (host.path / "live" / SLOT).is_symlink()
    assert [*elsewhere.iterdir()] == []


def test_what_is_no_slot_is_not_removed(host: Host) -> None:
    """Nobody asked for its end, whatever it is; a slot that no container has is removed."""
    stage(host, "1")
    for name in ("precious", "a\nb.cccccccc", "x.123", "old.conf.0123abcd"):
        (host.path / "live" / name).write_text("x")
    host.folder.end(MOUNTS)
    assert set(host.names("live")) == {SLOT, f"{SITES}/a", "precious", "a\nb.cccccccc", "x.123"}
    assert not host.folder.compare(MOUNTS, pid=0).left


def test_two_scripts_do_not_work_in_one_folder(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that a run gave up may still work: the next one waits for its end, or fails; a look does not wait."""
    stage(host, "1")
    monkeypatch.setattr("ipvlan.hosts.files.WAIT_SECONDS", 1)
    for locked in (host.path, host.path.parent.parent):
        descriptor = os.open(locked, os.O_RDONLY)
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        works = [lambda: stage(host, "2"), host.folder.remove]
        works += [lambda: activate(host), lambda: host.folder.end(MOUNTS)] if locked == host.path else []
        for work in works:
            with pytest.raises(HostError, match="still works in") as caught:
                work()
            assert caught.value.problems[0].code == FILES_NOT_WRITTEN
        assert not host.folder.compare(MOUNTS, pid=0).differs
        os.close(descriptor)
    monkeypatch.setattr("ipvlan.hosts.files.WAIT_SECONDS", 20)
    descriptor = os.open(host.path, os.O_RDONLY)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    began = time.monotonic()
    threading.Timer(1.5, os.close, [descriptor]).start()
    stage(host, "2")
    assert time.monotonic() - began > 1.4
    assert host.names("staged")[SLOT] == "2"


def test_there_is_always_something_staged(host: Host) -> None:
    """Wherever a run is killed while it stages: it can be compared, and goes live, old or new as a whole."""
    stage(host, "0")
    seen = set[str]()
    states = host.states(stage, "1")
    assert len(states) > 2
    for state in states:
        host.restore(state)
        compared = host.folder.compare(MOUNTS, pid=0)
        assert compared.tree
        activate(host)
        live = host.names("live")
        assert live[SLOT] == live[f"{SITES}/a"]
        assert not (host.path / "next").exists()
        host.folder.end(MOUNTS)
        seen.add("new" if live[SLOT] == "1" else "old")
    assert seen == {"old", "new"}
    (host.path / "staged").rename(host.path / "next")
    assert not host.folder.compare(MOUNTS, pid=0).differs
    assert host.folder.read({TARGET: {"slot": SLOT, "path": ""}}).staged


def test_a_first_stage_that_fails_leaves_no_secret(host: Host) -> None:
    """No state has it then, so nothing would remove it; a later one that fails leaves what is there."""
    text = 'flush "$new/live"'

    def run(script: str, seconds: float) -> str:
        assert text in script
        return host.run(script.replace(text, "echo 'No space left on device'; false"), seconds)

    failing = replace(host.folder, run=run)
    both = [
        FileBytes(target=TARGET, slot=SLOT, path="", content=b"correct horse", owner="0:0", mode="0400"),
        FileBytes(target="/b", slot="b.cccccccc", path="", content=b"x", owner="0:0", mode="0400"),
    ]
    with pytest.raises(HostError, match="No space left"):
        failing.stage(both)
    assert not host.path.exists()
    host.folder.stage(both[:1])
    with pytest.raises(HostError, match="No space left"):
        failing.stage(both)
    assert host.names("live") == {SLOT: "correct horse"}


@pytest.mark.parametrize(
    ("old", "new", "between"), [("0400", "0444", "400"), ("0444", "0400", "400"), ("0640", "0604", "600")]
)
def test_bytes_are_never_open_to_more_users(host: Host, tmp_path: Path, old: str, new: str, between: str) -> None:
    """While the inode that a container has is overwritten: neither the old bytes with the new mode, nor the other way round."""
    mounted, notes = tmp_path / "mounted", tmp_path / "notes"
    mounts = {str(mounted): SLOT}

    def stage_one(mode: str) -> None:
        host.folder.stage(
            [FileBytes(target=str(mounted), slot=SLOT, path="", content=mode.encode(), owner="0:0", mode=mode)]
        )

    def run(script: str, seconds: float) -> str:
        return host.run(script.replace('cat "$1" >"$', f'stat -c %a "$held" >>{notes}; cat "$1" >"$'), seconds)

    stage_one(old)
    os.link(host.path / "live" / SLOT, mounted)
    stage_one(new)
    replace(host.folder, run=run).activate(mounts, pid=host.root.pid, hold=True, keep=True)
    assert notes.read_text().split() == [between]
    assert (mounted.read_text(), mounted.stat().st_mode & 0o777) == (new, int(new, 8))


def test_a_target_over_a_link_of_the_image_is_not_compared_with_the_host(host: Host, tmp_path: Path) -> None:
    """`/var/run` of an image leads to `/run`, which is the host's from there: its file is not what the container has."""
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "x").write_text("of the host")
    (tmp_path / "var-run").symlink_to(tmp_path / "run")
    for folder, expected in (("var-run", ()), ("run", (str(tmp_path / "run" / "x"),))):
        target = str(tmp_path / folder / "x")
        host.folder.stage([FileBytes(target=target, slot=SLOT, path="", content=b"1", owner="0:0", mode="0444")])
        compared = host.folder.compare({target: SLOT}, pid=host.root.pid)
        assert (compared.differs, compared.detached) == ((), expected)


@pytest.mark.parametrize("part", ["live", "held"])
def test_a_part_that_is_gone_is_made_again(host: Host, part: str) -> None:
    """Somebody removed it, or brought a backup without empty folders back: each work on it succeeds again."""
    stage(host, "1")
    works: tuple[Callable[[], object], ...] = (
        lambda: stage(host, "1"),
        lambda: activate(host),
        lambda: host.folder.activate(MOUNTS, pid=0, hold=False, keep=False),
        lambda: host.folder.back(MOUNTS, pid=0, hold=False),
    )
    for work in works:
        if not (host.path / "before").exists():
            activate(host)
        shutil.rmtree(host.path / part)
        work()
        assert host.names("live") == {SLOT: "1", f"{SITES}/a": "1"}
        assert (host.path / part).stat().st_mode & 0o777 == 0o700


def test_a_single_file_reloads_where_held_is_gone(host: Host, tmp_path: Path) -> None:
    """The inode that the container has is linked there."""
    mounted = tmp_path / "mounted"
    stage(host, "1")
    os.link(host.path / "live" / SLOT, mounted)
    stage(host, "2")
    (host.path / "held").rmdir()
    host.folder.activate({str(mounted): SLOT}, pid=host.root.pid, hold=True, keep=True)
    assert mounted.read_text() == "2"


def test_the_advice_removes_nothing_that_a_container_mounts(host: Host) -> None:
    """Only a folder of another label is one that somebody may remove."""
    stage(host, "1")
    (host.path / "live").chmod(0o770)
    with pytest.raises(HostError) as caught:
        stage(host, "2")
    fix = caught.value.problems[0].fix
    assert f"chown root:root {host.path}/live; chmod go-w {host.path}/live" in fix
    assert "remove nothing" in fix
    assert "remove it" not in fix
    (host.path / "live").chmod(0o700)
    (host.path / "owner").write_text("of others")
    with pytest.raises(HostError) as caught:
        stage(host, "2")
    assert "where nobody needs it, remove it on the host" in caught.value.problems[0].fix


def test_a_host_without_flock_is_told_what_to_install(host: Host) -> None:
    """Its disk has nothing to do with that."""
    without = replace(
        host.folder, run=lambda script, seconds: host.run(script.replace("-v flock", "-v none-of-it"), seconds)
    )
    with pytest.raises(HostError, match="flock is not there: install util-linux") as caught:
        without.stage([])
    assert caught.value.problems[0].code == FILES_NOT_WRITTEN
