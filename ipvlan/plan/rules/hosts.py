"""Rules of the hosts: their slices, their own addresses, what Docker may assign."""

from __future__ import annotations

from collections.abc import Iterator

from netaddr import IPNetwork

from ipvlan.config.models import HostConfig, StackConfig
from ipvlan.plan.address_space import AddressSpace, Cause
from ipvlan.plan.blocks import overlap
from ipvlan.plan.machines import SshServer, is_one_machine, ssh_server
from ipvlan.plan.rules.fabric import LONGEST_SUBNET, UNUSABLE
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
        yield from _slice(config, name, host)
        yield from _address(config, name, host)
        yield from _dynamic(config, name, host)
        yield from _shim(space, name, host)
    yield from among(config, space)


def among(config: StackConfig, space: AddressSpace) -> Iterator[Problem]:
    """Yield the problems that two hosts have with each other."""
    yield from _overlaps(space)
    yield from _shared_addresses(config)
    yield from _shared_targets(config)


def _slice(config: StackConfig, name: str, host: HostConfig) -> Iterator[Problem]:
    subnet, key, value = config.fabric.subnet, f"hosts.{name}.slice", str(host.slice)
    if host.slice not in subnet:
        yield Problem(
            code="IPF302",
            key=key,
            value=value,
            problem=f"it is outside the fabric's subnet {subnet}"
            if not overlap(host.slice, subnet)
            else f"it is larger than the fabric's subnet {subnet}",
            effect="the daemon refuses the network, since its ip range is not part of the subnet",
            fix=f"write a part of {subnet}, or enlarge fabric.subnet",
        )
    if host.slice.prefixlen > LONGEST_SUBNET:
        yield Problem(
            code="IPF303",
            key=key,
            value=value,
            problem=f"a /{host.slice.prefixlen} has no address between its first and its last",
            effect="no container would have room on this host",
            fix="write a /30 or larger; a /24 is usual",
        )


def _address(config: StackConfig, name: str, host: HostConfig) -> Iterator[Problem]:
    key, value = f"hosts.{name}.address", str(host.address)
    if host.address in config.fabric.subnet:
        yield Problem(
            code="IPF304",
            key=key,
            value=value,
            problem=f"the host's own address is inside the fabric's subnet {config.fabric.subnet}",
            effect="containers would look for the host on the fabric, where the kernel isolates the two",
            fix="give the fabric a subnet that the LAN does not use",
        )
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


def _dynamic(config: StackConfig, name: str, host: HostConfig) -> Iterator[Problem]:
    if not isinstance(host.dynamic, IPNetwork):
        return
    key, value = f"hosts.{name}.dynamic", str(host.dynamic)
    if host.dynamic not in host.slice:
        yield Problem(
            code="IPF306",
            key=key,
            value=value,
            problem=f"it is not a part of the host's slice {host.slice}",
            effect="Docker would assign addresses that belong to another host, or are unassigned",
            fix=f"write a part of {host.slice}, for example its upper half, or none",
        )
    for number, reserved in enumerate(config.fabric.reserved):
        if overlap(reserved, host.dynamic):
            yield Problem(
                code="IPF307",
                key=f"{key} and fabric.reserved[{number}]",
                value=f"{value} and {reserved}",
                problem="Docker may assign addresses that nothing may use",
                effect="an unmanaged container would get a reserved address",
                fix="write a smaller part, or another one",
            )


def _shim(space: AddressSpace, name: str, host: HostConfig) -> Iterator[Problem]:
    """Yield what else may have the address of the host's shim; containers that do are in `ipvlan.plan.rules.addresses`."""
    if not host.shim:
        return
    key, address = f"hosts.{name}.shim", space.own_address(name)
    if address is None:
        yield Problem(
            code="IPF308",
            key=f"{key} and hosts.{name}.slice",
            value=f"true and {host.slice}",
            problem="the slice has no room for an address of the host's own",
            effect="the shim could not be created",
            fix="enlarge the slice to a /30 or more, or remove the shim",
        )
        return
    for reason in space.reasons(address, name):
        if reason.cause is Cause.GATEWAY:
            yield Problem(
                code="IPF309",
                key=f"{key} and {reason.key}",
                value=str(address),
                problem="the shim's address, the last of the slice, is the fabric's gateway",
                effect=f"{name} would answer instead of the router, and no container could leave the subnet",
                fix="move the gateway, or the slice",
            )
        elif reason.cause is Cause.DYNAMIC:
            yield Problem(
                code="IPF310",
                key=f"{key} and {reason.key}",
                value=f"{address} and {reason.block}",
                problem="the shim's address, the last of the slice, is in the range that Docker may assign",
                effect="an unmanaged container that Docker gives the address does not start",
                fix="choose a dynamic range that ends before it",
            )
        elif reason.cause is Cause.RESERVED:
            yield Problem(
                code="IPF311",
                key=f"{key} and {reason.key}",
                value=f"{address} and {reason.block}",
                problem="the shim's address, the last of the slice, is reserved",
                effect="what the address is reserved for would conflict with the host",
                fix="reserve less, or remove the shim",
            )


def _overlaps(space: AddressSpace) -> Iterator[Problem]:
    for (one, name), (other, other_name) in space.overlapping_slices():
        yield Problem(
            code="IPF312",
            key=f"hosts.{name}.slice and hosts.{other_name}.slice",
            value=f"{one} and {other}",
            problem="the slices are the same" if one == other else "the slices overlap",
            effect="two hosts could give one address to two containers, and each would be reached intermittently",
            fix="give each host its own slice; without `slice`, `ipvlan allocate` writes a free one",
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
