"""Whether addresses are free: which containers hold them on a host, and who answers for them on the LAN.

Responsible for the ARP probe. Creates nothing.

The probe is RFC 5227's: its sender address is 0.0.0.0, so no neighbour's cache changes. It is sent from the parent and does not
reach containers of the same host (measured: their frames never leave it); the host's Docker knows those.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Final

from netaddr import IPAddress

from ipvlan.hosts.root_shell import root_shell
from ipvlan.hosts.script import Output, read_output, script_text

if TYPE_CHECKING:
    from ipvlan.hosts.session import HostSession
    from ipvlan.hosts.snapshot import HostSnapshot, LiveContainer
    from ipvlan.plan.ownership import Ownership

PROBES: Final = 3
"""Probes of one address, one each second (RFC 5227, PROBE_NUM)."""

PROBES_AT_ONCE: Final = 48
"""Addresses probed in parallel: each is a process on the host."""

START_SECONDS: Final = 10
"""Time for the start of that many processes on a busy host."""

_NOBODY: Final = "0"
_SOMEBODY: Final = "1"


def holders(live: HostSnapshot, address: IPAddress) -> tuple[LiveContainer, ...]:
    """Return the host's containers that hold the address, or will at their next start; not those on another parent's LAN."""
    return tuple(
        container
        for container in live.containers.values()
        if any(endpoint.held == address for endpoint in live.endpoints_on_lan(container))
    )


def not_held_by(
    owns: Callable[[LiveContainer], bool], live: HostSnapshot, addresses: Iterable[IPAddress]
) -> list[IPAddress]:
    """Return those of `addresses` that no running container of the stack holds on the host: the ones to probe."""
    return [
        address
        for address in addresses
        if not any(container.running and owns(container) for container in holders(live, address))
    ]


def probe(
    session: HostSession,
    live: HostSnapshot,
    mode: str,
    addresses: Sequence[IPAddress],
    owned: Callable[[], Ownership],
    *,
    timeout: float,
) -> tuple[Mapping[IPAddress, str], str]:
    """Probe `addresses` on the LAN.

    Args:
        session: The host to probe from.
        live: Its state.
        mode: The fabric's ipvlan mode.
        addresses: What to probe.
        owned: Returns what the stack owns, for `root_shell`.
        timeout: Seconds for the start of the probes; each batch of addresses takes some more.

    Returns:
        Address -> hardware address of who answers; and why it was not tried (empty when it was).

    Raises:
        HostError: The host does not answer.
    """
    if not addresses:
        return {}, ""
    obstacle = _obstacle(session, live, mode)
    if obstacle:
        return {}, obstacle
    run = root_shell(session, live, owned)
    if run is None:
        return {}, "only root may send ARP probes, and the ssh user cannot become root"
    variables = {
        "parent": session.parent,
        "addresses": "\n".join(map(str, addresses)),
        "probes": str(PROBES),
        "at_once": str(PROBES_AT_ONCE),
    }
    batches = -(-len(addresses) // PROBES_AT_ONCE)
    printed = run(script_text("arp_probe.sh", variables), timeout + batches * (PROBES + START_SECONDS))
    return read_probes(read_output(printed), addresses)


def read_probes(output: Output, addresses: Sequence[IPAddress]) -> tuple[Mapping[IPAddress, str], str]:
    """Return, from the script's output, address -> who answers, and why the probe failed (empty when it did not)."""
    answering: dict[IPAddress, str] = {}
    failure = output.text("missing") or _failure(" ".join(output.other))
    for address in addresses:
        status, message = output.text(f"status_{address}"), output.text(f"message_{address}")
        if status == _SOMEBODY:
            answering[address] = message.partition("[")[2].partition("]")[0] or "somebody on the LAN"
        elif status and status != _NOBODY:
            failure = _failure(message or f"exit status {status}")
    return answering, failure


def _failure(message: str) -> str:
    return f"arping failed: {message.strip()[:120]}" if message.strip() else ""


def _obstacle(session: HostSession, live: HostSnapshot, mode: str) -> str:
    if mode != "l2":
        return f"in mode {mode} containers answer no ARP"
    return "" if live.parent.present else f"there is no {session.parent}"
