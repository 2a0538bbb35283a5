"""A disk without room for the files of a container: what it has stays whole."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from ipvlan.hosts.errors import HostError
from ipvlan.hosts.files import FileBytes
from tests.support.files_host import files_host
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
