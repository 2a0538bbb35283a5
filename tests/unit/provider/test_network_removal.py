"""The removal of the fabric's network: by the id of the state, and of nothing that is not this stack's."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pulumi.output import Unknown

from ipvlan.hosts import fabric_network
from ipvlan.hosts.errors import HostError
from ipvlan.plan.resource_names import OWNER_LABEL
from provider.network_removal import NetworkRemoval
from provider.resource import Properties
from tests.support.container_engine import Clock
from tests.support.containers import IMAGE, container
from tests.support.fake_engine import serve
from tests.support.network_engine import NetworkEngine, reached_by
from tests.support.volume_resource import OWNER, Run

REMOVAL = NetworkRemoval()
LABEL = f"{OWNER}/docker-1"
STATE: Properties = {
    "host": "docker-1",
    "ssh": ["ssh", "of the state"],
    "network": "ipvlanl2",
    "network_id": "c1" * 32,
    "owner": LABEL,
}


@pytest.fixture
def run() -> Run:
    """Return a run."""
    return Run()


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Return the time that passes while the removal waits."""
    clock = Clock()
    monkeypatch.setattr(fabric_network, "time", clock)
    return clock


@pytest.fixture
def docker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[NetworkEngine]:
    """Serve the Docker of every host."""
    with serve(NetworkEngine(tmp_path / "s", images={IMAGE: {"Id": IMAGE, "Config": {}}})) as engine:
        reached_by(monkeypatch, engine)
        yield engine


def test_the_network_of_the_state_is_removed_under_the_lock(docker: NetworkEngine, run: Run) -> None:
    """By its id, with or without an owner label, as an earlier version created it; one that is gone is a success."""
    docker.add_network("c1", "ipvlanl2", Driver="ipvlan")
    docker.add_network("d1", "other")
    REMOVAL.delete(STATE, run.operation)
    REMOVAL.delete(STATE, run.operation)
    assert docker.changes == ["remove network ipvlanl2"]
    assert run.held == ["docker-1", "docker-1"]


@pytest.mark.parametrize(
    ("labels", "removed"),
    [
        ({OWNER_LABEL: LABEL}, True),
        ({OWNER_LABEL: f"{OWNER}/docker-2"}, False),
        ({OWNER_LABEL: OWNER}, False),
        ({}, False),
    ],
)
def test_one_that_was_created_again_is_removed_by_its_label_alone(
    docker: NetworkEngine, run: Run, labels: dict[str, str], removed: bool
) -> None:
    """The id of the state is gone, and there is a network of the name: it is removed where the owner label is this stack's here."""
    docker.add_network("c2", "ipvlanl2", Driver="ipvlan", Labels=labels)
    REMOVAL.delete(STATE, run.operation)
    assert (docker.network("ipvlanl2") is None) is removed


def test_a_container_of_others_keeps_it(docker: NetworkEngine, run: Run, clock: Clock) -> None:
    """What runs on it is named, and the network stays; it is waited for as long as Docker may still remove a container."""
    network = docker.add_network("c1", "ipvlanl2", Driver="ipvlan", Containers={"a1": {"Name": "guest"}})
    docker.inspected.append(container("a1", "guest"))
    before = clock.seconds
    with pytest.raises(HostError, match=r"(?s)IPF845.*guest.*has active endpoints.*docker network disconnect ipvlanl2"):
        REMOVAL.delete(STATE, run.operation)
    assert network in docker.networks
    assert clock.seconds - before == (fabric_network.TRIES - 1) * fabric_network.SECONDS_BETWEEN


def test_a_container_that_is_still_removed_is_waited_for(docker: NetworkEngine, run: Run) -> None:
    """Docker removes the network when the container is gone."""
    docker.add_network("c1", "ipvlanl2", Driver="ipvlan")
    docker.refuses["remove network"] = ["network ipvlanl2 has active endpoints"]
    REMOVAL.delete(STATE, run.operation)
    assert not docker.networks


def test_only_a_network_that_is_replaced_replaces_it(run: Run) -> None:
    """Nothing else is done on a host: not when it is created, changed or read.

    A network that was created already, because a refresh found the former one gone, is recorded: it must not be removed.
    """
    assert REMOVAL.create(STATE, run.operation) == ("docker-1/ipvlanl2", STATE)
    assert REMOVAL.read("x", STATE, run.operation) == STATE
    unknown: dict[str, Any] = {**STATE, "network_id": Unknown()}  # type: ignore[no-untyped-call]  # the SDK has no type for it
    assert REMOVAL.diff(STATE, unknown).replaces == ["network_id"]
    created = {**STATE, "network_id": "c2" * 32}
    assert REMOVAL.diff(STATE, created) == (["network_id"], [])
    moved = {**STATE, "ssh": ["ssh", "other"]}
    assert REMOVAL.diff(STATE, moved) == (["ssh"], [])
    assert REMOVAL.update(STATE, moved, run.operation) == moved
    assert REMOVAL.diff(STATE, STATE) == ([], [])
    assert not run.held
