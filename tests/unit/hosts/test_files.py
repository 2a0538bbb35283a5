"""The files of a container on a host: the scripts on a real shell, as the root of a user namespace."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from ipvlan.hosts.errors import FILES_NOT_OURS, FILES_NOT_WRITTEN, HostError
from ipvlan.hosts.files import FileBytes, FoundFile, bytes_of, file_properties, folder_of
from ipvlan.plan.files import FilePlan, FilesPlan
from tests.support.files_host import LABEL, OWNER, Host, files_host

CONF, SITES = "nginx.conf.aaaaaaaa", "conf.d.bbbbbbbb"
SITE = "/etc/nginx/conf.d/my site.conf"


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Host]:
    """Return a host without any files."""
    with files_host(tmp_path) as host:
        yield host


@pytest.fixture
def container(host: Host, tmp_path: Path) -> Container:
    """Return a process that has files of the host as a container has them."""
    inside = tmp_path / "inside"
    inside.mkdir()
    return Container(inside, host.root.pid)


@dataclass
class Container:
    """A process whose root is that of this machine; its mounts are links to inodes, as bind mounts are."""

    inside: Path
    pid: int

    def mounts(self) -> dict[str, str]:
        """Return target -> slot."""
        return {str(self.inside / "nginx.conf"): CONF, str(self.inside / "conf.d"): SITES}

    def start(self, host: Host) -> None:
        """Mount what is live."""
        conf, sites = self.inside / "nginx.conf", self.inside / "conf.d"
        conf.unlink(missing_ok=True)
        sites.unlink(missing_ok=True)
        os.link(host.path / "live" / CONF, conf)
        sites.symlink_to(host.path / "live" / SITES)

    @property
    def content(self) -> str:
        """What it reads of the single file."""
        return (self.inside / "nginx.conf").read_text()


def file(content: str, *, mode: str = "0444") -> FileBytes:
    """Return the single file with that content."""
    target = "/etc/nginx/nginx.conf"
    return FileBytes(target=target, slot=CONF, path="", content=content.encode(), owner="0:0", mode=mode)


def site(content: str, name: str = "my site.conf") -> FileBytes:
    """Return a file of the folder with that content."""
    target = f"/etc/nginx/conf.d/{name}"
    return FileBytes(target=target, slot=SITES, path=name, content=content.encode(), owner="0:0", mode="0444")


def properties(*files: FileBytes) -> dict[str, dict[str, str]]:
    """Return the files as the state has them."""
    return {
        each.target: {"slot": each.slot, "path": each.path, "owner": each.owner, "mode": each.mode, "text": ""}
        for each in files
    }


def test_a_first_stage_goes_live(host: Host) -> None:
    """A container can be created with it: owner, mode and bytes are those that were asked for, and the folders are root's alone."""
    files = [file("a $host\n", mode="0400"), site("it's\n"), site("deep\n", "sub/x.conf")]
    digests = host.folder.stage(files)
    expected = {CONF: "a $host\n", f"{SITES}/my site.conf": "it's\n", f"{SITES}/sub/x.conf": "deep\n"}
    assert host.names("staged") == host.names("live") == expected
    assert (host.path / "live" / CONF).stat().st_mode & 0o777 == 0o400
    assert (host.path / "live" / SITES / "sub").stat().st_mode & 0o777 == 0o755
    for folder in (host.base, host.base / OWNER, host.path, host.path / "live"):
        assert folder.stat().st_mode & 0o777 == 0o700
    key = host.base / OWNER / "key"
    assert (len(key.read_bytes()), key.stat().st_mode & 0o777) == (32, 0o600)
    assert len(set(digests.values())) == 3
    assert all(re.fullmatch("[0-9a-f]{64}", digest) for digest in digests.values())
    assert not (host.path / "new").exists()


def test_any_bytes_are_written(host: Host) -> None:
    """NUL bytes, no newline at the end, nothing at all, and the most that a file may have."""
    contents = [bytes(range(256)), b"", b"x" * 131072]
    files = [
        replace(file(""), slot=f"s.{number}", target=f"/{number}", content=content)
        for number, content in enumerate(contents)
    ]
    host.folder.stage(files)
    assert [(host.path / "live" / each.slot).read_bytes() for each in files] == contents


def test_a_second_stage_changes_nothing_that_is_mounted(host: Host) -> None:
    """What a container has is changed by the activation alone; a mount that is new goes live at once."""
    host.folder.stage([file("1")])
    host.folder.stage([file("2"), site("new")])
    assert host.names("live") == {CONF: "1", f"{SITES}/my site.conf": "new"}
    assert host.names("staged")[CONF] == "2"


def test_a_digest_tells_nothing_without_the_key(host: Host, tmp_path: Path) -> None:
    """The same bytes have the same digest on one host, and another one on another."""
    first = host.folder.stage([file("1"), site("1")])
    assert len(set(first.values())) == 1
    assert host.folder.stage([file("1"), site("1")]) == first
    other = Host(tmp_path / "other", host.root)
    assert other.folder.stage([file("1"), site("1")]) != first


def test_a_reload_changes_the_inode_that_the_container_has(host: Host, container: Container) -> None:
    """Twice: it keeps its first inode, and what the next start mounts is another one with the same bytes."""
    host.folder.stage([file("1"), site("1"), site("old", "old.conf")])
    container.start(host)
    mounted = container.inside / "nginx.conf"
    inode = mounted.stat().st_ino
    for content in ("2", "3"):
        host.folder.stage([replace(file(content), mode="0440"), site(content)])
        assert host.folder.compare(container.mounts(), pid=container.pid).differs == tuple(sorted(container.mounts()))
        assert host.folder.activate(container.mounts(), pid=container.pid, hold=True, keep=True) == ()
        assert (container.content, mounted.stat().st_ino, mounted.stat().st_mode & 0o777) == (content, inode, 0o440)
        assert host.names("live") == {CONF: content, f"{SITES}/my site.conf": content}
        assert (host.path / "live" / CONF).stat().st_ino != inode
        compared = host.folder.compare(container.mounts(), pid=container.pid)
        assert (compared.differs, compared.detached, compared.pending) == ((), (), True)
        host.folder.end(container.mounts())
        assert not host.folder.compare(container.mounts(), pid=container.pid).pending


def test_a_file_that_somebody_replaced_needs_a_restart(host: Host, container: Container) -> None:
    """The container has another inode than we know: it is not written to, and its target is named."""
    host.folder.stage([file("1"), site("1")])
    container.start(host)
    live = host.path / "live" / CONF
    (live.parent / "edited").write_text("by hand")
    (live.parent / "edited").rename(live)
    host.folder.stage([file("2"), site("1")])
    compared = host.folder.compare(container.mounts(), pid=container.pid)
    assert compared.detached == (str(container.inside / "nginx.conf"),)
    assert host.folder.activate(container.mounts(), pid=container.pid, hold=True, keep=True) == compared.detached
    assert (container.content, live.read_text()) == ("1", "2")


def test_for_a_restart_no_inode_is_kept(host: Host, container: Container) -> None:
    """The container that runs has the old bytes until it ends."""
    host.folder.stage([file("1"), site("1")])
    container.start(host)
    host.folder.stage([file("2"), site("2")])
    host.folder.activate(container.mounts(), pid=container.pid, hold=False, keep=True)
    assert container.content == "1"
    assert host.names("held") == {}
    container.start(host)
    assert container.content == "2"


def test_the_way_back(host: Host, container: Container) -> None:
    """All bytes are as before, also in the container, and also after an activation that came twice."""
    host.folder.stage([file("1"), site("1"), site("old", "old.conf")])
    container.start(host)
    before = host.names("live")
    host.folder.stage([file("2"), site("2"), site("new", "new.conf")])
    for _ in range(2):
        host.folder.activate(container.mounts(), pid=container.pid, hold=True, keep=True)
    assert host.folder.back(container.mounts(), pid=container.pid, hold=True) == ()
    assert host.names("live") == before
    assert container.content == "1"
    host.folder.end(container.mounts(), refused="bad 1")
    compared = host.folder.compare(container.mounts(), pid=container.pid)
    assert (compared.refused, compared.pending) == ("bad 1", False)
    host.folder.end(container.mounts())
    assert host.folder.compare(container.mounts(), pid=container.pid).refused == ""


def test_what_is_not_mounted_any_more_goes_at_the_end(host: Host, container: Container) -> None:
    """Not before: the container of before may have to start again."""
    host.folder.stage([file("1"), site("1")])
    host.folder.stage([file("2")])
    mounts = {"/etc/nginx/nginx.conf": CONF}
    host.folder.activate(mounts, pid=0, hold=False, keep=False)
    assert set(host.names("live")) == {CONF, f"{SITES}/my site.conf"}
    assert host.folder.compare(mounts, pid=0).left
    host.folder.end(mounts)
    assert set(host.names("live")) == {CONF}
    assert not host.folder.compare(mounts, pid=0).left


def test_the_spare_has_what_was_proven_last(host: Host) -> None:
    """That is what is live, and after an activation that did not end what was so before it."""
    host.folder.stage([file("1")])
    host.folder.keep_for_spare()
    assert host.names("spare") == {CONF: "1"}
    mounts = {"/etc/nginx/nginx.conf": CONF}
    host.folder.end(mounts)
    assert host.folder.compare(mounts, pid=0).left
    host.folder.end(mounts, spare=True)
    assert (host.names("spare"), host.folder.compare(mounts, pid=0).left) == ({}, False)
    host.folder.stage([file("2")])
    host.folder.activate(mounts, pid=0, hold=False, keep=True)
    host.folder.keep_for_spare()
    assert (host.names("spare"), host.names("live")) == ({CONF: "1"}, {CONF: "2"})


def test_reading(host: Host) -> None:
    """Each state of a file by digest, owner and mode; what differs is named by its target."""
    files = [file("1", mode="0440"), site("1")]
    digests = host.folder.stage(files)
    state = properties(*files)
    found = host.folder.read(state)
    assert found.live[SITE] == FoundFile(digest=digests[SITE], owner="0:0", mode="0444")
    assert found.staged["/etc/nginx/nginx.conf"].mode == "0440"
    assert found.drifted(digests, state) == ()
    live = host.path / "live"
    (live / CONF).chmod(0o444)
    assert host.folder.read(state).drifted(digests, state) == ("/etc/nginx/nginx.conf",)
    (live / CONF).chmod(0o440)
    (live / SITES / "other.conf").write_text("x")
    assert host.folder.read(state).drifted(digests, state) == ("/etc/nginx/conf.d",)
    (live / SITES / "other.conf").unlink()
    (live / SITES / "my site.conf").chmod(0o644)
    (live / SITES / "my site.conf").write_text("2")
    assert host.folder.read(state).drifted(digests, state) == (SITE,)
    shutil.rmtree(host.path)
    assert host.folder.read(state).drifted(digests, state) == (SITE, "/etc/nginx/nginx.conf")


def test_what_was_refused_is_no_drift(host: Host) -> None:
    """The container has the files of before then, whose digests nobody has."""
    host.folder.stage([file("1")])
    digests = host.folder.stage([file("2")])
    state = properties(file("2"))
    assert host.folder.read(state).drifted(digests, state) != ()
    host.folder.end({"/etc/nginx/nginx.conf": CONF}, refused="bad 1")
    assert host.folder.read(state).drifted(digests, state) == ()


def test_what_was_left_with_refused_files_is_pending(host: Host) -> None:
    """The way back is kept beside what was refused."""
    host.folder.stage([file("1")])
    mounts = {"/etc/nginx/nginx.conf": CONF}
    host.folder.activate(mounts, pid=0, hold=False, keep=True)
    host.folder.end(mounts, refused="bad 1 left", keep=True)
    compared = host.folder.compare(mounts, pid=0)
    assert (compared.pending, compared.refused) == (True, "bad 1 left")


def test_removal_leaves_nothing(host: Host) -> None:
    """With the last container of the host its folders and the key go; it succeeds again where nothing is."""
    host.folder.stage([file("1")])
    other = replace(host.folder, label=f"{OWNER}/docker-1/other")
    other.stage([file("1")])
    host.folder.remove()
    assert not host.path.exists()
    assert (host.base / OWNER / "key").exists()
    other.remove()
    assert not host.base.exists()
    other.remove()


def spoil(host: Host, how: str) -> None:
    """Make the folder one that is not ours."""
    path = host.path
    if how == "label":
        (path / "owner").write_text("ffffffffffffffff/docker-1/nginx\n")
    elif how == "none":
        (path / "owner").unlink()
    elif how == "link":
        path.rename(path.parent / "elsewhere")
        path.symlink_to(path.parent / "elsewhere")
    elif how == "parent":
        path.parent.chmod(0o770)
    else:
        path.chmod(0o702)


@pytest.mark.parametrize("how", ["label", "none", "link", "parent", "writable"])
def test_the_folder_of_others_is_not_touched(host: Host, how: str) -> None:
    """By no script; the failure names it."""
    mounts = {"/etc/nginx/nginx.conf": CONF}
    host.folder.stage([file("1")])
    spoil(host, how)
    before = sorted((str(path), path.lstat().st_mtime_ns) for path in host.base.rglob("*"))
    folder = host.folder
    for work in (
        lambda: folder.stage([file("2")]),
        lambda: folder.activate(mounts, pid=0, hold=False, keep=True),
        lambda: folder.back(mounts, pid=0, hold=False),
        lambda: folder.end(mounts),
        folder.keep_for_spare,
        lambda: folder.compare(mounts, pid=0),
        lambda: folder.read(properties(file("1"))),
        folder.remove,
    ):
        with pytest.raises(HostError, match="docker-1") as caught:
            work()
        assert caught.value.problems[0].code == FILES_NOT_OURS
        # Another one may be in use: by its container, or the folder above by other services.
        assert ("remove it on the host" in str(caught.value)) == (how in {"label", "none"})
        assert ("chmod go-w" in str(caught.value)) == (how not in {"label", "none"})
    assert sorted((str(path), path.lstat().st_mtime_ns) for path in host.base.rglob("*")) == before


def test_a_failure_says_what_was_not_done_and_no_content(host: Host) -> None:
    """An owner that cannot be given here: the message has the file and the reason; what was live stays."""
    host.folder.stage([file("1")])
    with pytest.raises(HostError) as caught:
        host.folder.stage([replace(file("hush hush"), owner="70000:70000")])
    assert caught.value.problems[0].code == FILES_NOT_WRITTEN
    assert f"{CONF} is not written" in str(caught.value)
    assert "hush" not in str(caught.value)
    assert host.names("live") == {CONF: "1"}


def test_nothing_staged_is_a_failure(host: Host) -> None:
    """What has no folder cannot go live."""
    with pytest.raises(HostError, match="there is no folder"):
        host.folder.activate({"/etc/nginx/nginx.conf": CONF}, pid=0, hold=False, keep=True)


def stage(host: Host, _container: Container) -> None:
    """Stage two files with the next content."""
    host.folder.stage([file("next"), site("next")])


def activate(host: Host, container: Container) -> None:
    """Bring what is staged live, for a reload."""
    host.folder.activate(container.mounts(), pid=container.pid, hold=True, keep=True)


def test_a_kill_at_any_command_is_repaired_by_the_next_run(host: Host, container: Container) -> None:
    """The container finds old or new bytes whole at its next start, and the same run again ends as if nothing had been."""
    host.folder.stage([file("first"), site("first")])
    container.start(host)
    for work, again in ((stage, (stage, activate)), (activate, (activate,))):
        states = host.states(work, container)
        assert len(states) > 2
        for state in states:
            host.restore(state)
            assert set(host.names("live").values()) <= {"first", "next"}
            for each in again:
                each(host, container)
            host.folder.end(container.mounts())
            assert host.names("live") == {CONF: "next", f"{SITES}/my site.conf": "next"}
            assert container.content == "next"
            compared = host.folder.compare(container.mounts(), pid=container.pid)
            assert (compared.differs, compared.detached, compared.pending) == ((), (), False)
        host.restore(states[0])
        work(host, container)


def test_the_properties_of_a_plan() -> None:
    """Text stays text; bytes that are none are base64; secrets are names until the bytes are needed."""
    common: dict[str, Any] = {"folder": None, "source": "x", "owner": "0:0", "mode": "0444", "whole_secret": None}
    plan = FilesPlan(
        files=(
            FilePlan(target="/a", content=b"p=${secrets.pw} $${secrets.no}", secrets={"pw": "db"}, **common),
            FilePlan(target="/b", content=b"\xff", secrets={}, **common),
            FilePlan(target="/c", content=b"", secrets={}, **{**common, "source": None, "whole_secret": "token"}),
            FilePlan(target="/d/e/f", content=b"${secrets.pw}", secrets={}, **{**common, "folder": "/d"}),
        ),
        change="restart",
    )
    given = file_properties(plan)
    assert given["/a"] | {"slot": ""} == {
        "slot": "", "path": "", "owner": "0:0", "mode": "0444", "secrets": {"pw": "db"}, "text": "p=${secrets.pw} $${secrets.no}",
    }  # fmt: skip
    assert given["/b"]["base64"] == "/w=="
    assert given["/c"]["secret"] == "token"
    assert given["/d/e/f"]["path"] == "e/f"
    found = {each.target: each.content for each in bytes_of(given, {"db": "x", "token": "y"})}
    assert found == {"/a": b"p=x ${secrets.no}", "/b": b"\xff", "/c": b"y", "/d/e/f": b"${secrets.pw}"}


def test_where_the_folder_is() -> None:
    """By owner, host and service."""
    assert folder_of(LABEL) == f"/var/lib/ipvlan-fabric/{LABEL}"
