"""The plugin's process: it serves until the engine ends it or is gone, and leaves no process behind.

Out of scope: the protocol (`provider.server`).
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import grpc.aio  # type: ignore[import-untyped]
from pulumi.runtime.proto import provider_pb2_grpc

from provider.open_handovers import OPEN_HANDOVERS
from provider.server import CHANNEL_OPTIONS, Servicer

SECONDS_BETWEEN_LOOKS: Final = 1.0
"""How long the plugin outlives an engine that was killed."""

SECONDS_TO_LIST: Final = 5
"""Time limit for `ps`, where there is no /proc."""


def end_children() -> None:
    """Send SIGTERM to the programs that operations started, each with its process group: ssh, and what ssh started.

    A connection that is shared with other runs stays: OpenSSH gives a master that goes to the background a session of its own, and
    no parent here.
    """
    for pid in _children():
        # It may have ended by now.
        with contextlib.suppress(ProcessLookupError):
            if os.getpgid(pid) == pid:
                os.killpg(pid, signal.SIGTERM)
            else:
                os.kill(pid, signal.SIGTERM)


def _children() -> list[int]:
    """Return the ids of the processes that this one started, as Linux lists them, or `ps` elsewhere."""
    if Path("/proc/self/stat").exists():
        pairs = list(_parents())
    else:
        ps = ["ps", "-A", "-o", "pid=", "-o", "ppid="]
        listed = subprocess.run(ps, capture_output=True, check=True, timeout=SECONDS_TO_LIST)
        pairs = [(int(pid), int(parent)) for pid, parent in map(bytes.split, listed.stdout.splitlines())]
    return [pid for pid, parent in pairs if parent == os.getpid()]


def _parents() -> Iterator[tuple[int, int]]:
    """Yield each process of this machine and its parent (proc_pid_stat(5): the parent comes after the name and the state)."""
    for stat in Path("/proc").glob("[0-9]*/stat"):
        # Any of them may end meanwhile.
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            yield int(stat.parent.name), int(stat.read_text("utf-8", "replace").rpartition(")")[2].split()[1])


def _end() -> None:
    """End the process and its children at once: threads that wait for a host would keep Python from ending."""
    end_children()
    OPEN_HANDOVERS.give_away()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)


async def _serve(engine: str) -> None:
    loop = asyncio.get_running_loop()
    for ends in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(ends, _end)
    server = grpc.aio.server(options=CHANNEL_OPTIONS)
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(Servicer(engine, end_children), server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    parent = os.getppid()
    # The engine reads the port from the first line.
    print(port, flush=True)
    while os.getppid() == parent:
        await asyncio.sleep(SECONDS_BETWEEN_LOOKS)
    _end()


def main() -> None:
    """Serve the engine whose address is the argument of the command line that is not an option."""
    asyncio.run(_serve(next(argument for argument in sys.argv[1:] if not argument.startswith("-"))))
