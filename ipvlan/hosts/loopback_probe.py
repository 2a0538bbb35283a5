"""The probe of ports that are published at a host's own loopback: the host itself is asked, never this machine.

Responsible for what is sent and how the reply is read. It needs no root.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

from ipvlan.hosts.connection_probe import CONNECT_SECONDS, Observed

if TYPE_CHECKING:
    from ipvlan.hosts.script import Output
    from ipvlan.hosts.session import HostSession
    from ipvlan.plan.cells import Cell

AT_ONCE: Final = 16
"""Ports that are tried in parallel: each takes a few processes on the host."""

_SCRIPT: Final = "loopback_probe.sh"


def loopback_cells(session: HostSession, cells: Sequence[Cell], *, timeout: float) -> Mapping[Cell, Observed]:
    """Connect, on the host of the session, to the target of every cell of kind `loopback-port`.

    Args:
        session: The host.
        cells: Its cells of that kind.
        timeout: Seconds for the host to answer, in addition to what the ports may take.

    Raises:
        HostError: The host does not answer.
    """
    tried = [cell for cell in cells if cell.published_port.protocol in ("tcp", "udp")]
    observed = {
        cell: Observed(reached=None, outcome=f"{cell.published_port.protocol} is not tried")
        for cell in cells
        if cell.published_port.protocol not in ("tcp", "udp")
    }
    if not tried:
        return observed
    batches = -(-len(tried) // AT_ONCE)
    output = session.run_script(_SCRIPT, probe_variables(tried), timeout=timeout + batches * (2 * CONNECT_SECONDS + 1))
    return observed | read_loopback(tried, output)


def probe_variables(cells: Sequence[Cell]) -> dict[str, str]:
    """Return the variables of the script for these cells, which it knows by their numbers."""
    targets = (
        f"{number} {cell.published_port.protocol} {cell.address} {cell.published_port.host_port}"
        for number, cell in enumerate(cells)
    )
    return {"targets": "\n".join(targets), "seconds": f"{CONNECT_SECONDS:g}", "at_once": str(AT_ONCE)}


def read_loopback(cells: Sequence[Cell], output: Output) -> dict[Cell, Observed]:
    """Return what the script printed about each of the cells."""
    if "tool" in output:
        return dict.fromkeys(cells, Observed(reached=None, outcome="not tried: the host has no bash"))
    return {
        cell: _read(cell.published_port.protocol, output.text(f"port_{number}"), output.text(f"reply_{number}"))
        for number, cell in enumerate(cells)
    }


_FAILED: Final = {
    "": Observed(reached=None, outcome="not tried"),
    "refused": Observed(reached=False, outcome="refused"),
    "silent": Observed(reached=False, outcome="no answer"),
}
"""What the script says of a port that it did not connect to -> the words of `connection_probe.connect`."""


def _read(protocol: str, state: str, reply: str) -> Observed:
    if state != "open":
        return _FAILED.get(state, Observed(reached=False, outcome=state[:80].lower()))
    if protocol == "udp":
        # Most servers do not answer a datagram that they do not understand.
        return Observed(reached=None, outcome="no refusal")
    if reply.startswith("HTTP/"):
        return Observed(reached=True, outcome=f"HTTP {reply[9:12]}")
    return Observed(reached=True, outcome="open" if reply else "open, silent")
