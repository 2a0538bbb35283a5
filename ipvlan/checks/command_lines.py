"""Command lines that a person can copy from a message into a shell."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from typing import TYPE_CHECKING

from ipvlan.config.docker_socket import DEFAULT_SOCKET

if TYPE_CHECKING:
    from ipvlan.plan.model import HostPlan


def ssh_line(arguments: Sequence[str], text: str) -> str:
    """Return the command that runs the shell text `text` on the host that ssh reaches with `arguments` (`SshTarget.arguments`)."""
    return shlex.join(["ssh", *arguments, text])


def host_line(host: HostPlan, text: str) -> str:
    """Return the command that runs the shell text `text` on a host of the plan."""
    if host.docker_socket != DEFAULT_SOCKET and "docker" in text:
        text = f"export DOCKER_HOST=unix://{host.docker_socket}; {text}"
    return ssh_line(host.ssh.arguments, text)


def heal_line(stack: str, host: str, service: str | None = None) -> str:
    """Return the command that repairs one host, or one service on it."""
    return shlex.join(
        ["ipvlan", "--stack", stack, "heal", "--host", host, *(["--service", service] if service is not None else [])]
    )
