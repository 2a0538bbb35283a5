"""The looking itself: pings out of network namespaces on a host, and connections from here to published ports.

Owns what is sent and how the outcome is read. A ping from within a container's namespace needs nothing in its image: the
host's own `nsenter` and `ping` are run. It leaves nothing behind.
"""

from __future__ import annotations

import contextlib
import shlex
import socket
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final

from ipvlan.config.types.ports import Port
from ipvlan.hosts.errors import HostError
from ipvlan.hosts.root_shell import RunAsRoot
from ipvlan.plan.reachability import Cell

#: Seconds that a ping waits; one is sent each second until the first answer.
PING_SECONDS: Final = 2

#: Seconds for a name to be found and its address to answer; a resolver waits five for a silent server.
NAME_SECONDS: Final = 8

#: Pings that run on a host at once: each is a process there.
PINGS_AT_ONCE: Final = 48

#: Seconds in which a host starts that many pings; a busy one needs a tenth of a second for each.
START_SECONDS: Final = 5

#: Connections from here at once.
CONNECTIONS_AT_ONCE: Final = 64

#: Seconds for a port to accept, and as many again to say something.
CONNECT_SECONDS: Final = 3.0

# Runs once in each namespace: entering one costs as much as a ping.
_PING: Final = """
probe() {
  ping -n -q -c 1 -w SECONDS "$2" >/dev/null 2>&1
  echo "$1 $?"
}
count=0
while read -r number address; do
  probe "$number" "$address" &
  count=$((count + 1))
  if [ "$count" -ge AT_ONCE ]; then wait; count=0; fi
done
wait
""".replace("SECONDS", str(PING_SECONDS)).replace("AT_ONCE", str(PINGS_AT_ONCE))


# The host's own `ping`, asking the container's name servers from the container's network: in a mount namespace of its own, which
# nobody else sees and which is gone with it.
_AS_THERE: Final = """
mount --bind "$0" /etc/resolv.conf && mount -t tmpfs none /mnt &&
  echo "hosts: files dns" > /mnt/nsswitch.conf && mount --bind /mnt/nsswitch.conf /etc/nsswitch.conf && exec "$@"
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed:
    """What was seen in one cell."""

    reached: bool | None
    """None where it could not be looked at."""
    said: str
    """In a word or two: yes, no, HTTP 200, refused, no answer, ..."""


def ping_cells(
    host: str,
    run: RunAsRoot,
    cells: Sequence[Cell],
    pids: Mapping[str, int],
    resolvers: Mapping[str, str] | None = None,
) -> Mapping[Cell, Observed]:
    """Ping for all cells whose source is `host` or one of its containers; `run` runs a text as root there.

    `pids` is service -> process id of its container; cells of a service that is not in it are not looked at. `resolvers` is
    service -> path of its container's /etc/resolv.conf on the host, for cells that ask for a name. Raises HostError where the
    host cannot look at all.
    """
    numbered = [cell for cell in cells if cell.source_service is None or cell.source_service in pids]
    seen = {cell: Observed(reached=None, said="not tried") for cell in cells}
    if not numbered:
        return seen
    text, batches = _text(numbered, pids, resolvers or {})
    printed = run(text, batches * (PING_SECONDS + START_SECONDS) + START_SECONDS)
    complaint = ""
    for line in printed.splitlines():
        number, _, status = line.partition(" ")
        if number.isdigit() and int(number) < len(numbered):
            seen[numbered[int(number)]] = _read_ping(host, status)
        elif "not found" in line:
            raise _tools_missing(host)
        elif line:
            complaint = line[:80]
    if complaint:
        # A container ended between the question and the ping.
        not_entered = [cell for cell in numbered if seen[cell].reached is None]
        seen.update(dict.fromkeys(not_entered, Observed(reached=None, said=complaint)))
    return seen


def _text(cells: Sequence[Cell], pids: Mapping[str, int], resolvers: Mapping[str, str]) -> tuple[str, int]:
    """The shell text that pings for `cells`, by their numbers, and how many batches it takes."""
    places: dict[str, list[str]] = {}
    for number, cell in enumerate(cells):
        service = cell.source_service
        enter = "" if service is None else f"nsenter -t {pids[service]} -n "
        if service is not None and cell.kind == "internet-name":
            enter += f"unshare -m sh -c {shlex.quote(_AS_THERE)} {shlex.quote(resolvers.get(service, ''))} "
        places.setdefault(enter, []).append(f"{number} {cell.address}")
    lines: list[str] = []
    running, batches = 0, 1
    for enter, targets in places.items():
        if running and running + len(targets) > PINGS_AT_ONCE:
            lines.append("wait")
            running, batches = 0, batches + 1
        running += len(targets)
        batches += len(targets) // PINGS_AT_ONCE
        # What ping limits begins when the name is found.
        ping = _PING.replace("ping ", f"timeout {NAME_SECONDS} ping ", 1) if "unshare" in enter else _PING
        lines += [f"{enter}sh -c {shlex.quote(ping)} <<'END' &", *targets, "END"]
    if any(cell.kind == "internet-name" for cell in cells):
        batches += NAME_SECONDS // PING_SECONDS
    return "\n".join([*lines, "wait"]), batches


def _read_ping(host: str, status: str) -> Observed:
    if status == "0":
        return Observed(reached=True, said="yes")
    if status == "127":
        raise _tools_missing(host)
    return Observed(reached=False, said="no")


def _tools_missing(host: str) -> HostError:
    return HostError(
        f'host "{host}": it has no `ping` or no `nsenter`, and nothing can be looked at from it. '
        f"Install iputils-ping and util-linux there."
    )


def connect_cells(cells: Sequence[Cell]) -> Mapping[Cell, Observed]:
    """Try all cells of kind `port` from this machine."""
    if not cells:
        return {}
    with ThreadPoolExecutor(max_workers=min(len(cells), CONNECTIONS_AT_ONCE)) as pool:
        return dict(zip(cells, pool.map(_connect_cell, cells), strict=True))


def _connect_cell(cell: Cell) -> Observed:
    return connect(str(cell.address), cell.published_port)


def connect(address: str, port: Port) -> Observed:
    """Try one port at a host's address, and ask it for a page in case it speaks HTTP."""
    if port.protocol != "tcp":
        return _send_datagram(address, port)
    try:
        connection = socket.create_connection((address, port.host_port), timeout=CONNECT_SECONDS)
    except ConnectionRefusedError:
        return Observed(reached=False, said="refused")
    except TimeoutError:
        return Observed(reached=False, said="no answer")
    except OSError as error:
        return Observed(reached=False, said=(error.strerror or str(error)).lower())
    said = b""
    with connection, contextlib.suppress(OSError):
        connection.sendall(f"GET / HTTP/1.0\r\nHost: {address}\r\nUser-Agent: ipvlan-fabric\r\n\r\n".encode())
        while len(said) < 12 and (received := connection.recv(64)):
            said += received
    if said.startswith(b"HTTP/"):
        return Observed(reached=True, said=f"HTTP {said[9:12].decode(errors='replace')}")
    return Observed(reached=True, said="open" if said else "open, silent")


def _send_datagram(address: str, port: Port) -> Observed:
    kind = socket.SOCK_DGRAM
    if port.protocol != "udp":
        return Observed(reached=None, said=f"{port.protocol} is not tried")
    with socket.socket(socket.AF_INET, kind) as sender:
        sender.settimeout(CONNECT_SECONDS)
        try:
            sender.connect((address, port.host_port))
            sender.send(b"\n")
            sender.recv(1)
        except ConnectionRefusedError:
            return Observed(reached=False, said="refused")
        except TimeoutError:
            # Most servers say nothing to a datagram that they do not understand.
            return Observed(reached=None, said="no refusal")
        except OSError as error:
            return Observed(reached=False, said=(error.strerror or str(error)).lower())
    return Observed(reached=True, said="answers")
