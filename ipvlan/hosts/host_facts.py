"""What decides whether a host can carry the fabric, as one script on the host prints it.

The check before an `up` and `ipvlan preflight` read the same facts. The check starts a Python process per host, so this module
imports nothing that is slow to load.

Out of scope: what the facts mean for a plan (`ipvlan.checks.host_findings`), and what Docker's Engine API knows
(`ipvlan.hosts.docker_facts`).
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from ipvlan.hosts.errors import UNREADABLE, HostError
from ipvlan.hosts.forward_chains import ForwardRules, read_forward_rules
from ipvlan.hosts.script import Output, run_script
from ipvlan.plan.docker_versions import NFTABLES_SINCE

if TYPE_CHECKING:
    from ipvlan.hosts.connection import HostConnection
    from ipvlan.hosts.session import HostSession

_SCRIPT: Final = "host_facts.sh"


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """One network interface."""

    up: bool
    """Whether it is switched on (IFF_UP, netdevice(7))."""
    carrier: bool
    wireless: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Listener:
    """A process that listens on the host."""

    protocol: str
    address: str
    port: int
    process: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HostFacts:
    """One host, before anything is created on it."""

    user: str
    """Name of the ssh user."""
    kernel: str
    has_ipvlan: bool
    has_docker_command: bool
    docker: str
    """Version of the Docker Engine; empty where it does not answer."""
    engine: str
    """Id of the Docker Engine, which it keeps in its data folder; empty where it does not answer."""
    docker_failure: str
    """Docker's own words where it does not answer; else empty."""
    has_docker_bridge: bool
    remaps_users: bool
    """Whether root in a container is another user of the host (`userns-remap` in Docker's daemon.json)."""
    links: Mapping[str, Link]
    """By name."""
    macvlan_children: tuple[str, ...]
    """Macvlan interfaces on the parent."""
    addresses: frozenset[str]
    """IPv4 addresses of the host, of all its links; empty where it has no `ip` to ask."""
    binds_any_address: bool
    """Whether a process may bind an address that the host does not have, as for one that moves between hosts."""
    forwards: bool
    """Whether the kernel forwards IPv4."""
    firewall: str = ""
    """What Docker's rules are in: iptables or nftables, and `+firewalld`; empty where Docker has no choice or it is not known."""
    forward_rules: ForwardRules | None = None
    """Where they are in nftables, what decides beside them; else None."""
    keeps_forwarding: bool = True
    """Whether a file of sysctl.d has the kernel forward after a reboot; only read where Docker's rules are in nftables."""
    dropping: tuple[str, ...]
    """Firewall rules that may drop what goes to published ports."""
    listeners: tuple[Listener, ...]
    clock_ahead: float
    """Seconds that the host's clock is ahead of this machine's, to within a second, plus the time to connect."""


def facts_of_host(connection: HostConnection, *, timeout: float, docker_seconds: float) -> HostFacts:
    """Read the facts over a connection of its own.

    Args:
        connection: The host.
        timeout: Seconds for all of it.
        docker_seconds: Seconds for each of three questions to Docker.

    Raises:
        HostUnreachableError: ssh failed, or the time is over.
        HostError: The host answered something else.
    """
    asked_at = time.time()
    variables = _variables(connection.parent, docker_seconds)
    result = run_script(connection, _SCRIPT, variables, timeout=timeout)
    return read_facts(connection.name, result.output, asked_at, complaints=result.complaints)


def facts_in_session(session: HostSession, *, timeout: float) -> HostFacts:
    """Read the facts in an open session; `timeout` is in seconds, for the host and for each of three questions to Docker.

    Raises HostError.
    """
    asked_at = time.time()
    variables = _variables(session.parent, timeout)
    return read_facts(session.name, session.run_script(_SCRIPT, variables, timeout=4 * timeout), asked_at)


def _variables(parent: str, docker_seconds: float) -> dict[str, str]:
    return {"parent": parent, "docker_seconds": f"{docker_seconds:g}", "nftables_since": str(NFTABLES_SINCE)}


def read_facts(host: str, output: Output, asked_at: float, *, complaints: str = "") -> HostFacts:
    """Return what the script printed on `host`, asked at `asked_at` (seconds since 1970). Raises HostError when it did not run."""
    if "forward" not in output:
        printed = complaints or " ".join(output.other) or "nothing"
        raise HostError.on(
            host,
            UNREADABLE,
            problem=f"the script that reads its facts did not run to its end; it printed {printed[:200]}",
            effect="whether it can carry the fabric is not known",
            fix="look at what the login shell of the ssh user does there",
        )
    return HostFacts(
        user=output.text("user"),
        kernel=output.text("kernel"),
        has_ipvlan=output.text("ipvlan") == "yes",
        has_docker_command=output.text("docker_command") == "yes",
        docker=output.text("docker"),
        engine=output.text("engine"),
        docker_failure=output.text("docker_failure"),
        has_docker_bridge=output.text("docker_bridge") == "yes",
        remaps_users=output.text("userns_remap") == "yes",
        links={link["name"]: _link(link) for link in map(_fields, output.lines("link"))},
        macvlan_children=output.lines("macvlan"),
        addresses=frozenset(output.lines("address")),
        binds_any_address=output.text("nonlocal_bind") == "1",
        forwards=output.text("forward") == "1",
        firewall=output.text("firewall"),
        forward_rules=read_forward_rules(output),
        keeps_forwarding=output.text("forward_kept") != "no",
        dropping=output.lines("drop"),
        listeners=tuple(_listener(line) for line in output.lines("listen")),
        clock_ahead=float(output.text("clock") or asked_at) - asked_at,
    )


def _fields(text: str) -> dict[str, str]:
    """Return `a=1 b=2` by name."""
    return {name: value for name, _, value in (word.partition("=") for word in text.split())}


def _link(fields: Mapping[str, str]) -> Link:
    return Link(
        up=bool(int(fields["flags"], 16) & 1), carrier=fields["carrier"] == "1", wireless=fields["wireless"] == "1"
    )


def _listener(line: str) -> Listener:
    # The process has any text: users:(("nginx",pid=12,fd=3))
    socket, _, process = line.partition(" process=")
    fields = _fields(socket)
    address, _, port = fields["address"].rpartition(":")
    return Listener(
        protocol=fields["protocol"],
        address=address.partition("%")[0],
        port=int(port) if port.isdecimal() else 0,
        process=process.partition('(("')[2].partition('"')[0],
    )
