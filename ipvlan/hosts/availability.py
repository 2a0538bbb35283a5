"""One visit to every host before an `up` changes anything: which machine is it, and can its Docker be used now?

Responsible for the questions, their time limit, and the reason where a host cannot be used. It changes nothing, and asks over the
connection that everything else shares, so it costs a fraction of a second.

Out of scope: whether the machine is the one that the state knows (`ipvlan.checks.host_identity`), and what the program does with
a host that is unavailable (`components.program_inputs`).
"""

from __future__ import annotations

import http.client
import json
import socket
import time
import urllib.parse
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ipvlan.hosts.errors import DISK_FULL, DOCKER_UNAVAILABLE, ROOTLESS, HostError
from ipvlan.hosts.session import HostSession

if TYPE_CHECKING:
    from ipvlan.hosts.connection import HostConnection

VISITS_AT_ONCE: Final = 50
"""Hosts that are visited in parallel: a hundred are two rounds, each with one ssh process of a few MB per host."""

EXTRA_SECONDS: Final = 5.0
"""Time for Docker's answer beyond the connect timeout, and again for the host's own."""

LEAST_FREE: Final = 64 * 1024 * 1024
"""Bytes that Docker needs to create anything at all: with less, a container would be removed and not created again.

ext4 keeps up to 4096 clusters, 16 MiB, for itself and counts them as free (Linux, fs/ext4/super.c, ext4_calculate_resv_clusters).
"""

_FOLDER: Final = "/var/lib/docker"
"""Where Docker has its images and containers unless it says otherwise (dockerd(8), --data-root)."""


_ROOTLESS: Final = "name=rootless"
"""The security option of a rootless Docker (docs.docker.com/engine/security/rootless)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """What one host answered."""

    host: str
    boot_id: str = ""
    """Id that the kernel drew at its start; empty where ssh did not reach the host."""
    engine_id: str = ""
    """Id of Docker's Engine, which it keeps in its data folder; empty where Docker did not answer."""
    on_network: frozenset[str] | None = None
    """Ids of the running containers on the network that was asked for; empty without the network, None where it is not known."""
    failure: HostError | None = None
    """Why nothing can be done on the host now: a HostUnreachableError where ssh did not reach it. None where something can."""


@dataclass(frozen=True, slots=True)
class _Engine:
    """What Docker says of itself."""

    id: str
    folder: str
    rootless: bool
    on_network: frozenset[str] | None = None


def visit_hosts(
    connections: Sequence[HostConnection], *, connect_timeout: float, network: str = ""
) -> Mapping[str, Visit]:
    """Visit all hosts in parallel.

    Args:
        connections: The hosts.
        network: Name of the network whose containers are asked for; empty for none.
        connect_timeout: Seconds for ssh to connect. A host whose Docker hangs takes twice `EXTRA_SECONDS` more.

    Returns:
        Host name -> the visit. A host that fails stops no other.
    """
    if not connections:
        return {}
    with ThreadPoolExecutor(max_workers=min(len(connections), VISITS_AT_ONCE)) as pool:
        visits = pool.map(
            lambda connection: visit_host(connection, connect_timeout=connect_timeout, network=network), connections
        )
        return {visit.host: visit for visit in visits}


def visit_host(connection: HostConnection, *, connect_timeout: float, network: str = "") -> Visit:
    """Visit one host; see `visit_hosts`."""
    seconds = connect_timeout + EXTRA_SECONDS
    deadline = time.monotonic() + seconds
    try:
        with HostSession(connection, timeout=seconds) as session:
            return _visit(session, deadline, network)
    except HostError as error:
        return Visit(host=connection.name, failure=error)


def _visit(session: HostSession, deadline: float, network: str) -> Visit:
    engine = _engine(session, max(deadline - time.monotonic(), 1.0), network)
    folder = engine.folder if isinstance(engine, _Engine) else _FOLDER
    facts = session.run_script("availability.sh", {"folder": folder}, timeout=EXTRA_SECONDS)
    boot_id = facts.text("boot")
    if facts.text("docker_command") == "no":
        problem = f"there is no `docker` command for {facts.text('user')}"
        return Visit(
            host=session.name,
            boot_id=boot_id,
            engine_id=engine.id if isinstance(engine, _Engine) else "",
            failure=_failure(session.name, problem, "install Docker Engine and its command line"),
        )
    if isinstance(engine, HostError):
        return Visit(host=session.name, boot_id=boot_id, failure=engine)
    if engine.rootless:
        return Visit(
            host=session.name,
            boot_id=boot_id,
            engine_id=engine.id,
            failure=_failure(
                session.name,
                "its Docker is rootless: it has a network namespace of its own, without the host's NICs",
                f"name the socket of the host's own Docker in ipvlan-fabric:hosts.{session.name}.docker_socket",
                code=ROOTLESS,
            ),
        )
    full = "blocks" in facts and int(facts.text("blocks")) * int(facts.text("block_size")) < LEAST_FREE
    return Visit(
        host=session.name,
        boot_id=boot_id,
        engine_id=engine.id,
        on_network=engine.on_network,
        failure=_failure(
            session.name,
            f"Docker's folder {folder} has no space left: a container would be removed and could not be created again",
            f"make space on the host (`df -h {folder}`, `docker system df`)",
            code=DISK_FULL,
        )
        if full
        else None,
    )


def _engine(session: HostSession, seconds: float, network: str) -> _Engine | HostError:
    try:
        return _ask(session.socket, seconds, network)
    except TimeoutError:
        return _failure(
            session.name,
            f"Docker takes connections and does not answer, within {seconds:.0f} seconds",
            "see `journalctl -u docker` on the host; `systemctl restart docker` ends a daemon that hangs",
        )
    except (OSError, http.client.HTTPException, ValueError, KeyError):
        # The socket is elsewhere, closed to this user, or not forwarded; or Docker does not run.
        return _ask_by_command(session)


class _Connection(http.client.HTTPConnection):
    """HTTP over a Unix socket."""

    def __init__(self, path: Path, seconds: float) -> None:
        super().__init__("localhost", timeout=seconds)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self._path))


def _ask(path: Path, seconds: float, network: str) -> _Engine:
    """Return what `GET /info` says, the one request with the Engine's id, and `GET /networks/NAME` of its containers.

    Both are in docs.docker.com/reference/api/engine.
    """
    connection = _Connection(path, seconds)
    try:
        connection.request("GET", "/info")
        info = json.loads(connection.getresponse().read())
        options = info.get("SecurityOptions") or []
        return _Engine(
            str(info["ID"]),
            str(info["DockerRootDir"]),
            rootless=_ROOTLESS in options,
            on_network=_on_network(connection, network) if network else None,
        )
    finally:
        connection.close()


def _on_network(connection: _Connection, network: str) -> frozenset[str] | None:
    connection.request("GET", f"/networks/{urllib.parse.quote(network, safe='')}")
    response = connection.getresponse()
    text = response.read()
    if response.status == http.client.NOT_FOUND:
        return frozenset()
    if response.status != http.client.OK:
        return None
    return frozenset(json.loads(text).get("Containers") or {})


def _ask_by_command(session: HostSession) -> _Engine | HostError:
    reply = session.run_script("docker_reply.sh", {"docker_seconds": f"{EXTRA_SECONDS:g}"}, timeout=3 * EXTRA_SECONDS)
    if "engine" in reply:
        return _Engine(reply.text("engine"), reply.text("folder"), rootless=f'"{_ROOTLESS}"' in reply.text("security"))
    return _failure(
        session.name,
        f"Docker does not answer: {reply.text('docker_failure') or 'no reason given'}",
        "start it (`systemctl start docker`), or let the ssh user use its socket (group docker)",
    )


def _failure(host: str, problem: str, fix: str, *, code: str = DOCKER_UNAVAILABLE) -> HostError:
    return HostError.on(
        host,
        code,
        problem=problem,
        effect="nothing is done on it; what is planned on the other hosts comes first",
        fix=f"{fix}, then run `pulumi up` again",
    )
