"""What a change does to bridges, for the report: the rows of its tables, and the count of its first line.

Out of scope: what differs (`ipvlan.plan.bridge_changes`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from ipvlan.plan.bridge_changes import BridgeChange
from ipvlan.plan.changes import ContainerChange
from ipvlan.plan.model import ContainerPlan

_MOVE: Final = "move"
"""The networks that one takes the place of the other: to a reader they are one bridge."""
_COUNTED: Final[Mapping[str, str]] = {
    "create": "new",
    "use": "of others",
    "rebuild": "created again below running containers",
    "delete": "deleted",
    "record": "with another setting",
    _MOVE: "in the place of another one",
}


def rows(changes: Sequence[BridgeChange]) -> Iterator[tuple[str, ...]]:
    """Yield host, bridge, change, what differs and effect; one row for a network and the one that it takes the place of."""
    for change in _without_left(changes):
        name = change.name if change.moved_from is None else f"{change.moved_from} -> {change.name}"
        yield change.host, name, _action(change), "; ".join(change.reasons), change.effect


def counted(changes: Sequence[BridgeChange]) -> str:
    """Return how many bridges have which change; a network and the one that it takes the place of are one."""
    actions = Counter(_action(change) for change in _without_left(changes))
    return ", ".join(f"{count} {_COUNTED[action]}" for action, count in sorted(actions.items()))


def connection_effect(change: ContainerChange) -> str:
    """Return what a container's attachment, detachment or new names mean for its connections."""
    before, after = change.before, change.after
    if before is None or after is None:
        return ""
    olds, news = ({endpoint.bridge: endpoint.aliases for endpoint in plan.bridges} for plan in (before, after))
    if change.action == "reconnect":
        names = [name for name in olds if name in news and olds[name] != news[name]]
        effects = [f"it is disconnected and connected again: its connections over {', '.join(names)} end"]
    elif change.action == "detach":
        names = [*(name for name in olds if name not in news), *_own(before, after)]
        effects = [f"its connections over {', '.join(names)} end"]
    else:
        names = [*(name for name in news if name not in olds), *_own(after, before)]
        effects = [f"it is connected to {', '.join(names)}"]
    if before.default_route != after.default_route:
        effects.append(
            f"its default route moves from {before.default_route or 'none'} to {after.default_route or 'none'}"
        )
    return "; ".join(effects)


def _own(having: ContainerPlan, other: ContainerPlan) -> Iterator[str]:
    if having.bridged and not other.bridged:
        yield "Docker's own bridge"


def _action(change: BridgeChange) -> str:
    return change.action if change.moved_from is None else _MOVE


def _without_left(changes: Sequence[BridgeChange]) -> Iterator[BridgeChange]:
    return (change for change in changes if change.moved_to is None)
