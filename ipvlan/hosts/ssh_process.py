"""ssh as a process of this machine: how it is started, limited in time, and ended with everything that it started.

Every process has a session and a process group of its own. So a proxy command ends with its ssh, and nothing asks at the terminal.
A shared connection that ssh leaves in the background has left that group, and stays.

Out of scope: ssh's options (`ipvlan.hosts.ssh`), and what runs on a host.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import tempfile
from collections.abc import Sequence
from typing import IO

from ipvlan.hosts.errors import SSH_NOT_STARTED, HostUnreachableError
from ipvlan.hosts.shared_connection import on_this_machine
from ipvlan.hosts.ssh import connection_failure


def start(host: str, command: Sequence[str], *, stderr: int | IO[bytes] = subprocess.PIPE) -> subprocess.Popen[bytes]:
    """Start an ssh command of `host`, as this machine can run it, with pipes to its standard input and output.

    Raises:
        HostUnreachableError: The command cannot be started.
    """
    try:
        return subprocess.Popen(
            on_this_machine(command),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=stderr,
            start_new_session=True,
        )
    except (OSError, ValueError) as error:
        raise not_started(host, command[0], error) from None


def run(host: str, command: Sequence[str], *, stdin: bytes, timeout: float) -> subprocess.CompletedProcess[str]:
    """Run an ssh command of `host` to its end and return its output; what is no UTF-8 in it is replaced.

    Args:
        host: The host's name.
        command: The command with its arguments.
        stdin: What it reads from its standard input.
        timeout: Seconds. After that it is ended, with everything that it started here.

    Raises:
        HostUnreachableError: The command cannot be started, or the time is over.
    """
    try:
        # Standard error is a file: the background process of a shared connection keeps it open (OpenSSH before 8.5), and a pipe
        # would end only with that process.
        with tempfile.TemporaryFile() as errors:
            process = start(host, command, stderr=errors)
            try:
                output, _ = process.communicate(stdin, timeout)
            except subprocess.TimeoutExpired:
                raise connection_failure(host, f"no answer within {timeout:g} seconds") from None
            finally:
                end(process)
            errors.seek(0)
            stderr = errors.read().decode(errors="replace")
    except OSError as error:
        raise not_started(host, command[0], error) from None
    return subprocess.CompletedProcess(list(command), process.returncode, output.decode(errors="replace"), stderr)


def end(process: subprocess.Popen[bytes]) -> None:
    """End the process by force, with everything that it started here; where it has ended, close its pipes alone."""
    if process.poll() is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    for pipe in (process.stdin, process.stdout, process.stderr):
        if pipe is not None:
            with contextlib.suppress(BrokenPipeError):
                pipe.close()


def not_started(host: str, program: str, error: OSError | ValueError) -> HostUnreachableError:
    """Return why ssh could not be started for `host`."""
    if isinstance(error, FileNotFoundError) and error.filename == program:
        problem, fix = f"there is no `{program}` on PATH", "install the OpenSSH client"
    else:
        reason = (error.strerror if isinstance(error, OSError) else "") or str(error)
        problem, fix = f"`{program}` cannot be started on this machine: {reason}", f"let this user run `{program} -V`"
    return HostUnreachableError.on(
        host,
        SSH_NOT_STARTED,
        problem=problem,
        effect="the host was not asked, and nothing was changed on it",
        fix=f"{fix}; then run the command again",
    )
