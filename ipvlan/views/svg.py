"""The topology as SVG: the fabric, the hosts, their slices, containers, published ports, egress, shims and routes.

The layout is one card per host in a grid, so that 2 hosts and 20 are equally readable. Text is measured by its number of
characters, in a monospaced font.

Out of scope: what is on the hosts. The caller passes it as marks.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from ipvlan.plan.model import ContainerPlan, HostPlan, Plan
from ipvlan.plan.rollout_order import service_rollouts
from ipvlan.views.ports import for_clients
from ipvlan.views.svg_bridges import bridge_lines, bridge_rows
from ipvlan.views.svg_shapes import (
    CARD_WIDTH,
    CHARACTER,
    EDGE,
    LINE,
    PAPER,
    SOFT,
    draw_arrow,
    draw_badge,
    draw_box,
    draw_line,
    draw_text,
    fit,
)

Mark = Literal["good", "bad", "unknown"]
"""As planned, different, or not known because the host does not answer."""

MOST_CONTAINERS: Final = 12
"""Containers that a card lists; of more, the rest is counted."""
MOST_ROUTES: Final = 4
MOST_ORDERED: Final = 6
"""Services whose `after` is written out below the hosts; of more, the rest is counted."""

# All in pixels.
LONGEST_SLICE: Final = 28
"""Characters beside a parent of 15; a longer list of slices is cut, and complete in its tooltip."""
GAP: Final = 28
MARGIN: Final = 28
HEAD: Final = 74
BUS: Final = 34
FABRIC_HEIGHT: Final = 56
LEGEND: Final = 40
MOST_COLUMNS: Final = 5

LEGEND_WIDTH: Final = 80
"""Characters of a line of the legend; the narrowest picture, of two cards, has room for them."""
PORTS_WIDTH: Final = 9
"""Characters for a container's published ports."""

_FONT: Final = "DejaVu Sans Mono, Menlo, Consolas, monospace"
_COLOURS: Final[Mapping[Mark | None, tuple[str, str]]] = {
    None: ("#f6f8fa", "#818b98"),
    "good": ("#dafbe1", "#1a7f37"),
    "bad": ("#ffebe9", "#cf222e"),
    "unknown": ("#eff2f5", "#818b98"),
}
"""Fill and edge of a container."""
_PUBLISHED: Final = "#0969da"
_ON_LAN: Final = "#1a7f37"
_EGRESS: Final[Mapping[str, tuple[str, str]]] = {
    "out": ("#8250df", "internet: egress through the host's NAT, no port is published"),
    "gw": ("#bf8700", "egress: through the fabric's gateway"),
    "host": ("#57606a", "published at the host's own loopback: the host itself reaches it, no client does"),
}
"""Badge of a container that no client reaches at its host -> its colour and what it means."""
_ON_BRIDGES: Final = "connected to a bridge of the host, where containers find each other by name"
_LIVE_LEGEND: Final[tuple[tuple[str, Mark], ...]] = (
    ("as planned", "good"),
    ("different", "bad"),
    ("unknown", "unknown"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Marks:
    """The colours of a live diagram; without any, the plan is drawn."""

    hosts: Mapping[str, Mark]
    containers: Mapping[tuple[str, str], Mark]
    """By host and service."""


NO_MARKS: Final = Marks(hosts={}, containers={})


def as_svg(plan: Plan, stack: str, marks: Marks = NO_MARKS) -> str:
    """Return the text of the SVG."""
    columns = _columns(len(plan.hosts))
    hosts = sorted(plan.hosts, key=lambda host: _natural(host.name))
    rows = [hosts[start : start + columns] for start in range(0, len(hosts), columns)]
    width = 2 * MARGIN + columns * CARD_WIDTH + (columns - 1) * GAP
    width = max(width, 2 * MARGIN + 2 * CARD_WIDTH)
    first = MARGIN + CARD_WIDTH / 2
    trunk = MARGIN / 2 if len(rows) > 1 else first
    parts: list[str] = [*_fabric(plan, stack, width)]
    top = float(MARGIN + FABRIC_HEIGHT)
    parts.append(draw_line(first, top, first, top + BUS / 2))
    buses: list[float] = []
    for row in rows:
        bus = top + BUS / 2
        buses.append(bus)
        tallest = max(map(_height, row))
        parts.append(draw_line(trunk, bus, first + (len(row) - 1) * (CARD_WIDTH + GAP), bus))
        top += BUS
        for index, host in enumerate(row):
            x = MARGIN + index * (CARD_WIDTH + GAP)
            parts.append(draw_line(x + CARD_WIDTH / 2, bus, x + CARD_WIDTH / 2, top))
            parts += _card(host, x, top, height=tallest, marks=marks, lan=plan.lan)
        top += tallest + GAP / 2
    parts.append(draw_line(trunk, buses[0], trunk, buses[-1]))
    egress = [
        badge
        for badge in _EGRESS
        if any(_egress(container, lan=plan.lan and container.fabric) == badge for container in plan.containers())
    ]
    order = list(_order(plan))
    badges = [*_port_badges(plan), *((badge, *_EGRESS[badge]) for badge in egress)]
    below = [_ON_BRIDGES] if any(host.bridges for host in plan.hosts) else []
    parts += _legend(top + 6, badges, order, below, live=bool(marks.hosts))
    height = top + LEGEND + 20 * (len(badges) - 1 + len(order) + len(below) + bool(marks.hosts))
    return "\n".join(
        [
            (
                f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" height="{height:.0f}" '
                f'viewBox="0 0 {width:.0f} {height:.0f}" font-family="{_FONT}" font-size="13">'
            ),
            f'<rect width="100%" height="100%" fill="{PAPER}"/>',
            *parts,
            "</svg>\n",
        ]
    )


def _columns(hosts: int) -> int:
    return max(1, min(MOST_COLUMNS, hosts if hosts <= 3 else round(math.sqrt(hosts * 1.3))))


def _natural(name: str) -> list[tuple[int, str]]:
    """Return a sort key that puts docker-2 before docker-10."""
    return [(int(part), "") if part.isdigit() else (0, part) for part in re.split(r"(\d+)", name) if part]


def _height(host: HostPlan) -> float:
    lines = min(len(host.containers), MOST_CONTAINERS) + (len(host.containers) > MOST_CONTAINERS)
    lines += bridge_lines(host)
    lines += min(len(host.routes), MOST_ROUTES) + (len(host.routes) > MOST_ROUTES) + (host.shim is not None)
    return HEAD + max(lines, 1) * LINE + 10


def _fabric(plan: Plan, stack: str, width: float) -> Iterator[str]:
    yield draw_box(MARGIN, MARGIN, width - 2 * MARGIN, FABRIC_HEIGHT, fill="#ddf4ff", edge="#54aeff", radius=10)
    gateway = f" · gateway {plan.gateway}" if plan.gateway else ""
    yield draw_text(MARGIN + 16, MARGIN + 24, f"{plan.network_name} · ipvlan {plan.mode}", size=15, weight="bold")
    lan = " · the LAN of the hosts" if plan.lan else ""
    yield draw_text(MARGIN + 16, MARGIN + 44, f"{plan.subnet}{gateway}{lan}", colour=SOFT)
    yield draw_text(width - MARGIN - 16, MARGIN + 24, f"stack {stack}", colour=SOFT, anchor="end")


def _card(host: HostPlan, x: float, y: float, *, height: float, marks: Marks, lan: bool) -> Iterator[str]:
    mark = marks.hosts.get(host.name)
    _, edge = _COLOURS[mark]
    yield draw_box(
        x,
        y,
        CARD_WIDTH,
        height,
        fill=PAPER,
        edge=edge if mark else EDGE,
        radius=8,
        line=2 if mark == "bad" else 1.2,
    )
    yield f'<path d="M{x:.0f} {y + 64:.0f}h{CARD_WIDTH}" stroke="{EDGE}"/>'
    yield draw_text(x + 12, y + 22, fit(host.name, 18), size=15, weight="bold", title=host.name)
    yield draw_text(x + CARD_WIDTH - 12, y + 22, str(host.address), anchor="end")
    yield draw_text(x + 12, y + 46, f"{host.parent}", colour=SOFT)
    whole = f"slice {host.slice_text}"
    short = fit(whole, LONGEST_SLICE)
    yield draw_text(
        x + CARD_WIDTH - 12, y + 46, short, colour=SOFT, anchor="end", title=host.slice_text if short != whole else ""
    )
    line = y + HEAD
    drawn = host.containers[:MOST_CONTAINERS]
    yield from _arrows(drawn, x, line)
    for container in drawn:
        yield from _container(container, x, line, marks.containers.get((host.name, container.service)), lan=lan)
        line += LINE
    if len(host.containers) > len(drawn):
        yield draw_text(x + 14, line + 16, f"and {len(host.containers) - len(drawn)} more", colour=SOFT)
        line += LINE
    if not host.containers:
        yield draw_text(x + 14, line + 16, "no containers", colour=SOFT)
        line += LINE
    yield from bridge_rows(host, drawn, x, line, first=y + HEAD)
    line += bridge_lines(host) * LINE
    if host.shim is not None:
        yield draw_box(x + 10, line, CARD_WIDTH - 20, LINE - 5, fill=PAPER, edge=SOFT, radius=4, dashed=True)
        yield draw_text(
            x + 18, line + 15, fit(host.shim.link, 18), colour=SOFT, title="the host's own link on the fabric"
        )
        yield draw_text(x + CARD_WIDTH - 18, line + 15, str(host.shim.address), colour=SOFT, anchor="end")
        line += LINE
    for route in host.routes[:MOST_ROUTES]:
        yield draw_text(x + 14, line + 16, f"{route.destination} via {route.via}", colour=SOFT, size=12)
        line += LINE
    if len(host.routes) > MOST_ROUTES:
        yield draw_text(x + 14, line + 16, f"and {len(host.routes) - MOST_ROUTES} more routes", colour=SOFT, size=12)


def _container(container: ContainerPlan, x: float, y: float, mark: Mark | None, *, lan: bool) -> Iterator[str]:
    fill, edge = _COLOURS[mark]
    yield draw_box(x + 10, y, CARD_WIDTH - 20, LINE - 5, fill=fill, edge=edge, radius=4)
    lan = lan and container.fabric
    egress = _egress(container, lan=lan)
    badge = egress or _ports(container, lan=lan)
    of_ports = _PUBLISHED if for_clients(container) else _ON_LAN
    colour, title = _EGRESS[egress] if egress else (of_ports, ", ".join(str(port) for port in container.ports))
    badge_width = len(badge) * 12 * CHARACTER + 12 if badge else 0.0
    address = "" if container.address is None else str(container.address)
    room = CARD_WIDTH - 20 - 28 - badge_width - len(address) * 13 * CHARACTER
    yield draw_text(x + 18, y + 15, fit(container.name, int(room / (13 * CHARACTER))), title=container.name)
    end = x + CARD_WIDTH - 18
    # Addresses are in one column, whatever is published.
    if address:
        yield draw_text(end, y + 15, address, anchor="end")
    if badge:
        end -= len(address) * 13 * CHARACTER + (8 if address else 0)
        yield draw_badge(end - badge_width, y + 3, badge_width, colour)
        yield draw_text(end - badge_width / 2, y + 14.5, badge, colour=PAPER, size=12, anchor="middle", title=title)


def _ports(container: ContainerPlan, *, lan: bool) -> str:
    """Return the ports that clients reach, as many as fit, each in full. The rest is counted: `8004 +2`.

    They are at the host if published, and on a LAN at the container's own address.
    """
    at_host = for_clients(container)
    reached = at_host or (list(container.ports) if lan else [])
    ports = [port.host_ports if at_host else port.container_ports for port in reached]
    for count in range(len(ports), 0, -1):
        text = ",".join(ports[:count]) + (f" +{len(ports) - count}" if count < len(ports) else "")
        if len(text) <= PORTS_WIDTH:
            return text
    count = sum(port.count for port in reached)
    return f"{count} ports" if ports else ""


def _egress(container: ContainerPlan, *, lan: bool) -> str:
    """Return the badge of a container whose ports no client reaches, or that has none; empty for the others."""
    if for_clients(container) or (lan and container.ports):
        return ""
    if container.published:
        return "host" if container.ports else ""
    by_nat = container.internet or (not container.fabric and container.default_route is not None)
    return "out" if by_nat else "gw" if container.egress_gateway else ""


def _order(plan: Plan) -> Iterator[str]:
    """Yield what the dashed arrows mean, one line for each service that is after others."""
    ordered = [service for service in service_rollouts(plan) if service.after]
    for service in ordered[:MOST_ORDERED]:
        yield fit(f"{service.service} is created and replaced after {', '.join(service.after)}", LEGEND_WIDTH)
    if len(ordered) > MOST_ORDERED:
        yield f"and {len(ordered) - MOST_ORDERED} more services that are after others"


def _arrows(drawn: Sequence[ContainerPlan], x: float, y: float) -> Iterator[str]:
    """Yield a dashed arrow from each service of a card to those below or above it that are after it; `y` is the first row."""
    rows = {container.service: y + index * LINE + (LINE - 5) / 2 for index, container in enumerate(drawn)}
    for container in drawn:
        for other in container.after:
            if other in rows:
                side = 4 if rows[other] < rows[container.service] else -4
                yield draw_arrow(x + 10, rows[other] + side, rows[container.service] - side)


def _port_badges(plan: Plan) -> Iterator[tuple[str, str, str]]:
    """Yield the badge of ports, its colour and its meaning; on a LAN containers have ports without being published."""
    if plan.lan:
        yield "80", _ON_LAN, "on the LAN: clients reach it at the container's own address and this port"
    if not plan.lan or any(container.published for container in plan.containers()):
        yield "80", _PUBLISHED, "published: clients reach it at the host's address and this port"


def _legend(
    y: float, badges: Sequence[tuple[str, str, str]], order: Sequence[str], plain: Sequence[str], *, live: bool
) -> Iterator[str]:
    x = float(MARGIN)
    for badge, colour, meaning in badges:
        yield draw_badge(x, y, 30, colour)
        yield draw_text(x + 15, y + 11.5, badge, colour=PAPER, size=12, anchor="middle")
        yield draw_text(x + 40, y + 12, meaning, colour=SOFT, size=12)
        y += 20
    for meaning in order:
        yield f'<path d="M{x:.1f} {y + 7.5:.1f}h24" stroke="{SOFT}" stroke-dasharray="4 3"/>'
        yield f'<path d="M{x + 30:.1f} {y + 7.5:.1f}l-6 -3.5v7z" fill="{SOFT}"/>'
        yield draw_text(x + 40, y + 12, meaning, colour=SOFT, size=12)
        y += 20
    for meaning in plain:
        yield f'<path d="M{x:.1f} {y + 7.5:.1f}h30" stroke="{SOFT}" stroke-dasharray="2 3"/>'
        yield draw_text(x + 40, y + 12, meaning, colour=SOFT, size=12)
        y += 20
    if not live:
        return
    for meaning, mark in _LIVE_LEGEND:
        fill, edge = _COLOURS[mark]
        yield draw_box(x, y - 2, 30, 13, fill=fill, edge=edge, radius=3)
        yield draw_text(x + 40, y + 9, meaning, colour=SOFT, size=12)
        x += 60 + len(meaning) * 12 * CHARACTER
