"""Ports as people read them: ranges stay ranges, and what only the host itself reaches says so. Decides nothing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from netaddr import IPAddress

from ipvlan.config.types.ports import MANY, ON_THE_HOST, Port, numbers, runs, url
from ipvlan.hosts.snapshot import Binding, LiveContainer
from ipvlan.plan.model import ContainerPlan, Plan


def endpoints(plan: Plan, container: ContainerPlan) -> Iterator[str]:
    """Yield where a container is reached: a URL for a tcp port, `ADDRESS:PORTS/PROTOCOL` for the rest.

    Published, that is at its host; on a LAN it is at the container's own address.
    """
    if plan.at_own_address(container):
        yield from (
            _endpoint(container.fabric_address, port.container_ports, port.protocol) for port in container.ports
        )
    if (plan.lan or not container.fabric) and not container.published:
        return
    for port in container.ports:
        text = _endpoint(port.host_address or plan.host(container.host).address, port.host_ports, port.protocol)
        yield f"{text} ({ON_THE_HOST})" if port.on_loopback else text


def _endpoint(address: IPAddress, ports: str, protocol: str) -> str:
    if protocol != "tcp" or "-" in ports:
        return f"{address}:{ports}/{protocol}"
    return url(address, ports)


def for_clients(container: ContainerPlan) -> list[Port]:
    """Return the published ports that clients reach: not those at the host's own loopback."""
    return [port for port in container.ports if container.published and not port.on_loopback]


def for_the_host(container: ContainerPlan) -> list[Port]:
    """Return the published ports that only the host itself reaches."""
    return [port for port in container.ports if container.published and port.on_loopback]


def bound_ports(live: LiveContainer) -> list[str]:
    """Return what a container binds at its host, whatever the address: `80/tcp`, `8000-8009/udp`, sorted as text."""
    by_protocol: dict[str, set[int]] = {}
    for binding in live.bindings:
        by_protocol.setdefault(binding.protocol, set()).add(binding.host_port)
    return sorted(
        f"{numbers(first, count)}/{protocol}" for protocol, ports in by_protocol.items() for first, count in runs(ports)
    )


def bindings(live: Iterable[Binding]) -> list[str]:
    """Return what is bound, as `ADDRESS:PORT->CONTAINER_PORT`, sorted as text; MANY ports in a row or more as one range."""
    by_rest: dict[tuple[str, str, int], set[int]] = {}
    for binding in live:
        rest = binding.host_address, binding.protocol, binding.container_port - binding.host_port
        by_rest.setdefault(rest, set()).add(binding.host_port)
    return sorted(
        f"{address}:{numbers(begin, size)}->{numbers(begin + offset, size)}"
        for (address, _, offset), ports in by_rest.items()
        for first, count in runs(ports)
        for begin, size in ([(first, count)] if count >= MANY else [(first + number, 1) for number in range(count)])
    )
