"""One simulated Docker host: its containers and networks, and what Docker's Engine API answers about them.

Replies have the form of Docker's API reference, version 1.51; messages are those of Docker 28.5. Only what this project and its
docker provider ask for is there, and any other request is refused, so that a new one is noticed.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import re
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from bench.fleet.descriptions import listed, with_defaults

VERSION: Final = "28.5.2"
API: Final = "1.51"
BRIDGE: Final = "bridge"
FIRST_PID: Final = 10_000_000
"""Above every process id of Linux (pid_max is at most 2^22): nothing on this machine is taken for a container's process."""

_NO_BODY: Final = b""
_VERSIONED: Final = re.compile(r"/v[0-9.]+(?=/)")


class RefusedError(Exception):
    """Docker refuses a request."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status


@dataclass(frozen=True, slots=True)
class Request:
    """One request of the API."""

    method: str
    path: str
    """Without the version."""
    query: Mapping[str, str]
    body: Mapping[str, Any]


@dataclass(slots=True)
class SimulatedHost:
    """One host."""

    name: str
    address: str
    delay: float = 0.0
    """Seconds before each answer."""
    requests: int = 0
    """How many it answered."""
    containers: dict[str, dict[str, Any]] = field(default_factory=dict)
    """By id, as `GET /containers/ID/json` describes them."""
    networks: dict[str, dict[str, Any]] = field(default_factory=dict)
    """By id, as `GET /networks/ID` describes them, without their containers."""
    images: dict[str, str] = field(default_factory=dict)
    """Reference -> id."""
    on_fabric: frozenset[str] = frozenset()
    """Addresses of the running containers, those on a bridge left out."""
    pids: Iterator[int] = field(default_factory=lambda: itertools.count(FIRST_PID))

    def __post_init__(self) -> None:
        """Create the network that every Docker has."""
        self._add_network(
            {
                "Name": BRIDGE,
                "Driver": "bridge",
                "IPAM": {"Driver": "default", "Config": [{"Subnet": "172.17.0.0/16", "Gateway": "172.17.0.1"}]},
                "Options": {"com.docker.network.bridge.name": "docker0"},
                "Labels": {},
            }
        )

    @property
    def id(self) -> str:
        """The Engine's id."""
        return f"{digest(self.name, 'engine')[:8]}-0000-0000-0000-{digest(self.name)[:12]}"

    def answer(self, method: str, target: str, query: Mapping[str, str], body: bytes) -> tuple[int, bytes]:
        """Return status and content of the reply to a request; `target` is its path."""
        self.requests += 1
        request = Request(method, _VERSIONED.sub("", target, count=1), query, json.loads(body or b"{}"))
        try:
            status, content = self._act(request)
        except RefusedError as error:
            status, content = error.status, {"message": str(error)}
        if isinstance(content, bytes):
            return status, content
        return status, json.dumps(content).encode()

    def container(self, which: str) -> dict[str, Any]:
        """Return the container of that id, name, or first digits of an id. Raises RefusedError."""
        found = self.containers.get(which) or next(
            (each for each in self.containers.values() if each["Name"] == f"/{which}" or each["Id"].startswith(which)),
            None,
        )
        if found is None:
            raise RefusedError(404, f"No such container: {which}")
        return found

    def network(self, which: str) -> dict[str, Any]:
        """Return the network of that id or name. Raises RefusedError."""
        found = self.networks.get(which) or next((n for n in self.networks.values() if n["Name"] == which), None)
        if found is None:
            raise RefusedError(404, f"network {which} not found")
        return found

    def running(self) -> Iterator[dict[str, Any]]:
        """Yield the containers that run."""
        return (each for each in self.containers.values() if each["State"]["Running"])

    def info(self) -> dict[str, Any]:
        """Return what `GET /info` says."""
        return {
            "ID": self.id, "Name": self.name, "DockerRootDir": "/", "ServerVersion": VERSION, "OSType": "linux",
            "SecurityOptions": ["name=seccomp,profile=builtin", "name=cgroupns"], "Architecture": "x86_64",
            "Containers": len(self.containers), "Driver": "overlay2", "NCPU": 2, "MemTotal": 2 << 30,
        }  # fmt: skip

    def described_network(self, network: Mapping[str, Any]) -> dict[str, Any]:
        """Return a network with its containers that run, as `GET /networks/ID` has it."""
        members = {
            each["Id"]: {
                "Name": each["Name"][1:],
                "IPv4Address": f"{end['IPAddress']}/16",
                "EndpointID": end["EndpointID"],
            }
            for each in self.running()
            for end in each["NetworkSettings"]["Networks"].values()
            if end["NetworkID"] == network["Id"]
        }
        return {**network, "Containers": members}

    def connect(self, network: Mapping[str, Any], container: dict[str, Any], settings: Mapping[str, Any]) -> None:
        """Connect a container to a network, with the endpoint's settings as the API takes them. Raises RefusedError."""
        networks = container["NetworkSettings"]["Networks"]
        if network["Name"] in networks:
            name = container["Name"][1:]
            raise RefusedError(403, f"endpoint with name {name} already exists in network {network['Name']}")
        networks[network["Name"]] = {
            "IPAMConfig": settings.get("IPAMConfig"), "Aliases": settings.get("Aliases"), "Links": None, "DriverOpts": None,
            "GwPriority": settings.get("GwPriority", 0), "NetworkID": network["Id"], "EndpointID": "", "Gateway": "",
            "IPAddress": "", "IPPrefixLen": 0, "MacAddress": "", "DNSNames": [container["Name"][1:]],
        }  # fmt: skip
        self._refresh(container)

    def disconnect(self, network: Mapping[str, Any], container: dict[str, Any]) -> None:
        """Disconnect a container. Raises RefusedError."""
        if container["NetworkSettings"]["Networks"].pop(network["Name"], None) is None:
            raise RefusedError(404, f"container {container['Id']} is not connected to network {network['Name']}")
        self._refresh(container)

    def start(self, container: dict[str, Any]) -> bool:
        """Start a container; return whether it did not run."""
        if container["State"]["Running"]:
            return False
        container["State"].update(Status="running", Running=True, Pid=next(self.pids), StartedAt=timestamp())
        self._refresh(container)
        return True

    def _act(self, request: Request) -> tuple[int, Any]:  # noqa: PLR0911  # one for each kind of request
        kind, _, rest = request.path.removeprefix("/").partition("/")
        match kind:
            case "_ping":
                return 200, b"OK"
            case "version":
                return 200, {
                    "Version": VERSION,
                    "ApiVersion": API,
                    "MinAPIVersion": "1.24",
                    "Os": "linux",
                    "Arch": "amd64",
                }
            case "info":
                return 200, self.info()
            case "containers":
                return self._of_containers(request, rest)
            case "networks":
                return self._of_networks(request, rest)
            case "images":
                return self._of_images(request, rest)
            case "distribution":
                return 200, {"Descriptor": {"digest": rest.removesuffix("/json").partition("@")[2]}, "Platforms": []}
            case "volumes" if request.method == "GET" and not rest:
                return 200, {"Volumes": [], "Warnings": None}
            case "events" if request.method == "GET":
                return 200, _NO_BODY
        raise RefusedError(404, f"the simulated host has no {request.method} {request.path}")

    def _of_containers(self, request: Request, rest: str) -> tuple[int, Any]:  # noqa: PLR0911  # as `_act`
        if rest == "json":
            return 200, [listed(each) for each in self.containers.values()]
        if rest == "create":
            return 201, {"Id": self._create(request.query["name"], request.body)["Id"], "Warnings": []}
        which, _, verb = rest.partition("/")
        container = self.container(which)
        match request.method, verb:
            case "GET", "json":
                return 200, container
            case "GET", "logs":
                return 200, _NO_BODY
            case "POST", "start":
                return (204 if self.start(container) else 304), _NO_BODY
            case "POST", "stop" | "kill":
                return (204 if self._stop(container) else 304), _NO_BODY
            case "POST", "wait":
                return 200, {"StatusCode": 0}
            case "POST", "rename":
                container["Name"] = f"/{request.query['name']}"
                return 204, _NO_BODY
            case "POST", "update":
                container["HostConfig"].update(request.body)
                return 200, {"Warnings": None}
            case "DELETE", "":
                del self.containers[container["Id"]]
                self._note_addresses()
                return 204, _NO_BODY
        raise RefusedError(404, f"the simulated host has no {request.method} {request.path}")

    def _of_networks(self, request: Request, rest: str) -> tuple[int, Any]:
        if not rest:
            return 200, [{**each, "Containers": {}} for each in self.networks.values()]
        if rest == "create":
            return 201, {"Id": self._add_network(request.body)["Id"], "Warning": ""}
        which, _, verb = rest.partition("/")
        network = self.network(which)
        match request.method, verb:
            case "GET", "":
                return 200, self.described_network(network)
            case "POST", "connect":
                self.connect(
                    network, self.container(request.body["Container"]), request.body.get("EndpointConfig") or {}
                )
                return 200, _NO_BODY
            case "POST", "disconnect":
                self.disconnect(network, self.container(request.body["Container"]))
                return 200, _NO_BODY
            case "DELETE", "":
                if self.described_network(network)["Containers"]:
                    raise RefusedError(
                        403, f"error while removing network: network {network['Name']} has active endpoints"
                    )
                del self.networks[network["Id"]]
                return 204, _NO_BODY
        raise RefusedError(404, f"the simulated host has no {request.method} {request.path}")

    def _of_images(self, request: Request, rest: str) -> tuple[int, Any]:
        if rest == "json":
            # A list has seconds since 1970, a description has a date (moby, api/types/image).
            return 200, [{**image(reference, id_), "Created": 0} for reference, id_ in self.images.items()]
        if rest == "create":
            name, tag = request.query["fromImage"], request.query.get("tag", "latest")
            reference = f"{name}{'@' if tag.startswith('sha256:') else ':'}{tag}"
            self.images[reference] = image_id(reference)
            return 200, json.dumps({"status": f"Status: Downloaded newer image for {reference}"}).encode() + b"\n"
        reference = rest.removesuffix("/json")
        for known, id_ in self.images.items():
            if reference in (known, id_):
                return 200, image(known, id_)
        raise RefusedError(404, f"No such image: {reference}")

    def _create(self, name: str, body: Mapping[str, Any]) -> dict[str, Any]:
        holder = next((each for each in self.containers.values() if each["Name"] == f"/{name}"), None)
        if holder is not None:
            raise RefusedError(
                409, f'Conflict. The container name "/{name}" is already in use by container "{holder["Id"]}".'
            )
        reference = body["Image"]
        if reference not in self.images and reference not in self.images.values():
            raise RefusedError(404, f"No such image: {reference}")
        settings = dict(body)
        host_config = settings.pop("HostConfig", None) or {}
        endpoints = (settings.pop("NetworkingConfig", None) or {}).get("EndpointsConfig") or {}
        settings["Labels"] = settings.get("Labels") or {}
        container = {
            "Id": digest(self.name, name, str(time.monotonic_ns())), "Name": f"/{name}", "Created": timestamp(), "RestartCount": 0,
            "Image": self.images.get(reference, reference), "Platform": "linux", "Driver": "overlay2", "Mounts": [],
            "ResolvConfPath": "/etc/resolv.conf", "HostConfig": with_defaults(host_config),
            "State": {
                "Status": "created", "Running": False, "Paused": False, "Restarting": False, "OOMKilled": False, "Dead": False,
                "Pid": 0, "ExitCode": 0, "Error": "", "StartedAt": NEVER, "FinishedAt": NEVER,
            },
            "Config": {"Hostname": name[:12], "StopSignal": "", "WorkingDir": "", **settings},
            "NetworkSettings": {"Bridge": "", "Networks": {}, "Ports": {}},
        }  # fmt: skip
        self.containers[container["Id"]] = container
        mode = host_config.get("NetworkMode") or BRIDGE
        for network in endpoints or ([BRIDGE] if mode == "default" else [mode]):
            self.connect(self.network(network), container, endpoints.get(network) or {})
        return container

    def _stop(self, container: dict[str, Any]) -> bool:
        if not container["State"]["Running"]:
            return False
        container["State"].update(Status="exited", Running=False, Pid=0, FinishedAt=timestamp())
        self._refresh(container)
        return True

    def _refresh(self, container: dict[str, Any]) -> None:
        """Give a container that runs its addresses and ports, and take them from one that does not."""
        running = container["State"]["Running"]
        settings = container["NetworkSettings"]
        for name, end in settings["Networks"].items():
            fixed = (end["IPAMConfig"] or {}).get("IPv4Address", "")
            given = (
                f"172.17.{int(container['Id'][:2], 16)}.{int(container['Id'][2:4], 16) or 1}" if name == BRIDGE else ""
            )
            end.update(
                IPAddress=(fixed or given) if running else "",
                IPPrefixLen=16 if running else 0,
                EndpointID=digest(container["Id"], name) if running else "",
                MacAddress=f"02:42:{':'.join(container['Id'][i : i + 2] for i in (0, 2, 4, 6))}" if running else "",
            )
        planned = container["HostConfig"].get("PortBindings") or {}
        settings["Ports"] = (
            {
                port: [
                    {"HostIp": each.get("HostIp") or EVERY_ADDRESS, "HostPort": each["HostPort"]} for each in bindings
                ]
                for port, bindings in planned.items()
            }
            if running and BRIDGE in settings["Networks"]
            else {}
        )
        self._note_addresses()

    def _note_addresses(self) -> None:
        # Once for each change, and not for each of ten thousand pings.
        self.on_fabric = frozenset(
            end["IPAddress"]
            for container in self.running()
            for name, end in container["NetworkSettings"]["Networks"].items()
            if name != BRIDGE
        )

    def _add_network(self, body: Mapping[str, Any]) -> dict[str, Any]:
        if any(each["Name"] == body["Name"] for each in self.networks.values()):
            raise RefusedError(409, f"network with name {body['Name']} already exists")
        network = {
            "Name": body["Name"], "Id": digest(self.name, body["Name"], str(time.monotonic_ns())), "Created": timestamp(),
            "Scope": "local", "Driver": body.get("Driver") or "bridge", "EnableIPv4": True,
            "EnableIPv6": bool(body.get("EnableIPv6")), "Internal": bool(body.get("Internal")),
            "Attachable": bool(body.get("Attachable")), "Ingress": False, "ConfigOnly": False, "ConfigFrom": {"Network": ""},
            "IPAM": {"Driver": "default", "Options": {}, "Config": [], **{k: v for k, v in (body.get("IPAM") or {}).items() if v}},
            "Options": body.get("Options") or {}, "Labels": body.get("Labels") or {},
        }  # fmt: skip
        self.networks[network["Id"]] = network
        return network


EVERY_ADDRESS: Final = "0.0.0.0"  # noqa: S104  # what Docker says of a port
NEVER: Final = "0001-01-01T00:00:00Z"


def timestamp() -> str:
    """Return the time as Docker writes it."""
    return time.strftime("%Y-%m-%dT%H:%M:%S.5Z", time.gmtime())


def digest(*parts: str) -> str:
    """Return 64 hexadecimal digits."""
    return hashlib.sha256("/".join(parts).encode()).hexdigest()


def image_id(reference: str) -> str:
    """Return the id of an image."""
    return f"sha256:{digest(reference)}"


def image(reference: str, id_: str) -> dict[str, Any]:
    """Return an image as the API lists and describes it."""
    by_digest = "@" in reference
    return {
        "Id": id_, "RepoTags": [] if by_digest else [reference], "RepoDigests": [reference] if by_digest else [],
        "Created": NEVER, "Size": 1, "Labels": None, "Os": "linux", "Architecture": "amd64",
        "Config": {"Env": ["PATH=/usr/sbin:/usr/bin:/sbin:/bin"], "Cmd": None, "Entrypoint": None, "Labels": None},
    }  # fmt: skip
