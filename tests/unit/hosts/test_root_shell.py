"""Running text as root on a host: by the ssh user, or by a helper container in the host's namespaces.

The session and the client of the Engine API are the real ones; ssh runs the shell here, and Docker's socket is a fake's.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from ipvlan.hosts.connection import connection_to
from ipvlan.hosts.errors import NOT_ROOT, HostError
from ipvlan.hosts.root_shell import no_root, root_shell
from ipvlan.hosts.session import HostSession
from ipvlan.hosts.snapshot import HostSnapshot
from tests.support.fake_engine import FakeEngine, fake_engine
from tests.support.live_parts import live_host, reference_plan

SSH = """#!/bin/sh
for last; do :; done
[ "$1" != -L ] || ln -s SOCKET "${2%%:*}"
case "$*" in *"-O cancel"*) exit 0 ;; esac
exec sh -c "$last"
"""


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[FakeEngine]:
    """Serve a fake Docker."""
    with fake_engine(tmp_path / "docker") as engine:
        yield engine


@pytest.fixture
def session(engine: FakeEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[HostSession]:
    """Open a session through an `ssh` that runs the shell here and leads to the fake Docker's socket."""
    ssh = tmp_path / "bin" / "ssh"
    ssh.parent.mkdir()
    ssh.write_text(SSH.replace("SOCKET", str(engine.socket)))
    ssh.chmod(0o755)
    monkeypatch.setenv("PATH", f"{ssh.parent}:{os.environ['PATH']}")
    monkeypatch.setenv("HOME", str(tmp_path))
    plan = reference_plan()
    with HostSession(connection_to(plan.hosts[0], plan.ssh), timeout=5) as session:
        yield session


@pytest.fixture
def live() -> HostSnapshot:
    """Return the host as planned, for an ssh user who is not root."""
    return replace(live_host(reference_plan().host("docker-1")), root=False)


def test_root_needs_no_helper(session: HostSession, engine: FakeEngine, live: HostSnapshot) -> None:
    """Where the ssh user is root, the text runs in the session and Docker is not asked."""
    run = root_shell(session, replace(live, root=True))
    assert run is not None
    assert run("echo hello; echo problem >&2", 5) == "hello\nproblem\n"
    assert engine.requests == []


def test_a_helper_container_runs_the_text(session: HostSession, engine: FakeEngine, live: HostSnapshot) -> None:
    """The helper has an image that is on the host, the host's own nsenter, all its namespaces, and is removed."""
    run = root_shell(session, live)
    assert run is not None
    engine.prints = b"as root\n"
    assert run("id -u", 5) == "as root\n"
    assert engine.containers == set()
    (helper,) = engine.created
    assert helper["Image"] == "sha256:1"
    assert helper["Entrypoint"] == ["/usr/bin/nsenter"]
    assert helper["Cmd"] == ["-t", "1", "-m", "-u", "-n", "-i", "sh", "-c", "id -u"]
    assert helper["User"] == "0"
    assert helper["Labels"] == {"ipvlan-fabric.helper": "true"}
    settings = helper["HostConfig"]
    assert (settings["Privileged"], settings["PidMode"], settings["NetworkMode"]) == (True, "host", "none")
    # Read-only, and only the folders that this machine, as the host, has.
    assert {(mount["Source"], mount["Target"], mount["ReadOnly"]) for mount in settings["Mounts"]} == {
        (folder, folder, True) for folder in ("/usr", "/lib", "/lib64") if Path(folder).is_dir()
    }


def test_a_helper_that_does_not_start_is_removed(session: HostSession, engine: FakeEngine, live: HostSnapshot) -> None:
    """The error names the host and Docker's reason, and no container stays behind."""
    run = root_shell(session, live)
    assert run is not None
    engine.refuses_start = "exec: /usr/bin/nsenter: no such file or directory"
    with pytest.raises(HostError) as refused:
        run("id -u", 5)
    assert refused.value.summary == f'host "docker-1": Docker refused a request: {engine.refuses_start}'
    assert len(engine.created) == 1
    assert engine.containers == set()


def test_an_older_docker_is_asked_in_its_own_version(
    session: HostSession, engine: FakeEngine, live: HostSnapshot
) -> None:
    """A Docker that refuses our API version is asked once more in the version that it names."""
    engine.server, engine.newest_api = "Docker/20.10.24 (linux)", "1.41"
    run = root_shell(session, live)
    assert run is not None
    engine.prints = b"as root\n"
    assert run("id -u", 5) == "as root\n"
    assert engine.requests[:2] == ["POST /v1.44/containers/create", "POST /v1.41/containers/create"]
    assert len(engine.created) == 1
    assert engine.containers == set()


def test_without_an_image_there_is_no_root(session: HostSession, live: HostSnapshot) -> None:
    """On a host without a container there is no image for a helper: the result is None, and the error says what to do."""
    assert root_shell(session, replace(live, containers={})) is None
    (problem,) = no_root("docker-1", "operator").problems
    assert (problem.code, problem.key) == (NOT_ROOT, 'host "docker-1"')
    assert problem.problem.startswith("operator is not root")
    assert "ipvlan-fabric:hosts.docker-1.ssh" in problem.fix
