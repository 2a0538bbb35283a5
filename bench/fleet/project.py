"""The stack of a fleet: its config, its project folder, and the ssh settings of the user who works on it."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any, Final

import yaml

from bench.fleet.tools import PARENT
from bench.project import ROOT, link_program

STACK: Final = "fleet"
HOSTS_NETWORK: Final = IPv4Network("10.200.0.0/17")
FABRIC: Final = IPv4Network("10.64.0.0/10")
GATEWAY: Final = FABRIC.network_address + 1
HOST_PORT: Final = 8080
"""Where each host publishes the service `web`."""
SERVICES: Final[dict[str, dict[str, Any]]] = {
    "web": {"offset": 1, "ports": [f"{HOST_PORT}:80"], "published": True},
    "api": {"offset": 2, "environment": {"LEVEL": "info"}},
    "worker": {"offset": 3, "command": ["/bin/work"]},
}
"""What runs on every host."""

_IMAGE: Final = "registry.example/{}@sha256:{}"
_SSH_CONFIG: Final = """\
Host *
  User root
  IdentityFile {folder}/ssh/id_ed25519
  IdentitiesOnly yes
  StrictHostKeyChecking yes
"""


def addresses(count: int) -> dict[str, str]:
    """Return address -> name of so many hosts."""
    first = HOSTS_NETWORK.network_address + 256
    return {str(first + number): f"host-{number + 1}" for number in range(count)}


def config(count: int) -> dict[str, Any]:
    """Return the config of a stack with so many hosts, each with all of SERVICES."""
    slices = FABRIC.subnets(new_prefix=24)
    next(slices)
    return {
        "pulumi:disable-default-providers": ["docker"],
        "ipvlan-fabric:fabric": {"name": "fleet", "mode": "l2", "subnet": str(FABRIC), "gateway": str(GATEWAY)},
        "ipvlan-fabric:hosts": {
            name: {"address": address, "parent": PARENT, "slice": str(next(slices))}
            for address, name in addresses(count).items()
        },
        "ipvlan-fabric:services": {
            name: {"image": _IMAGE.format(name, f"{number:064x}"), **settings}
            for number, (name, settings) in enumerate(SERVICES.items(), 1)
        },
    }


def write_project(folder: Path, count: int) -> Path:
    """Write the project of a stack with so many hosts below `folder` and return its folder."""
    project = folder / "project"
    project.mkdir()
    link_program(project)
    write_stack(project, count)
    return project


def write_stack(project: Path, count: int) -> None:
    """Write the config of a stack with so many hosts; what pulumi itself keeps in that file stays."""
    file = project / f"Pulumi.{STACK}.yaml"
    content = yaml.safe_load(file.read_text(encoding="utf-8")) if file.exists() else {}
    file.write_text(yaml.safe_dump({**content, "config": config(count)}), encoding="utf-8")


def write_ssh(folder: Path, key_exchange: str) -> None:
    """Write the keys of the user and of the hosts, and what the user's ssh and the hosts' sshd read.

    With a `key_exchange` the user's ssh offers that alone (ssh_config(5), KexAlgorithms); else what it offers by default.

    All hosts have one key: what is measured does not depend on it, and ssh checks it at each connection all the same.
    """
    ssh = folder / "ssh"
    ssh.mkdir(mode=0o700)
    for key in (ssh / "id_ed25519", folder / "host_key"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], check=True, timeout=20)
    kind, key_text, *_ = (folder / "host_key.pub").read_text(encoding="utf-8").split()
    pattern = f"{HOSTS_NETWORK.network_address.exploded.rpartition('.0.0')[0]}.*"
    (ssh / "known_hosts").write_text(f"{pattern} {kind} {key_text}\n", encoding="utf-8")
    offered = f"  KexAlgorithms {key_exchange}\n" if key_exchange else ""
    (ssh / "config").write_text(_SSH_CONFIG.format(folder=folder) + offered, encoding="utf-8")
    (folder / "authorized_keys").write_bytes((ssh / "id_ed25519.pub").read_bytes())
    (folder / "sshd_config").write_text(
        f"HostKey {folder}/host_key\nAuthorizedKeysFile {folder}/authorized_keys\nStrictModes no\nUsePAM no\n"
        f"PermitRootLogin yes\nUseDNS no\nPrintMotd no\nLogLevel ERROR\n"
        f"SetEnv PATH={folder}/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\n",
        encoding="utf-8",
    )


def environment(folder: Path) -> dict[str, str]:
    """Return the environment of the commands: the toolchain's, a backend in the folder, no Docker settings."""
    toolchain = subprocess.run(
        ["bash", "-c", 'exports=$("$1") && eval "$exports" && exec env -0', "fleet", ROOT / "toolchain" / "env"],
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    pairs = (pair.partition("=") for pair in toolchain.stdout.split("\0") if "=" in pair)
    result = {name: value for name, _, value in pairs} if toolchain.returncode == 0 else dict(os.environ)
    result = {name: value for name, value in result.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return {
        **result,
        "PATH": f"{ROOT / '.venv' / 'bin'}:{result.get('PATH', os.defpath)}",
        "PYTHONPATH": str(ROOT),
        "PULUMI_BACKEND_URL": f"file://{folder}/backend",
        "PULUMI_CREDENTIALS_PATH": str(folder / "credentials"),
        "PULUMI_CONFIG_PASSPHRASE": STACK,
        "PULUMI_SKIP_UPDATE_CHECK": "true",
        "TMPDIR": str(folder / "tmp"),
    }


def chosen(names: Sequence[str], count: int, *, offset: int) -> list[str]:
    """Return `count` of the names, spread evenly, begun at `offset`: so two kinds of failure meet different hosts."""
    if not count:
        return []
    step = max(1, len(names) // count)
    return [names[(number * step + offset) % len(names)] for number in range(count)]
