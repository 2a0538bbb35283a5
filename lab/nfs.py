"""The NFS server of the lab's router: NFS-Ganesha, which is a program and needs nothing of the machine's kernel.

It runs from a tree of its own, so nothing is installed and no service starts. Out of scope: what is exported to whom; the lab has
one export, open to all of it.
"""

from __future__ import annotations

import shutil
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

from lab import apt, process
from lab.cache import entry
from lab.errors import LabError
from lab.run import attempt, run, step
from lab.settings import DEFAULT_SUITE, ROUTER_ADDRESS

if TYPE_CHECKING:
    from lab.settings import Settings

NAME: Final = "router-nfs"
EXPORT: Final = "/export"
"""What a client mounts: ROUTER_ADDRESS:/export, with vers=4.2."""
PORT: Final = 2049
_CONFIG: Final = f"""
NFS_CORE_PARAM {{
  allow_set_io_flusher_fail = true;
  Protocols = 4; NFS_Port = {PORT}; Bind_addr = {ROUTER_ADDRESS};
  Enable_NLM = false; Enable_RQUOTA = false;
  Plugins_Dir = "/usr/lib/x86_64-linux-gnu/ganesha";
}}
NFSv4 {{ Graceless = true; Lease_Lifetime = 10; RecoveryBackend = fs; }}
EXPORT {{
  Export_Id = 1; Path = {EXPORT}; Pseudo = {EXPORT}; Access_Type = RW; Squash = No_Root_Squash; SecType = sys;
  Protocols = 4; Transports = TCP; FSAL {{ Name = VFS; }}
}}
"""
"""Graceless: a client need not wait for clients of an earlier life of the server."""


def start(settings: Settings, *, limit: float = 20.0) -> Path:
    """Start the server, and return the folder on this machine that it exports, which is empty.

    Raises:
        LabError: It does not answer after `limit` seconds.
    """
    end(settings)
    tree = _folder(settings)
    # Not copytree: the tree has devices, and it would read /dev/full to its end.
    run(["cp", "-a", _unpacked(settings), tree])
    for folder in ("export", "etc/ganesha", "var/lib/nfs/ganesha", "var/log/ganesha", "proc", "run"):
        (tree / folder).mkdir(parents=True, exist_ok=True)
    (tree / "etc/ganesha/lab.conf").write_text(_CONFIG, encoding="utf-8")
    # It looks there for the file system of what it exports.
    (tree / "etc/mtab").unlink(missing_ok=True)
    (tree / "etc/mtab").symlink_to("/proc/self/mounts")
    # `ip netns exec` gives the process mounts of its own: they end with it.
    script = (
        'mount --bind "$1" "$1" && mount -t proc proc "$1/proc" && exec chroot "$1" /usr/bin/ganesha.nfsd -F '
        "-f /etc/ganesha/lab.conf -L /var/log/ganesha/log -p /run/ganesha.pid"
    )
    process.spawn(
        ["ip", "netns", "exec", settings.namespace("router"), "sh", "-c", script, "sh", tree],
        pid_file=settings.state / f"{NAME}.pid",
        log=settings.state / f"{NAME}.log",
    )
    deadline = time.monotonic() + limit
    connect = f"import socket; socket.create_connection(({ROUTER_ADDRESS!r}, {PORT}), 1)"
    probe = ["ip", "netns", "exec", settings.namespace("router"), sys.executable, "-c", connect]
    while attempt(probe).returncode != 0:
        if time.monotonic() > deadline:
            raise LabError(f"the router's NFS server does not answer; its log is {tree}/var/log/ganesha/log")
        time.sleep(0.2)
    return tree / EXPORT.lstrip("/")


def end(settings: Settings) -> None:
    """End the server, if it runs, and remove what it exported."""
    process.end(settings.state / f"{NAME}.pid")
    if _folder(settings).exists():
        shutil.rmtree(_folder(settings))


def _folder(settings: Settings) -> Path:
    return settings.state / NAME


def _unpacked(settings: Settings) -> Path:
    def build(folder: Path) -> None:
        with step("nfs-ganesha and its dependencies, unpacked into the cache"):
            run(
                [
                    "mmdebstrap", "--mode=root", "--format=directory", "--variant=extract", "--include=nfs-ganesha-vfs",
                    '--aptopt=Acquire::Check-Valid-Until "false"', DEFAULT_SUITE, folder / "tree", apt.mirror(),
                ],
                limit=600,
            )  # fmt: skip

    return entry(settings.cache / "nfs" / DEFAULT_SUITE, build) / "tree"
