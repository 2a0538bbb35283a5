"""Open connections to hosts: one ssh process per host that runs shell text and forwards Docker's socket.

Responsible for opening, time limits, closing, and the work on all hosts in parallel. It writes nothing on a host.

Out of scope: ssh's options and the reading of its failures (`ipvlan.hosts.ssh`), and what is read from the hosts.
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

from ipvlan.hosts import ssh_process
from ipvlan.hosts.connection import HostConnection, connection_to
from ipvlan.hosts.errors import HostError, HostUnreachableError
from ipvlan.hosts.script import Output, read_output, script_text
from ipvlan.hosts.shared_connection import NOT_OPENED, SHARING, SOCKET_CHARACTERS, is_open, obstacle
from ipvlan.hosts.ssh import connection_failure, require_ssh

if TYPE_CHECKING:
    from ipvlan.plan.model import HostPlan, Plan

HOSTS_AT_ONCE: Final = 32
"""Hosts that are worked on in parallel: each costs this machine an ssh process and a thread."""

MOST_LEFT_OPEN: Final = 200
"""Hosts whose shared connections are left open, for what follows within two minutes. Each is an ssh process of 1.5 to 2 MB: of more
hosts none is opened, and this machine's memory does not grow with their number."""

CLOSING_SECONDS: Final = 3.0
"""Time for a connection to end; a slower one is ended by force."""

_SOCKET: Final = "docker.sock"
_REBIND: Final = ("-o", "StreamLocalBindUnlink=yes")
"""A shared connection that refuses one more session (MaxSessions) has bound the socket by then, and ssh connects by itself."""

# Printed after each text: ends its output.
_END: Final = "--ipvlan-fabric--"

T = TypeVar("T")


class HostSession:
    """An open connection to one host; a context manager."""

    def __init__(self, connection: HostConnection, *, timeout: float, leave_open: bool = True) -> None:
        """Prepare; nothing is sent before the session is entered.

        Args:
            connection: The host.
            timeout: Seconds for opening it.
            leave_open: Whether a shared connection may be opened, which stays for some time. One that is open is used in any case.
        """
        self.name = connection.name
        """The host's name."""
        self.parent = connection.parent
        """Its parent NIC."""
        self.shim = connection.shim
        """Name of its shim; empty where none is planned."""
        self._command = connection.command
        self.docker_socket = connection.docker_socket
        """Where Docker listens on the host."""
        self._environment = connection.environment
        self._timeout = timeout
        self._not_opened = () if leave_open or SHARING not in connection.command else NOT_OPENED
        self._count = 0
        self._stdout_data = b""
        self._stderr_data = b""

    def __enter__(self) -> Self:
        """Connect; raise HostUnreachableError when there is no answer in time."""
        self._folder = _socket_folder(self.name)
        self.socket = self._folder / _SOCKET
        """A local Unix socket that leads to Docker's on the host, while the session is open."""
        self._forward = ("-L", f"{self.socket}:{self.docker_socket}")
        command = [
            self._command[0],
            *self._forward,
            "-o",
            "ExitOnForwardFailure=yes",
            *_REBIND,
            *self._not_opened,
            *self._command[1:],
            "exec sh -s",
        ]
        try:
            self._process = ssh_process.start(self.name, command)
        except HostError:
            shutil.rmtree(self._folder, ignore_errors=True)
            raise
        self._stdin, self._stdout, self._stderr = _pipes(self._process)
        try:
            self.run(":", timeout=self._timeout)
        except BaseException:
            self._close(at_once=True)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the connection; nothing of it stays, here or on the host."""
        self._close(at_once=error is not None)

    def run(self, text: str, *, timeout: float) -> str:
        """Run POSIX shell text on the host.

        Args:
            text: The text; a failing command in it is the text's own to report.
            timeout: Seconds.

        Returns:
            What it printed, standard error included.

        Raises:
            HostUnreachableError: The connection ended, or the time is over.
        """
        self._count += 1
        end = f"{_END}{self._count}"
        try:
            # A command that reads its standard input would consume the texts that follow.
            self._stdin.write(f"(\n{self._environment}{text}\n) </dev/null 2>&1\necho {end}\n".encode())
            self._stdin.flush()
        except BrokenPipeError:
            self._read_until(end.encode(), time.monotonic() + CLOSING_SECONDS)
            raise self._failure("the connection was closed") from None
        return self._read_until(end.encode(), time.monotonic() + timeout)

    def run_script(self, file: str, variables: Mapping[str, str] | None = None, *, timeout: float) -> Output:
        """Run a script of `scripts/` on the host and return its output; `timeout` is in seconds.

        Raises:
            HostUnreachableError: The connection ended, or the time is over.
        """
        return read_output(self.run(script_text(file, variables), timeout=timeout))

    def _read_until(self, end: bytes, deadline: float) -> str:
        began = time.monotonic()
        last_line = end + b"\n"
        closed = False
        with selectors.DefaultSelector() as selector:
            selector.register(self._stdout, selectors.EVENT_READ, "stdout")
            selector.register(self._stderr, selectors.EVENT_READ, "stderr")
            while last_line not in self._stdout_data:
                left = deadline - time.monotonic()
                ready = selector.select(left) if left > 0 else []
                if not ready:
                    raise self._failure(f"no answer within {deadline - began:.0f} seconds")
                for key, _ in ready:
                    received = os.read(key.fd, 65536)
                    if not received:
                        selector.unregister(key.fileobj)
                        # The background process of a shared connection may keep standard error open (OpenSSH before 8.5).
                        closed = closed or key.data == "stdout"
                    elif key.data == "stdout":
                        self._stdout_data += received
                    else:
                        self._stderr_data += received
                if closed:
                    self._read_rest_of_stderr()
                    raise self._failure("the connection was closed")
        output, _, self._stdout_data = self._stdout_data.partition(last_line)
        return output.decode(errors="replace")

    def _read_rest_of_stderr(self) -> None:
        os.set_blocking(self._stderr.fileno(), False)
        with contextlib.suppress(BlockingIOError):
            while received := os.read(self._stderr.fileno(), 65536):
                self._stderr_data += received

    def _failure(self, otherwise: str) -> HostUnreachableError:
        return connection_failure(self.name, self._stderr_data.decode(errors="replace") or otherwise)

    def _close(self, *, at_once: bool) -> None:
        process = self._process
        if not at_once:
            with contextlib.suppress(BrokenPipeError):
                self._stdin.close()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(CLOSING_SECONDS)
        ssh_process.end(process)
        # A shared connection outlives this process, and would keep the forwarded socket.
        if SHARING in self._command and not obstacle() and (not self._not_opened or is_open(self._command)):
            cancel = [self._command[0], "-O", "cancel", *self._forward, *self._command[1:]]
            with contextlib.suppress(HostError):
                ssh_process.run(self.name, cancel, stdin=b"", timeout=CLOSING_SECONDS)
        shutil.rmtree(self._folder, ignore_errors=True)


def _socket_folder(host: str) -> Path:
    """Create a folder for one socket, that only this user can enter and whose path is short enough."""
    try:
        folder = Path(tempfile.mkdtemp(prefix="ipvlan-"))
        if len(os.fsencode(folder / _SOCKET)) > SOCKET_CHARACTERS:
            folder.rmdir()
            folder = Path(tempfile.mkdtemp(prefix="ipvlan-", dir="/tmp"))
    except OSError as error:
        raise ssh_process.not_started(host, "ssh", error) from None
    return folder


def _pipes(process: subprocess.Popen[bytes]) -> tuple[IO[bytes], IO[bytes], IO[bytes]]:
    if process.stdin is None or process.stdout is None or process.stderr is None:
        raise RuntimeError("a process was started without pipes")
    return process.stdin, process.stdout, process.stderr


def on_hosts(
    plan: Plan, hosts: Sequence[HostPlan], work: Callable[[HostSession], T], *, timeout: float
) -> Mapping[str, T | HostError]:
    """Do `work` on `hosts` of the plan in parallel: see `on_all`. Raises ToolError where this machine has no ssh."""
    require_ssh()
    return on_all([connection_to(host, plan.ssh) for host in hosts], work, timeout=timeout)


def on_all(
    connections: Sequence[HostConnection], work: Callable[[HostSession], T], *, timeout: float
) -> Mapping[str, T | HostError]:
    """Do `work` on all hosts in parallel.

    Args:
        connections: The hosts.
        work: Called with the open session of each host, in a thread; it limits its own time.
        timeout: Seconds for reaching a host.

    Returns:
        Host name -> the result, or the failure. A host that fails stops no other.
    """
    leave_open = len(connections) <= MOST_LEFT_OPEN

    def visit(connection: HostConnection) -> T | HostError:
        try:
            with HostSession(connection, timeout=timeout, leave_open=leave_open) as session:
                return work(session)
        except HostError as error:
            return error

    if not connections:
        return {}
    with ThreadPoolExecutor(max_workers=min(len(connections), HOSTS_AT_ONCE)) as pool:
        return dict(zip((connection.name for connection in connections), pool.map(visit, connections), strict=True))
