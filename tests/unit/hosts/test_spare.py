"""The spare of a container: when it is made, through the real session and a substitute for the Engine; and how it is removed."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ipvlan.hosts import spare
from ipvlan.hosts.connection import HostConnection
from ipvlan.hosts.errors import DOCKER_UNAVAILABLE, NAME_TAKEN, NOT_RESTORED, HostError
from ipvlan.hosts.spare import Removed, Spare
from ipvlan.hosts.spare_copy import Record
from ipvlan.plan.resource_names import OWNER_LABEL, PREVIOUS_LABEL
from tests.support.containers import IMAGE, OURS, RECORD, VOLUME, NewHost, container, stopped
from tests.support.fake_engine import CONTAINER_ID, FakeEngine, fake_engine

SPARE, FAILED, REHEARSAL = "web.ipvlan-previous", "web.ipvlan-failed", "web.ipvlan-rehearsal"
LABELLED = {OWNER_LABEL: OURS, PREVIOUS_LABEL: str(RECORD)}
OTHERS: dict[str, Any] = {"Config__Labels": {OWNER_LABEL: "ffffffffffffffff/docker-1/web"}}

SSH = """#!/bin/sh
case "$2" in *docker.sock) ln -s SOCKET "${2%%:*}" ;; esac
for last; do :; done
exec sh -c "$last"
"""


@pytest.fixture
def docker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeEngine]:
    """Serve a Docker whose container web is ours and runs; an ssh forwards its socket."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with fake_engine(tmp_path / "engine.sock") as engine:
        ssh = tmp_path / "ssh"
        ssh.write_text(SSH.replace("SOCKET", str(engine.socket)))
        ssh.chmod(0o755)
        monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
        put(engine, "web", container("22", "web"))
        put_image(engine, "registry.lab:5000/nginx:1", IMAGE)
        put_image(engine, IMAGE, IMAGE)
        yield engine


def put(engine: FakeEngine, name: str, inspected: dict[str, Any]) -> None:
    """Let Docker have a container by that name."""
    engine.answers[f"GET /containers/{name}/json"] = (200, inspected)


def put_image(engine: FakeEngine, reference: str, id_: str, labels: dict[str, str] | None = None) -> None:
    """Let Docker have an image by that reference."""
    engine.answers[f"GET /images/{reference}/json"] = (200, {"Id": id_, "Config": {"Labels": labels}})


def make(owner: str = OURS, name: str = "web", running: str = "") -> Spare | None:
    """Make the spare of the container web."""
    return spare.make_spare(HostConnection(name="docker-1", command=("ssh", "docker-1")), name, owner, running=running)


@pytest.mark.parametrize(("server", "api"), [("Docker/20.10.24 (linux)", "1.41"), ("Docker/29.0.0 (linux)", "1.52")])
def test_a_running_container_gets_a_spare(docker: FakeEngine, server: str, api: str) -> None:
    """It is created under its own name, from the same image, and not started, on old and new Dockers."""
    docker.server, docker.newest_api = server, api
    made = make()
    assert made == Spare(
        id=CONTAINER_ID, name=SPARE, record=Record(of="22" * 32, restart="always", bridge=False, volumes=())
    )
    (body,) = docker.created
    assert body["Image"] == "registry.lab:5000/nginx:1"
    assert body["Labels"][PREVIOUS_LABEL] == str(made.record)
    assert not any("/start" in request for request in docker.requests)


def test_a_container_that_gets_another_name(docker: FakeEngine) -> None:
    """The one that runs is found by its old name; its spare is that of the new one."""
    made = make(name="shop", running="web")
    assert made == Spare(
        id=CONTAINER_ID,
        name="shop.ipvlan-previous",
        record=Record(of="22" * 32, restart="always", bridge=False, volumes=()),
    )
    # Nothing has the new name, and that alone is no reason to copy nothing.
    assert make(name="shop") is None


def test_a_tag_that_moved_is_not_followed(docker: FakeEngine) -> None:
    """The spare has the image that the container runs, by its id."""
    put_image(docker, "registry.lab:5000/nginx:1", "sha256:" + "2e" * 32)
    make()
    assert docker.created[0]["Image"] == IMAGE


@pytest.mark.parametrize(
    "changes",
    [
        OTHERS,
        {"Config__Labels": None},
        {"Config__Labels": LABELLED},
        {"State__Running": False},
        {"State__Restarting": True},
        # Docker took the name for the first digits of an id.
        {"Name": "/other"},
        {"Image": "sha256:gone"},
    ],
)
def test_nothing_else_is_copied(docker: FakeEngine, changes: dict[str, Any]) -> None:
    """Neither what is not ours, nor a restored one, nor one that does not run."""
    put(docker, "web", container("22", "web", **changes))
    assert make() is None
    assert docker.created == []


def test_no_container_and_no_owner(docker: FakeEngine) -> None:
    """A name that nothing has; without an owner id nobody could say whose a container is."""
    with pytest.raises(ValueError, match="no owner label"):
        make(owner="")
    del docker.answers["GET /containers/web/json"]
    assert make() is None


def test_an_image_that_carries_our_label(docker: FakeEngine) -> None:
    """`docker commit` copies labels: what is made of that image is not ours."""
    put_image(docker, IMAGE, IMAGE, {OWNER_LABEL: OURS})
    assert make() is None


def test_a_spare_that_is_there_is_kept(docker: FakeEngine) -> None:
    """An earlier run was cut short, and that one is known to have worked. What others have under the name is said."""
    put(docker, SPARE, stopped("33", SPARE, record=RECORD))
    assert make() is None
    put(docker, SPARE, stopped("33", SPARE, **OTHERS))
    with pytest.raises(HostError) as raised:
        make()
    assert raised.value.problems[0].code == NAME_TAKEN
    assert docker.created == []


def test_a_copy_that_docker_refuses(docker: FakeEngine) -> None:
    """Docker's words, and that nothing was changed."""
    docker.answers["POST /containers/create"] = (500, {"message": "no space left on device"})
    with pytest.raises(HostError, match="no space left on device") as raised:
        make()
    assert raised.value.problems[0].code == NOT_RESTORED


def test_all_that_a_change_left_is_removed(new_host: NewHost) -> None:
    """By ids, with the anonymous volumes that nobody uses; a restored one only where that is asked for."""
    record = Record(of="00" * 32, restart="always", bridge=False, volumes=(VOLUME, "0b" * 32))
    host = new_host(
        container("22", "web", Config__Labels=LABELLED, Mounts=[{"Name": "0b" * 32}]),
        stopped("33", SPARE, record=record),
        stopped("44", FAILED),
        stopped("55", REHEARSAL),
        volumes=[VOLUME, "0b" * 32, RECORD.of],
    )
    removed = spare.clear(host.connection, "web", OURS, also_restored=False)
    assert removed == [
        Removed(id="55" * 32, name=REHEARSAL),
        Removed(id="44" * 32, name=FAILED),
        Removed(id="33" * 32, name=SPARE),
    ]
    assert set(host.containers) == {"web"}
    assert host.state["volumes"] == ["0b" * 32, RECORD.of]
    assert spare.clear(host.connection, "web", OURS, also_restored=True) == [Removed(id="22" * 32, name="web")]
    assert spare.clear(host.connection, "web", OURS, also_restored=True) == []


def test_what_others_have_stays(new_host: NewHost) -> None:
    """Also a container of ours that is no copy and has only the name of one, and the container itself."""
    host = new_host(container("22", "web"), stopped("33", SPARE), stopped("44", FAILED, **OTHERS), volumes=[VOLUME])
    assert spare.clear(host.connection, "web", OURS, also_restored=True) == []
    assert host.changes == []


@pytest.mark.parametrize(
    ("state", "code"), [({"refuses": {"rm": "device busy"}}, NOT_RESTORED), ({"down": True}, DOCKER_UNAVAILABLE)]
)
def test_a_removal_that_fails(new_host: NewHost, state: dict[str, Any], code: str) -> None:
    """Docker refuses it, or does not answer."""
    host = new_host(stopped("44", FAILED), **state)
    with pytest.raises(HostError) as raised:
        spare.clear(host.connection, "web", OURS, also_restored=False)
    assert raised.value.problems[0].code == code
