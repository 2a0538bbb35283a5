"""How a host is reached: OpenSSH's own client, with the options that every connection of the project shares.

Owns: the options (host keys always checked, no prompt, a time limit, one shared connection per host), and how its failures
are read. Leaves alone: users, keys, jump hosts and aliases, which stay in the user's own ~/.ssh/config, and what is run there.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from ipvlan.plan.model import HostPlan, SshPlan

#: ssh's exit status for a failure of its own, as apart from the command's (ssh(1), EXIT STATUS).
SSH_FAILED: Final = 255

#: Seconds that an unused shared connection stays open.
SHARED_CONNECTION_SECONDS: Final = 120

#: A host that stops answering is given up after this many probes, ALIVE_SECONDS apart.
ALIVE_PROBES: Final = 3
ALIVE_SECONDS: Final = 5


def ssh_options(host: HostPlan, ssh: SshPlan) -> tuple[str, ...]:
    """Return OpenSSH's options for `host` as separate arguments (`-o`, `Name=value`, ...).

    The docker provider takes the same list as `ssh_opts`. Nothing in it depends on the machine that runs it, so that the
    state of a stack is the same from every operator's machine and from CI.

    A pinned `host_key` is given by `KnownHostsCommand` (OpenSSH 8.5): no file to write, none to go stale. Without one, the
    user's known_hosts decides; an unknown key is refused either way. ssh_config(5): the first value of an option wins, so
    these stand before what the user's own configuration says.
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
            # In the user's own folder: a socket in a shared one could be somebody else's.
            "ControlPath=~/.ssh/ipvlan-fabric-%C",
            f"ControlPersist={SHARED_CONNECTION_SECONDS}",
        ]
    return tuple(argument for option in options for argument in ("-o", option))


def ssh_command(host: HostPlan, options: Sequence[str]) -> tuple[str, ...]:
    """Return the arguments of an ssh that reaches `host` with these options; append the text of the remote command."""
    return ("ssh", *options, "-T", *host.ssh.arguments)


def prepare_shared_connections() -> None:
    """Make ~/.ssh, where the shared connections have their sockets, if it is missing; ssh itself does not."""
    Path("~/.ssh").expanduser().mkdir(mode=0o700, exist_ok=True)


def explain_failure(host: str, stderr: str) -> str:
    """Say in one paragraph why ssh did not reach `host`, and how to fix it, from what ssh itself said."""
    said = (
        " ".join(line.strip() for line in stderr.splitlines() if line.strip() and not line.startswith("@@"))
        or "no reason given"
    )
    key = f"ipvlan-fabric:hosts.{host}"
    if "host key" in stderr.lower() or "HOST IDENTIFICATION" in stderr:
        fix = (
            f"The host's key is not the expected one, so nothing was sent to it. Compare it on the host "
            f"(`ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub`), then set {key}.host_key or fix ~/.ssh/known_hosts"
        )
    elif "permission denied" in stderr.lower():
        fix = (
            f"The host refused the key that was offered. Put your public key into its authorized_keys, load the key into the "
            f"agent, or set another user in {key}.ssh"
        )
    else:
        fix = f"Bring the host back or fix {key}.address or {key}.ssh; then run the command again: what was done stays done"
    return f'host "{host}" cannot be reached over ssh: {said}. {fix}.'
