"""The bridge networks of a host in its card of the SVG: a row each, and a dashed line to each of its containers.

Out of scope: the rest of the card (`ipvlan.views.svg`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from ipvlan.plan.bridges import BridgePlan
from ipvlan.plan.model import ContainerPlan, HostPlan
from ipvlan.views.svg_shapes import CARD_WIDTH, LINE, PAPER, SOFT, draw_box, draw_text, fit

MOST_BRIDGES: Final = 6
"""Bridges that a card lists; of more, the rest is counted."""


def bridge_lines(host: HostPlan) -> int:
    """Return how many rows the bridges of a host have in its card."""
    return min(len(host.bridges), MOST_BRIDGES) + (len(host.bridges) > MOST_BRIDGES)


def bridge_rows(host: HostPlan, drawn: Sequence[ContainerPlan], x: float, y: float, *, first: float) -> Iterator[str]:
    """Yield the rows of the bridges, and the lines to the containers on them.

    Args:
        host: The host.
        drawn: Its containers that have a row, in their order.
        x: The left edge of the card.
        y: The first row.
        first: The first row of the containers.
    """
    listed = host.bridges[:MOST_BRIDGES]
    for index, bridge in enumerate(listed):
        row = y + index * LINE
        yield draw_box(x + 10, row, CARD_WIDTH - 20, LINE - 5, fill=PAPER, edge=SOFT, radius=10, dashed=True)
        yield draw_text(x + 18, row + 15, fit(bridge.name, 18), colour=SOFT, title=bridge.name)
        yield draw_text(x + CARD_WIDTH - 18, row + 15, _note(bridge), colour=SOFT, anchor="end")
        for place, container in enumerate(drawn):
            if container.service in bridge.members:
                yield _connection(x + CARD_WIDTH - 10, first + place * LINE, row, bulge=4 + 2 * index)
    if len(host.bridges) > len(listed):
        row = y + len(listed) * LINE
        yield draw_text(x + 14, row + 16, f"and {len(host.bridges) - len(listed)} more bridges", colour=SOFT)


def _note(bridge: BridgePlan) -> str:
    if bridge.external:
        return "external"
    if bridge.internal and bridge.subnet is None:
        return "internal"
    return "bridge" if bridge.subnet is None else str(bridge.subnet)


def _connection(x: float, y1: float, y2: float, *, bulge: float) -> str:
    """Return a dashed line from the right edge of one row to that of another, beside the boxes; `bulge` keeps two apart."""
    top, bottom, side = y1 + (LINE - 5) / 2, y2 + (LINE - 5) / 2, x + bulge
    return (
        f'<path d="M{x:.1f} {top:.1f}C{side:.1f} {top:.1f} {side:.1f} {bottom:.1f} {x:.1f} {bottom:.1f}" '
        f'stroke="{SOFT}" stroke-dasharray="2 3" fill="none"/>'
    )
