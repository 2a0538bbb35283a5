"""The lock of a host: one run that changes something works on it at a time, whoever started it and from wherever.

An open ssh process holds flock(2) on a file of the host that is only read. This machine sends a line every few seconds. A run
that ends, crashes or loses its network gives the lock back: at once, or after `SILENCE_SECONDS`. Nothing is written on the host,
and nobody has to be root. The holder's command line on the host says who has the lock, for what and since when.

Out of scope: which hosts a run changes, and what else is asked in the same visit.
"""

from __future__ import annotations

import contextlib
import getpass
import os
import secrets
import selectors
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import TracebackType
from typing import IO, TYPE_CHECKING, Final, Self

from ipvlan.hosts import ssh_process
from ipvlan.hosts.errors import HOST_LOCK_LOST, HOST_LOCKED, NO_HOST_LOCK, HostError
from ipvlan.hosts.script import Output, read_output, script_text
from ipvlan.hosts.session import CLOSING_SECONDS
from ipvlan.hosts.ssh import connection_failure
from ipvlan.plan.resource_names import LOCK_MARKER
from ipvlan.problems import Problem, shorten

if TYPE_CHECKING:
    from ipvlan.hosts.connection import HostConnection

LOCK_FILES: Final = ("/etc/machine-id", "/etc/os-release")
"""The first one that the ssh user can read is locked. Both are on every host with systemd (machine-id(5), os-release(5))."""

SILENCE_SECONDS: Final = 30
"""A host gives its lock back when it hears nothing for that long."""

BEAT_SECONDS: Final = 5.0
"""Time between two lines to each host. OpenSSH gives a connection up after 15 s (`ipvlan.hosts.ssh`): this machine knows that a
lock is lost before the host gives it to another run."""

ENDS_A_RUN: Final = "ipvlan-fabric, the end of an interrupted pulumi up"
"""What the process that ends an interrupted run says of itself (`provider.going_back`): it ends by itself, so others wait."""

ENDING_SECONDS: Final = 240.0
"""How long others wait for it: it looks at a container for as long as its `healthy_within`, by default a minute."""

LOCK_TOKEN: Final = "IPVLAN_FABRIC_LOCK"  # noqa: S105  # a name
"""Environment variable with the token of the run that started this one: its locks are this one's too."""

_HOSTS_AT_ONCE: Final = 50
_END: Final = b"--ipvlan-fabric--\n"


class HostLockedError(HostError):
    """Another run has the lock of a host."""

    heading = "other runs are working on hosts:"
    ends_by_itself: bool = False
    """Whether every holder only ends an interrupted run."""


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        # A container may run with a user id that has no name.
        return str(os.getuid())


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """Who has a lock, for what, since when."""

    what: str
    """The command: `ipvlan heal`."""
    who: str = field(default_factory=lambda: f"{_user()}@{socket.gethostname()}")
    since: str = field(default_factory=lambda: f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC")
    token: str = field(default_factory=lambda: os.environ.get(LOCK_TOKEN) or secrets.token_hex(8))
    """What tells this run, and the ones that it starts, from all others."""

    def __str__(self) -> str:
        return f"{shorten(self.who)} runs `{shorten(self.what)}` there since {shorten(self.since)}"


class HostLocks:
    """The locks of one run; a context manager that gives them back. Safe to use from several threads."""

    def __init__(self, holder: Holder, *, timeout: float) -> None:
        """Prepare; no host is asked. `timeout` is in seconds, for one host's connection and answer."""
        self.holder = holder
        """What others are told."""
        self._timeout = timeout
        self._kept: dict[str, subprocess.Popen[bytes]] = {}
        self._borrowed: set[str] = set()
        self._waiting: set[subprocess.Popen[bytes]] = set()
        self._guard = threading.Lock()
        self._ended = threading.Event()
        self._impatient = threading.Event()
        self._heart: threading.Thread | None = None

    def __enter__(self) -> Self:
        """Nothing is taken yet: see `acquire`."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Give all locks back."""
        self.release()

    def acquire(
        self, connections: Sequence[HostConnection], visit: str = "", *, waiting: Callable[[str], None] | None = None
    ) -> Mapping[str, Output | HostError]:
        """Take the locks of these hosts, in parallel, or none of them.

        Args:
            connections: The hosts. One whose lock this run has already is only visited.
            visit: POSIX shell text that is run while the lock is held, in the same visit.
            waiting: Waits for processes that only end an interrupted run, up to `ENDING_SECONDS`, and is told so first.
                None does not wait.

        Returns:
            Host name -> what the visit printed, or why there is no lock: the host does not answer, or has nothing to lock.

        Raises:
            HostLockedError: Other runs have the locks of some hosts; none is taken.
        """
        deadline, told = time.monotonic() + ENDING_SECONDS, False
        while True:
            try:
                return self._acquire(connections, visit)
            except HostLockedError as error:
                if waiting is None or not error.ends_by_itself or time.monotonic() > deadline:
                    raise
                if not told:
                    waiting(f"waiting for the end of an interrupted run: {error.summary}")
                    told = True
                if self._impatient.wait(1):
                    raise

    def _acquire(self, connections: Sequence[HostConnection], visit: str) -> Mapping[str, Output | HostError]:
        if not connections:
            return {}
        taken: list[str] = []

        def take(connection: HostConnection) -> Output | HostError:
            try:
                output, process = self._take(connection, visit)
            except HostError as error:
                return error
            if process is None:
                self._borrowed.add(connection.name)
            else:
                self._keep(connection.name, process)
                taken.append(connection.name)
            return output

        try:
            with ThreadPoolExecutor(max_workers=min(len(connections), _HOSTS_AT_ONCE)) as pool:
                results = list(pool.map(take, connections))
        except BaseException:
            self._drop(taken)
            raise
        locked = [result for result in results if isinstance(result, HostLockedError)]
        if locked:
            self._drop(taken)
            problems = [problem for error in locked for problem in error.problems]
            error = HostLockedError(problems, host=locked[0].host if len(locked) == 1 else "")
            error.ends_by_itself = all(one.ends_by_itself for one in locked)
            raise error
        return dict(zip((connection.name for connection in connections), results, strict=True))

    def has(self, host: str) -> bool:
        """Return whether this run took the host's lock, or the run that started it did; `check` says whether it is lost."""
        return host in self._kept or host in self._borrowed

    def check(self, hosts: Iterable[str]) -> None:
        """Raise HostError for a host whose lock was taken and is lost: its connection has ended."""
        for host in hosts:
            process = self._kept.get(host)
            if process is not None and process.poll() is not None:
                raise HostError.on(
                    host,
                    HOST_LOCK_LOST,
                    problem="the connection that holds its lock has ended",
                    effect="another run may be working on it, so nothing more is done there",
                    fix="see `ipvlan status`, then run the command again",
                )

    def stop_waiting(self) -> None:
        """End what still waits for a host, in other threads; the locks that were taken stay."""
        self._impatient.set()
        for process in list(self._waiting):
            ssh_process.end(process)

    def release(self) -> None:
        """Give all locks back. Nothing of them stays, here or on the hosts."""
        self._drop(list(self._kept))
        self._ended.set()
        if self._heart is not None:
            self._heart.join()

    def _take(self, connection: HostConnection, visit: str) -> tuple[Output, subprocess.Popen[bytes] | None]:
        """Return what the visit printed, and the process that holds the lock: None where the run has it already."""
        holder = self.holder
        names = {
            "files": " ".join(LOCK_FILES),
            "marker": LOCK_MARKER,
            "token": holder.token,
            "who": holder.who,
            "what": holder.what,
            "since": holder.since,
            "silence": str(SILENCE_SECONDS),
        }
        text = "\n".join(
            (
                script_text("host_lock.sh", names),
                f"(\n{connection.environment}{visit or ':'}\n) 9<&- </dev/null 2>&1",
                f"echo {_END.decode().strip()}",
                script_text("host_lock_keep.sh"),
            )
        )
        # In a session of its own: Ctrl-C ends this run in its own time, and the lock with it and not before.
        process = ssh_process.start(connection.name, [*connection.command, "exec sh -s"])
        complete = False
        self._waiting.add(process)
        try:
            with contextlib.suppress(BrokenPipeError):
                _stdin(process).write(text.encode())
                _stdin(process).flush()
            os.set_blocking(_stdin(process).fileno(), False)
            printed, complete = _read(process, connection.name, self._timeout)
            output = read_output(printed)
            if not complete:
                raise _failure(connection.name, output, process)
            complete = output.text("lock") == "own"
            return output, process if complete else None
        finally:
            self._waiting.discard(process)
            if not complete:
                _end(process, at_once=True)

    def _keep(self, host: str, process: subprocess.Popen[bytes]) -> None:
        with self._guard:
            self._kept[host] = process
            if self._heart is None:
                self._heart = threading.Thread(target=self._beat, name="host-locks", daemon=True)
                self._heart.start()

    def _drop(self, hosts: Sequence[str]) -> None:
        with self._guard:
            processes = [self._kept.pop(host) for host in hosts if host in self._kept]
        for process in processes:
            # The host's side ends with its standard input.
            _stdin(process).close()
        for process in processes:
            _end(process)

    def _beat(self) -> None:
        while not self._ended.wait(BEAT_SECONDS):
            with self._guard:
                for process in self._kept.values():
                    # A pipe that is full, or that nobody reads any more, is a connection that does not work: `check` says so.
                    with contextlib.suppress(BlockingIOError, BrokenPipeError):
                        os.write(_stdin(process).fileno(), b"alive\n")


def _read(process: subprocess.Popen[bytes], host: str, timeout: float) -> tuple[str, bool]:
    """Return what the host printed, and whether that is all of it or the text ended early."""
    deadline, data = time.monotonic() + timeout, b""
    if process.stdout is None:
        raise RuntimeError("a process was started without pipes")
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        while not data.endswith(_END):
            left = deadline - time.monotonic()
            if left <= 0 or not selector.select(left):
                raise connection_failure(host, f"no answer within {timeout:g} seconds")
            received = os.read(process.stdout.fileno(), 65536)
            if not received:
                return data.decode(errors="replace"), False
            data += received
    return data.removesuffix(_END).decode(errors="replace"), True


def _failure(host: str, output: Output, process: subprocess.Popen[bytes]) -> HostError:
    """Return why the host's lock was not taken."""
    if output.text("lock") == "held":
        file = output.text("file")
        holders = [holder for line in output.lines("holder") if (holder := _holder(line)) is not None]
        error = HostLockedError(
            [
                Problem(
                    code=HOST_LOCKED,
                    key=f'host "{host}"',
                    value="",
                    problem="; ".join(map(str, holders)) or f"a process there has a lock on {file}, and is not shown",
                    effect="two runs at a time would undo each other's work, so nothing was changed",
                    fix="wait until it has ended, then run the command again"
                    if holders
                    else f"`fuser -v {file}` as root names the process; wait until it has ended",
                )
            ],
            host=host,
        )
        error.ends_by_itself = bool(holders) and all(holder.what == ENDS_A_RUN for holder in holders)
        return error
    if "lock" in output:
        return HostError.on(
            host,
            NO_HOST_LOCK,
            problem=f"its lock cannot be taken: {' '.join(output.lines('reason'))}",
            effect="another run could work on it at the same time, so nothing was changed",
            fix="install util-linux, which has `flock`, and let the ssh user read /etc/machine-id",
        )
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(CLOSING_SECONDS)
    return connection_failure(host, _complaint(process) or "the connection was closed")


def _holder(line: str) -> Holder | None:
    """Return the holder from the arguments of its process, separated by tabs; None where they are not a holder's."""
    _, found, rest = line.partition(f"\t{LOCK_MARKER}\t")
    arguments = rest.split("\t")
    if not found or len(arguments) < 4:
        return None
    who, what, since, token = arguments[:4]
    return Holder(who=who, what=what, since=since, token=token)


def _complaint(process: subprocess.Popen[bytes]) -> str:
    """Return what ssh printed on standard error so far; a shared connection may keep that open."""
    if process.stderr is None:
        return ""
    os.set_blocking(process.stderr.fileno(), False)
    return (process.stderr.read() or b"").decode(errors="replace")


def _stdin(process: subprocess.Popen[bytes]) -> IO[bytes]:
    if process.stdin is None:
        raise RuntimeError("a process was started without pipes")
    return process.stdin


def _end(process: subprocess.Popen[bytes], *, at_once: bool = False) -> None:
    if at_once:
        process.kill()
    with contextlib.suppress(BrokenPipeError, BlockingIOError):
        _stdin(process).close()
    try:
        process.wait(CLOSING_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    for stream in (process.stdout, process.stderr):
        if stream is not None:
            stream.close()
