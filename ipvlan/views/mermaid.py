"""The topology of a plan as a Mermaid flowchart, as GitHub shows it in Markdown.

Owns the drawing. Readable up to about 20 hosts; beyond that it draws one box per host without its containers.
"""

from __future__ import annotations

from collections.abc import Mapping

from ipvlan.plan.model import HostPlan, Plan

MOST_HOSTS_IN_FULL = 20
MOST_CONTAINERS_IN_FULL = 12
"""Containers of one host that are drawn; the others are counted."""

STYLES = (
    "  classDef create stroke:#1a7f37,stroke-width:3px",
    "  classDef replace stroke:#cf222e,stroke-width:3px",
    "  classDef update stroke:#9a6700,stroke-width:3px",
    "  classDef published fill:#ddf4ff,color:#0a3069",
)


def topology(plan: Plan, marks: Mapping[tuple[str, str], str] | None = None) -> str:
    """The flowchart's text; `marks` gives (host, service) one of the styles create, replace, update."""
    marks = marks or {}
    gateway = f"<br/>gateway {plan.gateway}" if plan.gateway else ""
    lines = [
        "flowchart TB",
        f'  fabric(["{plan.network_name} ({plan.mode})<br/>{plan.subnet}{gateway}"])',
    ]
    published = False
    for number, host in enumerate(plan.hosts):
        shown = host.containers[:MOST_CONTAINERS_IN_FULL] if len(plan.hosts) <= MOST_HOSTS_IN_FULL else ()
        lines.append(f'  subgraph h{number}["{host.name} · {host.address}"]')
        lines.append(f'    p{number}["{host.parent}<br/>{host.slice}{_more(host, len(shown))}"]')
        for index, container in enumerate(shown):
            mark = marks.get((host.name, container.service))
            style = f":::{mark}" if mark else ":::published" if container.published else ""
            lines.append(f'    h{number}c{index}["{container.name}<br/>{container.address}"]{style}')
            lines.append(f"    p{number} --- h{number}c{index}")
        lines.append("  end")
        lines.append(f"  fabric --- p{number}")
        for index, container in enumerate(shown):
            if container.published:
                published = True
                ports = ", ".join(str(port) for port in container.ports)
                lines.append(f'  clients -- "{ports}" --> h{number}c{index}')
    if published:
        lines.insert(2, '  clients(["clients"])')
    return "\n".join([*lines, *STYLES])


def _more(host: HostPlan, shown: int) -> str:
    left = len(host.containers) - shown
    if not left:
        return ""
    return f"<br/>{left}{' more' if shown else ''} container{'' if left == 1 else 's'}"
