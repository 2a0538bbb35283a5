"""The topology of a plan as a Mermaid flowchart, which GitHub draws in Markdown.

Readable up to about 20 hosts; beyond that each host is one box, with the number of its containers.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Final, Literal

from ipvlan.config.types.ports import ON_THE_HOST
from ipvlan.plan.model import ContainerPlan, HostPlan, Plan
from ipvlan.plan.rollout_order import service_rollouts
from ipvlan.problems import plain
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


_MARKUP: Final = re.compile(r"""["#;`%<>&{}\[\]@$*|\\]""")
"""What ends a label, starts an entity, a comment (%%), a directive (%%{...}%%), a tag, a formula ($$) or a style in one."""


def label(*lines: str) -> str:
    """Return a label in quotes, of these lines: text that Mermaid reads as text.

    What may have a meaning is written as its entity code, `#35;` for `#`
    (https://mermaid.js.org/syntax/flowchart.html#entity-codes-to-escape-characters).
    """
    return '"' + "<br/>".join(_MARKUP.sub(_entity, plain(line)) for line in lines) + '"'


def _entity(match: re.Match[str]) -> str:
    return f"#{ord(match[0])};"


def topology(plan: Plan, styles: Mapping[tuple[str, str], Style] | None = None) -> str:
    """Return the flowchart's text; `styles` marks containers, by host and service."""
    styles = styles or {}
    gateway = [f"gateway {plan.gateway}"] if plan.gateway else []
    lines = [
        "flowchart TB",
        f"  fabric([{label(f'{plan.network_name} ({plan.mode})', str(plan.subnet), *gateway)}])",
    ]
    has_clients = False
    nodes: dict[tuple[str, str], str] = {}
    for number, host in enumerate(plan.hosts):
        drawn = host.containers[:MOST_CONTAINERS] if len(plan.hosts) <= MOST_HOSTS_IN_FULL else ()
        lines.append(f"  subgraph h{number}[{label(f'{host.name} · {host.address}')}]")
        lines.append(f"    p{number}[{label(host.parent, host.slice_text, *_not_drawn(host, len(drawn)))}]")
        for index, container in enumerate(drawn):
            nodes[host.name, container.service] = f"h{number}c{index}"
            style = styles.get((host.name, container.service)) or ("published" if container.published else "")
            suffix = f":::{style}" if style else ""
            own = for_the_host(container)
            note = [str(container.address)] if container.address is not None else []
            note += [f"{', '.join(map(str, own))} {ON_THE_HOST}"] if own else []
            lines.append(f"    h{number}c{index}[{label(container.name, *note)}]{suffix}")
            if container.address is not None:
                lines.append(f"    p{number} --- h{number}c{index}")
        lines += _bridges(host, number, drawn)
        lines.append("  end")
        lines.append(f"  fabric --- p{number}")
        for index, container in enumerate(drawn):
            reached = for_clients(container)
            if reached:
                has_clients = True
                lines.append(f"  clients -- {label(', '.join(map(str, reached)))} --> h{number}c{index}")
    if plan.lan:
        # They are on the fabric themselves.
        lines.append(f"  clients -- {label('each container at its own address')} --> fabric")
        has_clients = True
    if has_clients:
        lines.insert(2, f"  clients([{label('clients')}])")
    return "\n".join([*lines, *_order(plan, nodes), *_STYLES])


def _bridges(host: HostPlan, number: int, drawn: Sequence[ContainerPlan]) -> Iterator[str]:
    """Yield the bridge networks of a host with a dashed line to each container that is drawn and is on it."""
    if not drawn:
        return
    for index, bridge in enumerate(host.bridges):
        notes = [str(bridge.subnet)] if bridge.subnet is not None else []
        notes += ["internal"] if bridge.internal else []
        notes += ["external"] if bridge.external else []
        yield f"    h{number}b{index}({label(bridge.name, *notes)})"
        for place, container in enumerate(drawn):
            if container.service in bridge.members:
                yield f"    h{number}c{place} -.- h{number}b{index}"


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


def _not_drawn(host: HostPlan, drawn: int) -> Iterator[str]:
    count = len(host.containers) - drawn
    if count:
        yield f"{count}{' more' if drawn else ''} container{'' if count == 1 else 's'}"
