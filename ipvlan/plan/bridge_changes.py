"""What a change of the plan does to the bridge networks of a host, and to connections to them. It predicts `pulumi up`.

Docker changes no network: one with other contents is created again. The containers on it run on, and have no connection over it for
that time. A container's connections change while it runs, whatever they are.

Out of scope: the hosts. What `up` finds on them can still refuse a bridge: one of others, or one with containers of others on it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, Literal

from ipvlan.plan.bridges import BridgePlan, EndpointPlan

if TYPE_CHECKING:
    from ipvlan.plan.model import ContainerPlan, HostPlan

BridgeAction = Literal["create", "use", "rebuild", "delete", "record"]
"""`create`: made on the host. `use`: it must exist, somebody else makes it. `rebuild`: its containers are disconnected, it is
removed, created again with other contents, and they are connected again. `delete`: removed from the host. `record`: nothing changes
on the host."""


_REMOVED: Final = "removed from the host, unless containers of others are on it: then `up` names them"


@dataclass(frozen=True, slots=True, kw_only=True)
class BridgeChange:
    """What happens to one bridge network on one host."""

    host: str
    name: str
    """Its name in Docker."""
    key: str
    action: BridgeAction
    reasons: tuple[str, ...] = ()
    """The keys that differ."""
    members: tuple[str, ...] = ()
    """The services on this host that are connected to it before and after the change, sorted."""
    check: bool = False
    """Whether `up` first looks whose the network is: it was one of others, and shall be this stack's."""
    moved_from: str | None = None
    """Name in Docker of the network that it takes the place of: the same bridge of the config by its name before."""
    moved_to: str | None = None
    """Name in Docker of the network that takes its place."""
    removes: bool = False
    """Whether the network that it takes the place of is removed; one of others is not."""

    @property
    def effect(self) -> str:
        """What it means for the host, one clause."""
        if self.check:
            return "`up` ends before it changes anything where somebody else made the network"
        others = "`up` ends before it changes anything where containers of others are on it"
        if self.action == "rebuild":
            one = len(self.members) == 1
            members = (
                f"{', '.join(self.members)} {'runs' if one else 'run'} on"
                if self.members
                else "no container is on it before and after"
            )
            return f"no connection over it for some seconds, {members}; {others}"
        return self._action_effect + self._move_effect

    @property
    def _move_effect(self) -> str:
        if self.moved_from is None:
            return ""
        one = len(self.members) == 1
        moved = (
            f", and {', '.join(self.members)} {'moves to it with another address' if one else 'move to it with other addresses'}: "
            f"connections over {self.moved_from} end"
            if self.members
            else f" in the place of {self.moved_from}"
        )
        removed = f"; then {self.moved_from} is {_REMOVED}" if self.removes else ""
        return f"{moved}{removed}"

    @property
    def _action_effect(self) -> str:
        return {
            "create": "created",
            "use": "must exist on the host; `up` ends before it changes anything where it does not",
            "delete": _REMOVED,
            "record": "nothing changes on the host",
        }[self.action]


def bridge_changes(old: HostPlan | None, new: HostPlan | None) -> Iterator[BridgeChange]:
    """Yield what happens to the bridge networks of one host, sorted by name.

    Args:
        old: The host before; None for one that is new.
        new: The host after; None for one that leaves the config.
    """
    olds = {bridge.name: bridge for bridge in old.bridges} if old else {}
    news = {bridge.name: bridge for bridge in new.bridges} if new else {}
    host = (new or old).name if (new or old) else ""  # type: ignore[union-attr]
    moved_to = _moved(olds, news)
    moved_from = {new: old for old, new in moved_to.items()}
    for name in sorted(olds.keys() | news.keys()):
        before, after = olds.get(name), news.get(name)
        if after is None:
            if before is not None and not before.external:
                yield BridgeChange(host=host, name=name, key=before.key, action="delete", moved_to=moved_to.get(name))
        elif before is None:
            yield _new(host, olds.get(moved_from.get(name, "")), after)
        else:
            yield from _changed(host, before, after)


def _moved(olds: Mapping[str, BridgePlan], news: Mapping[str, BridgePlan]) -> dict[str, str]:
    """Return name before -> name after of each bridge that has another name: the same key, or else the same contents and members.

    Where several could be meant, none is.
    """
    before = [bridge for name, bridge in olds.items() if name not in news]
    after = [bridge for name, bridge in news.items() if name not in olds]
    keys = {bridge.key: bridge for bridge in after}
    moved = {bridge.name: keys[bridge.key].name for bridge in before if bridge.key in keys}
    candidates = [
        (old.name, new.name)
        for old in before
        for new in after
        if old.name not in moved and new.name not in moved.values() and _is_like(old, new)
    ]
    olds_of, news_of = ([pair[side] for pair in candidates] for side in (0, 1))
    return moved | {old: new for old, new in candidates if olds_of.count(old) == news_of.count(new) == 1}


def _is_like(old: BridgePlan, new: BridgePlan) -> bool:
    same = old.members == new.members and old.external == new.external
    return bool(old.members) and same and not any(content_differences(old, new))


def _new(host: str, before: BridgePlan | None, after: BridgePlan) -> BridgeChange:
    """Return the change of a network that the host had not; `before` is the one that it takes the place of."""
    change = BridgeChange(host=host, name=after.name, key=after.key, action="use" if after.external else "create")
    if before is None:
        return change
    content = () if before.external or after.external else content_differences(before, after)
    return replace(
        change,
        reasons=(f"name: {before.name} -> {after.name}", *content, *_rest(before, after)),
        members=tuple(sorted({*before.members} & {*after.members})),
        moved_from=before.name,
        removes=not before.external,
    )


def _changed(host: str, before: BridgePlan, after: BridgePlan) -> Iterator[BridgeChange]:
    # What somebody else makes has no contents in the plan.
    content = () if before.external or after.external else tuple(content_differences(before, after))
    reasons = (*content, *_rest(before, after))
    if reasons:
        yield BridgeChange(
            host=host,
            name=after.name,
            key=after.key,
            action="rebuild" if content else "record",
            reasons=reasons,
            members=tuple(sorted({*before.members} & {*after.members})),
            check=before.external and not after.external,
        )


def content_differences(before: BridgePlan, after: BridgePlan) -> Iterator[str]:
    """Yield what differs for Docker, which cannot change it."""
    if before.internal != after.internal:
        yield f"internal: {_switch(before.internal)} -> {_switch(after.internal)}"
    if before.subnet != after.subnet:
        yield f"subnet: {before.subnet or 'by Docker'} -> {after.subnet or 'by Docker'}"
    for option in sorted(before.options.keys() | after.options.keys()):
        old, new = before.options.get(option), after.options.get(option)
        if old != new:
            yield f"option {option}: {'none' if old is None else old} -> {'none' if new is None else new}"


def _rest(before: BridgePlan, after: BridgePlan) -> Iterator[str]:
    if before.external != after.external:
        yield f"external: {_switch(before.external)} -> {_switch(after.external)}"
    for label in sorted(before.labels.keys() | after.labels.keys()):
        if before.labels.get(label) != after.labels.get(label):
            yield f"label {label} (the network keeps those that it was created with)"
    if before.key != after.key:
        yield f"key: {before.key} -> {after.key}"


def _switch(value: bool) -> str:
    return str(value).lower()


@dataclass(frozen=True, slots=True)
class EndpointChanges:
    """What happens to a container's connections while it runs, each as a reason, such as `bridges: +data`."""

    attached: tuple[str, ...]
    detached: tuple[str, ...]
    reconnected: tuple[str, ...]
    """Connections with other aliases, which Docker changes by disconnecting and connecting only."""


def endpoint_changes(before: ContainerPlan, after: ContainerPlan) -> EndpointChanges:
    """Return what happens to the connections of a container that is in both plans and is not replaced."""
    olds, news = _by_bridge(before.bridges), _by_bridge(after.bridges)
    return EndpointChanges(
        attached=tuple(f"bridges: +{name}" for name in sorted(news.keys() - olds.keys())),
        detached=tuple(f"bridges: -{name}" for name in sorted(olds.keys() - news.keys())),
        reconnected=tuple(
            f"bridges: {name}, aliases: {_listed(olds[name].aliases)} -> {_listed(news[name].aliases)}"
            for name in sorted(olds.keys() & news.keys())
            if olds[name].aliases != news[name].aliases
        ),
    )


def _by_bridge(endpoints: tuple[EndpointPlan, ...]) -> dict[str, EndpointPlan]:
    return {endpoint.bridge: endpoint for endpoint in endpoints}


def _listed(names: tuple[str, ...]) -> str:
    return ", ".join(names) or "none"
