"""The client: the network namespace from which the hosts are reached, its ssh folder, its environment.

A command runs there in a mount namespace of its own, with the lab's ssh folder mounted over the user's `~/.ssh` and the lab's
names over `/etc/hosts`. So plain `ssh root@192.168.140.200` works, host keys are pinned, and two labs are independent.
"""

from __future__ import annotations

import os
import pwd
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from lab.identity import client_key
from lab.run import attempt
from lab.settings import (
    CHECKOUT,
    CLIENT_ADDRESS,
    INTERNET_ADDRESS,
    INTERNET_NAME,
    REGISTRY_ADDRESS,
    REGISTRY_NAME,
    ROLES,
    ROUTER_ADDRESS,
)

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Mapping, Sequence

    from lab.settings import Settings

STACK = "dev"
# Stack dev is this disposable lab and protects nothing; its passphrase must match the salt in the committed Pulumi.dev.yaml.
_PASSPHRASE = "lab"  # noqa: S105
_SSH_CONFIG = """\
{aliases}Host 192.168.140.*
  User root
  IdentityFile ~/.ssh/id_ed25519
  IdentitiesOnly yes
  StrictHostKeyChecking yes
  UserKnownHostsFile ~/.ssh/known_hosts
  ConnectTimeout 10
"""
_ENTER = """\
set -e
mount --bind "$1" "$2"
mount --bind "$3" /etc/hosts
shift 3
exec "$@"
"""


def prepare(settings: Settings, host_keys: Mapping[str, str]) -> None:
    """Write the ssh folder, names, backend and passphrase of the lab; `host_keys` maps host name to `type key`."""
    folder = settings.state / "ssh"
    folder.mkdir(mode=0o700, exist_ok=True)
    key = client_key(settings)
    for source in (key, key.with_suffix(".pub")):
        shutil.copy2(source, folder / source.name)
    aliases = "".join(f"Host {host.name}\n  HostName {host.address}\n" for host in ROLES)
    _write(folder / "config", _SSH_CONFIG.format(aliases=aliases))
    _write(folder / "known_hosts", "".join(f"{h.name},{h.address} {host_keys[h.name]}\n" for h in ROLES))
    names = [
        ("127.0.0.1", f"localhost {os.uname().nodename}"),
        ("::1", "localhost"),
        *[(host.address, host.name) for host in ROLES],
        (ROUTER_ADDRESS, "router"),
        (REGISTRY_ADDRESS, REGISTRY_NAME),
        (CLIENT_ADDRESS, "client"),
        (INTERNET_ADDRESS, INTERNET_NAME),
    ]
    (settings.state / "hosts").write_text("".join(f"{address} {name}\n" for address, name in names), encoding="utf-8")
    (settings.state / "backend").mkdir(exist_ok=True)
    _write(settings.state / "passphrase", _PASSPHRASE)


def command(settings: Settings, argv: Sequence[str]) -> list[str]:
    """Return the command that runs `argv` in the client."""
    home = _home() / ".ssh"
    home.mkdir(mode=0o700, exist_ok=True)
    return [
        "ip", "netns", "exec", settings.namespace("client"),
        "sh", "-c", _ENTER, "lab", str(settings.state / "ssh"), str(home), str(settings.state / "hosts"), *argv,
    ]  # fmt: skip


def ssh(settings: Settings, host: str, line: str, *, limit: float = 60.0) -> subprocess.CompletedProcess[str]:
    """Run a shell line on a host over ssh; any exit status is fine (255: the host was not reached).

    Raises:
        LabError: It has not ended after `limit` seconds.
    """
    return attempt(command(settings, ["ssh", "-o", "BatchMode=yes", f"root@{host}", line]), limit=limit)


def environment(settings: Settings) -> dict[str, str]:
    """Return the environment of commands in the client: the toolchain's if there is one, the lab's stack, no Docker settings."""
    result = dict(os.environ)
    toolchain = CHECKOUT / "toolchain" / "env"
    if os.access(toolchain, os.X_OK):
        done = attempt(["bash", "-c", 'exports=$("$1") && eval "$exports" && exec env -0', "lab", toolchain], limit=30)
        if done.returncode == 0:
            result = dict(pair.split("=", 1) for pair in done.stdout.split("\0") if "=" in pair)
    # Without compiled modules next to the sources every process would compile the program again, up to 0.2 s each.
    for name in [name for name in result if name.startswith("DOCKER_") or name == "PYTHONDONTWRITEBYTECODE"]:
        del result[name]
    result.update(
        PULUMI_BACKEND_URL=f"file://{settings.state / 'backend'}",
        PULUMI_CONFIG_PASSPHRASE_FILE=str(settings.state / "passphrase"),
        PULUMI_STACK=STACK,
        PULUMI_SKIP_UPDATE_CHECK="true",
        LAB_NAME=settings.name,
    )
    result.pop("PULUMI_CONFIG_PASSPHRASE", None)
    if (CHECKOUT / ".venv" / "bin").is_dir():
        result["PATH"] = f"{CHECKOUT / '.venv' / 'bin'}:{result.get('PATH', os.defpath)}"
    return result


def _home() -> Path:
    # OpenSSH takes the home folder from the account, not from HOME.
    return Path(pwd.getpwuid(os.getuid()).pw_dir)


def _write(path: Path, text: str) -> None:
    path.touch(mode=0o600)
    path.write_text(text, encoding="utf-8")
