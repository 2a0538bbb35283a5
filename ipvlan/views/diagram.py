"""The topology as Mermaid or PNG, and its colours from the result of `status`.

Out of scope: drawing, which `ipvlan.views.mermaid` and `ipvlan.views.svg` do.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Final

from ipvlan.checks.status import Status
from ipvlan.hosts.errors import HostError
from ipvlan.plan.model import Plan
from ipvlan.problems import Problem, ToolError
from ipvlan.views.mermaid import Style, topology
from ipvlan.views.svg import Mark, Marks

PNG_SCALE: Final = 2
"""Pixels of the PNG per pixel of the SVG."""

_MERMAID_STYLES: Final[Mapping[Mark, Style]] = {"good": "create", "bad": "replace"}
"""The green and the red of a report; the others have no colour."""


def live_marks(status: Status) -> Marks:
    """Return the colours of a diagram of what is on the hosts."""
    hosts: dict[str, Mark] = {}
    containers: dict[tuple[str, str], Mark] = {}
    for host in status.hosts:
        different = {difference.service for difference in host.differences if difference.severity == "error"}
        unreachable = isinstance(host.snapshot, HostError)
        hosts[host.plan.name] = "bad" if unreachable or None in different else "good"
        for planned in host.plan.containers:
            mark: Mark = "unknown" if unreachable else "bad" if planned.service in different else "good"
            containers[host.plan.name, planned.service] = mark
    return Marks(hosts=hosts, containers=containers)


def as_mermaid(plan: Plan, marks: Marks) -> str:
    """Return the flowchart's text."""
    styles = {place: _MERMAID_STYLES[mark] for place, mark in marks.containers.items() if mark in _MERMAID_STYLES}
    return topology(plan, styles) + "\n"


def as_png(svg: str) -> bytes:
    """Return an SVG as PNG.

    Raises:
        ToolError: the library for it is not installed.
    """
    try:
        resvg = importlib.import_module("resvg_py")
    except ImportError:
        raise ToolError(
            [
                Problem(
                    code="IPF913",
                    key="--form",
                    value="png",
                    problem="the Python package resvg-py is not installed",
                    effect="nothing can convert the diagram to PNG",
                    fix="pip install resvg-py, or use --form svg",
                )
            ]
        ) from None
    return bytes(resvg.svg_to_bytes(svg_string=svg, zoom=PNG_SCALE))
