"""A substitute for Docker's Engine that has containers: it creates, starts, stops, renames and removes them.

A container is a document as `GET /containers/ID/json` answers it. The messages and their statuses are those of Docker 28.5. That a
real daemon behaves so is shown by tests/lab.
"""

from __future__ import annotations

import copy
import json
import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from ipvlan.hosts.connection import HostConnection
from ipvlan.hosts.engine_writes import EngineWrites
from ipvlan.plan.resource_names import BRIDGE
from tests.support.containers import FABRIC
from tests.support.fake_engine import JSON, STREAM, FakeEngine, NoReplyError, Reply, document, log, message

DONE: Reply = (204, b"", JSON)
NOTHING_TO_DO: Reply = (304, b"", JSON)
SSH = """#!/bin/sh
PATH={folder}:$PATH
case "$2" in *docker.sock) ln -s {socket} "${{2%%:*}}" ;; esac
for last; do :; done
exec sh -c "$last"
"""
ANONYMOUS = re.compile(r"[0-9a-f]{64}")


@dataclass
class Clock:
    """Time that passes only where somebody sleeps, or a test lets it: it stands in for the module `time`."""

    seconds: float = 1000.0

    def monotonic(self) -> float:
        """Return this machine's time."""
        return self.seconds

    def sleep(self, seconds: float) -> None:
        """Let it pass."""
        self.seconds += seconds


@dataclass
class ContainerEngine(FakeEngine):
    """A daemon with containers."""

    inspected: list[dict[str, Any]] = field(default_factory=list)
    """The containers."""
    images: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Reference or id -> the image."""
    volumes: set[str] = field(default_factory=set)
    """Names of the volumes."""
    changes: list[str] = field(default_factory=list)
    """Each request that changed something or tried to, with what it is about: `stop 22 t=3`."""
    ends_after: int | None = None
    """After that many changes nothing is answered any more: as if the daemon, the connection or the caller ended."""
    refuses: dict[str, list[str]] = field(default_factory=dict)
    """A kind of change, `start` -> messages with which it is refused, one after another; `logs` without one, and `events`, get no
    answer."""
    connected_in: list[str] = field(default_factory=list)
    """Version of the API and gateway priority of each connection to the bridge: `1.51 100`."""
    caller: Clock | None = None
    """The time of the caller; None for the real one."""
    clock_ahead: float = 1_790_000_000.0
    """What the host's clock shows more than `caller`."""
    events: list[tuple[float, Callable[[], None]]] = field(default_factory=list)
    """What happens on the host, and when: in seconds of `caller`."""
    ended: list[tuple[float, int]] = field(default_factory=list)
    """Ends of the container, as Docker's events have them: the host's time, and the exit code."""
    silent: bool = False
    """Whether requests get no answer."""
    hangs: float = 0.0
    """Seconds of `caller` after which it gives up to wait for an answer that does not come."""

    def clock(self) -> float:
        """Return what the host's clock shows."""
        return time.time() if self.caller is None else self.caller.seconds + self.clock_ahead

    def timestamp(self, ago: float = 0) -> str:
        """Return the host's time so many seconds ago, as Docker writes it."""
        return time.strftime("%Y-%m-%dT%H:%M:%S.5Z", time.gmtime(self.clock() - ago))

    @property
    def summary(self) -> dict[str, tuple[str, str, str]]:
        """Name -> the first two digits of the id, the state, and the restart policy."""
        return {
            each["Name"][1:]: (each["Id"][:2], each["State"]["Status"], each["HostConfig"]["RestartPolicy"]["Name"])
            for each in self.inspected
        }

    def boot(self) -> None:
        """Start the host again: Docker starts each container with the policy, also one that never ran, in this order."""
        for each in self.inspected:
            if each["State"]["Status"] != "created":
                set_state(each, "exited")
        for each in self.inspected:
            if each["HostConfig"]["RestartPolicy"]["Name"] == "always":
                self._start(each, {}, {})

    def find(self, which: str) -> dict[str, Any] | None:
        """Return the container as Docker looks for it: by its id, then by its name, then by the first digits of its id."""
        tests: tuple[Callable[[dict[str, Any]], bool], ...] = (
            lambda each: each["Id"] == which,
            lambda each: each["Name"] == f"/{which}",
            lambda each: each["Id"].startswith(which),
        )
        return next((each for test in tests for each in self.inspected if test(each)), None)

    def reply(self, method: str, path: str, query: Mapping[str, str], body: dict[str, Any]) -> Reply:
        """Let happen what is due, then answer."""
        for event in [event for event in self.events if self.caller is not None and event[0] <= self.caller.seconds]:
            self.events.remove(event)
            event[1]()
        if self.silent:
            if self.caller is not None:
                self.caller.sleep(self.hangs)
            raise NoReplyError
        return super().reply(method, path, query, body)

    def act(self, method: str, action: str, query: Mapping[str, str], body: dict[str, Any]) -> Reply:
        """Do what one request is for."""
        if self.ends_after is not None and len(self.changes) >= self.ends_after:
            raise NoReplyError
        if method != "GET":
            return self._change(method, action, query, body)
        if action == "events":
            return self._events(query)
        kind, _, rest = action.partition("/")
        if kind == "images":
            image = self.images.get(rest.removesuffix("/json"))
            return message(404, f"No such image: {rest}") if image is None else document(200, image)
        which, _, verb = rest.partition("/")
        container = self.find(which)
        if container is None:
            return message(404, f"No such container: {which}")
        return document(200, container) if verb == "json" else self._log(query)

    def _events(self, query: Mapping[str, str]) -> Reply:
        # Docker waits for what is to come.
        if "events" in self.refuses or float(query["until"]) > self.clock():
            raise NoReplyError
        found = [
            {"Type": "container", "Action": "die", "Actor": {"Attributes": {"exitCode": str(code)}}}
            for at, code in self.ended
            if float(query["since"]) <= at <= float(query["until"])
        ]
        return 200, "\n".join(map(json.dumps, found)).encode(), STREAM

    def _log(self, query: Mapping[str, str]) -> Reply:
        if "logs" in self.refuses:
            if not self.refuses["logs"]:
                raise NoReplyError
            return message(501, self.refuses["logs"][0])
        return log(b"\n".join(self.prints.split(b"\n")[-int(query["tail"]) :]))

    def _change(self, method: str, action: str, query: Mapping[str, str], body: dict[str, Any]) -> Reply:
        kind, which, verb = (*action.split("/"), "")[:3]
        removal = "remove" if kind == "containers" else "remove volume"
        name = removal if method == "DELETE" else verb or which
        about = query["name"] if name == "create" else body.get("Container", which)[:2]
        shown = {key: value for key, value in query.items() if name == "stop" or (key == "name" and name == "rename")}
        self.changes.append(" ".join([name, about, *(f"{key}={value}" for key, value in shown.items())]))
        if self.refuses.get(name):
            return message(500, self.refuses[name].pop(0))
        if name == "create":
            return self._create(query["name"], body)
        if name == "remove volume":
            return self._remove_volume(which)
        container = self.find(body.get("Container", which))
        if container is None:
            return message(404, f"No such container: {which}")
        changes: Mapping[str, Callable[[dict[str, Any], Mapping[str, str], dict[str, Any]], Reply]] = {
            "start": self._start, "stop": self._stop, "rename": self._rename, "update": self._update,
            "connect": self._connect, "remove": self._remove,
        }  # fmt: skip
        return changes[name](container, query, body)

    def _create(self, name: str, body: dict[str, Any]) -> Reply:
        self.created.append(body)
        holder = next((each for each in self.inspected if each["Name"] == f"/{name}"), None)
        if holder is not None:
            return _conflict(name, holder)
        image = self.images.get(body["Image"])
        if image is None:
            return message(404, f"No such image: {body['Image']}")
        settings = copy.deepcopy(body)
        host_config, networks = settings.pop("HostConfig"), settings.pop("NetworkingConfig")["EndpointsConfig"]
        id_ = f"{0xA0 + len(self.created):02x}" * 32
        container = {
            "Id": id_, "Name": f"/{name}", "Image": image["Id"], "Created": self.timestamp(), "RestartCount": 0,
            "State": {"Status": "created", "Running": False, "Restarting": False, "ExitCode": 0, "StartedAt": ""},
            "Config": settings, "HostConfig": host_config,
            "NetworkSettings": {"Networks": networks, "Ports": {}},
            "Mounts": [
                {"Type": "volume", "Name": bind.split(":")[0], "Destination": bind.split(":")[1]}
                for bind in host_config["Binds"] or () if not bind.startswith("/")
            ],
        }  # fmt: skip
        self.inspected.append(container)
        return document(201, {"Id": id_, "Warnings": []})

    def _start(self, container: dict[str, Any], _query: Mapping[str, str], _body: dict[str, Any]) -> Reply:
        if container["State"]["Running"]:
            return NOTHING_TO_DO
        if any(each["State"]["Running"] and _address(each) == _address(container) for each in self.inspected):
            return message(500, "failed to set up container networking: Address already in use")
        set_state(container, "running")
        container["State"]["StartedAt"] = self.timestamp()
        _bind(container)
        return DONE

    def _stop(self, container: dict[str, Any], _query: Mapping[str, str], _body: dict[str, Any]) -> Reply:
        if not container["State"]["Running"]:
            return NOTHING_TO_DO
        set_state(container, "exited")
        return DONE

    def _rename(self, container: dict[str, Any], query: Mapping[str, str], _body: dict[str, Any]) -> Reply:
        holder = next((each for each in self.inspected if each["Name"] == f"/{query['name']}"), None)
        if holder is not None:
            return _conflict(query["name"], holder)
        container["Name"] = f"/{query['name']}"
        return DONE

    def _update(self, container: dict[str, Any], _query: Mapping[str, str], body: dict[str, Any]) -> Reply:
        reasons = {
            "dead": 'container is marked for removal and cannot be "update"',
            # Its process has ended, and Docker is about to start it again.
            "restarting": "cannot update a stopped container: unknown",
        }
        if container["State"]["Status"] in reasons:
            reason = reasons[container["State"]["Status"]]
            return message(500, f"Cannot update container {container['Id']}: {reason}")
        container["HostConfig"].update(body)
        return document(200, {"Warnings": None})

    def _connect(self, container: dict[str, Any], _query: Mapping[str, str], body: dict[str, Any]) -> Reply:
        networks = container["NetworkSettings"]["Networks"]
        if BRIDGE in networks and container["State"]["Running"]:
            return message(403, f"endpoint with name {container['Name'][1:]} already exists in network bridge")
        version = self.requests[-1].removeprefix("POST /v").partition("/")[0]
        self.connected_in.append(f"{version} {body['EndpointConfig'].get('GwPriority')}")
        networks[BRIDGE] = body["EndpointConfig"]
        _bind(container)
        return (200, b"", JSON)

    def _remove(self, container: dict[str, Any], query: Mapping[str, str], _body: dict[str, Any]) -> Reply:
        if container["State"]["Running"] and query["force"] != "True":
            return message(409, f"cannot remove container {container['Name']}: container is running")
        self.inspected.remove(container)
        if query["v"] == "True":
            named = {bind.split(":")[0] for bind in container["HostConfig"].get("Binds") or ()}
            self.volumes -= {name for name in _volumes(container) - named if not self._used(name)}
        return DONE

    def _remove_volume(self, name: str) -> Reply:
        if name not in self.volumes:
            return message(404, f"get {name}: no such volume")
        if self._used(name):
            return message(409, f"remove {name}: volume is in use")
        self.volumes.remove(name)
        return DONE

    def _used(self, volume: str) -> bool:
        return any(volume in _volumes(each) for each in self.inspected)


def set_state(container: dict[str, Any], status: str, **changes: Any) -> None:
    """Let a container have the state, as Docker describes it: one that is started again and again counts as running."""
    running = status in {"running", "restarting", "paused"}
    container["State"].update(Status=status, Running=running, Restarting=status == "restarting", **changes)


def _conflict(name: str, holder: Mapping[str, Any]) -> Reply:
    return message(
        409,
        f'Conflict. The container name "/{name}" is already in use by container "{holder["Id"]}". You have to remove (or rename) '
        "that container to be able to reuse that name.",
    )


def _address(container: Mapping[str, Any]) -> str | None:
    endpoint = container["NetworkSettings"]["Networks"].get(FABRIC) or {}
    address: str | None = (endpoint.get("IPAMConfig") or {}).get("IPv4Address")
    return address


def _bind(container: dict[str, Any]) -> None:
    """Bind the ports of one that runs on the bridge."""
    if container["State"]["Running"] and BRIDGE in container["NetworkSettings"]["Networks"]:
        container["NetworkSettings"]["Ports"] = container["HostConfig"]["PortBindings"]


def _volumes(container: Mapping[str, Any]) -> set[str]:
    return {mount["Name"] for mount in container["Mounts"] if ANONYMOUS.fullmatch(mount.get("Name", ""))}


def put_ssh(folder: Path, engine: FakeEngine) -> str:
    """Write an `ssh` to the folder that runs texts on this machine and forwards the daemon's socket; return its path.

    What is in the folder is found before other programs.
    """
    ssh = folder / "ssh"
    ssh.write_text(SSH.format(socket=engine.socket, folder=folder))
    ssh.chmod(0o755)
    return str(ssh)


def open_directly(monkeypatch: pytest.MonkeyPatch, engine: ContainerEngine, *modules: ModuleType) -> None:
    """Let these modules reach the daemon without ssh."""

    @contextmanager
    def open_engine(connection: HostConnection) -> Iterator[EngineWrites]:
        client = EngineWrites(connection.name, engine.socket, timeout=5)
        try:
            yield client
        finally:
            client.close()

    for module in modules:
        monkeypatch.setattr(module, "open_engine", open_engine)
