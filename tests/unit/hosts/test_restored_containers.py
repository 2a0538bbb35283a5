"""The previous containers that run on a network which is to be replaced, against a substitute for Docker's Engine."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ipvlan.hosts.connection import HostConnection
from ipvlan.hosts.errors import DOCKER_UNAVAILABLE, RESTORED_ON_NETWORK, HostError
from ipvlan.hosts.restored_containers import require_no_restored
from ipvlan.plan.resource_names import OWNER_LABEL, PREVIOUS_LABEL
from tests.support.container_engine import ContainerEngine, put_ssh
from tests.support.containers import OURS, RECORD
from tests.support.fake_engine import serve

OWNER = OURS.partition("/")[0]
COPY = {OWNER_LABEL: OURS, PREVIOUS_LABEL: str(RECORD)}
LIST = "GET /containers/json"


@pytest.fixture
def docker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ContainerEngine]:
    """Serve a Docker that an `ssh` on PATH reaches."""
    engine = ContainerEngine(tmp_path / "engine.sock")
    put_ssh(tmp_path, engine)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    with serve(engine):
        yield engine


def listed(name: str, labels: dict[str, str] | None, state: str = "running") -> dict[str, Any]:
    """Return a container as Docker lists it."""
    return {"Id": "22" * 32, "Names": [f"/{name}"], "Labels": labels, "State": state}


def require(owner: str = OWNER) -> None:
    """Look at the host."""
    require_no_restored([HostConnection(name="docker-1", command=("ssh", "docker-1"))], owner)


def test_each_that_runs_is_said(docker: ContainerEngine) -> None:
    """By name; one that Docker starts again and again, and one that is paused, are on the network too."""
    docker.answers[LIST] = (
        200,
        [listed("web", COPY), listed("shop", COPY, "restarting"), listed("db", COPY, "paused")],
    )
    with pytest.raises(HostError, match=r"db, shop, web runs in place of a container that did not come up") as raised:
        require()
    (problem,) = raised.value.problems
    assert problem.code == RESTORED_ON_NETWORK
    assert "docker-1" in problem.key


@pytest.mark.parametrize(
    "container",
    [
        listed("web", {OWNER_LABEL: OURS}),
        listed("web.ipvlan-previous", COPY, "created"),
        listed("web", COPY | {OWNER_LABEL: "ffffffffffffffff/docker-1/web"}),
        listed("web", COPY | {OWNER_LABEL: f"{OWNER}0/docker-1/web"}),
        listed("web", None),
    ],
)
def test_what_is_in_nobodys_way(docker: ContainerEngine, container: dict[str, Any]) -> None:
    """Containers of the state, spares that do not run, and what others have."""
    docker.answers[LIST] = (200, [container])
    require()


def test_a_docker_that_does_not_answer_is_said(docker: ContainerEngine) -> None:
    """Nobody knows what runs there, and its network would be replaced."""
    docker.silent = True
    with pytest.raises(HostError) as raised:
        require()
    assert raised.value.problems[0].code == DOCKER_UNAVAILABLE


def test_a_host_that_is_off_and_a_state_without_an_owner(docker: ContainerEngine, tmp_path: Path) -> None:
    """Nothing is done on the one; the other is of a version that had no previous containers."""
    docker.answers[LIST] = (200, [listed("web", COPY)])
    require(owner="")
    require_no_restored([], OWNER)
    assert docker.requests == []
    (tmp_path / "ssh").write_text("#!/bin/sh\necho no route to host >&2\nexit 255\n")
    require()
