"""The content of a lab host: packages, files, disabled units. Text only: `hostimage` builds it, and its hash names the cache entry.

A host is a plain Debian server with Docker Engine. These are left out, because the fabric does not depend on them and an emulated
CPU pays for them at every login or container start: PAM in sshd (half of a login, 0.6 of 1.2 processor seconds) and with it
libpam-systemd (a user manager per login), AppArmor, man pages and translations, the daily apt and disk timers.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass

from lab.engines import ENGINES
from lab.settings import (
    CLIENT_ADDRESS,
    INTERNET_ADDRESS,
    LAN,
    REGISTRY,
    REGISTRY_ADDRESS,
    REGISTRY_NAME,
    ROLES,
    ROUTER_ADDRESS,
    HostRole,
)

_PACKAGES = """
    docker.io iptables nftables openssh-server systemd-sysv dbus udev iproute2 iputils-ping iputils-arping curl kmod
    ca-certificates linux-image-cloud-amd64 initramfs-tools procps tcpdump ethtool python3-requests
""".split()  # noqa: SIM905  # one list of names; Ansible needs python3-requests on a host (bench/)
_EXTRA_PACKAGES = {"bookworm": [], "trixie": ["docker-cli"], "forky": ["docker-cli"]}
"""In bookworm the package docker.io includes the command-line client."""
_MASKED_UNITS = """
    apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer e2scrub_all.timer e2scrub_reap.service fstrim.timer
    getty@tty1.service systemd-pstore.service
""".split()  # noqa: SIM905  # one list of names
_LEFT_OUT = ("/usr/share/man/*", "/usr/share/locale/*", "/usr/share/doc/*", "/usr/share/info/*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """All that decides the content of the disks of one suite's hosts, except the versions in the archive and the host keys."""

    suite: str
    """Of Debian."""
    packages: tuple[str, ...]
    left_out: tuple[str, ...]
    """Paths that dpkg does not unpack."""
    files: dict[str, str]
    """Path -> text, the same on both hosts."""
    role_files: dict[str, dict[str, str]]
    """Host name -> path -> text."""
    masked_units: tuple[str, ...]
    enabled_units: tuple[str, ...]
    disk: str
    """Size of the disk, in the notation of qemu-img and truncate."""
    engine: str | None
    """The key of the Docker that is laid over the packages' (lab.engines), or None: theirs stays."""

    @property
    def key(self) -> str:
        """A short hash of all fields; an engine that there is not does not count, so it was the same before there were any."""
        fields = {name: value for name, value in asdict(self).items() if name != "engine" or value is not None}
        return hashlib.sha256(json.dumps(fields, sort_keys=True).encode()).hexdigest()[:12]


def recipe(suite: str, public_key: str) -> Recipe:
    """Return the recipe of a suite's two hosts, for a client that logs in with `public_key` (one line of OpenSSH)."""
    engine = ENGINES.get(suite)
    debian = engine.debian if engine else suite
    names = [f"{host.address} {host.name}" for host in ROLES]
    return Recipe(
        suite=debian,
        packages=tuple(_PACKAGES + _EXTRA_PACKAGES[debian]),
        left_out=_LEFT_OUT,
        files={
            "/etc/hosts": "\n".join(
                [
                    "127.0.0.1 localhost",
                    "::1 localhost ip6-localhost ip6-loopback",
                    *names,
                    f"{REGISTRY_ADDRESS} {REGISTRY_NAME}",
                    f"{CLIENT_ADDRESS} client",
                    "",
                ]
            ),
            "/etc/resolv.conf": f"nameserver {INTERNET_ADDRESS}\n",
            "/etc/fstab": "/dev/vda / ext4 defaults 0 1\n",
            "/etc/docker/daemon.json": json.dumps({"insecure-registries": [REGISTRY]}, indent=2) + "\n",
            "/etc/ssh/sshd_config.d/lab.conf": "HostKey /etc/ssh/ssh_host_ed25519_key\nPasswordAuthentication no\nUsePAM no\n",
            "/root/.ssh/authorized_keys": public_key,
        },
        role_files={host.name: _role_files(host) for host in ROLES},
        masked_units=tuple(_MASKED_UNITS),
        enabled_units=("systemd-networkd.service", "docker.service", "ssh.service"),
        disk="4G",
        engine=engine.key if engine else None,
    )


def _role_files(host: HostRole) -> dict[str, str]:
    machine_id = hashlib.sha256(f"ipvlan-fabric lab {host.name}".encode()).hexdigest()[:32]
    return {
        "/etc/hostname": f"{host.name}\n",
        "/etc/machine-id": f"{machine_id}\n",
        # By the permanent address: an ipvlan link has its parent's address and must not match.
        "/etc/systemd/network/10-ens33.link": f"[Match]\nPermanentMACAddress={host.mac}\n\n[Link]\nName=ens33\n",
        "/etc/systemd/network/10-ens33.network": (
            "[Match]\nName=ens33\n\n"
            f"[Network]\nAddress={host.address}/{LAN.prefixlen}\nGateway={ROUTER_ADDRESS}\n"
            "LinkLocalAddressing=no\nIPv6AcceptRA=no\n"
        ),
    }
