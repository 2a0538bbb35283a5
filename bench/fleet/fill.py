"""Fills a fleet as `pulumi up` would have: for sizes that one stack cannot be brought up in on this machine.

The labels are the stack's; it has no state, so the commands go by the labels.
"""

from __future__ import annotations

import http.client
import json
import socket
from pathlib import Path
from typing import Any, Final

from bench.fleet.engine import BRIDGE
from bench.fleet.project import STACK, config
from ipvlan.plan.make import make_plan
from ipvlan.plan.model import ContainerPlan, HostPlan
from ipvlan.plan.resource_names import PORTS_LABEL, STACK_LABEL, ports_label
from ipvlan.plan.validate import parse

_PREFIX: Final = "ipvlan-fabric:"


class Socket(http.client.HTTPConnection):
    """HTTP over a Unix socket."""

    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=60)
        self._path = path

    def connect(self) -> None:
        """Connect to it."""
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self._path))

    def send_json(self, method: str, path: str, body: Any = None) -> Any:
        """Make a request and return what is answered.

        Raises:
            RuntimeError: It is refused.
        """
        self.request(method, path, None if body is None else json.dumps(body))
        reply = self.getresponse()
        content = reply.read()
        if reply.status >= 400:
            raise RuntimeError(f"{method} {path}: {content.decode(errors='replace')}")
        return json.loads(content) if content[:1] in (b"{", b"[") else None


def fill(folder: Path, count: int) -> None:
    """Create networks and containers of the plan on all hosts; `folder` has a folder with Docker's socket per address."""
    raw = {key.removeprefix(_PREFIX): value for key, value in config(count).items() if key.startswith(_PREFIX)}
    for host in make_plan(parse(raw)).hosts:
        engine = Socket(folder / str(host.address) / "docker.sock")
        _fill_host(engine, host)
        engine.close()


def _fill_host(engine: Socket, host: HostPlan) -> None:
    planned = host.network
    engine.send_json(
        "POST",
        "/networks/create",
        {
            "Name": planned.name,
            "Driver": "ipvlan",
            "Options": {"ipvlan_mode": planned.mode, "parent": planned.parent},
            "IPAM": {
                "Config": [
                    {"Subnet": str(planned.subnet), "IPRange": str(planned.ip_range), "Gateway": str(planned.gateway)}
                ]
            },
            "Labels": {STACK_LABEL: STACK},
        },
    )
    for container in host.containers:
        name, _, digest = container.image.partition("@")
        engine.send_json("POST", f"/images/create?fromImage={name}&tag={digest}")
        id_ = engine.send_json("POST", f"/containers/create?name={container.name}", _created(host, container))["Id"]
        if container.bridged:
            engine.send_json("POST", f"/networks/{BRIDGE}/connect", {"Container": id_})
        engine.send_json("POST", f"/containers/{id_}/start")


def _created(host: HostPlan, container: ContainerPlan) -> dict[str, Any]:
    labels = {STACK_LABEL: STACK}
    if container.docker_ports:
        labels[PORTS_LABEL] = ports_label(container.docker_ports)
    return {
        "Image": container.image,
        "Cmd": None if container.command is None else list(container.command),
        "Labels": labels,
        "HostConfig": {
            "NetworkMode": host.network.name,
            "PortBindings": {
                f"{port.container_port}/{port.protocol}": [{"HostIp": "", "HostPort": str(port.host_port)}]
                for port in container.ports
            },
        },
        "NetworkingConfig": {
            "EndpointsConfig": {host.network.name: {"IPAMConfig": {"IPv4Address": str(container.fabric_address)}}}
        },
    }
