"""Fills a fleet as `pulumi up` would have: for sizes that one stack cannot be brought up in on this machine.

A real `up` brings up the first two hosts. What it did on the second one is repeated for each further one, with that one's names,
addresses and ids: the networks and containers on the host, and the resources in the state.
"""

from __future__ import annotations

import http.client
import json
import socket
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any, Final

from bench.fleet.engine import BRIDGE
from bench.fleet.project import config
from ipvlan.plan.make import make_plan
from ipvlan.plan.model import HostPlan
from ipvlan.plan.validate import parse

FIRST: Final = "host-1"
MODEL: Final = "host-2"
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


def fill(folder: Path, count: int) -> dict[str, str]:
    """Give all hosts but the first two what the second one has.

    Args:
        folder: It has a folder with Docker's socket for each address.
        count: Number of hosts.

    Returns:
        Host, and what of it, such as `host-7/web`, `host-7/network` and `host-7/engine` -> Docker's id.
    """
    raw = {key.removeprefix(_PREFIX): value for key, value in config(count).items() if key.startswith(_PREFIX)}
    plan = make_plan(parse(raw))
    ids: dict[str, str] = {}
    model = plan.host(MODEL)
    with closing(Socket(folder / str(model.address) / "docker.sock")) as engine:
        described = {name: engine.send_json("GET", f"/containers/{name}/json") for name in _names(model)}
        network = engine.send_json("GET", f"/networks/{model.network.name}")
        ids |= _ids(engine, model, network["Id"], {name: each["Id"] for name, each in described.items()})
    for host in plan.hosts:
        if host.name in (FIRST, MODEL):
            continue
        with closing(Socket(folder / str(host.address) / "docker.sock")) as engine:
            ids |= _fill_host(engine, model, host, network, described)
    return ids


def extend_state(document: dict[str, Any], count: int, ids: Mapping[str, str]) -> None:
    """Add to an exported state of the first two hosts the resources of all others; `ids` is what `fill` returns."""
    resources = document["deployment"]["resources"]
    model = MODEL
    own = json.dumps([each for each in resources if f"-{model}" in each["urn"].rpartition("::")[2]])
    of_model = sorted((id_, key.partition("/")[2]) for key, id_ in ids.items() if key.startswith(f"{model}/"))
    for number in range(3, count + 1):
        host = f"host-{number}"
        text = own
        for id_, part in of_model:
            text = text.replace(id_, ids[f"{host}/{part}"])
        resources += json.loads(_moved(text, model, host, count))


def _moved(text: str, model: str, host: str, count: int) -> str:
    """Return a text about one host as one about another."""
    hosts = config(count)[f"{_PREFIX}hosts"]
    for one, other in ((model, host), *((hosts[model][key], hosts[host][key]) for key in ("address", "slice"))):
        text = text.replace(one, other)
    return text.replace(hosts[model]["slice"].removesuffix("0/24"), hosts[host]["slice"].removesuffix("0/24"))


def _names(host: HostPlan) -> list[str]:
    return [container.name for container in host.containers]


def _ids(engine: Socket, host: HostPlan, network: str, containers: Mapping[str, str]) -> dict[str, str]:
    own = {"network": network, "engine": engine.send_json("GET", "/info")["ID"], **containers}
    return {f"{host.name}/{part}": id_ for part, id_ in own.items()}


def _fill_host(
    engine: Socket, model: HostPlan, host: HostPlan, network: Mapping[str, Any], described: Mapping[str, Any]
) -> dict[str, str]:
    labels = {key: value.replace(model.name, host.name) for key, value in network["Labels"].items()}
    pool = {**network["IPAM"]["Config"][0], "IPRange": str(host.network.ip_range)}
    body = {**network, "IPAM": {"Config": [pool]}, "Labels": labels}
    network_id = engine.send_json("POST", "/networks/create", body)["Id"]
    containers = {}
    for planned in host.containers:
        live = described[planned.name]
        image, _, digest = planned.image.partition("@")
        engine.send_json("POST", f"/images/create?fromImage={image}&tag={digest}")
        settings = {**live["Config"], "HostConfig": {**live["HostConfig"], "NetworkMode": host.network.name}}
        settings["Labels"] = {
            key: value.replace(model.name, host.name) for key, value in live["Config"]["Labels"].items()
        }
        address = {"IPAMConfig": {"IPv4Address": str(planned.fabric_address)}}
        settings["NetworkingConfig"] = {"EndpointsConfig": {host.network.name: address}}
        id_ = engine.send_json("POST", f"/containers/create?name={planned.name}", settings)["Id"]
        if planned.bridged:
            engine.send_json("POST", f"/networks/{BRIDGE}/connect", {"Container": id_})
        engine.send_json("POST", f"/containers/{id_}/start")
        containers[planned.name] = id_
    return _ids(engine, host, network_id, containers)
