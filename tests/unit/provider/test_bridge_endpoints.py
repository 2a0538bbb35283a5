"""The connections of a container to bridges: made, changed and ended live; and its first start."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from docker import APIClient

from ipvlan.hosts.errors import HostError
from ipvlan.hosts.spare_copy import Record
from ipvlan.plan.resource_names import OWNER_LABEL
from provider.bridge_endpoints import BridgeEndpoints
from provider.resource import Properties
from tests.support.containers import FABRIC, IMAGE, OURS, container, stopped
from tests.support.fake_engine import serve
from tests.support.network_engine import NetworkEngine, reached_by
from tests.support.volume_resource import Run

ENDPOINTS = BridgeEndpoints()
OWNER = OURS.partition("/")[0]
NEVER = "0001-01-01T00:00:00Z"
FABRICS = {"NetworkID": "fa" * 32, "Aliases": None, "IPAMConfig": {"IPv4Address": "10.1.1.1"}, "GwPriority": 0}


@pytest.fixture
def run() -> Run:
    """Return a run."""
    return Run()


@pytest.fixture
def docker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[NetworkEngine]:
    """Serve the Docker of every host: with the fabric, two bridges of this stack, and one of others."""
    monkeypatch.setattr("ipvlan.hosts.restore.time.sleep", lambda _: None)
    with serve(NetworkEngine(tmp_path / "s", images={IMAGE: {"Id": IMAGE, "Config": {}}})) as engine:
        reached_by(monkeypatch, engine)
        engine.add_network("fa", FABRIC, Driver="ipvlan", Labels={OWNER_LABEL: f"{OWNER}/docker-1"})
        engine.add_network("c1", "backend", Labels={OWNER_LABEL: f"{OWNER}/docker-1/backend"})
        engine.add_network("c2", "data", Labels={OWNER_LABEL: f"{OWNER}/docker-1/data"})
        engine.add_network("c3", "mon_default")
        engine.add_network("b0", "bridge")
        yield engine


def endpoint(network: str = "backend", id_: str = "c1", *aliases: str) -> dict[str, Any]:
    """Return a connection as it is to be."""
    return {"network": network, "network_id": id_ * 32, "aliases": list(aliases)}


def inputs(*endpoints: dict[str, Any], **changes: Any) -> Properties:
    """Return the inputs for the container `11`, some changed."""
    return {
        "host": "docker-1", "ssh": ["ssh", "of the state"], "container": "web", "container_id": "11" * 32,
        "endpoints": list(endpoints), "priority": -100, "keep_bridge": True,
        "rollout": {"owner": OURS, "healthy_within": 60, "on_failure": "restore", "secret_names": []}, **changes,
    }  # fmt: skip


def created(**more: Any) -> dict[str, Any]:
    """Return the container as the docker provider creates it: it never ran."""
    found = stopped("11", "web", **more)
    found["State"]["StartedAt"] = NEVER
    return found


def live(id_: str = "c1", *aliases: str, priority: int = -100) -> dict[str, Any]:
    """Return a connection as Docker reports it."""
    return {"NetworkID": id_ and id_ * 32, "Aliases": list(aliases), "IPAMConfig": None, "GwPriority": priority}


def test_a_new_container_is_connected_and_then_started(docker: NetworkEngine, run: Run) -> None:
    """It has all of its networks at its first instruction, below the fabric's priority, and under the host's lock."""
    docker.inspected = [created()]
    made = ENDPOINTS.create(inputs(endpoint("backend", "c1", "api"), endpoint("data", "c2")), run.operation)
    assert made.id == f"docker-1/{'11' * 32}"
    assert docker.changes == ["connect 11 backend", "connect 11 data", "start 11"]
    assert docker.bodies[0]["EndpointConfig"] == {"Aliases": ["api"], "GwPriority": -100}
    assert docker.summary["web"][1] == "running"
    assert run.held == ["docker-1"]


def test_a_docker_before_28_is_told_no_priority(docker: NetworkEngine, run: Run) -> None:
    """It has none; the names decide there."""
    docker.newest_api, docker.server = "1.45", "Docker/26.1.5 (linux)"
    docker.inspected = [created()]
    ENDPOINTS.create(inputs(endpoint("backend", "c1", "api")), run.operation)
    assert docker.bodies[0]["EndpointConfig"] == {"Aliases": ["api"]}
    ENDPOINTS.update(inputs(), inputs(endpoint("backend", "c1", "api")), run.operation)
    assert docker.changes == ["connect 11 backend", "start 11"]


def test_one_without_the_fabric_leaves_dockers_bridge(docker: NetworkEngine, run: Run) -> None:
    """When it has its own networks, so it is never without one; published, it stays there."""
    networks = {"bridge": {"NetworkID": "", "Aliases": None}}
    docker.inspected = [created(NetworkSettings__Networks=networks)]
    ENDPOINTS.create(inputs(endpoint(), keep_bridge=True), run.operation)
    assert set(docker.endpoints("web")) == {"bridge", "backend"}
    docker.changes.clear()
    ENDPOINTS.update(inputs(endpoint()), inputs(endpoint("data", "c2"), keep_bridge=False), run.operation)
    assert docker.changes == ["connect 11 data", "disconnect 11 backend", "disconnect 11 bridge"]
    assert set(docker.endpoints("web")) == {"data"}


def test_a_network_of_others_is_left_when_it_leaves_the_config(docker: NetworkEngine, run: Run) -> None:
    """The state says that this stack connected it; a connection that somebody else made to such a network stays."""
    networks = {FABRIC: FABRICS, "backend": live(), "mon_default": live("c3", priority=0)}
    docker.inspected = [container("11", "web", NetworkSettings__Networks=dict(networks))]
    ENDPOINTS.update(inputs(endpoint()), inputs(endpoint("backend", "c1", "api")), run.operation)
    assert docker.changes == ["disconnect 11 backend", "connect 11 backend"]
    docker.changes.clear()
    ENDPOINTS.update(
        inputs(endpoint("backend", "c1", "api"), endpoint("mon_default", "c3")),
        inputs(endpoint("backend", "c1", "api")),
        run.operation,
    )
    assert docker.changes == ["disconnect 11 mon_default"]


@pytest.mark.parametrize("there", [False, True])
def test_one_of_others_that_was_created_again_is_left_when_it_leaves_the_config(
    docker: NetworkEngine, run: Run, there: bool
) -> None:
    """The state has the dead id, and the container another bridge; where the recorded one lives, the other one stays."""
    if there:
        docker.add_network("dd", "mon_default")
    networks = {FABRIC: FABRICS, "backend": live(), "mon_default": live("c3")}
    docker.inspected = [container("11", "web", NetworkSettings__Networks=networks)]
    ENDPOINTS.update(inputs(endpoint(), endpoint("mon_default", "dd")), inputs(endpoint()), run.operation)
    assert docker.changes == ([] if there else ["disconnect 11 mon_default"])


@pytest.mark.parametrize("make", [container, stopped])
def test_other_aliases_are_a_new_connection(docker: NetworkEngine, run: Run, make: Any) -> None:
    """Docker changes none, and of a stopped container it says success and changes nothing: it is disconnected first."""
    docker.inspected = [make("11", "web", NetworkSettings__Networks={FABRIC: FABRICS, "backend": live("c1", "api")})]
    ENDPOINTS.update(inputs(endpoint("backend", "c1", "api")), inputs(endpoint("backend", "c1", "db")), run.operation)
    assert docker.changes == ["disconnect 11 backend", "connect 11 backend"]
    assert docker.endpoints("web")["backend"]["Aliases"] == ["db"]
    assert docker.endpoints("web")[FABRIC] == FABRICS


def test_a_refused_connection_leaves_the_others(docker: NetworkEngine, run: Run) -> None:
    """What is new is connected before anything is ended: a container without the fabric is never without a network."""
    docker.inspected = [container("11", "web", NetworkSettings__Networks={"backend": live()})]
    docker.refuses["connect"] = ["no available IPv4 addresses on this network's address pools"]
    with pytest.raises(HostError, match=r"(?s)IPF808.*not connected to data: no available IPv4 addresses"):
        ENDPOINTS.update(inputs(endpoint()), inputs(endpoint("data", "c2"), keep_bridge=False), run.operation)
    assert docker.endpoints("web") == {"backend": live()}


def test_a_refused_other_connection_is_made_again_as_it_was(docker: NetworkEngine, run: Run) -> None:
    """The state keeps the old inputs, so whoever takes the edit back is told that nothing differs: and nothing does."""
    docker.inspected = [container("11", "web", NetworkSettings__Networks={"backend": live("c1", "api", priority=-7)})]
    docker.refuses["connect"] = ["no available IPv4 addresses"]
    given = inputs(endpoint("backend", "c1", "db"))
    with pytest.raises(HostError, match=r"(?s)IPF808.*no available IPv4 addresses.*connected as before") as caught:
        ENDPOINTS.update(inputs(endpoint("backend", "c1", "api")), given, run.operation)
    assert "is not connected to it any more" not in str(caught.value)
    assert docker.endpoints("web") == {"backend": live("c1", "api", priority=-7)}
    docker.refuses["connect"] = ["no available IPv4 addresses", "and still none"]
    with pytest.raises(HostError, match=r"(?s)IPF808.*and it is not connected to it any more: and still none"):
        ENDPOINTS.update(inputs(endpoint("backend", "c1", "api")), given, run.operation)
    assert docker.endpoints("web") == {}


def test_a_dead_connection_is_not_made_again(docker: NetworkEngine, run: Run) -> None:
    """Its network is gone: there is nothing to connect it to but the one that Docker refuses."""
    docker.inspected = [container("11", "web", NetworkSettings__Networks={"backend": live("dd")})]
    docker.refuses["connect"] = ["no available IPv4 addresses"]
    with pytest.raises(HostError, match=r"(?s)IPF808.*not connected to it any more: its network is gone"):
        ENDPOINTS.update(inputs(endpoint("backend", "dd")), inputs(endpoint()), run.operation)
    assert docker.changes == ["disconnect 11 backend", "connect 11 backend"]


@pytest.mark.parametrize(
    ("now", "changes"),
    [
        (live("c1", "api"), []),
        (live("", "api"), []),
        (live("c1", "api", "11" * 6), []),
        (live("c1", "api", priority=0), ["disconnect 11 backend", "connect 11 backend"]),
        (live("dd", "api"), ["disconnect 11 backend", "connect 11 backend"]),
    ],
)
def test_what_is_a_difference(docker: NetworkEngine, run: Run, now: dict[str, Any], changes: list[str]) -> None:
    """Another priority, and the id of a network that is gone; Docker's own alias is none, and no id yet."""
    docker.inspected = [stopped("11", "web", NetworkSettings__Networks={"backend": now})]
    ENDPOINTS.create(inputs(endpoint("backend", "c1", "api")), run.operation)
    assert docker.changes == changes
    assert docker.summary["web"][1] == "created"


def test_a_dead_id_is_disconnected_by_name(docker: NetworkEngine, run: Run) -> None:
    """Docker does not find the network by it any more."""
    docker.inspected = [stopped("11", "web", NetworkSettings__Networks={"backend": live("dd")})]
    ENDPOINTS.create(inputs(endpoint()), run.operation)
    assert f"POST /v1.51/networks/{'dd' * 32}/disconnect" not in docker.requests
    assert "POST /v1.51/networks/backend/disconnect" in docker.requests


def test_own_bridges_that_are_not_planned_are_left_and_those_of_others_stay(docker: NetworkEngine, run: Run) -> None:
    """Also one that is not in the state, as of a run that was killed; somebody connected the other one by hand."""
    networks = {FABRIC: FABRICS, "backend": live(), "data": live("c2"), "mon_default": live("c3", priority=0)}
    docker.inspected = [container("11", "web", NetworkSettings__Networks=networks)]
    ENDPOINTS.update(inputs(endpoint()), inputs(endpoint(), priority=-100, keep_bridge=False), run.operation)
    assert docker.changes == ["disconnect 11 data"]
    assert set(docker.endpoints("web")) == {FABRIC, "backend", "mon_default"}


def test_a_network_that_is_not_the_declared_one_stops_it_before_anything(docker: NetworkEngine, run: Run) -> None:
    """Of a stopped container Docker would store a name that is nobody's, and not start it."""
    docker.inspected = [created()]
    with pytest.raises(HostError, match=r"(?s)IPF808.*no network backend with the id d1d1d1d1d1d1"):
        ENDPOINTS.create(inputs(endpoint("data", "c2"), endpoint("backend", "d1")), run.operation)
    assert docker.changes == []


@pytest.mark.parametrize(
    ("found", "said"),
    [
        ([], "is gone"),
        ([container("11", "other")], 'is now called "other"'),
        ([container("11", "web", HostConfig__NetworkMode="host")], 'network mode "host"'),
    ],
)
def test_a_container_that_is_not_the_declared_one_is_left(
    docker: NetworkEngine, run: Run, found: list[dict[str, Any]], said: str
) -> None:
    """Only its id says which one it is."""
    docker.inspected = found
    with pytest.raises(HostError, match=f"(?s)IPF808.*{said}"):
        ENDPOINTS.create(inputs(endpoint()), run.operation)
    assert docker.changes == []


def test_a_success_that_changes_nothing_is_no_success(docker: NetworkEngine, run: Run) -> None:
    """The container is looked at again, and not started without its network."""
    docker.inspected, docker.ignores_connections = [created()], True
    with pytest.raises(HostError, match=r"(?s)IPF808.*still backend is not as planned"):
        ENDPOINTS.create(inputs(endpoint()), run.operation)
    assert docker.summary["web"][1] == "created"


def test_where_it_fails_the_previous_container_runs_again(docker: NetworkEngine, run: Run) -> None:
    """As with Docker's own bridge: the replacement is put aside, and the failure says both."""
    record = Record(of="00" * 32, restart="always", bridge=False, volumes=())
    docker.inspected = [created(), stopped("22", "web.ipvlan-previous", record=record)]
    docker.refuses["connect"] = ["no available IPv4 addresses on this network's address pools"]
    with pytest.raises(HostError, match=r"(?s)IPF808.*no available IPv4 addresses") as caught:
        ENDPOINTS.create(inputs(endpoint()), run.operation)
    assert "runs again" in str(caught.value)
    # A plain `pulumi up` looks at the container that was put aside, and fails for good, whatever was fixed on the host.
    assert "then run `pulumi up --refresh`" in str(caught.value)
    assert "run `pulumi up` again" not in str(caught.value)
    assert docker.summary["web"] == ("22", "running", "always")
    assert docker.summary["web.ipvlan-failed"][0] == "11"
    # The next run finds it aside, and does not ask for its name back.
    with pytest.raises(HostError, match="IPF734"):
        ENDPOINTS.create(inputs(endpoint()), run.operation)


def test_a_start_that_docker_refuses_is_tried_again(docker: NetworkEngine, run: Run) -> None:
    """The container stays created with the reason, and the next run, which repeats this resource, starts it."""
    docker.inspected = [created()]
    docker.refuses["start"] = ["driver failed programming external connectivity"]
    with pytest.raises(HostError, match=r"(?s)IPF808.*is not started: driver failed"):
        ENDPOINTS.create(inputs(endpoint()), run.operation)
    docker.inspected[0]["State"]["Error"] = "driver failed programming external connectivity"
    ENDPOINTS.create(inputs(endpoint()), run.operation)
    assert docker.summary["web"][1] == "running"


def test_a_start_that_binds_ports_has_the_time_of_a_connection(
    docker: NetworkEngine, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A published container off the fabric is on Docker's bridge before its start, which binds them all: 12 a second."""
    times: dict[str, float] = {}
    post = APIClient.post

    def noted(client: APIClient, url: str, **options: Any) -> Any:
        times[url.rpartition("/")[2]] = options["timeout"]
        return post(client, url, **options)

    monkeypatch.setattr(APIClient, "post", noted)
    ports = {f"{number}/tcp": [{"HostIp": "", "HostPort": str(number)}] for number in range(1000, 1600)}
    docker.inspected = [created(HostConfig__PortBindings=ports)]
    ENDPOINTS.create(inputs(endpoint()), run.operation)
    assert times == {"connect": 5, "start": 65}


@pytest.mark.parametrize("after", range(4))
def test_a_run_that_ends_anywhere_is_repeated(docker: NetworkEngine, run: Run, after: int) -> None:
    """Nothing of it is in the state then; what is done already is not done again."""
    docker.inspected = [created()]
    given = inputs(endpoint("backend", "c1", "api"), endpoint("data", "c2"))
    docker.ends_after = after
    if after < 3:
        with pytest.raises(HostError):
            ENDPOINTS.create({**given, "rollout": {**given["rollout"], "on_failure": "leave"}}, run.operation)
    docker.ends_after = None
    ENDPOINTS.create(given, run.operation)
    assert docker.changes == ["connect 11 backend", "connect 11 data", "start 11"]


def test_a_read_shows_what_is_on_the_host(docker: NetworkEngine, run: Run) -> None:
    """So a preview after a refresh shows a connection that somebody ended; a container that is gone has none."""
    state = inputs(endpoint("backend", "c1", "api"), endpoint("data", "c2"))
    docker.inspected = [
        container("11", "web", NetworkSettings__Networks={"backend": live("c1", "api"), "data": live("c2")})
    ]
    assert ENDPOINTS.read("docker-1/11", state, run.operation) == state
    del docker.endpoints("web")["data"]
    docker.endpoints("web")["backend"]["Aliases"] = ["db"]
    read = ENDPOINTS.read("docker-1/11", state, run.operation)
    assert read == {**state, "endpoints": [endpoint("backend", "c1", "db")]}
    assert ENDPOINTS.diff(read, state).changed == ["endpoints"]
    docker.inspected = []
    assert ENDPOINTS.read("docker-1/11", state, run.operation) is None


def test_the_container_alone_replaces(run: Run, docker: NetworkEngine) -> None:
    """Everything else is an update, and one of `ssh` or of the rollout asks no host."""
    old = inputs(endpoint())
    assert ENDPOINTS.diff(old, {**old, "container_id": "22" * 32}).replaces == ["container_id"]
    changes: dict[str, Any]
    for changes in (
        {"endpoints": []},
        {"priority": 0},
        {"keep_bridge": False},
        {"ssh": ["ssh", "other"]},
        {"rollout": {}},
    ):
        difference = ENDPOINTS.diff(old, {**old, **changes})
        assert (list(difference.changed), list(difference.replaces)) == (list(changes), [])
    assert ENDPOINTS.update(old, {**old, "ssh": ["ssh", "other"]}, run.operation)["ssh"] == ["ssh", "other"]
    assert docker.requests == []


def test_a_connection_that_a_killed_run_ended_is_made_again(docker: NetworkEngine, run: Run) -> None:
    """The state has it, and the edit was taken back: only the look before an `up` knows. It is said, and no difference later."""
    docker.inspected = [container("11", "web", NetworkSettings__Networks={FABRIC: FABRICS, "data": live("c2")})]
    state = inputs(endpoint("backend", "c1", "api"), endpoint("data", "c2"))
    found = {**state, "detached": True}
    difference = ENDPOINTS.diff(state, found)
    assert (list(difference.changed), list(difference.replaces)) == (["detached"], [])
    outputs = ENDPOINTS.update(state, found, run.operation)
    assert docker.changes == ["connect 11 backend"]
    assert docker.endpoints("web")["backend"]["Aliases"] == ["api"]
    assert outputs == {**state, "detached": False}
    assert run.warned == [
        "container web on docker-1 was not on all of its bridge networks, and was connected to them again"
    ]
    for given in (state, {**state, "detached": False}):
        assert not ENDPOINTS.diff(outputs, given).changed


def test_it_is_ended_and_ended_again(docker: NetworkEngine, run: Run) -> None:
    """The fabric stays; a connection to a network of the name that is another one is not this resource's."""
    networks = {FABRIC: FABRICS, "backend": live(), "data": live("dd")}
    docker.inspected = [container("11", "web", NetworkSettings__Networks=networks)]
    state = inputs(endpoint(), endpoint("data", "c2"))
    ENDPOINTS.delete(state, run.operation)
    assert docker.changes == ["disconnect 11 backend"]
    ENDPOINTS.delete(state, run.operation)
    docker.inspected = []
    ENDPOINTS.delete(state, run.operation)
    assert docker.changes == ["disconnect 11 backend"]


@pytest.mark.parametrize(("there", "left"), [([], ["fabric"]), (["dd"], ["fabric", "mon_default"])])
def test_it_leaves_a_network_that_was_created_again(
    docker: NetworkEngine, run: Run, there: list[str], left: list[str]
) -> None:
    """Its owner did, so the recorded id is dead; where that one lives, the other one of the name is not what was connected."""
    for id_ in there:
        docker.add_network(id_, "mon_default")
    docker.inspected = [container("11", "web", NetworkSettings__Networks={"mon_default": live("c3"), "fabric": {}})]
    ENDPOINTS.delete(inputs(endpoint("mon_default", "dd")), run.operation)
    assert sorted(docker.endpoints("web")) == left
