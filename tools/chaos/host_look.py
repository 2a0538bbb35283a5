"""Runs on a lab host, on Python's own library alone: says what is there of Docker and of us, in one visit.

Output: a JSON object with `containers`, `networks`, `volumes` (name or id -> fields), `files` (paths below our folder), `locks` and
`links`. `tools.chaos.look` sends this file to the hosts; Docker's command line would take such a host a second a question.
"""

from __future__ import annotations

import hashlib
import http.client
import json
import socket
from pathlib import Path
from typing import Any

OURS = Path("/var/lib/ipvlan-fabric")


class Docker(http.client.HTTPConnection):
    """The Engine API, over its local socket."""

    def connect(self) -> None:
        """Connect to the socket."""
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(60)
        self.sock.connect("/var/run/docker.sock")

    def get(self, path: str) -> Any:
        """Return the answer to a GET."""
        self.request("GET", path)
        return json.loads(self.getresponse().read())


def process_start(pid: int) -> str:
    """Return the start time of a process; "" where there is none."""
    stat = Path(f"/proc/{pid}/stat")
    # The 22nd field; the second one is the program's name, which may have blanks (proc_pid_stat(5)).
    return stat.read_text().rpartition(")")[2].split()[19] if pid and stat.exists() else ""


def container(inspected: dict[str, Any]) -> dict[str, Any]:
    """Return what counts of a container."""
    state = inspected["State"]
    return {
        "name": inspected["Name"].lstrip("/"),
        "status": state["Status"],
        "started": state["StartedAt"],
        "process": [state["Pid"], process_start(state["Pid"])],
        "restarts": inspected["RestartCount"],
        "labels": inspected["Config"]["Labels"] or {},
        "networks": {
            name: [endpoint["NetworkID"], endpoint["EndpointID"], endpoint["IPAddress"], endpoint["MacAddress"]]
            for name, endpoint in inspected["NetworkSettings"]["Networks"].items()
        },
    }


def lock_holders() -> list[str]:
    """Return the command line of each process that holds our lock."""
    lines = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = path.read_bytes().decode(errors="replace").split("\0")
        except OSError:
            continue
        if "ipvlan-fabric-lock" in words:
            lines.append(" ".join(words[words.index("ipvlan-fabric-lock") :]))
    return lines


def main() -> None:
    """Print what is on the host."""
    docker = Docker("localhost", timeout=60)
    listed = docker.get("/containers/json?all=1")
    networks = docker.get("/networks")
    volumes = docker.get("/volumes")["Volumes"] or []
    print(
        json.dumps(
            {
                "containers": {
                    entry["Id"]: container(docker.get(f"/containers/{entry['Id']}/json")) for entry in listed
                },
                "networks": {entry["Id"]: {"name": entry["Name"], "created": entry["Created"]} for entry in networks},
                "volumes": {
                    volume["Name"]: {
                        str(path): hashlib.sha256(path.read_bytes()).hexdigest()
                        for path in sorted(Path(volume["Mountpoint"]).rglob("*"))
                        if path.is_file()
                    }
                    for volume in volumes
                },
                "files": sorted(str(path.relative_to(OURS)) for path in OURS.rglob("*")) if OURS.exists() else [],
                "locks": lock_holders(),
                "links": sorted(path.name for path in Path("/sys/class/net").iterdir()),
            }
        )
    )


if __name__ == "__main__":
    main()
