"""What a change of the plan does to what runs: which containers are made, recreated, updated, reconnected or removed.

Owns the rules that predicts what `pulumi up` does; they repeat what the docker provider treats as a reason to replace
(`ForceNew` in terraform-provider-docker v4.5.0, resource_docker_container.go and resource_docker_network.go) and what
`components` adds to it (ports through a label, `replace_on_changes`). It looks at two plans and at no host: what drifted on
the hosts since is `ipvlan status`' matter.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Literal

from ipvlan.config.models import ContainerSettings
from ipvlan.plan.model import ContainerPlan, HostPlan, NetworkPlan, Plan

UPDATED_IN_PLACE = frozenset({"restart", "memory", "cpu_shares"})
"""Settings that the docker provider changes on a running container; all others recreate it."""

LIMITS = frozenset({"memory", "cpu_shares"})
"""Of these, the ones that Docker never takes away from a running container: without its limit the container is recreated."""

Action = Literal["create", "delete", "replace", "update", "attach", "detach"]
"""`create`: new. `replace`: stopped, removed and made again, with downtime. `update`: changed while it runs. `attach` and
`detach`: only the bridge connection changes, the container runs on."""


@dataclass(frozen=True, slots=True)
class ContainerChange:
    """What becomes of one container."""

    host: str
    service: str
    action: Action
    reasons: tuple[str, ...]
    """Why, in the config's words; empty for `create` and `delete` of their own."""
    before: ContainerPlan | None
    after: ContainerPlan | None


@dataclass(frozen=True, slots=True)
class HostChange:
    """What becomes of one host's network and of the host itself."""

    host: str
    action: Literal["create", "delete", "replace network", "update connection", "update routes", "update shim"]
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Changes:
    """Everything that differs between two plans."""

    hosts: tuple[HostChange, ...]
    containers: tuple[ContainerChange, ...]

    def of(self, *actions: Action) -> list[ContainerChange]:
        """The containers with one of these actions."""
        return [change for change in self.containers if change.action in actions]

    def __bool__(self) -> bool:
        return bool(self.hosts or self.containers)


def compare(before: Plan | None, after: Plan, *, new_secrets: Collection[str] = ()) -> Changes:
    """What `pulumi up` does to get from one plan to the other.

    No plan before means a new stack. `new_secrets` are the config keys whose secret was set anew.
    """
    old_hosts = {host.name: host for host in before.hosts} if before else {}
    new_hosts = {host.name: host for host in after.hosts}
    hosts: list[HostChange] = []
    containers: list[ContainerChange] = []
    for name in sorted(old_hosts.keys() | new_hosts.keys()):
        old, new = old_hosts.get(name), new_hosts.get(name)
        network = _network(old.network, new.network) if old and new else ()
        hosts.extend(_host(old, new, network))
        containers.extend(_containers(old, new, network, new_secrets))
    return Changes(tuple(hosts), tuple(containers))


def _host(old: HostPlan | None, new: HostPlan | None, network: tuple[str, ...]) -> Iterator[HostChange]:
    if old is None and new is not None:
        yield HostChange(new.name, "create", ())
    elif new is None and old is not None:
        yield HostChange(old.name, "delete", ())
    elif old is not None and new is not None:
        if network:
            yield HostChange(new.name, "replace network", network)
        way = tuple(
            f"{key}: {was} -> {now}"
            for key, was, now in (
                ("address", old.address, new.address),
                ("ssh", old.ssh, new.ssh),
                ("host_key", old.host_key, new.host_key),
            )
            if was != now
        )
        if way:
            yield HostChange(new.name, "update connection", way)
        if old.routes != new.routes:
            gone = [f"- {route.destination} via {route.via}" for route in old.routes if route not in new.routes]
            come = [f"+ {route.destination} via {route.via}" for route in new.routes if route not in old.routes]
            yield HostChange(new.name, "update routes", (*gone, *come))
        if old.shim != new.shim:
            was, now = (f"{host.shim.link} {host.shim.address}" if host.shim else "none" for host in (old, new))
            yield HostChange(new.name, "update shim", (f"{was} -> {now}",))


def _network(old: NetworkPlan, new: NetworkPlan) -> tuple[str, ...]:
    """Why Docker's network is made anew: every field of it is a reason."""
    return tuple(
        f"{word}: {was} -> {now}"
        for word, was, now in (
            ("fabric.name", old.name, new.name),
            ("fabric.mode", old.mode, new.mode),
            ("subnet", old.subnet, new.subnet),
            ("gateway", old.gateway or "none", new.gateway or "none"),
            ("ip range", old.ip_range, new.ip_range),
            ("parent", old.parent, new.parent),
            (
                "addresses Docker may not hand out",
                ", ".join(map(str, old.auxiliary.values())) or "none",
                ", ".join(map(str, new.auxiliary.values())) or "none",
            ),
        )
        if was != now
    )


def _containers(
    old: HostPlan | None, new: HostPlan | None, network: tuple[str, ...], new_secrets: Collection[str]
) -> Iterator[ContainerChange]:
    olds = {container.service: container for container in old.containers} if old else {}
    news = {container.service: container for container in new.containers} if new else {}
    for service in sorted(olds.keys() | news.keys()):
        before, after = olds.get(service), news.get(service)
        if before is None and after is not None:
            yield ContainerChange(after.host, service, "create", (), None, after)
        elif after is None and before is not None:
            yield ContainerChange(before.host, service, "delete", (), before, None)
        elif before is not None and after is not None:
            yield from _container(before, after, network, new_secrets)


def _container(
    before: ContainerPlan, after: ContainerPlan, network: tuple[str, ...], new_secrets: Collection[str]
) -> Iterator[ContainerChange]:
    recreated = [*(["its network is recreated"] if network else []), *_reasons(before, after, new_secrets)]
    updated = list(_settings(before.settings, after.settings, in_place=True))
    action: Action
    if recreated:
        action, reasons = "replace", recreated + updated
    elif before.bridged != after.bridged:
        action = "attach" if after.bridged else "detach"
        reasons = [key for key in ("published", "internet") if getattr(before, key) != getattr(after, key)]
    elif updated:
        action, reasons = "update", updated
    else:
        return
    yield ContainerChange(after.host, after.service, action, tuple(reasons), before, after)
    if action in ("attach", "detach") and updated:
        yield ContainerChange(after.host, after.service, "update", tuple(updated), before, after)


def _reasons(before: ContainerPlan, after: ContainerPlan, new_secrets: Collection[str]) -> Iterator[str]:
    """Why the container is recreated; values of the environment are not told, people keep secrets in it."""
    for word, was, now in (
        ("address", before.address, after.address),
        ("image", before.image, after.image),
        ("container_name", before.name, after.name),
    ):
        if was != now:
            yield f"{word}: {was} -> {now}"
    if before.command != after.command:
        yield "command"
    if before.docker_ports != after.docker_ports:
        was, now = (", ".join(map(str, plan.docker_ports)) or "none" for plan in (before, after))
        yield f"ports: {was} -> {now}"
    for variable in sorted(before.environment.keys() | after.environment.keys()):
        if before.environment.get(variable) != after.environment.get(variable):
            yield f"environment {variable}"
    for variable in sorted(before.secret_environment.keys() | after.secret_environment.keys()):
        key = after.secret_environment.get(variable)
        if before.secret_environment.get(variable) != key:
            yield f"secret_environment {variable}"
        elif key in new_secrets:
            yield f"secret {key} was set anew"
    yield from _settings(before.settings, after.settings, in_place=False)


def _settings(before: ContainerSettings, after: ContainerSettings, *, in_place: bool) -> Iterator[str]:
    for field in ContainerSettings.model_fields:
        was, now = getattr(before, field), getattr(after, field)
        if field in LIMITS:
            # To Docker a limit of 0 is none.
            was, now = was or None, now or None
        stays = field in UPDATED_IN_PLACE and not (field in LIMITS and now is None)
        if was != now and stays == in_place:
            yield field
