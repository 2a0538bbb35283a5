"""Rules of LAN mode: the fabric's subnet is that of a LAN that hosts are on themselves (`ipvlan.plan.lan`).

Out of scope: which addresses the hosts take from the containers (`ipvlan.plan.address_space`).
"""

from __future__ import annotations

from collections.abc import Iterator

from netaddr import IPNetwork

from ipvlan.config.models import StackConfig
from ipvlan.config.types.ports import Port
from ipvlan.plan.lan import lan_hosts
from ipvlan.problems import Problem


def check(config: StackConfig) -> Iterator[Problem]:
    """Yield the problems of a fabric whose subnet has the own address of a host."""
    if config.fabric.mode != "l2":
        yield from _routed(config)
        return
    if not lan_hosts(config):
        return
    yield from _gateway(config)
    yield from _outside(config)
    yield from _no_reservation(config)
    yield from _dynamic(config)
    yield from _name_servers(config)
    yield from _published(config)
    yield from _internet(config)


def _routed(config: StackConfig) -> Iterator[Problem]:
    subnet, mode = config.fabric.subnet, config.fabric.mode
    for name, host in config.hosts.items():
        if host.address in subnet:
            yield Problem(
                code="IPF304",
                key=f"hosts.{name}.address",
                value=str(host.address),
                problem=f"the host's own address is inside the fabric's subnet {subnet}, in mode {mode}",
                effect=f"machines of that subnet look for a container by ARP, which no container answers in mode {mode}",
                fix="use mode l2, where containers are members of the LAN; or another subnet, which the LAN does not use",
            )


def _gateway(config: StackConfig) -> Iterator[Problem]:
    for name, address in lan_hosts(config).items():
        routed = [
            service
            for service, settings in config.services.items()
            if settings.fabric and settings.runs_on(name) and not settings.bridged
        ]
        if address == config.fabric.gateway and routed and not config.hosts[name].shim:
            yield Problem(
                code="IPF340",
                key=f"fabric.gateway and hosts.{name}.address",
                value=str(address),
                problem=f"the gateway is {name} itself, and {_list(routed)} of it would route through it",
                effect="the kernel isolates a host from its own containers, so they could not leave the subnet",
                fix=f"write the address of the LAN's router, give {name} a shim (hosts.{name}.shim), or run these "
                "services on other hosts",
            )


def _outside(config: StackConfig) -> Iterator[Problem]:
    inside = lan_hosts(config)
    outside = [name for name in config.hosts if name not in inside]
    if outside:
        yield Problem(
            code="IPF341",
            key=f"hosts.{outside[0]}.address",
            value=str(config.hosts[outside[0]].address),
            problem=f"{_list(outside)} {'is' if len(outside) == 1 else 'are'} outside the fabric's subnet "
            f"{config.fabric.subnet}, and {_list(list(inside))} {'is' if len(inside) == 1 else 'are'} in it",
            effect="containers and the hosts outside reach each other only through the LAN's router",
            fix="write the address that the host has on this LAN, or do nothing if it has none and its parent is on the LAN",
            severity="warning",
        )


def _no_reservation(config: StackConfig) -> Iterator[Problem]:
    if not config.fabric.reserved:
        yield Problem(
            code="IPF342",
            key="fabric.reserved",
            value="",
            problem=f"the fabric is on the LAN {config.fabric.subnet} of its hosts, and nothing of it is reserved",
            effect="if the LAN has a DHCP server, a device may get the address of a container",
            fix="write the addresses that the DHCP server assigns, and those of other devices: reserved: [FIRST-LAST]",
            severity="warning",
        )


def _dynamic(config: StackConfig) -> Iterator[Problem]:
    own = lan_hosts(config)
    for name, host in config.hosts.items():
        if not isinstance(host.dynamic, IPNetwork):
            continue
        for other, address in own.items():
            if address in host.dynamic:
                yield Problem(
                    code="IPF343",
                    key=f"hosts.{name}.dynamic and hosts.{other}.address",
                    value=f"{host.dynamic} and {address}",
                    problem=f"Docker may assign the own address of {'the host' if other == name else other}",
                    effect="an unmanaged container would answer instead of the host",
                    fix="write a smaller part, or another one",
                )


def _name_servers(config: StackConfig) -> Iterator[Problem]:
    """Yield the name servers that are a host itself, for the services whose containers on that host cannot ask it."""
    by_key: dict[tuple[str, str], list[str]] = {}
    for host, address in lan_hosts(config).items():
        for name, service in config.services.items():
            servers, key = (service.dns, f"services.{name}.dns") if service.dns else (config.fabric.dns, "fabric.dns")
            # Without the fabric it asks from its bridge, as any container of Docker's.
            if address in servers and service.fabric and service.runs_on(host) and not config.hosts[host].shim:
                by_key.setdefault((key, host), []).append(name)
    for (key, host), names in by_key.items():
        yield Problem(
            code="IPF345",
            key=key,
            value=str(config.hosts[host].address),
            problem=f"the name server is {host} itself, and {_list(names)} also {_runs(names)} there",
            effect="the kernel isolates a host from its own containers, so these do not get an answer",
            fix=f"use another name server, such as the LAN's router, give {host} a shim (hosts.{host}.shim), or run these "
            "services on other hosts",
            severity="warning",
        )


def _published(config: StackConfig) -> Iterator[Problem]:
    subnet, on_lan = config.fabric.subnet, lan_hosts(config)
    for name, service in config.services.items():
        hosts = [host for host in on_lan if service.runs_on(host)]
        ports = [port for port in service.ports if answered_on_the_fabric(port, subnet)]
        # Without the fabric the answer leaves by the bridge, for it has no other network of the clients.
        if service.published and service.fabric and hosts and ports:
            yield Problem(
                code="IPF432",
                key=f"services.{name}.published",
                value="true",
                problem=f"{_list(hosts)} and the service's containers are on one LAN, {subnet}, where {ports[0]} cannot be "
                "published",
                effect=f"a client in {subnet} sends to the host's address, the answer comes from the container's own one, and "
                "the client drops it",
                fix="remove published: clients reach every port at the container's own address; a port at 127.0.0.1 or at "
                "an address of the host in another network can be published",
            )


def answered_on_the_fabric(port: Port, subnet: IPNetwork) -> bool:
    """Return whether clients of the subnet would send to the port at a host's address.

    Their answer leaves by the container's connected route on the fabric, and not by the bridge that the request came through (seen
    on the lab). Clients of another network are answered by the default route, which is the bridge.
    """
    return port.host_address is None or port.host_address in subnet


def _internet(config: StackConfig) -> Iterator[Problem]:
    for name, service in config.services.items():
        for_clients = service.published and not all(port.on_loopback for port in service.ports)
        if service.fabric and service.bridged and service.ports and not for_clients:
            key = f"services.{name}.{'published' if service.published else 'internet'}"
            yield Problem(
                code="IPF431",
                key=key,
                value="true",
                problem=f"the service has ports, and leaves {config.fabric.subnet} through its host's NAT",
                effect="a client beyond the LAN's router that asks at the container's own address gets its answer from the host's, "
                "and drops it",
                fix="do nothing if all clients are on the LAN; "
                + (
                    "or publish nothing, and use the container's own address"
                    if service.published
                    else f"or write services.{name}.egress: gateway instead, which is the LAN's router"
                ),
                severity="warning",
            )


def _runs(names: list[str]) -> str:
    return "runs" if len(names) == 1 else "run"


def _list(names: list[str]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
