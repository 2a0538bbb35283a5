"""What is on one host at one moment, as far as the fabric is concerned.

Owns the questions (two calls of the Engine API and one text in the host's shell) and the shape of the answers. Compares
nothing: `ipvlan.checks.diagnosis` and `ipvlan.checks.drift` do.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from netaddr import IPAddress, IPNetwork

from ipvlan.hosts.engine import Engine
from ipvlan.hosts.session import HostSession
from ipvlan.plan.model import ContainerPlan

# No process but `ip` is started: each costs a busy host up to a tenth of a second.
_FACTS: Final = """
parent={parent}
read -r kernel < /proc/sys/kernel/osrelease
echo "kernel $kernel"
for what in operstate mtu flags; do
  [ -r "/sys/class/net/$parent/$what" ] && read -r value < "/sys/class/net/$parent/$what" && echo "parent-$what $value"
done
while read -r word value; do case $word in Uid:) echo "uid ${{value%%[!0-9]*}}";; esac; done < /proc/self/status
ip -4 -o route show | while read -r line; do echo "route $line"; done
"""

_SHIM: Final = """
ip -4 -o addr show dev {link} 2>/dev/null | while read -r _ _ _ address _; do echo "shim ${{address%/*}}"; done
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attachment:
    """A container's connection to one network."""

    network: str
    network_id: str
    address: IPAddress | None
    """What it holds now; None while the container does not run."""
    fixed: IPAddress | None
    """What it asks for whenever it starts; None where Docker chooses."""

    @property
    def held(self) -> IPAddress | None:
        """What it holds now, or will hold when it starts."""
        return self.address or self.fixed


@dataclass(frozen=True, slots=True, kw_only=True)
class Binding:
    """A port that the daemon has bound on the host for a container."""

    host_address: str
    host_port: int
    container_port: int
    protocol: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveContainer:
    """One container, as Docker lists it."""

    id: str
    name: str
    image: str
    image_id: str
    state: str
    """created, running, paused, restarting, exited, removing or dead."""
    status: str
    """Docker's sentence: `Up 3 minutes (healthy)`."""
    labels: Mapping[str, str]
    attachments: Mapping[str, Attachment]
    """By the network's name."""
    bindings: frozenset[Binding]

    @property
    def running(self) -> bool:
        """Whether its process runs and takes part in the network."""
        return self.state == "running"

    @property
    def health(self) -> str | None:
        """healthy, unhealthy, starting, or None where there is no health check."""
        found = re.search(r"\((healthy|unhealthy|health: starting)\)", self.status)
        return found[1].removeprefix("health: ") if found else None


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveNetwork:
    """One network, as Docker lists it."""

    id: str
    name: str
    driver: str
    subnet: IPNetwork | None
    gateway: IPAddress | None
    ip_range: IPNetwork | None
    options: Mapping[str, str]
    labels: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Parent:
    """The state of a host's parent NIC."""

    name: str
    present: bool
    up: bool
    """Switched on, and not without carrier."""
    mtu: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class HostSnapshot:
    """All of one host."""

    host: str
    docker: str
    """Version of the Docker Engine; empty where it does not say."""
    kernel: str
    root: bool
    """Whether the ssh user is root on the host."""
    parent: Parent
    routes: tuple[str, ...]
    """As `ip -4 route` prints them."""
    containers: Mapping[str, LiveContainer]
    """By name."""
    networks: tuple[LiveNetwork, ...]
    shim_address: IPAddress | None = None
    """What the host's shim holds; None without one, and where none is planned."""
    pids: Mapping[str, int] = field(default_factory=dict)
    """Service -> process id of its container on the host; only where it was asked for."""
    resolvers: Mapping[str, str] = field(default_factory=dict)
    """Service -> path, on the host, of its container's /etc/resolv.conf; only where process ids were asked for."""

    def network(self, name: str) -> LiveNetwork | None:
        """The network of that name."""
        return next((network for network in self.networks if network.name == name), None)

    def here(self, container: LiveContainer) -> Iterator[Attachment]:
        """The container's attachments, but for those to an ipvlan or macvlan network on another parent.

        Those are on another LAN, such as another VLAN of the same NIC, where an address may be held a second time.
        """
        for attachment in container.attachments.values():
            network = self.network(attachment.network)
            if (
                network is None
                or network.driver not in ("ipvlan", "macvlan")
                or network.options.get("parent", self.parent.name) == self.parent.name
            ):
                yield attachment

    def routes_via(self, destination: IPNetwork, via: IPAddress) -> bool:
        """Whether a route leads to exactly that destination, over that neighbour."""
        return any(line.split()[:3] == [str(destination), "via", str(via)] for line in self.routes)

    def routes_over(self, destination: IPNetwork, link: str) -> bool:
        """Whether a route leads to exactly that destination, over that link."""
        return any(line.split()[:3] == [str(destination), "dev", link] for line in self.routes)

    def has_route(self, wanted: IPNetwork) -> bool:
        """Whether a route other than the default one leads to all of `wanted`."""
        destinations = (line.split(maxsplit=1)[0] for line in self.routes if line[:1].isdigit())
        return any(wanted in IPNetwork(destination) for destination in destinations)


def take_snapshot(session: HostSession, *, timeout: float, pids_of: Sequence[ContainerPlan] = ()) -> HostSnapshot:
    """Ask the host; `timeout` is in seconds, for each question. Raises HostError.

    `pids_of` are containers whose process ids are wanted too, one more call each.
    """
    engine = Engine(session.name, session.socket, timeout=timeout)
    try:
        containers = {container.name: container for container in map(_container, engine.containers())}
        networks = tuple(_network(found) for found in engine.networks())
        pids, resolvers = {}, {}
        for planned in pids_of:
            live = containers.get(planned.name)
            if live is not None and live.running:
                said = engine.container(live.id)
                pids[planned.service] = int(said["State"]["Pid"])
                resolvers[planned.service] = str(said.get("ResolvConfPath") or "")
    finally:
        engine.close()
    questions = _FACTS.format(parent=shlex.quote(session.parent))
    if session.shim:
        questions += _SHIM.format(link=shlex.quote(session.shim))
    facts = session.run(questions, timeout=timeout)
    return make_snapshot(
        session.name,
        parent=session.parent,
        docker=engine.version,
        containers=containers,
        networks=networks,
        facts=facts,
        pids=pids,
        resolvers=resolvers,
    )


def make_snapshot(
    host: str,
    *,
    parent: str,
    docker: str,
    containers: Mapping[str, LiveContainer],
    networks: tuple[LiveNetwork, ...],
    facts: str,
    pids: Mapping[str, int],
    resolvers: Mapping[str, str] | None = None,
) -> HostSnapshot:
    """Put together what Docker said and what the shell printed."""
    said = dict(_words(facts, exclude="route"))
    flags = int(said.get("parent-flags", "0"), 16)
    return HostSnapshot(
        host=host,
        docker=docker,
        kernel=said.get("kernel", ""),
        root=said.get("uid") == "0",
        parent=Parent(
            name=parent,
            present="parent-flags" in said,
            # IFF_UP (netdevice(7)); a VLAN or dummy says `unknown` while it works.
            up=bool(flags & 1) and said.get("parent-operstate") not in ("down", "lowerlayerdown"),
            mtu=int(said["parent-mtu"]) if "parent-mtu" in said else None,
        ),
        routes=tuple(line.removeprefix("route ") for line in facts.splitlines() if line.startswith("route ")),
        containers=containers,
        networks=networks,
        shim_address=_address(said.get("shim")),
        pids=pids,
        resolvers=resolvers or {},
    )


def _words(text: str, exclude: str) -> Iterator[tuple[str, str]]:
    for line in text.splitlines():
        word, _, rest = line.partition(" ")
        if word != exclude:
            yield word, rest


def _container(said: Mapping[str, Any]) -> LiveContainer:
    networks: Mapping[str, Mapping[str, Any]] = (said.get("NetworkSettings") or {}).get("Networks") or {}
    # A container that is being removed can have no name any more.
    names = said.get("Names") or [said["Id"]]
    return LiveContainer(
        id=said["Id"],
        # Legacy links add names of the form /OTHER/ALIAS.
        name=min(names, key=lambda name: name.count("/")).removeprefix("/"),
        image=said.get("Image", ""),
        image_id=said.get("ImageID", ""),
        state=said.get("State", ""),
        status=said.get("Status", ""),
        labels=said.get("Labels") or {},
        attachments={name: _attachment(name, found) for name, found in networks.items()},
        bindings=frozenset(
            Binding(
                host_address=port.get("IP", ""),
                host_port=int(port["PublicPort"]),
                container_port=int(port["PrivatePort"]),
                protocol=port.get("Type", "tcp"),
            )
            for port in said.get("Ports") or []
            if port.get("PublicPort")
        ),
    )


def _attachment(name: str, said: Mapping[str, Any]) -> Attachment:
    return Attachment(
        network=name,
        network_id=said.get("NetworkID", ""),
        address=_address(said.get("IPAddress")),
        fixed=_address((said.get("IPAMConfig") or {}).get("IPv4Address")),
    )


def _address(text: object) -> IPAddress | None:
    # Docker 29 writes "invalid IP" where older ones write nothing.
    return IPAddress(text) if isinstance(text, str) and re.fullmatch(r"[0-9.]+", text) else None


def _network(said: Mapping[str, Any]) -> LiveNetwork:
    pools: Sequence[Mapping[str, str]] = (said.get("IPAM") or {}).get("Config") or []
    pool = next((pool for pool in pools if ":" not in pool.get("Subnet", ":")), {})
    return LiveNetwork(
        id=said["Id"],
        name=said["Name"],
        driver=said.get("Driver", ""),
        subnet=_subnet(pool.get("Subnet")),
        gateway=_address(pool.get("Gateway")),
        ip_range=_subnet(pool.get("IPRange")),
        options=said.get("Options") or {},
        labels=said.get("Labels") or {},
    )


def _subnet(text: str | None) -> IPNetwork | None:
    return IPNetwork(text) if text else None
