"""The questions of the reachability matrix: who asks whom, at which address, and what the plan expects.

Out of scope: which ones there are (`ipvlan.plan.reachability`, `ipvlan.plan.bridge_cells`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from netaddr import IPAddress

from ipvlan.config.types.ports import Port
from ipvlan.plan.model import ContainerPlan

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
    "container-port",
    "loopback-port",
    "bridge-name",
    "bridge-address",
]
"""Source and target of a cell. From a container: to a container at its address of the fabric, to a host's own address, to the shim
of its host, to the gateway, to the internet by address and by name; to another container of a bridge of the section `bridges` by
its name there; to a container without the fabric at the address that it has on a bridge which the source is not on. From a host:
to its own container, to a container of another host (l3 and LAN mode), to a port at its own loopback. From the client: to a port
at a host's address, to a container's own port at its own address (LAN mode)."""

Expected = Literal["yes", "no", "any", "unless-gateway"]
"""`any`: the plan does not decide it. `unless-gateway`: no, as long as nothing answers at the gateway's address."""

CLIENT: Final = "client"
"""The name of the machine that runs the command, as a source."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One question: does `source` reach `target` at `address`?"""

    kind: Kind
    source: str
    """`HOST/CONTAINER`, a host's name, or `client`."""
    target: str
    """`HOST/CONTAINER`, a host's name, `gateway` or `internet`."""
    address: IPAddress | str
    """A name in a cell of kind `internet-name`. `CONTAINER.BRIDGE` in one of kind `bridge-name`, where it is looked up, and of kind
    `bridge-address`, where it stands for an address that only the host knows."""
    expected: Expected
    source_host: str | None
    """None for the client."""
    target_host: str | None
    """None for gateway and internet."""
    source_service: str | None = None
    target_service: str | None = None
    port: Port | None = None
    """Its `host_port` is the one that is asked at `address`; of the kinds `port` and `container-port`."""
    bridge: str | None = None
    """Docker's name of the bridge; of the kinds `bridge-name` and `bridge-address`."""

    @property
    def published_port(self) -> Port:
        """The port of a cell that has one, never a range; RuntimeError for another kind."""
        if self.port is None:
            raise RuntimeError(f"a cell of kind {self.kind} has no port")
        return self.port


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """Which part of the matrix to show; None is everything."""

    service: str | None = None
    host: str | None = None
    source: str | None = None
    """`client`, a host, a service or `HOST/CONTAINER`."""

    def __bool__(self) -> bool:
        return any((self.service, self.host, self.source))

    def matches(self, cell: Cell) -> bool:
        """Return whether the filter shows the cell."""
        return (
            (self.service is None or self.service in (cell.source_service, cell.target_service))
            and (self.host is None or self.host in (cell.source_host, cell.target_host))
            and (self.source is None or self.source in (cell.source, cell.source_service))
        )


def place(container: ContainerPlan) -> str:
    """Return a container's name among all hosts: `docker-1/nginx`."""
    return f"{container.host}/{container.name}"
