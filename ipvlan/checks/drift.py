"""Declared against live: everything in which a host is not what the plan says, with a name, a sentence and a command.

Owns the names, the sentences, and which command fixes what. Pure: it compares a plan with a snapshot. `ipvlan.checks.heal` does
what `ipvlan heal` promises here.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal

from netaddr import IPAddress

from ipvlan.hosts.errors import HostError, HostUnreachableError
from ipvlan.hosts.snapshot import HostSnapshot, LiveContainer, LiveNetwork
from ipvlan.plan.model import ContainerPlan, HostPlan, Plan, Port
from ipvlan.plan.resource_names import BRIDGE, PORTS_LABEL, STACK_LABEL
from ipvlan.problems import Severity

Name = Literal[
    "host-unreachable",
    "docker-silent",
    "parent-missing",
    "parent-down",
    "network-missing",
    "network-different",
    "network-on-parent",
    "network-not-ours",
    "route-missing",
    "shim-missing",
    "container-missing",
    "container-stopped",
    "container-unhealthy",
    "container-not-ours",
    "container-remade",
    "container-not-planned",
    "image-different",
    "fabric-disconnected",
    "address-different",
    "bridge-disconnected",
    "bridge-connected",
    "ports-different",
    "ports-unbound",
    "foreign-container",
    "foreign-address",
]

#: What Docker answers for "every address of the host".
EVERY_ADDRESS: Final = frozenset({"0.0.0.0", "::", ""})  # noqa: S104  # compared, not bound


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One thing that is not as declared."""

    name: Name
    host: str
    problem: str
    fix: str
    """A command as it can be typed, or what a person must decide."""
    service: str | None = None
    container: str | None = None
    """The container's name for Docker."""
    network: str | None = None
    """The name of a network that is not ours."""
    severity: Severity = "error"
    """`info` does not affect the exit status."""


class Comparison:
    """Compares hosts with one plan. `stack` is the stack's name, as the labels carry it."""

    def __init__(self, plan: Plan, stack: str) -> None:
        self._plan = plan
        self._stack = stack

    def of_host(self, host: HostPlan, said: HostSnapshot | HostError) -> tuple[Difference, ...]:
        """All differences of one host, the ones that cause others first."""
        if isinstance(said, HostError):
            reached = not isinstance(said, HostUnreachableError)
            return (
                Difference(
                    name="docker-silent" if reached else "host-unreachable",
                    host=host.name,
                    problem=str(said),
                    fix=self._ssh(host, "systemctl restart docker") if reached else self._ssh(host, "true"),
                ),
            )
        return (
            *self._parent(host, said),
            *self._network(host, said),
            *self._routes(host, said),
            *(found for planned in host.containers for found in self._container(host, planned, said)),
            *self._others(host, said),
        )

    def _parent(self, host: HostPlan, said: HostSnapshot) -> Iterator[Difference]:
        if not said.parent.present:
            yield Difference(
                name="parent-missing",
                host=host.name,
                problem=f"{host.name} has no {host.parent}; none of its containers reaches another host",
                fix=f"give it back its NIC, or fix ipvlan-fabric:hosts.{host.name}.parent and run pulumi up",
            )
        elif not said.parent.up:
            yield Difference(
                name="parent-down",
                host=host.name,
                problem=f"{host.parent} of {host.name} is down; none of its containers reaches another host",
                fix=self._ssh(host, f"ip link set {host.parent} up"),
            )

    def _network(self, host: HostPlan, said: HostSnapshot) -> Iterator[Difference]:
        planned, live = host.network, said.network(host.network.name)
        if live is None:
            yield Difference(
                name="network-missing",
                host=host.name,
                problem=f"{host.name} has no network {planned.name}",
                fix=self._heal(host),
            )
        else:
            wrong = ", ".join(_network_differences(host, live))
            if wrong:
                yield Difference(
                    name="network-different",
                    host=host.name,
                    problem=f"network {planned.name} on {host.name} has {wrong}",
                    fix=self._heal(host),
                )
            if live.labels.get(STACK_LABEL) != self._stack:
                yield Difference(
                    name="network-not-ours",
                    host=host.name,
                    problem=f"network {planned.name} on {host.name} was not made by stack {self._stack}",
                    fix=f"{self._ssh(host, f'docker network rm {planned.name}')}, then pulumi up",
                )
        for other in said.networks:
            if other.name != planned.name and other.options.get("parent") == host.parent:
                yield Difference(
                    name="network-on-parent",
                    host=host.name,
                    network=other.name,
                    problem=f"network {other.name} ({other.driver}) on {host.name} uses {host.parent} too; only one network "
                    f"can have it, and {planned.name} or its containers may fail to start",
                    fix=self._ssh(host, f"docker network rm {shlex.quote(other.name)}"),
                )

    def _routes(self, host: HostPlan, said: HostSnapshot) -> Iterator[Difference]:
        for route in host.routes:
            if not said.routes_via(route.destination, route.via):
                yield Difference(
                    name="route-missing",
                    host=host.name,
                    problem=f"{host.name} has no route to {route.destination}, the slice of {route.host}",
                    fix=self._heal(host),
                )
        if host.shim is not None and (
            said.shim_address != host.shim.address or not said.routes_over(host.slice, host.shim.link)
        ):
            yield Difference(
                name="shim-missing",
                host=host.name,
                problem=f"{host.name} has no link {host.shim.link} with {host.shim.address} and the route to {host.slice}: "
                "it and its own containers do not reach each other",
                fix=self._heal(host),
            )

    def _container(self, host: HostPlan, planned: ContainerPlan, said: HostSnapshot) -> Iterator[Difference]:
        live = said.containers.get(planned.name)
        if live is None:
            yield self._about(planned, "container-missing", f"there is no {planned.name}", self._heal(host, planned))
            return
        if live.labels.get(STACK_LABEL) != self._stack:
            yield self._stand_in(host, planned, live)
            return
        if not live.running:
            yield self._about(
                planned,
                "container-stopped",
                f"{planned.name} does not run: {live.status or live.state}",
                self._heal(host, planned),
            )
        if live.health == "unhealthy":
            yield self._about(
                planned,
                "container-unhealthy",
                f"{planned.name} runs, and its health check fails",
                self._ssh(host, f"docker logs --tail 50 {planned.name}"),
            )
        if live.image != planned.image and not live.image.startswith("sha256:"):
            yield self._about(
                planned,
                "image-different",
                f"{planned.name} was made from {live.image}, planned is {planned.image}",
                self._heal(host, planned),
            )
        yield from self._attachments(host, planned, live, said)
        yield from self._ports(host, planned, live)

    def _stand_in(self, host: HostPlan, planned: ContainerPlan, live: LiveContainer) -> Difference:
        """A container of the planned name that the stack did not make."""
        if self._plan.network_name in live.attachments and STACK_LABEL not in live.labels:
            return self._about(
                planned,
                "container-remade",
                f"{planned.name} was made by hand in place of this stack's, "
                f"at {live.attachments[self._plan.network_name].held or 'no address'}, planned is {planned.address}",
                self._heal(host, planned),
            )
        return self._about(
            planned,
            "container-not-ours",
            f"{planned.name} was not made by stack {self._stack}, and holds the name",
            f"{self._ssh(host, f'docker rm -f {planned.name}')}, then {self._heal(host, planned)}",
        )

    def _attachments(
        self, host: HostPlan, planned: ContainerPlan, live: LiveContainer, said: HostSnapshot
    ) -> Iterator[Difference]:
        attachment = live.attachments.get(self._plan.network_name)
        network = said.network(self._plan.network_name)
        stale = attachment is not None and network is not None and attachment.network_id not in ("", network.id)
        if attachment is None or stale:
            yield self._about(
                planned,
                "fabric-disconnected",
                f"{planned.name} is not connected to {self._plan.network_name}"
                + (", but to a network of that name that is gone" if stale else ""),
                self._heal(host, planned),
            )
        elif attachment.held != planned.address:
            yield self._about(
                planned,
                "address-different",
                f"{planned.name} holds {attachment.held or 'no address'}, planned is {planned.address}",
                self._heal(host, planned),
            )
        elif attachment.fixed != planned.address:
            yield self._about(
                planned,
                "address-different",
                f"{planned.name} holds {planned.address} by chance and may get another at its next start",
                self._heal(host, planned),
            )
        connected = BRIDGE in live.attachments
        if planned.bridged and not connected:
            yield self._about(
                planned,
                "bridge-disconnected",
                f"{planned.name} is published, and not connected to the bridge: nobody outside reaches it"
                if planned.published
                else f"{planned.name} has internet, and is not connected to the bridge: it reaches nothing outside",
                self._heal(host, planned),
            )
        elif connected and not planned.bridged:
            yield self._about(
                planned,
                "bridge-connected",
                f"{planned.name} is not published, and connected to the bridge: its ports may be open",
                self._heal(host, planned),
            )

    def _ports(self, host: HostPlan, planned: ContainerPlan, live: LiveContainer) -> Iterator[Difference]:
        declared = " ".join(str(port) for port in planned.docker_ports)
        made_with = live.labels.get(PORTS_LABEL, "")
        if declared != made_with:
            yield self._about(
                planned,
                "ports-different",
                f"{planned.name} was made with ports {made_with or 'none'}, planned are {declared or 'none'}",
                self._heal(host, planned),
            )
            return
        if planned.published and live.running and BRIDGE in live.attachments:
            unbound = [str(port) for port in planned.ports if not _bound(port, live)]
            if unbound:
                yield self._about(
                    planned,
                    "ports-unbound",
                    f"{planned.name} is connected to the bridge, and not bound on the host: {', '.join(unbound)}",
                    self._heal(host, planned),
                )

    def _others(self, host: HostPlan, said: HostSnapshot) -> Iterator[Difference]:
        """Containers that the plan does not have here."""
        names = {planned.name for planned in host.containers}
        holders = {planned.address: planned for planned in self._plan.containers()}
        for live in said.containers.values():
            if live.name in names:
                continue
            if live.labels.get(STACK_LABEL) == self._stack:
                yield Difference(
                    name="container-not-planned",
                    host=host.name,
                    container=live.name,
                    problem=f"{live.name} on {host.name} was made by stack {self._stack}, and the plan has it no more",
                    fix=f"pulumi up --stack {self._stack}",
                )
                continue
            for attachment in said.here(live):
                held = attachment.held
                on_fabric = attachment.network == self._plan.network_name
                if on_fabric or (held is not None and held in self._plan.subnet):
                    yield self._foreign(host, live, held, holders.get(held) if held is not None else None)

    def _foreign(
        self, host: HostPlan, live: LiveContainer, held: IPAddress | None, robbed: ContainerPlan | None
    ) -> Difference:
        remove = self._ssh(host, f"docker rm -f {shlex.quote(live.name)}")
        if robbed is not None:
            return Difference(
                name="foreign-address",
                host=host.name,
                container=live.name,
                problem=f"{live.name} on {host.name} is not of this stack, and holds {held}, which is planned for "
                f"{robbed.name} on {robbed.host}",
                fix=f"{remove}, then {self._heal(self._plan.host(robbed.host), robbed)}",
            )
        allowed = host.dynamic if host.dynamic is not None else None if host.network.auxiliary else host.slice
        tolerated = held is None or (
            allowed is not None
            and held in allowed
            and not any(entry.first <= held <= entry.last for entry in self._plan.reserved)
        )
        return Difference(
            name="foreign-container",
            host=host.name,
            container=live.name,
            problem=f"{live.name} on {host.name} is not of this stack, and is on the fabric with "
            f"{held or 'no address while it does not run'}"
            + ("" if tolerated else ", an address that Docker may not hand out there"),
            fix=f"leave it, or {remove}" if tolerated else remove,
            severity="info" if tolerated else "error",
        )

    def _about(self, planned: ContainerPlan, name: Name, said: str, fix: str) -> Difference:
        subject, _, rest = said.partition(planned.name)
        return Difference(
            name=name,
            host=planned.host,
            service=planned.service,
            container=planned.name,
            problem=f"{subject}{planned.name} on {planned.host}{rest}",
            fix=fix,
        )

    def _heal(self, host: HostPlan, planned: ContainerPlan | None = None) -> str:
        service = f" --service {planned.service}" if planned is not None else ""
        return f"ipvlan --stack {self._stack} heal --host {host.name}{service}"

    @staticmethod
    def _ssh(host: HostPlan, text: str) -> str:
        return shlex.join(["ssh", *host.ssh.arguments, text])


def _network_differences(host: HostPlan, live: LiveNetwork) -> Iterator[str]:
    planned = host.network
    for what, is_, should in (
        ("driver", live.driver, "ipvlan"),
        ("subnet", live.subnet, planned.subnet),
        ("gateway", live.gateway, planned.gateway),
        ("range", live.ip_range, planned.ip_range),
        ("mode", live.options.get("ipvlan_mode", "l2"), planned.mode),
        ("parent", live.options.get("parent", ""), planned.parent),
    ):
        # l3 has no gateway of its own, and Docker may still write down one.
        if is_ != should and not (what == "gateway" and planned.mode != "l2"):
            yield f"{what} {is_ or 'none'} instead of {should or 'none'}"


def _bound(port: Port, live: LiveContainer) -> bool:
    wanted = EVERY_ADDRESS if port.host_address is None else {str(port.host_address)}
    return any(
        binding.host_port == port.host_port
        and binding.container_port == port.container_port
        and binding.protocol == port.protocol
        and binding.host_address in wanted
        for binding in live.bindings
    )
