"""A bridge attachment is one visit to the host: the real session and the real requests, counted, with a substitute for Docker."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ipvlan.hosts.errors import HostError
from provider.bridge_connection import BridgeConnection
from provider.resource import Operation
from tests.support.container_engine import ContainerEngine, put_ssh, set_state
from tests.support.containers import FABRIC, container, stopped
from tests.support.fake_engine import NoReplyError, message, serve

ID = "22" * 32
BINDINGS = {"80/tcp": [{"HostIp": "0.0.0.0", "HostPort": "80"}]}  # noqa: S104
INPUTS: dict[str, Any] = {
    "host": "docker-1",
    "container": "web",
    "container_id": ID,
    "rollout": {
        "owner": "0123456789abcdef/docker-1/web",
        "healthy_within": 60.0,
        "on_failure": "leave",
        "secret_names": [],
    },
    "fabric": FABRIC,
    "ports": [{"container_port": "80/tcp", "host_address": "", "host_port": 80.0}],
}
LOOK = f"containers/{ID}/json"
CONNECT = "networks/bridge/connect"


class Host:
    """A host with one container: ssh notes each of its starts, and so does Docker's command line, which then fails."""

    def __init__(self, folder: Path, docker: ContainerEngine) -> None:
        self.folder, self.docker = folder, docker
        ssh = Path(put_ssh(folder, docker))
        ssh.write_text(ssh.read_text().replace("#!/bin/sh\n", f"#!/bin/sh\necho x >>{folder}/visits\n"))
        command = folder / "docker"
        command.write_text(f'#!/bin/sh\necho "$*" >>{folder}/commands\necho "no docker here" >&2\nexit 1\n')
        command.chmod(0o755)
        self.ssh = [str(ssh)]
        docker.inspected = [container("22", "web", HostConfig__PortBindings=BINDINGS)]

    def create(self, **changes: Any) -> str:
        """Create the connection, and return its id."""
        return BridgeConnection().create({**INPUTS, "ssh": self.ssh, **changes}, Operation()).id

    def count(self, what: str) -> int:
        """Return how many `visits` or `commands` there were."""
        path = self.folder / what
        return len(path.read_text().splitlines()) if path.exists() else 0

    @property
    def requests(self) -> list[str]:
        """The requests, without method and version of the API."""
        return [request.split("/", 2)[2] for request in self.docker.requests]


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Host]:
    """Return a host with Docker 28 and a running container that publishes port 80."""
    with serve(ContainerEngine(tmp_path / "engine.sock")) as docker:
        yield Host(tmp_path, docker)


def test_an_attachment_is_one_visit(host: Host) -> None:
    """One ssh, no start of Docker's command line, three requests: a look, the connection, and the proof."""
    assert host.create() == f"docker-1/{ID}"
    assert (host.count("visits"), host.count("commands")) == (1, 0)
    assert host.requests == [LOOK, CONNECT, LOOK]
    assert host.docker.connected_in == ["1.51 100"]


@pytest.mark.parametrize(
    ("api", "requests"), [("1.41", [LOOK, LOOK, CONNECT, LOOK]), ("1.45", [LOOK, CONNECT, LOOK])], ids=["20.10", "26.1"]
)
def test_without_priorities_it_is_one_visit_too(host: Host, api: str, requests: list[str]) -> None:
    """The network's name decides there; an old Docker first refuses the version of the request."""
    host.docker.newest_api = api
    host.create()
    assert (host.count("visits"), host.count("commands")) == (1, 0)
    assert host.requests == requests
    assert host.docker.connected_in == [f"{min(api, '1.44')} None"]


def test_one_that_has_the_connection_is_not_changed(host: Host) -> None:
    """Its ports are bound: the first look is the proof."""
    host.docker.inspected[0]["NetworkSettings"] = {"Networks": {FABRIC: {}, "bridge": {}}, "Ports": BINDINGS}
    host.create()
    assert (host.count("visits"), host.count("commands")) == (1, 0)
    assert host.requests == [LOOK]


def test_one_that_docker_started_again_long_ago_is_no_other(host: Host) -> None:
    """It is steady by now."""
    host.docker.inspected[0].update(RestartCount=3)
    host.create()
    assert (host.count("visits"), host.count("commands")) == (1, 0)
    assert host.requests == [LOOK, CONNECT, LOOK]


def test_one_that_never_started_is_started_first(host: Host) -> None:
    """A power cut undoes a start. All of it is the same visit."""
    state: dict[str, Any] = {"State__StartedAt": "0001-01-01T00:00:00Z", "HostConfig__PortBindings": BINDINGS}
    host.docker.inspected = [stopped("22", "web", **state)]
    host.create()
    assert (host.count("visits"), host.count("commands")) == (1, 0)
    assert host.docker.changes == ["start 22", "connect 22"]


def usual(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Let the usual way fail, and return the containers that were connected in it."""
    tried: list[str] = []

    def connect(attachment: Any) -> None:
        tried.append(attachment.container_id)
        raise HostError.on("docker-1", "IPF000", problem="as it always was", effect="none", fix="none")

    monkeypatch.setattr("ipvlan.hosts.bridge.connect", connect)
    return tried


REFUSED: dict[str, dict[str, Any]] = {
    "renamed": {"Name": "/other"},
    "network of the host": {"HostConfig__NetworkMode": "host"},
    "network of another container": {"HostConfig__NetworkMode": f"container:{'f0' * 32}"},
    "connected, and not the gateway": {"NetworkSettings__Networks": {FABRIC: {}, "bridge": {}}},
    "ended, as a job that has done its work": {
        "State__Status": "exited",
        "State__Running": False,
        "HostConfig__RestartPolicy": {"Name": "no", "MaximumRetryCount": 0},
    },
}


@pytest.mark.parametrize("changes", REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_connected_goes_the_usual_way(
    host: Host, monkeypatch: pytest.MonkeyPatch, changes: dict[str, Any]
) -> None:
    """Nothing is changed in this visit: the script tells the reasons apart, and has the fixes."""
    tried = usual(monkeypatch)
    host.docker.inspected = [container("22", "web", **{"HostConfig__PortBindings": BINDINGS, **changes})]
    with pytest.raises(HostError, match="as it always was"):
        host.create()
    assert tried == [ID]
    assert host.docker.changes == []


def test_a_container_that_is_gone_goes_the_usual_way(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where the first digits of its id are those of another, or its id is another one's name."""
    tried = usual(monkeypatch)
    host.docker.inspected = [container("44", ID)]
    with pytest.raises(HostError, match="as it always was"):
        host.create()
    assert (tried, host.docker.changes) == ([ID], [])


def test_a_container_of_others_that_restarts_is_not_connected(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its name is the id of the one that is gone, which Docker takes for it."""
    tried = usual(monkeypatch)
    other = container("44", ID)
    set_state(other, "restarting", ExitCode=3)
    host.docker.inspected = [other]
    with pytest.raises(HostError, match="as it always was"):
        host.create()
    assert (tried, host.docker.changes) == ([ID], [])


def test_a_name_before_bridge_is_not_connected_without_priorities(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    """The bridge would not be the gateway, and Docker would not say so."""
    tried = usual(monkeypatch)
    host.docker.newest_api = "1.45"
    with pytest.raises(HostError, match="as it always was"):
        host.create(fabric="apps")
    assert (tried, host.docker.changes) == ([ID], [])
    host.docker.newest_api = "1.51"
    host.create(fabric="apps")
    assert host.docker.connected_in == ["1.51 100"]


def test_what_docker_refuses_goes_the_usual_way(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    """There a link that the refused connection left is removed, and the holder of the port is named."""
    tried = usual(monkeypatch)
    host.docker.refuses["connect"] = ["Bind for 0.0.0.0:80 failed: port is already allocated"]
    with pytest.raises(HostError, match="as it always was"):
        host.create()
    assert (tried, host.docker.changes) == ([ID], ["connect 22"])


def test_a_docker_that_ends_meanwhile_goes_the_usual_way(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    """It was asked to connect, and nobody knows whether it did."""
    tried = usual(monkeypatch)

    def ends(*_: Any) -> Any:
        raise NoReplyError

    monkeypatch.setattr(host.docker, "_connect", ends)
    with pytest.raises(HostError, match="as it always was"):
        host.create()
    assert tried == [ID]


def test_a_connection_that_binds_nothing_goes_the_usual_way(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    """A port that the container was created without: success is no proof."""
    tried = usual(monkeypatch)
    host.docker.inspected[0]["HostConfig"]["PortBindings"] = {}
    with pytest.raises(HostError, match="as it always was"):
        host.create()
    assert (tried, host.docker.changes) == ([ID], ["connect 22"])


def ends_at_its_connection(host: Host, monkeypatch: pytest.MonkeyPatch, status: str, code: int) -> None:
    """Let the container run when it is looked at, and not when its ports are to be proven."""
    connect = host.docker._connect

    def ends(found: dict[str, Any], *rest: Any) -> Any:
        reply = connect(found, *rest)
        set_state(found, status, ExitCode=code)
        found["NetworkSettings"]["Ports"] = {}
        return reply

    monkeypatch.setattr(host.docker, "_connect", ends)


def test_one_that_ends_at_its_connection_fails_with_its_end(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    """It goes the usual way, which fails; how it ended is said."""
    tried = usual(monkeypatch)
    ends_at_its_connection(host, monkeypatch, "exited", 1)
    with pytest.raises(HostError, match=r"does not come up.*ended \(exit code 1\)"):
        host.create()
    assert tried == [ID]


def test_one_that_docker_starts_again_at_its_connection_is_not_waited_for(
    host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is connected, and nothing more can be done for it here: `Settled` says whether it comes up, and goes back soon."""
    tried = usual(monkeypatch)
    ends_at_its_connection(host, monkeypatch, "restarting", 3)
    assert host.create() == f"docker-1/{ID}"
    assert (tried, host.docker.changes) == ([], ["connect 22"])


def test_one_that_docker_starts_again_before_its_connection_is_connected(
    host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Docker refused it in the middle of its end; the next attempt is the one of a container that restarts."""
    tried = usual(monkeypatch)
    connect = host.docker._connect
    refusals = ["container is not running"]

    def ends(found: dict[str, Any], *rest: Any) -> Any:
        if refusals:
            set_state(found, "restarting", ExitCode=3)
            return message(500, refusals.pop())
        return connect(found, *rest)

    monkeypatch.setattr(host.docker, "_connect", ends)
    assert host.create() == f"docker-1/{ID}"
    assert (tried, host.docker.changes) == ([], ["connect 22", "connect 22"])
