"""Whether a host can carry its part of the plan, decided from the host's facts: one set of findings for two commands.

The check before an `up` (`host_check`) stops at the findings that say so; `ipvlan preflight` shows all of them and more. The check
starts a Python process per host, so this module imports nothing that is slow to load.

Out of scope: reading the facts (`ipvlan.hosts.host_facts`), and what needs Docker's Engine API (`preflight`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from ipvlan.checks.command_lines import ssh_line
from ipvlan.checks.forwarding import FORWARD_UNKNOWN, FORWARDING_NOT_KEPT, forwarded, obstacles
from ipvlan.checks.host_identity import other_machine
from ipvlan.hosts.docker_silence import FORWARD_AND_START, KEEP_FORWARDING
from ipvlan.hosts.errors import DOCKER_NEEDS_FORWARDING, FILES_REMAPPED, HostError
from ipvlan.plan.docker_versions import OLDEST_KERNEL, RULES, parse_version
from ipvlan.plan.interfaces import HIGHEST_VLAN, vlan_link
from ipvlan.plan.resource_names import BRIDGE
from ipvlan.problems import Severity

if TYPE_CHECKING:
    from ipvlan.hosts.host_facts import HostFacts
    from ipvlan.plan.model import HostPlan

Check = Literal[
    "ssh", "docker", "kernel", "parent", "mtu", "other networks", "forwarding", "clock", "disk", "ports", "images", "addresses"
]  # fmt: skip

CHECKS: Final[tuple[Check, ...]] = (
    "ssh", "docker", "kernel", "parent", "mtu", "other networks", "forwarding", "clock", "disk", "ports", "images", "addresses",
)  # fmt: skip

VLAN_ID: Final = "IPF131"
"""Code of a VLAN id that is none; a link of such a name that exists is taken as it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing on a host that prevents the plan, or that is good to know."""

    check: Check
    host: str
    problem: str
    fix: str
    severity: Severity = "error"
    """`info` does not affect the exit status of `ipvlan preflight`."""
    stops_up: bool = False
    """Whether the check before an `up` fails with it: what could be created would not work."""

    def __str__(self) -> str:
        return f"{self.check}: {self.problem}\n    fix: {self.fix}"


@dataclass(frozen=True, slots=True, kw_only=True)
class HostRequirements:
    """What the plan of one host requires of it, as far as the host's facts can tell."""

    host: str
    parent: str
    ssh: tuple[str, ...]
    """What a person types after `ssh` to reach it."""
    bridge: bool
    """Whether something on it is, or may become, connected to Docker's bridge."""
    docker_rules: tuple[str, ...]
    """Names of the rules of `ipvlan.plan.docker_versions` that concern the plan."""
    bound_addresses: tuple[tuple[str, str], ...] = ()
    """Address and service of each published port that is bound to one address of the host and not to its loopback, sorted."""
    with_files: tuple[str, ...] = ()
    """Services that have files of the project and, where Docker has users of its own, those of Docker; sorted."""
    outside_by_bridges: bool = False
    """Whether a container on it is on a bridge network of the section `bridges` that leads outside."""


def requirements_of(host: HostPlan) -> HostRequirements:
    """Return what a host's plan requires of it."""
    return HostRequirements(
        host=host.name,
        parent=host.parent,
        ssh=tuple(host.ssh.arguments),
        # Ports may be published later: a switch of `published` is no reason to check the host again.
        bridge=any(container.ports or container.internet for container in host.containers),
        docker_rules=tuple(rule.name for rule in RULES if rule.concerns(host)),
        bound_addresses=tuple(
            sorted(
                {
                    (str(port.host_address), container.service)
                    for container in host.containers
                    if container.published
                    for port in container.ports
                    if port.host_address is not None and not port.on_loopback
                }
            )
        ),
        with_files=tuple(
            sorted(
                container.service
                for container in host.containers
                if container.files is not None and container.settings.userns_mode != "host"
            )
        ),
        outside_by_bridges=any(container.bridges for container in forwarded(host)),
    )


def failure_finding(required: HostRequirements, error: HostError) -> Finding:
    """Return the finding for a host whose facts could not be read."""
    fix = "; ".join(problem.fix for problem in error.problems)
    return Finding(check="ssh", host=required.host, problem=error.summary, fix=fix, stops_up=True)


def replaced_finding(host: str, recorded: str, engine: str) -> Finding | None:
    """Return the finding for a host whose Docker has another id than the one in the stack's state; None where it has not."""
    error = other_machine(host, recorded, engine)
    if error is None:
        return None
    (problem,) = error.problems
    return Finding(check="docker", host=host, problem=problem.problem, fix=problem.fix, stops_up=True)


def host_findings(required: HostRequirements, facts: HostFacts) -> Iterator[Finding]:
    """Yield what the facts say against the requirements."""
    yield from _docker(required, facts)
    yield from _kernel(required, facts)
    yield from _parent(required, facts)
    yield from _bound_addresses(required, facts)
    yield from _beside_nftables(required, facts)


def _docker(required: HostRequirements, facts: HostFacts) -> Iterator[Finding]:
    host = required.host
    if not facts.has_docker_command:
        yield Finding(
            check="docker",
            host=host,
            problem=f"{host} has no `docker` command for {facts.user}: nothing can be created there",
            fix="install Docker Engine and its command line",
            stops_up=True,
        )
        return
    if not facts.docker and facts.firewall and not facts.forwards:
        yield Finding(
            check="docker",
            host=host,
            problem=f"{DOCKER_NEEDS_FORWARDING}: Docker does not answer on {host}: {facts.docker_failure}; it has firewall-backend "
            "nftables, and with that it does not start while the kernel forwards no packets (net.ipv4.ip_forward is 0)",
            fix=ssh_line(required.ssh, FORWARD_AND_START),
            stops_up=True,
        )
        return
    if not facts.docker:
        yield Finding(
            check="docker",
            host=host,
            problem=f"Docker does not answer on {host}: {facts.docker_failure}",
            fix=f"start it (`systemctl start docker`), or let {facts.user} use its socket (group docker)",
            stops_up=True,
        )
        return
    version = parse_version(facts.docker)
    for rule in RULES:
        if rule.name in required.docker_rules and version is not None and rule.holds(version):
            yield Finding(
                check="docker",
                host=host,
                problem=f"{host} has Docker {facts.docker}: {rule.what} ({rule.source})",
                fix=rule.fix,
                severity="error" if rule.refused else "info",
                stops_up=rule.refused,
            )
    if required.with_files and facts.remaps_users:
        yield Finding(
            check="docker",
            host=host,
            problem=f"{FILES_REMAPPED}: Docker on {host} has users of its own (`userns-remap` in its daemon.json): the files of "
            f"{', '.join(required.with_files)} would be of users that are not those of the container",
            fix="set userns_mode: host for the service, or leave its files out on this host",
            stops_up=True,
        )
    if required.bridge and not facts.has_docker_bridge:
        yield Finding(
            check="docker",
            host=host,
            problem=f"Docker on {host} has no network {BRIDGE} (`bridge: none` in its daemon.json?): nothing can be "
            "published there, nor reach the internet by it",
            fix="let Docker have its bridge, or leave ports and internet out for this host",
            stops_up=True,
        )


def _beside_nftables(required: HostRequirements, facts: HostFacts) -> Iterator[Finding]:
    """Yield what keeps a host from forwarding where Docker's rules are in nftables: with iptables Docker sees to it itself."""
    rules, host = facts.forward_rules, required.host
    if rules is None or not (required.bridge or required.outside_by_bridges):
        return
    for found in obstacles(host, forwards=facts.forwards, rules=rules):
        yield Finding(
            check="forwarding",
            host=host,
            problem=f"{found.code}: {found.problem}",
            fix=ssh_line(required.ssh, found.command) + (f"; then {found.afterwards}" if found.afterwards else ""),
            stops_up=True,
        )
    if not rules.known:
        yield Finding(
            check="forwarding",
            host=host,
            problem=f"{FORWARD_UNKNOWN}: Docker on {host} writes its rules to nftables, and whether another chain drops what it "
            f"accepts is not known: {facts.user} may not read the firewall, or nft is missing there",
            fix="name a user in ssh that is root, or may use sudo without a password; or look at `iptables -S FORWARD` and "
            "`nft list ruleset` there for a chain with hook forward and policy drop",
            severity="info",
        )
    if facts.forwards and not facts.keeps_forwarding:
        yield Finding(
            check="forwarding",
            host=host,
            problem=f"{FORWARDING_NOT_KEPT}: Docker on {host} writes its rules to nftables, and does not start after a reboot "
            "unless something switches forwarding on; no file of sysctl.d does",
            fix=ssh_line(required.ssh, KEEP_FORWARDING),
            severity="info",
        )


def _kernel(required: HostRequirements, facts: HostFacts) -> Iterator[Finding]:
    version = parse_version(facts.kernel)
    if version is not None and version < OLDEST_KERNEL:
        yield Finding(
            check="kernel",
            host=required.host,
            problem=f"kernel {facts.kernel} of {required.host} is older than {OLDEST_KERNEL[0]}.{OLDEST_KERNEL[1]} and has no "
            "usable ipvlan",
            fix="install a newer kernel and reboot",
            stops_up=True,
        )
    elif not facts.has_ipvlan:
        yield Finding(
            check="kernel",
            host=required.host,
            problem=f"kernel {facts.kernel} of {required.host} has no ipvlan module: Docker cannot create the network",
            fix="install a kernel with CONFIG_IPVLAN (Debian's and Ubuntu's own have it) and reboot",
            stops_up=True,
        )


def _parent(required: HostRequirements, facts: HostFacts) -> Iterator[Finding]:
    host, parent = required.host, required.parent
    key = f"ipvlan-fabric:hosts.{host}.parent"
    # Docker creates a VLAN of a link itself (moby drivers/ipvlan, parentExists).
    carrier = parent if parent in facts.links else vlan_link(parent)
    if carrier is None or carrier not in facts.links:
        yield from _no_parent(required, facts, key)
        return
    link = facts.links[carrier]
    if not link.up:
        yield Finding(
            check="parent",
            host=host,
            problem=f"{carrier} of {host} is down: containers would be unreachable",
            fix=ssh_line(required.ssh, f"ip link set {carrier} up"),
            stops_up=True,
        )
    elif not link.carrier:
        yield Finding(
            check="parent",
            host=host,
            problem=f"{carrier} of {host} has no carrier: containers would be unreachable",
            fix="look at the cable and the switch port",
            stops_up=True,
        )
    if link.wireless:
        yield Finding(
            check="parent",
            host=host,
            problem=f"{carrier} of {host} is wireless; access points drop frames for addresses they did not hand out",
            fix=f"name a wired NIC in {key}",
        )


def _no_parent(required: HostRequirements, facts: HostFacts, key: str) -> Iterator[Finding]:
    """Yield that the host does not have the parent, and why Docker does not create it."""
    host, parent = required.host, required.parent
    names = [name for name in facts.links if not re.match(r"(lo|docker.*|br-.*|veth.*)$", name)]
    has = f"it has {', '.join(names) or 'none'}"
    link, dot, id_ = parent.partition(".")
    problem = f"{host} has no {parent}, and the network would have no connection; {has}"
    if dot and link in facts.links:
        only = f"Docker creates a link that is missing only as NAME.VLAN with an id from 1 to {HIGHEST_VLAN}"
        why = f"{parent} is not of that form"
        if id_.isdecimal():
            why = f"{VLAN_ID}: {id_} " + (
                "has a leading zero" if id_.startswith("0") and int(id_) else "is not such an id"
            )
        problem = f"{host} has no {parent}. {only}, and {why}; {has}"
    yield Finding(
        check="parent",
        host=host,
        problem=problem,
        fix=f"name one of them in {key}, or create {parent} on the host, where its own network configuration keeps it",
        stops_up=True,
    )


def _bound_addresses(required: HostRequirements, facts: HostFacts) -> Iterator[Finding]:
    """Yield each address that a published port is bound to and that the host does not have."""
    if facts.binds_any_address or not facts.addresses:
        return
    for address, service in required.bound_addresses:
        if address not in facts.addresses:
            yield Finding(
                check="ports",
                host=required.host,
                problem=f"{required.host} has no address {address}, and the ports of {service} are to be bound there: Docker would "
                f"refuse it; it has {', '.join(sorted(facts.addresses - {'127.0.0.1'})) or 'none'}",
                fix=f"write one of them in ipvlan-fabric:services.{service}.ports, or leave the address out",
                stops_up=True,
            )
