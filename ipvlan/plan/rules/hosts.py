"""Rules of the hosts: their slices, their own addresses, what Docker may assign."""

from __future__ import annotations

from collections.abc import Iterator

from netaddr import IPNetwork

from ipvlan.config.models import HostConfig, StackConfig
from ipvlan.plan.address_space import AddressSpace
from ipvlan.plan.blocks import overlap, set_of
from ipvlan.plan.machines import SshServer, is_one_machine, ssh_server
from ipvlan.plan.rules import shims, slices
from ipvlan.plan.rules.fabric import UNUSABLE
from ipvlan.problems import Problem


def check(config: StackConfig, space: AddressSpace) -> Iterator[Problem]:
    """Yield the problems of `hosts`."""
    if not config.hosts:
        yield Problem(
            code="IPF301",
            key="hosts",
            value="",
            problem="there is no host",
            effect="`pulumi up` would remove everything that the stack has",
            fix="name at least one host; to remove the stack run `pulumi destroy`",
        )
    for name, host in config.hosts.items():
        yield from slices.check(config, space, name)
        yield from _address(name, host)
        yield from _dynamic(config, space, name)
        yield from shims.check(config, space, name)
    yield from among(config, space)


def among(config: StackConfig, space: AddressSpace) -> Iterator[Problem]:
    """Yield the problems that two hosts have with each other."""
    yield from slices.among(space)
    yield from _shared_addresses(config)
    yield from _shared_targets(config)


def _address(name: str, host: HostConfig) -> Iterator[Problem]:
    key, value = f"hosts.{name}.address", str(host.address)
    for block, meaning in UNUSABLE:
        if host.address in block:
            yield Problem(
                code="IPF305",
                key=key,
                value=value,
                problem=f"it belongs to {block}, {meaning}",
                effect="neither ssh nor clients of published ports could reach the host at it",
                fix="write the address that `ip -4 -br address` shows for the host's NIC",
            )


def _dynamic(config: StackConfig, space: AddressSpace, name: str) -> Iterator[Problem]:
    dynamic = config.hosts[name].dynamic
    if not isinstance(dynamic, IPNetwork):
        return
    key, value = f"hosts.{name}.dynamic", str(dynamic)
    if not set_of([dynamic]).issubset(set_of(space.slices(name))):
        text = ", ".join(map(str, space.slices(name)))
        yield Problem(
            code="IPF306",
            key=key,
            value=value,
            problem=f"it is not a part of the host's slice {text}"
            if text
            else "the host has no slice that it is a part of",
            effect="Docker would assign addresses that belong to another host, or are unassigned",
            fix=f"write a part of {text}, or none" if text else f"write hosts.{name}.slice, or remove it",
        )
    for number, reserved in enumerate(config.fabric.reserved):
        if overlap(reserved, dynamic):
            yield Problem(
                code="IPF307",
                key=f"{key} and fabric.reserved[{number}]",
                value=f"{value} and {reserved}",
                problem="Docker may assign addresses that nothing may use",
                effect="an unmanaged container would get a reserved address",
                fix="write a smaller part, or another one",
            )


def _shared_addresses(config: StackConfig) -> Iterator[Problem]:
    by_address: dict[str, str] = {}
    for name, host in config.hosts.items():
        first = by_address.setdefault(str(host.address), name)
        if first == name:
            continue
        parents = config.hosts[first].parent, host.parent
        yield Problem(
            code="IPF313",
            key=f"hosts.{first}.address and hosts.{name}.address",
            value=str(host.address),
            problem="the two hosts have one address"
            + (f", with two parents ({parents[0]} and {parents[1]})" if parents[0] != parents[1] else ""),
            effect="one machine would get two networks of the same name, and Docker refuses the second",
            fix="correct one address; a host has one parent, so a second parent is a second stack",
        )


def _shared_targets(config: StackConfig) -> Iterator[Problem]:
    """Yield what the config alone shows: one ssh target, whatever its user. Names that lead to one machine are found by `up`."""
    by_address: dict[str, str] = {}
    by_server: dict[SshServer, str] = {}
    for name, host in config.hosts.items():
        address = str(host.address)
        # Hosts with one address have one ssh target too: once is enough.
        if by_address.setdefault(address, name) == name:
            first = by_server.setdefault(ssh_server(host), name)
            if first != name:
                yield _one_target(
                    f"hosts.{first}.ssh and hosts.{name}.ssh", _target(config.hosts[first]), _target(host)
                )
    for name, host in config.hosts.items():
        address, _ = ssh_server(host)
        other = by_address.get(address, name)
        # Where the other host is reached by its address too, it is said above.
        if (
            other != name
            and ssh_server(host) != ssh_server(config.hosts[other])
            and is_one_machine(host, config.hosts[other])
        ):
            yield _one_target(f"hosts.{other}.address and hosts.{name}.ssh", address, _target(host))


def _target(host: HostConfig) -> str:
    return str(host.ssh or f"root@{host.address}")


def _one_target(key: str, first: str, second: str) -> Problem:
    return Problem(
        code="IPF314",
        key=key,
        value=first if first == second else f"{first} and {second}",
        problem="the two hosts have one ssh target",
        effect="both networks and all containers would be created on one machine",
        fix="correct one of the two",
    )
