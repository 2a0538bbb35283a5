"""What has a planned name on a host: what is removed, what stays and why. The real script, against a substitute for docker."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from ipvlan.hosts.connection import HostConnection
from ipvlan.hosts.orphans import KEPT, Found, Kind, is_name_taken, name_taken, remove_orphan
from ipvlan.plan.resource_names import COMPOSE_PROJECT_LABEL, OWNER_LABEL, STACK_LABEL
from tests.support.docker_substitute import PYTHON

ID = "c0ffee" * 10
OURS = "0123456789abcdef/docker-1/web"
NEVER = "0001-01-01T00:00:00Z"
SUBSTITUTE = Path(__file__).parents[2] / "support" / "fake_docker_orphans.py"


@dataclass(kw_only=True)
class Host:
    """What the substitute for docker answers: one container or network."""

    folder: Path
    name: str = "web"
    labels: dict[str, str] = field(default_factory=lambda: {OWNER_LABEL: OURS, STACK_LABEL: "dev"})
    image: dict[str, str] | None = field(default_factory=dict)
    """The labels of its image; None where the image is gone."""
    status: str = "created"
    started: str = NEVER
    users: list[str] = field(default_factory=list)
    """Containers that use the network."""
    refuses: bool = False
    """Whether Docker refuses the removal."""

    def remove(
        self,
        kind: Kind = "container",
        name: str = "web",
        *,
        interrupted: bool = False,
        deleted: str = "",
        owner: str = OURS,
    ) -> Found | None:
        """Call the real script."""
        state = {key: value for key, value in vars(self).items() if key != "folder"}
        (self.folder / "state.json").write_text(json.dumps({**state, "id": ID}), encoding="utf-8")
        docker = self.folder / "docker"
        docker.write_text(f'#!/bin/sh\nexec {PYTHON} "{SUBSTITUTE}" "{self.folder}" "$@"\n', encoding="utf-8")
        docker.chmod(0o755)
        ssh = ("env", f"PATH={self.folder}:{os.environ['PATH']}", "sh", "-c")
        connection = HostConnection(name="docker-1", command=ssh)
        return remove_orphan(connection, kind, name, owner, interrupted=interrupted, deleted=deleted)

    @property
    def removals(self) -> list[str]:
        """Docker's command lines that remove something."""
        calls = (self.folder / "calls").read_text(encoding="utf-8").splitlines()
        return [call for call in calls if " rm " in call]


def test_an_orphan_that_never_ran_is_removed_by_its_id(tmp_path: Path) -> None:
    """Without --force: Docker refuses when somebody starts it in between."""
    host = Host(folder=tmp_path)
    found = host.remove()
    assert found is not None
    assert (found.id, found.kept) == (ID, "")
    assert host.removals == [f"container rm {ID}"]


@pytest.mark.parametrize("status", ["running", "exited", "restarting"])
def test_an_orphan_that_ran_is_removed_only_after_an_interrupted_creation(tmp_path: Path, status: str) -> None:
    """Another copy of the state may have recorded it, unless this one says that its creation was begun and not ended."""
    host = Host(folder=tmp_path, status=status, started="2026-11-26T03:00:00Z")
    found = host.remove()
    assert found is not None
    assert found.kept == "running"
    assert host.removals == []
    found = host.remove(interrupted=True)
    assert found is not None
    assert not found.kept
    assert host.removals == [f"container rm --force {ID}"]


def test_a_container_that_came_back_after_its_deletion_is_removed_by_its_id(tmp_path: Path) -> None:
    """A power cut brings back what Docker deleted just before; the state has the id as deleted. Any other id stays."""
    host = Host(folder=tmp_path, status="running", started="2026-11-26T03:00:00Z")
    found = host.remove(deleted="f" * 64)
    assert found is not None
    assert found.kept == "running"
    assert host.removals == []
    found = host.remove(deleted=ID)
    assert found is not None
    assert not found.kept
    assert host.removals == [f"container rm --force {ID}"]
    others = Host(folder=tmp_path, labels={}, status="running", started="2026-11-26T03:00:00Z")
    found = others.remove(deleted=ID)
    assert found is not None
    assert found.kept == "label"


@pytest.mark.parametrize(
    "labels",
    [
        {},
        # Another clone, backend, organisation or project with a stack of this name; another version of this program.
        {STACK_LABEL: "dev"},
        {STACK_LABEL: "dev", OWNER_LABEL: "ffffffffffffffff/docker-1/web"},
        # Another place of this stack: a container of an image that was committed from ours.
        {STACK_LABEL: "dev", OWNER_LABEL: "0123456789abcdef/docker-2/web"},
        {STACK_LABEL: "dev", OWNER_LABEL: f"{OURS}2"},
        {COMPOSE_PROJECT_LABEL: "shop"},
    ],
)
def test_what_others_made_stays(tmp_path: Path, labels: dict[str, str]) -> None:
    """The owner label must be exactly this one, also after an interrupted creation; its labels are reported."""
    host = Host(folder=tmp_path, labels=labels)
    found = host.remove(interrupted=True)
    assert found == Found(id=ID, labels=labels, kept="label")
    assert host.removals == []


@pytest.mark.parametrize("image", [{OWNER_LABEL: OURS}, {OWNER_LABEL: "x"}, None])
def test_a_container_of_an_image_that_carries_the_label_stays(tmp_path: Path, image: dict[str, str] | None) -> None:
    """`docker commit` copies labels; where the image is gone nobody knows."""
    host = Host(folder=tmp_path, image=image)
    found = host.remove(interrupted=True)
    assert found is not None
    assert found.kept == "image"
    assert host.removals == []


def test_an_unlabelled_stack_removes_nothing(tmp_path: Path) -> None:
    """Where this stack writes no owner label, a container without one is not its own."""
    host = Host(folder=tmp_path, labels={})
    host.remove(owner="", interrupted=True)
    assert host.removals == []


def test_the_first_digits_of_an_id_are_no_name(tmp_path: Path) -> None:
    """Docker would take them for the container."""
    host = Host(folder=tmp_path)
    assert host.remove(name="c0ffee") is None
    assert host.removals == []


def test_an_orphaned_network_is_removed_by_its_id(tmp_path: Path) -> None:
    """One that has the exact name and the label, and that nothing uses."""
    host = Host(folder=tmp_path, name="ipvlanl2", labels={OWNER_LABEL: "0123456789abcdef/docker-1"})
    found = host.remove("network", "ipvlanl2", owner="0123456789abcdef/docker-1")
    assert found is not None
    assert not found.kept
    assert host.removals == [f"network rm {ID}"]


@pytest.mark.parametrize(
    ("fields", "kept"),
    [
        # A stopped container, which Docker would let lose its network.
        ({"users": ["stopped"]}, "used"),
        ({"refuses": True}, "used"),
        ({"labels": {STACK_LABEL: "dev"}}, "label"),
    ],
)
def test_a_network_in_use_or_of_others_stays(tmp_path: Path, fields: dict[str, object], kept: str) -> None:
    """Nothing is removed, and the reason is reported."""
    labels = {OWNER_LABEL: "0123456789abcdef/docker-1"}
    host = Host(folder=tmp_path, **{"name": "ipvlanl2", "labels": labels, **fields})  # type: ignore[arg-type]
    found = host.remove("network", "ipvlanl2", owner="0123456789abcdef/docker-1", interrupted=True)
    assert found is not None
    assert found.kept == kept
    assert host.removals == ([f"network rm {ID}"] if host.refuses else [])


@pytest.mark.parametrize("kept", KEPT)
def test_what_stays_is_explained(kept: str) -> None:
    """The error has the id, whose it is, why it stays, and first a fix that removes nothing."""
    found = Found(id=ID, labels={STACK_LABEL: "dev", OWNER_LABEL: "ffffffffffffffff/h/s"}, kept=kept)
    error = name_taken(
        HostConnection(name="docker-1", command=()), "container", "web", found, key="KEY", unread="no login"
    )
    (problem,) = error.problems
    assert problem.code == "IPF751"
    assert problem.fix.startswith("set another name in KEY; or, if nobody needs it: `docker rm -f c0ffeec0ffee`")
    for part in ("c0ffeec0ffee", 'of a stack "dev" with owner id ffffffffffffffff', KEPT[kept], "(no login)"):
        assert part in problem.problem


@pytest.mark.parametrize(
    ("kind", "error", "taken"),
    [
        ("container", 'Conflict. The container name "/web" is already in use by container "e77".', True),
        ("container", "driver failed programming external connectivity: port is already allocated", False),
        ("network", "Error response from daemon: network with name ipvlanl2 already exists", True),
        ("network", 'The container name "/web" is already in use', False),
    ],
)
def test_only_a_taken_name_is_looked_into(kind: Kind, error: str, taken: bool) -> None:
    """Other failures have other causes."""
    assert is_name_taken(kind, error) is taken
