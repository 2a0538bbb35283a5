"""The command of a reload, run in a container of a substitute for Docker's Engine: its output, its exit status, its time."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ipvlan.hosts import engine_writes
from ipvlan.hosts.connection import HostConnection
from ipvlan.hosts.engine import LOG_BYTES
from ipvlan.hosts.engine_writes import Executed
from tests.support.container_engine import Clock, ContainerEngine, open_directly
from tests.support.containers import container
from tests.support.fake_engine import serve

ID = "22" * 32


@pytest.fixture
def docker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ContainerEngine]:
    """Serve a Docker whose container web runs and takes commands."""
    engine = ContainerEngine(tmp_path / "engine.sock", caller=Clock())
    open_directly(monkeypatch, engine, engine_writes)
    engine.inspected = [container("22", "web", State__Pid=42)]
    engine.answers[f"POST /containers/{ID}/exec"] = (201, {"Id": "e1"})
    with serve(engine):
        yield engine


def answer_command(docker: ContainerEngine, status: int, printed: bytes) -> None:
    """Let the command end so."""
    docker.answers["POST /exec/e1/start"] = (200, printed)
    docker.answers["GET /exec/e1/json"] = (200, {"ExitCode": status})


def execute(*command: str, seconds: float = 5) -> Executed:
    """Run a command."""
    with engine_writes.open_engine(HostConnection(name="docker-1", command=("ssh", "docker-1"))) as engine:
        return engine.execute(ID, command, seconds=seconds)


def test_one_that_does_not_end(docker: ContainerEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is given up after its time, and counts as failed."""
    monkeypatch.setattr(docker, "act", lambda *arguments: hang(docker, *arguments))
    assert execute("sleep", "60", seconds=0.3).status is None


def hang(docker: ContainerEngine, method: str, action: str, query: Any, body: Any) -> Any:
    """Answer nothing for a while where a command is started."""
    if action == "exec/e1/start":
        docker.stopped.wait(1.5)
    return ContainerEngine.act(docker, method, action, query, body)


def test_what_it_prints_is_kept(docker: ContainerEngine) -> None:
    """With the words of the command as they are, no shell, and its exit status."""
    answer_command(docker, 5, b"one\ntwo\n")
    done = execute("a b", "$c")
    assert (done.status, done.output) == (5, b"one\ntwo\n")


def test_the_end_of_a_cut_secret_is_not_kept(docker: ContainerEngine) -> None:
    """The mask would not know it: the first line of a cut output is left out."""
    answer_command(docker, 1, b"correct horse, " + b"x" * (LOG_BYTES - 8) + b"\nlast\n")
    assert execute("reload").output == b"last\n"
    exact = b"y" * LOG_BYTES
    answer_command(docker, 1, exact)
    assert execute("reload").output == exact


def test_the_exit_status_is_waited_for(docker: ContainerEngine) -> None:
    """A command may close its output before Docker knows of its end; one that goes on is given up after its time."""
    answer_command(docker, 0, b"")
    running = (200, {"ExitCode": None, "Running": True})
    docker.answers["GET /exec/e1/json"] = running
    threading.Timer(
        0.4, lambda: docker.answers.update({"GET /exec/e1/json": (200, {"ExitCode": 0, "Running": False})})
    ).start()
    assert execute("reload", seconds=20).status == 0
    docker.answers["GET /exec/e1/json"] = running
    assert execute("reload", seconds=0.3).status is None
