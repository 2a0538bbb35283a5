"""The spare of a container, against a substitute for Docker's Engine: when it is made, and how it is removed."""

from __future__ import annotations

import copy
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest

from ipvlan.hosts import spare
from ipvlan.hosts.connection import HostConnection
from ipvlan.hosts.errors import DOCKER_UNAVAILABLE, NAME_TAKEN, NOT_RESTORED, HostError
from ipvlan.hosts.files import FilesFolder
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


def make(running: str = "") -> str:
    """Make the spare of the container web, and return why there is none."""
    return spare.make_spare(CONNECTION, "web", OURS, running=running)


def clear(*, also_restored: bool = False) -> None:
    """Remove what changes of the container web left."""
    spare.clear(CONNECTION, "web", OURS, also_restored=also_restored)


def record_of(docker: ContainerEngine) -> Record:
    """Return what the label of the only created container says."""
    (body,) = docker.created
    record = Record.parse(body["Labels"][PREVIOUS_LABEL])
    assert record is not None
    return record


@pytest.mark.parametrize(("server", "api"), [("Docker/20.10.24 (linux)", "1.41"), ("Docker/29.0.0 (linux)", "1.52")])
def test_a_running_container_gets_a_spare(docker: ContainerEngine, server: str, api: str) -> None:
    """It is created under its own name, from the same image, and not started, on old and new Dockers."""
    docker.server, docker.newest_api = server, api
    make()
    assert record_of(docker) == Record(of="22" * 32, restart="always", bridge=False, volumes=())
    assert docker.summary == {"web": ("22", "running", "always"), SPARE: ("a1", "created", "no")}
    assert docker.created[0]["Image"] == "registry.lab:5000/nginx:1"
    assert docker.changes == [f"create {SPARE}"]


def test_it_is_made_through_a_session(docker: ContainerEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One ssh process forwards Docker's socket, and leaves nothing behind."""
    monkeypatch.undo()
    folder = tmp_path / "sockets"
    folder.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    put_ssh(tmp_path, docker)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    make()
    assert SPARE in docker.summary
    assert list(folder.iterdir()) == []


def test_one_of_another_name(docker: ContainerEngine) -> None:
    """A container that gets a new name has its spare under the new one."""
    docker.inspected[:] = [container("22", "old-web")]
    make()
    assert docker.changes == []
    make(running="old-web")
    assert docker.changes == [f"create {SPARE}"]
    assert record_of(docker).of == "22" * 32


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
    make()
    assert record_of(docker).bridge
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
    make()
    make()
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
    make()
    assert docker.changes == []


def test_no_container_and_no_owner(docker: ContainerEngine) -> None:
    """A name that nothing has; and a label that would be everybody's, which is a fault of the caller."""
    docker.inspected.clear()
    make()
    with pytest.raises(ValueError, match="no owner label"):
        spare.make_spare(CONNECTION, "web", "")


def test_an_image_that_carries_our_label(docker: ContainerEngine) -> None:
    """`docker commit` copies labels: what is made of that image is not ours."""
    put_image(docker, IMAGE, IMAGE, {OWNER_LABEL: OURS})
    make()
    docker.inspected.append(stopped("44", FAILED))
    clear()
    assert docker.changes == []


def test_a_spare_that_is_there_is_kept(docker: ContainerEngine) -> None:
    """An earlier run was cut short, and that one is known to have worked. What others have under the name is said."""
    docker.inspected.append(stopped("33", SPARE, record=RECORD))
    make()
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
    clear()
    removed = [f"remove {id_}" for id_ in ("55", "44", "33")]
    volumes = [f"remove volume {name[:2]}" for name in (VOLUME, OTHER_VOLUME)]
    assert docker.changes == [*removed, *volumes]
    assert set(docker.summary) == {"web"}
    assert docker.volumes == {OTHER_VOLUME, "named"}
    clear(also_restored=True)
    assert docker.changes[len(removed + volumes) :] == ["remove 22"]
    clear(also_restored=True)
    assert len(docker.changes) == len(removed + volumes) + 1


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
    clear(also_restored=True)
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


@pytest.mark.parametrize("labels", [None, {OWNER_LABEL: "ffffffffffffffff/docker-1/web"}])
def test_that_there_is_no_copy_is_said(docker: ContainerEngine, labels: dict[str, str] | None) -> None:
    """Of a container without this stack's owner label, such as one of an early version; for all else there is nothing to say."""
    assert make() == ""
    docker.inspected[:] = [container("22", "web", Config__Labels=labels)]
    assert "no copy of web (222222222222) is kept, because it has no owner label" in make()
    docker.inspected[:] = [container("22", "old-web", Config__Labels=labels)]
    assert "no copy of old-web (222222222222)" in make(running="old-web")
    docker.inspected.clear()
    assert make() == ""


def test_a_restored_one_gets_the_new_name(docker: ContainerEngine) -> None:
    """It serves on, under the name by which the error hook of the new container looks for it."""
    docker.inspected[:] = [container("22", "old-web", Config__Labels=LABELLED)]
    assert make(running="old-web") == ""
    assert docker.changes == ["rename 22 name=web"]
    assert docker.summary == {"web": ("22", "running", "always")}


@pytest.mark.parametrize("runs", [True, False])
def test_a_spare_gets_the_new_name(docker: ContainerEngine, runs: bool) -> None:
    """It is of an earlier run that was cut short: the one that is known to have worked is kept, and no other is made."""
    docker.inspected[:] = [container("22", "old-web")] * runs + [
        stopped("33", "old-web.ipvlan-previous", record=RECORD)
    ]
    make(running="old-web")
    make(running="old-web")
    assert docker.changes == [f"rename 33 name={SPARE}"]


def test_what_others_have_under_the_old_name_stays(docker: ContainerEngine) -> None:
    """Neither is it renamed."""
    docker.inspected[:] = [
        container("22", "old-web", **OTHERS),
        stopped("33", "old-web.ipvlan-previous", **OTHERS),
    ]
    make(running="old-web")
    assert docker.changes == []


class Copied:
    """The folder of a container's files: how often what is live was copied."""

    path = "/var/lib/ipvlan-fabric/files"

    def __init__(self) -> None:
        """Begin with no copy."""
        self.copies = 0
        self.there = True

    def keep_for_spare(self) -> bool:
        """Count it, and say whether there is something."""
        self.copies += 1
        return self.there


def test_a_spare_has_files_of_its_own(docker: ContainerEngine) -> None:
    """They are copied once: where a spare is there already it mounts the copy."""
    mount = {"Type": "bind", "Source": f"{Copied.path}/live/conf.1", "Target": "/etc/conf", "ReadOnly": True}
    docker.inspected[0]["HostConfig"]["Mounts"] = [mount]
    files = Copied()
    for _ in range(2):
        spare.make_spare(CONNECTION, "web", OURS, files=cast("FilesFolder", files))
    assert files.copies == 1
    assert docker.created[0]["HostConfig"]["Mounts"] == [{**mount, "Source": f"{Copied.path}/spare/conf.1"}]
    assert len(docker.created) == 1


def test_what_a_restored_container_mounts_is_not_copied_over(docker: ContainerEngine) -> None:
    """It is the copy, and becomes the spare again."""
    docker.inspected[0]["Config"]["Labels"].update(LABELLED)
    files = Copied()
    spare.make_spare(CONNECTION, "web", OURS, files=cast("FilesFolder", files))
    assert files.copies == 0


def test_without_its_files_there_is_no_spare(docker: ContainerEngine) -> None:
    """Somebody removed the folder: Docker would refuse the mount, and what replaces the container may need no files."""
    files = Copied()
    files.there = False
    text = spare.make_spare(CONNECTION, "web", OURS, files=cast("FilesFolder", files))
    assert 'host "docker-1": no copy of web' in text
    assert f"{files.path}/live is not there" in text
    assert [*docker.summary] == ["web"]
