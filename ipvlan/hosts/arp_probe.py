"""Whether addresses are free: who holds them on a host by its daemon's word, and who answers for them on the LAN.

Owns the ARP probe and which container counts as ours; `ipvlan preflight` and `pulumi up` ask by it. Creates nothing.

The probe is RFC 5227's: sender address 0.0.0.0, so that no neighbour's cache changes. It is sent from the parent, and does not
see containers of the same host (measured: their frames never leave it); those the daemon is asked for.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from netaddr import IPAddress

from ipvlan.hosts.root_shell import root_shell
from ipvlan.hosts.session import HostSession
from ipvlan.hosts.snapshot import HostSnapshot, LiveContainer
from ipvlan.plan.resource_names import STACK_LABEL

#: Probes of one address, one each second (RFC 5227, PROBE_NUM).
PROBES: Final = 3

#: Addresses probed at once: each is a process on the host.
PROBES_AT_ONCE: Final = 48

#: Seconds for the start of that many processes on a busy host.
START_SECONDS: Final = 10

_PROBE: Final = """
if ! arping -V 2>&1 | grep -q iputils; then echo "missing it has no arping of iputils"; exit; fi
count=0
while read -r address; do
  # One echo, or the lines of two probes would mix; unquoted, so that the output becomes one line.
  ( set -f; said=$(arping -D -c PROBES -w PROBES -I {parent} "$address" 2>&1); echo "$? $address" $said ) &
  count=$((count + 1))
  if [ "$count" -ge AT_ONCE ]; then wait; count=0; fi
done <<'END'
{addresses}
END
wait
""".replace("PROBES", str(PROBES)).replace("AT_ONCE", str(PROBES_AT_ONCE))


def holders(live: HostSnapshot, address: IPAddress) -> tuple[LiveContainer, ...]:
    """The host's containers that hold the address, or will hold it when they start; not those on the LAN of another parent."""
    return tuple(
        container
        for container in live.containers.values()
        if any(attachment.held == address for attachment in live.here(container))
    )


def is_ours(container: LiveContainer, stack: str) -> bool:
    """Whether that stack made the container."""
    return container.labels.get(STACK_LABEL) == stack


def not_held_by(stack: str, live: HostSnapshot, addresses: Iterable[IPAddress]) -> list[IPAddress]:
    """Those of `addresses` that no running container of the stack holds there: the ones to ask the LAN for."""
    return [
        address
        for address in addresses
        if not any(is_ours(container, stack) and container.running for container in holders(live, address))
    ]


def probe(
    session: HostSession, live: HostSnapshot, mode: str, addresses: Sequence[IPAddress], *, timeout: float
) -> tuple[Mapping[IPAddress, str], str]:
    """Ask the LAN for `addresses` and return who answers, by hardware address, and why it was not tried (empty when it was).

    `timeout` is in seconds, for the start of a question; each batch of addresses takes some more. Raises HostError.
    """
    if not addresses:
        return {}, ""
    hindrance = _hindrance(session, live, mode)
    run = None if hindrance else root_shell(session, live)
    if run is None:
        return {}, hindrance or "only root may send ARP probes"
    text = _PROBE.format(parent=shlex.quote(session.parent), addresses="\n".join(map(str, addresses)))
    batches = -(-len(addresses) // PROBES_AT_ONCE)
    printed = run(text, timeout + batches * (PROBES + START_SECONDS))
    answering: dict[IPAddress, str] = {}
    trouble = ""
    for line in printed.splitlines():
        status, _, rest = line.partition(" ")
        address, _, said = rest.partition(" ")
        if status == "missing":
            trouble = rest
        elif status == "1":
            answering[IPAddress(address)] = said.partition("[")[2].partition("]")[0] or "somebody on the LAN"
        elif status != "0":
            trouble = f"arping said: {(said.strip() or line)[:120]}"
    return answering, trouble


def _hindrance(session: HostSession, live: HostSnapshot, mode: str) -> str:
    if mode != "l2":
        return f"in mode {mode} containers answer to no ARP"
    return "" if live.parent.present else f"there is no {session.parent}"
