"""Why a cell of the matrix is wrong: the first broken link of the chain between its two ends.

The links, in this order: the host answers; its container exists, runs, and is connected to the fabric at its address; the parent
is up; the port is bound; the bridge is connected; the probe was possible; the route exists.

Out of scope: which cells are wrong (`verify`), and reading the hosts (`ipvlan.hosts.snapshot`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ipvlan.checks.forwarding import may_drop, obstacles
from ipvlan.config.types.ports import Port
from ipvlan.hosts.connection_probe import Observed
from ipvlan.hosts.errors import HostError, OtherMachineError
from ipvlan.hosts.ports import EVERY_ADDRESS
from ipvlan.hosts.snapshot import HostSnapshot, LiveContainer
from ipvlan.plan.cells import Cell
from ipvlan.plan.model import ContainerPlan, HostPlan, Plan
from ipvlan.plan.resource_names import BRIDGE, PREVIOUS_LABEL

_BETWEEN_THE_HOSTS = (
    "both ends are as planned and nothing on the hosts explains it: look at what is between the parents "
    "(switch, VLAN, port security, a firewall that drops ICMP or ARP)"
)


class Diagnosis:
    """Explains wrong cells from a plan and the state of its hosts."""

    def __init__(self, plan: Plan, hosts: Mapping[str, HostSnapshot | HostError]) -> None:
        self._plan = plan
        self._hosts = hosts

    def reason(self, cell: Cell, observed: Observed, *, must_work: bool) -> str:
        """Return one sentence about a wrong cell; `must_work` is false where the connection works and must not."""
        if not must_work:
            return self._bridge_works_wrongly(cell) or self._works_wrongly(cell)
        reason = next(self._broken_links(cell, observed), None)
        return reason or self._by_a_bridge(cell) or self._outside_the_hosts(cell) or _BETWEEN_THE_HOSTS

    def _broken_links(self, cell: Cell, observed: Observed) -> Iterator[str]:
        for host, service in ((cell.source_host, cell.source_service), (cell.target_host, cell.target_service)):
            if host is not None:
                yield from self._end(self._plan.host(host), service, cell)
        if cell.kind == "container-port":
            yield from self._own_port(cell, observed)
        elif cell.port is not None:
            yield from self._port(cell, observed)
        if cell.kind in ("host-address", "internet", "internet-name"):
            yield from self._bridge(cell)
        if observed.reached is None:
            yield f"it could not be tried: {observed.outcome}"
        if cell.kind in ("container", "host-address", "other-container") and cell.source_host != cell.target_host:
            yield from self._route(cell)

    def _end(self, host: HostPlan, service: str | None, cell: Cell) -> Iterator[str]:
        if isinstance(self._hosts.get(host.name), OtherMachineError):
            yield f"host replaced: another machine answers for {host.name} than the one in the state (`ipvlan status`)"
            return
        snapshot = self._snapshot(host.name)
        if snapshot is None:
            yield f"host not reached: {host.name} does not answer"
            return
        if service is not None:
            yield from self._container(host.container(service), snapshot, cell.bridge)
        if cell.bridge is not None:
            # It never leaves the host.
            return
        if not snapshot.parent.present:
            yield f"parent missing: {host.name} has no {host.parent}"
        elif not snapshot.parent.up:
            yield f"parent down: {host.parent} on {host.name} is down (`ip link set {host.parent} up` there, or its cable)"

    def _container(self, planned: ContainerPlan, snapshot: HostSnapshot, bridge: str | None) -> Iterator[str]:
        live = snapshot.containers.get(planned.name)
        name = f"{planned.name} on {planned.host}"
        if live is None:
            yield f"container missing: {name} does not exist"
            return
        if snapshot.loops(live):
            yield f"container restarts: {name} ends, and Docker starts it again (`ipvlan status` has its last lines)"
            return
        if not live.running:
            yield f"container down: {name} is {live.status.lower() or live.state}"
            return
        if bridge is not None or not planned.fabric:
            networks = [endpoint.bridge for endpoint in planned.bridges if bridge in (None, endpoint.bridge)]
            absent = [network for network in networks if network not in live.endpoints]
            if absent:
                yield f"not attached: {name} is not connected to {', '.join(absent)} (`ipvlan status`)"
            return
        endpoint = live.endpoints.get(self._plan.network_name)
        if endpoint is None:
            yield f"not attached: {name} is not connected to {self._plan.network_name}"
        elif endpoint.held != planned.address:
            yield f"wrong address: {name} holds {endpoint.held}, planned is {planned.address}"

    def _port(self, cell: Cell, observed: Observed) -> Iterator[str]:
        if cell.target_host is None or cell.target_service is None:
            return
        planned = self._plan.host(cell.target_host).container(cell.target_service)
        live = self._live(planned.host, planned.name)
        if live is None:
            return
        port, name = cell.published_port, f"{planned.name} on {planned.host}"
        bound = any(
            binding.host_port == port.host_port and binding.protocol == port.protocol for binding in live.bindings
        )
        if not bound and BRIDGE not in live.endpoints:
            # Only `up` changes a restored container.
            what = "`ipvlan status`" if PREVIOUS_LABEL in live.labels else "`ipvlan heal`"
            yield f"port not bound: {name} is not connected to the bridge ({what})"
        elif not bound:
            yield f"port not bound: {name} is connected to the bridge, which is not its gateway"
        elif observed.outcome == "refused":
            yield (
                f"bound but silent: Docker has bound {port} of {name}, and nothing listens on {port.container_port} in the "
                f"container (`docker logs {planned.name}`)"
            )
        elif cell.kind != "loopback-port" and (reason := self._not_forwarded(planned.host)):
            yield f"not forwarded: Docker has bound {port} of {name}, and {reason}"
        else:
            from_, between = ("the host itself", "") if cell.kind == "loopback-port" else ("here", " and in between")
            yield (
                f"bound but silent: Docker has bound {port} of {name}, and the connection from {from_} to {cell.address} fails "
                f"({observed.outcome}): look at the firewalls of the host{between}"
            )

    def _own_port(self, cell: Cell, observed: Observed) -> Iterator[str]:
        if observed.outcome == "refused":
            yield (
                f"silent: nothing listens on {cell.published_port.host_port} in {cell.target} "
                f"(`docker logs {cell.target.partition('/')[2]}` on {cell.target_host})"
            )
        else:
            yield (
                f"not reached from here: {cell.target} runs at {cell.address}, and the connection fails ({observed.outcome}): "
                "look at the route from this machine to that address, and at what is between (switch, port security, a firewall)"
            )

    def _bridge(self, cell: Cell) -> Iterator[str]:
        planned = self._source(cell)
        if planned is None or not planned.bridged:
            # One that is not on the fabric is asked for all its bridges before (`_container`).
            return
        live = self._live(planned.host, planned.name)
        if live is not None and BRIDGE not in live.endpoints:
            yield f"bridge not connected: {cell.source} reaches the outside through the bridge"
        elif cell.target_host != planned.host and (reason := self._not_forwarded(planned.host)):
            yield f"not forwarded: {reason}"

    def _not_forwarded(self, host: str) -> str:
        """Return what keeps a host from forwarding, or may; empty where nothing is known to."""
        snapshot = self._snapshot(host)
        if snapshot is None:
            return ""
        found = next(obstacles(host, forwards=snapshot.forwards, rules=snapshot.forward_rules), None)
        if found is not None:
            return f"{found.problem} (`ipvlan status` has the fix)"
        chain = next(may_drop(snapshot.forward_rules), None)
        if chain is not None:
            return (
                f"{chain} on {host} drops what none of its rules accepts: Docker writes its own rules to nftables, and they do not "
                "count there"
            )
        if snapshot.forward_rules is not None and not snapshot.forward_rules.known:
            return (
                f"Docker on {host} writes its rules to nftables, and whether another chain there drops what they accept is not "
                "known (`ipvlan preflight` says how to see it)"
            )
        return ""

    def _route(self, cell: Cell) -> Iterator[str]:
        if self._plan.mode == "l2" or cell.source_host is None or cell.target_host is None:
            return
        for host, other in ((cell.source_host, cell.target_host), (cell.target_host, cell.source_host)):
            snapshot = self._snapshot(host)
            missing = [
                str(destination)
                for destination in self._plan.host(other).destinations
                if snapshot is not None and not snapshot.has_route(destination)
            ]
            if missing:
                yield f"no route: {host} has none to {', '.join(missing)} (`ipvlan heal`)"

    def _by_a_bridge(self, cell: Cell) -> str | None:
        """Return where to look when all is as planned, of what goes over a bridge of the stack; None for another cell."""
        if cell.bridge is not None:
            return (
                f"both containers run and are connected to {cell.bridge}: look at `docker network inspect {cell.bridge}` on "
                f"{cell.source_host} (enable_icc), and at its firewall (`sysctl net.bridge.bridge-nf-call-iptables` there; if it "
                "is 1, chain FORWARD)"
            )
        planned = self._source(cell)
        if cell.kind in ("container", "host-address") and planned is not None and not planned.fabric:
            return (
                f"{cell.source} leaves through the NAT of {cell.source_host}: look at that host's own route to {cell.address} "
                "(`ip route get` there; `ipvlan heal` for a shim) and at its firewall (chain FORWARD)"
            )
        return None

    def _outside_the_hosts(self, cell: Cell) -> str | None:
        """Return where to look when everything on the hosts is as planned; None where the kind of cell does not tell."""
        match cell.kind:
            case "internet-name":
                return (
                    f"the container runs, and its name servers do not find {cell.address}, or it does not answer: look at "
                    "ipvlan-fabric:fabric.dns and the service's dns, and whether the internet is reached by address"
                )
            case "internet":
                return self._beyond(cell)
            case "gateway":
                return f"no router holds the fabric's gateway {cell.address}, and the service has egress: gateway"
            case "shim" | "own-container":
                return "the shim is missing on the host, or has lost its address or route: `ipvlan heal`"
            case "host-address" if cell.target_host in self._plan.lan_hosts and cell.target_host == cell.source_host:
                return self._own_host(cell.target)
            case _:
                return None

    def _beyond(self, cell: Cell) -> str:
        """Return where to look when a container that runs does not reach the internet by address."""
        planned = self._source(cell)
        if planned is not None and planned.egress_gateway:
            return (
                "the container runs and leaves through the fabric's gateway: look at the router that holds "
                f"{self._plan.gateway}, and at its own route to {cell.address}"
            )
        return (
            "the container runs and is connected to the bridge, so it leaves through the host's NAT: look at the host's "
            f"own route to {cell.address} and at its firewall (chain FORWARD)"
        )

    def _own_host(self, host: str) -> str:
        """Return why a container on a LAN does not reach its own host, which has a shim."""
        return (
            f"the shim of {host} is missing (`ipvlan heal`), or the host drops what comes from its own containers: `sysctl "
            f"net.ipv4.conf.{self._plan.host(host).parent}.rp_filter` there is 1 (strict); at the shim's address it answers"
        )

    def _works_wrongly(self, cell: Cell) -> str:
        """Return why a connection works that must not."""
        if cell.kind == "container-port":
            return f"this machine is {cell.target_host}, without a shim by the plan, and reaches {cell.address}: `ip route` here"
        if cell.port is not None:
            return self._port_works_wrongly(cell, cell.port)
        live = self._live(cell.source_host, cell.source.partition("/")[2])
        others = sorted(set(live.endpoints) - self._without_a_route(cell)) if live is not None else []
        if others:
            return f"other network: {cell.source} is connected to {', '.join(others)} too, and connects through it"
        if cell.kind == "own-container":
            return f"{cell.source} has an address of the fabric itself, or a route to it (`ip route` there)"
        return f"something on the network answers for {cell.address}, which {cell.source} must not reach by the plan"

    def _without_a_route(self, cell: Cell) -> set[str]:
        """Return the networks through which the source of a cell reaches nothing outside: the fabric, and internal bridges."""
        host = None if cell.source_host is None else self._plan.host(cell.source_host)
        internal = {bridge.name for bridge in host.bridges if bridge.internal} if host is not None else set()
        return {self._plan.network_name, *internal}

    def _bridge_works_wrongly(self, cell: Cell) -> str | None:
        """Return why a connection over a bridge works that must not; None for another cell."""
        if cell.bridge is None:
            return None
        if cell.kind == "bridge-name":
            return (
                f"the containers of {cell.bridge} on {cell.target_host} reach each other, and by its option enable_icc they must "
                f"not: `docker network inspect {cell.bridge}` there, and `ipvlan status`"
            )
        source, target = (self._live(cell.target_host, end.partition("/")[2]) for end in (cell.source, cell.target))
        if source is not None and target is not None:
            shared = sorted((set(source.endpoints) & set(target.endpoints)) - {BRIDGE})
            if shared:
                return f"other network: {cell.source} and {cell.target} are both connected to {', '.join(shared)}"
        return (
            f"Docker on {cell.source_host} does not isolate {cell.target} on {cell.bridge}: look at the rules of the host's "
            "firewall before Docker's own; or a machine beyond the host has the address too, and the bridge needs another subnet "
            "(ipvlan-fabric:bridges)"
        )

    def _port_works_wrongly(self, cell: Cell, port: Port) -> str:
        name = cell.target.partition("/")[2]
        live = self._live(cell.target_host, name)
        if self._at_every_address(cell, live):
            return (
                f"bound at every address: Docker has bound port {port.host_port} of {name} at every address of "
                f"{cell.target_host}, and the plan at {port.host_address} alone (`ipvlan status`)"
            )
        if live is not None and BRIDGE in live.endpoints and not self._published(cell):
            return f"bridge connected: {name} on {cell.target_host} is not published, and is connected to the bridge"
        return f"another process on {cell.target_host} holds port {port.host_port} (`ss -ltnp` there)"

    def _published(self, cell: Cell) -> bool:
        """Return whether the target of a cell is a container whose ports are published by plan."""
        if cell.target_host is None or cell.target_service is None:
            return False
        return self._plan.host(cell.target_host).container(cell.target_service).published

    def _at_every_address(self, cell: Cell, live: LiveContainer | None) -> bool:
        """Return whether Docker binds a port at every address of the host that the plan has at one."""
        port = cell.port
        if port is None or port.host_address is None or live is None:
            return False
        return any(
            (binding.host_port, binding.protocol) == (port.host_port, port.protocol)
            and binding.host_address in EVERY_ADDRESS
            for binding in live.bindings
        )

    def _source(self, cell: Cell) -> ContainerPlan | None:
        if cell.source_host is None or cell.source_service is None:
            return None
        return self._plan.host(cell.source_host).container(cell.source_service)

    def _snapshot(self, host: str | None) -> HostSnapshot | None:
        snapshot = self._hosts.get(host or "")
        return snapshot if isinstance(snapshot, HostSnapshot) else None

    def _live(self, host: str | None, container: str) -> LiveContainer | None:
        snapshot = self._snapshot(host)
        return None if snapshot is None else snapshot.containers.get(container)
