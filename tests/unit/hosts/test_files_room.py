"""A disk without room for the files of a container: what it has stays whole."""

from __future__ import annotations

import os
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from ipvlan.hosts.errors import HostError
from ipvlan.hosts.files import FileBytes
from tests.support.files_host import Host, files_host
from tests.support.namespace import write_command

SLOT = "a.aaaaaaaa"


def a_file(content: str) -> FileBytes:
    """Return the file with that content."""
    return FileBytes(target="/etc/a", slot=SLOT, path="", content=content.encode(), owner="0:0", mode="0444")


def test_nothing_is_copied_where_nothing_is(tmp_path: Path) -> None:
    """Neither without a folder, nor without what was live; the next stage makes both, and it is copied then."""
    with files_host(tmp_path) as host:
        assert not host.folder.keep_for_spare()
        host.folder.stage([a_file("1")])
        shutil.rmtree(host.path / "live")
        assert not host.folder.keep_for_spare()
        assert not (host.path / "spare").exists()
        (host.path / "live").mkdir(mode=0o700)
        host.folder.stage([a_file("2")])
        assert host.folder.keep_for_spare()
        assert host.names("spare") == {SLOT: "2"}


def test_without_room_for_a_second_copy_nothing_is_replaced(tmp_path: Path) -> None:
    """The inode that the container has is overwritten, so that there is room is known before; the way back works then."""
    with files_host(tmp_path) as host:
        host.folder.stage([a_file("old")])
        inside = tmp_path / "a"
        os.link(host.path / "live" / SLOT, inside)
        host.folder.stage([a_file("new")])
        assert host.root.commands is not None
        write_command(host.root.commands, "cp", 'case $3 in */room) exit 1 ;; esac; exec /bin/cp "$@"')
        mounts = {str(inside): SLOT}
        with pytest.raises(HostError, match=f"{SLOT} is not replaced"):
            host.folder.activate(mounts, pid=host.root.pid, hold=True, keep=True)
        assert inside.read_text() == "old"
        assert host.names("live") == {SLOT: "old"}
        assert host.folder.read({}).pending
        write_command(host.root.commands, "cp", 'exec /bin/cp "$@"')
        host.folder.activate(mounts, pid=host.root.pid, hold=True, keep=True)
        assert inside.read_text() == "new"


OTHER = "b.bbbbbbbb"
BOTH = {"/etc/a": SLOT, "/etc/b": OTHER}


def stage_both(host: Host, content: str) -> None:
    """Stage two files."""
    other = replace(a_file(content), target="/etc/b", slot=OTHER)
    host.folder.stage([a_file(content), other])


@pytest.mark.parametrize("kept", [True, False])
def test_half_an_activation_before_a_container_is_replaced_goes_back(tmp_path: Path, kept: bool) -> None:
    """The container that runs stays then, and its next start finds what it had; a way back that was kept before is kept."""
    with files_host(tmp_path) as host:
        stage_both(host, "old")
        if kept:
            host.folder.activate(BOTH, pid=0, hold=False, keep=True)
        stage_both(host, "new")
        assert host.root.commands is not None
        full = f'case "$*" in */staged/{OTHER}*) echo "No space left"; exit 1 ;; esac; exec /bin/cp "$@"'
        write_command(host.root.commands, "cp", full)
        with pytest.raises(HostError, match=f"{OTHER} is not replaced.*No space left"):
            host.folder.activate(BOTH, pid=0, hold=False, keep=False)
        assert host.names("live") == {SLOT: "old", OTHER: "old"}
        assert host.folder.read({}).pending == kept
        write_command(host.root.commands, "cp", 'exec /bin/cp "$@"')
        host.folder.activate(BOTH, pid=0, hold=False, keep=False)
        assert host.names("live") == {SLOT: "new", OTHER: "new"}
        assert not host.folder.read({}).pending


def test_what_does_not_go_back_keeps_its_way_back(tmp_path: Path) -> None:
    """The disk is full for that too: the next run still has what was live as a whole, and so has a spare."""
    with files_host(tmp_path) as host:
        stage_both(host, "old")
        stage_both(host, "new")
        assert host.root.commands is not None
        full = f'case "$*" in */staged/{OTHER}*|*/before/*) exit 1 ;; esac; exec /bin/cp "$@"'
        write_command(host.root.commands, "cp", full)
        with pytest.raises(HostError, match=f"{OTHER} is not replaced"):
            host.folder.activate(BOTH, pid=0, hold=False, keep=False)
        assert host.names("live") == {SLOT: "new", OTHER: "old"}
        assert host.names("before") == {SLOT: "old", OTHER: "old"}
        write_command(host.root.commands, "cp", 'exec /bin/cp "$@"')
        host.folder.keep_for_spare()
        assert host.names("spare") == {SLOT: "old", OTHER: "old"}


def test_a_killed_activation_before_a_container_is_replaced_has_a_way_back(tmp_path: Path) -> None:
    """Wherever it ends: what is live is old or new as a whole, or what was live is kept."""
    with files_host(tmp_path) as host:
        stage_both(host, "old")
        stage_both(host, "new")
        mixed = False
        states = host.states(lambda traced: traced.folder.activate(BOTH, pid=0, hold=False, keep=False))
        assert host.names("live") == {SLOT: "new", OTHER: "new"}
        for state in states:
            host.restore(state)
            if len({*host.names("live").values()}) == 2:
                mixed = True
                assert host.names("before") == {SLOT: "old", OTHER: "old"}
        assert mixed
