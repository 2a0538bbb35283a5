"""The probes: pings out of network namespaces on a host, and connections from this machine to ports of hosts and containers.

Responsible for what is sent and how the reply is read. A ping from a container's namespace needs nothing in its image: it runs the
host's own `nsenter` and `ping`. It leaves nothing behind.
"""

from __future__ import annotations

import contextlib
import shlex
import socket
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from ipvlan.hosts.errors import TOOL_MISSING, HostError
from ipvlan.hosts.script import read_output, script_text
from ipvlan.problems import shorten

if TYPE_CHECKING:
    from netaddr import IPAddress

    from ipvlan.config.types.ports import Port
    from ipvlan.hosts.root_shell import RunAsRoot
    from ipvlan.plan.cells import Cell

PING_SECONDS: Final = 2
"""Time that a ping waits; one is sent each second until the first answer."""

NAME_SECONDS: Final = 8
"""Time for the lookup of a name and the answer of its address; a resolver waits five seconds for a silent server."""

BY_NAME: Final = ("internet-name", "bridge-name")
"""The kinds of cells whose target is looked up in the container."""

PINGS_AT_ONCE: Final = 48
"""Pings that run on a host in parallel: each is a process there."""

START_SECONDS: Final = 5
"""Time in which a host starts that many pings; a busy one needs a tenth of a second for each."""

CONNECTIONS_AT_ONCE: Final = 64
"""Connections from this machine in parallel."""

CONNECT_SECONDS: Final = 3.0
"""Time for a port to accept, and the same again to answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed:
    """What was observed in one cell."""

    reached: bool | None
    """None where it could not be probed."""
    outcome: str
    """In a word or two: yes, no, HTTP 200, refused, no answer, ..."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ends:
    """What is known of the containers of a host, to ping out of them and to them."""

    pids: Mapping[str, int]
    """Service -> process id of its container; cells of other services are not probed."""
    resolvers: Mapping[str, str] = field(default_factory=dict)
    """Service -> path of its container's /etc/resolv.conf on the host, for cells whose target is a name."""
    on_bridges: Mapping[Cell, IPAddress] = field(default_factory=dict)
    """Cell of kind `bridge-address` -> the address that its target has on the bridge; those without are not probed."""


def ping_cells(
    host: str, run: RunAsRoot, cells: Sequence[Cell], ends: Ends, timeout: float = 0.0
) -> Mapping[Cell, Observed]:
    """Ping for all cells whose source is `host` or one of its containers.

    Args:
        host: The host's name.
        run: Runs a text as root there.
        cells: What to probe.
        ends: The containers of the host.
        timeout: Seconds that the host has at least: where it is busy, the pings start late.

    Raises:
        HostError: The host cannot ping at all.
    """
    numbered = [
        cell
        for cell in cells
        if (cell.source_service is None or cell.source_service in ends.pids)
        and (cell.kind != "bridge-address" or cell in ends.on_bridges)
    ]
    observed = {cell: Observed(reached=None, outcome="not tried") for cell in cells}
    if not numbered:
        return observed
    text, seconds = _text([(cell, _target(cell, ends.on_bridges)) for cell in numbered], ends)
    output = read_output(run(text, max(seconds, timeout)))
    if any("not found" in line for line in output.other):
        raise _tools_missing(host)
    complaint = shorten(output.other[-1]) if output.other else ""
    for number, cell in enumerate(numbered):
        status = output.text(f"ping_{number}")
        if status:
            observed[cell] = _read_ping(host, status)
        elif complaint:
            # Its container ended after the snapshot, and its namespace could not be entered.
            observed[cell] = Observed(reached=None, outcome=complaint)
    return observed


def _target(cell: Cell, on_bridges: Mapping[Cell, IPAddress]) -> str:
    """Return what is pinged for the cell."""
    if cell.kind == "bridge-name":
        # With the last dot it is complete: the container's search domains are not tried, which others answer for.
        return f"{cell.address}."
    return str(on_bridges.get(cell, cell.address))


def _text(cells: Sequence[tuple[Cell, str]], ends: Ends) -> tuple[str, float]:
    """Return the shell text that pings the target of each of `cells`, by their numbers, and the seconds that it takes at most."""
    groups: dict[tuple[str | None, bool], list[str]] = {}
    for number, (cell, target) in enumerate(cells):
        by_name = cell.source_service is not None and cell.kind in BY_NAME
        groups.setdefault((cell.source_service, by_name), []).append(f"{number} {target}")
    lines: list[str] = []
    # Pings of the batch; and per batch, which runs as long as its slowest ping, its seconds.
    running, batches = 0, [0]
    for (service, by_name), targets in groups.items():
        if running and running + len(targets) > PINGS_AT_ONCE:
            lines.append("wait")
            running = 0
            batches.append(0)
        running += len(targets)
        rounds = 1 + len(targets) // PINGS_AT_ONCE
        batches[-1] = max(batches[-1], rounds * ((NAME_SECONDS if by_name else PING_SECONDS) + START_SECONDS))
        resolver = ends.resolvers.get(service or "", "") if by_name else None
        lines.append(shlex.join(_ping_command(targets, ends.pids[service] if service else None, resolver)) + " &")
    return "\n".join([*lines, "wait"]), sum(batches) + START_SECONDS


def _ping_command(targets: Sequence[str], pid: int | None, resolver: str | None) -> list[str]:
    """Return the command that pings from the namespace of process `pid`, or from the host's own.

    With `resolver`, a path on the host, names are looked up as the container does.
    """
    variables = {
        "targets": "\n".join(targets),
        "seconds": str(PING_SECONDS),
        "limit": "" if resolver is None else str(NAME_SECONDS),
        "at_once": str(PINGS_AT_ONCE),
    }
    ping = ["sh", "-c", script_text("ping.sh", variables)]
    enter = [] if pid is None else ["nsenter", "-t", str(pid), "-n"]
    if resolver is None:
        return [*enter, *ping]
    with_resolver = script_text("with_resolver.sh", {"resolver": resolver})
    return [*enter, "unshare", "-m", "sh", "-c", with_resolver, "with_resolver", *ping]


def _read_ping(host: str, status: str) -> Observed:
    if status == "0":
        return Observed(reached=True, outcome="yes")
    if status == "127":
        raise _tools_missing(host)
    return Observed(reached=False, outcome="no")


def _tools_missing(host: str) -> HostError:
    return HostError.on(
        host,
        TOOL_MISSING,
        problem="it has no `ping` or no `nsenter`",
        effect="no connection can be probed from it",
        fix="install iputils-ping and util-linux on it",
    )


def connect_cells(cells: Sequence[Cell]) -> Mapping[Cell, Observed]:
    """Connect to the target of every cell whose source is the client, from this machine."""
    if not cells:
        return {}
    with ThreadPoolExecutor(max_workers=min(len(cells), CONNECTIONS_AT_ONCE)) as pool:
        return dict(zip(cells, pool.map(_connect_cell, cells), strict=True))


def has_address(address: IPAddress) -> bool:
    """Return whether this machine has the address itself. Sends nothing.

    To an address of its own a machine talks from that address. It may be allowed to bind any other (`ip_nonlocal_bind`).
    """
    with socket.socket(socket.AF_INET if address.version == 4 else socket.AF_INET6, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect((str(address), 9))
        except OSError:
            return False
        return bool(probe.getsockname()[0] == str(address))


def _connect_cell(cell: Cell) -> Observed:
    return connect(str(cell.address), cell.published_port)


def connect(address: str, port: Port) -> Observed:
    """Connect to `host_port` of a port at an address, and request a page in case it speaks HTTP."""
    if port.protocol != "tcp":
        return _send_datagram(address, port)
    try:
        connection = socket.create_connection((address, port.host_port), timeout=CONNECT_SECONDS)
    except ConnectionRefusedError:
        return Observed(reached=False, outcome="refused")
    except TimeoutError:
        return Observed(reached=False, outcome="no answer")
    except OSError as error:
        return Observed(reached=False, outcome=(error.strerror or str(error)).lower())
    reply = b""
    with connection, contextlib.suppress(OSError):
        connection.sendall(f"GET / HTTP/1.0\r\nHost: {address}\r\nUser-Agent: ipvlan-fabric\r\n\r\n".encode())
        while len(reply) < 12 and (received := connection.recv(64)):
            reply += received
    if reply.startswith(b"HTTP/"):
        return Observed(reached=True, outcome=f"HTTP {shorten(reply[9:12].decode(errors='replace'))}")
    return Observed(reached=True, outcome="open" if reply else "open, silent")


def _send_datagram(address: str, port: Port) -> Observed:
    if port.protocol != "udp":
        return Observed(reached=None, outcome=f"{port.protocol} is not tried")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.settimeout(CONNECT_SECONDS)
        try:
            sender.connect((address, port.host_port))
            sender.send(b"\n")
            sender.recv(1)
        except ConnectionRefusedError:
            return Observed(reached=False, outcome="refused")
        except TimeoutError:
            # Most servers do not answer a datagram that they do not understand.
            return Observed(reached=None, outcome="no refusal")
        except OSError as error:
            return Observed(reached=False, outcome=(error.strerror or str(error)).lower())
    return Observed(reached=True, outcome="answers")
