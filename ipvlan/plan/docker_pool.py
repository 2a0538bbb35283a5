"""What Docker's own address management gets on each host: from where it may assign addresses, and what it may not assign.

This is the one place that decides it, for every form of a slice. Docker assigns an address to a container that asks for none, from
`ip_range`, without the gateway and without the auxiliary addresses. None of them may ever be an address that belongs to another
host; and where the config sets something aside for Docker, or nothing, none may be planned, reserved or a shim's.

- `dynamic` is a subnet: that subnet.
- The slice is one subnet, a /30 or larger, and there is no `dynamic`: the slice. Docker assigns what no container has at the time.
- Everything else: nothing. `ip_range` is the gateway's address alone, which Docker has itself. In l2 with `dynamic: none` and a
  slice that is one subnet it is the first address of the slice, which is an auxiliary address too.

A change of any of them replaces the network, and so all containers of the host.

Out of scope: which addresses containers may have (`ipvlan.plan.address_space`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from netaddr import IPAddress, IPNetwork

from ipvlan.plan.address_space import AddressSpace
from ipvlan.plan.blocks import Block

NO_DYNAMIC: Final = "no-dynamic-address"
"""Name of the auxiliary address that uses up a range of one address."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DockerPool:
    """The address management of Docker's network on one host."""

    gateway: IPAddress | None
    ip_range: IPNetwork
    auxiliary: Mapping[str, IPAddress]
    """Name -> address that Docker must not assign."""


def docker_pool(space: AddressSpace, host: str, hosts_own: Mapping[str, IPAddress]) -> DockerPool:
    """Return what Docker gets on the host.

    Args:
        space: The addresses of the fabric, those of all containers included.
        host: Name of the host.
        hosts_own: The hosts' own addresses that are in the fabric's subnet.
    """
    gateway = space.gateway(host)
    auxiliary: dict[str, IPAddress] = {}
    assigned = space.assigned(host)
    if assigned:
        ip_range = _subnet(assigned[0])
    elif (withheld := space.withheld(host)) is not None:
        ip_range = IPNetwork(withheld)
        auxiliary[NO_DYNAMIC] = withheld
    elif gateway is not None:
        ip_range = IPNetwork(gateway)
    else:
        raise RuntimeError(f"{host} has no gateway, and ipvlan.plan.rules did not refuse it")
    for address in sorted(hosts_own.values()):
        # With the auxiliary address of `dynamic: none` the range is used up already.
        if address in ip_range and address not in (gateway, *auxiliary.values()):
            auxiliary[_own_name(address)] = address
    return DockerPool(gateway=gateway, ip_range=ip_range, auxiliary=auxiliary)


def _own_name(address: IPAddress) -> str:
    """Return the name of a host's own address: not by the host, whose renaming would replace the networks of others."""
    return "host-" + str(address).replace(".", "-").replace(":", "-")


def _subnet(block: Block) -> IPNetwork:
    if not isinstance(block, IPNetwork):
        raise TypeError(f"Docker takes a subnet as its range, and {block} is none")
    return block
