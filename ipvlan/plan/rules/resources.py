"""Rules of what a container uses and shares, that need more than one key, or that only some hosts have.

An error is what every Docker refuses. A warning is what some refuse, or what would not have its effect.

Out of scope: what one value may be (`ipvlan.config.types`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from ipvlan.config.host_gateway import HOST_GATEWAY
from ipvlan.config.models import ServiceConfig, StackConfig
from ipvlan.config.types.sizes import MEBIBYTE, UNLIMITED
from ipvlan.plan.bridges import default_route
from ipvlan.problems import Problem, shorten


def check(config: StackConfig) -> Iterator[Problem]:
    """Yield the problems of all services."""
    for name, service in config.services.items():
        yield from _memory(f"services.{name}", service)
        yield from _host_gateway(config, f"services.{name}", service)
        yield from _cgroup_parent(f"services.{name}", service)


def _memory(key: str, service: ServiceConfig) -> Iterator[Problem]:
    """Yield what does not fit together (moby, verifyPlatformContainerResources in daemon/daemon_unix.go, 20.10 to 29)."""
    memory, swap, reservation = service.memory, service.memory_swap, service.memory_reservation
    if swap not in (None, UNLIMITED) and memory is None:
        yield Problem(
            code="IPF446",
            key=f"{key}.memory_swap",
            value=_size(swap),
            problem="there is no limit of memory, and this one is of memory and swap together",
            effect="the daemon refuses the container ('You should always set the Memory limit when using Memoryswap limit')",
            fix="set memory too, or remove the line",
        )
    elif memory is not None and swap not in (None, UNLIMITED) and swap < memory:
        yield Problem(
            code="IPF447",
            key=f"{key}.memory_swap and {key}.memory",
            value=f"{_size(swap)}, and memory {_size(memory)}",
            problem="the limit of memory and swap together is below that of memory",
            effect="the daemon refuses the container ('Minimum memoryswap limit should be larger than memory limit')",
            fix=f"write {_size(memory)} for no swap, or more",
        )
    if memory is not None and reservation is not None and reservation > memory:
        yield Problem(
            code="IPF448",
            key=f"{key}.memory_reservation and {key}.memory",
            value=f"{_size(reservation)}, and memory {_size(memory)}",
            problem="more memory is reserved than the container may use",
            effect="the daemon refuses the container ('Minimum memory limit can not be less than memory reservation limit')",
            fix=f"write {_size(memory)} or less",
        )


def _host_gateway(config: StackConfig, key: str, service: ServiceConfig) -> Iterator[Problem]:
    """Yield a warning for a name of Docker's bridge in a container that has no route to it."""
    names = [name for name, address in service.extra_hosts.items() if address == HOST_GATEWAY]
    by_a_bridge = not service.fabric and default_route(config, service) is not None
    if names and not service.bridged and not by_a_bridge:
        yield Problem(
            code="IPF449",
            key=f"{key}.extra_hosts.{shorten(names[0])}",
            value=HOST_GATEWAY,
            problem="this is the address of Docker's bridge on the host, and the container is not connected to the bridge",
            effect="the name leads nowhere: an ipvlan container does not reach its own host"
            if service.fabric
            else "the name leads nowhere: no internal bridge has a route to it",
            fix="set internet: true, or published: true; or write the address of the host's shim in the fabric"
            if service.fabric
            else "set internet: true, or name a bridge that is not internal",
            severity="warning",
        )


def _cgroup_parent(key: str, service: ServiceConfig) -> Iterator[Problem]:
    """Yield a warning for a parent that systemd does not take.

    The daemon checks the end of the name (moby, verifyPlatformContainerSettings in daemon/daemon_unix.go), runc the rest when the
    container starts (ExpandSlice in libcontainer/cgroups/systemd/common.go).
    """
    parent = service.cgroup_parent
    if parent and not _SLICE.fullmatch(parent):
        yield Problem(
            code="IPF450",
            key=f"{key}.cgroup_parent",
            value=shorten(parent),
            problem="this is not the name of a slice of systemd",
            effect="hosts on which systemd manages control groups, Docker's default with cgroup v2, refuse the container or cannot "
            "start it",
            fix="write NAME.slice without a slash, one in another with a hyphen (shop-web.slice), unless "
            "the hosts' daemon.json sets native.cgroupdriver=cgroupfs",
            severity="warning",
        )


_SLICE: Final = re.compile(r"(?:-|[^/-]+(?:-[^/-]+)*)\.slice")


def _size(size: int) -> str:
    return str(size) if size == UNLIMITED else f'"{size // MEBIBYTE}m"'
