"""OpenSSH: the options that every connection of the project has, and what a failure of ssh means.

The options: host keys are always checked, nothing prompts, everything has a time limit, and one connection per host is shared.

Out of scope: users, keys, jump hosts and aliases, which stay in the user's own ~/.ssh/config; and what runs on a host.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from ipvlan.config.docker_socket import DEFAULT_SOCKET
from ipvlan.hosts.errors import HOST_UNREACHABLE, NO_SHARED_CONNECTION, SSH_NOT_STARTED, HostUnreachableError
from ipvlan.hosts.shared_connection import SHARING, obstacle, socket_path
from ipvlan.problems import Problem, ToolError

if TYPE_CHECKING:
    from ipvlan.plan.model import HostPlan, SshPlan

SSH_FAILED: Final = 255
"""ssh's exit status for a failure of its own, not of the remote command (ssh(1), EXIT STATUS)."""

_SHOWN_KEY: Final = re.compile(r"fingerprint for the ([A-Z0-9-]+) key sent by the remote host is\s+([A-Za-z0-9+/=:]+)")
"""In ssh's long warning of a changed host key. The rest of it is advice for a known_hosts file (OpenSSH, sshconnect.c)."""

SHARED_CONNECTION_SECONDS: Final = 120
"""How long an unused shared connection stays open."""

ALIVE_PROBES: Final = 3
"""A host that stops answering is given up after this many probes."""

ALIVE_SECONDS: Final = 5
"""Time between two of them."""


DOCKER_HOST_OPTION: Final = "SetEnv=DOCKER_HOST=unix://"
"""The option with the path of a Docker socket that is not the usual one. Most ssh servers do not take the variable over
(sshd_config(5), AcceptEnv), so the texts that run on a host set it too. It is in the command so that whoever has the command has
the socket: the plugin, the check of a host, a delete."""


def ssh_options(host: HostPlan, ssh: SshPlan) -> tuple[str, ...]:
    """Return OpenSSH's options for `host` as separate arguments (`-o`, `Name=value`, ...).

    The docker provider takes the same list as `ssh_opts`. Nothing in it depends on the machine that runs it, so the state of
    a stack is the same from every operator's machine and from CI.

    A pinned `host_key` is passed by `KnownHostsCommand` (OpenSSH 8.5): there is no file to write, and none to go stale.
    Without one the user's known_hosts decides. An unknown key is always refused. The first value of an option wins
    (ssh_config(5)), so these come before the user's own configuration.
    """
    options = [
        "BatchMode=yes",
        "StrictHostKeyChecking=yes",
        f"ConnectTimeout={ssh.connect_timeout}",
        f"ServerAliveInterval={ALIVE_SECONDS}",
        f"ServerAliveCountMax={ALIVE_PROBES}",
    ]
    if host.host_key is not None:
        options += [
            f"KnownHostsCommand=/bin/echo %H {host.host_key}",
            "UserKnownHostsFile=/dev/null",
            "GlobalKnownHostsFile=/dev/null",
        ]
    if host.docker_socket != DEFAULT_SOCKET:
        options.append(f"{DOCKER_HOST_OPTION}{host.docker_socket}")
    if ssh.shared_connection:
        options += [
            SHARING,
            f"ControlPath={socket_path(host)}",
            f"ControlPersist={SHARED_CONNECTION_SECONDS}",
        ]
    return tuple(argument for option in options for argument in ("-o", option))


def ssh_command(host: HostPlan, options: Sequence[str]) -> tuple[str, ...]:
    """Return the arguments of an ssh that reaches `host` with these options; append the text of the remote command."""
    return ("ssh", *options, "-T", *host.ssh.arguments)


def require_ssh() -> None:
    """Raise ToolError where this machine has no ssh: one sentence, and not one per host."""
    if shutil.which("ssh") is None:
        raise ToolError(
            [
                Problem(
                    code=SSH_NOT_STARTED,
                    key="ssh",
                    value="",
                    problem="there is no `ssh` on PATH",
                    effect="no host can be reached, and nothing was changed on any",
                    fix="install the OpenSSH client, then run the command again",
                )
            ]
        )


def require_connections(ssh: SshPlan) -> None:
    """Raise ToolError where the docker provider could not open the plan's connections from this machine.

    It starts ssh itself, with the options in the stack's state: unlike this program it cannot go on without sharing.
    """
    require_ssh()
    reason = obstacle() if ssh.shared_connection else ""
    if reason:
        raise ToolError(
            [
                Problem(
                    code=NO_SHARED_CONNECTION,
                    key="ipvlan-fabric:ssh.shared_connection",
                    value="true",
                    problem=f"this machine cannot share ssh connections: {reason}",
                    effect="ssh would refuse every connection of the docker provider, so nothing was changed",
                    fix="let ~/.ssh be a folder that only you can write to, or set ipvlan-fabric:ssh: {shared_connection: false}",
                )
            ]
        )


def connection_failure(host: str, stderr: str) -> HostUnreachableError:
    """Return why ssh did not reach `host` and how to fix it, from what ssh printed."""
    lines = [line.strip() for line in stderr.splitlines() if not line.startswith("@")]
    reply = " ".join(line for line in lines if line)
    key = f"ipvlan-fabric:hosts.{host}"
    effect = "nothing more is done on it; what was done stays done"
    shown = _SHOWN_KEY.search(stderr)
    if shown:
        reply = f"its host key is not the expected one, it showed the {shown[1]} key {shown[2]}"
    if "host key" in stderr.lower() or "HOST IDENTIFICATION" in stderr:
        effect = "the host's key is not the expected one, so nothing was sent to it"
        fix = (
            f"compare the key on the host (`ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub`), then set {key}.host_key or "
            f"fix ~/.ssh/known_hosts"
        )
    elif "permission denied" in stderr.lower():
        fix = (
            f"the host refused the key that was offered: put your public key into its authorized_keys, load the key into the "
            f"agent, or set another user in {key}.ssh"
        )
    else:
        fix = f"bring the host back, or fix {key}.address or {key}.ssh; then run the command again"
    return HostUnreachableError.on(
        host,
        HOST_UNREACHABLE,
        problem=f"it cannot be reached over ssh: {reply or 'no reason given'}",
        effect=effect,
        fix=fix,
    )
