"""Containers of ours and of others, as Docker's Engine API describes them (`GET /containers/ID/json`)."""

from __future__ import annotations

import copy
from typing import Any

from ipvlan.hosts.spare_copy import Record
from ipvlan.plan.resource_names import OWNER_LABEL, PREVIOUS_LABEL

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
            "Hostname": (id_ * 32)[:12], "Tty": False, "Env": ["PATH=/bin"], "Cmd": ["serve"], "Entrypoint": None,
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
