"""docker-1 of a fabric with routes and a shim: a network namespace with the real `ip`, and systemd's folders.

systemctl is a substitute that runs the unit's commands (`fake_systemctl.py`).
"""

from __future__ import annotations

import contextlib
import functools
import select
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

import pytest

from ipvlan.hosts import networking
from ipvlan.hosts.networking import Networking, Shim, SliceRoute
from tests.support.docker_substitute import PYTHON
from tests.support.namespace import Namespace, network_namespace, write_command

FAKE = Path(__file__).with_name("fake_systemctl.py")
SHIM = Shim(link="shim.ens33", address="10.1.1.254", slice="10.1.1.0/24", mode="l3")
SECOND = SliceRoute(destination="10.1.2.0/24", via="192.168.140.201")
THIRD = SliceRoute(destination="10.1.3.0/24", via="192.168.140.202")
UNIT = "ipvlan-fabric-ens33.service"
DROP_IN = "networks/10-lan.network.d/ipvlan-fabric-ens33.conf"

# A kernel without ipvlan still shows everything but the link's kind: the shim is a veth there.
IP_WITHOUT_IPVLAN = """
case "$*" in
  "link add "*" type ipvlan mode "*)
    REAL link show dev "$5" >/dev/null && exec REAL link add "$3" type veth peer name shim-peer ;;
  "-o link show dev "*" type ipvlan")
    line=$(REAL -o link show dev "$5" type veth)
    case $line in *"@shim-peer: "*) printf '%s\\n' "${line%%@shim-peer: *}@${5#*.}: " ;; esac
    exit ;;
esac
exec REAL "$@"
"""


class Host:
    """docker-1 in a network namespace: its NIC ens33 has 192.168.140.200/24 and is run by systemd-networkd."""

    def __init__(self, folder: Path, namespace: Namespace) -> None:
        self.folder = folder
        self.namespace = namespace
        for path in ("units", "networks", "runtime/system", "runtime/netif/links"):
            (folder / path).mkdir(parents=True)
        self.add_nic("ens33")
        namespace.run("sh", "-ec", "ip link set lo up; ip addr add 192.168.140.200/24 dev ens33")
        index = namespace.run("ip", "-o", "link", "show", "dev", "ens33").partition(":")[0]
        (folder / "runtime/netif/links" / index).write_text(
            "ADMIN_STATE=configured\nNETWORK_FILE=/etc/systemd/network/10-lan.network\n"
        )
        commands = folder / "commands"
        shutil.copy(FAKE, folder / "fake_systemctl.py")
        write_command(commands, "systemctl", f'exec {PYTHON} {folder}/fake_systemctl.py "$@"')
        if not _has_ipvlan():
            write_command(commands, "ip", IP_WITHOUT_IPVLAN.replace("REAL", shutil.which("ip") or "ip"))
        namespace.commands = commands
        self.planned = Networking(connection=namespace.connection(), shim=SHIM, routes=(SECOND, THIRD))

    def add_nic(self, name: str) -> None:
        """Add a NIC that is up."""
        # In one process: every test of networking does this.
        add = 'ip link add name "$1" type veth peer name "$2"; ip link set "$2" up; ip link set "$1" up'
        self.namespace.run("sh", "-ec", add, "sh", name, f"to-{name}"[:15])

    @property
    def links(self) -> set[str]:
        """Names of the links."""
        return {line.split(": ")[1].partition("@")[0] for line in self._ip("-o", "link")}

    @property
    def routes(self) -> set[str]:
        """All routes, without what only their link shows."""
        return {line.strip().removesuffix("linkdown").strip() for line in self._ip("-4", "route")}

    @property
    def files(self) -> dict[str, str]:
        """Path -> text of all that systemd reads."""
        return {
            str(path.relative_to(self.folder)): path.read_text()
            for folder in ("units", "networks")
            for path in sorted((self.folder / folder).rglob("*"))
            if path.is_file()
        }

    @property
    def calls(self) -> list[str]:
        """What systemctl was called with."""
        return (self.folder / "calls").read_text().splitlines()

    def changes(self, action: Callable[[], None]) -> list[str]:
        """Return what the kernel reports of routes while `action` runs."""
        command = [*self.namespace.enter, "ip", "-4", "-o", "monitor", "route"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as monitor:
            # A route that comes and goes shows that the monitor listens, and that it has reported all.
            assert monitor.stdout is not None
            self._signal(monitor.stdout)
            action()
            self._mark()
            reported: list[str] = []
            while "203.0.113.2" not in (line := monitor.stdout.readline()):
                reported.append(line.strip())
            monitor.kill()
        return [line for line in reported if "203.0.113." not in line]

    def _signal(self, reported: IO[str]) -> None:
        for _ in range(50):
            self.namespace.run("sh", "-ec", "ip route add 203.0.113.1 dev ens33; ip route del 203.0.113.1")
            if select.select([reported], [], [], 0.1)[0]:
                break
        assert "203.0.113.1" in reported.readline()

    def _mark(self) -> None:
        self.namespace.run("ip", "route", "add", "203.0.113.2/32", "dev", "ens33")
        self.namespace.run("ip", "route", "del", "203.0.113.2/32", "dev", "ens33")

    def _ip(self, *arguments: str) -> list[str]:
        return self.namespace.run("ip", *arguments).splitlines()


@functools.cache
def _has_ipvlan() -> bool:
    """Return whether the kernel of this machine has ipvlan."""
    add = "ip link add a type veth peer name b; ip link add try0 link a type ipvlan mode l3"
    with network_namespace() as namespace:
        return subprocess.run([*namespace.enter, "sh", "-ec", add], capture_output=True, check=False).returncode == 0


@contextlib.contextmanager
def fresh_host(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Host]:
    """Create a fresh host whose files are in the folder."""
    with network_namespace() as namespace:
        folders = {name: str(folder / name) for name in ("units", "networks", "runtime")}
        monkeypatch.setattr(networking, "FOLDERS", folders)
        yield Host(folder, namespace)
