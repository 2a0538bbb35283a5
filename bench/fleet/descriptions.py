"""Containers of a simulated host as Docker's Engine API describes them (API reference, version 1.51)."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any


def with_defaults(host_config: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings of a container's host as Docker describes them: what was not set has a value (moby, daemon/create.go)."""
    given = {key: value for key, value in host_config.items() if value not in (None, "")}
    return {"Runtime": "runc", "IpcMode": "private", "CgroupnsMode": "private", "ShmSize": 64 << 20, **given,
            "LogConfig": {"Type": "json-file", "Config": {}}}  # fmt: skip


def listed(container: Mapping[str, Any]) -> dict[str, Any]:
    """Return a container as `GET /containers/json` lists it."""
    status = container["State"]["Status"]
    return {
        "Id": container["Id"], "Names": [container["Name"]], "Image": container["Config"]["Image"], "ImageID": container["Image"],
        "Created": int(time.mktime(time.strptime(container["Created"][:19], "%Y-%m-%dT%H:%M:%S"))), "State": status,
        "Status": "Up 3 minutes" if status == "running" else status.capitalize(), "Labels": container["Config"]["Labels"],
        "Command": "", "Mounts": [], "HostConfig": {"NetworkMode": container["HostConfig"].get("NetworkMode", "default")},
        "NetworkSettings": {"Networks": container["NetworkSettings"]["Networks"]},
        "Ports": [
            {"IP": each["HostIp"], "PrivatePort": int(port.partition("/")[0]), "PublicPort": int(each["HostPort"]),
             "Type": port.partition("/")[2]}
            for port, bindings in container["NetworkSettings"]["Ports"].items() for each in bindings
        ],
    }  # fmt: skip
