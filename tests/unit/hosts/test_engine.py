"""Docker's Engine API over a socket: its versions and its failures."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from pathlib import Path

import pytest

from ipvlan.hosts.engine import Engine
from ipvlan.hosts.errors import DOCKER_REFUSED, DOCKER_UNAVAILABLE, HostError
from tests.support.fake_engine import FakeEngine, fake_engine


@pytest.fixture
def docker(tmp_path: Path) -> Iterator[FakeEngine]:
    """Serve a Docker."""
    with fake_engine(tmp_path / "docker.sock") as engine:
        engine.answers = {
            "GET /containers/json": (200, [{"Id": "c1"}]),
            "GET /info": (200, {"DockerRootDir": "/var/lib/docker"}),
        }
        yield engine


@pytest.fixture
def engine(docker: FakeEngine) -> Iterator[Engine]:
    """Return the client of that Docker."""
    client = Engine("docker-1", docker.socket, timeout=1)
    yield client
    client.close()


def failure(error: pytest.ExceptionInfo[HostError]) -> tuple[str, str, str]:
    """Return host, code and problem."""
    (problem,) = error.value.problems
    return error.value.host, problem.code, problem.problem


def test_versions_are_read_from_the_first_answer(engine: Engine) -> None:
    """Docker's own version and that of its API are known without a request of their own."""
    assert engine.version == ""
    assert engine.containers() == [{"Id": "c1"}]
    assert (engine.version, engine.api_version) == ("28.5.2", "1.51")
    assert engine.folder() == "/var/lib/docker"


def test_an_older_docker_is_asked_in_its_own_version(docker: FakeEngine, engine: Engine) -> None:
    """Its refusal names the version that it has; the request is repeated once, and later ones are right at once."""
    docker.newest_api = "1.41"
    assert engine.containers() == [{"Id": "c1"}]
    assert engine.folder() == "/var/lib/docker"
    assert docker.requests == ["GET /v1.44/containers/json", "GET /v1.41/containers/json", "GET /v1.41/info"]


def test_a_refusal_is_an_error_with_dockers_message(docker: FakeEngine, engine: Engine) -> None:
    """A request that fails names the host and Docker's own message."""
    docker.answers["GET /networks"] = (500, {"message": "database is locked"})
    with pytest.raises(HostError) as raised:
        engine.networks()
    assert failure(raised) == ("docker-1", DOCKER_REFUSED, "Docker refused a request: database is locked")


def test_an_image_that_cannot_be_pulled_is_no_failure(docker: FakeEngine, engine: Engine) -> None:
    """Whether an image is on the host, and why it cannot be pulled, are answers; an image of the registry has no reason."""
    docker.answers["GET /distribution/nginx/json"] = (403, {"message": "denied: no access"})
    assert not engine.image_present("nginx")
    assert engine.pull_failure("nginx") == "denied: no access"
    docker.answers["GET /images/nginx/json"] = (200, {"Id": "sha256:1"})
    docker.answers["GET /distribution/nginx/json"] = (200, {})
    assert engine.image_present("nginx")
    assert engine.pull_failure("nginx") == ""


def test_a_docker_that_does_not_answer(docker: FakeEngine, engine: Engine) -> None:
    """A silent daemon is a failure after the time limit."""
    docker.delay = 30
    with pytest.raises(HostError) as raised:
        engine.containers()
    assert failure(raised)[:2] == ("docker-1", DOCKER_UNAVAILABLE)


# docker-py 7.2 leaves a socket that it cannot connect to the garbage collector.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_docker_that_is_not_there(tmp_path: Path) -> None:
    """Without the socket the failure names the service and the group."""
    engine = Engine("docker-1", tmp_path / "none.sock", timeout=1)
    with pytest.raises(HostError) as raised:
        engine.containers()
    engine.close()
    assert failure(raised)[1] == DOCKER_UNAVAILABLE
    assert "group docker" in raised.value.problems[0].fix
    del raised
    gc.collect()
