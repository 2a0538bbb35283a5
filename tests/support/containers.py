"""Hosts of the substitute `fake_container_engine`, and containers as Docker inspects them."""

from __future__ import annotations

import copy
import itertools
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Protocol

from ipvlan.hosts.connection import HostConnection
from ipvlan.hosts.spare_copy import Record
from ipvlan.plan.resource_names import OWNER_LABEL, PREVIOUS_LABEL
from tests.support.fake_container_engine import Containers, serving

OURS = "0123456789abcdef/docker-1/web"
IMAGE = "sha256:" + "1f" * 32
FABRIC = "ipvlanl2"
VOLUME = "0a" * 32
RECORD = Record(of="00" * 32, restart="always", bridge=False, volumes=())


def container(id_: str, name: str, **changes: Any) -> dict[str, Any]:
    """Return a running container of ours on the fabric, as Docker 26.1 inspects it.

    Args:
        id_: Two digits, of which its id is made.
        name: Its name.
        changes: Path, with `__` for a dot -> value: `State__Status="exited"`.
    """
    inspected: dict[str, Any] = {
        "Id": id_ * 32,
        "Name": f"/{name}",
        "Image": IMAGE,
        "Created": "2026-11-26T03:00:00.123456789Z",
        "RestartCount": 0,
        "Mounts": [],
        "State": {
            "Status": "running", "Running": True, "Paused": False, "Restarting": False, "OOMKilled": False, "ExitCode": 0,
            "Error": "", "StartedAt": "2026-11-26T03:00:00.123456789Z",
        },
        "Config": {
            "Hostname": (id_ * 32)[:12], "Env": ["PATH=/bin"], "Cmd": ["serve"], "Entrypoint": None,
            "Image": "registry.lab:5000/nginx:1", "Labels": {OWNER_LABEL: OURS, "team": "web"},
        },
        "HostConfig": {
            "NetworkMode": FABRIC, "Binds": None, "PortBindings": {}, "VolumesFrom": None, "Links": None,
            "RestartPolicy": {"Name": "always", "MaximumRetryCount": 0}, "AutoRemove": False,
        },
        "NetworkSettings": {
            "Networks": {FABRIC: {"IPAMConfig": {"IPv4Address": "10.1.1.1"}, "NetworkID": "fa" * 32, "Aliases": None}},
            "Ports": {},
        },
    }  # fmt: skip
    for path, value in changes.items():
        *keys, last = path.split("__")
        place = inspected
        for key in keys:
            place = place[key]
        place[last] = copy.deepcopy(value)
    return inspected


def stopped(id_: str, name: str, *, record: Record | None = None, **changes: Any) -> dict[str, Any]:
    """Return a container of ours that was created and not started, with restart policy "no"; a copy where it has a record."""
    labels = {OWNER_LABEL: OURS, **({} if record is None else {PREVIOUS_LABEL: str(record)})}
    state = {"Status": "created", "Running": False, "Restarting": False, "ExitCode": 0, "Error": "", "StartedAt": ""}
    return container(
        id_,
        name,
        **{
            "State": state,
            "Config__Labels": labels,
            "HostConfig__RestartPolicy": {"Name": "no", "MaximumRetryCount": 0},
            **changes,
        },
    )


SSH = """#!/bin/sh
PATH=FOLDER:$PATH
export PATH
case "$2" in *docker.sock) ln -s SOCKET "${2%%:*}" ;; esac
for last; do :; done
exec sh -c "$last"
"""
"""An ssh that runs everything here, and leads to the substitute's socket."""


class ContainerHost:
    """A host whose Docker is the substitute; its shell is this machine's own."""

    def __init__(self, folder: Path, socket: Path, engine: Containers) -> None:
        self.folder = folder
        """Comes first in the PATH of what runs on the host."""
        self._engine = engine
        ssh = socket.with_suffix(".ssh")
        ssh.write_text(SSH.replace("SOCKET", str(socket)).replace("FOLDER", str(folder)))
        ssh.chmod(0o755)
        self.connection = HostConnection(name="docker-1", command=(str(ssh), "docker-1"))

    def write(self, **changes: Any) -> None:
        """Change the substitute's state."""
        with self._engine.guard:
            self._engine.state.update(changes)

    @property
    def state(self) -> dict[str, Any]:
        """The substitute's state."""
        with self._engine.guard:
            return copy.deepcopy(self._engine.state)

    @property
    def containers(self) -> dict[str, tuple[str, str, str]]:
        """Name -> the first two digits of the id, the state, and the restart policy."""
        return {
            each["Name"].removeprefix("/"): (
                each["Id"][:2],
                each["State"]["Status"],
                each["HostConfig"]["RestartPolicy"]["Name"],
            )
            for each in self.state["containers"]
        }

    @property
    def changes(self) -> list[str]:
        """What was changed, or tried to be."""
        changes: list[str] = self.state["changes"]
        return changes


class NewHost(Protocol):
    """Returns a new host with these containers; `state` is more of the substitute's."""

    def __call__(self, *containers: dict[str, Any], **state: Any) -> ContainerHost:
        """Return the host."""


@contextmanager
def container_hosts(folder: Path) -> Iterator[NewHost]:
    """Give what makes hosts; they end with this."""
    with ExitStack() as stack:
        count = itertools.count()

        def new(*containers: dict[str, Any], **state: Any) -> ContainerHost:
            engine = Containers(**{"images": {IMAGE: {"Labels": None}}, **state, "containers": list(containers)})
            socket = folder / f"{next(count)}.sock"
            stack.enter_context(serving(engine, socket))
            return ContainerHost(folder, socket, engine)

        yield new
