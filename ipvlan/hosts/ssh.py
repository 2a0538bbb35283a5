"""How a host is reached: OpenSSH's own client, with the options that every connection of the project shares.

Owns: the options (host keys always checked, no prompt, a time limit, one shared connection per host), and how its failures
are read. Leaves alone: users, keys, jump hosts and aliases, which stay in the user's own ~/.ssh/config, and what is run there.
"""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from ipvlan.plan.model import HostPlan, Plan, SshPlan

#: ssh's exit status for a failure of its own, as apart from the command's (ssh(1), EXIT STATUS).
SSH_FAILED: Final = 255

#: Seconds that an unused shared connection stays open.
SHARED_CONNECTION_SECONDS: Final = 120

#: A host that stops answering is given up after this many probes, ALIVE_SECONDS apart.
ALIVE_PROBES: Final = 3
ALIVE_SECONDS: Final = 5

# A hundred hosts are asked in two rounds, each with one ssh process of a few MB.
_PROBES_AT_ONCE: Final = 50


class HostError(Exception):
    """Something on a host, or on the way to it, is not as the plan needs it; the text names the host and how to fix it."""


class HostUnreachableError(HostError):
    """ssh itself failed: no connection, no accepted key, or a host key that is not the expected one."""


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


def ssh_command(host: HostPlan, ssh: SshPlan) -> tuple[str, ...]:
    """Return the arguments of an ssh that reaches `host`; append the text of the remote command."""
    return ("ssh", *ssh_options(host, ssh), "-T", *host.ssh.arguments)


def prepare_shared_connections() -> None:
    """Make ~/.ssh, where the shared connections have their sockets, if it is missing; ssh itself does not."""
    Path("~/.ssh").expanduser().mkdir(mode=0o700, exist_ok=True)


def unreachable(plan: Plan) -> dict[str, str]:
    """Ask all hosts at once whether ssh reaches them; return host name -> why not, for those that it does not.

    Takes at most the plan's connect timeout and a few seconds, however many hosts are silent.
    """

    def ask(host: HostPlan) -> str | None:
        try:
            run_on_host(host.name, ssh_command(host, plan.ssh), "exit 0", timeout=plan.ssh.connect_timeout + 5.0)
        except HostUnreachableError as error:
            return str(error)
        return None

    with ThreadPoolExecutor(max_workers=_PROBES_AT_ONCE) as pool:
        answers = zip(plan.hosts, pool.map(ask, plan.hosts), strict=True)
        return {host.name: reason for host, reason in answers if reason is not None}


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


def run_on_host(
    host: str, command: Sequence[str], text: str, *, timeout: float, stdin: str | None = None
) -> subprocess.CompletedProcess[str]:
    """Run the shell text `text` on `host` by `command` (see `ssh_command`) and return what it printed and its exit status.

    `timeout` is in seconds, for all of it. Raises HostUnreachableError when ssh failed or the time is over; a failure of the
    remote command itself is the caller's to read from the exit status.
    """
    try:
        done = subprocess.run(
            [*command, text], input=stdin or "", capture_output=True, text=True, timeout=timeout, check=False
        )
    except subprocess.TimeoutExpired:
        raise HostUnreachableError(explain_failure(host, f"no answer within {timeout:g} seconds")) from None
    if done.returncode == SSH_FAILED:
        raise HostUnreachableError(explain_failure(host, done.stderr))
    return done
