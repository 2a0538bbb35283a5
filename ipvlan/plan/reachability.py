"""The reachability matrix: who must reach whom, and who must not, from the plan alone.

The rules (docs/concepts.md has the matrix; measured on Docker 26.1.5, kernel 6.12):
- ipvlan: containers of one fabric reach each other; a host and its own containers never do (kernel, ipvlan).
- l2, not published: traffic that leaves the subnet goes to the fabric's gateway. If nothing has the gateway's address, the hosts'
  addresses and the internet cannot be reached. If something has it, that decides, and the plan cannot know.
- published or internet: the bridge is the container's gateway, so the container reaches hosts and the internet through the host's
  NAT.
- egress by the gateway: the gateway must answer, and the container reaches the internet through it.
- shim: the host and its own containers reach each other in every mode, at the shim's address; in l3 at the host's own address too.
- LAN mode (l2, hosts in the fabric's subnet): hosts on the LAN are on the containers' own link, whatever has the default route. So
  a container reaches the other hosts and not its own, and a host the containers of others and not its own; with a shim both reach
  their own too, where the host's filter for reverse paths is not strict (net.ipv4.conf.PARENT.rp_filter). Clients reach each tcp
  port at the container's own address. Where the bridge has the container's default route, only clients on the LAN do.
- l3, l3s, not on the bridge: the parent routes what leaves the container. The container reaches other hosts, since each has a route
  back to the slice, and not its own host. Beyond the LAN the routers decide. A host reaches the containers of the other hosts.
- names: reached where the address is, since the container itself asks the name server.
- not on the fabric (`fabric: false`): `ipvlan.plan.bridge_cells`. It reaches containers of the fabric as its host does, whose NAT
  sends for it.

Out of scope: the state of the hosts. `ipvlan.hosts.connection_probe` tries the cells, `ipvlan.checks.verify` compares.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from netaddr import IPAddress

from ipvlan.config.types.ports import Port
from ipvlan.plan.bridge_cells import bridge_cells, by_own_route
from ipvlan.plan.cell_sample import sample
from ipvlan.plan.cells import CLIENT, Cell, Expected, Filter, place
from ipvlan.plan.host_pairs import HostPairs, host_pairs
from ipvlan.plan.model import ContainerPlan, HostPlan, Plan


@dataclass(frozen=True, slots=True, kw_only=True)
class Matrix:
    """The cells to try."""

    cells: tuple[Cell, ...]
    possible: int
    """How many cells there are; more than `cells` has when that is a sample."""


def make_matrix(plan: Plan, *, internet: Sequence[IPAddress | str] = (), only: Filter | None = None) -> Matrix:
    """Return the cells of the plan, or a sample of a kind that has more than MOST_PAIRS.

    A sample covers every pair of hosts, of a large fleet those of `host_pairs`, and every container as source and as target. The
    same plan always gives the same sample.

    Args:
        plan: What is to be checked.
        internet: Addresses and names beyond the LAN.
        only: Which cells count.
    """
    shown = only or Filter()
    chosen: list[Cell] = []
    pairs = host_pairs(plan, shown)
    possible = 0 if pairs.complete else _not_paired(plan, pairs, shown)
    for cells in (
        _between_containers(plan, pairs),
        _to_hosts(plan, pairs),
        _to_shims(plan),
        _own_containers(plan),
        _other_containers(plan, pairs),
        _to_gateway(plan),
        *(_to_internet(plan, target) for target in internet),
        bridge_cells(plan),
    ):
        matching = [cell for cell in cells if shown.matches(cell)]
        possible += len(matching)
        chosen.extend(sample(matching))
    # Every published port is tried: a port that does not answer is what people notice.
    ports = [
        cell
        for cells in (_ports(plan), _loopback_ports(plan), _container_ports(plan))
        for cell in cells
        if shown.matches(cell)
    ]
    return Matrix(cells=(*chosen, *ports), possible=possible + len(ports))


def _not_paired(plan: Plan, pairs: HostPairs, only: Filter) -> int:
    """Return how many cells the filter shows between hosts that are not tried with each other; it names no host."""
    of_service = Counter(each.host for each in plan.on_fabric() if only.service in (None, each.service))
    of_any = Counter(each.host for each in plan.on_fabric())
    total = 0
    for host in plan.hosts:
        tried = pairs.targets.get(host.name)
        if tried is None:
            continue
        others = len(plan.hosts) - len(tried)
        for_service = of_service.total() - sum(of_service[other.name] for other in tried)
        for_any = of_any.total() - sum(of_any[other.name] for other in tried)
        if only.source in (None, host.name) and _reaches_others(plan, host):
            total += for_service
        for source in host.containers:
            if only.source not in (None, source.service, place(source)):
                continue
            shown = only.service in (None, source.service)
            total += others if shown else 0
            if source.fabric or _to_other_hosts(plan, source) != "any":
                total += for_any if shown else for_service
    return total


def _between_containers(plan: Plan, pairs: HostPairs) -> Iterator[Cell]:
    for source in plan.containers():
        for target in (each for host in pairs.targets.get(source.host, ()) for each in host.on_fabric):
            expected = "yes" if source.fabric else _through_the_host(plan, source, target)
            if source is not target and expected != "any":
                yield Cell(
                    kind="container",
                    source=place(source),
                    target=place(target),
                    address=target.fabric_address,
                    expected=expected,
                    source_host=source.host,
                    target_host=target.host,
                    source_service=source.service,
                    target_service=target.service,
                )


def _through_the_host(plan: Plan, source: ContainerPlan, target: ContainerPlan) -> Expected:
    """Return whether a container that is not on the fabric reaches one that is."""
    host = plan.host(source.host)
    to_host = by_own_route(host, source)
    if to_host != "yes":
        return to_host
    return _to_own_container(plan, host) if target.host == host.name else _to_other_hosts(plan, source)


def _to_other_hosts(plan: Plan, source: ContainerPlan) -> Expected:
    """Return whether a container that is not on the fabric reaches those of other hosts that are."""
    host = plan.host(source.host)
    to_host = by_own_route(host, source)
    return to_host if to_host != "yes" or _reaches_others(plan, host) else "any"


def _to_host(plan: Plan, container: ContainerPlan, host: HostPlan) -> Expected:
    if not container.fabric:
        return by_own_route(plan.host(container.host), container)
    if host.name in plan.lan_hosts:
        # On the container's own link, which comes before any default route.
        # The own host answers its ARP through the shim (seen on the lab, 26.1).
        return "no" if container.host == host.name and host.shim is None else "yes"
    if container.bridged:
        return "yes"
    if plan.mode == "l2":
        return "unless-gateway"
    return "no" if container.host == host.name and host.shim is None else "yes"


def _beyond(plan: Plan, container: ContainerPlan) -> Expected:
    if not container.fabric:
        return by_own_route(plan.host(container.host), container)
    if container.bridged or container.egress_gateway:
        return "yes"
    return "unless-gateway" if plan.mode == "l2" else "any"


def _to_hosts(plan: Plan, pairs: HostPairs) -> Iterator[Cell]:
    for container in plan.containers():
        for host in pairs.targets.get(container.host, ()):
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
        for container in host.on_fabric:
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


def _to_own_container(plan: Plan, host: HostPlan) -> Expected:
    if host.shim is not None:
        return "yes"
    # A host on the LAN asks no router for a neighbour.
    return "unless-gateway" if plan.mode == "l2" and host.name not in plan.lan_hosts else "no"


def _own_containers(plan: Plan) -> Iterator[Cell]:
    for host in plan.hosts:
        for container in host.on_fabric:
            yield Cell(
                kind="own-container",
                source=host.name,
                target=place(container),
                address=container.fabric_address,
                expected=_to_own_container(plan, host),
                source_host=host.name,
                target_host=host.name,
                target_service=container.service,
            )


def _reaches_others(plan: Plan, host: HostPlan) -> bool:
    """Return whether a host reaches the containers of the others; in l2 the plan does not decide where its own routes lead."""
    return plan.mode != "l2" or host.name in plan.lan_hosts


def _other_containers(plan: Plan, pairs: HostPairs) -> Iterator[Cell]:
    for host in plan.hosts:
        if not _reaches_others(plan, host):
            continue
        for container in (each for other in pairs.targets.get(host.name, ()) for each in other.on_fabric):
            if container.host != host.name:
                yield Cell(
                    kind="other-container",
                    source=host.name,
                    target=place(container),
                    address=container.fabric_address,
                    expected="yes",
                    source_host=host.name,
                    target_host=container.host,
                    target_service=container.service,
                )


def _to_gateway(plan: Plan) -> Iterator[Cell]:
    if plan.gateway is None:
        return
    for container in plan.on_fabric():
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


def _to_internet(plan: Plan, target: IPAddress | str) -> Iterator[Cell]:
    for container in plan.containers():
        yield Cell(
            kind="internet-name" if isinstance(target, str) else "internet",
            source=place(container),
            target=target if isinstance(target, str) else "internet",
            address=target,
            expected=_beyond(plan, container),
            source_host=container.host,
            target_host=None,
            source_service=container.service,
        )


def _ports(plan: Plan) -> Iterator[Cell]:
    """Yield the ports as clients find them at a host's address; of a range, its first and its last."""
    for host in plan.hosts:
        published = [port for container in host.containers if container.published for port in container.ports]
        for container in host.containers:
            for port in (end for written in container.ports for end in written.ends()):
                address = host.address if port.on_loopback else port.host_address or host.address
                expected = container.published and not port.on_loopback
                if not expected and any(_answers(other, port, address) for other in published):
                    # Another port or container answers there, as planned.
                    continue
                if not container.published and container.fabric and host.name in plan.lan_hosts:
                    # Nothing needs to be published, so the port at the host's address is the host's own.
                    continue
                yield Cell(
                    kind="port",
                    source=CLIENT,
                    target=place(container),
                    address=address,
                    expected="yes" if expected else "no",
                    source_host=None,
                    target_host=host.name,
                    target_service=container.service,
                    port=port,
                )


def _container_ports(plan: Plan) -> Iterator[Cell]:
    if not plan.lan:
        return
    for container in plan.on_fabric():
        tcp = (end for written in container.ports if written.protocol == "tcp" for end in written.ends())
        for number in sorted({port.container_port for port in tcp}):
            yield Cell(
                kind="container-port",
                source=CLIENT,
                target=place(container),
                address=container.fabric_address,
                # Through the bridge only a client on the LAN is answered from the container's address, and the plan has no client.
                expected="any" if container.bridged else "yes",
                source_host=None,
                target_host=container.host,
                target_service=container.service,
                port=Port(container_port=number, host_port=number),
            )


def _answers(published: Port, port: Port, address: IPAddress) -> bool:
    """Return whether a published port, or a range, answers at that address where `port` does."""
    return (
        published.protocol == port.protocol
        and published.holds(port.host_port)
        and published.host_address in (None, address)
    )


def _loopback_ports(plan: Plan) -> Iterator[Cell]:
    """Yield the ports at a host's own loopback, as the host itself finds them."""
    for host in plan.hosts:
        published = [port for container in host.containers if container.published for port in container.ports]
        for container in host.containers:
            for port in (end for written in container.ports if written.on_loopback for end in written.ends()):
                if port.host_address is None or (
                    not container.published
                    and (
                        (container.fabric and host.name in plan.lan_hosts)
                        or any(_answers(other, port, port.host_address) for other in published)
                    )
                ):
                    # The host's own, as at its other addresses, or another container answers there, as planned.
                    continue
                yield Cell(
                    kind="loopback-port",
                    source=host.name,
                    target=place(container),
                    address=port.host_address,
                    expected="yes" if container.published else "no",
                    source_host=host.name,
                    target_host=host.name,
                    target_service=container.service,
                    port=port,
                )
