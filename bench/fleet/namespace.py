"""The part of the machine that a fleet runs in: networks, mounts and processes of its own.

All of it is in namespaces that no name refers to, and its files are on a tmpfs in them. So when the first process in there ends,
however it ends, the kernel ends all others and nothing is left: no interface, no mount, no process, no file.

Two networks: the operator's, and the hosts', with one link between them. All addresses of HOSTS_NETWORK are the hosts' side's own.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
import uuid
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

from bench.fleet import tools
from bench.fleet.engine import digest
from bench.fleet.project import HOSTS_NETWORK, addresses, write_ssh
from bench.project import ROOT

FOLDER: Final = Path("/run/fleet")
NAMESPACE: Final = "hosts"
INSIDE: Final = "IPVLAN_FLEET_INSIDE"
"""Environment variable of the process in the namespaces."""
SSHD: Final = "/usr/sbin/sshd"
_OPENSSH: Final = {"bin/ssh": "/usr/bin/ssh", "bin/sshd": SSHD, "openssh": "/usr/lib/openssh"}
"""What `debian-openssh` writes -> where Debian has it, and the programs look for each other."""
LINK: Final = ("10.201.0.1", "10.201.0.2")
"""The operator's and the hosts' end of the link between the two networks."""

_RULES: Final = """\
table inet fleet {
  set refused { type ipv4_addr; }
  set silent { type ipv4_addr; }
  chain input {
    type filter hook input priority filter; policy accept;
    ip daddr @refused meta l4proto tcp reject with tcp reset
    ip daddr @silent drop
  }
}
"""


def missing() -> str:
    """Return what this machine lacks to simulate a fleet, one clause; empty where nothing."""
    if not sys.platform.startswith("linux"):
        return "it needs Linux"
    if os.geteuid() != 0:
        return "only root may create the namespaces it runs in"
    if not Path(SSHD).exists():
        return f"there is no {SSHD} (apt-get install openssh-server)"
    programs = [name for name in ("cc", "ip", "nft", "unshare", "ssh-keygen", "ssh") if shutil.which(name) is None]
    return f"there is no {' and no '.join(programs)} on PATH" if programs else ""


def command_inside(command: Sequence[str]) -> list[str]:
    """Return the command line that runs `command` in new namespaces.

    The shell is their first process: it waits for what others leave behind, and its account has their CPU time.
    """
    return [
        "unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc",
        "env", f"{INSIDE}=yes", "sh", "-c", '"$@"; exit $?', "fleet", *command,
    ]  # fmt: skip


def prepare(count: int, *, key_exchange: str = "", openssh: Path | None = None) -> None:
    """Build the machine of a fleet of so many hosts, in the namespaces of this process; nothing runs yet.

    Args:
        count: The number of hosts.
        key_exchange: What the user's ssh offers; empty for its default.
        openssh: A folder with the OpenSSH that takes the place of the machine's own in there; None for that one.
    """
    for program, place in _OPENSSH.items() if openssh is not None else ():
        _run("mount", "--bind", f"{openssh}/{program}", place)
    _run("mount", "-t", "tmpfs", "-o", "mode=755", "tmpfs", "/run")
    for name in ("bin", "tmp", "backend", "credentials", "logs", "hosts"):
        (FOLDER / name).mkdir(parents=True)
    Path("/run/sshd").mkdir(mode=0o755)
    Path("/run/docker.sock").touch()
    write_ssh(FOLDER, key_exchange)
    home = Path("~root").expanduser() / ".ssh"
    home.mkdir(mode=0o700, exist_ok=True)
    _run("mount", "--bind", str(FOLDER / "ssh"), str(home))
    _build(FOLDER / "bin")
    for address, name in addresses(count).items():
        folder = FOLDER / "hosts" / address
        (folder / "home").mkdir(parents=True)
        (folder / "machine-id").write_text(f"{digest(name)[:32]}\n", encoding="utf-8")
        (folder / "boot_id").write_text(f"{uuid.uuid5(uuid.NAMESPACE_DNS, name)}\n", encoding="utf-8")
    _networks()


def start_hosts() -> list[subprocess.Popen[str]]:
    """Start the simulator and what accepts the hosts' connections; return both processes when they are ready."""
    inside = ["ip", "netns", "exec", NAMESPACE]
    simulator = [*inside, sys.executable, "-m", "bench.fleet.server", str(FOLDER / "hosts")]
    processes = [_start(simulator)]
    # Docker's sockets are there now.
    accept = [str(FOLDER / "bin" / "fleet-accept"), "22", str(FOLDER / "hosts"), SSHD, str(FOLDER / "sshd_config")]
    return [*processes, _start([*inside, *accept])]


def fail_hosts(refused: Iterable[str], silent: Iterable[str]) -> None:
    """Let these addresses refuse connections, and those not answer at all; all others answer."""
    text = "flush set inet fleet refused\nflush set inet fleet silent\n"
    for name, members in (("refused", ", ".join(refused)), ("silent", ", ".join(silent))):
        text += f"add element inet fleet {name} {{ {members} }}\n" if members else ""
    _run("ip", "netns", "exec", NAMESPACE, "nft", "-f", "-", feed=text)


def _build(folder: Path) -> None:
    program = folder / "fleet-accept"
    _run("cc", "-O2", "-o", str(program), str(Path(__file__).with_name("host.c")))
    for name in tools.NAMES:
        (folder / name).symlink_to(program.name)


def _networks() -> None:
    operator, hosts = LINK
    _run("ip", "link", "set", "lo", "up")
    _run("ip", "netns", "add", NAMESPACE)
    _run("ip", "link", "add", "lan", "type", "veth", "peer", "name", tools.PARENT, "netns", NAMESPACE)
    _run("ip", "addr", "add", f"{operator}/30", "dev", "lan")
    _run("ip", "link", "set", "lan", "up")
    for arguments in (
        "link set lo up",
        f"addr add {hosts}/30 dev {tools.PARENT}",
        f"link set {tools.PARENT} up",
        # Every address of the network is this side's own, without an address each.
        f"route add local {HOSTS_NETWORK} dev lo",
    ):
        _run("ip", "-n", NAMESPACE, *arguments.split())
    _run("ip", "route", "add", str(HOSTS_NETWORK), "via", hosts)
    # The kernel says that a link is up a moment after it is.
    deadline = time.monotonic() + 10
    while "state UP" not in _run("ip", "-n", NAMESPACE, "link", "show", tools.PARENT):
        if time.monotonic() > deadline:
            raise RuntimeError(f"{tools.PARENT} is not up after 10 s")
        time.sleep(0.05)
    _run("ip", "netns", "exec", NAMESPACE, "sysctl", "-qw", "net.ipv4.ip_forward=1")
    _run("ip", "netns", "exec", NAMESPACE, "nft", "-f", "-", feed=_RULES)


def _start(command: Sequence[str]) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=(FOLDER / "logs" / "hosts").open("a"),
        text=True,
        cwd=ROOT,
        start_new_session=True,
    )
    if process.stdout is None or process.stdout.readline() != "ready\n":
        log = (FOLDER / "logs" / "hosts").read_text(encoding="utf-8", errors="replace")
        raise RuntimeError(f"{command[4]} did not start: {log[-2000:]}")
    return process


def _run(*command: str, feed: str = "") -> str:
    """Run a command and return its standard output; fail with it."""
    return subprocess.run(command, input=feed, stdout=subprocess.PIPE, text=True, check=True, timeout=60).stdout
