"""The files of a container as a resource: the scripts run on a real shell, and Docker is none."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import pytest

from ipvlan.hosts.engine_writes import EngineWrites
from ipvlan.hosts.errors import FILES_NOT_ROOT, FILES_REMAPPED, HostError
from provider.errors import PluginError
from provider.files import Files
from provider.files_visit import check_users
from provider.resource import Properties
from tests.support.files_host import LABEL, Host, files_host
from tests.support.rollout_calls import Calls

FILES = Files()
TARGET = "/etc/app/db.ini"


class Docker:
    """A Docker that remaps users, or does not."""

    remapped = False
    there = True
    """Whether it has the container."""
    name = "web"
    """The container's name."""
    mounts = ""
    """The folder on the host of which it mounts something."""

    def container_named(self, name: str) -> dict[str, str] | None:
        """Answer."""
        assert name in {"web", "web2"}
        return {"Id": "c1"} if self.there and name == self.name else None

    def containers(self) -> list[dict[str, Any]]:
        """Answer."""
        mounts = [{"Type": "bind", "Source": f"{self.mounts}/db.ini.1"}, {"Type": "tmpfs"}]
        return (
            [{"Id": "c1", "Names": [f"/{self.name}"], "Mounts": mounts if self.mounts else None}] if self.there else []
        )

    def remaps_users(self) -> bool:
        """Answer."""
        return self.remapped


@pytest.fixture
def docker() -> Docker:
    """Return a usual Docker."""
    return Docker()


@pytest.fixture
def host(tmp_path: Path, docker: Docker, monkeypatch: pytest.MonkeyPatch) -> Iterator[Host]:
    """Return the host on which the resource works."""
    with files_host(tmp_path) as host:

        @contextmanager
        def open_files(_properties: Properties, _operation: Any) -> Iterator[tuple[Docker, Any]]:
            yield docker, host.folder

        monkeypatch.setattr("provider.files_visit.open_files", open_files)
        yield host


@pytest.fixture
def calls() -> Calls:
    """Return what notes the lock and the warnings."""
    return Calls()


def files_of(text: str = "password=${secrets.pw}\n", **changes: Any) -> Properties:
    """Return the inputs."""
    file = {
        "slot": "db.ini.1",
        "path": "",
        "owner": "0:0",
        "mode": "0400",
        "text": text,
        "secrets": {"pw": "db_password"},
    }
    return {
        "host": "docker-1",
        "ssh": ["ssh", "of the state"],
        "service": "nginx",
        "container": "web",
        "owner": LABEL,
        "image": "nginx:1",
        "files": {TARGET: file},
        "secrets": {"db_password": "correct horse"},
        "userns_host": False,
        "drifted": [],
        **changes,
    }


def live(host: Host) -> str:
    """Return the file that the container mounts."""
    return host.names("live")["db.ini.1"]


def created(calls: Calls, **changes: Any) -> Properties:
    """Create the resource and return its outputs."""
    id_, outputs = FILES.create(files_of(**changes), calls.operation())
    assert id_ == "docker-1/nginx"
    return outputs


def test_it_is_staged_with_its_secrets(host: Host, calls: Calls) -> None:
    """The value is on the host; the outputs have the name, a digest, and the folder; the host is locked before."""
    state = created(calls)
    assert live(host) == "password=correct horse\n"
    assert calls.names == ["hold"]
    assert state["folder"] == f"/var/lib/ipvlan-fabric/{LABEL}"
    assert (state["generation"], [*state["digests"]]) == (1, [TARGET])
    assert "correct horse" not in str({key: value for key, value in state.items() if key != "secrets"})
    assert FILES.diff(state, files_of()) == ([], [])


@pytest.mark.parametrize(
    ("change", "changed"), [({"text": "other"}, "files"), ({"secrets": {"db_password": "x"}}, "secrets")]
)
def test_other_bytes_are_another_generation(host: Host, calls: Calls, change: Properties, changed: str) -> None:
    """Known before the update; what the container has is left to what comes after it."""
    state, new = created(calls), files_of(**change)
    assert FILES.diff(state, new) == ([changed], [])
    assert FILES.preview(state, new) == {"folder": state["folder"], "generation": 2}
    outputs = FILES.update(state, new, calls.operation())
    assert outputs["generation"] == 2
    assert outputs["digests"] != state["digests"]
    assert live(host) == "password=correct horse\n"
    assert host.names("staged") != host.names("live")


def test_without_a_container_all_goes_live(host: Host, docker: Docker, calls: Calls) -> None:
    """What an earlier one had is nobody's: that of a stack before `forget`, or of an `up` that ended before its container."""
    created(calls)
    old = host.path / "live" / "old.2"
    old.write_text("of a slot that is not staged")
    (host.path / "before").mkdir()
    docker.there = False
    state = created(calls, secrets={"db_password": "second"})
    assert live(host) == "password=second\n"
    assert not old.exists()
    assert not (host.path / "before").exists()
    FILES.update(state, files_of("third"), calls.operation())
    assert host.names("live") == host.names("staged") == {"db.ini.1": "third"}


def test_a_container_of_another_name_keeps_what_it_mounts(host: Host, docker: Docker, calls: Calls) -> None:
    """It is renamed by this `up`, or was to be by one that ended before it: it runs, and its spare gets what is live."""
    state = created(calls)
    docker.mounts = str(host.path / "live")
    state = FILES.update(state, files_of("second", container="web2"), calls.operation())
    FILES.update(state, files_of("third", container="web2"), calls.operation())
    assert live(host) == "password=correct horse\n"
    assert host.names("staged") == {"db.ini.1": "third"}


@pytest.mark.parametrize(
    ("name", "part"),
    [("web.ipvlan-failed", "live"), ("web.ipvlan-rehearsal", "live"), ("web.ipvlan-previous", "spare")],
)
def test_what_a_change_left_does_not_run_with_what_is_live(
    host: Host, docker: Docker, calls: Calls, name: str, part: str
) -> None:
    """Neither a replacement that failed, nor one of a rehearsal; and a spare has files of its own."""
    state = created(calls)
    docker.name, docker.mounts = name, str(host.path / part)
    FILES.update(state, files_of("second"), calls.operation())
    assert live(host) == "second"


def test_the_rest_is_recorded_alone(host: Host, calls: Calls) -> None:
    """A new image does not touch the host, and is no other generation; numbers come from the state as floats."""
    state = {**created(calls), "generation": 3.0}
    before = calls.names
    new = files_of(image="nginx:2", ssh=["ssh", "new"])
    assert FILES.diff(state, new) == (["ssh", "image"], [])
    assert FILES.update(state, new, calls.operation()) == {
        **new, "folder": state["folder"], "generation": 3, "digests": state["digests"],
    }  # fmt: skip
    assert calls.names == before
    assert live(host)


def test_another_name_of_a_secret_changes_nothing(host: Host, calls: Calls) -> None:
    """The bytes are the same, so no container takes new ones: the names are recorded alone. What is not known is another one."""
    state = created(calls)
    file = {**files_of()["files"][TARGET], "text": "password=${secrets.other}\n", "secrets": {"other": "api"}}
    new = files_of(files={TARGET: file}, secrets={"api": "correct horse"})
    assert FILES.diff(state, new) == (["files", "secrets"], [])
    assert FILES.preview(state, new)["generation"] == 1
    assert FILES.update(state, new, calls.operation()) == {
        **new, "folder": state["folder"], "generation": 1, "digests": state["digests"],
    }  # fmt: skip
    assert calls.names == ["hold"]
    assert live(host)
    assert FILES.preview(state, {**new, "secrets": "unknown"})["generation"] == 2
    other_mode = {**new, "files": {TARGET: {**file, "mode": "0440"}}}
    assert FILES.preview(state, other_mode)["generation"] == 2


def test_a_hand_edit_is_found_and_repaired(host: Host, calls: Calls) -> None:
    """A refresh names the target and no content; the repair is another generation, so that the container takes it."""
    state = created(calls)
    assert FILES.read("docker-1/nginx", state, calls.operation()) == state
    edited = host.path / "live" / "db.ini.1"
    edited.chmod(0o600)
    edited.write_text("by hand")
    drifted = FILES.read("docker-1/nginx", state, calls.operation())
    assert drifted == {**state, "drifted": [TARGET]}
    assert FILES.diff(drifted, files_of()) == (["drifted"], [])
    outputs = FILES.update(drifted, files_of(), calls.operation())
    assert (outputs["generation"], outputs["drifted"]) == (2, [])


def test_a_folder_that_is_gone_is_written_again(host: Host, calls: Calls) -> None:
    """All of it is different then; the resource stays in the state."""
    state = created(calls)
    shutil.rmtree(host.path)
    drifted = FILES.read("docker-1/nginx", state, calls.operation())
    assert drifted["drifted"] == [TARGET]
    FILES.update(drifted, files_of(), calls.operation())
    assert live(host) == "password=correct horse\n"


def test_another_owner_label_has_another_folder(host: Host, calls: Calls) -> None:
    """What is in the old one stays, and is named: the container that runs mounts it."""
    state = created(calls)
    new = files_of(owner="ffffffffffffffff/docker-1/nginx")
    assert FILES.preview(state, new)["folder"].endswith("ffffffffffffffff/docker-1/nginx")
    FILES.update(state, new, calls.operation())
    assert LABEL in calls.warned[0]
    assert live(host)


def test_a_delete_leaves_nothing(host: Host, calls: Calls) -> None:
    """It succeeds again where nothing is left."""
    state = created(calls)
    for _ in range(2):
        FILES.delete(state, calls.operation())
        assert not host.base.exists()
    assert calls.names == ["hold"] * 3


def test_remapped_users_are_refused_before_anything_is_written(host: Host, docker: Docker, calls: Calls) -> None:
    """But for a container in the host's own users."""
    docker.remapped = True
    with pytest.raises(HostError) as caught:
        FILES.create(files_of(), calls.operation())
    assert caught.value.problems[0].code == FILES_REMAPPED
    assert not host.base.exists()
    check_users(cast("EngineWrites", docker), files_of(userns_host=True))


def test_another_place_replaces() -> None:
    """Host and service are in the id."""
    assert FILES.diff(files_of(), files_of(service="other")).replaces == ["service"]


def test_it_cannot_be_imported(calls: Calls) -> None:
    """Nothing on the host says which secrets it has."""
    with pytest.raises(PluginError):
        FILES.read("docker-1/nginx", {}, calls.operation())


def test_no_root_is_said(monkeypatch: pytest.MonkeyPatch, calls: Calls) -> None:
    """With the ways to have it."""

    @contextmanager
    def open_session(_connection: Any) -> Iterator[tuple[None, None]]:
        yield None, None

    monkeypatch.setattr("provider.files_visit.open_session", open_session)
    monkeypatch.setattr("provider.files_visit.root_for_files", lambda *_: None)
    with pytest.raises(HostError, match="without a password") as caught:
        FILES.create(files_of(), calls.operation())
    assert caught.value.problems[0].code == FILES_NOT_ROOT
