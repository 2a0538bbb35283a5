"""The visit to a host before an `up`, through an `ssh` that runs the shell here and leads to a daemon of the test."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from ipvlan.hosts.availability import Visit, visit_hosts
from ipvlan.hosts.connection import connection_to
from ipvlan.hosts.errors import DISK_FULL, DOCKER_UNAVAILABLE, HOST_UNREACHABLE
from tests.support.fake_engine import FakeEngine, fake_engine
from tests.support.live_parts import reference_plan

SSH = """#!/bin/sh
case "$*" in *"-O cancel"*) exit 0 ;; esac
MODE
forward=${2%:*}
[ ! -e HERE/docker.sock ] || ln -s HERE/docker.sock "$forward"
for last; do :; done
exec sh -c "$last"
"""
"""An ssh that forwards the socket by a link, as `-L LOCAL:REMOTE` is its second argument."""

DOCKER = """#!/bin/sh
case "$*" in
  "version --format {{.Server.Version}}") VERSION ;;
  *) INFO ;;
esac
"""


class Host:
    """Both hosts of the reference setup: what ssh, the `docker` command and the file system answer there."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.ssh()
        self.docker("echo no daemon >&2; exit 1")

    def ssh(self, mode: str = ":") -> None:
        """Let ssh run `mode` before it connects."""
        self._write("ssh", SSH.replace("HERE", str(self.folder)).replace("MODE", mode))

    def docker(self, version: str, info: str = "echo folder=; echo engine=; echo security=null") -> None:
        """Let `docker version` and `docker info` run these; without a daemon `docker info` succeeds (Docker 26.1)."""
        self._write("docker", DOCKER.replace("VERSION", version).replace("INFO", info))

    def free(self, blocks: int) -> None:
        """Let the file system of Docker's folder have that many free blocks of 4096 bytes."""
        self._write("stat", f"#!/bin/sh\necho blocks={blocks}\necho block_size=4096\n")

    def no_docker(self) -> None:
        """Remove the `docker` command."""
        (self.folder / "bin" / "docker").unlink()

    def visit(self, *, connect_timeout: float = 5, network: str = "") -> Visit:
        """Return the visit to docker-1."""
        plan = reference_plan()
        connections = [connection_to(plan.hosts[0], plan.ssh)]
        return visit_hosts(connections, connect_timeout=connect_timeout, network=network)["docker-1"]

    def _write(self, name: str, text: str) -> None:
        path = self.folder / "bin" / name
        # Most are links to this machine's own programs, and writing follows a link.
        path.unlink(missing_ok=True)
        path.write_text(text)
        path.chmod(0o755)


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Host:
    """Return the hosts; their commands are first on PATH, and nothing else of this machine's Docker is on it."""
    (tmp_path / "bin").mkdir()
    for tool in ("sh", "ln", "cat", "id", "timeout", "tail", "sed", "grep", "sleep", "stat", "rm"):
        found = next(folder / tool for folder in (Path("/usr/bin"), Path("/bin")) if (folder / tool).exists())
        (tmp_path / "bin" / tool).symlink_to(found)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    return Host(tmp_path)


@pytest.fixture
def engine(host: Host) -> Iterator[FakeEngine]:
    """Return the daemon behind the socket."""
    with fake_engine(host.folder / "docker.sock") as engine:
        engine.answers["GET /info"] = 200, {"ID": "ENGINE", "DockerRootDir": "/"}
        yield engine


def test_an_available_host(host: Host, engine: FakeEngine) -> None:
    """It has the kernel's boot id and the Engine's, for one request and nothing left behind."""
    boot_id = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="utf-8").strip()
    assert host.visit() == Visit(host="docker-1", boot_id=boot_id, engine_id="ENGINE")
    assert engine.requests == ["GET /info"]
    assert {entry.name for entry in host.folder.iterdir()} == {"bin", "docker.sock"}


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ((200, {"Containers": {"c1": {}, "c2": {}}}), {"c1", "c2"}),
        ((200, {"Containers": None}), set()),
        ((404, {"message": "network ipvlanl2 not found"}), set()),
        ((400, {"message": "2 matches found based on name"}), None),
    ],
)
def test_what_runs_on_a_network(
    host: Host, engine: FakeEngine, answer: tuple[int, object], expected: set[str] | None
) -> None:
    """Docker lists its running containers; without it there are none, and another answer says nothing."""
    engine.answers["GET /networks/ipvlanl2"] = answer
    visit = host.visit(network="ipvlanl2")
    assert visit.on_network == expected
    assert visit.failure is None
    assert engine.requests == ["GET /info", "GET /networks/ipvlanl2"]


def test_a_socket_that_is_not_forwarded(host: Host) -> None:
    """Where ssh forwards no socket, the `docker` command on the host answers; its complaints are not the id."""
    host.docker("echo 26.1.5", info="echo 'WARNING: Error loading config file' >&2; echo folder=/; echo engine=ENGINE")
    assert host.visit().engine_id == "ENGINE"
    assert host.visit().failure is None


@pytest.mark.parametrize(
    ("reply", "says"),
    [
        ("echo; echo 'Cannot connect to the Docker daemon. Is it running?' >&2; exit 1", "Cannot connect"),
        ("echo 'permission denied while trying to connect to the docker API' >&2; exit 1", "permission denied"),
        ("exit 3", "no reason given"),
        ("exec sleep 60", "no answer within"),
    ],
)
def test_docker_does_not_answer(host: Host, monkeypatch: pytest.MonkeyPatch, reply: str, says: str) -> None:
    """A Docker that is stopped, or closed to the user, has its own words in one sentence; the machine is known."""
    monkeypatch.setattr("ipvlan.hosts.availability.EXTRA_SECONDS", 1.0)
    host.docker(reply)
    visit = host.visit()
    assert visit.boot_id
    assert not visit.engine_id
    assert visit.failure is not None
    (problem,) = visit.failure.problems
    assert (problem.code, problem.key) == (DOCKER_UNAVAILABLE, 'host "docker-1"')
    assert says in problem.problem
    assert "systemctl start docker" in problem.fix


def test_docker_hangs(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    """A Docker that takes connections and never answers is noticed within the connect timeout and a few seconds."""
    monkeypatch.setattr("ipvlan.hosts.availability.EXTRA_SECONDS", 1.0)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(host.folder / "docker.sock"))
        listener.listen()
        began = time.monotonic()
        visit = host.visit(connect_timeout=1)
    assert time.monotonic() - began < 5
    assert visit.boot_id
    assert visit.failure is not None
    assert "takes connections and does not answer" in visit.failure.problems[0].problem


def test_a_refusal_of_docker(host: Host, engine: FakeEngine) -> None:
    """An answer that is not Docker's, or is a failure, leaves it to the `docker` command to say why."""
    engine.answers["GET /info"] = 500, {"message": "broken"}
    host.docker("echo 'Error response from daemon: broken' >&2; exit 1")
    failure = host.visit().failure
    assert failure is not None
    assert "Error response from daemon: broken" in failure.problems[0].problem


def test_no_space(host: Host, engine: FakeEngine) -> None:
    """A Docker with less than 64 MiB to write is not available; with one more block it is."""
    host.free(16383)
    failure = host.visit().failure
    assert failure is not None
    assert failure.problems[0].code == DISK_FULL
    host.free(16384)
    assert host.visit().failure is None
    assert engine.requests == ["GET /info"] * 2


def test_no_docker_command(host: Host, engine: FakeEngine) -> None:
    """Without the command nothing can be created, though the daemon answers: `pulumi up` goes by it."""
    host.no_docker()
    visit = host.visit()
    assert visit.engine_id == "ENGINE"
    assert visit.failure is not None
    assert "there is no `docker` command for" in visit.failure.problems[0].problem
    assert engine.requests == ["GET /info"]


def test_ssh_fails(host: Host) -> None:
    """A host that ssh does not reach has ssh's reason, and no other host waits for it."""
    host.ssh("echo 'Permission denied (publickey).' >&2; exit 255")
    visit = host.visit()
    assert visit.failure is not None
    assert visit.failure.problems[0].code == HOST_UNREACHABLE
    assert (visit.boot_id, visit.engine_id) == ("", "")
    assert visit_hosts([], connect_timeout=1) == {}


def test_the_commands_of_this_test_are_the_only_ones(host: Host) -> None:
    """No `docker` of this machine can answer."""
    assert os.environ["PATH"] == str(host.folder / "bin")
