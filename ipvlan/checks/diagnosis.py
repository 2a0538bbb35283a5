"""Why a cell of the matrix is wrong: the first broken link of the chain between its two ends.

Owns the order of the links and their sentences: host not reached, container missing or down, not attached, wrong address,
parent down, no route, port not bound, bound but silent.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ipvlan.hosts.connection_probe import Observed
from ipvlan.hosts.errors import HostError
from ipvlan.hosts.snapshot import HostSnapshot
from ipvlan.plan.model import ContainerPlan, HostPlan, Plan
from ipvlan.plan.reachability import Cell
from ipvlan.plan.resource_names import BRIDGE


class Diagnosis:
    """What the hosts said, as the ground for reasons."""

    def __init__(self, plan: Plan, hosts: Mapping[str, HostSnapshot | HostError]) -> None:
        self._plan = plan
        self._hosts = hosts

    def reason(self, cell: Cell, observed: Observed, wanted: str) -> str:
        """One sentence for a wrong cell; `wanted` is yes or no."""
        found = next(self._links(cell, observed, wanted), None)
        if found is not None:
            return found
        way = self._beyond_the_plan(cell, wanted)
        if way is not None:
            return way
        return (
            "both ends are as planned and nothing on the hosts explains it: look at what is between the parents "
            "(switch, VLAN, port security, a firewall that drops ICMP or ARP)"
        )

    def _beyond_the_plan(self, cell: Cell, wanted: str) -> str | None:
        """Where to look when all that the plan has to do with a cell is as it must be."""
        if cell.kind == "internet-name":
            return (
                f"the container runs, and {cell.address} is not found by its name servers, or not reached: look at "
                "ipvlan-fabric:fabric.dns and at the service's dns, and whether the internet's address is reached"
            )
        if cell.kind == "internet" and self._planned(cell).egress_gateway:
            return (
                f"the container runs and leaves by the fabric's gateway: look at the router that holds {self._plan.gateway}, "
                f"and at its own way to {cell.address}"
            )
        if cell.kind == "internet":
            return (
                "the container runs and is connected to the bridge, so its way out is the host's NAT: look at the host's own "
                f"way to {cell.address} and at its firewall (chain FORWARD)"
            )
        if cell.kind == "gateway":
            return f"no router holds the fabric's gateway {cell.address}, and the service has egress: gateway"
        if cell.kind in ("shim", "own-container") and wanted == "yes":
            return "the shim is missing on the host, or has lost its address or route: `ipvlan heal`"
        return None

    def _links(self, cell: Cell, observed: Observed, wanted: str) -> Iterator[str]:
        if wanted == "no":
            yield self._reached_wrongly(cell)
            return
        for host, service in ((cell.source_host, cell.source_service), (cell.target_host, cell.target_service)):
            if host is not None:
                yield from self._end(self._plan.host(host), service)
        if cell.port is not None:
            yield from self._port(cell, observed)
        if cell.kind in ("host-address", "internet", "internet-name"):
            yield from self._way_out(cell)
        if observed.reached is None:
            yield f"it could not be tried: {observed.outcome}"
        if cell.kind in ("container", "host-address", "other-container") and cell.source_host != cell.target_host:
            yield from self._route(cell)

    def _end(self, host: HostPlan, service: str | None) -> Iterator[str]:
        said = self._hosts.get(host.name)
        if not isinstance(said, HostSnapshot):
            yield f"host not reached: {host.name} gives no answer"
            return
        if service is not None:
            container = next(found for found in host.containers if found.service == service)
            yield from self._container(container, said)
        if not said.parent.present:
            yield f"parent missing: {host.name} has no {host.parent}"
        elif not said.parent.up:
            yield f"parent down: {host.parent} on {host.name} is down (`ip link set {host.parent} up` there, or its cable)"

    def _container(self, container: ContainerPlan, said: HostSnapshot) -> Iterator[str]:
        live = said.containers.get(container.name)
        name = f"{container.name} on {container.host}"
        if live is None:
            yield f"container missing: there is no {name}"
            return
        if not live.running:
            yield f"container down: {name} is {live.status.lower() or live.state}"
            return
        attachment = live.endpoints.get(self._plan.network_name)
        if attachment is None:
            yield f"not attached: {name} is not connected to {self._plan.network_name}"
        elif attachment.held != container.address:
            yield f"wrong address: {name} holds {attachment.held}, planned is {container.address}"

    def _way_out(self, cell: Cell) -> Iterator[str]:
        said = self._hosts.get(cell.source_host or "")
        live = said.containers.get(cell.source.partition("/")[2]) if isinstance(said, HostSnapshot) else None
        planned = self._planned(cell)
        if planned.bridged and live is not None and BRIDGE not in live.endpoints:
            yield f"bridge not connected: {cell.source} is to go out through the bridge"

    def _planned(self, cell: Cell) -> ContainerPlan:
        return next(
            found
            for found in self._plan.containers()
            if (found.host, found.service) == (cell.source_host, cell.source_service)
        )

    def _route(self, cell: Cell) -> Iterator[str]:
        if self._plan.mode == "l2" or cell.source_host is None or cell.target_host is None:
            return
        for host, other in ((cell.source_host, cell.target_host), (cell.target_host, cell.source_host)):
            slice_ = self._plan.host(other).slice
            said = self._hosts.get(host)
            if isinstance(said, HostSnapshot) and not said.has_route(slice_):
                yield (f"no route: {host} has none to {slice_} (`ipvlan heal`)")

    def _port(self, cell: Cell, observed: Observed) -> Iterator[str]:
        if cell.target_host is None:
            return
        port, said = cell.published_port, self._hosts.get(cell.target_host)
        if not isinstance(said, HostSnapshot):
            return
        container = next(
            found for found in self._plan.host(cell.target_host).containers if found.service == cell.target_service
        )
        live = said.containers[container.name]
        name = f"{container.name} on {container.host}"
        bound = any(
            binding.host_port == port.host_port and binding.protocol == port.protocol for binding in live.bindings
        )
        if not bound and BRIDGE not in live.endpoints:
            yield f"port not bound: {name} is not connected to the bridge (`ipvlan heal`)"
        elif not bound:
            yield f"port not bound: {name} is connected to the bridge, which is not its gateway"
        elif observed.outcome == "refused":
            yield (
                f"bound but silent: Docker has bound {port} of {name}, and nothing listens on "
                f"{port.container_port} in the container (`docker logs {container.name}`)"
            )
        else:
            yield (
                f"bound but silent: Docker has bound {port} of {name}, and the way from here to {cell.address} is cut "
                f"({observed.outcome}): look at the firewalls of the host and in between"
            )

    def _reached_wrongly(self, cell: Cell) -> str:
        if cell.port is not None:
            said = self._hosts.get(cell.target_host or "")
            name = cell.target.partition("/")[2]
            live = said.containers.get(name) if isinstance(said, HostSnapshot) else None
            if live is not None and BRIDGE in live.endpoints:
                return (
                    f"bridge connected: {name} on {cell.target_host} is not published, and is connected to the bridge"
                )
            return f"another process on {cell.target_host} holds port {cell.port.host_port} (`ss -ltnp` there)"
        said = self._hosts.get(cell.source_host or "")
        name = cell.source.partition("/")[2]
        live = said.containers.get(name) if isinstance(said, HostSnapshot) else None
        others = sorted(set(live.endpoints) - {self._plan.network_name}) if live is not None else []
        if others:
            return f"other network: {cell.source} is connected to {', '.join(others)} too, and goes out there"
        if cell.kind == "own-container":
            return f"{cell.source} has an address of the fabric itself, or a route to it (`ip route` there)"
        return (
            f"something on the network answers for {cell.address}, which the plan leaves unreachable from {cell.source}"
        )
