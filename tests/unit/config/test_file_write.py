"""Replacing the files of a stack: links, permissions, two runs at once, an editor in between."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from ipvlan.config import file_write
from ipvlan.config.file_write import edit_lock, read_texts, write_texts
from ipvlan.config.yaml_text import StackFileError
from ipvlan.problems import ToolError
from tests.support.projects import ipvlan, ipvlan_process, write_project
from tools.reference_setup import STACK_TEXT

WITHOUT_OFFSET = STACK_TEXT.replace("      offset: 2\n", "")
"""The stack without the offset of nginx."""


def names(folder: Path) -> list[str]:
    """Return what is in a folder."""
    return sorted(path.name for path in folder.iterdir())


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold the lock on a folder, as another run does."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


@pytest.mark.parametrize("relative", [True, False])
def test_a_link_stays_a_link(tmp_path: Path, relative: bool) -> None:
    """The file that it leads to has the new text and its old permissions, and nothing is left beside either."""
    project, elsewhere = tmp_path / "project", tmp_path / "elsewhere"
    project.mkdir()
    elsewhere.mkdir()
    link = write_project(project, WITHOUT_OFFSET)
    target = elsewhere / "stack.yaml"
    link.rename(target)
    target.chmod(0o640)
    link.symlink_to(Path("..", "elsewhere", "stack.yaml") if relative else target)
    leads_to = link.readlink()
    done = ipvlan(project, "allocate")
    assert (done.returncode, done.stderr) == (0, "")
    assert (link.is_symlink(), link.readlink()) == (True, leads_to)
    assert "offset: 2" in target.read_text()
    assert target.stat().st_mode & 0o7777 == 0o640
    assert (names(project), names(elsewhere)) == (["Pulumi.dev.yaml", "Pulumi.yaml"], ["stack.yaml"])


def test_a_link_to_a_link(tmp_path: Path) -> None:
    """Both links stay."""
    write_project(tmp_path, WITHOUT_OFFSET).rename(tmp_path / "real.yaml")
    (tmp_path / "middle.yaml").symlink_to("real.yaml")
    (tmp_path / "Pulumi.dev.yaml").symlink_to("middle.yaml")
    assert ipvlan(tmp_path, "allocate").returncode == 0
    assert (tmp_path / "middle.yaml").is_symlink()
    assert (tmp_path / "Pulumi.dev.yaml").is_symlink()
    assert "offset: 2" in (tmp_path / "real.yaml").read_text()


def test_two_runs_at_once_give_what_two_runs_in_turn_give(tmp_path: Path) -> None:
    """Both end well, and each key is in the file once."""
    path = write_project(tmp_path, WITHOUT_OFFSET)
    with ThreadPoolExecutor() as pool:
        runs = [pool.submit(ipvlan_process, tmp_path, "allocate") for _ in range(3)]
    assert [run.result().returncode for run in runs] == [0, 0, 0]
    assert sorted("nothing is missing" in run.result().stdout for run in runs) == [False, True, True]
    assert path.read_text().count("offset: 2") == 1
    assert names(tmp_path) == ["Pulumi.dev.yaml", "Pulumi.yaml"]


def test_another_run_that_does_not_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After the time limit the command says so, and writes nothing; --check needs no lock."""
    monkeypatch.setattr(file_write, "LOCK_SECONDS", 0.2)
    path = write_project(tmp_path, WITHOUT_OFFSET)
    with locked(tmp_path):
        began = time.monotonic()
        done = ipvlan(tmp_path, "allocate")
        assert 0.2 <= time.monotonic() - began < 5
        assert (done.returncode, done.stdout, "IPF620" in done.stderr) == (1, "", True)
        assert ipvlan(tmp_path, "allocate", "--check").returncode == 1
    assert path.read_text() == WITHOUT_OFFSET
    assert ipvlan(tmp_path, "allocate").returncode == 0


def test_the_lock_is_on_the_folder_of_the_target_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two projects with one linked file do not edit it at the same time."""
    monkeypatch.setattr(file_write, "LOCK_SECONDS", 0.2)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "stack.yaml").write_text("x")
    (tmp_path / "Pulumi.dev.yaml").symlink_to(elsewhere / "stack.yaml")
    with locked(elsewhere), pytest.raises(ToolError, match="IPF620"), edit_lock(tmp_path, ["Pulumi.dev.yaml"]):
        pass


def test_a_file_system_without_locks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The command works there as before."""

    def refuse(_descriptor: int, _operation: int) -> None:
        raise OSError(9, "Bad file descriptor")

    monkeypatch.setattr("fcntl.flock", refuse)
    path = write_project(tmp_path, WITHOUT_OFFSET)
    assert ipvlan(tmp_path, "allocate").returncode == 0
    assert "offset: 2" in path.read_text()


def test_an_editor_in_between(tmp_path: Path) -> None:
    """What somebody saved since the file was read is not overwritten, and no other file of the run is written either."""
    for name in ("a.yaml", "b.yaml"):
        (tmp_path / name).write_text("1\n")
    before = read_texts(tmp_path, ["a.yaml", "b.yaml"])
    (tmp_path / "b.yaml").write_text("theirs\n")
    with pytest.raises(ToolError, match="IPF621"):
        write_texts(tmp_path, before, {"a.yaml": "2\n", "b.yaml": "2\n"})
    assert [(tmp_path / name).read_text() for name in ("a.yaml", "b.yaml")] == ["1\n", "theirs\n"]


def test_a_file_that_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The command names it, the old text stays, and no part of the new one is left."""

    def full(_self: Path, _target: Path) -> Path:
        raise OSError(28, "No space left on device")

    path = write_project(tmp_path, WITHOUT_OFFSET)
    monkeypatch.setattr("pathlib.Path.replace", full)
    done = ipvlan(tmp_path, "allocate", "--json")
    assert (done.returncode, done.stdout, "IPF921" in done.stderr) == (1, "", True)
    assert (path.read_text(), names(tmp_path)) == (WITHOUT_OFFSET, ["Pulumi.dev.yaml", "Pulumi.yaml"])


def test_an_empty_name_of_the_shared_file(tmp_path: Path) -> None:
    """The default of the key in Pulumi.yaml names no file."""
    path = write_project(tmp_path, WITHOUT_OFFSET.replace("config:\n", 'config:\n  ipvlan-fabric:common: ""\n'))
    assert ipvlan(tmp_path, "allocate").returncode == 0
    assert "offset: 2" in path.read_text()


@pytest.mark.parametrize("target", ["/nonexistent/dir/x.yaml", "Pulumi.dev.yaml", "Pulumi.yaml/x", "."])
@pytest.mark.parametrize("arguments", [("plan",), ("allocate",), ("allocate", "--check")])
def test_a_link_that_leads_nowhere(tmp_path: Path, target: str, arguments: tuple[str, ...]) -> None:
    """Every command says that the file cannot be read: one that leads to itself, into no folder, below a file, to a folder."""
    write_project(tmp_path).unlink()
    (tmp_path / "Pulumi.dev.yaml").symlink_to(target)
    done = ipvlan(tmp_path, *arguments)
    assert done.returncode == 1
    assert ("IPF001" if target.startswith("/") else "IPF003") + " Pulumi.dev.yaml" in done.stderr


@pytest.mark.parametrize("instead", ["nothing", "a folder", "a pipe", "a link to itself", "bytes"])
def test_a_file_that_goes_in_between(tmp_path: Path, instead: str) -> None:
    """It counts as changed by somebody else, whatever is in its place, and nothing is written."""
    file = tmp_path / "a.yaml"
    file.write_text("1\n")
    before = read_texts(tmp_path, ["a.yaml"])
    file.unlink()
    if instead == "a folder":
        file.mkdir()
    elif instead == "a pipe":
        os.mkfifo(file)
    elif instead == "a link to itself":
        file.symlink_to("a.yaml")
    elif instead == "bytes":
        file.write_bytes(b"\xff")
    with pytest.raises(ToolError, match="IPF621"):
        write_texts(tmp_path, before, {"a.yaml": "2\n"})
    assert file.exists() == (instead in ("a folder", "a pipe", "bytes"))


@pytest.mark.parametrize(("instead", "code"), [(None, "IPF001"), (b"\xff", "IPF004")])
def test_a_file_that_goes_before_it_is_read_again(tmp_path: Path, instead: bytes | None, code: str) -> None:
    """The file to be edited has an error of its own then."""
    if instead is not None:
        (tmp_path / "a.yaml").write_bytes(instead)
    with pytest.raises(StackFileError, match=f"{code} a.yaml"):
        read_texts(tmp_path, ["a.yaml"])


@pytest.mark.skipif(os.getuid() != 0, reason="only root can take the place of a user with two groups")
@pytest.mark.parametrize(("group", "groups", "expected"), [(2000, [2000], 2000), (3000, [2000], 1000)])
def test_the_group_stays(tmp_path: Path, group: int, groups: list[int], expected: int) -> None:
    """A member of the file's group who is not its owner keeps the group; one who is no member cannot, and the file is written."""
    # Not in tmp_path, which is root's alone.
    with TemporaryDirectory() as folder:
        Path(folder).chmod(0o777)
        file = Path(folder, "a.yaml")
        file.write_text("1\n")
        os.chown(file, 1001, group)
        file.chmod(0o664)
        own = os.getgroups()
        os.setgroups(groups)
        os.setegid(1000)
        os.seteuid(1000)
        try:
            write_texts(Path(folder), {"a.yaml": "1\n"}, {"a.yaml": "2\n"})
        finally:
            os.seteuid(0)
            os.setegid(0)
            os.setgroups(own)
        status = file.stat()
        assert (file.read_text(), status.st_uid, status.st_gid, status.st_mode & 0o7777) == (
            "2\n",
            1000,
            expected,
            0o664,
        )
