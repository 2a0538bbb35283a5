"""How `ipvlan status` shows what it found: tables for people, a document for machines. Decides nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from rich.console import Console
from rich.table import Table
from rich.text import Text

from ipvlan.checks.status import HostStatus, Status
from ipvlan.hosts.snapshot import HostSnapshot, LiveContainer
from ipvlan.plan.address_usage import slice_use
from ipvlan.plan.model import ContainerPlan, Plan
from ipvlan.plan.resource_names import BRIDGE

#: Containers that are listed one by one; of more, only those with a difference are.
MOST_CONTAINERS: Final = 60

_ABSENT: Final = Text("-", style="dim")


def as_document(found: Status, plan: Plan, stack: str) -> dict[str, Any]:
    """The result as JSON has it."""
    return {
        "stack": stack,
        "ok": found.ok,
        "seconds": round(found.seconds, 2),
        "hosts": {host.plan.name: _host_document(host, plan) for host in found.hosts},
        "differences": [
            {
                "name": difference.kind,
                "host": difference.host,
                "service": difference.service,
                "container": difference.container,
                "problem": difference.problem,
                "fix": difference.fix,
                "severity": difference.severity,
            }
            for difference in found.differences
        ],
    }


def _host_document(host: HostStatus, plan: Plan) -> dict[str, Any]:
    said = host.snapshot
    if not isinstance(said, HostSnapshot):
        return {"reached": False}
    use = slice_use(plan, host.plan)
    network = said.network(plan.network_name)
    return {
        "reached": True,
        "docker": said.docker,
        "kernel": said.kernel,
        "parent": {
            "name": host.plan.parent,
            "present": said.parent.present,
            "up": said.parent.up,
            "mtu": said.parent.mtu,
        },
        "network": None
        if network is None
        else {
            "id": network.id,
            "driver": network.driver,
            "subnet": str(network.subnet),
            "gateway": None if network.gateway is None else str(network.gateway),
            "ip_range": None if network.ip_range is None else str(network.ip_range),
            "options": dict(network.options),
        },
        "slice": {
            "network": str(host.plan.slice),
            "planned": use.used,
            "set_aside": use.set_aside,
            "free": use.free,
            "foreign": host.foreign,
        },
        "containers": {
            planned.service: _container_document(planned, said.containers.get(planned.name), plan)
            for planned in host.plan.containers
        },
    }


def _container_document(planned: ContainerPlan, live: LiveContainer | None, plan: Plan) -> dict[str, Any] | None:
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


def show(found: Status, plan: Plan, stack: str, out: Console) -> None:
    """Print hosts, containers and differences."""
    out.print(_hosts(found, plan, stack))
    all_ = [(host, planned) for host in found.hosts for planned in host.plan.containers]
    wrong = {(difference.host, difference.service) for difference in found.differences}
    listed = all_ if len(all_) <= MOST_CONTAINERS else [row for row in all_ if (row[1].host, row[1].service) in wrong]
    if listed:
        out.print(_containers(listed, plan, wrong))
    if len(listed) < len(all_):
        out.print(f"{len(all_) - len(listed)} more containers, all as planned", style="dim")
    for difference in found.differences:
        style = "yellow" if difference.severity == "info" else "bold red"
        out.print(Text.assemble((difference.kind, style), f": {difference.problem}"), soft_wrap=True)
        out.print(f"    {difference.fix}", style="dim", markup=False, soft_wrap=True)
    count = sum(difference.severity == "error" for difference in found.differences)
    noted = len(found.differences) - count
    text = "all as planned" if not count else f"{count} difference{'' if count == 1 else 's'}"
    if noted:
        text += f", {noted} to know of"
    out.print(Text(f"{text}, in {found.seconds:.1f} s", style="bold green" if found.ok else "bold red"))


def _hosts(found: Status, plan: Plan, stack: str) -> Table:
    table = Table(
        "host",
        "docker",
        "kernel",
        "parent",
        "network",
        "slice",
        "planned",
        "foreign",
        "free",
        title=f"Hosts of stack {stack}",
        title_justify="left",
    )
    for column in (6, 7, 8):
        table.columns[column].justify = "right"
    for host in found.hosts:
        use = slice_use(plan, host.plan)
        figures = (str(host.plan.slice), str(use.used), str(host.foreign), str(max(use.free - host.foreign, 0)))
        said = host.snapshot
        if not isinstance(said, HostSnapshot):
            table.add_row(host.plan.name, Text("no answer", style="bold red"), *[_ABSENT] * 3, *figures)
            continue
        names = {difference.kind for difference in host.differences}
        network = (
            Text("missing", style="bold red")
            if "network-missing" in names
            else Text(
                plan.network_name, style="bold red" if names & {"network-different", "network-not-ours"} else "green"
            )
        )
        parent = Text(
            f"{host.plan.parent} {'up' if said.parent.up else 'down' if said.parent.present else 'missing'}",
            style="green" if said.parent.up else "bold red",
        )
        table.add_row(host.plan.name, said.docker or "?", said.kernel, parent, network, *figures)
    return table


def _containers(
    listed: Sequence[tuple[HostStatus, ContainerPlan]], plan: Plan, wrong: set[tuple[str, str | None]]
) -> Table:
    table = Table(
        "service", "host", "state", "address", "bridge", "ports", "image", "", title="Containers", title_justify="left"
    )
    for host, planned in sorted(listed, key=lambda row: (row[1].service, row[1].host)):
        said = host.snapshot
        if not isinstance(said, HostSnapshot):
            table.add_row(
                planned.service, planned.host, Text("unknown", style="bold red"), *[_ABSENT] * 4, _mark(ok=False)
            )
            continue
        ok = (planned.host, planned.service) not in wrong
        table.add_row(
            planned.service,
            planned.host,
            *_cells(planned, said.containers.get(planned.name), plan),
            _mark(ok=ok),
        )
    return table


def _cells(planned: ContainerPlan, live: LiveContainer | None, plan: Plan) -> tuple[Text | str, ...]:
    if live is None:
        return (Text("missing", style="bold red"), *[_ABSENT] * 4)
    attachment = live.attachments.get(plan.network_name)
    held = None if attachment is None else attachment.held
    address = (
        Text(str(held), style="green")
        if held == planned.address
        else Text(f"{held or 'none'}, planned {planned.address}", style="bold red")
    )
    connected = BRIDGE in live.attachments
    bridge = Text("connected" if connected else "-", style="bold red" if connected != planned.bridged else "")
    state = live.state if live.health is None else f"{live.state}, {live.health}"
    ports = ", ".join(sorted({f"{port.host_port}/{port.protocol}" for port in live.bindings})) or "-"
    same = live.image == planned.image
    return (
        Text(state, style="green" if live.running and live.health != "unhealthy" else "bold red"),
        address,
        bridge,
        ports,
        Text("as planned" if same else "other", style="" if same else "bold red"),
    )


def _mark(*, ok: bool) -> Text:
    return Text("\N{CHECK MARK}", style="green") if ok else Text("\N{MULTIPLICATION X}", style="bold red")
