"""The tables of `ipvlan status`. Decides nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from rich.table import Table
from rich.text import Text

from ipvlan.checks.status import HostStatus, Status, connected_to
from ipvlan.hosts.snapshot import HostSnapshot, LiveContainer
from ipvlan.plan.address_usage import slice_use
from ipvlan.plan.model import ContainerPlan, Plan
from ipvlan.plan.resource_names import BRIDGE
from ipvlan.views.findings import print_finding
from ipvlan.views.ports import bound_ports
from ipvlan.views.terminal import Terminal

MOST_CONTAINERS: Final = 60
"""Containers that the table lists. When there are more, it lists only those with a difference."""

_ABSENT: Final = Text("-", style="dim")
_GOOD, _BAD = "green", "bold red"


def print_tables(status: Status, plan: Plan, stack: str, out: Terminal) -> None:
    """Print the hosts, the containers and the differences."""
    out.print(_hosts(status, plan, stack))
    if any(host.plan.bridges for host in status.hosts):
        out.print(_bridges(status))
    containers = [(host, planned) for host in status.hosts for planned in host.plan.containers]
    different = {(difference.host, difference.service) for difference in status.differences}
    wrong = {
        (difference.host, difference.service) for difference in status.differences if difference.severity == "error"
    }
    listed = (
        containers
        if len(containers) <= MOST_CONTAINERS
        else [(host, planned) for host, planned in containers if (planned.host, planned.service) in different]
    )
    if listed:
        out.print(_containers(listed, plan, wrong))
    if len(listed) < len(containers):
        out.print(f"{len(containers) - len(listed)} more containers, all as planned", style="dim")
    for difference in status.differences:
        print_finding(difference.kind, difference, out, difference.output)
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
        figures = (host.plan.slice_text, str(use.used), str(host.foreign), str(max(use.free - host.foreign, 0)))
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


def _bridges(status: Status) -> Table:
    table = Table("bridge", "host", "subnet", "connected", "", title="Bridges", title_justify="left")
    for host in status.hosts:
        snapshot = host.snapshot
        wrong = {
            difference.network
            for difference in host.differences
            if difference.severity == "error" and difference.kind.startswith("bridge-network-")
        }
        for planned in host.plan.bridges:
            if not isinstance(snapshot, HostSnapshot):
                table.add_row(planned.name, host.plan.name, Text("unknown", style=_BAD), _ABSENT, _mark(ok=False))
                continue
            network = snapshot.network(planned.name)
            connected = connected_to(host.plan, planned.name, snapshot)
            absent = [service for service in planned.members if service not in connected]
            text = "; ".join((", ".join(connected) or "none", *([f"not {', '.join(absent)}"] if absent else [])))
            table.add_row(
                planned.name,
                host.plan.name,
                Text("missing", style=_BAD) if network is None else str(network.subnet or "?"),
                Text(text, style=_BAD if absent else ""),
                _mark(ok=planned.name not in wrong and not absent),
            )
    return table


def _containers(
    listed: Sequence[tuple[HostStatus, ContainerPlan]], plan: Plan, wrong: set[tuple[str, str | None]]
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
            *_container(planned, snapshot.containers.get(planned.name), plan, restored=host.is_restored(planned)),
            _mark(ok=(planned.host, planned.service) not in wrong),
        )
    return table


def _container(
    planned: ContainerPlan, live: LiveContainer | None, plan: Plan, *, restored: bool
) -> tuple[Text | str, ...]:
    """Return the cells from the state to the image."""
    if live is None:
        return (Text("missing", style=_BAD), *[_ABSENT] * 4)
    endpoint = live.endpoints.get(plan.network_name)
    observed = None if endpoint is None else endpoint.held
    address = (
        Text(str(observed or "none"), style=_GOOD)
        if observed == planned.address
        else Text(f"{observed or 'none'}, planned {planned.address_text}", style=_BAD)
    )
    connected = BRIDGE in live.endpoints
    bridge = Text("connected" if connected else "-", style="" if connected == planned.bridged else _BAD)
    state = ", ".join(part for part in (live.state, live.health, "restored" if restored else None) if part)
    ports = ", ".join(bound_ports(live)) or "-"
    if planned.ports and plan.at_own_address(planned):
        own = ", ".join(sorted({f"{port.container_ports}/{port.protocol}" for port in planned.ports}))
        ports = f"{own} (own address)" if ports == "-" else f"{ports}; {own} (own address)"
    same_image = live.image == planned.image
    return (
        Text(state, style=_GOOD if live.running and live.health != "unhealthy" and not restored else _BAD),
        address,
        bridge,
        ports,
        Text("as planned" if same_image else "different", style="" if same_image else _BAD),
    )


def _mark(*, ok: bool) -> Text:
    return Text("\N{CHECK MARK}", style=_GOOD) if ok else Text("\N{MULTIPLICATION X}", style=_BAD)
