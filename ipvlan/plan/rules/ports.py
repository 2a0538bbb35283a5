"""Rules of the published ports: which of them cannot be bound together, or not at all.

A range is compared as a range: 65,535 ports cost what one does.

Out of scope: whether a service has ports (`ipvlan.plan.rules.services`), and the form of one (`ipvlan.config.types.ports`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from netaddr import IPAddress

from ipvlan.config.models import ServiceConfig, StackConfig
from ipvlan.config.types.ports import Port, numbers
from ipvlan.plan.lan import is_lan, lan_hosts
from ipvlan.problems import Problem

MANY_PORTS: Final = 200
"""Ports of one service, from which on there is a warning. The docker provider compares each with each: on the lab a preview took
17 s with 500 and 47 s with 1,000 of them on one host, an `up` that creates the container 41 and 120 s. Docker starts two processes
for each published one: 200 of them took all memory of a host with 1 GB."""

MOST_PORTS: Final = 65_535
"""Ports of all containers of a stack that Docker gets. The program makes an argument of each: so many take 0.7 s and 14 MB, and
with a quarter of them on one host the docker provider had not ended after 9 minutes."""


@dataclass(frozen=True, slots=True)
class _Bound:
    """A port that a service binds."""

    number: int
    """Of the service, in the order of the config."""
    service: str
    port: Port


def check(config: StackConfig) -> Iterator[Problem]:
    """Yield the problems of `services.*.ports`."""
    published: list[_Bound] = []
    for number, (name, service) in enumerate(config.services.items()):
        bound, twice = _bound_once(service.ports)
        for port in twice:
            yield Problem(
                code="IPF417",
                key=f"services.{name}.ports",
                value=str(port),
                problem=f"this service binds {port.protocol} port {port.host_ports} twice"
                if port.count == 1
                else f"this service binds one of the {port.protocol} ports {port.host_ports} twice",
                effect="Docker binds a port once: the container would not be published",
                fix="remove one of the two",
            )
        yield from _many(config, name, service)
        if service.published:
            published += (_Bound(number, name, port) for port in bound)
    yield from _too_many(config)
    yield from _between_services(config, published)
    for host in config.hosts:
        for one in published:
            if config.services[one.service].runs_on(host):
                yield from _ssh_port(config, host, one.service, one.port)
                yield from _host_address(config, host, one.service, one.port)


def _bound_once(ports: Sequence[Port]) -> tuple[list[Port], list[Port]]:
    """Return the ports that one container can bind together, and those that conflict with one of them."""
    bound: list[Port] = []
    twice: list[Port] = []
    # The last port so far, by protocol and address; of all addresses under "any".
    last: dict[tuple[str, IPAddress | str | None], int] = {}
    for port in sorted(ports, key=lambda port: port.host_port):
        conflicting = ("any",) if port.host_address is None else (port.host_address, None)
        if any(last.get((port.protocol, address), 0) >= port.host_port for address in conflicting):
            twice.append(port)
            continue
        bound.append(port)
        for address in (port.host_address, "any"):
            key = port.protocol, address
            last[key] = max(last.get(key, 0), port.last_host_port)
    return bound, twice


def _between_services(config: StackConfig, published: Sequence[_Bound]) -> Iterator[Problem]:
    """Yield the ports that two services bind on one host, each pair of services and port once."""
    reported: set[tuple[str, str, str]] = set()
    begun: dict[str, list[_Bound]] = {}
    for one in sorted(published, key=lambda one: (one.port.host_port, one.number)):
        still = [other for other in begun.get(one.port.protocol, []) if other.port.holds(one.port.host_port)]
        for other in still:
            first, second = sorted((other, one), key=lambda bound: bound.number)
            host = _shared_host(config, first, second)
            overlap = min(one.port.last_host_port, other.port.last_host_port) - one.port.host_port + 1
            ports = numbers(one.port.host_port, overlap)
            pair = (first.service, second.service, f"{ports}/{one.port.protocol}")
            if host is None or pair in reported:
                continue
            reported.add(pair)
            yield Problem(
                code="IPF416",
                key=f"services.{first.service}.ports and services.{second.service}.ports",
                value=f"{first.port} and {second.port}",
                problem=f"both bind {one.port.protocol} port {ports} of {host}"
                + ("" if first.port.host_address == second.port.host_address else ", one of them at every address"),
                effect="Docker binds a port once: the second service would not be published",
                fix="give one another host port, or run them on different hosts",
            )
        begun[one.port.protocol] = [*still, one]


def _shared_host(config: StackConfig, one: _Bound, other: _Bound) -> str | None:
    """Return the first host on which both cannot be bound; None where there is none."""
    if one.number == other.number or not one.port.shares_address(other.port):
        return None
    services = config.services[one.service], config.services[other.service]
    return next((host for host in config.hosts if all(service.runs_on(host) for service in services)), None)


def _many(config: StackConfig, name: str, service: ServiceConfig) -> Iterator[Problem]:
    count = sum(port.count for port in service.ports)
    if count < MANY_PORTS:
        return
    on_lan = lan_hosts(config)
    if not service.published and not any(_declares(service, host, on_lan) for host in config.hosts):
        # Docker gets none of them (`ContainerPlan.docker_ports`).
        return
    yield Problem(
        code="IPF436",
        key=f"services.{name}.ports",
        value=", ".join(str(port) for port in service.ports[:5]),
        problem=f"it has {count} ports; the docker provider compares each with each"
        + (", and Docker starts two processes for each on the host" if service.published else ""),
        effect="each preview and `up` takes minutes from about 1,000 ports on, four times as long for twice as many"
        + (", and 200 published ones take all memory of a host with 1 GB" if service.published else ""),
        fix=_fewer(service),
        severity="warning",
    )


def _fewer(service: ServiceConfig) -> str:
    """Return what to do about very many ports: a container without the fabric has no address that clients reach."""
    if not service.fabric:
        return (
            "name fewer ports, or give the service an address of the fabric (remove fabric: false): there every port answers "
            "without being published or named here"
        )
    return (
        "leave out the range where clients reach the fabric: at the container's own address every port answers without being "
        "published or named here; or name fewer ports"
    )


def _declares(service: ServiceConfig, host: str, on_lan: Collection[str]) -> bool:
    """Return whether Docker gets the service's ports on the host when it creates the container there."""
    return service.runs_on(host) and (service.published or (service.fabric and host not in on_lan))


def _too_many(config: StackConfig) -> Iterator[Problem]:
    """Yield that Docker would get more ports than can ever be declared."""
    on_lan = lan_hosts(config)
    counts = {
        name: sum(port.count for port in service.ports) * sum(_declares(service, host, on_lan) for host in config.hosts)
        for name, service in config.services.items()
    }
    if (total := sum(counts.values())) <= MOST_PORTS:
        return
    most = max(counts, key=counts.__getitem__)
    yield Problem(
        code="IPF437",
        key=f"services.{most}.ports",
        value=", ".join(str(port) for port in config.services[most].ports[:5]),
        problem=f"the containers of the stack have {total} ports together, {counts[most]} of them those of this service, and "
        f"{MOST_PORTS} are the most",
        effect="the docker provider compares each with each: no preview and no `up` would end",
        fix=_fewer(config.services[most]),
    )


def _ssh_port(config: StackConfig, host: str, name: str, port: Port) -> Iterator[Problem]:
    """Yield that a port is that of the host's ssh server, which listens at every address of the host unless it was told not to."""
    target = config.hosts[host].ssh
    ssh_port = target.port if target else 22
    if port.protocol != "tcp" or not port.holds(ssh_port):
        return
    if port.host_address in (None, config.hosts[host].address) or port.on_loopback:
        yield Problem(
            code="IPF415",
            key=f"services.{name}.ports",
            value=str(port),
            problem=f"the ssh server of {host} listens on port {ssh_port}",
            effect="Docker could not bind the port, or you could no longer reach the host by ssh",
            fix="publish another host port",
        )


def _host_address(config: StackConfig, host_name: str, name: str, port: Port) -> Iterator[Problem]:
    """Yield what is wrong with the host address that a port is bound to."""
    if port.host_address is None or port.host_address == config.hosts[host_name].address or port.on_loopback:
        return
    owner = next((other for other, host in config.hosts.items() if host.address == port.host_address), None)
    if owner is not None:
        yield Problem(
            code="IPF418",
            key=f"services.{name}.ports",
            value=str(port),
            problem=f"{port.host_address} is the address of {owner}, and the service also runs on {host_name}",
            effect=f"{host_name} cannot bind an address that it does not have, so it would publish nothing",
            fix=f"leave the address out, or set services.{name}.hosts: [{owner}]",
        )
    elif port.host_address in config.fabric.subnet and not is_lan(config):
        yield Problem(
            code="IPF419",
            key=f"services.{name}.ports",
            value=str(port),
            problem=f"{port.host_address} is inside the fabric, and no host's own address",
            effect="Docker could not bind the port",
            fix="write an address of the host, or leave it out",
        )
