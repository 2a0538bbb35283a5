"""The matrix: who must reach whom, and who must not, out of the plan alone.

Owns the expectations and which cells are looked at. Knows no host's state: `ipvlan.hosts.connection_probe` looks,
`ipvlan.checks.verify` compares.

Rules and their sources (the matrix of docs/concepts.md; measured on Docker 26.1.5, kernel 6.12):
- ipvlan: containers of one fabric reach each other; a host and its own containers never do (kernel, ipvlan).
- l2, not published: what is not in the subnet goes to the fabric's gateway. Where nothing holds the gateway's address, host
  addresses and the internet are out of reach; where something does, it decides, and the plan cannot know.
- published or internet: the bridge is the container's gateway, so that hosts and the internet are reached through the host's NAT.
- egress by the gateway: the gateway must answer, and the internet is reached through it.
- shim: the host and its own containers reach each other, in every mode, at the shim's address; in l3 at the host's own too.
- l3, l3s, not on the bridge: the parent routes what leaves the container, so that other hosts are reached (each has a route back to
  the slice) and the own one is not; beyond the LAN its routers decide. A host reaches the containers of the others.
- names: reached where the address is, since the name server is asked from where the container is.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from netaddr import IPAddress

from ipvlan.config.types.ports import Port
from ipvlan.plan.model import ContainerPlan, HostPlan, Plan

Kind = Literal[
    "container",
    "host-address",
    "shim",
    "own-container",
    "other-container",
    "gateway",
    "internet",
    "internet-name",
    "port",
]
"""What a cell asks: container -> container, -> a host's own address, -> its host's shim, host -> its container, -> a container of
another host (l3), -> the gateway, -> the internet by address and by name, client -> a port at a host's address."""

Expected = Literal["yes", "no", "any", "unless-gateway"]
"""`any`: the plan does not decide it; `unless-gateway`: no, while nothing answers at the gateway's address."""

#: Pairs of each kind that are looked at; beyond, a sample is.
MOST_PAIRS: Final = 400

CLIENT: Final = "client"
"""The name of the machine that runs the command, as a source."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One thing that is looked at: does `source` reach `target` at `address`?"""

    kind: Kind
    source: str
    """`HOST/CONTAINER`, a host's name, or `client`."""
    target: str
    """`HOST/CONTAINER`, a host's name, `gateway` or `internet`."""
    address: IPAddress | str
    """A name in a cell of kind `internet-name`."""
    expected: Expected
    source_host: str | None
    """None for the client."""
    target_host: str | None
    """None for gateway and internet."""
    source_service: str | None = None
    target_service: str | None = None
    port: Port | None = None

    @property
    def published_port(self) -> Port:
        """The port of a cell of kind `port`."""
        if self.port is None:
            raise AssertionError(f"a cell of kind {self.kind} has no port")
        return self.port


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """What the user wants to see of the matrix; None is everything."""

    service: str | None = None
    host: str | None = None
    source: str | None = None
    """`client`, a host, a service or `HOST/CONTAINER`."""

    def __bool__(self) -> bool:
        return any((self.service, self.host, self.source))

    def takes(self, cell: Cell) -> bool:
        """Whether the cell is wanted."""
        return (
            (self.service is None or self.service in (cell.source_service, cell.target_service))
            and (self.host is None or self.host in (cell.source_host, cell.target_host))
            and (self.source is None or self.source in (cell.source, cell.source_service))
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Matrix:
    """The cells to look at."""

    cells: tuple[Cell, ...]
    possible: int
    """How many there are; more than `cells` when they are a sample."""


def make_matrix(plan: Plan, *, internet: Sequence[IPAddress | str] = (), wanted: Filter | None = None) -> Matrix:
    """All cells of the plan, or of each kind with more than MOST_PAIRS a sample.

    `internet` are addresses and names beyond the LAN. A sample covers every pair of hosts, and every container as source and
    as target. The same plan always gives the same one.
    """
    wanted = wanted or Filter()
    taken: list[Cell] = []
    possible = 0
    for cells in (
        _between_containers(plan),
        _to_hosts(plan),
        _to_shims(plan),
        _own_containers(plan),
        _other_containers(plan),
        _to_gateway(plan),
        *(_to_internet(plan, place_) for place_ in internet),
        _ports(plan),
    ):
        all_ = [cell for cell in cells if wanted.takes(cell)]
        possible += len(all_)
        # Each published port is looked at: one that is silent is what people call a failure.
        taken.extend(all_ if all_ and all_[0].kind == "port" else sample(all_))
    return Matrix(cells=tuple(taken), possible=possible)


def sample(cells: Sequence[Cell], most: int = MOST_PAIRS) -> Sequence[Cell]:
    """At most about `most` of the cells: more only where the pairs of hosts, or the containers, are more."""
    if len(cells) <= most:
        return cells
    chosen: dict[int, Cell] = {}
    seen: set[tuple[str, str | None, str | None]] = set()
    # A stride that has no common factor with the usual sizes spreads the choice over the containers of a pair of hosts.
    order = sorted(range(len(cells)), key=lambda index: (index * 7919) % len(cells))
    for index in order:
        cell = cells[index]
        marks = {
            ("pair", cell.source_host, cell.target_host),
            ("source", cell.source, None),
            ("target", cell.target, None),
        }
        if not marks <= seen:
            seen |= marks
            chosen[index] = cell
    for index in order:
        if len(chosen) >= most:
            break
        chosen[index] = cells[index]
    return [chosen[index] for index in sorted(chosen)]


def place(container: ContainerPlan) -> str:
    """A container's name among all hosts: `docker-1/nginx`."""
    return f"{container.host}/{container.name}"


def _between_containers(plan: Plan) -> Iterator[Cell]:
    containers = list(plan.containers())
    for source in containers:
        for target in containers:
            if source is not target:
                yield Cell(
                    kind="container",
                    source=place(source),
                    target=place(target),
                    address=target.address,
                    expected="yes",
                    source_host=source.host,
                    target_host=target.host,
                    source_service=source.service,
                    target_service=target.service,
                )


def _to_host(plan: Plan, container: ContainerPlan, host: HostPlan) -> Expected:
    if container.bridged:
        return "yes"
    if plan.mode == "l2":
        return "unless-gateway"
    return "no" if container.host == host.name and host.shim is None else "yes"


def _beyond(plan: Plan, container: ContainerPlan) -> Expected:
    if container.bridged or container.egress_gateway:
        return "yes"
    return "unless-gateway" if plan.mode == "l2" else "any"


def _to_hosts(plan: Plan) -> Iterator[Cell]:
    for container in plan.containers():
        for host in plan.hosts:
            yield Cell(
                kind="host-address",
                source=place(container),
                target=host.name,
                address=host.address,
                expected=_to_host(plan, container, host),
                source_host=container.host,
                target_host=host.name,
                source_service=container.service,
            )


def _to_shims(plan: Plan) -> Iterator[Cell]:
    for host in plan.hosts:
        if host.shim is None:
            continue
        for container in host.containers:
            yield Cell(
                kind="shim",
                source=place(container),
                target=f"{host.name}'s shim",
                address=host.shim.address,
                expected="yes",
                source_host=host.name,
                target_host=host.name,
                source_service=container.service,
            )


def _own_containers(plan: Plan) -> Iterator[Cell]:
    for host in plan.hosts:
        for container in host.containers:
            yield Cell(
                kind="own-container",
                source=host.name,
                target=place(container),
                address=container.address,
                expected="yes" if host.shim is not None else "unless-gateway" if plan.mode == "l2" else "no",
                source_host=host.name,
                target_host=host.name,
                target_service=container.service,
            )


def _other_containers(plan: Plan) -> Iterator[Cell]:
    if plan.mode == "l2":
        # Where the host's own routes lead for the fabric's subnet is not the plan's.
        return
    for host in plan.hosts:
        for container in plan.containers():
            if container.host != host.name:
                yield Cell(
                    kind="other-container",
                    source=host.name,
                    target=place(container),
                    address=container.address,
                    expected="yes",
                    source_host=host.name,
                    target_host=container.host,
                    target_service=container.service,
                )


def _to_gateway(plan: Plan) -> Iterator[Cell]:
    if plan.gateway is None:
        return
    for container in plan.containers():
        yield Cell(
            kind="gateway",
            source=place(container),
            target="gateway",
            address=plan.gateway,
            expected="yes" if container.egress_gateway else "any",
            source_host=container.host,
            target_host=None,
            source_service=container.service,
        )


def _to_internet(plan: Plan, place_: IPAddress | str) -> Iterator[Cell]:
    for container in plan.containers():
        yield Cell(
            kind="internet-name" if isinstance(place_, str) else "internet",
            source=place(container),
            target=place_ if isinstance(place_, str) else "internet",
            address=place_,
            expected=_beyond(plan, container),
            source_host=container.host,
            target_host=None,
            source_service=container.service,
        )


def _ports(plan: Plan) -> Iterator[Cell]:
    for host in plan.hosts:
        open_ = set(_doors(host, published=True))
        for container in host.containers:
            for port in container.ports:
                if not container.published and (port.host_port, port.protocol) in open_:
                    # Another container answers there, rightly.
                    continue
                local = port.host_address is not None and port.host_address.is_loopback()
                yield Cell(
                    kind="port",
                    source=CLIENT,
                    target=place(container),
                    address=port.host_address or host.address,
                    expected="yes" if container.published and not local else "no",
                    source_host=None,
                    target_host=host.name,
                    target_service=container.service,
                    port=port,
                )


def _doors(host: HostPlan, *, published: bool) -> Iterable[tuple[int, str]]:
    for container in host.containers:
        if container.published == published:
            for port in container.ports:
                yield port.host_port, port.protocol
