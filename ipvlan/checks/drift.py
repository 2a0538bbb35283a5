"""The plan against one host: every difference with its kind, its text and the command that repairs it.

Pure: it compares a plan with a snapshot.

Out of scope: reading the host (`ipvlan.hosts.snapshot`) and the repair (`ipvlan.checks.heal`).
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from ipvlan.checks.bridge_drift import Compared, bridge_differences, endpoint_differences
from ipvlan.checks.command_lines import heal_line, host_line
from ipvlan.checks.difference import Difference, difference
from ipvlan.checks.drift_kinds import DriftKind
from ipvlan.checks.file_drift import file_differences
from ipvlan.checks.forwarding_drift import forwarding_differences
from ipvlan.checks.host_identity import other_machine
from ipvlan.checks.not_ours import (
    container_at_place,
    container_on_fabric,
    network_at_place,
    network_on_parent,
)
from ipvlan.checks.rollout_drift import left, restarting, restored, unhealthy
from ipvlan.checks.volume_drift import volume_differences
from ipvlan.config.types.ports import Port, runs
from ipvlan.hosts.docker_silence import FORWARD_AND_START
from ipvlan.hosts.errors import DockerNeedsForwardingError, HostError, HostUnreachableError, NoDockerSocketError
from ipvlan.hosts.ports import EVERY_ADDRESS
from ipvlan.hosts.root_shell import stale_helpers
from ipvlan.hosts.snapshot import HostSnapshot, LiveContainer, LiveNetwork
from ipvlan.plan.model import ContainerPlan, HostPlan, Plan
from ipvlan.plan.ownership import Ownership, Place
from ipvlan.plan.resource_names import BRIDGE, PORTS_LABEL, ports_label
from ipvlan.plan.rollout_containers import role_of

MOST_PORTS: Final = 8
"""Ports or ranges that a difference names; of more, the rest is counted."""


class Comparison:
    """Compares hosts with one plan.

    `ownership` says what is the stack's; `stack` is its name as a command line takes it.
    """

    def __init__(self, plan: Plan, ownership: Ownership, stack: str) -> None:
        self._plan = plan
        self._ownership = ownership
        self._stack = stack
        # Once, and not for each host: a thousand hosts have three thousand of them.
        self._planned_holders = {planned.fabric_address: planned for planned in plan.on_fabric()}

    def of_host(self, host: HostPlan, snapshot: HostSnapshot | HostError) -> tuple[Difference, ...]:
        """Return all differences of one host, those that cause others first."""
        if isinstance(snapshot, HostUnreachableError):
            return (difference(DriftKind.HOST_UNREACHABLE, host, snapshot.summary, host_line(host, "true")),)
        if isinstance(snapshot, DockerNeedsForwardingError):
            fix = host_line(host, FORWARD_AND_START)
            return (difference(DriftKind.DOCKER_SILENT, host, snapshot.summary, fix),)
        if isinstance(snapshot, NoDockerSocketError):
            # Docker may well run, and listen elsewhere: a restart would stop the containers of others for nothing.
            return (difference(DriftKind.DOCKER_SILENT, host, snapshot.summary, snapshot.problems[0].fix),)
        if isinstance(snapshot, HostError):
            return (
                difference(
                    DriftKind.DOCKER_SILENT, host, snapshot.summary, host_line(host, "systemctl restart docker")
                ),
            )
        error = other_machine(host.name, self._ownership.engines.get(host.name, ""), snapshot.engine_id)
        if error is not None:
            # Nothing else that differs there is of this stack.
            return (difference(DriftKind.HOST_REPLACED, host, error.summary, error.problems[0].fix),)
        return (
            *self._parent(host, snapshot),
            *self._networks(host, snapshot),
            *self._routes(host, snapshot),
            *forwarding_differences(host, snapshot),
            *volume_differences(self._stack, self._ownership, host, snapshot),
            *file_differences(self._stack, self._ownership, host, snapshot),
            *bridge_differences(self._stack, self._ownership, host, snapshot),
            *(found for planned in host.containers for found in self._planned_container(host, planned, snapshot)),
            *self._other_containers(host, snapshot),
            *self._notices(host, snapshot),
        )

    def _notices(self, host: HostPlan, snapshot: HostSnapshot) -> Iterator[Difference]:
        unchecked = set(self._ownership.unchecked.get(host.name, ()))
        for planned in host.on_fabric:
            if str(planned.address) in unchecked:
                yield difference(
                    DriftKind.ADDRESS_UNCHECKED,
                    host,
                    f"whether something else than {planned.name} on {host.name} has {planned.address} was never checked",
                    f"ipvlan --stack {self._stack} preflight --host {host.name}",
                    service=planned.service,
                )
        for helper in stale_helpers(snapshot, self._ownership):
            yield difference(
                DriftKind.HELPER_LEFT,
                host,
                f"{helper.name} on {host.name} was left by a run of this stack that was killed ({helper.status})",
                host_line(host, f"docker rm -f {shlex.quote(helper.id)}"),
            )

    def _parent(self, host: HostPlan, snapshot: HostSnapshot) -> Iterator[Difference]:
        if not snapshot.parent.present:
            yield difference(
                DriftKind.PARENT_MISSING,
                host,
                f"{host.name} has no {host.parent}; none of its containers reaches another host",
                f"give it back its NIC, or correct ipvlan-fabric:hosts.{host.name}.parent and run pulumi up",
            )
        elif not snapshot.parent.up:
            yield difference(
                DriftKind.PARENT_DOWN,
                host,
                f"{host.parent} of {host.name} is down; none of its containers reaches another host",
                host_line(host, f"ip link set {host.parent} up"),
            )

    def _networks(self, host: HostPlan, snapshot: HostSnapshot) -> Iterator[Difference]:
        planned, live = host.network, snapshot.network(host.network.name)
        if live is None:
            yield difference(
                DriftKind.NETWORK_MISSING, host, f"{host.name} has no network {planned.name}", self._heal(host)
            )
        else:
            changed = ", ".join(_network_differences(host, live))
            if changed:
                yield difference(
                    DriftKind.NETWORK_DIFFERENT,
                    host,
                    f"network {planned.name} on {host.name} has {changed}",
                    self._heal(host),
                    id_=live.id,
                )
            if not self._ownership.owns(live):
                found = network_at_place(self._ownership, self._stack, host, live)
                yield difference(found.kind, host, found.problem, found.fix, id_=live.id)
        for other in snapshot.networks:
            if other.name != planned.name and other.options.get("parent") == host.parent:
                found = network_on_parent(self._ownership, self._stack, host, other)
                yield difference(found.kind, host, found.problem, found.fix, network=other.name, id_=other.id)

    def _routes(self, host: HostPlan, snapshot: HostSnapshot) -> Iterator[Difference]:
        for route in host.routes:
            if not snapshot.routes_via(route.destination, route.via):
                yield difference(
                    DriftKind.ROUTE_MISSING,
                    host,
                    f"{host.name} has no route to {route.destination}, which is {route.host}'s",
                    self._heal(host),
                )
        if host.shim is not None and (
            host.shim.address not in snapshot.shim_addresses
            or not all(snapshot.routes_over(destination, host.shim.link) for destination in host.destinations)
        ):
            parts = [f"link {host.shim.link} with {host.shim.address}"]
            parts += [f"route to {', '.join(map(str, host.destinations))}"] if host.destinations else []
            yield difference(
                DriftKind.SHIM_MISSING,
                host,
                f"{host.name} has no {' and the '.join(parts)}: it and its own containers do not reach each other",
                self._heal(host),
            )

    def _planned_container(
        self, host: HostPlan, planned: ContainerPlan, snapshot: HostSnapshot
    ) -> Iterator[Difference]:
        live = snapshot.containers.get(planned.name)
        if live is None:
            yield self._about(planned, DriftKind.CONTAINER_MISSING, self._missing(planned, snapshot))
            return
        if role_of(self._ownership, host.name, live) == "restored":
            yield restored(self._stack, host, planned, live, snapshot)
            yield from _troubles(self._stack, host, planned, live, snapshot)
            return
        if not self._ownership.owns(live):
            found = container_at_place(self._plan, self._ownership, self._stack, planned, live)
            yield replace(self._about(planned, found.kind, found.problem, fix=found.fix), id=live.id)
            return
        for about in self._owned_container(host, planned, live, snapshot):
            yield replace(about, id=live.id)

    def _owned_container(
        self, host: HostPlan, planned: ContainerPlan, live: LiveContainer, snapshot: HostSnapshot
    ) -> Iterator[Difference]:
        looping = snapshot.loops(live)
        if not (live.running or looping):
            yield self._about(planned, DriftKind.CONTAINER_STOPPED, f"does not run: {live.status or live.state}")
        yield from _troubles(self._stack, host, planned, live, snapshot)
        if live.image != planned.image and not live.image.startswith("sha256:"):
            yield self._about(
                planned, DriftKind.IMAGE_DIFFERENT, f"was created from {live.image}, planned is {planned.image}"
            )
        if planned.fabric:
            yield from self._fabric(planned, live, snapshot)
        compared = Compared(
            stack=self._stack,
            ownership=self._ownership,
            fabric=self._plan.network_name,
            host=host,
            snapshot=snapshot,
        )
        yield from endpoint_differences(compared, planned, live)
        yield from self._bridge(planned, live)
        yield from self._ports(planned, live, looping=looping)

    def _missing(self, planned: ContainerPlan, snapshot: HostSnapshot) -> str:
        """Return the predicate of a planned container of whose name there is none; the one in the state may be renamed."""
        recorded = self._ownership.containers.get(Place(planned.host, planned.service))
        renamed = next((live for live in snapshot.containers.values() if live.id == recorded), None)
        if renamed is None:
            return "is missing"
        if role_of(self._ownership, planned.host, renamed) == "failed":
            return f"is missing: its replacement did not come up, and is kept as {renamed.name}"
        return f"is missing: somebody renamed it to {renamed.name}"

    def _fabric(self, planned: ContainerPlan, live: LiveContainer, snapshot: HostSnapshot) -> Iterator[Difference]:
        fabric = self._plan.network_name
        attachment = live.endpoints.get(fabric)
        network = snapshot.network(fabric)
        if attachment is None:
            yield self._about(planned, DriftKind.FABRIC_DISCONNECTED, f"is not connected to {fabric}")
        elif network is not None and attachment.network_id not in ("", network.id):
            yield self._about(
                planned,
                DriftKind.FABRIC_DISCONNECTED,
                f"is not connected to {fabric}, but to a deleted network of that name",
            )
        elif attachment.held != planned.address:
            yield self._about(
                planned,
                DriftKind.ADDRESS_DIFFERENT,
                f"holds {attachment.held or 'no address'}, planned is {planned.address}",
            )
        elif attachment.fixed != planned.address:
            yield self._about(
                planned,
                DriftKind.ADDRESS_DIFFERENT,
                f"holds {planned.address} by chance and may get another at its next start",
            )

    def _bridge(self, planned: ContainerPlan, live: LiveContainer) -> Iterator[Difference]:
        connected = BRIDGE in live.endpoints
        if planned.bridged and not connected:
            yield self._about(
                planned,
                DriftKind.BRIDGE_DISCONNECTED,
                "is published, but not connected to the bridge: nobody outside reaches it"
                if planned.published
                else "has internet, but is not connected to the bridge: it reaches nothing outside",
            )
        elif connected and not planned.bridged:
            yield self._about(
                planned,
                DriftKind.BRIDGE_CONNECTED,
                "is not published, but is connected to the bridge: its ports may be open",
            )

    def _ports(self, planned: ContainerPlan, live: LiveContainer, *, looping: bool) -> Iterator[Difference]:
        declared = ports_label(planned.docker_ports)
        created_with = live.labels.get(PORTS_LABEL, "")
        if declared != created_with:
            yield self._about(
                planned,
                DriftKind.PORTS_DIFFERENT,
                f"was created with ports {_shown(created_with)}, planned are {_shown(declared)}",
            )
            return
        # In a restart loop Docker binds and frees them all the time.
        if planned.published and live.running and not looping and BRIDGE in live.endpoints:
            unbound = [str(part) for port in planned.ports for part in _unbound(port, live)]
            if unbound:
                shown = ", ".join(unbound[:MOST_PORTS])
                yield self._about(
                    planned,
                    DriftKind.PORTS_UNBOUND,
                    f"is connected to the bridge, but the host does not bind {shown}"
                    + (f" and {len(unbound) - MOST_PORTS} more" if len(unbound) > MOST_PORTS else ""),
                )

    def _other_containers(self, host: HostPlan, snapshot: HostSnapshot) -> Iterator[Difference]:
        """Yield a difference for each container that the plan does not have on this host and that concerns the fabric."""
        names = {planned.name for planned in host.containers}
        # One of these that somebody renamed is reported at its place.
        at_a_place = {
            self._ownership.containers.get(Place(planned.host, planned.service)) for planned in host.containers
        }
        for live in snapshot.containers.values():
            if live.name in names:
                continue
            role = role_of(self._ownership, host.name, live)
            if role is not None and role != "restored":
                yield left(self._stack, host, live, role, snapshot)
                continue
            if self._ownership.owns(live) or role == "restored":
                if live.id not in at_a_place:
                    yield difference(
                        DriftKind.CONTAINER_NOT_PLANNED,
                        host,
                        f"{live.name} on {host.name} was created by stack {self._ownership.stack}, and the plan does not have "
                        "it any more",
                        f"pulumi up --stack {self._stack}",
                        container=live.name,
                        id_=live.id,
                    )
                continue
            for attachment in snapshot.endpoints_on_lan(live):
                held = attachment.held
                on_fabric = attachment.network == self._plan.network_name
                if on_fabric or (held is not None and held in self._plan.subnet):
                    planned = None if held is None else self._planned_holders.get(held)
                    found = container_on_fabric(self._plan, self._stack, host, live, held=held, planned=planned)
                    yield difference(
                        found.kind,
                        host,
                        found.problem,
                        found.fix,
                        severity=found.severity,
                        container=live.name,
                        id_=live.id,
                    )

    def _about(
        self,
        planned: ContainerPlan,
        kind: DriftKind,
        predicate: str,
        *,
        fix: str = "",
    ) -> Difference:
        """Return a difference of a planned container; `ipvlan heal` is its fix unless another one is given."""
        host = self._plan.host(planned.host)
        return difference(
            kind,
            host,
            f"{planned.name} on {planned.host} {predicate}",
            fix or self._heal(host, planned),
            service=planned.service,
            container=planned.name,
        )

    def _heal(self, host: HostPlan, planned: ContainerPlan | None = None) -> str:
        return heal_line(self._stack, host.name, None if planned is None else planned.service)


def _troubles(
    stack: str, host: HostPlan, planned: ContainerPlan, live: LiveContainer, snapshot: HostSnapshot
) -> Iterator[Difference]:
    """Yield that a container does not stay up, or that its health check fails."""
    trouble = snapshot.troubles.get(planned.name)
    if snapshot.loops(live):
        yield restarting(stack, host, planned, live, trouble)
    elif live.health == "unhealthy":
        yield unhealthy(host, planned, live, trouble)


def _network_differences(host: HostPlan, live: LiveNetwork) -> Iterator[str]:
    planned = host.network
    for name, reported, expected in (
        ("driver", live.driver, "ipvlan"),
        ("subnet", live.subnet, planned.subnet),
        ("gateway", live.gateway, planned.gateway),
        ("range", live.ip_range, planned.ip_range),
        ("mode", live.options.get("ipvlan_mode", "l2"), planned.mode),
        ("parent", live.options.get("parent", ""), planned.parent),
    ):
        # A network in mode l3 has no gateway, and Docker may still report one.
        if reported != expected and not (name == "gateway" and planned.mode != "l2"):
            yield f"{name} {reported or 'none'} instead of {expected or 'none'}"


def _shown(label: str) -> str:
    """Return the ports of a label as a difference names them."""
    ports = label.split()
    more = f" and {len(ports) - MOST_PORTS} more" if len(ports) > MOST_PORTS else ""
    return " ".join(ports[:MOST_PORTS]) + more or "none"


def _unbound(port: Port, live: LiveContainer) -> Iterator[Port]:
    """Yield what of a port, or of a range, the host does not bind, in unbroken runs."""
    addresses = EVERY_ADDRESS if port.host_address is None else {str(port.host_address)}
    offset = port.container_port - port.host_port
    bound = {
        binding.host_port
        for binding in live.bindings
        if binding.protocol == port.protocol
        and binding.host_address in addresses
        and binding.container_port - binding.host_port == offset
    }
    missing = (number for number in range(port.host_port, port.last_host_port + 1) if number not in bound)
    return (port.part(first - port.host_port, count) for first, count in runs(missing))
