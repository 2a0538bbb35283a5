"""A container that never came up for its files, and that is created again with other ones: staged, and live before it is."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from provider.files import Files
from provider.handover import Handover
from provider.resource import Properties
from tests.support.files_host import LABEL, Host, files_host
from tests.support.rollout_calls import Calls, handover_of, noted

FILES, HANDOVER = Files(), Handover()
FOLDER = f"/var/lib/ipvlan-fabric/{LABEL}"
TARGET = "/etc/nginx.conf"


class Docker:
    """A Docker that has the container."""

    there = False

    def container_named(self, _name: str) -> dict[str, str] | None:
        """Answer."""
        return {"Id": "c1"} if self.there else None

    def containers(self) -> list[dict[str, Any]]:
        """Answer."""
        return []

    def remaps_users(self) -> bool:
        """Answer."""
        return False


@pytest.fixture
def docker() -> Docker:
    """Return a Docker without containers."""
    return Docker()


@pytest.fixture
def host(tmp_path: Path, docker: Docker, monkeypatch: pytest.MonkeyPatch) -> Iterator[Host]:
    """Return the host on which both resources work."""
    with files_host(tmp_path) as host:

        @contextmanager
        def open_files(_properties: Properties, _operation: Any) -> Iterator[tuple[Docker, Any]]:
            yield docker, host.folder

        monkeypatch.setattr("provider.files_visit.open_files", open_files)
        yield host


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> Calls:
    """Return what else is done on the host."""
    return noted(monkeypatch)


def files_of(text: str) -> Properties:
    """Return the inputs of the files."""
    file = {"slot": "nginx.conf.1", "path": "", "owner": "0:0", "mode": "0444", "text": text}
    return {
        "host": "docker-1", "ssh": ["ssh"], "service": "nginx", "container": "web", "owner": LABEL, "image": "nginx:1",
        "files": {TARGET: file}, "secrets": {}, "userns_host": False, "drifted": [],
    }  # fmt: skip


def handover_with(staged: int, *, unsettled: bool, **changes: Any) -> Properties:
    """Return the inputs of the handover."""
    mount = {"target": TARGET, "source": f"{FOLDER}/live/nginx.conf.1", "type": "bind"}
    return handover_of(
        arguments={"mounts": [mount], **changes},
        files_folder=FOLDER,
        image="nginx:1",
        files_staged=staged,
        **({"files_unsettled": True} if unsettled else {}),
    )


def test_the_first_file_is_broken(host: Host, docker: Docker, calls: Calls) -> None:
    """The container of it never came up, or a previous one runs in its place: the repair is a new one that finds its file."""
    _, files = FILES.create(files_of("broken"), calls.operation())
    _, handover = HANDOVER.create(handover_with(1, unsettled=True), calls.operation())
    docker.there = True
    assert host.names("live") == {"nginx.conf.1": "broken"}
    # The same once more has nothing to do.
    assert HANDOVER.diff(handover, handover_with(1, unsettled=True)) == ([], [])
    files = FILES.update(files, files_of("fixed"), calls.operation())
    new = handover_with(files["generation"], unsettled=True)
    assert HANDOVER.diff(handover, new) == (["files_staged"], [])
    repaired = HANDOVER.update(handover, new, calls.operation())
    assert host.names("live") == {"nginx.conf.1": "fixed"}
    assert repaired["replacement"] != handover["replacement"]
    assert calls.names == ["hold", "hold", "hold", "rehearse", "make_spare"]
    # When it was up its flag is gone, and other files are no matter of the handover.
    assert HANDOVER.diff(repaired, handover_with(2, unsettled=False)) == ([], [])
    later = handover_with(3, unsettled=False)
    assert HANDOVER.diff(repaired, later) == ([], [])
    assert HANDOVER.update(repaired, later, calls.operation())["replacement"] == repaired["replacement"]
    assert len(calls.names) == 5


def test_a_broken_file_came_with_a_new_image(host: Host, docker: Docker, calls: Calls) -> None:
    """The spare runs; the file alone is repaired."""
    docker.there = True
    _, files = FILES.create(files_of("first"), calls.operation())
    _, handover = HANDOVER.create(handover_with(1, unsettled=True), calls.operation())
    files = FILES.update(files, files_of("broken"), calls.operation())
    handover = HANDOVER.update(
        handover, handover_with(files["generation"], unsettled=False, image="nginx:2"), calls.operation()
    )
    assert host.names("live") == {"nginx.conf.1": "broken"}
    files = FILES.update(files, files_of("fixed"), calls.operation())
    new = handover_with(files["generation"], unsettled=True, image="nginx:2")
    assert HANDOVER.diff(handover, new) == (["files_staged"], [])
    assert HANDOVER.update(handover, new, calls.operation())["replacement"] != handover["replacement"]
    assert host.names("live") == {"nginx.conf.1": "fixed"}
