"""The repair of a container's connections to bridge networks: only of one that is as it was shown, by ids, in one visit."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from netaddr import IPAddress

from ipvlan.hosts import repair
from ipvlan.hosts.connection import HostConnection
from ipvlan.hosts.endpoints import ENDPOINT_PRIORITY, Endpoint, Wanted
from ipvlan.hosts.errors import HostError
from ipvlan.hosts.repair import Seen
from ipvlan.hosts.snapshot import Endpoint as LiveEnd
from tests.support.container_engine import put_ssh
from tests.support.fake_engine import JSON, FakeEngine, Reply, document, message, serve

ID = "0123456789abcdef" * 4
NETWORK = {"Id": "d1", "Name": "data", "Driver": "bridge", "Labels": {}}
WANTED = Wanted(
    host="docker-1",
    container="app",
    container_id=ID,
    endpoints=(Endpoint(network="data", network_id="d1", aliases=("db",)),),
    priority=ENDPOINT_PRIORITY,
    keep_bridge=False,
    owner="a" * 16,
)


@dataclass
class OneContainer(FakeEngine):
    """A daemon with one container, which was created and never started, and one bridge network."""

    status: str = "created"
    ends: dict[str, dict[str, Any]] = field(default_factory=lambda: {"bridge": {"NetworkID": "", "IPAddress": ""}})
    changes: list[str] = field(default_factory=list)
    gone: bool = False
    connection: HostConnection = field(init=False)
    """To it."""

    def act(self, method: str, action: str, query: Mapping[str, str], body: dict[str, Any]) -> Reply:
        """Do what one request is for."""
        if method == "GET":
            if action == "networks":
                return document(200, [NETWORK])
            return message(404, f"No such container: {ID}") if self.gone else document(200, self.described())
        self.changes.append(f"{action.replace(ID, 'ID')} {body.get('Container', '').replace(ID, 'ID')}".strip())
        if action == "networks/d1/connect":
            self.ends["data"] = {"NetworkID": "d1", **body["EndpointConfig"], "IPAddress": ""}
        elif action == "networks/bridge/disconnect":
            del self.ends["bridge"]
        elif action == f"containers/{ID}/start":
            self.status = "running"
            for end in self.ends.values():
                end["IPAddress"] = "172.30.5.2"
        return 204, b"", JSON

    def described(self) -> dict[str, Any]:
        """Return the container as `GET /containers/ID/json` answers it."""
        never = "0001-01-01T00:00:00Z"
        state = {"Status": self.status, "Running": self.status == "running", "StartedAt": never, "ExitCode": 0}
        return {
            "Id": ID,
            "Name": "/app",
            "State": state,
            "Config": {"Hostname": ID[:12]},
            "HostConfig": {"NetworkMode": "default"},
            "NetworkSettings": {"Networks": self.ends},
        }


@pytest.fixture
def docker(tmp_path: Path) -> Iterator[OneContainer]:
    """Serve it where a substitute for ssh forwards to it."""
    with serve(OneContainer(tmp_path / "s")) as engine:
        engine.connection = HostConnection(name="docker-1", command=(put_ssh(tmp_path, engine), "docker-1"))
        yield engine


def seen(state: str = "created", network: str = "bridge") -> Seen:
    """Return the container as it was shown."""
    return Seen(
        id=ID,
        name="app",
        state=state,
        endpoints=(LiveEnd(network=network, network_id="", address=None, fixed=None),),
    )


def test_a_container_that_never_started_is_connected_and_then_started(docker: OneContainer) -> None:
    """Its bridges first, then off Docker's own, then its start; what is returned is what the next step expects."""
    after = repair.connect_to_bridges(docker.connection, seen(), WANTED)
    assert docker.changes == ["networks/d1/connect ID", "networks/bridge/disconnect ID", "containers/ID/start"]
    address = IPAddress("172.30.5.2")
    assert after == Seen(
        id=ID,
        name="app",
        state="running",
        endpoints=(LiveEnd(network="data", network_id="d1", address=address, fixed=None),),
    )
    assert docker.ends["data"]["Aliases"] == ["db"]
    # Again: nothing is left to do.
    docker.changes.clear()
    assert repair.connect_to_bridges(docker.connection, after, WANTED) == after


@pytest.mark.parametrize("container", [seen("exited"), seen(network="data")])
def test_a_container_that_changed_since_is_left_as_it_is(docker: OneContainer, container: Seen) -> None:
    """Its state, and its networks: nothing was confirmed about what it is now."""
    with pytest.raises(HostError) as error:
        repair.connect_to_bridges(docker.connection, container, WANTED)
    [problem] = error.value.problems
    assert problem.code == "IPF774"
    assert "is not as it was shown any more" in problem.problem
    assert docker.changes == []


def test_a_container_that_is_gone(docker: OneContainer) -> None:
    """It is said, and nothing is changed."""
    docker.gone = True
    with pytest.raises(HostError, match="does not exist any more"):
        repair.connect_to_bridges(docker.connection, seen(), WANTED)
    assert docker.changes == []
