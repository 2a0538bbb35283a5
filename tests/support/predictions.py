"""What the report predicts, by Pulumi's resources: to compare it with the steps of a preview.

One thing the report has and a preview has not (CLI 3.259): what depends on a resource that is deleted before it is replaced is
deleted with it, and where the program does not declare it any more the preview lists no step at all. So it is with a container
that is removed while its network or a volume of it is replaced, and with a bridge connection that ends while its container is
replaced.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, Final

from ipvlan.plan import resource_names
from ipvlan.plan.changes import Changes, ContainerChange
from ipvlan.plan.model import ContainerPlan, HostPlan, Plan
from ipvlan.plan.resource_names import BRIDGE_CONNECTION_TYPE, COMPONENT, CONTAINER_TYPE, NETWORK_TYPE, NETWORKING_TYPE
from ipvlan.plan.volumes import named_sources

Operations = set[tuple[str, str]]
"""Operation and name of each resource that runs on a host or is a setting of it."""

TYPES: Final = (CONTAINER_TYPE, NETWORK_TYPE, BRIDGE_CONNECTION_TYPE, NETWORKING_TYPE)
"""What the report predicts; all other resources have nothing on a host that lasts."""


_RECORDED: Final = {
    BRIDGE_CONNECTION_TYPE: frozenset({"ssh", "rollout", "networks"}),
    NETWORKING_TYPE: frozenset({"ssh", "rollout"}),
    # With the first and the last bridge.
    CONTAINER_TYPE: frozenset({"start", "mustRun"}),
}
"""Type -> the inputs whose change is an update that does nothing on the host."""


def listed(steps: Sequence[Mapping[str, Any]]) -> Operations:
    """Return the operations of a preview, a replacement as one, without the updates that record something alone."""
    found: Operations = set()
    for step in steps:
        _, _, types, name = step["urn"].split("::")
        kind = types.rpartition("$")[2]
        operation = {"create-replacement": "replace", "delete-replaced": "replace"}.get(step["op"], step["op"])
        if kind not in TYPES or operation == "same" or (operation == "update" and _records(step, kind)):
            continue
        found.add((operation, name))
    return found


def _records(step: Mapping[str, Any], kind: str) -> bool:
    """Return whether an update changes nothing on the host: the connection, what counts for a failure or for a creation alone."""
    recorded = _RECORDED.get(kind, frozenset())
    old, new = step["oldState"]["inputs"], step["newState"]["inputs"]
    changed = {key for key in old.keys() | new.keys() if old.get(key) != new.get(key)}
    return bool(recorded) and changed <= recorded


def predicted(changes: Changes, before: Plan, after: Plan) -> Operations:
    """Return the operations that a preview must list, if the report's changes are right."""
    rebuilt = {change.host for change in changes.hosts if change.action == "replace network"}
    lost = {(change.host, change.name) for change in changes.volumes if change.action == "replace"}
    found = {
        operation
        for change in changes.containers
        if not (change.action == "delete" and (change.host in rebuilt or _mounts(change, lost)))
        for operation in _of_container(change)
    }
    for change in changes.hosts:
        name = resource_names.host_slice(COMPONENT, change.host)
        if change.action in ("create", "delete"):
            found.add((change.action, resource_names.network(name)))
            plan = after if change.action == "create" else before
            if _networking(plan.host(change.host)):
                found.add((change.action, resource_names.networking(name)))
        elif change.action == "replace network":
            found.add(("replace", resource_names.network(name)))
        elif change.action in ("update routes", "update shim"):
            found.add(
                (_of_networking(before.host(change.host), after.host(change.host)), resource_names.networking(name))
            )
    return found


def _mounts(change: ContainerChange, lost: Collection[tuple[str, str]]) -> bool:
    """Return whether the container mounted one of these volumes: host and name."""
    return change.before is not None and any(
        (change.host, volume) in lost for volume in named_sources(change.before.settings)
    )


def _networking(host: HostPlan) -> bool:
    return bool(host.routes or host.shim)


def _of_networking(old: HostPlan, new: HostPlan) -> str:
    if not _networking(old):
        return "create"
    if not _networking(new):
        return "delete"
    return "update" if old.parent == new.parent else "replace"


def _of_container(change: ContainerChange) -> Iterator[tuple[str, str]]:
    name = resource_names.container(resource_names.host_slice(COMPONENT, change.host), change.service)
    if change.action not in ("attach", "detach", "reconnect", "restart", "reload"):
        yield change.action, name
    if change.action in ("update", "restart", "reload"):
        return
    old, new = _bridge(change.before, name), _bridge(change.after, name)
    if old == new and old and change.action == "replace":
        yield "replace", old
    elif old != new:
        if old and change.action != "replace":
            yield "delete", old
        if new:
            yield "create", new


def _bridge(container: ContainerPlan | None, name: str) -> str:
    if container is None or not container.bridged:
        return ""
    component = resource_names.bridge_component_of(name, published=container.published)
    return resource_names.bridge_connection(component)
