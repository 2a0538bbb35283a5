"""Docker's Engine API on a Unix socket: a container that runs one command and is removed, and whatever a test answers.

Replies have the form of Docker's API reference, version 1.51. Out of scope: running anything; a test sets the container's output.
"""

from __future__ import annotations

import contextlib
import json
import re
import socketserver
import struct
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any, ClassVar, TypeVar
from urllib.parse import parse_qsl

LOG = "application/vnd.docker.multiplexed-stream"
CONTAINER_ID = "5cafe" * 12
JSON = "application/json"
STREAM = "application/json; chunked"
"""For a reply whose end Docker does not know beforehand: it is sent in chunks."""
Reply = tuple[int, bytes, str]
"""Status, content, and its type."""
POLL_SECONDS = 0.005
"""How soon the server sees that it is to end: half a second by default, which every test would wait."""


E = TypeVar("E", bound="FakeEngine")


class NoReplyError(Exception):
    """The daemon ended while it had a request."""


@dataclass
class FakeEngine:
    """The daemon: what a test sets, and what it has seen."""

    socket: Path
    server: str = "Docker/28.5.2 (linux)"
    newest_api: str = "1.51"
    """A request for a newer version is refused."""
    prints: bytes = b""
    """What the container writes to its standard output."""
    refuses_start: str = ""
    """The error message for a start of the container; empty: it starts."""
    answers: dict[str, tuple[int, Any]] = field(default_factory=dict)
    """`METHOD /path`, without version and query -> status, and JSON of the reply or the bytes that a container printed."""
    delay: float = 0.0
    """Seconds before each reply, unless the daemon ends first."""
    stopped: threading.Event = field(default_factory=threading.Event)
    requests: list[str] = field(default_factory=list)
    """Method and path, without query, of each request."""
    created: list[dict[str, Any]] = field(default_factory=list)
    """The body of each request that created a container."""
    containers: set[str] = field(default_factory=set)
    """The ids of those that are there."""

    def clock(self) -> float:
        """Return what the host's clock shows, in seconds since 1970."""
        return time.time()

    def reply(self, method: str, path: str, query: Mapping[str, str], body: dict[str, Any]) -> Reply:
        """Return status, content and its type for a request; `path` begins with the API's version.

        Raises:
            NoReplyError: The connection is to be closed without one.
        """
        version, _, action = path.removeprefix("/v").partition("/")
        self.requests.append(f"{method} {path}")
        if _number(version) > _number(self.newest_api):
            text = f"client version {version} is too new. Maximum supported API version is {self.newest_api}"
            return message(400, text)
        self.stopped.wait(self.delay)
        if f"{method} /{action}" in self.answers:
            status, answer = self.answers[f"{method} /{action}"]
            return log(answer, status) if isinstance(answer, bytes) else document(status, answer)
        return self.act(method, action, query, body)

    def act(self, method: str, action: str, query: Mapping[str, str], body: dict[str, Any]) -> Reply:
        """Return the reply to a request for which the test has none: `action` is its path without the API's version."""
        if method == "POST" and action == "containers/create":
            self.created.append(body)
            self.containers.add(CONTAINER_ID)
            return document(201, {"Id": CONTAINER_ID, "Warnings": []})
        return self._of_container(method, action.removeprefix(f"containers/{CONTAINER_ID}"))

    def _of_container(self, method: str, action: str) -> Reply:
        replies = {
            "POST /start": message(500, self.refuses_start) if self.refuses_start else (204, b"", JSON),
            "POST /wait": document(200, {"StatusCode": 0}),
            "GET /json": document(200, {"Id": CONTAINER_ID, "Config": {"Tty": False}}),
            "GET /logs": log(self.prints),
            "DELETE ": (204, b"", JSON),
        }
        if method == "DELETE":
            self.containers.discard(CONTAINER_ID)
        return replies.get(f"{method} {action}", message(404, "page not found"))


@contextmanager
def fake_engine(socket: Path) -> Iterator[FakeEngine]:
    """Serve a new daemon on a socket, whose path must be short: the kernel allows 107 bytes."""
    with serve(FakeEngine(socket)) as engine:
        yield engine


@contextmanager
def serve(engine: E) -> Iterator[E]:
    """Serve a daemon on its socket."""
    handler = type("Handler", (_Handler,), {"engine": engine})
    with _Server(str(engine.socket), handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(POLL_SECONDS,))
        thread.start()
        try:
            yield engine
        finally:
            engine.stopped.set()
            server.shutdown()
            thread.join()


class _Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    engine: ClassVar[FakeEngine]

    def do_GET(self) -> None:
        self._reply()

    def do_POST(self) -> None:
        self._reply()

    def do_DELETE(self) -> None:
        self._reply()

    def _reply(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        path, _, query = self.path.partition("?")
        try:
            status, content, kind = self.engine.reply(
                self.command, path, dict(parse_qsl(query)), json.loads(body or b"{}")
            )
        except NoReplyError:
            self.close_connection = True
            return
        self.send_response(status)
        self.send_header("Api-Version", self.engine.newest_api)
        self.send_header("Content-Type", kind)
        if kind == STREAM:
            self.send_header("Transfer-Encoding", "chunked")
            chunks = [content, b""] if content else [b""]
            content = b"".join(b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in chunks)
        elif status not in {204, 304}:
            self.send_header("Content-Length", str(len(content)))
        # A client that has given up is gone.
        with contextlib.suppress(BrokenPipeError):
            self.end_headers()
            self.wfile.write(content)

    def date_time_string(self, timestamp: float | None = None) -> str:
        return super().date_time_string(self.engine.clock() if timestamp is None else timestamp)

    def version_string(self) -> str:
        return self.engine.server

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        return


def log(printed: bytes, status: int = 200) -> Reply:
    """Return what a container printed; without a terminal each piece has a header: 1 for its output, three zeros, the length."""
    return status, struct.pack(">BxxxL", 1, len(printed)) + printed, LOG


def document(status: int, value: object) -> Reply:
    """Return a reply in JSON."""
    return status, json.dumps(value).encode(), JSON


def message(status: int, text: str) -> Reply:
    """Return a refusal."""
    return document(status, {"message": text})


def _number(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version))
