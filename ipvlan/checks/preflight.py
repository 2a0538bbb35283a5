"""Can the hosts carry the plan? Asked before a first `pulumi up`; nothing is created.

Owns the findings and their sentences. What the hosts are asked stands in `preflight_facts`.
"""

from __future__ import annotations

import re
import shlex
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final, Literal

from ipvlan.config.types.ports import Port
from ipvlan.hosts.errors import HostError, HostUnreachableError
from ipvlan.hosts.host_facts import Facts, ask
from ipvlan.hosts.ports import EVERY_ADDRESS
from ipvlan.hosts.session import on_hosts
from ipvlan.plan.docker_versions import concerning, parse_version
from ipvlan.plan.model import ContainerPlan, HostPlan, Plan
from ipvlan.plan.resource_names import BRIDGE, STACK_LABEL
from ipvlan.problems import Severity

Check = Literal[
    "ssh",
    "docker",
    "kernel",
    "parent",
    "mtu",
    "other networks",
    "forwarding",
    "clock",
    "disk",
    "ports",
    "images",
    "addresses",
]

CHECKS: Final[tuple[Check, ...]] = (
    "ssh", "docker", "kernel", "parent", "mtu", "other networks", "forwarding", "clock", "disk", "ports", "images", "addresses",
)  # fmt: skip

#: The first kernel with ipvlan's l3 mode as Docker uses it (Docker's documentation of the driver).
OLDEST_KERNEL: Final = (4, 2)

#: Seconds that a host's clock may be wrong; more makes logs of two hosts unreadable side by side.
CLOCK_SECONDS: Final = 5.0


#: Bytes that Docker needs free to pull an image and to make a container; a failed pull does not say so (docs/troubleshooting.md).
SMALLEST_DISK: Final = 256 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that stands in the way, or is worth knowing."""

    check: Check
    host: str
    problem: str
    fix: str
    severity: Severity = "error"
    """Worth knowing, and no reason for a bad exit status."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Preflight:
    """The findings of all hosts."""

    hosts: Mapping[str, Facts | HostError]
    findings: tuple[Finding, ...]
    seconds: float

    @property
    def ok(self) -> bool:
        """Whether nothing stands in the way."""
        return all(finding.severity == "info" for finding in self.findings)


def check_hosts(plan: Plan, stack: str, *, host: str | None = None, timeout: float = 10.0) -> Preflight:
    """Ask all hosts, or one, at once. `timeout` is in seconds, for reaching a host and for each question to it."""
    began = time.monotonic()
    hosts = [found for found in plan.hosts if host is None or found.name == host]
    said = on_hosts(plan, hosts, lambda session: ask(session, plan, stack, timeout=timeout), timeout=timeout)
    findings = [finding for found in hosts for finding in _of_host(plan, stack, found, said[found.name])]
    findings += _mtu(said)
    return Preflight(hosts=said, findings=tuple(findings), seconds=time.monotonic() - began)


def _of_host(plan: Plan, stack: str, host: HostPlan, said: Facts | HostError) -> Iterator[Finding]:
    if isinstance(said, HostError):
        ssh = isinstance(said, HostUnreachableError)
        yield Finding(check="ssh" if ssh else "docker", host=host.name, problem=said.summary, fix=_ssh(host, "true"))
        return
    yield from _docker(host, said)
    yield from _kernel(host, said)
    yield from _parent(host, said)
    yield from _other_networks(host, said)
    yield from _forwarding(host, said)
    if abs(said.clock_ahead) > CLOCK_SECONDS:
        yield Finding(
            check="clock",
            host=host.name,
            problem=f"the clock of {host.name} is {abs(said.clock_ahead):.0f} s "
            f"{'ahead of' if said.clock_ahead > 0 else 'behind'} this machine's",
            fix=_ssh(host, "timedatectl set-ntp true"),
            severity="info",
        )
    if said.free < SMALLEST_DISK:
        yield Finding(
            check="disk",
            host=host.name,
            problem=f"{said.folder} of {host.name} has {said.free // 1024 // 1024} MiB free: images cannot be pulled there, nor "
            f"containers made",
            fix=_ssh(host, "docker system df; docker image prune -a"),
        )
    yield from _ports(stack, host, said)
    for image, trouble in said.image_troubles.items():
        yield Finding(
            check="images",
            host=host.name,
            problem=f"{host.name} has no image {image} and cannot get it: {trouble}",
            fix=f"let the host reach the registry, or fix image in ipvlan-fabric:services ({_users(host, image)})",
        )
    yield from _addresses(plan, stack, host, said)


def _docker(host: HostPlan, said: Facts) -> Iterator[Finding]:
    version = parse_version(said.live.docker)
    if version is None:
        return
    for rule in concerning(host, version):
        yield Finding(
            check="docker",
            host=host.name,
            problem=f"{host.name} has Docker {said.live.docker}: {rule.what} ({rule.source})",
            fix=rule.fix,
            severity="error" if rule.refused else "info",
        )
    if any(container.bridged for container in host.containers) and said.live.network(BRIDGE) is None:
        yield Finding(
            check="docker",
            host=host.name,
            problem=f"Docker on {host.name} has no network {BRIDGE} (`bridge: none` in its daemon.json?): nothing can be "
            "published there or go out by it",
            fix="let Docker have its bridge, or leave published and internet out for this host",
        )


def _kernel(host: HostPlan, said: Facts) -> Iterator[Finding]:
    if _version(said.live.kernel) < OLDEST_KERNEL:
        yield Finding(
            check="kernel",
            host=host.name,
            problem=f"kernel {said.live.kernel} of {host.name} is older than 4.2 and has no usable ipvlan",
            fix="install a newer kernel and reboot",
        )
    elif not said.has_ipvlan:
        yield Finding(
            check="kernel",
            host=host.name,
            problem=f"kernel {said.live.kernel} of {host.name} has no ipvlan module",
            fix="install a kernel with CONFIG_IPVLAN (Debian's and Ubuntu's own have it) and reboot",
        )


def _parent(host: HostPlan, said: Facts) -> Iterator[Finding]:
    key = f"ipvlan-fabric:hosts.{host.name}.parent"
    link = host.parent.partition(".")[0]
    if host.parent not in said.links and link not in said.links:
        physical = [name for name in said.links if not re.match(r"(lo|docker|br-|veth)", name)]
        yield Finding(
            check="parent",
            host=host.name,
            problem=f"{host.name} has no {host.parent}; it has {', '.join(physical) or 'none'}",
            fix=f"name one of them in {key}",
        )
        return
    # Docker makes a VLAN of a NIC itself (moby drivers/ipvlan, parentExists).
    carrier = host.parent if host.parent in said.links else link
    if not said.links[carrier].up:
        yield Finding(
            check="parent",
            host=host.name,
            problem=f"{carrier} of {host.name} is down",
            fix=_ssh(host, f"ip link set {carrier} up"),
        )
    elif not said.links[carrier].carrier:
        yield Finding(
            check="parent",
            host=host.name,
            problem=f"{carrier} of {host.name} has no carrier",
            fix="look at the cable and the switch port",
        )
    if said.links[carrier].wireless:
        yield Finding(
            check="parent",
            host=host.name,
            problem=f"{carrier} of {host.name} is wireless; access points drop frames for addresses they did not hand out",
            fix=f"name a wired NIC in {key}",
        )


def _mtu(said: Mapping[str, Facts | HostError]) -> Iterator[Finding]:
    sizes = {
        name: facts.live.parent.mtu
        for name, facts in said.items()
        if isinstance(facts, Facts) and facts.live.parent.mtu is not None
    }
    if len(set(sizes.values())) < 2:
        return
    usual = Counter(sizes.values()).most_common(1)[0][0]
    for name, size in sizes.items():
        if size != usual:
            yield Finding(
                check="mtu",
                host=name,
                problem=f"the parent of {name} has MTU {size}, others {usual}: large packets between them would vanish",
                fix=f"give all parents one MTU (here {usual})",
            )


def _other_networks(host: HostPlan, said: Facts) -> Iterator[Finding]:
    for network in said.live.networks:
        if network.name != host.network.name and network.options.get("parent") == host.parent:
            yield Finding(
                check="other networks",
                host=host.name,
                problem=f"network {network.name} ({network.driver}) on {host.name} has {host.parent} already, and only one can",
                fix=_ssh(host, f"docker network rm {shlex.quote(network.name)}"),
            )
    for child in said.macvlan_children:
        yield Finding(
            check="other networks",
            host=host.name,
            problem=f"{child} on {host.name} is a macvlan of {host.parent}; macvlan and ipvlan cannot share it",
            fix=_ssh(host, f"ip link del {child}"),
        )


def _forwarding(host: HostPlan, said: Facts) -> Iterator[Finding]:
    if not any(found.published for found in host.containers):
        return
    if not said.forwards:
        yield Finding(
            check="forwarding",
            host=host.name,
            problem=f"{host.name} does not forward packets: published ports would be silent",
            fix=_ssh(host, "sysctl -w net.ipv4.ip_forward=1"),
        )
    for rule in said.dropping:
        yield Finding(
            check="forwarding",
            host=host.name,
            problem=f"the firewall of {host.name} may drop what goes to published ports: {rule}",
            fix="allow the published ports in chain DOCKER-USER or in that table",
            severity="info",
        )


def _ports(stack: str, host: HostPlan, said: Facts) -> Iterator[Finding]:
    for container in host.containers:
        if not container.published:
            continue
        for port in container.ports:
            holder = _port_holder(stack, container, port, said)
            if holder:
                yield Finding(
                    check="ports",
                    host=host.name,
                    problem=f"port {port.host_port}/{port.protocol} of {host.name}, planned for {container.name}, is held by "
                    f"{holder}",
                    fix=f"free it, or give another host port in ipvlan-fabric:services.{container.service}.ports",
                )


def _port_holder(stack: str, container: ContainerPlan, port: Port, said: Facts) -> str:
    for live in said.live.containers.values():
        for binding in live.bindings:
            if (binding.host_port, binding.protocol) == (port.host_port, port.protocol):
                ours = live.name == container.name and live.labels.get(STACK_LABEL) == stack
                return "" if ours else f"container {live.name}"
    for listener in said.listeners:
        if (listener.port, listener.protocol) == (port.host_port, port.protocol) and (
            port.host_address is None or listener.address in {str(port.host_address), *EVERY_ADDRESS}
        ):
            return listener.process or "another process"
    return ""


def _addresses(plan: Plan, stack: str, host: HostPlan, said: Facts) -> Iterator[Finding]:
    planned = {found.address: found for found in host.containers}
    for live in said.live.containers.values():
        for attachment in live.endpoints.values():
            held = attachment.held
            if held in planned and not (live.name == planned[held].name and live.labels.get(STACK_LABEL) == stack):
                yield Finding(
                    check="addresses",
                    host=host.name,
                    problem=f"{held}, planned for {planned[held].name}, is held by container {live.name} on {host.name}",
                    fix=_ssh(host, f"docker rm -f {shlex.quote(live.name)}"),
                )
    for address, holder in said.answering.items():
        if address == plan.gateway:
            continue
        yield Finding(
            check="addresses",
            host=host.name,
            problem=f"{address}, planned for {planned[address].name} on {host.name}, is held already by {holder}",
            fix="find the machine with that hardware address and free the address, or plan another offset",
        )
    if said.not_probed:
        yield Finding(
            check="addresses",
            host=host.name,
            problem=f"whether the planned addresses of {host.name} are free on the LAN was not tried: {said.not_probed}",
            fix=_ssh(host, "apt-get install iputils-arping"),
            severity="info",
        )
    elif plan.gateway is not None and plan.gateway not in said.answering:
        yield Finding(
            check="addresses",
            host=host.name,
            problem=f"nothing answers at the gateway {plan.gateway} as seen from {host.name}: containers that are not "
            f"published reach nothing beyond {plan.subnet}",
            fix="nothing, if that is meant; else give the router that address",
            severity="info",
        )


def _users(host: HostPlan, image: str) -> str:
    return ", ".join(found.service for found in host.containers if found.image == image)


def _version(text: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", text)[:2])


def _ssh(host: HostPlan, text: str) -> str:
    return shlex.join(["ssh", *host.ssh.arguments, text])
