"""The process that answers for all hosts: HTTP on a Unix socket per host, as Docker's daemon, and the programs of the hosts.

Usage: python -m bench.fleet.server FOLDER. Reads there which hosts there are (`write_hosts`), serves `FOLDER/ADDRESS/docker.sock`
for each, and prints `ready`. What the fleet's runner tells it comes to `FOLDER/control.sock`: `PUT /delay?seconds=N` with addresses
in the body, `GET /requests`.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import json
import sys
from collections.abc import Mapping
from email.utils import formatdate
from pathlib import Path
from typing import Final
from urllib.parse import parse_qsl, unquote

from bench.fleet.engine import API, EVERY_ADDRESS, VERSION, SimulatedHost
from bench.fleet.project import HOST_PORT
from bench.fleet.tools import run_tool

HOSTS_FILE: Final = "hosts.json"
HEADERS: Final = (
    f"Api-Version: {API}\r\nServer: Docker/{VERSION} (linux)\r\nOstype: linux\r\nContent-Type: application/json\r\n"
)


def write_hosts(folder: Path, names: Mapping[str, str]) -> None:
    """Write for the server which hosts there are: address -> name."""
    (folder / HOSTS_FILE).write_text(json.dumps(names), encoding="utf-8")


async def serve_host(host: SimulatedHost, hosts: Mapping[str, SimulatedHost], folder: Path) -> None:
    """Listen on the host's Docker socket."""
    await asyncio.start_unix_server(
        functools.partial(_connection, host, hosts), folder / host.address / "docker.sock", backlog=128
    )


async def _connection(
    host: SimulatedHost,
    hosts: Mapping[str, SimulatedHost],
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
) -> None:
    try:
        while (request := await read_request(reader)) is not None:
            method, target, headers, body = request
            if host.delay:
                await asyncio.sleep(host.delay)
            path, _, query = target.partition("?")
            if path == "/fleet/tool":
                seconds, status, content = run_tool(host, hosts, body.decode(errors="replace").split("\0"))
                await asyncio.sleep(seconds)
                writer.write(reply(200, content.encode(), f"Exit-Status: {status}\r\n"))
            else:
                writer.write(reply(*host.answer(method, unquote(path), dict(parse_qsl(query)), body)))
            await writer.drain()
            if headers.get("connection", "").lower() == "close":
                break
    except (ConnectionError, asyncio.IncompleteReadError):
        # The client has ended.
        pass
    finally:
        writer.close()


async def read_request(reader: asyncio.StreamReader) -> tuple[str, str, Mapping[str, str], bytes] | None:
    """Read one request: method, target, headers by their small name, and body; None at the end of the connection."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError as error:
        if error.partial:
            raise
        return None
    first, *lines = head.decode("latin-1").split("\r\n")
    method, target, _ = first.split(" ")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines if line)}
    if headers.get("transfer-encoding", "").lower() == "chunked":
        body = b""
        while size := int(await reader.readline(), 16):
            body += await reader.readexactly(size)
            await reader.readline()
        await reader.readline()
    else:
        body = await reader.readexactly(int(headers.get("content-length") or 0))
    return method, target, headers, body


def reply(status: int, content: bytes, more_headers: str = "") -> bytes:
    """Return a reply of HTTP/1.1."""
    # RFC 9110, 15.3.5 and 15.4.5: neither has a body.
    length = "" if status in (204, 304) else f"Content-Length: {len(content)}\r\n"
    head = f"HTTP/1.1 {status} -\r\nDate: {formatdate(usegmt=True)}\r\n{HEADERS}{more_headers}{length}\r\n"
    return head.encode() + (b"" if status in (204, 304) else content)


async def _control(
    hosts: Mapping[str, SimulatedHost], reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    request = await read_request(reader)
    if request is not None:
        method, target, _, body = request
        path, _, query = target.partition("?")
        if (method, path) == ("PUT", "/delay"):
            for address in json.loads(body):
                hosts[address].delay = float(dict(parse_qsl(query))["seconds"])
        totals = {
            "requests": sum(host.requests for host in hosts.values()),
            "containers": sum(len(host.containers) for host in hosts.values()),
        }
        writer.write(reply(200, json.dumps(totals).encode()))
        await writer.drain()
    writer.close()


async def _published(
    hosts: Mapping[str, SimulatedHost], reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    """Answer at a published port of the host whose address was reached, where a container has it; else break the connection."""
    address, port = writer.get_extra_info("sockname")[:2]
    host = hosts.get(address)
    if host is None or not any(
        int(bound["HostPort"]) == port
        for container in host.running()
        for bindings in container["NetworkSettings"]["Ports"].values()
        for bound in bindings
    ):
        writer.transport.abort()
        return
    with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n")
        await writer.drain()
    writer.close()


async def serve(folder: Path) -> None:
    """Serve all hosts until the process is ended."""
    names = json.loads((folder / HOSTS_FILE).read_text(encoding="utf-8"))
    hosts = {address: SimulatedHost(name=name, address=address) for address, name in names.items()}
    for host in hosts.values():
        await serve_host(host, hosts, folder)
    await asyncio.start_unix_server(functools.partial(_control, hosts), folder / "control.sock")
    await asyncio.start_server(functools.partial(_published, hosts), EVERY_ADDRESS, HOST_PORT, backlog=4096)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    await asyncio.get_running_loop().create_future()


if __name__ == "__main__":
    asyncio.run(serve(Path(sys.argv[1])))
