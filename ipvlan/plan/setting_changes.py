"""What differs between two plans and changes no container, network, route or shim: it counts for how they are worked on.

Out of scope: what changes on the hosts (`ipvlan.plan.changes`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from ipvlan.config.types.devices import gpu_requests
from ipvlan.plan.container_updates import UPDATES, Update
from ipvlan.plan.docker_values import DURATIONS, differ
from ipvlan.plan.file_changes import other_sources
from ipvlan.plan.model import ContainerPlan, HostPlan, Plan
from ipvlan.plan.resource_names import ports_label

if TYPE_CHECKING:
    from ipvlan.config.models import ContainerSettings
    from ipvlan.plan.files import FilesPlan


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingChange:
    """A key whose change leaves everything on the hosts as it is."""

    key: str
    """Dotted, as in the stack file."""
    before: str
    after: str
    effect: str
    """What it does instead, one clause."""


_ORDER: Final = "no container; it counts for this and every later change"
_RECORDED: Final = "nothing on the hosts; Pulumi records another connection to every host"
_SAME_VALUE: Final = "Docker gets the same value as before"
_FILES: Final = "no container; it counts for this and every later change of its files"
_SAME_FILE: Final = "the container has the same file as before"
_SAME_NETWORK: Final = "Docker's network stays as it is"


def setting_changes(before: Plan, after: Plan) -> Iterator[SettingChange]:
    """Yield what differs, by key: the fabric's, ssh's, the hosts', the services'."""
    yield from _fabric(before, after)
    yield from _differences(
        ("ssh.connect_timeout", before.ssh.connect_timeout, after.ssh.connect_timeout, _RECORDED),
        ("ssh.shared_connection", before.ssh.shared_connection, after.ssh.shared_connection, _RECORDED),
    )
    old_hosts = {host.name: host for host in before.hosts}
    both = [(old_hosts[host.name], host) for host in after.hosts if host.name in old_hosts]
    for old, new in both:
        yield from _host(old, new)
    # A service is the same on all its hosts, but for what only its host makes of it.
    seen: dict[str, SettingChange] = {}
    for old, new in both:
        for changed in _containers(old, new):
            seen.setdefault(changed.key, changed)
    yield from (seen[key] for key in sorted(seen))


def _differences(*rows: tuple[str, object, object, str]) -> Iterator[SettingChange]:
    """Yield each row (key, old value, new value, effect) whose values differ."""
    for key, old, new, effect in rows:
        if old != new:
            yield SettingChange(key=key, before=_text(old), after=_text(new), effect=effect)


def _text(value: object) -> str:
    """Return a value as the stack file has it."""
    if value is None or value == ():
        return "none"
    if value == "":
        return '""'
    if isinstance(value, bool):
        return str(value).lower()
    return ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)


def _fabric(before: Plan, after: Plan) -> Iterator[SettingChange]:
    yield from _differences(
        ("fabric.reserved", before.reserved, after.reserved, "no address is planned there; Docker does not know of it"),
        (
            "fabric.probe_addresses",
            before.probe_addresses,
            after.probe_addresses,
            "`pulumi up` checks new addresses for conflicts, or does not",
        ),
    )
    if {host.name for host in before.hosts}.isdisjoint(host.name for host in after.hosts):
        # Else it is a reason why a network is replaced.
        yield from _differences(
            *(
                (f"fabric.{key}", getattr(before, field), getattr(after, field), "no host of both states has a network")
                for key, field in (
                    ("name", "network_name"),
                    ("mode", "mode"),
                    ("subnet", "subnet"),
                    ("gateway", "gateway"),
                )
            )
        )


def _host(old: HostPlan, new: HostPlan) -> Iterator[SettingChange]:
    if old.network != new.network:
        # The network is replaced, and says why.
        return
    key = f"hosts.{new.name}"
    yield from _differences(
        (f"{key}.slice", old.slices, new.slices, _SAME_NETWORK),
        (f"{key}.dynamic", _dynamic(old), _dynamic(new), _SAME_NETWORK),
    )


def _dynamic(host: HostPlan) -> object:
    return host.dynamic or ("none" if host.static_only else "the slice")


def _containers(old: HostPlan, new: HostPlan) -> Iterator[SettingChange]:
    olds = {container.service: container for container in old.containers}
    for container in new.containers:
        if container.service in olds:
            yield from _container(olds[container.service], container)


def _container(old: ContainerPlan, new: ContainerPlan) -> Iterator[SettingChange]:
    key = f"services.{new.service}"
    yield from _differences(
        (f"{key}.after", old.after, new.after, _ORDER),
        (f"{key}.egress", _egress(old), _egress(new), "`ipvlan verify` checks the gateway, or does not"),
    )
    for field in ("at_once", "healthy_within", "on_failure"):
        yield from _differences((f"{key}.rollout.{field}", _rollout(old, field), _rollout(new, field), _ORDER))
    if ports_label(old.docker_ports) == ports_label(new.docker_ports):
        yield from _differences(
            (f"{key}.ports", old.ports, new.ports, "Docker gets the same ports as before"),
        )
        if old.bridged == new.bridged:
            yield from _differences(
                (f"{key}.published", old.published, new.published, "Docker's bridge stays connected"),
                (f"{key}.internet", old.internet, new.internet, "Docker's bridge stays connected"),
            )
    if not old.command and not new.command:
        commands = ("none" if container.command is None else "[]" for container in (old, new))
        yield from _differences((f"{key}.command", next(commands), next(commands), _SAME_VALUE))
    yield from _files(key, old.files, new.files)
    yield from _same_to_docker(key, old.settings, new.settings)


def _files(key: str, old: FilesPlan | None, new: FilesPlan | None) -> Iterator[SettingChange]:
    """Yield what differs in how a container takes its files, and in where they come from; the files alone are changes of it."""
    if old is None or new is None:
        return
    reloads = "reload" in (old.change, new.change)
    yield from _differences(
        # With `reload` there is no files_change.
        *([] if reloads else [(f"{key}.files_change", old.change, new.change, _FILES)]),
        (f"{key}.reload", _reload(old), _reload(new), _FILES),
        *((f"{key}.files.{target}", before, after, _SAME_FILE) for target, before, after in other_sources(old, new)),
    )


def _reload(files: FilesPlan) -> object:
    return files.reload_signal if files.reload_command is None else f"[{', '.join(files.reload_command)}]"


def _same_to_docker(key: str, old: ContainerSettings, new: ContainerSettings) -> Iterator[SettingChange]:
    """Yield the settings that are written in another way and mean the same to Docker."""
    for row in UPDATES:
        before, after = getattr(old, row.setting), getattr(new, row.setting)
        if before == after or differ(old, new, row.setting):
            continue
        if row.setting == "healthcheck":
            yield from _differences(
                *(
                    (
                        f"{key}.healthcheck.{part}",
                        getattr(before, part),
                        getattr(after, part),
                        "Docker gets the same duration",
                    )
                    for part in DURATIONS
                )
            )
        else:
            limit = row.update is Update.REPLACES_WHEN_UNSET
            effect = "to Docker a limit of 0 is none" if limit else _SAME_VALUE
            if row.setting == "gpus":
                # Docker's -1 for all of them is in no stack file.
                before, after = (
                    str(gpu_requests(value)[0]) if isinstance(value, int) else value for value in (before, after)
                )
            before, after = ("[]" if value == () else value for value in (before, after))
            yield from _differences((f"{key}.{row.setting}", before, after, effect))


def _egress(container: ContainerPlan) -> object:
    return "gateway" if container.egress_gateway else None


def _rollout(container: ContainerPlan, field: str) -> object:
    value = getattr(container.rollout, field)
    return "all" if field == "at_once" and value is None else value
