"""`ipvlan diagram`: the topology as Mermaid, SVG or PNG, of the plan or coloured by what is on the hosts.

Owns the forms and the colouring by `status`. Drawing is `ipvlan.views.mermaid`'s and `ipvlan.views.svg`'s.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Final, Literal

from ipvlan.checks.status import Status
from ipvlan.hosts.errors import HostError
from ipvlan.plan.model import Plan
from ipvlan.problems import ConfigError, Problem
from ipvlan.views.mermaid import topology
from ipvlan.views.svg import Mark, Marks

Form = Literal["mermaid", "svg", "png"]

#: Mermaid's styles are those of the report; these two are its green and its red.
_MERMAID: Final[Mapping[Mark, str]] = {"well": "create", "broken": "replace"}

#: Dots of the PNG per pixel of the picture.
PNG_SCALE: Final = 2


def marks_of(found: Status) -> Marks:
    """The colours of a live picture."""
    hosts: dict[str, Mark] = {}
    containers: dict[tuple[str, str], Mark] = {}
    for host in found.hosts:
        wrong = {difference.service for difference in host.differences if difference.severity == "error"}
        dead = isinstance(host.snapshot, HostError)
        hosts[host.plan.name] = "broken" if dead or None in wrong else "well"
        for planned in host.plan.containers:
            mark: Mark = "unknown" if dead else "broken" if planned.service in wrong else "well"
            containers[host.plan.name, planned.service] = mark
    return Marks(hosts=hosts, containers=containers)


def as_mermaid(plan: Plan, marks: Marks) -> str:
    """The flowchart's text; unknown containers are left uncoloured."""
    styles = {place: _MERMAID[mark] for place, mark in marks.containers.items() if mark in _MERMAID}
    return topology(plan, styles) + "\n"


def as_png(svg: str) -> bytes:
    """The picture as PNG; raises ConfigError where the library for it is not installed."""
    try:
        resvg = importlib.import_module("resvg_py")
    except ImportError:
        raise ConfigError(
            [
                Problem(
                    key="--form",
                    value="png",
                    problem="the Python package resvg-py is not installed",
                    effect="there is nothing to make a PNG with",
                    fix="pip install resvg-py, or take svg",
                )
            ]
        ) from None
    return bytes(resvg.svg_to_bytes(svg_string=svg, zoom=PNG_SCALE))
