"""How a container takes its files, against a substitute for Docker's Engine and a folder that notes what is done with it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, cast

import pytest

from ipvlan.hosts import engine_writes, settle
from ipvlan.hosts.connection import HostConnection
from ipvlan.hosts.errors import (
    FILES_NOT_BACK,
    FILES_NOT_WRITTEN,
    FILES_REFUSED,
    FILES_REFUSED_BEFORE,
    HostError,
    HostUnreachableError,
)
from ipvlan.hosts.files import Comparison, FilesFolder, FoundFiles
from ipvlan.hosts.files_in_use import Use, use_files
from tests.support.container_engine import Clock, ContainerEngine, open_directly, set_state
from tests.support.containers import container
from tests.support.fake_engine import serve

ID = "22" * 32
MOUNTS = {"/etc/nginx/nginx.conf": "nginx.conf.aaaaaaaa"}
CHANGED = Comparison(differs=tuple(MOUNTS), detached=(), left=True, pending=False, refused="", tree="t1")
SAME = replace(CHANGED, differs=())
SECRET = "correct horse"
USE = Use(
    service="nginx", container="web", container_id=ID, mounts=MOUNTS, change="reload", reload_signal="SIGHUP", reload_command=(),
    stop_seconds=7, healthy_within=20, ports=(), secret_names=["TOKEN"], secrets=[SECRET], restore=True,
)  # fmt: skip
COMMAND = replace(USE, reload_signal="", reload_command=("nginx", "-s", "reload"))
RESTART = replace(USE, change="restart", reload_signal="")


@dataclass
class Folder:
    """What stands in for the container's folder on the host."""

    compared: Comparison = CHANGED
    detached: tuple[str, ...] = ()
    activate_fails: HostError | None = None
    back_fails: HostError | None = None
    made: list[str] = field(default_factory=list)
    """What was done, in order."""
    refused: str = ""
    """What the end of the activation noted."""
    host: str = "docker-1"

    def compare(self, mounts: Any, *, pid: int) -> Comparison:
        """Answer what the test has set."""
        assert mounts == MOUNTS
        self.made.append(f"compare pid={pid}")
        return self.compared

    def activate(self, mounts: Any, *, pid: int, hold: bool, keep: bool) -> tuple[str, ...]:
        """Note it."""
        assert mounts == MOUNTS
        self.made.append(f"activate pid={pid} hold={hold}{'' if keep else ' keep=False'}")
        if self.activate_fails is not None:
            raise self.activate_fails
        return self.detached

    def read(self, files: Any) -> FoundFiles:
        """Answer whether a way back is kept."""
        assert files == {}
        return FoundFiles(staged={}, live={}, held={}, unplanned=(), refused="", pending=self.compared.pending)

    def back(self, mounts: Any, *, pid: int, hold: bool) -> tuple[str, ...]:
        """Note it."""
        assert mounts == MOUNTS
        self.made.append(f"back pid={pid} hold={hold}")
        if self.back_fails is not None:
            raise self.back_fails
        return ()

    def end(self, mounts: Any, *, refused: str = "", spare: bool = False, keep: bool = False) -> None:
        """Note it."""
        assert mounts == MOUNTS
        self.made.append(f"end refused{' keep' if keep else ''}" if refused else f"end spare={spare}")
        self.refused = refused

    def keep_for_spare(self) -> bool:
        """Note it."""
        self.made.append("keep for spare")
        return True


@pytest.fixture
def docker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ContainerEngine]:
    """Serve a Docker whose container web runs, takes signals, and has a command that reloads."""
    engine = ContainerEngine(tmp_path / "engine.sock", caller=Clock())
    open_directly(monkeypatch, engine, engine_writes)
    monkeypatch.setattr(settle, "time", engine.caller)
    state = {"State__Pid": 42, "State__StartedAt": engine.timestamp(3600), "Config__Env": ["TOKEN=hush hush"]}
    engine.inspected = [container("22", "web", **state)]
    engine.answers[f"POST /containers/{ID}/kill"] = (204, None)
    engine.answers[f"POST /containers/{ID}/exec"] = (201, {"Id": "e1"})
    answer_command(engine, 0, b"reloaded")
    with serve(engine):
        yield engine


def answer_command(docker: ContainerEngine, status: int, printed: bytes) -> None:
    """Let the command of a reload end so."""
    docker.answers["POST /exec/e1/start"] = (200, printed)
    docker.answers["GET /exec/e1/json"] = (200, {"ExitCode": status})


def run(folder: Folder, use: Use = USE, *, tried: str = "") -> tuple[str, ...]:
    """Let the container take its files."""
    with engine_writes.open_engine(HostConnection(name="docker-1", command=("ssh", "docker-1"))) as engine:
        return use_files(engine, cast("FilesFolder", folder), use, tried=tried)


def failure(folder: Folder, use: Use = USE, *, code: str = FILES_REFUSED, tried: str = "") -> str:
    """Let it fail with that code, and return the text."""
    with pytest.raises(HostError) as caught:
        run(folder, use, tried=tried)
    assert caught.value.problems[0].code == code
    return str(caught.value)


def sent(docker: ContainerEngine) -> list[str]:
    """Return the signals and commands that the container got, and what else changed."""
    posts = (request.rpartition("/")[2] for request in docker.requests if request.startswith("POST "))
    return [post for post in posts if post in {"kill", "exec", "stop", "start"}]


def test_a_container_that_has_its_files_is_left_alone(docker: ContainerEngine) -> None:
    """Nothing is sent, and nothing is written where nothing is left; what a spare mounted goes where there is none any more."""
    folder = Folder(replace(SAME, left=False))
    assert run(folder) == ()
    assert folder.made == ["compare pid=42"]
    folder = Folder(SAME)
    assert run(folder) == ()
    assert folder.made == ["compare pid=42", "end spare=True"]
    docker.inspected.append(container("33", "web.ipvlan-previous"))
    folder = Folder(SAME)
    run(folder)
    assert folder.made[1:] == ["end spare=False", "keep for spare"]
    assert sent(docker) == []


@pytest.mark.parametrize("use", [USE, COMMAND, RESTART])
def test_a_spare_that_an_ended_run_left_gets_what_is_proven(docker: ContainerEngine, use: Use) -> None:
    """The next change of the container keeps it: it is not to come back with the files, and the passwords, of long ago."""
    docker.inspected.append(container("33", "web.ipvlan-previous"))
    set_state(docker.inspected[1], "created")
    folder = Folder()
    run(folder, use)
    assert folder.made[2:] == ["end spare=False", "keep for spare"]
    answer_command(docker, 1, b"broken")
    refused = Folder()
    failure(refused, COMMAND, code=FILES_NOT_BACK)
    assert "keep for spare" not in refused.made


def test_the_files_of_a_spare_that_serves_are_left_alone(docker: ContainerEngine) -> None:
    """The container in the state is set aside then, and the spare beside it is another change's."""
    docker.inspected[0]["Name"] = "/web.ipvlan-failed"
    docker.inspected.append(container("33", "web.ipvlan-previous"))
    folder = Folder(SAME)
    run(folder)
    assert folder.made[1:] == ["end spare=False"]


@pytest.mark.parametrize(
    ("use", "expected"), [(USE, ["kill"]), (COMMAND, ["exec", "start"]), (RESTART, ["stop", "start"])]
)
def test_it_takes_other_files(docker: ContainerEngine, use: Use, expected: list[str]) -> None:
    """By its signal, its command, or a restart with its grace; they are live before, and it must go on."""
    folder = Folder()
    assert run(folder, use) == ()
    assert sent(docker) == expected
    assert folder.made == ["compare pid=42", f"activate pid=42 hold={use.reloads}", "end spare=True"]
    assert docker.caller is not None
    assert docker.caller.seconds - Clock().seconds >= settle.STEADY_SECONDS
    if use is RESTART:
        assert docker.changes == ["stop 22 t=7", "start 22"]


@pytest.mark.parametrize("compared", [replace(SAME, pending=True), replace(SAME, pending=True, refused="x 1")])
def test_an_activation_that_did_not_end_is_done_again(docker: ContainerEngine, compared: Comparison) -> None:
    """Killed between the files and the signal: it gets the signal now, although the files are the same."""
    folder = Folder(compared)
    run(folder)
    assert sent(docker) == ["kill"]
    assert folder.made[1:] == ["activate pid=42 hold=True", "end spare=True"]


def test_a_file_of_somebody_else_is_restarted_with_a_warning(docker: ContainerEngine) -> None:
    """Its inode is not written to, so no signal would do."""
    folder = Folder(replace(SAME, detached=tuple(MOUNTS)), detached=tuple(MOUNTS))
    (warning,) = run(folder)
    assert warning.startswith("IPF816")
    assert "/etc/nginx/nginx.conf" in warning
    assert sent(docker) == ["stop", "start"]


def test_one_that_is_stopped_is_not_started(docker: ContainerEngine) -> None:
    """It takes them at its next start; whoever stopped it decides when. So nothing is left that says that it was to go on."""
    set_state(docker.inspected[0], "exited")
    folder = Folder()
    run(folder)
    assert folder.made == ["compare pid=0", "activate pid=0 hold=True keep=False", "end spare=False"]
    assert sent(docker) == []


@pytest.mark.parametrize("use", [RESTART, USE])
@pytest.mark.parametrize("pending", [True, False])
def test_a_paused_one_is_not_touched(docker: ContainerEngine, use: Use, pending: bool) -> None:
    """It would take no signal in time, and its files would have no way back but another signal."""
    set_state(docker.inspected[0], "paused", Paused=True)
    folder = Folder(replace(CHANGED, pending=pending))
    text = failure(folder, use)
    assert "is paused" in text
    assert "docker unpause 222222222222" in text
    assert folder.made == ["compare pid=42"]
    assert sent(docker) == []
    # One that has its files may be paused.
    assert run(Folder(replace(SAME, left=False)), use) == ()


@pytest.mark.parametrize("use", [RESTART, USE])
def test_one_that_an_earlier_run_stopped_is_started(docker: ContainerEngine, use: Use) -> None:
    """That run was cut short between the stop and the start, or the container went on with neither files, or was left."""
    docker.ends_after = 1
    with pytest.raises(HostError):
        run(Folder(), RESTART)
    assert docker.summary["web"][1] == "exited"
    docker.ends_after = None
    folder = Folder(replace(SAME, pending=True))
    assert run(folder, use) == ()
    assert docker.summary["web"][1] == "running"
    assert folder.made == ["compare pid=0", f"activate pid=0 hold={use.reloads}", "end spare=True"]


def test_one_that_an_earlier_run_left_is_no_success(docker: ContainerEngine) -> None:
    """It is started with the fixed files, and has to go on."""
    set_state(docker.inspected[0], "exited", ExitCode=1)
    docker.refuses["start"] = ["no such device"] * 2
    folder = Folder(replace(CHANGED, pending=True))
    assert "no such device" in failure(folder, RESTART, code=FILES_NOT_BACK)
    assert "end" not in str(folder.made)


def test_one_that_docker_starts_again_and_again_is_restarted(docker: ContainerEngine) -> None:
    """The new files may be the repair; a signal would reach nothing."""
    set_state(docker.inspected[0], "restarting")
    run(Folder())
    assert sent(docker) == ["stop", "start"]


def test_a_command_that_always_fails(docker: ContainerEngine) -> None:
    """The old files are live again, and it fails with them too: the failure has the masked output, and the next run tries again."""
    answer_command(docker, 1, b"bad line 3: hush hush and correct horse\x1b[0m\n")
    folder = Folder()
    text = failure(folder, COMMAND, code=FILES_NOT_BACK)
    assert "exit status 1" in text
    assert "| bad line 3: *** and ***" in text
    assert folder.made == ["compare pid=42", "activate pid=42 hold=True", "back pid=42 hold=True"]
    assert not folder.refused


def test_one_that_goes_on_with_the_old_files_is_noted(docker: ContainerEngine) -> None:
    """It ends with the new ones, and is up with the old ones: the same bytes fail at once then, and nothing is changed."""

    def end() -> None:
        set_state(docker.inspected[0], "exited", ExitCode=3)

    assert docker.caller is not None
    docker.events.append((docker.caller.seconds + 1, end))
    folder = Folder()
    text = failure(folder)
    assert "exit code 3" in text
    assert "has the files of before again" in text
    assert folder.made == ["compare pid=42", "activate pid=42 hold=True", "back pid=0 hold=True", "end refused"]
    assert sent(docker) == ["kill", "stop", "start"]
    again = Folder(replace(CHANGED, refused=folder.refused))
    assert "at the last try" in failure(again, code=FILES_REFUSED_BEFORE)
    assert again.made == ["compare pid=42"]


def refused_mark(docker: ContainerEngine) -> str:
    """Return what is noted of files that were refused once."""
    assert docker.caller is not None
    docker.events.append((docker.caller.seconds + 1, lambda: set_state(docker.inspected[0], "exited", ExitCode=3)))
    folder = Folder()
    failure(folder)
    return folder.refused


@pytest.mark.parametrize("change", [{"tree": "t2"}, {"pending": True}])
def test_other_bytes_are_tried(docker: ContainerEngine, change: dict[str, Any]) -> None:
    """So is what an interrupted run left."""
    folder = Folder(replace(CHANGED, refused=refused_mark(docker), **change))
    run(folder)
    assert folder.made[-1] == "end spare=True"


def test_another_way_to_reload_is_tried(docker: ContainerEngine) -> None:
    """The command may have been what was wrong."""
    folder = Folder(replace(CHANGED, refused=refused_mark(docker)))
    run(folder, COMMAND)
    assert folder.made[-1] == "end spare=True"


def test_after_a_refresh_the_same_is_tried_once(docker: ContainerEngine) -> None:
    """A second failure is another try, which the same refresh does not allow again."""
    first = refused_mark(docker)
    assert docker.caller is not None
    docker.events.append((docker.caller.seconds + 1, lambda: set_state(docker.inspected[0], "exited", ExitCode=3)))
    folder = Folder(replace(CHANGED, refused=first))
    failure(folder, tried=first)
    assert folder.refused == first.replace(" 1", " 2")
    failure(Folder(replace(CHANGED, refused=folder.refused)), code=FILES_REFUSED_BEFORE, tried=first)


def test_leave_does_not_go_back(docker: ContainerEngine) -> None:
    """It has the new files, for a person: the next runs with them fail at once, as long as nobody says that they try again."""
    answer_command(docker, 2, b"")
    leave = replace(COMMAND, restore=False)
    folder = Folder()
    assert "on_failure: leave" in failure(folder, leave)
    assert folder.made == ["compare pid=42", "activate pid=42 hold=True", "end refused keep"]
    left = replace(SAME, pending=True, refused=folder.refused)
    again = Folder(left)
    assert "is left as it is" in failure(again, leave, code=FILES_REFUSED_BEFORE, tried="another one")
    assert again.made == ["compare pid=42"]
    refreshed = Folder(left)
    failure(refreshed, leave, tried=folder.refused)
    assert refreshed.refused == folder.refused.replace(" 1 ", " 2 ")
    # Other files are tried, and one that ended is started for them.
    answer_command(docker, 0, b"")
    set_state(docker.inspected[0], "exited", ExitCode=1)
    other = Folder(replace(left, tree="t2", differs=tuple(MOUNTS)))
    assert run(other, leave) == ()
    assert docker.summary["web"][1] == "running"


def test_files_of_which_some_are_not_live_go_back(docker: ContainerEngine) -> None:
    """The container was told nothing; the next start must not take half of them. What is not even begun needs no way back."""
    full = HostError.on("docker-1", FILES_NOT_WRITTEN, problem="no space is left", effect="e", fix="f")
    folder = Folder(replace(CHANGED, pending=True), activate_fails=full)
    assert "no space is left" in failure(folder, code=FILES_NOT_WRITTEN)
    assert folder.made == ["compare pid=42", "activate pid=42 hold=True", "back pid=42 hold=True"]
    folder = Folder(activate_fails=full)
    failure(folder, code=FILES_NOT_WRITTEN)
    assert folder.made == ["compare pid=42", "activate pid=42 hold=True"]
    assert sent(docker) == []


def test_files_that_do_not_go_back_are_said(docker: ContainerEngine) -> None:
    """Both failures are; and a host that does not answer is not asked for more."""
    full = HostError.on("docker-1", FILES_NOT_WRITTEN, problem="no space is left", effect="e", fix="f")
    worse = HostError.on("docker-1", FILES_NOT_WRITTEN, problem="it is read-only", effect="e", fix="f")
    text = failure(
        Folder(replace(CHANGED, pending=True), activate_fails=full, back_fails=worse), code=FILES_NOT_WRITTEN
    )
    assert "no space is left" in text
    assert "it is read-only" in text
    gone = HostUnreachableError.on("docker-1", "IPF401", problem="no answer", effect="e", fix="f")
    folder = Folder(replace(CHANGED, pending=True), activate_fails=gone)
    with pytest.raises(HostUnreachableError):
        run(folder)
    assert folder.made == ["compare pid=42", "activate pid=42 hold=True"]
    assert sent(docker) == []


def test_both_failures_are_said(docker: ContainerEngine) -> None:
    """The way back may fail too."""
    answer_command(docker, 1, b"broken")
    lost = HostError.on("docker-1", "IPF811", problem="no space is left", effect="e", fix="f")
    text = failure(Folder(back_fails=lost), COMMAND, code=FILES_NOT_BACK)
    assert "exit status 1" in text
    assert "no space is left" in text
