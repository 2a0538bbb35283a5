"""A substitute for a host's Engine API that has containers: it renames, starts, stops and removes them.

A container is a document as `GET /containers/ID/json` gives it; `history` has all of them after each change. Its messages are those
of Docker 26.1. That a real daemon behaves so is shown by tests/lab.
"""

from __future__ import annotations

import contextlib
import copy
import json
import re
import socketserver
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any, ClassVar, NamedTuple
from urllib.parse import parse_qs, unquote

POLL_SECONDS = 0.02
"""How soon the server sees that it is to end."""


class Reply(NamedTuple):
    """What Docker answers."""

    status: int
    body: bytes = b""


def document(value: Any, status: int = 200) -> Reply:
    """Return a reply with JSON."""
    return Reply(status, json.dumps(value).encode())


def refuse(status: int, text: str) -> Reply:
    """Return an error of the daemon."""
    return document({"message": text}, status)


class Containers:
    """The daemon."""

    def __init__(self, **state: Any) -> None:
        self.state: dict[str, Any] = {
            "containers": [],
            "images": {},
            "volumes": [],
            "down": False,
            "history": [],
            "refuses": {},
            "steps": [],
            "log": "",
            "changes": [],
            "looks": 0,
            **state,
        }
        """`refuses`: the word of a change -> why Docker refuses it. `steps`: what is new of a container at each next look at it."""
        self.guard = threading.Lock()

    def reply(self, method: str, path: str, query: dict[str, str], body: dict[str, Any]) -> Reply:
        """Answer a request; `path` is without the API's version."""
        parts = path.strip("/").split("/")
        if method == "GET":
            return self._look(parts, query)
        words = _words(method, parts, query, body)
        if words is None:
            return refuse(404, "page not found")
        self.state["changes"].append(" ".join(words))
        if words[0] in self.state["refuses"]:
            return refuse(500, self.state["refuses"][words[0]])
        answer = self._change(words)
        if answer.status < 300:
            self.state["history"].append(copy.deepcopy(self.state["containers"]))
        return answer

    def _look(self, parts: list[str], query: dict[str, str]) -> Reply:
        match parts:
            case ["containers", which, "json"]:
                container = self.find(which)
                if container is None:
                    return refuse(404, f"No such container: {which}")
                self.state["looks"] += 1
                self._step(container)
                return document({**container, "Config": {"Tty": False, **container["Config"]}})
            case ["containers", _, "logs"]:
                log = "\n".join(self.state["log"].split("\n")[-int(query["tail"]) :]).encode()
                # Without a terminal each piece of a log has a header: 1 for standard output, three zeros, the length.
                return Reply(200, struct.pack(">BxxxL", 1, len(log)) + log)
            case ["images", *reference, "json"]:
                image = "/".join(reference)
                if image in self.state["images"]:
                    return document({"Id": image, "Config": self.state["images"][image]})
                return refuse(404, f"No such image: {image}")
        return refuse(404, "page not found")

    def _step(self, container: dict[str, Any]) -> None:
        if self.state["steps"]:
            step = dict(self.state["steps"].pop(0))
            if "started_ago" in step:
                started = time.gmtime(time.time() - step.pop("started_ago"))
                container["State"]["StartedAt"] = time.strftime("%Y-%m-%dT%H:%M:%S.5Z", started)
            container["RestartCount"] = step.pop("RestartCount", container["RestartCount"])
            container["State"].update(step)

    def _change(self, words: list[str]) -> Reply:
        match words:
            case ["volume", volume]:
                users = [each for each in self.state["containers"] if volume in json.dumps(each)]
                if users or volume not in self.state["volumes"]:
                    return refuse(409, f"remove {volume}: volume is in use")
                self.state["volumes"].remove(volume)
                return Reply(204)
            case [verb, which, *rest]:
                container = self.find(which)
                if container is None:
                    return refuse(404, f"No such container: {which}")
                return getattr(self, f"_{verb}")(container, *rest)  # type: ignore[no-any-return]
        raise AssertionError(words)

    def _rename(self, container: dict[str, Any], name: str) -> Reply:
        if any(each["Name"] == f"/{name}" for each in self.state["containers"]):
            return refuse(409, f'Conflict. The container name "/{name}" is already in use')
        container["Name"] = f"/{name}"
        return Reply(204)

    def _update(self, container: dict[str, Any], policy: str) -> Reply:
        if container["State"]["Status"] == "restarting":
            return refuse(409, f"Container {container['Id']} is restarting, wait until the container is running")
        name, _, retries = policy.partition(":")
        container["HostConfig"]["RestartPolicy"] = {"Name": name, "MaximumRetryCount": int(retries or 0)}
        return document({"Warnings": []})

    def _stop(self, container: dict[str, Any], _grace: str) -> Reply:
        if container["State"]["Status"] == "created":
            return Reply(304)
        container["State"].update(Status="exited", Running=False, Restarting=False)
        return Reply(204)

    def _start(self, container: dict[str, Any]) -> Reply:
        if container["State"]["Running"]:
            return Reply(304)
        address = _address(container)
        others = [each for each in self.state["containers"] if each is not container]
        if any(each["State"]["Running"] and _address(each) == address for each in others):
            return refuse(500, "failed to create endpoint: Address already in use")
        container["State"].update(Status="running", Running=True)
        if "bridge" in container["NetworkSettings"]["Networks"]:
            container["NetworkSettings"]["Ports"] = container["HostConfig"]["PortBindings"]
        return Reply(204)

    def _rm(self, container: dict[str, Any], _volumes: str) -> Reply:
        self.state["containers"].remove(container)
        return Reply(204)

    def find(self, which: str) -> dict[str, Any] | None:
        """Return the container as Docker looks for it: by its id, then by its name, then by the first digits of its id."""
        containers: list[dict[str, Any]] = self.state["containers"]
        for matches in (
            [container for container in containers if container["Id"] == which],
            [container for container in containers if container["Name"] == f"/{which}"],
            [container for container in containers if container["Id"].startswith(which)],
        ):
            if matches:
                return matches[0]
        return None


def _words(method: str, parts: list[str], query: dict[str, str], body: dict[str, Any]) -> list[str] | None:  # noqa: PLR0911
    """Return a change in the words of Docker's command line, without `container`; None for one that is not known."""
    match method, *parts:
        case "DELETE", "volumes", volume:
            return ["volume", volume]
        case "DELETE", "containers", which:
            return ["rm", which, "with volumes" if query.get("v") in ("True", "1") else "without volumes"]
        case "POST", "containers", which, "rename":
            return ["rename", which, query["name"]]
        case "POST", "containers", which, "update":
            policy = body["RestartPolicy"]
            retries = policy["MaximumRetryCount"]
            return ["update", which, f"{policy['Name']}:{retries}" if retries else policy["Name"]]
        case "POST", "containers", which, "stop":
            return ["stop", which, query["t"]]
        case "POST", "containers", which, "start":
            return ["start", which]
    return None


def _address(container: dict[str, Any]) -> str:
    """Return the planned address of a container."""
    networks = container["NetworkSettings"]["Networks"].values()
    return next(str(network["IPAMConfig"]["IPv4Address"]) for network in networks if network.get("IPAMConfig"))


@contextmanager
def serving(containers: Containers, socket: Path) -> Iterator[None]:
    """Serve the daemon on a socket, whose path must be short: the kernel allows 107 bytes."""
    handler = type("Handler", (_Handler,), {"containers": containers})
    with _Server(str(socket), handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(POLL_SECONDS,))
        thread.start()
        try:
            yield
        finally:
            server.shutdown()
            thread.join()


class _Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    containers: ClassVar[Containers]

    def do_GET(self) -> None:
        self._reply()

    def do_POST(self) -> None:
        self._reply()

    def do_DELETE(self) -> None:
        self._reply()

    def _reply(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        path, _, query = self.path.partition("?")
        with self.containers.guard:
            if self.containers.state["down"]:
                self.close_connection = True
                return
            reply = self.containers.reply(
                self.command,
                unquote(re.sub(r"^/v[0-9.]+", "", path)),
                {key: values[-1] for key, values in parse_qs(query).items()},
                json.loads(body or b"{}"),
            )
        self.send_response(reply.status)
        self.send_header("Api-Version", "1.51")
        self.send_header("Content-Type", "application/json")
        if reply.status not in (204, 304):
            self.send_header("Content-Length", str(len(reply.body)))
        # A client that has given up is gone.
        with contextlib.suppress(BrokenPipeError):
            self.end_headers()
            self.wfile.write(reply.body)

    def version_string(self) -> str:
        return "Docker/28.5.2 (linux)"

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        return
