"""OpenSSH: the options that every connection of the project has, and what a failure of ssh means.

The options: host keys are always checked, nothing prompts, everything has a time limit, and one connection per host is shared.

Out of scope: users, keys, jump hosts and aliases, which stay in the user's own ~/.ssh/config; and what runs on a host.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ipvlan.hosts.errors import HOST_UNREACHABLE, HostUnreachableError

if TYPE_CHECKING:
    from ipvlan.plan.model import HostPlan, SshPlan

SSH_FAILED: Final = 255
"""ssh's exit status for a failure of its own, not of the remote command (ssh(1), EXIT STATUS)."""

SHARED_CONNECTION_SECONDS: Final = 120
"""How long an unused shared connection stays open."""

ALIVE_PROBES: Final = 3
"""A host that stops answering is given up after this many probes."""

ALIVE_SECONDS: Final = 5
"""Time between two of them."""


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
    if ssh.shared_connection:
        options += [
            "ControlMaster=auto",
            # In the user's own folder: a socket in a shared one could belong to another user.
            "ControlPath=~/.ssh/ipvlan-fabric-%C",
            f"ControlPersist={SHARED_CONNECTION_SECONDS}",
        ]
    return tuple(argument for option in options for argument in ("-o", option))


def ssh_command(host: HostPlan, options: Sequence[str]) -> tuple[str, ...]:
    """Return the arguments of an ssh that reaches `host` with these options; append the text of the remote command."""
    return ("ssh", *options, "-T", *host.ssh.arguments)


def prepare_shared_connections() -> None:
    """Create ~/.ssh if it is missing: the shared connections have their sockets there, and ssh does not create it."""
    Path("~/.ssh").expanduser().mkdir(mode=0o700, exist_ok=True)


def connection_failure(host: str, stderr: str) -> HostUnreachableError:
    """Return why ssh did not reach `host` and how to fix it, from what ssh printed."""
    reply = " ".join(line.strip() for line in stderr.splitlines() if line.strip() and not line.startswith("@@"))
    key = f"ipvlan-fabric:hosts.{host}"
    effect = "nothing more is done on it; what was done stays done"
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
