"""Whether a host forwards what its bridges need: published ports, and the way out of containers on a bridge.

`preflight`, the check before an `up`, `status` and `verify` read the same from here. Pure; imports nothing that is slow to load.

Out of scope: reading the host (`ipvlan.hosts.forward_chains`), and what is between the hosts.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from ipvlan.hosts.docker_silence import KEEP_FORWARDING
from ipvlan.plan.docker_versions import with_a_gateway

if TYPE_CHECKING:
    from ipvlan.hosts.forward_chains import DroppingChain, ForwardRules
    from ipvlan.plan.model import ContainerPlan, HostPlan

FORWARD_DROPPED: Final = "IPF855"
"""Docker's rules are in nftables, and another chain of the host drops everything that it forwards."""
FORWARDING_OFF: Final = "IPF856"
"""The kernel of a host that has published ports or bridges forwards no packet."""
FORWARD_UNKNOWN: Final = "IPF858"
"""Docker's rules are in nftables, and whether another chain drops what it accepts cannot be read."""
FORWARDING_NOT_KEPT: Final = "IPF859"
"""Docker's rules are in nftables, and nothing is known to have the kernel forward after a reboot."""

CUT: Final = "published ports do not answer from outside, and nothing leaves by a bridge"
"""What a host that forwards nothing causes. A connection from the host itself is not forwarded, and works."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Obstacle:
    """One thing that keeps a host from forwarding."""

    code: str
    problem: str
    """One clause, with the host's name and the effect."""
    command: str
    """Shell text for root on the host that fixes it."""
    afterwards: str = ""
    """What to keep so that it stays so; empty where nothing is."""


def forwarded(host: HostPlan) -> tuple[ContainerPlan, ...]:
    """Return the containers of a host that are reached, or reach the outside, by a bridge: what the kernel forwards."""
    return tuple(
        container for container in host.containers if container.bridged or any(with_a_gateway(host, container))
    )


def obstacles(host: str, *, forwards: bool, rules: ForwardRules | None) -> Iterator[Obstacle]:
    """Yield what surely keeps a host from forwarding; `rules` is None where Docker's are in iptables."""
    if not forwards:
        yield Obstacle(
            code=FORWARDING_OFF,
            problem=f"{host} forwards no packets (net.ipv4.ip_forward is 0): {CUT}",
            command=KEEP_FORWARDING if rules is not None else "sysctl -w net.ipv4.ip_forward=1",
        )
    for chain in rules.dropping if rules is not None else ():
        if not chain.accepts:
            yield Obstacle(
                code=FORWARD_DROPPED,
                problem=f"Docker on {host} writes its rules to nftables, and {chain} drops everything that the host forwards "
                f"(policy drop, and no rule accepts a new connection): {CUT}",
                command=accept_line(chain),
                afterwards=""
                if not chain.table
                else f"write the same rules to what sets up table {chain.table} (/etc/nftables.conf)",
            )


def may_drop(rules: ForwardRules | None) -> Iterator[DroppingChain]:
    """Yield the chains that accept something, and drop the rest: whether Docker's packets are among it is not known."""
    return (chain for chain in (rules.dropping if rules is not None else ()) if chain.accepts)


def accept_line(chain: DroppingChain) -> str:
    """Return the shell text that lets a chain pass what Docker accepts.

    Docker has its own drop of what is not published (moby nftabler, UNPUBLISHED PORT DROP), and no more use for the policy of
    iptables, which it set itself when it switched forwarding on (FilterForwardDrop). A chain that a person wrote keeps its policy.
    """
    if not chain.table:
        return f"{chain.program} -P FORWARD ACCEPT"
    rules = (
        "ct state established,related accept",
        "ct status dnat accept",
        'iifname "docker0" accept',
        'iifname "br-*" accept',
    )
    return "; ".join(f"nft {shlex.quote(f'add rule {chain.table} {chain.chain} {rule}')}" for rule in rules)
