"""What the process that ends a killed run does about a new container with bridges: it starts with all of them, or not at all."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ipvlan.hosts import bridge
from ipvlan.hosts import restore as restore_module
from ipvlan.hosts import settle as settle_module
from ipvlan.hosts.connection import HostConnection
from ipvlan.plan.resource_names import OWNER_LABEL
from provider import going_back
from provider.open_handovers import OpenHandovers
from tests.support.container_engine import Clock, open_directly
from tests.support.containers import FABRIC, IMAGE, OURS, RECORD, container, stopped
from tests.support.fake_engine import serve
from tests.support.network_engine import NetworkEngine
from tests.support.rollout_calls import TODAY, handover_of

NEVER = "0001-01-01T00:00:00Z"
SPARE = "web.ipvlan-previous"
OWNER = OURS.partition("/")[0]
PLANNED = [{"network": "backend", "aliases": ["api"]}, {"network": "mon_default", "aliases": []}]


@pytest.fixture
def docker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[NetworkEngine]:
    """Serve a Docker whose new container web was created and not started yet; its spare was on no bridge."""
    engine = NetworkEngine(tmp_path / "s", caller=Clock(), images={IMAGE: {"Id": IMAGE, "Config": {}}})
    engine.add_network("fa", FABRIC, Driver="ipvlan", Labels={OWNER_LABEL: f"{OWNER}/docker-1"})
    engine.add_network("c1", "backend", Labels={OWNER_LABEL: f"{OWNER}/docker-1/backend"})
    engine.add_network("c3", "mon_default")
    engine.add_network("b0", "bridge")
    engine.inspected = [created(), stopped("33", SPARE, record=replace(RECORD, of="22" * 32))]
    open_directly(monkeypatch, engine, going_back, restore_module)
    for module in (going_back, restore_module, settle_module):
        monkeypatch.setattr(module, "time", engine.caller)
    monkeypatch.setattr(bridge, "connect", lambda _attachment: None)
    with serve(engine):
        yield engine


def created(**more: Any) -> dict[str, Any]:
    """Return the new container as the docker provider creates it."""
    return stopped("44", "web", State__StartedAt=NEVER, **more)


def go_back(endpoints: list[dict[str, Any]], *, keep_bridge: bool = True) -> None:
    """End the handover of the container web, which is planned on these bridges."""
    open_ = OpenHandovers()
    more: dict[str, Any] = {"endpoints": endpoints, "keep_bridge": keep_bridge} if endpoints else {}
    open_.begin(handover_of(owner=OURS, **more), TODAY)
    (entry,) = open_._open.values()
    going_back.go_back(HostConnection(name="docker-1", command=("ssh", "docker-1")), entry)


def test_the_new_one_is_on_the_planned_bridges_before_it_starts(docker: NetworkEngine) -> None:
    """Whatever the previous one was on: without them nginx would end at its first instruction."""
    go_back(PLANNED)
    assert docker.changes == ["connect 44 backend", "connect 44 mon_default", "start 44"]
    assert docker.endpoints("web")["backend"]["Aliases"] == ["api"]
    assert docker.endpoints("web")["backend"]["GwPriority"] == -100


def test_one_without_the_fabric_leaves_dockers_bridge_before_it_starts(docker: NetworkEngine) -> None:
    """It was to be on internal bridges alone: on Docker's it would have the host's NAT."""
    docker.inspected[0] = created(NetworkSettings__Networks={"bridge": {"NetworkID": "", "Aliases": None}})
    go_back(PLANNED[:1], keep_bridge=False)
    assert docker.changes == ["connect 44 backend", "disconnect 44 bridge", "start 44"]


@pytest.mark.parametrize("gone", [True, False])
def test_where_a_bridge_cannot_be_had_the_previous_one_runs_again(docker: NetworkEngine, gone: bool) -> None:
    """Docker refuses the connection, or the network is gone; the new one is not started without it."""
    if gone:
        docker.networks = [network for network in docker.networks if network["Name"] != "backend"]
    else:
        docker.refuses["connect"] = ["no available IPv4 addresses"]
    go_back(PLANNED)
    assert docker.summary == {"web": ("33", "running", "always"), "web.ipvlan-failed": ("44", "created", "no")}
    assert "start 44" not in docker.changes


def test_one_that_is_planned_on_no_bridge_is_not_connected_to_those_of_its_spare(docker: NetworkEngine) -> None:
    """They left the config with this change."""
    docker.inspected[1]["NetworkSettings"]["Networks"] = {"backend": {"NetworkID": "c1" * 32, "Aliases": None}}
    go_back([])
    assert docker.changes == ["start 44"]


def test_one_that_was_started_stays_as_it_is(docker: NetworkEngine) -> None:
    """The run starts it when it has all of them."""
    docker.inspected[0] = container("44", "web", State__StartedAt=docker.timestamp(3600))
    go_back(PLANNED)
    assert docker.changes == []
