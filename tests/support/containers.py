"""A host of the substitute `fake_docker_containers`, and containers as Docker inspects them."""

from __future__ import annotations

import copy
import os
from pathlib import Path
from typing import Any

from ipvlan.hosts.connection import HostConnection
from ipvlan.hosts.spare_copy import Record
from ipvlan.plan.resource_names import OWNER_LABEL, PREVIOUS_LABEL
from tests.support.docker_substitute import put_docker, read_state, write_state

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


class ContainerHost:
    """A host whose `docker` is the substitute; its shell is this machine's own."""

    def __init__(self, folder: Path, *containers: dict[str, Any], **state: Any) -> None:
        self.folder = folder
        put_docker(folder, "fake_docker_containers")
        path = f"{folder}:{os.environ['PATH']}"
        self.connection = HostConnection(name="docker-1", command=("env", f"PATH={path}", "sh", "-c"))
        start = {
            "images": {IMAGE: {"Labels": None}},
            "volumes": [],
            "down": False,
            "history": [],
            "refuses": {},
            "steps": [],
            "log": "",
        }
        write_state(folder, containers=list(containers), **{**start, **state})

    def write(self, **changes: Any) -> None:
        """Change the substitute's state."""
        write_state(self.folder, **changes)

    @property
    def state(self) -> dict[str, Any]:
        """The substitute's state."""
        return read_state(self.folder)

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
        """The commands that changed something, or tried to."""
        reading = ("container inspect", "image inspect", "logs", "version", "network connect --help")
        return [call for call in self.state["calls"] if not call.startswith(reading)]
