"""What the report predicts, by Pulumi's resources: to compare it with the steps of a preview.

One thing the report has and a preview has not (CLI 3.259): what depends on a resource that is deleted before it is replaced is
deleted with it, and where the program does not declare it any more the preview lists no step at all. So it is with a container
that is removed while its network or a volume of it is replaced, and with a bridge connection that ends while its container is
replaced.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, Final

from ipvlan.hosts.endpoints import keeps_bridge
from ipvlan.plan import resource_names
from ipvlan.plan.changes import Changes, ContainerChange
from ipvlan.plan.model import ContainerPlan, HostPlan, Plan
from ipvlan.plan.resource_names import (
    BRIDGE_CONNECTION_TYPE,
    BRIDGE_ENDPOINTS_TYPE,
    BRIDGE_NETWORK_TYPE,
    COMPONENT,
    CONTAINER_TYPE,
    FILES_IN_USE_TYPE,
    FILES_TYPE,
    NETWORK_TYPE,
    NETWORKING_TYPE,
)
from ipvlan.plan.volumes import named_sources

Operations = set[tuple[str, str]]
"""Operation and name of each resource that runs on a host or is a setting of it."""

TYPES: Final = (
    *(CONTAINER_TYPE, NETWORK_TYPE, BRIDGE_CONNECTION_TYPE, NETWORKING_TYPE),
    *(BRIDGE_NETWORK_TYPE, BRIDGE_ENDPOINTS_TYPE, FILES_TYPE, FILES_IN_USE_TYPE),
)
"""What the report predicts; all other resources have nothing on a host that lasts."""


_RECORDED: Final = {
    BRIDGE_CONNECTION_TYPE: frozenset({"ssh", "rollout", "networks"}),
    NETWORKING_TYPE: frozenset({"ssh", "rollout"}),
    # With the first and the last bridge.
    CONTAINER_TYPE: frozenset({"start", "mustRun"}),
    BRIDGE_NETWORK_TYPE: frozenset({"ssh", "labels", "owner", "stack"}),
    BRIDGE_ENDPOINTS_TYPE: frozenset({"ssh", "rollout"}),
    FILES_TYPE: frozenset({"owner", "ssh", "container", "image", "userns_host"}),
    FILES_IN_USE_TYPE: frozenset(
        {"owner", "ssh", "container", "image", "change", "reload_signal", "reload_command", "ports", "healthy_within"}
        | {"on_failure", "stop_seconds", "secret_names", "secrets"}
    ),
}
"""Type -> the inputs whose change is an update that does nothing on the host."""


def listed(steps: Sequence[Mapping[str, Any]]) -> Operations:
    """Return the operations of a preview, a replacement as one, without those that record something alone."""
    found: Operations = set()
    for step in steps:
        _, _, types, name = step["urn"].split("::")
        kind = types.rpartition("$")[2]
        operation = {"create-replacement": "replace", "delete-replaced": "replace"}.get(step["op"], step["op"])
        if kind not in TYPES or operation == "same" or (operation == "update" and _records(step, kind)):
            continue
        if kind == BRIDGE_NETWORK_TYPE and operation == "delete" and step["oldState"]["inputs"]["external"]:
            # It is somebody else's, and stays.
            continue
        found.add((operation, name))
    return found


def _records(step: Mapping[str, Any], kind: str) -> bool:
    """Return whether an update changes nothing on the host: the connection, what counts for a failure or for a creation alone."""
    recorded = _RECORDED.get(kind, frozenset())
    old, new = step["oldState"]["inputs"], step["newState"]["inputs"]
    if kind == BRIDGE_NETWORK_TYPE and (old["external"] or new["external"]):
        return True
    if kind in (BRIDGE_ENDPOINTS_TYPE, BRIDGE_NETWORK_TYPE):
        # Another id of a network comes with that network's own step.
        old, new = _without_ids(old), _without_ids(new)
    changed = {key for key in old.keys() | new.keys() if old.get(key) != new.get(key)}
    if kind in (FILES_TYPE, FILES_IN_USE_TYPE):
        # No preview shows a secret; the plugin says that it differs.
        changed |= set(step.get("diffReasons") or ())
    return bool(recorded) and changed <= recorded


def _without_ids(inputs: Mapping[str, Any]) -> Mapping[str, Any]:
    return {
        **inputs,
        "endpoints": [{**endpoint, "network_id": ""} for endpoint in inputs.get("endpoints", ())],
    }


_BRIDGE_OPERATIONS: Final = {"create": "create", "use": "create", "rebuild": "update", "delete": "delete"}


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
    found |= {
        (_BRIDGE_OPERATIONS[change.action], resource_names.bridge_network(_slice(change.host), change.name))
        for change in changes.bridges
        if change.action != "record"
    }
    found |= set(_of_files(changes, before, after))
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


def _slice(host: str) -> str:
    return resource_names.host_slice(COMPONENT, host)


def _of_files(changes: Changes, before: Plan, after: Plan) -> Iterator[tuple[str, str]]:
    """Yield the operations of staged files, and of their use: of another container too."""
    staged = {(host, change.service) for change in changes.files for host in change.hosts}
    taken = {(change.host, change.service) for change in changes.containers if change.action in ("create", "replace")}
    gone = {(change.host, change.service) for change in changes.of("delete")}
    for host, service in staged | taken | gone:
        name = resource_names.container(_slice(host), service)
        old, new = (_has_files(plan, host, service) for plan in (before, after))
        operation = "update" if old and new else "create" if new else "delete"
        if old or new:
            yield operation, resource_names.files_in_use(name)
        if (old or new) and ((host, service) in staged or old != new):
            yield operation, resource_names.files(name)


def _has_files(plan: Plan, host: str, service: str) -> bool:
    return any(
        container.files is not None
        for planned in plan.hosts
        for container in planned.containers
        if (planned.name, container.service) == (host, service)
    )


def _of_container(change: ContainerChange) -> Iterator[tuple[str, str]]:
    name = resource_names.container(_slice(change.host), change.service)
    if change.action in ("restart", "reload"):
        # By its files, which have operations of their own.
        return
    if change.action not in ("attach", "detach", "reconnect"):
        yield change.action, name
    if change.action == "update":
        return
    yield from _of_endpoints(change, name)
    old, new = _bridge(change.before, name), _bridge(change.after, name)
    if old == new and old and change.action == "replace":
        yield "replace", old
    elif old != new:
        if old and change.action != "replace":
            yield "delete", old
        if new:
            yield "create", new


def _of_endpoints(change: ContainerChange, name: str) -> Iterator[tuple[str, str]]:
    """Yield the operation of the connections to bridges of the section `bridges`."""
    endpoints = resource_names.bridge_endpoints(name)
    old, new = (container.bridges if container else () for container in (change.before, change.after))
    if old and new and change.before and change.after:
        if change.action == "replace":
            yield "replace", endpoints
        elif old != new or keeps_bridge(change.before) != keeps_bridge(change.after):
            yield "update", endpoints
    elif new:
        yield "create", endpoints
    elif old and change.action != "replace":
        yield "delete", endpoints


def _bridge(container: ContainerPlan | None, name: str) -> str:
    if container is None or not container.bridged:
        return ""
    component = resource_names.bridge_component_of(name, published=container.published)
    return resource_names.bridge_connection(component)
