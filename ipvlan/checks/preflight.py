"""Whether the hosts can carry the plan, before a first `pulumi up`. Creates nothing.

`host_findings` decides from the facts of a host; this module adds what Docker's Engine API, the LAN and a comparison of the hosts
show.

Out of scope: reading the hosts (`ipvlan.hosts.host_facts`, `ipvlan.hosts.docker_facts`), and the table that people see.
"""

from __future__ import annotations

import shlex
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final

from ipvlan.checks.bridge_drift import bridge_differences, is_orphan, wanted_bridge
from ipvlan.checks.bridge_repair import foreign_users
from ipvlan.checks.command_lines import host_line
from ipvlan.checks.drift_kinds import DriftKind
from ipvlan.checks.forwarding import forwarded, may_drop, obstacles
from ipvlan.checks.host_findings import (
    Check,
    Finding,
    failure_finding,
    host_findings,
    replaced_finding,
    requirements_of,
)
from ipvlan.checks.host_identity import other_machine
from ipvlan.checks.not_ours import described, unneeded
from ipvlan.config.types.ports import Port
from ipvlan.hosts.bridge_networks import external_obstacle
from ipvlan.hosts.docker_facts import DockerFacts, docker_facts
from ipvlan.hosts.errors import HostError, HostUnreachableError
from ipvlan.hosts.host_facts import HostFacts, facts_in_session
from ipvlan.hosts.ports import EVERY_ADDRESS
from ipvlan.hosts.session import HostSession, on_hosts
from ipvlan.plan.model import ContainerPlan, HostPlan, Plan
from ipvlan.plan.ownership import Ownership
from ipvlan.plan.rollout_containers import is_ours, planned_name

CLOCK_SECONDS: Final = 5.0
"""Seconds that a host's clock may be wrong; more, and the logs of two hosts cannot be read side by side."""

SMALLEST_DISK: Final = 256 * 1024 * 1024
"""Bytes that Docker needs free to pull an image and to create a container; a pull that lacks them does not say so."""

NEEDS_DOCKER: Final[frozenset[Check]] = frozenset({"mtu", "other networks", "disk", "ports", "images", "addresses"})
"""Checks that need Docker's Engine API."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HostReport:
    """All facts of one host."""

    facts: HostFacts
    docker: DockerFacts | HostError
    """What Docker's Engine API and the LAN show, or why they could not be asked."""

    def checked(self, check: Check) -> bool:
        """Return whether that check was possible."""
        return check not in NEEDS_DOCKER or isinstance(self.docker, DockerFacts)


@dataclass(frozen=True, slots=True, kw_only=True)
class Preflight:
    """The facts and findings of all hosts."""

    hosts: Mapping[str, HostReport | HostError]
    findings: tuple[Finding, ...]
    seconds: float
    """How long it took to read the hosts."""

    @property
    def ok(self) -> bool:
        """Whether nothing prevents the plan."""
        return all(finding.severity == "info" for finding in self.findings)


def check_hosts(
    plan: Plan, owned: Callable[[], Ownership], *, host: str | None = None, timeout: float = 10.0
) -> Preflight:
    """Read all hosts, or one, in parallel, and find what prevents the plan.

    Args:
        plan: What is planned.
        owned: Returns what the stack owns; called while the hosts are read, so that its state can be read meanwhile.
        host: Check this host only.
        timeout: In seconds, to connect to a host and for each answer of it.
    """
    began = time.monotonic()
    hosts = [planned for planned in plan.hosts if host is None or planned.name == host]
    reports = on_hosts(plan, hosts, lambda session: _report(session, plan, owned, timeout), timeout=timeout)
    ownership = owned()
    findings = [finding for planned in hosts for finding in _of_host(plan, ownership, planned, reports[planned.name])]
    findings += _mtu(reports)
    return Preflight(hosts=reports, findings=tuple(findings), seconds=time.monotonic() - began)


def _report(session: HostSession, plan: Plan, owned: Callable[[], Ownership], timeout: float) -> HostReport:
    facts = facts_in_session(session, timeout=timeout)
    docker: DockerFacts | HostError
    try:
        # Another machine is asked for nothing more: no address is probed from it, and its Docker looks for no image.
        replaced = other_machine(session.name, owned().engines.get(session.name, ""), facts.engine)
        docker = replaced or docker_facts(session, plan, owned, timeout=timeout)
    except HostUnreachableError:
        raise
    except HostError as error:
        docker = error
    if facts.forward_rules is None and isinstance(docker, DockerFacts):
        # A command line of the host that is older than its Docker does not tell what its rules are in; the Engine API does.
        facts = replace(facts, forward_rules=docker.snapshot.forward_rules)
    return HostReport(facts=facts, docker=docker)


def _of_host(plan: Plan, ownership: Ownership, host: HostPlan, report: HostReport | HostError) -> Iterator[Finding]:
    required = requirements_of(host)
    if isinstance(report, HostError):
        yield failure_finding(required, report)
        return
    replaced = replaced_finding(host.name, ownership.engines.get(host.name, ""), report.facts.engine)
    if replaced is not None:
        yield replaced
        return
    yield from host_findings(required, report.facts)
    yield from _forwarding(host, report.facts)
    yield from _clock(host, report.facts)
    for child in report.facts.macvlan_children:
        yield Finding(
            check="other networks",
            host=host.name,
            problem=f"{child} on {host.name} is a macvlan of {host.parent}; macvlan and ipvlan cannot share it",
            fix=host_line(host, f"ip link del {shlex.quote(child)}"),
        )
    if isinstance(report.docker, DockerFacts):
        yield from _other_networks(host, report.docker)
        yield from _bridges(ownership, host, report.docker)
        yield from _disk(host, report.docker)
        yield from _ports(ownership, host, report.docker, report.facts)
        yield from _images(host, report.docker)
        yield from _addresses(plan, ownership, host, report.docker)
    elif not report.facts.docker_failure:
        # Docker's command line gets an answer, and its API does not give one over the forwarded socket.
        yield Finding(
            check="docker",
            host=host.name,
            problem=report.docker.summary,
            fix=host_line(host, "systemctl restart docker"),
        )


def _mtu(reports: Mapping[str, HostReport | HostError]) -> Iterator[Finding]:
    sizes = {
        host: report.docker.snapshot.parent.mtu
        for host, report in reports.items()
        if isinstance(report, HostReport)
        and isinstance(report.docker, DockerFacts)
        and report.docker.snapshot.parent.mtu is not None
    }
    if len(set(sizes.values())) < 2:
        return
    usual = Counter(sizes.values()).most_common(1)[0][0]
    for host, size in sizes.items():
        if size != usual:
            yield Finding(
                check="mtu",
                host=host,
                problem=f"the parent of {host} has MTU {size}, others {usual}: large packets between them would be lost",
                fix=f"give all parents one MTU (here {usual})",
            )


def _other_networks(host: HostPlan, docker: DockerFacts) -> Iterator[Finding]:
    for network in docker.snapshot.networks:
        if network.name != host.network.name and network.options.get("parent") == host.parent:
            yield Finding(
                check="other networks",
                host=host.name,
                problem=f"network {network.name} ({network.driver}) on {host.name} uses {host.parent}, and only one can",
                fix=host_line(host, f"docker network rm {shlex.quote(network.name)}"),
            )


def _bridges(ownership: Ownership, host: HostPlan, docker: DockerFacts) -> Iterator[Finding]:
    """Yield what `up` refuses of the planned bridge networks; one that is missing, or that it can create again, is none of it."""
    external = {planned.name for planned in host.bridges if planned.external}
    for found in bridge_differences(ownership.stack, ownership, host, docker.snapshot):
        problem, fix = found.problem, found.fix
        if found.kind is DriftKind.BRIDGE_NETWORK_DIFFERENT and found.network not in external:
            others = foreign_users(ownership, host, docker.snapshot, found)
            problem += f", and containers that are not of this stack are on it: {', '.join(others)}"
            fix = "disconnect them, or give the network another name in ipvlan-fabric:bridges, then pulumi up"
            refused = bool(others)
        elif found.kind is DriftKind.BRIDGE_NETWORK_NOT_OURS:
            refused = not is_orphan(ownership, host, docker.snapshot, found)
        else:
            refused = found.network in external
        if refused:
            yield Finding(check="other networks", host=host.name, problem=problem, fix=fix)
    for planned in host.bridges:
        there = [bridge for bridge in docker.snapshot.bridges if bridge.name == planned.name]
        # One that is missing, or of another driver, is among the differences.
        if planned.external and there:
            failure = external_obstacle(wanted_bridge(ownership, host, planned), there, docker.snapshot.docker)
            for found_problem in () if failure is None else failure.problems:
                yield Finding(
                    check="other networks", host=host.name, problem=found_problem.problem, fix=found_problem.fix
                )


def _forwarding(host: HostPlan, facts: HostFacts) -> Iterator[Finding]:
    if not facts.firewall.startswith("nftables") and facts.forward_rules is None and forwarded(host):
        # Beside nftables it stops an `up` (`host_findings`): there Docker does not switch it on.
        for found in obstacles(host.name, forwards=facts.forwards, rules=None):
            yield Finding(
                check="forwarding",
                host=host.name,
                problem=f"{found.code}: {found.problem}",
                fix=host_line(host, found.command),
            )
    if not any(container.published for container in host.containers):
        return
    dropping = facts.dropping
    if facts.forward_rules is not None:
        dropping = tuple(rule for rule in dropping if not rule.startswith("nftables "))
        dropping += tuple(f"{chain}: policy drop" for chain in may_drop(facts.forward_rules))
    for rule in dropping:
        yield Finding(
            check="forwarding",
            host=host.name,
            problem=f"the firewall of {host.name} may drop what goes to published ports: {rule}",
            fix="allow the published ports in chain DOCKER-USER or in that table",
            severity="info",
        )


def _clock(host: HostPlan, facts: HostFacts) -> Iterator[Finding]:
    if abs(facts.clock_ahead) > CLOCK_SECONDS:
        direction = "ahead of" if facts.clock_ahead > 0 else "behind"
        yield Finding(
            check="clock",
            host=host.name,
            problem=f"the clock of {host.name} is {abs(facts.clock_ahead):.0f} s {direction} this machine's",
            fix=host_line(host, "timedatectl set-ntp true"),
            severity="info",
        )


def _disk(host: HostPlan, docker: DockerFacts) -> Iterator[Finding]:
    if docker.free < SMALLEST_DISK:
        yield Finding(
            check="disk",
            host=host.name,
            problem=f"{docker.folder} of {host.name} has {docker.free // 1024 // 1024} MiB free: no image can be pulled and no "
            "container created there",
            fix=host_line(host, "docker system df; docker image prune -a"),
        )


def _images(host: HostPlan, docker: DockerFacts) -> Iterator[Finding]:
    for image, failure in docker.image_failures.items():
        users = ", ".join(container.service for container in host.containers if container.image == image)
        yield Finding(
            check="images",
            host=host.name,
            problem=f"{host.name} has no image {image} and cannot pull it: {failure}",
            fix=f"let the host reach the registry, or correct image in ipvlan-fabric:services ({users})",
        )


def _ports(ownership: Ownership, host: HostPlan, docker: DockerFacts, facts: HostFacts) -> Iterator[Finding]:
    for container in host.containers:
        if not container.published:
            continue
        for port in container.ports:
            held = _held(ownership, container, port, docker, facts)
            if held is not None:
                number, holder = held
                yield Finding(
                    check="ports",
                    host=host.name,
                    problem=f"port {number}/{port.protocol} of {host.name}, planned for {container.name}, is held by {holder}",
                    fix=f"free it, or plan another host port in ipvlan-fabric:services.{container.service}.ports",
                )


def _held(
    ownership: Ownership, planned: ContainerPlan, port: Port, docker: DockerFacts, facts: HostFacts
) -> tuple[int, str] | None:
    """Return the first host port, of one or of a range, that somebody else holds, and who; None where nobody does."""
    addresses = None if port.host_address is None else {str(port.host_address), *EVERY_ADDRESS}
    holders: dict[int, str] = {}
    ours: set[int] = set()
    for live in docker.snapshot.containers.values():
        bound = {
            binding.host_port
            for binding in live.bindings
            if binding.protocol == port.protocol
            and port.holds(binding.host_port)
            and (addresses is None or binding.host_address in addresses)
        }
        if live.name == planned.name and is_ours(ownership, planned.host, live):
            ours |= bound
        else:
            holders |= dict.fromkeys(bound, f"container {live.name} ({described(live)})")
    for listener in facts.listeners:
        if (
            listener.protocol == port.protocol
            and port.holds(listener.port)
            and (addresses is None or listener.address in addresses)
        ):
            holders.setdefault(listener.port, listener.process or "another process")
    return min(((number, holder) for number, holder in holders.items() if number not in ours), default=None)


def _addresses(plan: Plan, ownership: Ownership, host: HostPlan, docker: DockerFacts) -> Iterator[Finding]:
    planned = {container.fabric_address: container for container in host.on_fabric}
    for live in docker.snapshot.containers.values():
        for endpoint in live.endpoints.values():
            held = endpoint.held
            # Also the previous container, which runs in its place, and what a change keeps stopped.
            if held not in planned or (
                planned_name(live.name) == planned[held].name and is_ours(ownership, host.name, live)
            ):
                continue
            service = planned[held].service
            yield Finding(
                check="addresses",
                host=host.name,
                problem=f"{held}, planned for {planned[held].name}, is held by container {live.name} ({described(live)}) on "
                f"{host.name}",
                fix=f"plan another address in ipvlan-fabric:services.{service}; or, {unneeded(host, live)}",
            )
    for address, holder in docker.answering.items():
        if address == plan.gateway:
            continue
        yield Finding(
            check="addresses",
            host=host.name,
            problem=f"{address}, planned for {planned[address].name} on {host.name}, is held already by {holder}",
            fix="find the machine with that hardware address and free the address, or plan another offset",
        )
    if docker.not_probed:
        yield Finding(
            check="addresses",
            host=host.name,
            problem=f"whether the planned addresses of {host.name} are free on the LAN was not checked: {docker.not_probed}",
            fix=host_line(host, "apt-get install iputils-arping"),
            severity="info",
        )
    elif plan.gateway is not None and plan.gateway not in docker.answering:
        yield Finding(
            check="addresses",
            host=host.name,
            problem=f"nothing answers at the gateway {plan.gateway} as seen from {host.name}: containers that are not "
            f"published reach nothing beyond {plan.subnet}",
            fix="give a router that address, or do nothing if that is intended",
            severity="info",
        )
