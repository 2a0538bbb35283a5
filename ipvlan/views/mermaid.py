"""The topology of a plan as a Mermaid flowchart, which GitHub draws in Markdown.

Readable up to about 20 hosts; beyond that each host is one box, with the number of its containers.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final, Literal

from ipvlan.config.types.ports import ON_THE_HOST
from ipvlan.plan.model import HostPlan, Plan
from ipvlan.plan.rollout_order import service_rollouts
from ipvlan.views.ports import for_clients, for_the_host

MOST_HOSTS_IN_FULL: Final = 20
MOST_CONTAINERS: Final = 12
"""Containers of one host that are drawn; of more, the rest is counted."""

Style = Literal["create", "replace", "update"]
"""How a container is marked: green, red, yellow."""

_STYLES: Final = (
    "  classDef create stroke:#1a7f37,stroke-width:3px",
    "  classDef replace stroke:#cf222e,stroke-width:3px",
    "  classDef update stroke:#9a6700,stroke-width:3px",
    "  classDef published fill:#ddf4ff,color:#0a3069",
)


def topology(plan: Plan, styles: Mapping[tuple[str, str], Style] | None = None) -> str:
    """Return the flowchart's text; `styles` marks containers, by host and service."""
    styles = styles or {}
    gateway = f"<br/>gateway {plan.gateway}" if plan.gateway else ""
    lines = [
        "flowchart TB",
        f'  fabric(["{plan.network_name} ({plan.mode})<br/>{plan.subnet}{gateway}"])',
    ]
    has_clients = False
    nodes: dict[tuple[str, str], str] = {}
    for number, host in enumerate(plan.hosts):
        drawn = host.containers[:MOST_CONTAINERS] if len(plan.hosts) <= MOST_HOSTS_IN_FULL else ()
        lines.append(f'  subgraph h{number}["{host.name} · {host.address}"]')
        lines.append(f'    p{number}["{host.parent}<br/>{host.slice_text}{_not_drawn(host, len(drawn))}"]')
        for index, container in enumerate(drawn):
            nodes[host.name, container.service] = f"h{number}c{index}"
            style = styles.get((host.name, container.service)) or ("published" if container.published else "")
            suffix = f":::{style}" if style else ""
            own = for_the_host(container)
            note = f"<br/>{', '.join(map(str, own))} {ON_THE_HOST}" if own else ""
            lines.append(f'    h{number}c{index}["{container.name}<br/>{container.address}{note}"]{suffix}')
            lines.append(f"    p{number} --- h{number}c{index}")
        lines.append("  end")
        lines.append(f"  fabric --- p{number}")
        for index, container in enumerate(drawn):
            reached = for_clients(container)
            if reached:
                has_clients = True
                ports = ", ".join(map(str, reached))
                lines.append(f'  clients -- "{ports}" --> h{number}c{index}')
    if plan.lan:
        # They are on the fabric themselves.
        lines.append('  clients -- "each container at its own address" --> fabric')
        has_clients = True
    if has_clients:
        lines.insert(2, '  clients(["clients"])')
    return "\n".join([*lines, *_order(plan, nodes), *_STYLES])


def _order(plan: Plan, nodes: Mapping[tuple[str, str], str]) -> Iterator[str]:
    """Yield the dashed arrows from a service to those that are after it.

    A service waits for another one on all hosts. The arrow is drawn on each host that has both, else between the first of each.
    """
    for service in service_rollouts(plan):
        drawn = [host for host in service.hosts if (host, service.service) in nodes]
        for other in service.after:
            both = [host for host in drawn if (host, other) in nodes]
            of_other = [host for host, name in nodes if name == other]
            pairs = [(host, host) for host in both] or list(zip(of_other[:1], drawn[:1], strict=False))
            yield from (
                f"  {nodes[from_host, other]} -. then .-> {nodes[to_host, service.service]}"
                for from_host, to_host in pairs
            )


def _not_drawn(host: HostPlan, drawn: int) -> str:
    count = len(host.containers) - drawn
    if not count:
        return ""
    return f"<br/>{count}{' more' if drawn else ''} container{'' if count == 1 else 's'}"
