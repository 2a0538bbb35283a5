"""Address conflict detection (RFC 5227) for the addresses that `pulumi up` is about to use for the first time.

It runs before anything is created, and before anything is stopped.

Out of scope: which addresses are new (`components.address_claims`), and the ARP probe itself (`ipvlan.hosts.arp_probe`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from netaddr import IPAddress

from ipvlan.checks.not_ours import SHORT_ID, described
from ipvlan.hosts.arp_probe import holders, not_held_by, probe
from ipvlan.hosts.connection import HostConnection
from ipvlan.hosts.errors import HostError
from ipvlan.hosts.session import HostSession, on_all
from ipvlan.hosts.snapshot import HostSnapshot, LiveContainer, take_snapshot
from ipvlan.plan.ownership import Ownership
from ipvlan.problems import Problem


@dataclass(frozen=True, slots=True, kw_only=True)
class NewAddresses:
    """Addresses that are new on one host."""

    connection: HostConnection
    addresses: Mapping[IPAddress, str]
    """Address -> the service whose container will hold it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConflictCheck:
    """A check that found no conflict."""

    hosts: frozenset[str]
    """The hosts that replied; the addresses of the others are not checked."""
    warnings: tuple[str, ...]
    """What could not be checked on a host that replied, and why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Reply:
    """What one host and its LAN show."""

    snapshot: HostSnapshot
    answering: Mapping[IPAddress, str]
    """Address -> hardware address that answers for it on the LAN."""
    not_probed: str
    """Why the LAN was not probed; empty when it was, and where no probe is possible."""


class AddressConflictError(HostError):
    """Others hold addresses of the plan."""

    heading = "others hold addresses of the plan; nothing was created or stopped:"


def check_conflicts(
    new: Sequence[NewAddresses],
    connections: Sequence[HostConnection],
    owned: Callable[[], Ownership],
    *,
    mode: str,
    timeout: float,
) -> ConflictCheck:
    """Check new addresses with the Docker of their host and, in mode l2, with the LAN.

    Args:
        new: The new addresses, by host.
        connections: All hosts of the fabric that can be reached. When an address is answered for on the LAN, their Docker says
            which container holds it: one of this stack, which will move, is no conflict.
        owned: Returns what the stack owns. Called, in several threads, only where a container holds a new address, or where a
            helper container is needed to probe.
        mode: The fabric's mode.
        timeout: In seconds, to connect to a host and for each answer of it; a probe takes three seconds more.

    Raises:
        AddressConflictError: Others hold an address.
    """
    by_host = {host.connection.name: host for host in new}

    def owns(container: LiveContainer) -> bool:
        return owned().owns(container)

    def ask(session: HostSession) -> _Reply:
        snapshot = take_snapshot(session, timeout=timeout)
        if mode != "l2":
            return _Reply(snapshot=snapshot, answering={}, not_probed="")
        unheld = not_held_by(owns, snapshot, by_host[session.name].addresses)
        # A container of the host that holds one is known by now, and would not see the probe.
        to_probe = [address for address in unheld if not holders(snapshot, address)]
        answering, not_probed = probe(session, snapshot, mode, to_probe, owned, timeout=timeout)
        return _Reply(snapshot=snapshot, answering=answering, not_probed=not_probed)

    results = on_all([host.connection for host in new], ask, timeout=timeout)
    replies = {host: reply for host, reply in sorted(results.items()) if isinstance(reply, _Reply)}
    snapshots: list[HostSnapshot] = []
    if any(reply.answering for reply in replies.values()):
        everywhere = on_all(connections, lambda session: take_snapshot(session, timeout=timeout), timeout=timeout)
        snapshots = [snapshot for snapshot in everywhere.values() if isinstance(snapshot, HostSnapshot)]
    conflicts = [
        conflict
        for host, reply in replies.items()
        for conflict in (
            *_on_the_host(by_host[host], owns, reply),
            *_on_the_lan(by_host[host], owns, reply, snapshots),
        )
    ]
    if conflicts:
        raise AddressConflictError(conflicts)
    return ConflictCheck(
        hosts=frozenset(replies),
        warnings=tuple(
            f'host "{host}": whether its new addresses are free on the LAN was not checked: {reply.not_probed}.'
            for host, reply in replies.items()
            if reply.not_probed
        ),
    )


def _on_the_host(new: NewAddresses, owns: Callable[[LiveContainer], bool], reply: _Reply) -> Iterator[Problem]:
    """Yield the addresses that other containers of the host hold."""
    for address in new.addresses:
        for holder in holders(reply.snapshot, address):
            if not owns(holder):
                yield _conflict(
                    new,
                    address,
                    f"container {holder.name} ({described(holder)}) on {new.connection.name}",
                    f"if nobody needs the container, remove {holder.id[:SHORT_ID]} there",
                )


def _on_the_lan(
    new: NewAddresses, owns: Callable[[LiveContainer], bool], reply: _Reply, snapshots: Sequence[HostSnapshot]
) -> Iterator[Problem]:
    """Yield the addresses that somebody answers for, unless a container of the stack on another host is the one."""
    for address, hardware in reply.answering.items():
        running = [
            (snapshot.host, container)
            for snapshot in snapshots
            for container in holders(snapshot, address)
            if container.running
        ]
        if any(owns(container) for _, container in running):
            continue
        names = "".join(
            f", container {container.name} ({described(container)}) on {host}" for host, container in running
        )
        yield _conflict(
            new,
            address,
            f"{hardware}, which answers for it on the LAN{names}",
            f"if nobody needs the container, remove {running[0][1].id[:SHORT_ID]} there"
            if running
            else "find that hardware address in the switch and free the address",
        )


def _conflict(new: NewAddresses, address: IPAddress, holder: str, fix: str) -> Problem:
    service, host = new.addresses[address], new.connection.name
    return Problem(
        code="IPF701",
        key=f"ipvlan-fabric:services.{service}.offset (or .addresses.{host})",
        value=str(address),
        problem=f"{address}, planned for {service} on {host}, is held by {holder}",
        effect="two machines would answer for one address, and both would be reached intermittently",
        fix=f"plan another address; or {fix}; without this check: ipvlan-fabric:fabric.probe_addresses: false",
    )
