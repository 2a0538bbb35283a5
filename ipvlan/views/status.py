"""What `ipvlan status` prints: tables for people, a JSON document for machines. Decides nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Literal

from rich.console import Console
from rich.table import Table
from rich.text import Text

from ipvlan.checks.drift import Difference
from ipvlan.checks.status import HostStatus, Status
from ipvlan.hosts.snapshot import HostSnapshot, LiveContainer
from ipvlan.plan.address_usage import slice_use
from ipvlan.plan.model import ContainerPlan, Plan
from ipvlan.plan.resource_names import BRIDGE
from ipvlan.views.findings import print_finding
from ipvlan.views.json_document import TypedDict, document_part

MOST_CONTAINERS: Final = 60
"""Containers that the table lists. When there are more, it lists only those with a difference."""

_ABSENT: Final = Text("-", style="dim")
_GOOD, _BAD = "green", "bold red"


@document_part
class ParentEntry(TypedDict):
    """The NIC, bond or VLAN below the network."""

    name: str
    present: bool
    up: bool
    mtu: int | None


@document_part
class NetworkEntry(TypedDict):
    """The fabric's network as Docker has it."""

    id: str
    driver: str
    subnet: str
    gateway: str | None
    ip_range: str | None
    options: dict[str, str]


@document_part
class SliceEntry(TypedDict):
    """How the host's slice is used; counts of addresses."""

    network: str
    planned: int
    """Of the plan's containers."""
    set_aside: int
    """Reserved, dynamic, the gateway's, the shim's."""
    free: int
    foreign: int
    """Containers on the fabric that are not of this stack."""


@document_part
class ContainerEntry(TypedDict):
    """One planned container as Docker has it."""

    id: str
    name: str
    state: str
    health: str | None
    image: str
    address: str | None
    """On the fabric."""
    planned_address: str
    bridge: bool
    """Whether it is connected to the bridge."""
    published: bool
    """Whether the plan publishes it."""
    ports: list[str]
    """Bound on the host: `ADDRESS:HOST_PORT->CONTAINER_PORT`."""


@document_part
class ReachableHost(TypedDict):
    """A host that answered."""

    reachable: Literal[True]
    docker: str
    """Docker's version."""
    kernel: str
    parent: ParentEntry
    network: NetworkEntry | None
    slice: SliceEntry
    containers: dict[str, ContainerEntry | None]
    """Service -> its container; null where there is none."""


@document_part
class UnreachableHost(TypedDict):
    """A host that did not answer; why is among the differences."""

    reachable: Literal[False]


@document_part
class DifferenceEntry(TypedDict):
    """One thing on a host that is not as planned."""

    name: str
    """A stable name, such as `container-missing`."""
    host: str
    service: str | None
    container: str | None
    """The container's name for Docker."""
    problem: str
    fix: str
    """A command, or what to decide."""
    severity: str
    """`error`, or `info`, which does not change the exit status."""


@document_part
class StatusDocument(TypedDict):
    """What `ipvlan status --json` prints."""

    stack: str
    ok: bool
    seconds: float
    hosts: dict[str, ReachableHost | UnreachableHost]
    differences: list[DifferenceEntry]


def document(status: Status, plan: Plan, stack: str) -> StatusDocument:
    """Return the result, ready for `json.dumps`."""
    return {
        "stack": stack,
        "ok": status.ok,
        "seconds": round(status.seconds, 2),
        "hosts": {host.plan.name: _host_entry(host, plan) for host in status.hosts},
        "differences": [difference_entry(difference) for difference in status.differences],
    }


def difference_entry(difference: Difference) -> DifferenceEntry:
    """Return a difference as it is in a document."""
    return {
        "name": difference.kind,
        "host": difference.host,
        "service": difference.service,
        "container": difference.container,
        "problem": difference.problem,
        "fix": difference.fix,
        "severity": difference.severity,
    }


def _host_entry(host: HostStatus, plan: Plan) -> ReachableHost | UnreachableHost:
    snapshot = host.snapshot
    if not isinstance(snapshot, HostSnapshot):
        return {"reachable": False}
    use = slice_use(plan, host.plan)
    return {
        "reachable": True,
        "docker": snapshot.docker,
        "kernel": snapshot.kernel,
        "parent": {
            "name": host.plan.parent,
            "present": snapshot.parent.present,
            "up": snapshot.parent.up,
            "mtu": snapshot.parent.mtu,
        },
        "network": _network_entry(snapshot, plan),
        "slice": {
            "network": str(host.plan.slice),
            "planned": use.used,
            "set_aside": use.set_aside,
            "free": use.free,
            "foreign": host.foreign,
        },
        "containers": {
            planned.service: _container_entry(planned, snapshot.containers.get(planned.name), plan)
            for planned in host.plan.containers
        },
    }


def _network_entry(snapshot: HostSnapshot, plan: Plan) -> NetworkEntry | None:
    network = snapshot.network(plan.network_name)
    if network is None:
        return None
    return {
        "id": network.id,
        "driver": network.driver,
        "subnet": str(network.subnet),
        "gateway": None if network.gateway is None else str(network.gateway),
        "ip_range": None if network.ip_range is None else str(network.ip_range),
        "options": dict(network.options),
    }


def _container_entry(planned: ContainerPlan, live: LiveContainer | None, plan: Plan) -> ContainerEntry | None:
    if live is None:
        return None
    attachment = live.attachments.get(plan.network_name)
    return {
        "id": live.id,
        "name": planned.name,
        "state": live.state,
        "health": live.health,
        "image": live.image,
        "address": None if attachment is None or attachment.held is None else str(attachment.held),
        "planned_address": str(planned.address),
        "bridge": BRIDGE in live.attachments,
        "published": planned.published,
        "ports": sorted(f"{port.host_address}:{port.host_port}->{port.container_port}" for port in live.bindings),
    }


def print_tables(status: Status, plan: Plan, stack: str, out: Console) -> None:
    """Print the hosts, the containers and the differences."""
    out.print(_hosts(status, plan, stack))
    containers = [(host, planned) for host in status.hosts for planned in host.plan.containers]
    different = {(difference.host, difference.service) for difference in status.differences}
    listed = (
        containers
        if len(containers) <= MOST_CONTAINERS
        else [(host, planned) for host, planned in containers if (planned.host, planned.service) in different]
    )
    if listed:
        out.print(_containers(listed, plan, different))
    if len(listed) < len(containers):
        out.print(f"{len(containers) - len(listed)} more containers, all as planned", style="dim")
    for difference in status.differences:
        print_finding(difference.kind, difference, out)
    out.print(Text(_sum(status), style="bold green" if status.ok else _BAD))


def _sum(status: Status) -> str:
    errors = sum(difference.severity == "error" for difference in status.differences)
    notes = len(status.differences) - errors
    text = "all as planned" if not errors else f"{errors} difference{'' if errors == 1 else 's'}"
    if notes:
        text += f", {notes} for information"
    return f"{text}, in {status.seconds:.1f} s"


def _hosts(status: Status, plan: Plan, stack: str) -> Table:
    table = Table(title=f"Hosts of stack {stack}", title_justify="left")
    for heading in ("host", "docker", "kernel", "parent", "network", "slice"):
        table.add_column(heading)
    for heading in ("planned", "foreign", "free"):
        table.add_column(heading, justify="right")
    for host in status.hosts:
        use = slice_use(plan, host.plan)
        figures = (str(host.plan.slice), str(use.used), str(host.foreign), str(max(use.free - host.foreign, 0)))
        snapshot = host.snapshot
        if not isinstance(snapshot, HostSnapshot):
            table.add_row(host.plan.name, Text("no answer", style=_BAD), *[_ABSENT] * 3, *figures)
            continue
        table.add_row(
            host.plan.name,
            snapshot.docker or "?",
            snapshot.kernel,
            _parent(host, snapshot),
            _network(host, plan),
            *figures,
        )
    return table


def _network(host: HostStatus, plan: Plan) -> Text:
    names = {difference.kind for difference in host.differences}
    if "network-missing" in names:
        return Text("missing", style=_BAD)
    return Text(plan.network_name, style=_BAD if names & {"network-different", "network-not-ours"} else _GOOD)


def _parent(host: HostStatus, snapshot: HostSnapshot) -> Text:
    state = "up" if snapshot.parent.up else "down" if snapshot.parent.present else "missing"
    return Text(f"{host.plan.parent} {state}", style=_GOOD if snapshot.parent.up else _BAD)


def _containers(
    listed: Sequence[tuple[HostStatus, ContainerPlan]], plan: Plan, different: set[tuple[str, str | None]]
) -> Table:
    table = Table(
        "service", "host", "state", "address", "bridge", "ports", "image", "", title="Containers", title_justify="left"
    )
    for host, planned in sorted(listed, key=lambda row: (row[1].service, row[1].host)):
        snapshot = host.snapshot
        if not isinstance(snapshot, HostSnapshot):
            unknown = Text("unknown", style=_BAD)
            table.add_row(planned.service, planned.host, unknown, *[_ABSENT] * 4, _mark(ok=False))
            continue
        table.add_row(
            planned.service,
            planned.host,
            *_container(planned, snapshot.containers.get(planned.name), plan),
            _mark(ok=(planned.host, planned.service) not in different),
        )
    return table


def _container(planned: ContainerPlan, live: LiveContainer | None, plan: Plan) -> tuple[Text | str, ...]:
    """Return the cells from the state to the image."""
    if live is None:
        return (Text("missing", style=_BAD), *[_ABSENT] * 4)
    attachment = live.attachments.get(plan.network_name)
    observed = None if attachment is None else attachment.held
    address = (
        Text(str(observed), style=_GOOD)
        if observed == planned.address
        else Text(f"{observed or 'none'}, planned {planned.address}", style=_BAD)
    )
    connected = BRIDGE in live.attachments
    bridge = Text("connected" if connected else "-", style="" if connected == planned.bridged else _BAD)
    state = live.state if live.health is None else f"{live.state}, {live.health}"
    ports = ", ".join(sorted({f"{port.host_port}/{port.protocol}" for port in live.bindings})) or "-"
    same_image = live.image == planned.image
    return (
        Text(state, style=_GOOD if live.running and live.health != "unhealthy" else _BAD),
        address,
        bridge,
        ports,
        Text("as planned" if same_image else "different", style="" if same_image else _BAD),
    )


def _mark(*, ok: bool) -> Text:
    return Text("\N{CHECK MARK}", style=_GOOD) if ok else Text("\N{MULTIPLICATION X}", style=_BAD)
