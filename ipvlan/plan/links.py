"""What two fabrics share, as far as the stack files say: a link, or machines with their Docker daemons.

Out of scope: which machine a host is (`ipvlan.plan.machines`), and what is said of it (`ipvlan.plan.clashes`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

from netaddr import IPAddress, IPNetwork

from ipvlan.plan.machines import Host, SshServer, keys_beyond_the_stack

if TYPE_CHECKING:
    from ipvlan.config.models import Mode, StackConfig
    from ipvlan.plan.model import Plan

_NEAR: Final = {4: 24, 6: 64}
"""By IP version: the prefix length of the subnet in which two hosts count as being on one LAN. The stack files do not say how long
the LAN's own prefix is; these are usual, and a longer reach would warn about sites that use one plan of addresses."""


class FabricHost(Host, Protocol):
    """A host of a config or of a plan, with what joins it to others."""

    @property
    def parent(self) -> str:
        """The link that carries the fabric."""

    @property
    def docker_socket(self) -> str:
        """Where its Docker listens."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fabric:
    """A fabric and its hosts, of a config that may not be complete, or of a plan."""

    mode: Mode
    subnet: IPNetwork
    hosts: Mapping[str, FabricHost]
    """By name, in the order in which they are compared."""

    @classmethod
    def of_config(cls, config: StackConfig) -> Fabric:
        """Return the fabric of a config."""
        return cls(mode=config.fabric.mode, subnet=config.fabric.subnet, hosts=config.hosts)

    @classmethod
    def of_plan(cls, plan: Plan) -> Fabric:
        """Return the fabric of a plan."""
        return cls(mode=plan.mode, subnet=plan.subnet, hosts={host.name: host for host in plan.hosts})


def on_one_link(one: Fabric, other: Fabric) -> bool:
    """Return whether two fabrics in mode l2 share a link, as far as the files say.

    That is a LAN that both fabrics are on, whatever the NICs are called; or one parent's name, on one LAN or machine. Where two
    machines have one own address there are two LANs.
    """
    if one.mode != "l2" or other.mode != "l2":
        return False
    twice = _own_addresses_of_two_machines(one, other)
    return _on_one_lan(one, other, twice) or not _links(one, twice).isdisjoint(_links(other, twice))


def same_machines(one: Fabric, other: Fabric) -> Iterator[tuple[str, str]]:
    """Yield the names of each two hosts that are one machine, in the order of the first fabric."""
    by_key: dict[SshServer, set[str]] = {}
    for name, host in other.hosts.items():
        for key in keys_beyond_the_stack(host):
            by_key.setdefault(key, set()).add(name)
    for name, host in one.hosts.items():
        same = {found for key in keys_beyond_the_stack(host) for found in by_key.get(key, ())}
        yield from ((name, found) for found in sorted(same))


def is_one_daemon(one: FabricHost, other: FabricHost) -> bool:
    """Return whether two hosts that are one machine have one Docker; two have networks and names of their own."""
    return _socket(one) == _socket(other)


def _socket(host: FabricHost) -> str:
    """Return where the daemon listens; `/var/run` is a link to `/run` (Filesystem Hierarchy Standard 3.0, 5.13)."""
    return host.docker_socket.removeprefix("/var") if host.docker_socket.startswith("/var/run/") else host.docker_socket


def _own_addresses_of_two_machines(one: Fabric, other: Fabric) -> set[IPAddress]:
    """Return the own addresses that hosts of both have, and are not one machine."""
    both = {host.address for host in one.hosts.values()} & {host.address for host in other.hosts.values()}
    if not both:
        return set()
    return both - {one.hosts[name].address for name, _ in same_machines(one, other)}


def _on_one_lan(one: Fabric, other: Fabric, twice: Iterable[IPAddress]) -> bool:
    """Return whether both fabrics are on the LAN of their hosts, and each on that of a host of the other."""
    if any(address in fabric.subnet for address in twice for fabric in (one, other)):
        return False
    return all(
        any(host.address in one.subnet and host.address in other.subnet for host in fabric.hosts.values())
        for fabric in (one, other)
    )


def _links(fabric: Fabric, twice: Iterable[IPAddress]) -> set[tuple[str, IPNetwork]]:
    """Return each parent's name with the surroundings of its hosts, but those that are at two sites."""
    near = {(host.parent, _surroundings(host.address)) for host in fabric.hosts.values()}
    elsewhere = {_surroundings(address) for address in twice}
    return {(parent, surroundings) for parent, surroundings in near if surroundings not in elsewhere}


def _surroundings(address: IPAddress) -> IPNetwork:
    return IPNetwork((int(address), _NEAR[address.version]), version=address.version).cidr
