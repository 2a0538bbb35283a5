"""Rules of the section `bridges`: names, subnets, links, and whose a network is.

Out of scope: what one value may be (`ipvlan.config.types.bridges`), the options (`ipvlan.plan.rules.bridge_options`), and the
bridges of a service (`ipvlan.plan.rules.endpoints`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from itertools import combinations

from netaddr import IPNetwork

from ipvlan.config.bridge_model import BridgeConfig
from ipvlan.config.models import StackConfig
from ipvlan.config.types.docker import DOCKER_NAME, LONGEST_NAME
from ipvlan.plan.blocks import overlap
from ipvlan.plan.bridge_option_names import LINK
from ipvlan.plan.bridges import bridges_on, docker_name
from ipvlan.plan.host_links import DOCKER_LINK, shim_link
from ipvlan.plan.interfaces import vlan_link
from ipvlan.plan.resource_names import LABEL_PREFIX, bridge_network
from ipvlan.plan.rules import bridge_options, endpoints, names
from ipvlan.plan.rules.fabric import DOCKER_BRIDGE, DOCKER_NETWORKS, UNUSABLE
from ipvlan.problems import Problem, shorten


def check(
    config: StackConfig, unreadable: Collection[str], *, with_services: bool, with_fabric: bool = True
) -> Iterator[Problem]:
    """Yield the problems of `bridges`, and of the services' connections to them.

    Args:
        config: What the rules are about.
        unreadable: Bridges that are in the file and could not be read; to name one is no mistake.
        with_services: Whether all services could be read: else a bridge may look as if nothing had it.
        with_fabric: Whether the fabric could be read.
    """
    for key, bridge in config.bridges.items():
        path = f"bridges.{shorten(key)}"
        yield from _name(config, path, key)
        yield from _external(path, bridge)
        yield from _labels(path, bridge)
        yield from bridge_options.check(path, bridge)
        yield from _subnet(config, path, key, bridge, with_fabric=with_fabric)
        if with_services:
            yield from _unused(config, path, key)
    yield from _one_name_twice(config, with_fabric=with_fabric)
    yield from _overlapping(config)
    yield from _links(config)
    yield from names.across_hosts(config, "bridges", bridges_on, bridge_network, what="networks", code="IPF246")
    yield from endpoints.check(config, unreadable, with_fabric=with_fabric)


def _name(config: StackConfig, path: str, key: str) -> Iterator[Problem]:
    name = docker_name(config, key)
    reserved = name.lower() in DOCKER_NETWORKS
    if reserved or not DOCKER_NAME.fullmatch(name) or len(name) > LONGEST_NAME:
        yield Problem(
            code="IPF230",
            key=f"{path}.name" if config.bridges[key].name is not None else path,
            value=shorten(name),
            problem="Docker uses this name for a network of its own" if reserved else "this is no name of a network",
            effect="Docker would refuse the network, or take one of its own for it"
            if reserved
            else "Docker would refuse it, or containers could not find each other by NAME.NETWORK",
            fix="choose another name; Docker's own bridge is connected by published: true or internet: true"
            if reserved
            else f"use 2 to {LONGEST_NAME} of a-z, A-Z, 0-9, _ . -, beginning with a letter or digit",
        )


def _one_name_twice(config: StackConfig, *, with_fabric: bool) -> Iterator[Problem]:
    by_name = {config.fabric.name: "fabric.name"} if with_fabric else {}
    for key in config.bridges:
        name, path = docker_name(config, key), f"bridges.{shorten(key)}"
        first = by_name.setdefault(name, path)
        if first != path:
            yield Problem(
                code="IPF231",
                key=f"{path} and {first}",
                value=shorten(name),
                problem="both are one network in Docker",
                effect="what is written for one would count for the other, and each could remove the other's network",
                fix="give the bridge another name",
            )


def _external(path: str, bridge: BridgeConfig) -> Iterator[Problem]:
    if not bridge.external:
        return
    for key in ("internal", "subnet", "options", "labels"):
        if key in bridge.model_fields_set:
            yield Problem(
                code="IPF232",
                key=f"{path}.external and {path}.{key}",
                value="true",
                problem=f"somebody else makes the network, and {key} says how this stack makes it",
                effect=f"{key} would be ignored",
                fix=f"remove {key}, or external",
            )


def _labels(path: str, bridge: BridgeConfig) -> Iterator[Problem]:
    for label in bridge.labels:
        if label.startswith(LABEL_PREFIX):
            yield Problem(
                code="IPF239",
                key=f"{path}.labels",
                value=shorten(label),
                problem=f"labels that begin with {LABEL_PREFIX} are reserved for the stack itself",
                effect="the stack could not identify its own networks",
                fix="choose another label",
            )


def _subnet(config: StackConfig, path: str, key: str, bridge: BridgeConfig, *, with_fabric: bool) -> Iterator[Problem]:
    if bridge.subnet is None:
        return
    for block, meaning in UNUSABLE:
        if overlap(bridge.subnet, block):
            yield _overlap(
                f"{path}.subnet", bridge.subnet, f"{block}, {meaning}", "no host carries packets to these addresses"
            )
    if with_fabric and overlap(bridge.subnet, config.fabric.subnet):
        yield _overlap(
            f"{path}.subnet and fabric.subnet",
            bridge.subnet,
            f"the fabric's subnet {config.fabric.subnet}",
            "Docker refuses two networks of one host that overlap",
        )
    for name, host in config.hosts.items():
        if host.address in bridge.subnet:
            yield _overlap(
                f"{path}.subnet and hosts.{name}.address",
                bridge.subnet,
                f"the address {host.address} of host {name}",
                "the hosts that have the bridge would look for that address on it",
            )
    for name, service in config.services.items():
        servers = service.dns or (config.fabric.dns if with_fabric and service.fabric else ())
        for server in servers if key in service.bridges else ():
            if server in bridge.subnet:
                where = f"services.{name}.dns" if service.dns else "fabric.dns"
                yield _overlap(
                    f"{path}.subnet and {where}",
                    bridge.subnet,
                    f"the name server {server} of {name}",
                    "the container would look for it on the bridge, and resolve no name of others",
                )
    if overlap(bridge.subnet, DOCKER_BRIDGE):
        yield Problem(
            code="IPF235",
            key=f"{path}.subnet",
            value=str(bridge.subnet),
            problem=f"it overlaps {DOCKER_BRIDGE}, which Docker gives its own bridge by default",
            effect="Docker refuses the network on each host whose own bridge is there",
            fix="use another subnet, or move the bridge with `bip` in every host's daemon.json",
            severity="warning",
        )


def _overlap(key: str, subnet: IPNetwork, other: str, effect: str) -> Problem:
    return Problem(
        code="IPF234",
        key=key,
        value=str(subnet),
        problem=f"it overlaps {other}",
        effect=effect,
        fix="write another subnet, or none: Docker then chooses one that is free on the host",
    )


def _overlapping(config: StackConfig) -> Iterator[Problem]:
    """Yield the bridges that overlap another one on a host, each pair once."""
    seen: set[tuple[str, str]] = set()
    for host in config.hosts:
        for one, other in combinations(bridges_on(config, host), 2):
            if one.subnet is None or other.subnet is None or (one.key, other.key) in seen:
                continue
            if overlap(one.subnet, other.subnet):
                seen.add((one.key, other.key))
                yield _overlap(
                    f"bridges.{shorten(one.key)}.subnet and bridges.{shorten(other.key)}.subnet",
                    one.subnet,
                    f"{other.subnet}, and both are on host {host}",
                    "Docker refuses two networks of one host that overlap",
                )


def _links(config: StackConfig) -> Iterator[Problem]:
    """Yield the bridges whose link on a host is to have a name that another one has there, each once.

    Docker takes a link that exists for the bridge, whoever made it, and changes its addresses (moby, parseNetworkOptions and
    setupVerifyAndReconcileIPv4 in libnetwork/drivers/bridge).
    """
    seen: set[str] = set()
    for name, host in config.hosts.items():
        links = {DOCKER_LINK: "Docker's own bridge", host.parent: f"hosts.{name}.parent"}
        if (link := vlan_link(host.parent)) is not None:
            links.setdefault(link, f"the link below hosts.{name}.parent")
        if host.shim:
            links.setdefault(shim_link(host.parent), f"hosts.{name}.shim")
        for bridge in bridges_on(config, name):
            link = bridge.options.get(LINK)
            key = f"bridges.{shorten(bridge.key)}.options.{LINK}"
            if link is None or bridge.external or key in seen:
                continue
            if (other := links.setdefault(link, key)) != key:
                seen.add(key)
                yield Problem(
                    code="IPF238",
                    key=key,
                    value=shorten(link),
                    problem=f"on host {name} this is the link of another one: {other}",
                    effect="Docker would refuse the network, or change the addresses of that link",
                    fix="choose a name that no link of the hosts has, or leave the option out: Docker makes one up",
                )


def _unused(config: StackConfig, path: str, key: str) -> Iterator[Problem]:
    for service in config.services.values():
        if key in service.bridges and any(map(service.runs_on, config.hosts)):
            return
    yield Problem(
        code="IPF245",
        key=path,
        value="",
        problem="no service is connected to it",
        effect="it is created nowhere",
        fix=f"connect one: services.NAME.bridges: [{shorten(key)}]; or remove it",
        severity="warning",
    )
