"""What a change of the plan does to what runs: which containers and networks are created, replaced, updated or deleted.

It predicts `pulumi up`. The rules repeat what the docker provider treats as a reason to replace (`ForceNew` in
terraform-provider-docker v4.5.0, resource_docker_container.go and resource_docker_network.go), and what the components add to it:
ports through a label, and `ipvlan.plan.container_updates`.

Out of scope: the hosts. What changed on them since the last `up` is shown by `ipvlan status`.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Final, Literal

from pydantic import BaseModel

from ipvlan.config.models import ContainerSettings
from ipvlan.plan.bridge_changes import BridgeChange, bridge_changes, endpoint_changes
from ipvlan.plan.container_updates import UPDATES
from ipvlan.plan.docker_values import differ
from ipvlan.plan.file_changes import (
    FileChange,
    FileEffect,
    changed_files,
    changed_mounts,
    effect_in_place,
    file_changes,
    on_all_hosts,
    replaced_by_files,
)
from ipvlan.plan.model import ContainerPlan, HostPlan, NetworkPlan, Plan
from ipvlan.plan.resource_names import ports_label
from ipvlan.plan.setting_changes import SettingChange, setting_changes
from ipvlan.plan.volume_changes import VolumeChange, volume_changes
from ipvlan.plan.volumes import named_sources

Action = Literal["create", "delete", "replace", "restart", "reload", "update", "attach", "detach", "reconnect"]
"""`replace`: stopped, deleted and created again, with downtime. `restart`: stopped and started again for other files, with
downtime; it keeps its id. `reload`: it takes other files while it runs. `update`: changed while it runs. `attach`, `detach` and
`reconnect`: only its connections to bridges change, Docker's own or those of the section `bridges`; the container keeps running.
With the first or the last of the section, Pulumi shows an update of the container as well, of its state alone."""

HostAction = Literal["create", "delete", "replace network", "update connection", "update routes", "update shim"]


@dataclass(frozen=True, slots=True)
class ContainerChange:
    """What happens to one container."""

    host: str
    service: str
    action: Action
    reasons: tuple[str, ...]
    """The keys that changed, with their values where these are no secrets; empty for `create` and `delete`."""
    before: ContainerPlan | None
    after: ContainerPlan | None


@dataclass(frozen=True, slots=True)
class HostChange:
    """What happens to one host, or to its network."""

    host: str
    action: HostAction
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Changes:
    """Everything that differs between two plans."""

    hosts: tuple[HostChange, ...]
    containers: tuple[ContainerChange, ...]
    settings: tuple[SettingChange, ...] = ()
    """What else differs, and changes nothing that runs."""
    volumes: tuple[VolumeChange, ...] = ()
    """What happens to the named volumes and their data."""
    bridges: tuple[BridgeChange, ...] = ()
    """What happens to the bridge networks of the section `bridges`."""
    files: tuple[FileChange, ...] = ()
    """What happens to the files of containers that are not deleted."""

    def of(self, *actions: Action) -> list[ContainerChange]:
        """Return the containers with one of these actions."""
        return [change for change in self.containers if change.action in actions]

    def __bool__(self) -> bool:
        return bool(self.hosts or self.containers or self.settings or self.volumes or self.bridges or self.files)


def compare(before: Plan | None, after: Plan, *, new_secrets: Collection[str] = ()) -> Changes:
    """Return what `pulumi up` does to get from one plan to the other.

    Args:
        before: None for a new stack.
        after: The plan that `up` would apply.
        new_secrets: The config keys whose secret was set to another value.
    """
    old_hosts = {host.name: host for host in before.hosts} if before else {}
    new_hosts = {host.name: host for host in after.hosts}
    hosts: list[HostChange] = []
    containers: list[ContainerChange] = []
    volumes: list[VolumeChange] = []
    bridges: list[BridgeChange] = []
    files: list[FileChange] = []
    for name in sorted(old_hosts.keys() | new_hosts.keys()):
        old, new = old_hosts.get(name), new_hosts.get(name)
        network = tuple(_network(old.network, new.network)) if old and new else ()
        hosts.extend(_host(name, old, new, network))
        of_host = list(volume_changes(old, new, new_secrets))
        volumes.extend(of_host)
        bridges.extend(bridge_changes(old, new))
        replaced = frozenset(change.name for change in of_host if change.action == "replace")
        of_containers = list(_containers(old, new, network, new_secrets, replaced))
        containers.extend(of_containers)
        files.extend(file_changes(old, new, _effects(of_containers), new_secrets))
    settings = tuple(setting_changes(before, after)) if before else ()
    return Changes(tuple(hosts), tuple(containers), settings, tuple(volumes), tuple(bridges), on_all_hosts(files))


def _differences(*fields: tuple[str, object, object]) -> Iterator[str]:
    """Yield `NAME: OLD -> NEW` for each field (name, old and new value) that differs."""
    return (f"{name}: {old} -> {new}" for name, old, new in fields if old != new)


def _host(name: str, old: HostPlan | None, new: HostPlan | None, network: tuple[str, ...]) -> Iterator[HostChange]:
    if old is None:
        yield HostChange(name, "create", ())
        return
    if new is None:
        yield HostChange(name, "delete", ())
        return
    if network:
        yield HostChange(name, "replace network", network)
    connection = tuple(
        _differences(
            ("address", old.address, new.address),
            ("ssh", old.ssh, new.ssh),
            ("host_key", old.host_key, new.host_key),
            ("docker_socket", old.docker_socket, new.docker_socket),
        )
    )
    if connection:
        yield HostChange(name, "update connection", connection)
    routes, shim = tuple(_routes(old, new)), tuple(_shim(old, new))
    if routes:
        yield HostChange(name, "update routes", routes)
    if shim:
        yield HostChange(name, "update shim", shim)


def _routes(old: HostPlan, new: HostPlan) -> Iterator[str]:
    """Yield what changes of the routes to other hosts' containers."""
    before, after = ([f"{route.destination} via {route.via}" for route in host.routes] for host in (old, new))
    if before == after and before and not old.shim:
        # With a shim, the shim says so.
        yield from _differences(("parent", old.parent, new.parent))
        return
    yield from (f"- {route}" for route in before if route not in after)
    yield from (f"+ {route}" for route in after if route not in before)
    if before != after and sorted(before) == sorted(after):
        yield "another order"


def _shim(old: HostPlan, new: HostPlan) -> Iterator[str]:
    """Yield what changes of the host's own link."""
    if old.shim != new.shim:
        before, after = (f"{host.shim.link} {host.shim.address}" if host.shim else "none" for host in (old, new))
        yield f"{before} -> {after}"
    elif old.shim:
        before, after = (", ".join(map(str, host.destinations)) or "none" for host in (old, new))
        yield from _differences(("routes", before, after), ("mode", old.network.mode, new.network.mode))


def _network(old: NetworkPlan, new: NetworkPlan) -> Iterator[str]:
    """Yield why Docker's network is replaced: every field of it is a reason."""
    return _differences(
        ("fabric.name", old.name, new.name),
        ("fabric.mode", old.mode, new.mode),
        ("subnet", old.subnet, new.subnet),
        ("gateway", old.gateway or "none", new.gateway or "none"),
        ("ip range", old.ip_range, new.ip_range),
        ("parent", old.parent, new.parent),
        ("addresses that Docker may not assign", *_auxiliary(old, new)),
    )


def _auxiliary(old: NetworkPlan, new: NetworkPlan) -> tuple[str, str]:
    """Return the auxiliary addresses of two networks; with their names where only these differ, which is a reason too."""
    before, after = (sorted(network.auxiliary.items(), key=lambda entry: entry[1]) for network in (old, new))
    only_names = [address for _, address in before] == [address for _, address in after] and before != after
    texts = (
        ", ".join(f"{address} ({name})" if only_names else str(address) for name, address in entries) or "none"
        for entries in (before, after)
    )
    return next(texts), next(texts)


def _containers(
    old: HostPlan | None,
    new: HostPlan | None,
    network: tuple[str, ...],
    new_secrets: Collection[str],
    replaced_volumes: frozenset[str],
) -> Iterator[ContainerChange]:
    olds = {container.service: container for container in old.containers} if old else {}
    news = {container.service: container for container in new.containers} if new else {}
    for service in sorted(olds.keys() | news.keys()):
        before, after = olds.get(service), news.get(service)
        if after is None:
            yield ContainerChange(olds[service].host, service, "delete", (), before, None)
        elif before is None:
            yield ContainerChange(after.host, service, "create", (), None, after)
        else:
            yield from (
                ContainerChange(after.host, service, action, reasons, before, after)
                for action, reasons in _actions(before, after, network, new_secrets, replaced_volumes)
            )


def _effects(changes: Collection[ContainerChange]) -> dict[str, FileEffect]:
    """Return service -> what happens to its container on a host by which it takes its files."""
    effects: dict[str, FileEffect] = {}
    for change in changes:
        match change.action:
            case "create" | "replace" | "restart" | "reload" as action:
                effects[change.service] = action
    return effects


def _actions(
    before: ContainerPlan,
    after: ContainerPlan,
    network: tuple[str, ...],
    new_secrets: Collection[str],
    replaced_volumes: frozenset[str],
) -> Iterator[tuple[Action, tuple[str, ...]]]:
    """Yield what happens to a container of both plans, with the reasons."""
    updated = tuple(_settings(before.settings, after.settings, replaces=False))
    # What it mounted decides: it is deleted before the volume is.
    lost = sorted(replaced_volumes & set(named_sources(before.settings)))
    mounted, other_files = changed_mounts(before.files, after.files), ""
    if not mounted:
        other_files = changed_files(before.files, after.files, new_secrets)
    by_files = mounted or (other_files if replaced_by_files(before.files, after.files) else "")
    replaced = (
        *(["its network is replaced"] if network and before.fabric else []),
        *(f"its volume {volume} is replaced" for volume in lost),
        *_reasons(before, after, new_secrets),
        *([by_files] if by_files else []),
    )
    if replaced:
        also = [other_files] if other_files and not by_files else []
        yield "replace", (*replaced, *also, *updated)
        return
    if other_files and after.files is not None:
        yield effect_in_place(after.files), (other_files,)
    keys = tuple(key for key in ("published", "internet") if getattr(before, key) != getattr(after, key))
    endpoints = endpoint_changes(before, after)
    attached = (*(keys if after.bridged and not before.bridged else ()), *endpoints.attached)
    detached = (*(keys if before.bridged and not after.bridged else ()), *endpoints.detached)
    if attached:
        yield "attach", attached
    if detached:
        yield "detach", detached
    if endpoints.reconnected:
        yield "reconnect", endpoints.reconnected
    if updated:
        yield "update", updated


def _reasons(before: ContainerPlan, after: ContainerPlan, new_secrets: Collection[str]) -> Iterator[str]:
    """Yield why the container is replaced, without values of the environment: people keep secrets in it."""
    yield from _differences(
        ("fabric", str(before.fabric).lower(), str(after.fabric).lower()),
        ("address", before.address_text, after.address_text),
        ("image", before.image, after.image),
        ("container_name", before.name, after.name),
    )
    # To the docker provider an empty command is none.
    if (before.command or None) != (after.command or None):
        yield "command"
    # By the label that decides: two ways to write the same ports replace nothing.
    if ports_label(before.docker_ports) != ports_label(after.docker_ports):
        old_ports, new_ports = (", ".join(map(str, plan.docker_ports)) or "none" for plan in (before, after))
        yield from _differences(("ports", old_ports, new_ports))
    for variable in sorted(before.environment.keys() | after.environment.keys()):
        if before.environment.get(variable) != after.environment.get(variable):
            yield f"environment {variable}"
    for variable in sorted(before.secret_environment.keys() | after.secret_environment.keys()):
        key = after.secret_environment.get(variable)
        if before.secret_environment.get(variable) != key:
            yield f"secret_environment {variable}"
        elif key in new_secrets:
            yield f"secret {key} has a new value"
    yield from _settings(before.settings, after.settings, replaces=True)


def _settings(before: ContainerSettings, after: ContainerSettings, *, replaces: bool) -> Iterator[str]:
    """Yield the settings that differ and whose change replaces the container, or does not."""
    for row in UPDATES:
        old, new = getattr(before, row.setting), getattr(after, row.setting)
        if differ(before, after, row.setting) and row.replaces(new) == replaces:
            if row.setting in _SHOWN:
                # Two values can be one text: with colons in a path nobody can take it apart.
                listed = _listed if _listed(old) != _listed(new) else _exactly
                yield f"{row.setting}: {listed(old)} -> {listed(new)}"
            else:
                yield row.setting


def _listed(values: tuple[object, ...]) -> str:
    return ", ".join(map(str, values)) or "none"


def _exactly(values: tuple[object, ...]) -> str:
    """Return the values as JSON: no two of them are one text."""
    return ", ".join(
        json.dumps(value.model_dump(exclude_defaults=True) if isinstance(value, BaseModel) else value)
        for value in values
    )


_SHOWN: Final = frozenset({"volumes", "mounts", "devices", "device_cgroup_rules", "cap_add", "cap_drop"})
"""Lists that hold no secret, and say much about what a container may do: reasons have their values."""
