"""One visit to a host: a connection of its own, and one time limit that holds here and on the host.

The text that runs on the host is sent only when the host's shell has said that it is ready. From then on the host itself ends it:
`timeout` runs the shell, with what the visit has left. So what runs there never outlives the visit, and a host that answers too
late runs nothing. Here the visit waits a little longer than the host does, so that the host's own report comes first.

Out of scope: what the text does (`ipvlan.hosts.script`).
"""

from __future__ import annotations

import math
import os
import select
import shlex
import subprocess
import tempfile
import time
from dataclasses import dataclass
from enum import Enum, auto
from typing import TYPE_CHECKING, Final

from ipvlan.hosts import ssh_process
from ipvlan.hosts.errors import TOOL_MISSING, VISIT_TOO_LONG, HostError
from ipvlan.hosts.ssh import SSH_FAILED, connection_failure

if TYPE_CHECKING:
    from ipvlan.hosts.connection import HostConnection

GRACE_SECONDS: Final = 5.0
"""How much longer than the host this machine waits, for the host's report to arrive."""

_READY: Final = b"visit=ready"
_NO_TIMEOUT: Final = b"visit=no-timeout"
_KILLED: Final = 137
"""A shell's exit status for a command that SIGKILL ended."""

# The first line of standard input is the limit in seconds, the rest is for the shell. No `exec` before `timeout`: ssh reports a
# process that a signal ended as a failure of its own.
_START: Final = (
    "command -v timeout >/dev/null || { echo; echo visit=no-timeout; exit 1; }; "
    # An empty line first: a login shell may have printed something without an end.
    'echo; echo visit=ready; read -r limit; timeout -s KILL "$limit" sh -s; status=$?; '
    # What the shell started lives on where `timeout` ends one process and not its group (busybox).
    'if [ "$status" -eq 137 ]; then trap "" TERM; kill -TERM 0; kill -CONT 0; fi; exit "$status"'
)
# The login shell of the ssh user may be any; the texts are written for a POSIX one.
_AS_USER: Final = f"exec sh -c {shlex.quote(_START)}"
# A user who is not root may be allowed to become root; without a password, since nobody is there to type one.
_BECOME_ROOT: Final = 'if [ "$(id -u)" -eq 0 ]; then exec sh -c "$0"; else exec sudo -n sh -c "$0"; fi'
_AS_ROOT: Final = f"exec sh -c {shlex.quote(_BECOME_ROOT)} {shlex.quote(_START)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class VisitResult:
    """How a text ended on a host."""

    status: int
    """The exit status of the shell."""
    stdout: str
    stderr: str


def visit(connection: HostConnection, text: str, *, timeout: float, as_root: bool = False) -> VisitResult:
    """Run POSIX shell text on the host.

    Args:
        connection: The host.
        text: What a POSIX shell reads. Its variable `visit_seconds` is the time that it has.
        timeout: Seconds for all of it, the connection included.
        as_root: Run it as root: as the ssh user where that is root, else by sudo without a password.

    Raises:
        HostUnreachableError: ssh failed or cannot be started, or the host was not ready in time. Then nothing was sent.
        HostError: The time was over on the host; or the host has no `timeout`.
    """
    start = time.monotonic()
    command = [*connection.command, _AS_ROOT if as_root else _AS_USER]
    # Standard error is a file: the background process of a shared connection may keep a pipe open (`ssh_process.run`).
    with tempfile.TemporaryFile() as complaints:
        process = ssh_process.start(connection.name, command, stderr=complaints)
        try:
            stdout, sent, failure = _run(process, connection.environment + text, start + timeout)
        finally:
            ssh_process.end(process)
        complaints.seek(0)
        stderr = complaints.read().decode(errors="replace")
    if failure is _Failure.NOT_READY:
        raise connection_failure(connection.name, f"no answer within {timeout:g} seconds")
    if failure is _Failure.SILENT:
        raise _too_long(
            connection.name,
            f"nothing was heard of it for more than {timeout:g} seconds",
            "the host ends by itself what was asked of it; what was done until then stays done",
        )
    if process.returncode == SSH_FAILED:
        raise connection_failure(connection.name, stderr)
    if _NO_TIMEOUT in stdout.splitlines():
        raise HostError.on(
            connection.name,
            TOOL_MISSING,
            problem="it has no `timeout`, without which nothing can be ended there in time",
            effect="nothing was done on the host",
            fix="install coreutils on the host (busybox has it too)",
        )
    if process.returncode == _KILLED and sent:
        raise _too_long(
            connection.name,
            f"what was asked of it took more than {timeout:g} seconds, and was ended there",
            "what was done until then stays done, and Docker may still do what it was asked last",
        )
    return VisitResult(status=process.returncode, stdout=stdout.decode(errors="replace"), stderr=stderr)


class _Failure(Enum):
    NOT_READY = auto()
    """The time was over before anything was sent."""
    SILENT = auto()
    """The host did not report in time."""


def _run(process: subprocess.Popen[bytes], text: str, end: float) -> tuple[bytes, bool, _Failure | None]:
    """Return what was printed, whether the text was sent, and whether a time limit was reached here."""
    stdout, ready = _wait_until_ready(process, end)
    if ready is None:
        return stdout, False, _Failure.NOT_READY
    seconds = max(1, math.ceil(end - time.monotonic()))
    # The remote shell reads the whole group before it runs it. A command that reads its standard input finds it empty. No
    # subshell: `kill $$` in it would end its parent alone.
    sent = f"{seconds}\nvisit_seconds={seconds}\n{{\n{text}\n}} </dev/null\n" if ready else ""
    try:
        more, _ = process.communicate(sent.encode(), timeout=seconds + GRACE_SECONDS)
    except subprocess.TimeoutExpired:
        return stdout, ready, _Failure.SILENT
    return stdout + more, ready, None


def _wait_until_ready(process: subprocess.Popen[bytes], end: float) -> tuple[bytes, bool | None]:
    """Return what the host printed before it was ready, and whether it is; None when the time was over.

    A host that is not ready is one whose shell ended: it says why on one of its streams.
    """
    if process.stdout is None:
        raise ValueError("its standard output is no pipe")
    printed = b""
    while select.select([process.stdout], [], [], max(0.0, end - time.monotonic()))[0]:
        # The host prints nothing after that line until it has read.
        chunk = os.read(process.stdout.fileno(), 65536)
        printed += chunk
        lines = printed.splitlines(keepends=True)
        if any(line.strip() == _READY for line in lines):
            return b"".join(line for line in lines if line.strip() != _READY), True
        if not chunk:
            return printed, False
    return printed, None


def _too_long(host: str, problem: str, effect: str) -> HostError:
    return HostError.on(
        host,
        VISIT_TOO_LONG,
        problem=problem,
        effect=effect,
        fix="see on the host what hangs (`systemctl status docker`, `uptime`), then run the command again",
    )
