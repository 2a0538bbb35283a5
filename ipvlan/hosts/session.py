"""Connections to hosts: one ssh per host that is a shell to run texts in and a way to Docker's socket at once.

Owns opening, time limits, closing and the work on all hosts side by side. Leaves to `ipvlan.hosts.ssh` how a host is reached and
how ssh's failures are worded, and to the callers what is asked. Nothing is written on a host.
"""

from __future__ import annotations

import contextlib
import os
import selectors
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import IO, TYPE_CHECKING, Final, Self, TypeVar

from ipvlan.hosts.connection import HostConnection, connection_to, run_on_host
from ipvlan.hosts.errors import HostError, HostUnreachableError
from ipvlan.hosts.ssh import explain_failure, prepare_shared_connections

if TYPE_CHECKING:
    from ipvlan.plan.model import HostPlan, Plan

#: Where Docker listens on a host (dockerd(8), --host).
DOCKER_SOCKET: Final = "/var/run/docker.sock"

#: Hosts that are worked on at once: each costs this machine an ssh process and a thread.
HOSTS_AT_ONCE: Final = 32

#: Seconds for the end of a connection; what takes longer is ended by force.
CLOSING_SECONDS: Final = 3.0

_MARK: Final = "--ipvlan-fabric--"

# A hundred hosts are asked in two rounds, each with one ssh process of a few MB.
_PROBES_AT_ONCE: Final = 50

T = TypeVar("T")


class HostSession:
    """An open connection to one host; a context manager.

    `socket` is a local Unix socket that leads to Docker's on the host, for as long as the session is open.
    """

    def __init__(self, connection: HostConnection, *, timeout: float) -> None:
        """Prepare; nothing is sent before the session is entered. `timeout` is in seconds, for opening it."""
        #: The host's name, its parent NIC and its shim, or "".
        self.name, self.parent, self.shim = connection.name, connection.parent, connection.shim
        self._command = connection.command
        self._timeout = timeout
        self._count = 0
        self._said = b""
        self._complaints = b""

    def __enter__(self) -> Self:
        """Connect; raises HostUnreachableError when there is no answer in time."""
        self._folder = Path(tempfile.mkdtemp(prefix="ipvlan-"))
        self.socket = self._folder / "docker.sock"
        self._forward = ("-L", f"{self.socket}:{DOCKER_SOCKET}")
        self._process = subprocess.Popen(
            [self._command[0], *self._forward, "-o", "ExitOnForwardFailure=yes", *self._command[1:], "exec sh -s"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        self._stdin, self._stdout, self._stderr = _streams(self._process)
        try:
            self.run(":", timeout=self._timeout)
        except BaseException:
            self._close(at_once=True)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close it; nothing of it stays, here or on the host."""
        self._close(at_once=error is not None)

    def run(self, text: str, *, timeout: float) -> str:
        """Run POSIX shell text on the host and return what it printed (its complaints too); `timeout` is in seconds.

        Raises HostUnreachableError when the connection ended or the time is over; a failing command in the text is the
        text's own to report.
        """
        self._count += 1
        mark = f"{_MARK}{self._count}"
        try:
            # A command that reads its standard input would eat the texts that follow.
            self._stdin.write(f"(\n{text}\n) </dev/null 2>&1\necho {mark}\n".encode())
            self._stdin.flush()
        except BrokenPipeError:
            self._read_until(mark.encode(), time.monotonic() + CLOSING_SECONDS)
            raise self._unreachable("the connection was closed") from None
        return self._read_until(mark.encode(), time.monotonic() + timeout)

    def _read_until(self, mark: bytes, deadline: float) -> str:
        began = time.monotonic()
        end = mark + b"\n"
        with selectors.DefaultSelector() as selector:
            selector.register(self._stdout, selectors.EVENT_READ, "said")
            selector.register(self._stderr, selectors.EVENT_READ, "complaints")
            while end not in self._said:
                left = deadline - time.monotonic()
                ready = selector.select(left) if left > 0 else []
                if not ready:
                    raise self._unreachable(f"no answer within {deadline - began:.0f} seconds")
                for key, _ in ready:
                    received = os.read(key.fd, 65536)
                    if not received:
                        selector.unregister(key.fileobj)
                    elif key.data == "said":
                        self._said += received
                    else:
                        self._complaints += received
                if not selector.get_map():
                    raise self._unreachable("the connection was closed")
        before, _, self._said = self._said.partition(end)
        return before.decode(errors="replace")

    def _unreachable(self, otherwise: str) -> HostUnreachableError:
        return HostUnreachableError(explain_failure(self.name, self._complaints.decode(errors="replace") or otherwise))

    def _close(self, *, at_once: bool) -> None:
        process = self._process
        if at_once:
            process.kill()
        with contextlib.suppress(BrokenPipeError):
            self._stdin.close()
        try:
            process.wait(CLOSING_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        self._stdout.close()
        self._stderr.close()
        # A shared connection outlives this process, and would keep the forwarded socket.
        with contextlib.suppress(subprocess.TimeoutExpired):
            subprocess.run(
                [self._command[0], "-O", "cancel", *self._forward, *self._command[1:]],
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=CLOSING_SECONDS,
                check=False,
            )
        shutil.rmtree(self._folder, ignore_errors=True)


def _streams(process: subprocess.Popen[bytes]) -> tuple[IO[bytes], IO[bytes], IO[bytes]]:
    if process.stdin is None or process.stdout is None or process.stderr is None:
        raise AssertionError("a process was started without pipes")
    return process.stdin, process.stdout, process.stderr


def on_hosts(
    plan: Plan, hosts: Sequence[HostPlan], work: Callable[[HostSession], T], *, timeout: float
) -> Mapping[str, T | HostError]:
    """Do `work` on all `hosts` of the plan at once and return host name -> its result, or why there is none.

    `timeout` is in seconds, for reaching a host; `work` limits its own time. A host that fails stops no other.
    """
    return on_all([connection_to(host, plan.ssh) for host in hosts], work, timeout=timeout)


def on_all(
    connections: Sequence[HostConnection], work: Callable[[HostSession], T], *, timeout: float
) -> Mapping[str, T | HostError]:
    """The same for hosts of which no more than the way is known."""

    def visit(connection: HostConnection) -> T | HostError:
        try:
            with HostSession(connection, timeout=timeout) as session:
                return work(session)
        except HostError as error:
            return error

    if not connections:
        return {}
    prepare_shared_connections()
    with ThreadPoolExecutor(max_workers=min(len(connections), HOSTS_AT_ONCE)) as pool:
        return dict(zip((connection.name for connection in connections), pool.map(visit, connections), strict=True))


def unreachable(plan: Plan) -> dict[str, str]:
    """Ask all hosts at once whether ssh reaches them; return host name -> why not, for those that it does not.

    Takes at most the plan's connect timeout and a few seconds, however many hosts are silent.
    """

    def ask(host: HostPlan) -> str | None:
        try:
            run_on_host(connection_to(host, plan.ssh), "exit 0", timeout=plan.ssh.connect_timeout + 5.0)
        except HostUnreachableError as error:
            return str(error)
        return None

    with ThreadPoolExecutor(max_workers=_PROBES_AT_ONCE) as pool:
        answers = zip(plan.hosts, pool.map(ask, plan.hosts), strict=True)
        return {host.name: reason for host, reason in answers if reason is not None}
