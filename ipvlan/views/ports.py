"""Ports as people read them: ranges stay ranges, and what only the host itself reaches says so. Decides nothing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ipvlan.config.types.ports import MANY, ON_THE_HOST, Port, numbers, runs
from ipvlan.hosts.snapshot import Binding, LiveContainer
from ipvlan.plan.model import ContainerPlan, Plan


def endpoints(plan: Plan, container: ContainerPlan) -> Iterator[str]:
    """Yield where a published container is reached: a URL for a tcp port, `ADDRESS:PORTS/PROTOCOL` for the rest."""
    for port in container.ports:
        address = port.host_address or plan.host(container.host).address
        if port.protocol != "tcp" or port.count > 1:
            text = f"{address}:{port.host_ports}/{port.protocol}"
        else:
            text = f"http://{address}" + ("" if port.host_port == 80 else f":{port.host_port}")
        yield f"{text} ({ON_THE_HOST})" if port.on_loopback else text


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
