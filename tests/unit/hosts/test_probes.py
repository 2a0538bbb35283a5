"""Pings and ARP probes: the real scripts in network namespaces, with substitutes for `ping` and `arping`.

The replies of arping are those of iputils 20221126.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from netaddr import IPAddress

from ipvlan.hosts.arp_probe import PROBES, read_probes
from ipvlan.hosts.connection_probe import Ends, Observed, ping_cells
from ipvlan.hosts.errors import HostError
from ipvlan.hosts.root_shell import RunAsRoot
from ipvlan.hosts.script import read_output, script_text
from ipvlan.plan.cells import Cell
from tests.support.namespace import Namespace, namespace_within, network_namespace, write_command

YES = Observed(reached=True, outcome="yes")
NO = Observed(reached=False, outcome="no")

# Answers for the addresses of the namespace that it runs in.
PING = """
for address; do :; done
echo "$*" >> LOG
ip -4 -o addr show to "$address" | grep -q .
"""

# Answers for a name that the resolver of its mount namespace knows.
PING_NAME = """
for name; do :; done
echo "$*" >> LOG
cat /etc/nsswitch.conf >> LOG
grep -q "$name" /etc/resolv.conf
"""

ARPING = """
[ "$1" = "-V" ] && { echo "arping from iputils 20221126"; exit 0; }
for address; do :; done
echo "$*" >> LOG
echo "ARPING $address from 0.0.0.0 ens33"
case $address in
  10.1.1.2) printf 'Unicast reply from 10.1.1.2 [52:54:00:8C:00:02]  0.521ms\\nSent 1 probes (1 broadcast(s))\\n'; exit 1 ;;
  10.1.1.9) echo "arping: Device ens33 not available." >&2; exit 2 ;;
esac
printf 'Sent 3 probes (3 broadcast(s))\\nReceived 0 response(s)\\n'
"""


class Host:
    """docker-1 with 10.1.1.254 and a container centos with 10.1.1.1; both are network namespaces."""

    def __init__(self, folder: Path, namespace: Namespace, container: Namespace) -> None:
        self.log = folder / "log"
        self.namespace, self.container = namespace, container
        self.commands = folder / "commands"
        namespace.commands = self.commands
        for place, address in ((namespace, "10.1.1.254/32"), (container, "10.1.1.1/32")):
            place.run("ip", "addr", "add", address, "dev", "lo")
            place.run("ip", "link", "set", "lo", "up")
        self.command("ping", PING)
        self.command("arping", ARPING)

    def command(self, name: str, text: str) -> None:
        """Put a command on the host."""
        write_command(self.commands, name, text.replace("LOG", str(self.log)))

    @property
    def run(self) -> RunAsRoot:
        """What runs texts as root there."""
        return lambda text, _timeout: self.namespace.run("sh", "-c", f"({text}) 2>&1")

    def ping(
        self,
        *cells: Cell,
        resolvers: dict[str, str] | None = None,
        on_bridges: dict[Cell, IPAddress] | None = None,
        **pids: int,
    ) -> list[Observed]:
        """Return what is observed in each cell."""
        ends = Ends(pids=pids or {"centos": self.container.pid}, resolvers=resolvers or {}, on_bridges=on_bridges or {})
        observed = ping_cells("docker-1", self.run, cells, ends)
        return [observed[cell] for cell in cells]


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Host]:
    """Return a fresh host."""
    with network_namespace() as namespace, namespace_within(namespace) as container:
        yield Host(tmp_path, namespace, container)


def cell(address: str, service: str | None = "centos", **changes: Any) -> Cell:
    """Return a cell from docker-1, or from its container of that service, to an address."""
    arguments: dict[str, Any] = {
        "kind": "container",
        "source": "docker-1" if service is None else f"docker-1/{service}",
        "target": "docker-2/nginx",
        "address": IPAddress(address) if address[0].isdigit() else address,
        "expected": "yes",
        "source_host": "docker-1",
        "target_host": "docker-2",
        "source_service": service,
    }
    return Cell(**{**arguments, **changes})


def test_pings_leave_the_namespace_of_their_source(host: Host) -> None:
    """From the container its own address answers, and from the host the host's."""
    cells = (cell("10.1.1.1"), cell("10.1.1.254"), cell("10.1.1.1", None), cell("10.1.1.254", None))
    assert host.ping(*cells) == [YES, NO, NO, YES]
    assert set(host.log.read_text().splitlines()) == {"-n -q -c 1 -w 2 10.1.1.1", "-n -q -c 1 -w 2 10.1.1.254"}


def test_more_pings_than_run_at_once(host: Host) -> None:
    """Batches lose no cell."""
    cells = [cell("10.1.1.1", target=f"number {number}") for number in range(60)]
    cells += [cell("10.1.1.254", target=f"number {number}") for number in range(60)]
    assert host.ping(*cells) == [YES] * 60 + [NO] * 60


def test_a_name_is_looked_up_by_the_containers_name_servers(host: Host, tmp_path: Path) -> None:
    """`ping` sees the container's resolv.conf, in time, and this machine's files are as before."""
    resolver = tmp_path / "resolv.conf"
    resolver.write_text("# example.com\n")
    host.command("ping", PING_NAME)
    before = Path("/etc/resolv.conf").read_bytes()
    names = (cell("example.com", kind="internet-name"), cell("example.org", kind="internet-name"))
    assert host.ping(*names, resolvers={"centos": str(resolver)}) == [YES, NO]
    assert "hosts: files dns" in host.log.read_text()
    assert Path("/etc/resolv.conf").read_bytes() == before


def test_a_name_on_a_bridge_is_looked_up_as_it_stands(host: Host, tmp_path: Path) -> None:
    """The name of a bridge goes to the container's name server with its last dot, so that no search domain is put to it."""
    resolver = tmp_path / "resolv.conf"
    resolver.write_text("# app.backend.\n")
    host.command("ping", PING_NAME)
    names = [cell(name, kind="bridge-name", bridge="backend") for name in ("app.backend", "db.backend")]
    assert host.ping(*names, resolvers={"centos": str(resolver)}) == [YES, NO]
    assert "-n -q -c 1 -w 2 app.backend." in host.log.read_text().splitlines()


def test_isolation_is_tried_at_the_address_that_the_host_knows(host: Host) -> None:
    """Of a cell of kind `bridge-address` the address on the bridge is pinged, never the name; without one nothing is."""
    known, unknown = (cell(f"{name}.backend", kind="bridge-address", bridge="backend") for name in ("app", "db"))
    on_bridges = {known: IPAddress("10.1.1.1")}
    assert host.ping(known, unknown, on_bridges=on_bridges) == [YES, Observed(reached=None, outcome="not tried")]
    assert host.log.read_text().splitlines() == ["-n -q -c 1 -w 2 10.1.1.1"]


@pytest.mark.parametrize(
    ("kind", "targets", "seconds"), [("container", 1, 12), ("bridge-name", 47, 18), ("bridge-name", 100, 44)]
)
def test_the_time_limit_grows_with_the_names(kind: str, targets: int, seconds: int) -> None:
    """A batch of pings has two seconds and a batch of names eight, with five to start each and five in all."""
    limits: list[float] = []

    def run(_text: str, limit: float) -> str:
        limits.append(limit)
        return ""

    cells = [cell("10.1.1.1", kind=kind, target=f"number {number}") for number in range(targets)]
    ping_cells("docker-1", run, cells, Ends(pids={"centos": 1}, resolvers={"centos": "/resolv.conf"}))
    assert limits == [seconds]


def test_a_busy_host_has_the_time_that_the_user_gives() -> None:
    """`verify --timeout 60` waits a minute for the pings too, and 10 no less than they need (make chaos, seed 2)."""
    limits: list[float] = []

    def run(_text: str, limit: float) -> str:
        limits.append(limit)
        return ""

    for timeout in (60.0, 10.0):
        ping_cells("docker-1", run, [cell("10.1.1.1")], Ends(pids={"centos": 1}), timeout)
    assert limits == [60, 12]


def test_a_container_that_has_ended_is_not_probed(host: Host) -> None:
    """Its namespace cannot be entered: nsenter's complaint is the outcome; a service without a process is not tried."""
    (observed,) = host.ping(cell("10.1.1.1"), centos=4194305)
    assert observed.reached is None
    assert "nsenter" in observed.outcome
    assert host.ping(cell("10.1.1.1", "web")) == [Observed(reached=None, outcome="not tried")]


@pytest.mark.parametrize("missing", ["ping", "nsenter"])
def test_a_missing_program_is_named(host: Host, missing: str) -> None:
    """A host that cannot ping at all is a failure with the packages to install."""
    if missing == "ping":
        host.command("ping", "exit 127")
    else:
        host.command("nsenter", "echo 'sh: 1: nsenter: not found' >&2; exit 127")
    with pytest.raises(HostError) as raised:
        host.ping(cell("10.1.1.1"))
    (problem,) = raised.value.problems
    assert (raised.value.host, problem.code) == ("docker-1", "IPF715")
    assert "iputils-ping" in problem.fix


def probe(host: Host, *addresses: str) -> tuple[dict[str, str], str]:
    """Return who answers for the addresses, and why the probe failed."""
    variables = {"parent": "ens33", "addresses": "\n".join(addresses), "probes": str(PROBES), "at_once": "2"}
    output = read_output(host.run(script_text("arp_probe.sh", variables), 30))
    answering, failure = read_probes(output, [IPAddress(address) for address in addresses])
    return {str(address): holder for address, holder in answering.items()}, failure


def test_an_address_that_somebody_holds(host: Host) -> None:
    """The hardware address of who answers is reported; a free address is not; probes are sent as RFC 5227 says."""
    addresses = [f"10.1.1.{number}" for number in range(1, 8)]
    assert probe(host, *addresses) == ({"10.1.1.2": "52:54:00:8C:00:02"}, "")
    assert sorted(host.log.read_text().splitlines()) == [f"-D -c 3 -w 3 -I ens33 {address}" for address in addresses]


def test_a_probe_that_fails(host: Host) -> None:
    """An error of arping is reported beside the answers of the other addresses."""
    answering, failure = probe(host, "10.1.1.2", "10.1.1.9")
    assert answering == {"10.1.1.2": "52:54:00:8C:00:02"}
    assert failure == "arping failed: ARPING 10.1.1.9 from 0.0.0.0 ens33 arping: Device ens33 not available."


@pytest.mark.parametrize("version", ["echo 'ARPing 2.23, by Thomas Habets'", "echo 'arping: not found' >&2; exit 127"])
def test_another_arping_does_not_do(host: Host, version: str) -> None:
    """Only iputils' arping knows these options: without it nothing is probed."""
    host.command("arping", version)
    assert probe(host, "10.1.1.2") == ({}, "it has no arping of iputils")
