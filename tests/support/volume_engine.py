"""A substitute for Docker's Engine that has volumes: it lists, creates and removes them, as Docker 28.5 does.

A request to create a name that exists answers the old volume (moby, VolumeStore.Create), and one that a container mounts is not
removed. That a real daemon behaves so is shown by tests/lab.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest

from ipvlan.hosts import engine_writes
from ipvlan.hosts.connection import HostConnection
from ipvlan.hosts.engine_writes import EngineWrites
from tests.support.fake_engine import JSON, FakeEngine, Reply, document, message


@dataclass
class VolumeEngine(FakeEngine):
    """A daemon with volumes, and with containers that mount some."""

    volumes: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Name -> the volume, as `GET /volumes/NAME` answers it."""
    mounts: dict[str, list[str]] = field(default_factory=dict)
    """Name of a container -> the volumes that it mounts. Its id is its name six times."""
    container_labels: dict[str, dict[str, str]] = field(default_factory=dict)
    """Name of a container -> its labels, where it has some."""
    refuses_volume: str = ""
    """The error message for the creation of a volume."""
    meanwhile: dict[str, Any] | None = None
    """A volume that somebody else creates right before the next creation."""
    changes: list[str] = field(default_factory=list)
    """What was created and removed: `create data`, `remove data`."""

    def add(self, name: str, labels: Mapping[str, str] | None = None, **more: Any) -> None:
        """Let there be a volume."""
        self.volumes[name] = {"Name": name, "Driver": "local", "Options": None, "Labels": dict(labels or {}), **more}

    def act(self, method: str, action: str, query: Mapping[str, str], body: dict[str, Any]) -> Reply:
        """Do what one request is for."""
        if (method, action) == ("GET", "volumes"):
            return document(200, {"Volumes": list(self.volumes.values()) or None, "Warnings": None})
        if (method, action) == ("GET", "containers/json"):
            return document(200, self.containers_listed())
        if (method, action) == ("POST", "volumes/create"):
            return self._create(body)
        return self._of_volume(method, action.removeprefix("volumes/"))

    def containers_listed(self) -> list[dict[str, Any]]:
        """Return the containers as Docker lists them."""
        return [
            {
                "Id": each * 6,
                "Names": [f"/{each}"],
                "Labels": self.container_labels.get(each),
                "Mounts": [{"Type": "volume", "Name": one} for one in volumes],
            }
            for each, volumes in self.mounts.items()
        ]

    def _of_volume(self, method: str, name: str) -> Reply:
        if name not in self.volumes:
            return message(404, f"get {name}: no such volume")
        if method == "GET":
            return document(200, self.volumes[name])
        self.changes.append(f"remove {name}")
        if any(name in volumes for volumes in self.mounts.values()):
            return message(409, f"remove {name}: volume is in use")
        del self.volumes[name]
        return 204, b"", JSON

    def _create(self, body: dict[str, Any]) -> Reply:
        self.changes.append(f"create {body['Name']}")
        if self.meanwhile is not None:
            self.add(**self.meanwhile)
        if self.refuses_volume:
            return message(400, self.refuses_volume)
        if body["Name"] not in self.volumes:
            options = body.get("DriverOpts") or None
            self.add(body["Name"], body.get("Labels"), Driver=body.get("Driver") or "local", Options=options)
        return document(201, self.volumes[body["Name"]])


def reached_by(monkeypatch: pytest.MonkeyPatch, engine: VolumeEngine) -> list[HostConnection]:
    """Let every visit to a host's Docker end at this one; return the list that gets the connection of each visit."""
    visits: list[HostConnection] = []

    @contextmanager
    def open_engine(connection: HostConnection) -> Iterator[EngineWrites]:
        visits.append(connection)
        opened = EngineWrites(connection.name, engine.socket, timeout=5)
        try:
            yield opened
        finally:
            opened.close()

    monkeypatch.setattr(engine_writes, "open_engine", open_engine)
    return visits
