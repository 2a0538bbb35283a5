"""Rules of the fabric itself: its name, its subnet, its gateway, what is reserved."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from netaddr import IPAddress, IPNetwork

from ipvlan.config.models import FabricConfig, StackConfig
from ipvlan.plan.blocks import broadcast_address, network_address, overlap
from ipvlan.plan.docker_versions import GATEWAY_PRIORITY
from ipvlan.plan.lan import is_lan
from ipvlan.plan.resource_names import BRIDGE
from ipvlan.problems import Problem, Severity

DOCKER_NETWORKS: Final = {"bridge", "host", "none", "default", "ingress", "docker_gwbridge"}
"""Names that Docker gives to networks of its own or reads as a network mode (moby, runconfig and swarm)."""

UNUSABLE: Final = (
    (IPNetwork("0.0.0.0/8"), "this network (RFC 1122)"),
    (IPNetwork("127.0.0.0/8"), "loopback (RFC 1122)"),
    (IPNetwork("169.254.0.0/16"), "link-local addresses (RFC 3927)"),
    (IPNetwork("224.0.0.0/4"), "multicast (RFC 5771)"),
    (IPNetwork("240.0.0.0/4"), "reserved addresses (RFC 1112)"),
)
"""Blocks that no host routes as ordinary unicast (IANA special-purpose registry), and what they are for."""

PRIVATE: Final = (
    IPNetwork("10.0.0.0/8"),
    IPNetwork("172.16.0.0/12"),
    IPNetwork("192.168.0.0/16"),
    IPNetwork("100.64.0.0/10"),
)
"""RFC 1918 and the shared space of RFC 6598."""

DOCKER_BRIDGE: Final = IPNetwork("172.17.0.0/16")
"""What the daemon gives its own bridge unless it is configured (moby, daemon/libnetwork/ipamutils)."""

LONGEST_SUBNET: Final = 31
"""A /32 has no room for a gateway and a container; a /31 has (RFC 3021)."""
SMALL_SUBNET: Final = 24
"""A longer prefix has fewer than 254 addresses for all hosts together: legal, and soon too small."""


def check(config: StackConfig) -> Iterator[Problem]:
    """Yield the problems of `fabric`."""
    fabric = config.fabric
    yield from _name(config)
    yield from _subnet(fabric, lan=is_lan(config))
    yield from _gateway(fabric)
    yield from _reserved(fabric)
    yield from _dns(config)


def _name(config: StackConfig) -> Iterator[Problem]:
    name, with_priority = config.fabric.name, GATEWAY_PRIORITY[0]
    bridged = sorted(service for service, settings in config.services.items() if settings.fabric and settings.bridged)
    if name.lower() in DOCKER_NETWORKS:
        yield Problem(
            code="IPF201",
            key="fabric.name",
            value=name,
            problem="Docker uses this name for a network of its own",
            effect="the daemon refuses the network, or connects containers to its own instead of the fabric",
            fix="choose another name, such as ipvlanl2",
        )
    elif bridged and name < BRIDGE:
        yield Problem(
            code="IPF202",
            key="fabric.name",
            value=name,
            problem=f"it sorts before Docker's `{BRIDGE}`, and {bridged[0]} uses the bridge",
            effect=f"a Docker older than {with_priority} would keep the default route on the fabric, and publish no port",
            fix=f"do nothing if all hosts run Docker {with_priority} or later; else choose a name that sorts after `{BRIDGE}`",
            severity="warning",
        )


def _reserved(fabric: FabricConfig) -> Iterator[Problem]:
    for number, reserved in enumerate(fabric.reserved):
        if not overlap(reserved, fabric.subnet):
            yield Problem(
                code="IPF203",
                key=f"fabric.reserved[{number}]",
                value=str(reserved),
                problem=f"it is outside the fabric's subnet {fabric.subnet}",
                effect="it reserves nothing",
                fix="correct it or remove it",
                severity="warning",
            )


def servers_outside(servers: Iterable[IPAddress], fabric: FabricConfig) -> list[str]:
    """Return the name servers that a container reaches only beyond the subnet; loopback is in the container itself."""
    return [str(server) for server in servers if server not in fabric.subnet and not server.is_loopback()]


def _dns(config: StackConfig) -> Iterator[Problem]:
    fabric = config.fabric
    outside = servers_outside(fabric.dns, fabric)
    # In LAN mode the gateway is the router of the LAN, which the hosts use too.
    if not outside or fabric.mode != "l2" or is_lan(config):
        return
    isolated = sorted(
        name
        for name, service in config.services.items()
        if service.fabric and not (service.dns or service.bridged or service.egress)
    )
    if isolated:
        more = f" and {len(isolated) - 1} more" if len(isolated) > 1 else ""
        yield Problem(
            code="IPF204",
            key="fabric.dns",
            value=", ".join(outside[:3]),
            problem=f"it is outside the fabric's subnet, and these services cannot leave the subnet: {isolated[0]}{more}",
            effect="they cannot resolve names, unless a router has the address of the fabric's gateway",
            fix="set internet: true or egress: gateway for them, or use a name server on the fabric",
            severity="warning",
        )


def _subnet(fabric: FabricConfig, *, lan: bool) -> Iterator[Problem]:
    subnet = fabric.subnet

    def problem(code: str, text: str, effect: str, fix: str, severity: Severity = "error") -> Problem:
        return Problem(
            code=code, key="fabric.subnet", value=str(subnet), problem=text, effect=effect, fix=fix, severity=severity
        )

    usable = subnet.size - len({network_address(subnet), broadcast_address(subnet)} - {None})
    unusable = [f"{block}, {meaning}" for block, meaning in UNUSABLE if overlap(subnet, block)]
    if unusable:
        yield problem(
            "IPF205",
            f"it overlaps {'; '.join(unusable)}",
            "the hosts would not carry packets to these addresses",
            "use a private subnet such as 10.1.0.0/16",
        )
    elif not any(subnet in block for block in PRIVATE):
        yield problem(
            "IPF206",
            "it is not private (RFC 1918, RFC 6598)",
            "containers could not reach the real owners of these addresses",
            "use a part of 10.0.0.0/8, 172.16.0.0/12 or 192.168.0.0/16 unless the addresses are yours",
            "warning",
        )
    if overlap(subnet, DOCKER_BRIDGE) and not unusable:
        yield problem(
            "IPF207",
            f"it overlaps {DOCKER_BRIDGE}, which Docker gives its own bridge by default",
            "a published container has both networks, and the daemon refuses one of them",
            "use another subnet, or move the bridge with `bip` in every host's daemon.json",
            "warning",
        )
    if subnet.prefixlen > LONGEST_SUBNET:
        yield problem(
            "IPF208",
            f"it has {subnet.size} address{'' if subnet.size == 1 else 'es'}",
            "there is no room for a gateway and a container",
            "use at least a /31; a /16 is usual",
        )
    elif subnet.prefixlen > SMALL_SUBNET and not lan:
        # The size of a LAN is not the fabric's to choose.
        yield problem(
            "IPF209",
            f"it is small: {usable} usable addresses for the gateway and all hosts together",
            "it cannot grow without a new address for every container",
            "use a /24 or larger; a /16 costs nothing in a private range",
            "warning",
        )


def _gateway(fabric: FabricConfig) -> Iterator[Problem]:
    gateway, subnet = fabric.gateway, fabric.subnet
    key, value = "fabric.gateway", str(gateway or "")
    if fabric.mode != "l2":
        if gateway is not None:
            yield Problem(
                code="IPF210",
                key=key,
                value=value,
                problem=f"mode {fabric.mode} has no gateway",
                effect="containers route through the parent; Docker refuses or ignores the gateway",
                fix="remove the line, or use mode l2",
            )
        return
    if gateway is None:
        yield Problem(
            code="IPF211",
            key=key,
            value="",
            problem="it is missing, and mode l2 needs one",
            effect="a Docker before 29 would take an address of the subnet as gateway, which the plan would not know; "
            "a newer one would give containers no default route",
            fix=f"write it, for example {_example(subnet)}",
        )
    elif gateway not in subnet:
        yield Problem(
            code="IPF212",
            key=key,
            value=value,
            problem=f"it is outside the subnet {subnet}",
            effect="the daemon refuses the network on every host",
            fix=f"write the router's address in {subnet}, for example {_example(subnet)}",
        )
    elif gateway in (network_address(subnet), broadcast_address(subnet)):
        kind = "network" if gateway == network_address(subnet) else "broadcast"
        yield Problem(
            code="IPF213",
            key=key,
            value=value,
            problem=f"it is the {kind} address of {subnet}",
            effect="no router can have it",
            fix=f"write for example {_example(subnet)}",
        )


def _example(subnet: IPNetwork) -> IPAddress:
    """Return the second address of the subnet, which routers often have; of a /32 the only one."""
    return IPAddress(min(subnet.first + 1, subnet.last), subnet.version)
