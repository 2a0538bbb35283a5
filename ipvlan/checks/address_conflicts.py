"""Address conflict detection (RFC 5227) for the addresses that `pulumi up` is about to use for the first time.

It ends before a container is created, and before anything is stopped.

Out of scope: which addresses are new (`components.address_claims`), and the ARP probe itself (`ipvlan.hosts.arp_probe`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

from netaddr import IPAddress

from ipvlan.checks.not_ours import described
from ipvlan.hosts.arp_probe import holders, not_held_by, probe
from ipvlan.hosts.connection import HostConnection, run_on_host
from ipvlan.hosts.errors import HostError
from ipvlan.hosts.ids import short_id
from ipvlan.hosts.session import HostSession, on_all
from ipvlan.hosts.snapshot import HostSnapshot, LiveContainer, take_snapshot
from ipvlan.plan.ownership import Ownership
from ipvlan.plan.rollout_containers import is_ours, planned_name
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

    unchecked: Mapping[str, frozenset[IPAddress]]
    """Host that answers -> its new addresses that could not be checked, or not on the LAN."""
    silent: frozenset[str]
    """Hosts that do not answer; nothing of them is checked."""
    warnings: tuple[str, ...]
    """What could not be checked, and why: a line for each host."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Reply:
    """What one host and its LAN show."""

    snapshot: HostSnapshot
    answering: Mapping[IPAddress, str]
    """Address -> hardware address that answers for it on the LAN."""
    not_probed: str
    """Why the LAN was not probed; empty when it was, and where no probe is possible."""
    unprobed: frozenset[IPAddress]
    """The addresses that were to be probed then."""


_LATER: Final = "They are checked when an address of the plan changes, and by `ipvlan preflight`."
_NEXT: Final = "The next `up` that reaches it checks them."


class AddressConflictError(HostError):
    """Others hold addresses of the plan."""

    heading = "others hold addresses of the plan; no container was created or stopped:"


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

    def owns(host: str, container: LiveContainer) -> bool:
        return is_ours(owned(), host, container)

    def is_kept(container: LiveContainer) -> bool:
        """Whether a change keeps it stopped: it holds nothing, and says nothing of who does."""
        return not container.running and container.name != planned_name(container.name)

    def ask(session: HostSession) -> _Reply:
        snapshot = take_snapshot(session, timeout=timeout)
        if mode != "l2":
            return _Reply(snapshot=snapshot, answering={}, not_probed="", unprobed=frozenset())
        unheld = not_held_by(partial(owns, session.name), snapshot, by_host[session.name].addresses)
        # A container of the host that holds one is known by now, and would not see the probe.
        to_probe = [address for address in unheld if all(map(is_kept, holders(snapshot, address)))]
        answering, not_probed = probe(session, snapshot, mode, to_probe, owned, timeout=timeout)
        unprobed = frozenset(to_probe) if not_probed else frozenset[IPAddress]()
        return _Reply(snapshot=snapshot, answering=answering, not_probed=not_probed, unprobed=unprobed)

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
    failures = {host: error for host, error in sorted(results.items()) if isinstance(error, HostError)}
    silent = frozenset(host for host in failures if not _docker_answers(by_host[host].connection, timeout))
    return ConflictCheck(
        unchecked={host: reply.unprobed for host, reply in replies.items() if reply.unprobed}
        | {host: frozenset(by_host[host].addresses) for host in failures.keys() - silent},
        silent=silent,
        warnings=(
            *(
                f'host "{host}": {_listed(reply.unprobed)} could not be checked for conflicts on the LAN: '
                f"{reply.not_probed}. {_LATER}"
                for host, reply in replies.items()
                if reply.unprobed
            ),
            *(
                f"{error.summary}: {_listed(by_host[host].addresses)} could not be checked for conflicts. "
                + (_NEXT if host in silent else _LATER)
                for host, error in failures.items()
            ),
        ),
    )


def _docker_answers(connection: HostConnection, timeout: float) -> bool:
    """Return whether Docker answers on the host itself: then only its forwarded socket failed, and containers can be created."""
    try:
        return run_on_host(connection, "docker version", timeout=timeout).returncode == 0
    except HostError:
        return False


def _listed(addresses: Iterable[IPAddress]) -> str:
    first, *more = sorted(addresses)
    return f"{first} and {len(more)} more" if len(more) > 2 else ", ".join(map(str, (first, *more)))


def _on_the_host(new: NewAddresses, owns: Callable[[str, LiveContainer], bool], reply: _Reply) -> Iterator[Problem]:
    """Yield the addresses that other containers of the host hold."""
    for address in new.addresses:
        for holder in holders(reply.snapshot, address):
            if not owns(new.connection.name, holder):
                yield _conflict(
                    new,
                    address,
                    f"container {holder.name} ({described(holder)}) on {new.connection.name}",
                    f"if nobody needs the container, remove {short_id(holder.id)} there",
                )


def _on_the_lan(
    new: NewAddresses, owns: Callable[[str, LiveContainer], bool], reply: _Reply, snapshots: Sequence[HostSnapshot]
) -> Iterator[Problem]:
    """Yield the addresses that somebody answers for, unless a container of the stack on another host is the one."""
    for address, hardware in reply.answering.items():
        running = [
            (snapshot.host, container)
            for snapshot in snapshots
            for container in holders(snapshot, address)
            if container.running
        ]
        if any(owns(host, container) for host, container in running):
            continue
        names = "".join(
            f", container {container.name} ({described(container)}) on {host}" for host, container in running
        )
        yield _conflict(
            new,
            address,
            f"{hardware}, which answers for it on the LAN{names}",
            f"if nobody needs the container, remove {short_id(running[0][1].id)} there"
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
