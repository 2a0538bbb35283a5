"""The spare of a container with bridges: it has all of its networks, on old and new Dockers, and after a run that was killed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ipvlan.hosts import restore as restore_module
from ipvlan.hosts import spare as spare_module
from ipvlan.hosts.connection import HostConnection
from ipvlan.hosts.errors import HostError
from ipvlan.hosts.restore import own_attachment, restore
from ipvlan.hosts.spare import make_spare
from ipvlan.hosts.spare_copy import Record, copy_of, needs_newer_api
from tests.support.container_engine import open_directly
from tests.support.containers import FABRIC, IMAGE, OURS, container
from tests.support.fake_engine import serve
from tests.support.network_engine import NetworkEngine

HOST = HostConnection(name="docker-1", command=("ssh", "docker-1"))
SPARE = "web.ipvlan-previous"
NEVER = "0001-01-01T00:00:00Z"
FABRICS: dict[str, Any] = {
    "NetworkID": "fa" * 32,
    "Aliases": None,
    "IPAMConfig": {"IPv4Address": "10.1.1.1"},
    "GwPriority": 0,
}
BACKEND: dict[str, Any] = {"NetworkID": "c1" * 32, "Aliases": ["api", "22" * 6], "IPAMConfig": None, "GwPriority": -100}
DATA: dict[str, Any] = {"NetworkID": "c2" * 32, "Aliases": None, "IPAMConfig": None, "GwPriority": -100}
NETWORKS = {FABRIC: FABRICS, "backend": BACKEND, "data": DATA}
OLD = {name: {key: endpoint[key] for key in endpoint if key != "GwPriority"} for name, endpoint in NETWORKS.items()}


@pytest.fixture
def docker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[NetworkEngine]:
    """Serve a host's Docker with the container `web` on the fabric and two bridges."""
    images = {each: {"Id": IMAGE, "Config": {}} for each in (IMAGE, "registry.lab:5000/nginx:1")}
    with serve(NetworkEngine(tmp_path / "s", images=images)) as engine:
        open_directly(monkeypatch, engine, spare_module, restore_module)
        monkeypatch.setattr("ipvlan.hosts.restore.time.sleep", lambda _: None)
        engine.add_network("fa", FABRIC, Driver="ipvlan")
        engine.add_network("c1", "backend")
        engine.add_network("c2", "data", Internal=True)
        engine.inspected = [web()]
        yield engine


def web(**more: Any) -> dict[str, Any]:
    """Return the running container on the fabric and two bridges."""
    return container("22", "web", **{"NetworkSettings__Networks": NETWORKS, **more})


def record_of(docker: NetworkEngine) -> Record:
    """Return what the spare's label says."""
    spare = docker.find(SPARE)
    assert spare is not None
    record = Record.parse(spare["Config"]["Labels"]["ipvlan-fabric.previous"])
    assert record is not None
    return record


@pytest.mark.parametrize("api_version", ["1.44", "1.48"])
def test_a_newer_docker_takes_all_networks_at_the_creation(api_version: str) -> None:
    """With aliases and priorities, without Docker's own alias, and without the ids of networks."""
    copy = copy_of(web(), image="nginx", api_version=api_version)
    assert copy.body["HostConfig"]["NetworkMode"] == FABRIC
    assert copy.body["NetworkingConfig"]["EndpointsConfig"] == {
        FABRIC: {"IPAMConfig": {"IPv4Address": "10.1.1.1"}},
        "backend": {"Aliases": ["api"], "GwPriority": -100},
        "data": {"GwPriority": -100},
    }
    assert (copy.later, copy.record.bridges) == ({}, ())


def test_an_older_docker_takes_one_and_the_record_says_which_are_missing() -> None:
    """Docker before 25 refuses more than one: the others are connected after the creation."""
    copy = copy_of(web(NetworkSettings__Networks=OLD), image="nginx", api_version="1.41")
    assert list(copy.body["NetworkingConfig"]["EndpointsConfig"]) == [FABRIC]
    assert copy.later == {"backend": {"Aliases": ["api"]}, "data": {}}
    assert copy.record.bridges == ("backend", "data")
    assert Record.parse(str(copy.record)) == copy.record


def test_without_bridges_the_label_is_what_it_was() -> None:
    """So an earlier version reads it, and one of an earlier version is read."""
    record = Record(of="00" * 32, restart="always", bridge=False, volumes=())
    assert "bridges" not in str(record)
    assert Record.parse(str(record)) == record


def test_a_container_without_the_fabric_is_created_on_its_first_bridge() -> None:
    """Its network mode is Docker's default, on whose bridge it was created and is not any more; published, it is there too."""
    networks = {"backend": BACKEND, "data": DATA}
    mode = {"HostConfig__NetworkMode": "default"}
    copy = copy_of(web(NetworkSettings__Networks=networks, **mode), image="nginx", api_version="1.48")
    assert copy.body["HostConfig"]["NetworkMode"] == "backend"
    assert set(copy.body["NetworkingConfig"]["EndpointsConfig"]) == {"backend", "data"}
    published = {**networks, "bridge": {"NetworkID": "b0" * 32, "GwPriority": 100}}
    copy = copy_of(web(NetworkSettings__Networks=published, **mode), image="nginx", api_version="1.48")
    assert (copy.body["HostConfig"]["NetworkMode"], copy.record.bridge) == ("backend", True)


def test_a_priority_needs_the_newer_api() -> None:
    """Before 1.48 it would be dropped, and the copy's default route go by the networks' names."""
    assert needs_newer_api(web())
    assert not needs_newer_api(web(NetworkSettings__Networks=OLD))
    # That of Docker's bridge is given later anyway.
    assert not needs_newer_api(web(NetworkSettings__Networks={FABRIC: FABRICS, "bridge": {"GwPriority": 100}}))


def test_the_spare_is_created_with_priorities_where_docker_has_them(docker: NetworkEngine) -> None:
    """In the newest version of its API."""
    make_spare(HOST, "web", OURS)
    assert docker.requests[-1] == "POST /v1.51/containers/create"
    assert docker.endpoints(SPARE)["backend"] == {"Aliases": ["api"], "GwPriority": -100}
    assert docker.changes == [f"create {SPARE}"]


@pytest.mark.parametrize("after", [1, 2, 3])
def test_on_an_old_docker_it_is_connected_also_after_a_run_that_was_killed(docker: NetworkEngine, after: int) -> None:
    """The record in its label says what is missing."""
    docker.server, docker.newest_api = "Docker/20.10.24 (linux)", "1.41"
    docker.inspected = [web(NetworkSettings__Networks=OLD)]
    docker.ends_after = after
    if after < 3:
        with pytest.raises(HostError):
            make_spare(HOST, "web", OURS)
    docker.ends_after = None
    make_spare(HOST, "web", OURS)
    assert docker.changes == [f"create {SPARE}", "connect a1 backend", "connect a1 data"]
    assert docker.endpoints(SPARE)["backend"]["Aliases"] == ["api"]
    assert record_of(docker).bridges == ("backend", "data")


def test_the_restored_container_has_bridges_aliases_and_priority(docker: NetworkEngine) -> None:
    """It runs under the name with all of them."""
    make_spare(HOST, "web", OURS)
    docker.inspected[0] = container("33", "web")
    restored = restore(HOST, "web", OURS, grace=1)
    assert restored is not None
    endpoints = docker.endpoints("web")
    assert endpoints["backend"] == {"Aliases": ["api"], "GwPriority": -100, "NetworkID": "c1" * 32}
    assert endpoints["data"]["GwPriority"] == -100
    assert docker.summary["web"][1] == "running"


def test_every_network_that_may_have_the_default_route_counts_for_the_bridge() -> None:
    """Before Docker 28 the first name has it; an internal one never has."""
    attachment = own_attachment(HOST, "web", web(), internal={"data"})
    assert (attachment.network, attachment.networks, attachment.before_bridge) == (FABRIC, ("backend",), "backend")
    attachment = own_attachment(HOST, "web", web(), internal={"data", "backend"})
    assert (attachment.networks, attachment.before_bridge) == ((), "")
    off_fabric = web(NetworkSettings__Networks={"data": DATA, "zone": BACKEND})
    attachment = own_attachment(HOST, "web", off_fabric, internal={"data"})
    assert (attachment.network, attachment.networks, attachment.before_bridge) == ("", ("zone",), "")
