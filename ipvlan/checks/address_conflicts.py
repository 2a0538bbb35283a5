"""Are addresses free that `pulumi up` is about to give out? Asked before anything is made, and before anything is stopped.

Owns the question to all hosts at once and the wording of what is in the way. Which addresses are new, the caller knows; how an
address is asked for stands in `address_probe`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from netaddr import IPAddress

from ipvlan.hosts.arp_probe import holders, is_ours, not_held_by, probe
from ipvlan.hosts.connection import HostConnection
from ipvlan.hosts.errors import HostError
from ipvlan.hosts.session import HostSession, on_all
from ipvlan.hosts.snapshot import HostSnapshot, take_snapshot
from ipvlan.problems import Problem


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """Addresses that are new on one host."""

    connection: HostConnection
    addresses: Mapping[IPAddress, str]
    """Address -> the service whose container is to hold it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What the hosts said: nobody else holds any of the addresses, as far as it could be asked."""

    hosts: frozenset[str]
    """The hosts of the claims that answered."""
    doubts: tuple[str, ...]
    """Sentences: what could not be asked, and why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Heard:
    live: HostSnapshot
    answering: Mapping[IPAddress, str]
    not_probed: str


class AddressTakenError(HostError):
    """Somebody else holds an address of the plan; the text names each one, who holds it, its config key, and how to fix it."""

    heading = "somebody else holds addresses of the plan; nothing was made or stopped:"


def check_claims(
    claims: Sequence[Claim], ways: Sequence[HostConnection], stack: str, *, mode: str, timeout: float
) -> Answer:
    """Ask the daemon of each claim's host and, in mode l2, the LAN for its addresses; return when nobody else holds one.

    `ways` lead to all hosts of the fabric that can be reached: who answers on the LAN is looked for there, because a container of
    this stack that will move is no obstacle, and one of others has a name. `timeout` is in seconds, for reaching a host and each
    question to it; a probe takes three seconds more. A host that fails is not in the answer. Raises AddressTakenError.
    """
    by_host = {claim.connection.name: claim for claim in claims}

    def hear(session: HostSession) -> _Heard:
        live = take_snapshot(session, timeout=timeout)
        wanted = not_held_by(stack, live, by_host[session.name].addresses)
        # A holder on the host itself is known by now, and its frames would not be seen.
        wanted = [address for address in wanted if not holders(live, address)]
        if mode != "l2":
            return _Heard(live=live, answering={}, not_probed="")
        answering, not_probed = probe(session, live, mode, wanted, timeout=timeout)
        return _Heard(live=live, answering=answering, not_probed=not_probed)

    said = on_all([claim.connection for claim in claims], hear, timeout=timeout)
    heard = {name: answer for name, answer in said.items() if isinstance(answer, _Heard)}
    elsewhere: Mapping[str, HostSnapshot | HostError] = {}
    if any(answer.answering for answer in heard.values()):
        elsewhere = on_all(ways, lambda session: take_snapshot(session, timeout=timeout), timeout=timeout)
    snapshots = [found for found in elsewhere.values() if isinstance(found, HostSnapshot)]
    problems = [
        problem
        for name, answer in sorted(heard.items())
        for problem in (
            *_on_the_host(by_host[name], stack, answer),
            *_on_the_lan(by_host[name], stack, answer, snapshots),
        )
    ]
    if problems:
        raise AddressTakenError(problems)
    doubts = tuple(
        f'host "{name}": whether its new addresses are free on the LAN was not asked: {answer.not_probed}.'
        for name, answer in sorted(heard.items())
        if answer.not_probed
    )
    return Answer(hosts=frozenset(heard), doubts=doubts)


def _on_the_host(claim: Claim, stack: str, heard: _Heard) -> Iterator[Problem]:
    for address in claim.addresses:
        for holder in holders(heard.live, address):
            if not is_ours(holder, stack):
                yield _problem(
                    claim, address, f"container {holder.name} on {claim.connection.name}", f"remove {holder.name} there"
                )


def _on_the_lan(claim: Claim, stack: str, heard: _Heard, snapshots: Sequence[HostSnapshot]) -> Iterator[Problem]:
    for address, hardware in heard.answering.items():
        found = [(live.host, holder) for live in snapshots for holder in holders(live, address) if holder.running]
        if any(is_ours(holder, stack) for _, holder in found):
            continue
        name = "".join(f", container {holder.name} on {host}" for host, holder in found)
        yield _problem(
            claim,
            address,
            f"{hardware}, which answers for it on the LAN{name}",
            f"free it ({f'remove {found[0][1].name} there' if found else 'find that hardware address in the switch'})",
        )


def _problem(claim: Claim, address: IPAddress, holder: str, fix: str) -> Problem:
    service, host = claim.addresses[address], claim.connection.name
    return Problem(
        code="IPF701",
        key=f"ipvlan-fabric:services.{service}.offset (or .addresses.{host})",
        value=str(address),
        problem=f"{address}, planned for {service} on {host}, is held by {holder}",
        effect="two machines would answer for one address, and both would be reached now and then",
        fix=f"{fix}, or plan another address; without this question: ipvlan-fabric:fabric.probe_addresses: false",
    )
