"""Shapes of an SVG: boxes, lines and texts, with the colours and measures that all parts of a picture share.

Out of scope: what is drawn (`ipvlan.views.svg`).
"""

from __future__ import annotations

from typing import Final
from xml.sax.saxutils import escape

from ipvlan.problems import plain

# Both in pixels.
CARD_WIDTH: Final = 300
LINE: Final = 26

CHARACTER: Final = 0.61
"""Width of a character of the font, as a part of its size."""

INK, SOFT, PAPER, EDGE = "#1f2328", "#59636e", "#ffffff", "#d1d9e0"


def fit(text: str, most: int) -> str:
    """Return the text, cut to that many characters."""
    return text if len(text) <= most else text[: most - 1] + "\N{HORIZONTAL ELLIPSIS}"


def draw_box(
    x: float,
    y: float,
    width: float,
    height: float,
    *,
    fill: str,
    edge: str,
    radius: float,
    line: float = 1.2,
    dashed: bool = False,
) -> str:
    """Return a box with round corners, from its upper left corner on; all measures are in pixels."""
    dashes = ' stroke-dasharray="4 3"' if dashed else ""
    return (
        f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" rx="{radius}" '
        f'fill="{fill}" stroke="{edge}" stroke-width="{line}"{dashes}/>'
    )


def draw_badge(x: float, y: float, width: float, colour: str) -> str:
    """Return the ground of a badge, from its upper left corner on."""
    return f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="15" rx="7" fill="{colour}"/>'


def draw_line(x1: float, y1: float, x2: float, y2: float) -> str:
    """Return a line of the fabric, from one point to another."""
    return f'<path d="M{x1:.1f} {y1:.1f}L{x2:.1f} {y2:.1f}" stroke="#54aeff" stroke-width="2" fill="none"/>'


def draw_arrow(x: float, y1: float, y2: float) -> str:
    """Return a dashed arrow that leaves the left edge of a box at `y1` and comes back to it at `y2`."""
    return (
        f'<path d="M{x:.1f} {y1:.1f}C{x - 11:.1f} {y1:.1f} {x - 11:.1f} {y2:.1f} {x - 2:.1f} {y2:.1f}" '
        f'stroke="{SOFT}" stroke-dasharray="4 3" fill="none"/>'
        f'<path d="M{x:.1f} {y2:.1f}l-5 -3v6z" fill="{SOFT}"/>'
    )


def draw_text(
    x: float,
    y: float,
    text: str,
    *,
    colour: str = INK,
    size: int = 13,
    weight: str = "normal",
    anchor: str = "start",
    title: str = "",
) -> str:
    """Return a text that begins at a point, or is there with another part of it as `anchor` says; `title` is its tooltip."""
    tip = f"<title>{xml(title)}</title>" if title else ""
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" fill="{colour}" font-size="{size}" font-weight="{weight}" '
        f'text-anchor="{anchor}">{tip}{xml(text)}</text>'
    )


def xml(text: str) -> str:
    """Return text as the content of an element; of its characters XML 1.0 (2.2) forbids most that are not `plain`."""
    return escape(plain(text))
