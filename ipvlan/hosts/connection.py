"""The connection to one host: created once per host, and handed down to whatever works there.

Out of scope: OpenSSH's options and the reading of its failures (`ipvlan.hosts.ssh`), connections that stay open
(`ipvlan.hosts.session`), and the text that runs on a host (`ipvlan.hosts.script`).
"""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ipvlan.config.docker_socket import DEFAULT_SOCKET
from ipvlan.hosts import ssh_process
from ipvlan.hosts.ssh import DOCKER_HOST_OPTION, SSH_FAILED, connection_failure, ssh_command, ssh_options

if TYPE_CHECKING:
    import subprocess

    from ipvlan.plan.model import HostPlan, SshPlan


@dataclass(frozen=True, slots=True, kw_only=True)
class HostConnection:
    """How one host is reached, and what must be known of it to work there."""

    name: str
    """The host's name in the plan."""
    command: tuple[str, ...]
    """An ssh command to which remote text is appended (see `ipvlan.hosts.ssh.ssh_command`)."""
    options: tuple[str, ...] = ()
    """The options in that command (`-o`, `Name=value`, ...), as the docker provider takes them; empty where nothing needs them."""
    parent: str = ""
    """The NIC that carries the fabric on the host; empty where the work there does not need it."""
    shim: str = ""
    """Name of the host's own link on the parent; empty where none is planned."""

    @property
    def docker_socket(self) -> str:
        """Where Docker listens on the host, as the command has it."""
        moved = (text.removeprefix(DOCKER_HOST_OPTION) for text in self.command if text.startswith(DOCKER_HOST_OPTION))
        return next(moved, DEFAULT_SOCKET)

    @property
    def environment(self) -> str:
        """POSIX shell text to put before whatever runs Docker's command line on the host; empty for the usual socket."""
        socket = self.docker_socket
        return "" if socket == DEFAULT_SOCKET else f"export DOCKER_HOST=unix://{socket}\n"


def connection_to(host: HostPlan, ssh: SshPlan) -> HostConnection:
    """Return the connection to a host of the plan."""
    shim = "" if host.shim is None else host.shim.link
    options = ssh_options(host, ssh)
    return HostConnection(
        name=host.name, command=ssh_command(host, options), options=options, parent=host.parent, shim=shim
    )


def run_on_host(
    connection: HostConnection, text: str, *, timeout: float, stdin: str = ""
) -> subprocess.CompletedProcess[str]:
    """Run a command line on the host, in the login shell of its ssh user.

    Args:
        connection: The host.
        text: The command line. POSIX shell text belongs in a script: see `ipvlan.hosts.script.run_script`.
        timeout: Seconds for all of it.
        stdin: What the command reads from its standard input.

    Returns:
        Output and exit status; what is no UTF-8 in the output is replaced. The caller reads from the status whether the command
        failed.

    Raises:
        HostUnreachableError: ssh failed or cannot be started, or the time is over.
    """
    if connection.environment:
        # The login shell may be any.
        text = f"exec sh -c {shlex.quote(connection.environment + text)}"
    command = [*connection.command, text]
    completed = ssh_process.run(connection.name, command, stdin=stdin.encode(errors="replace"), timeout=timeout)
    if completed.returncode == SSH_FAILED:
        raise connection_failure(connection.name, completed.stderr)
    return completed
