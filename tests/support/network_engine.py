"""A substitute for Docker's Engine that has networks: it creates and removes them, and connects containers to them.

It behaves as Docker 28.5 does: a connection of a stopped container that has one already changes nothing and is a success; of a
network that does not exist it stores the name; a network of stopped containers is removed; a container that has the id of a network
that is gone does not start (moby, ConnectToNetwork in its daemon). That a real daemon behaves so is shown by tests/lab.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest

from ipvlan.hosts import engine_writes
from ipvlan.hosts.engine_writes import EngineWrites
from ipvlan.plan.resource_names import BRIDGE
from tests.support.container_engine import DONE, ContainerEngine, set_state
from tests.support.fake_engine import JSON, NoReplyError, Reply, document, message


@dataclass
class NetworkEngine(ContainerEngine):
    """A daemon with networks, and with containers on them."""

    networks: list[dict[str, Any]] = field(default_factory=list)
    """The networks, as `GET /networks` lists them."""
    bodies: list[dict[str, Any]] = field(default_factory=list)
    """The body of each request that created or connected."""
    ignores_connections: bool = False
    """Whether a connection is answered with success and changes nothing."""

    makes_otherwise: list[dict[str, Any]] = field(default_factory=list)
    """What each network has that is created, whatever was asked for; the first one's first."""

    links: list[str] = field(default_factory=list)
    """Names of the host's interfaces."""
    commands: list[str] = field(default_factory=list)
    """What was run on the host."""

    def run(self, text: str, *, timeout: float) -> str:
        """Run a text on the host, as a session does: it lists the interfaces."""
        assert timeout > 0
        self.commands.append(text)
        return "\n".join(self.links)

    def add_network(self, id_: str, name: str, **more: Any) -> dict[str, Any]:
        """Let there be a network; `id_` are two digits, of which its id is made."""
        network = {
            "Id": id_ * 32, "Name": name, "Driver": "bridge", "Internal": False, "EnableIPv6": False,
            "IPAM": {"Driver": "default", "Config": [{"Subnet": "172.18.0.0/16", "Gateway": "172.18.0.1"}]},
            "Options": {}, "Labels": {}, **more,
        }  # fmt: skip
        self.networks.append(network)
        return network

    def network(self, which: str) -> dict[str, Any] | None:
        """Return the network of that id or name."""
        return next((each for each in self.networks if which in {each["Id"], each["Name"]}), None)

    def endpoints(self, which: str) -> dict[str, Any]:
        """Return the connections of a container, by the network's name."""
        container = self.find(which)
        assert container is not None
        networks: dict[str, Any] = container["NetworkSettings"]["Networks"]
        return networks

    def act(self, method: str, action: str, query: Mapping[str, str], body: dict[str, Any]) -> Reply:
        """Do what one request is for."""
        if (method, action) == ("GET", "containers/json"):
            return document(200, [self._listed(each) for each in self.inspected])
        kind, _, rest = action.partition("/")
        if kind != "networks":
            return super().act(method, action, query, body)
        if method == "GET":
            return self._described(rest)
        if self.ends_after is not None and len(self.changes) >= self.ends_after:
            raise NoReplyError
        which, _, verb = rest.partition("/")
        verb = "remove network" if method == "DELETE" else verb or "create network"
        name = body["Name"] if verb == "create network" else (self.network(which) or {"Name": which})["Name"]
        self.changes.append(" ".join([verb, *([body["Container"][:2]] if "Container" in body else []), name]))
        if self.refuses.get(verb):
            return message(500, self.refuses[verb].pop(0))
        if verb == "remove network":
            return self._remove_network(which)
        self.bodies.append(body)
        return self._create_network(body) if verb == "create network" else self._of_endpoint(verb, which, body)

    def _described(self, which: str) -> Reply:
        if not which:
            return document(200, self.networks)
        network = self.network(which)
        return message(404, f"network {which} not found") if network is None else document(200, network)

    @staticmethod
    def _listed(container: Mapping[str, Any]) -> dict[str, Any]:
        return {
            "Id": container["Id"], "Names": [container["Name"]], "ImageID": container["Image"],
            "Labels": container["Config"].get("Labels"), "State": container["State"]["Status"],
            "NetworkSettings": {
                "Networks": {
                    name: {**endpoint, "Aliases": None}
                    for name, endpoint in container["NetworkSettings"]["Networks"].items()
                }
            },
        }  # fmt: skip

    def _create_network(self, body: dict[str, Any]) -> Reply:
        if self.network(body["Name"]) is not None:
            return message(409, f"network with name {body['Name']} already exists")
        given: dict[str, Any] = {
            key: body[key] for key in ("Driver", "Internal", "EnableIPv6", "IPAM", "Options", "Labels") if key in body
        }
        if self.makes_otherwise:
            given |= self.makes_otherwise.pop(0)
        network = self.add_network(f"{0xB0 + len(self.bodies):02x}", body["Name"], **given)
        return document(201, {"Id": network["Id"], "Warning": ""})

    def _remove_network(self, which: str) -> Reply:
        network = self.network(which)
        if network is None:
            return message(404, f"network {which} not found")
        active = [
            each
            for each in self.inspected
            if each["State"]["Running"] and network["Name"] in self.endpoints(each["Id"])
        ]
        if active:
            return message(
                403, f"error while removing network: network {network['Name']} id {which} has active endpoints"
            )
        self.networks.remove(network)
        return DONE

    def _of_endpoint(self, verb: str, which: str, body: dict[str, Any]) -> Reply:
        container, network = self.find(body["Container"]), self.network(which)
        if container is None:
            return message(404, f"No such container: {body['Container']}")
        endpoints, name = self.endpoints(container["Id"]), which if network is None else network["Name"]
        running = container["State"]["Running"]
        if network is None and running:
            return message(404, f"network {which} not found")
        if verb == "disconnect":
            if endpoints.pop(name, None) is None:
                return message(500, f"container {container['Id']} is not connected to the network {name}")
            return (200, b"", JSON)
        if name in endpoints and running:
            return message(403, f"endpoint with name {container['Name'][1:]} already exists in network {name}")
        if name not in endpoints and not self.ignores_connections:
            id_ = network["Id"] if running and network is not None else ""
            priority = body["EndpointConfig"].get("GwPriority", 0)
            endpoints[name] = {
                "NetworkID": id_, "Aliases": body["EndpointConfig"].get("Aliases"), "IPAMConfig": None,
                **({"GwPriority": priority} if self._has_priorities else {}),
            }  # fmt: skip
            version = self.requests[-1].removeprefix("POST /v").partition("/")[0]
            if name == BRIDGE:
                self.connected_in.append(f"{version} {body['EndpointConfig'].get('GwPriority')}")
        return (200, b"", JSON)

    @property
    def _has_priorities(self) -> bool:
        return tuple(map(int, self.newest_api.split("."))) >= (1, 48)

    def _start(self, container: dict[str, Any], _query: Mapping[str, str], _body: dict[str, Any]) -> Reply:
        if container["State"]["Running"]:
            return 304, b"", JSON
        for name, endpoint in self.endpoints(container["Id"]).items():
            network = self.network(endpoint.get("NetworkID") or name)
            if network is None:
                container["State"]["Error"] = f"network {endpoint.get('NetworkID') or name} not found"
                return message(500, container["State"]["Error"])
            endpoint["NetworkID"] = network["Id"]
        set_state(container, "running", Error="", StartedAt=self.timestamp())
        return DONE


def reached_by(monkeypatch: pytest.MonkeyPatch, engine: NetworkEngine) -> None:
    """Let every visit to a host's Docker end at this one."""

    @contextmanager
    def open_session(connection: Any) -> Iterator[tuple[Any, EngineWrites]]:
        opened = EngineWrites(connection.name, engine.socket, timeout=5)
        try:
            yield engine, opened
        finally:
            opened.close()

    @contextmanager
    def open_engine(connection: Any) -> Iterator[EngineWrites]:
        with open_session(connection) as (_, opened):
            yield opened

    monkeypatch.setattr(engine_writes, "open_session", open_session)
    monkeypatch.setattr(engine_writes, "open_engine", open_engine)
