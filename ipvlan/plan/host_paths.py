"""What a container may do by a path or a device of its host.

Paths are judged by their names: a link on the host can lead elsewhere, and no file says so.

Out of scope: all other keys of a service (`ipvlan.plan.powers`).
"""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass
from typing import Final, Literal

from ipvlan.config.docker_socket import DEFAULT_SOCKET
from ipvlan.config.types.devices import DeviceMap
from ipvlan.config.types.mounts import VolumeParts, cleaned

ROOT: Final = "as good as root on the host"


@dataclass(frozen=True, slots=True)
class _Folder:
    """A folder or file of a host whose content is more than data."""

    what: str
    root: Literal["read", "write", "never"]
    """Who may do this to it is as good as root; writing is more than reading."""
    inside: bool = True
    """Whether this holds for each single file in it too."""


_PROGRAMS: Final = _Folder("the host's programs", "write")

_FOLDERS: Final = {
    "/": _Folder("every file of the host", "read", inside=False),
    **dict.fromkeys(("/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/usr"), _PROGRAMS),
    "/boot": _Folder("what the host boots", "write"),
    "/dev": _Folder("all devices of the host", "read", inside=False),
    "/etc": _Folder("the host's settings and passwords", "write"),
    "/etc/shadow": _Folder("the passwords of the host's users", "read"),
    "/etc/ssh": _Folder("the settings and keys of the host's ssh server", "read"),
    "/home": _Folder("the files of the host's users, with their keys", "never"),
    "/lib/modules": _Folder("the host's kernel modules", "write"),
    "/proc": _Folder("the host's processes and kernel settings, and files by way of them", "read"),
    "/root": _Folder("the files of the host's root user, with its keys", "read"),
    # A socket that is mounted read-only takes every request.
    "/run": _Folder("the sockets of the host's services", "read"),
    "/sys": _Folder("the host's kernel settings and devices", "write"),
    "/var/lib/containerd": _Folder("the files of all containers", "read"),
    "/var/lib/docker": _Folder("the files of all containers and volumes", "read"),
    "/var/log": _Folder("the host's logs", "never"),
    "/var/spool/cron": _Folder("what the host runs at given times", "write"),
}

_REGISTERS: Final = re.compile(r"/dev/cpu(?:/\d+(?:/msr)?)?")
"""Model-specific registers of a CPU: where it goes to in the kernel, for one (msr(4))."""
_DISKS_AND_MEMORY: Final = re.compile(
    r"/dev/(?:(?:[shv]d|xvd|dasd)[a-z]+\d*|(?:nvme|mmcblk|dm-|md|loop|sg|nbd|zd|pmem|bcache|ram)\d.*"
    r"|(?:mapper|disk|block|md|zvol|raw)(?:/.*)?|mem|kmem|port)"
)


def by_mount(parts: VolumeParts, docker_socket: str) -> str:
    """Return what a container may do by a path of the host, where Docker listens there at `docker_socket`."""
    source = _resolved(parts.source)
    sockets = {_resolved(path) for path in (docker_socket, DEFAULT_SOCKET)}
    if source in sockets:
        return f"controls Docker on the host, also read-only: {ROOT}"
    controls = source != "/" and any(_within(socket, source) for socket in sockets)
    around = [folder for folder in _FOLDERS if folder != source and _within(source, folder)]
    holds = sorted(folder for folder in _FOLDERS if folder != source and _within(folder, source))
    if source in _FOLDERS:
        what = _FOLDERS[source].what
    else:
        # Of the folders around it the longest says most.
        longest = max(around, key=len)
        what = "files of the host"
        what += f" in {longest}" if longest != "/" else ""
        what += f", with {' and '.join(holds)}" if holds else ""
    deciding = [
        *(_FOLDERS[folder] for folder in (source, *holds) if folder in _FOLDERS),
        *(_FOLDERS[folder] for folder in around if _FOLDERS[folder].inside),
    ]
    root = controls or any(
        folder.root == "read" or (folder.root == "write" and not parts.read_only) for folder in deciding
    )
    verb = "reads" if parts.read_only else "reads and writes"
    more = f"{', and controls Docker' if controls else ''}{_PROPAGATES.get(parts.propagation or '', '')}"
    return f"{verb} {what}{more}{f': {ROOT}' if root else ''}"


_PROPAGATES: Final = {
    **dict.fromkeys(("shared", "rshared"), ", and what it mounts there is mounted on the host too"),
    **dict.fromkeys(("slave", "rslave"), ", and what the host mounts there later"),
}
"""Propagation -> what a container may do by it. To mount anything it needs SYS_ADMIN, or `privileged`."""


def by_device(device: DeviceMap) -> str:
    """Return what a container may do by a device of the host."""
    path = cleaned(device.host)
    verb = "uses" if "w" in device.permissions else "reads"
    if _within("/dev", path):
        return f"{verb} all devices of the host: {ROOT}"
    if _DISKS_AND_MEMORY.fullmatch(path):
        return f"{verb} a disk of the host, or its memory: {ROOT}"
    if _REGISTERS.fullmatch(path):
        return f"{verb} the registers of the host's CPUs: {ROOT}"
    return f"{verb} this device of the host"


def _resolved(path: str) -> str:
    """Return a path as the host has it: cleaned, and `/var/run` as the link to `/run` that it is (FHS 3.0, 5.13)."""
    path = cleaned(path)
    return path.removeprefix("/var") if path == "/var/run" or path.startswith("/var/run/") else path


def _within(path: str, folder: str) -> bool:
    return path == folder or path.startswith(posixpath.join(folder, ""))
