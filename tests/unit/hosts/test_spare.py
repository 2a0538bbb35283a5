"""The spare of a container, against a substitute for Docker's Engine: when it is made, and how it is removed."""

from __future__ import annotations

import copy
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
from tests.support.container_engine import ContainerEngine, open_directly, put_ssh
from tests.support.containers import FABRIC, IMAGE, OURS, RECORD, VOLUME, container, stopped
from tests.support.fake_engine import serve

CONNECTION = HostConnection(name="docker-1", command=("ssh", "docker-1"))
SPARE, FAILED, REHEARSAL = "web.ipvlan-previous", "web.ipvlan-failed", "web.ipvlan-rehearsal"
LABELLED = {OWNER_LABEL: OURS, PREVIOUS_LABEL: str(RECORD)}
OTHERS: dict[str, Any] = {"Config__Labels": {OWNER_LABEL: "ffffffffffffffff/docker-1/web"}}

OTHER_VOLUME = "0b" * 32


@pytest.fixture
def docker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ContainerEngine]:
    """Serve a Docker whose container web is ours and runs."""
    engine = ContainerEngine(tmp_path / "engine.sock", inspected=[container("22", "web")])
    put_image(engine, "registry.lab:5000/nginx:1", IMAGE)
    put_image(engine, IMAGE, IMAGE)
    open_directly(monkeypatch, engine, spare)
    with serve(engine):
        yield engine


def put_image(engine: ContainerEngine, reference: str, id_: str, labels: dict[str, str] | None = None) -> None:
    """Let Docker have an image by that reference."""
    engine.images[reference] = {"Id": id_, "Config": {"Labels": labels}}


def make(running: str = "") -> Spare | None:
    """Make the spare of the container web."""
    return spare.make_spare(CONNECTION, "web", OURS, running=running)


def clear(*, also_restored: bool = False) -> list[str]:
    """Remove what changes of the container web left; return the names of what was removed."""
    return [removed.name for removed in spare.clear(CONNECTION, "web", OURS, also_restored=also_restored)]


@pytest.mark.parametrize(("server", "api"), [("Docker/20.10.24 (linux)", "1.41"), ("Docker/29.0.0 (linux)", "1.52")])
def test_a_running_container_gets_a_spare(docker: ContainerEngine, server: str, api: str) -> None:
    """It is created under its own name, from the same image, and not started, on old and new Dockers."""
    docker.server, docker.newest_api = server, api
    made = make()
    assert made == Spare(
        id="a1" * 32, name=SPARE, record=Record(of="22" * 32, restart="always", bridge=False, volumes=())
    )
    assert docker.summary == {"web": ("22", "running", "always"), SPARE: ("a1", "created", "no")}
    (body,) = docker.created
    assert body["Image"] == "registry.lab:5000/nginx:1"
    assert body["Labels"][PREVIOUS_LABEL] == str(made.record)
    assert docker.changes == [f"create {SPARE}"]


def test_it_is_made_through_a_session(docker: ContainerEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One ssh process forwards Docker's socket, and leaves nothing behind."""
    monkeypatch.undo()
    folder = tmp_path / "sockets"
    folder.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    put_ssh(tmp_path, docker)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    assert make() is not None
    assert SPARE in docker.summary
    assert list(folder.iterdir()) == []


def test_one_of_another_name(docker: ContainerEngine) -> None:
    """A container that gets a new name has its spare under the new one."""
    docker.inspected[:] = [container("22", "old-web")]
    made = make(running="old-web")
    assert made is not None
    assert (made.name, made.record.of) == (SPARE, "22" * 32)


def test_a_tag_that_moved_is_not_followed(docker: ContainerEngine) -> None:
    """The spare has the image that the container runs, by its id; also where the tag is gone."""
    put_image(docker, "registry.lab:5000/nginx:1", "sha256:" + "2e" * 32)
    make()
    del docker.images["registry.lab:5000/nginx:1"], docker.inspected[-1]
    make()
    assert [body["Image"] for body in docker.created] == [IMAGE, IMAGE]


@pytest.mark.parametrize(
    ("api", "connection"), [("1.47", "1.44 None"), ("1.41", "1.41 None"), ("1.48", "1.48 100"), ("1.51", "1.51 100")]
)
def test_one_on_the_bridge(docker: ContainerEngine, api: str, connection: str) -> None:
    """The spare is on it before it starts: as the gateway by priority, in the newest API, where Docker has priorities."""
    docker.newest_api = api
    docker.inspected[0]["NetworkSettings"]["Networks"]["bridge"] = {}
    made = make()
    assert made is not None
    assert made.record.bridge
    assert docker.connected_in == [connection]
    assert docker.changes == [f"create {SPARE}", "connect a1"]
    assert set(docker.inspected[1]["NetworkSettings"]["Networks"]) == {FABRIC, "bridge"}


def test_a_spare_that_was_not_connected_is(docker: ContainerEngine) -> None:
    """The run that created it ended before."""
    docker.inspected[0]["NetworkSettings"]["Networks"]["bridge"] = {}
    docker.ends_after = 1
    with pytest.raises(HostError):
        make()
    docker.ends_after = None
    assert make() is None
    assert make() is None
    assert docker.changes == [f"create {SPARE}", "connect a1"]


@pytest.mark.parametrize(
    "changes",
    [
        OTHERS,
        {"Config__Labels": None},
        {"Config__Labels": LABELLED},
        {"State__Running": False},
        {"State__Restarting": True},
        # Docker took the name for the first digits of an id.
        {"Id": "web" + "2" * 61, "Name": "/other"},
        {"Image": "sha256:gone"},
    ],
)
def test_nothing_else_is_copied(docker: ContainerEngine, changes: dict[str, Any]) -> None:
    """Neither what is not ours, nor a restored one, nor one that does not run."""
    docker.inspected[:] = [container("22", "web", **changes)]
    assert make() is None
    assert docker.changes == []


def test_no_container_and_no_owner(docker: ContainerEngine) -> None:
    """A name that nothing has; and a label that would be everybody's, which is a fault of the caller."""
    docker.inspected.clear()
    assert make() is None
    with pytest.raises(ValueError, match="no owner label"):
        spare.make_spare(CONNECTION, "web", "")


def test_an_image_that_carries_our_label(docker: ContainerEngine) -> None:
    """`docker commit` copies labels: what is made of that image is not ours."""
    put_image(docker, IMAGE, IMAGE, {OWNER_LABEL: OURS})
    assert make() is None
    docker.inspected.append(stopped("44", FAILED))
    assert clear() == []
    assert docker.changes == []


def test_a_spare_that_is_there_is_kept(docker: ContainerEngine) -> None:
    """An earlier run was cut short, and that one is known to have worked. What others have under the name is said."""
    docker.inspected.append(stopped("33", SPARE, record=RECORD))
    assert make() is None
    docker.inspected[1] = stopped("33", SPARE, **OTHERS)
    with pytest.raises(HostError) as raised:
        make()
    assert raised.value.problems[0].code == NAME_TAKEN
    assert docker.changes == []


def test_a_copy_that_docker_refuses(docker: ContainerEngine) -> None:
    """Docker's words, and that nothing was changed."""
    docker.refuses["create"] = ["no space left on device"]
    with pytest.raises(HostError, match=r"web\.ipvlan-previous is not created: no space left on device") as raised:
        make()
    assert raised.value.problems[0].code == NOT_RESTORED
    assert set(docker.summary) == {"web"}


def put_remains(docker: ContainerEngine) -> None:
    """Let Docker have all that a change leaves: web is a restored one, which shares a volume with the spare."""
    shared = {
        "Mounts": [
            {"Type": "volume", "Name": OTHER_VOLUME, "Destination": "/b"},
        ],
        "HostConfig__Binds": [f"{OTHER_VOLUME}:/b:nocopy"],
    }
    record = Record(of="00" * 32, restart="always", bridge=False, volumes=(VOLUME, OTHER_VOLUME))
    docker.inspected[:] = [
        container("22", "web", Config__Labels=LABELLED, **shared),
        stopped("33", SPARE, record=record, **shared),
        # Its own volume, which nobody else has.
        stopped("44", FAILED, Mounts=[{"Type": "volume", "Name": "0c" * 32, "Destination": "/c"}]),
        stopped("55", REHEARSAL),
    ]
    docker.volumes = {VOLUME, OTHER_VOLUME, "0c" * 32, "named"}


def test_all_that_a_change_left_is_removed(docker: ContainerEngine) -> None:
    """By ids, with the anonymous volumes that nobody uses; a restored one only where that is asked for."""
    put_remains(docker)
    removed = spare.clear(CONNECTION, "web", OURS, also_restored=False)
    assert removed == [
        Removed(id="55" * 32, name=REHEARSAL),
        Removed(id="44" * 32, name=FAILED),
        Removed(id="33" * 32, name=SPARE),
    ]
    assert set(docker.summary) == {"web"}
    assert docker.volumes == {OTHER_VOLUME, "named"}
    assert clear(also_restored=True) == ["web"]
    assert clear(also_restored=True) == []


@pytest.mark.parametrize("done", range(4))
def test_a_removal_that_was_cut_short_is_completed(docker: ContainerEngine, done: int) -> None:
    """Whatever was removed when the run ended; what runs is not touched."""
    put_remains(docker)
    docker.ends_after = done
    with pytest.raises(HostError):
        clear(also_restored=True)
    docker.ends_after = None
    clear(also_restored=True)
    assert docker.inspected == []


def test_what_others_have_stays(docker: ContainerEngine) -> None:
    """Also a container of ours that is no copy and has only the name of one, and the container itself."""
    docker.inspected += [stopped("33", SPARE), stopped("44", FAILED, **OTHERS)]
    before = copy.deepcopy(docker.inspected)
    assert clear(also_restored=True) == []
    assert docker.changes == []
    assert docker.inspected == before


def test_a_removal_that_fails(docker: ContainerEngine) -> None:
    """Docker refuses it, or does not answer."""
    docker.inspected.append(stopped("44", FAILED))
    docker.refuses["remove"] = ["device busy"]
    with pytest.raises(HostError, match="444444444444 is not removed: device busy") as refused:
        clear()
    docker.silent = True
    with pytest.raises(HostError) as silent:
        clear()
    codes = [error.value.problems[0].code for error in (refused, silent)]
    assert codes == [NOT_RESTORED, DOCKER_UNAVAILABLE]
