"""What a change of a container's setting does: one table, read by the prediction, the components and docs/config.md.

Out of scope: what is not a setting of `ContainerSettings` (image, address, ports, environment), which always replaces the container
(`ipvlan.plan.changes`).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from ipvlan.config.capability_names import capability_name
from ipvlan.config.durations import go_duration

if TYPE_CHECKING:
    from ipvlan.config.models import ContainerSettings


class Update(StrEnum):
    """What happens to the container when a setting changes."""

    IN_PLACE = "updates the container in place"
    """The container keeps running."""
    REPLACES = "replaces the container"
    """The container is deleted and created again."""
    REPLACES_WHEN_UNSET = "updates the container in place; unset, it replaces the container"


@dataclass(frozen=True, slots=True, kw_only=True)
class ContainerUpdate:
    """What a change of one setting does."""

    setting: str
    """A field of ContainerSettings."""
    update: Update
    argument: str | None = None
    """The docker provider's argument, where the provider would update it in place and must replace the container instead."""
    reason: str

    def replaces(self, after: object) -> bool:
        """Return whether a change to the value `after` replaces the container."""
        if self.update is Update.REPLACES_WHEN_UNSET:
            return not after
        return self.update is Update.REPLACES


_FORCED: Final = "the docker provider replaces the container (ForceNew in resource_docker_container.go, 4.5.0)"
_NOT_APPLIED: Final = "the docker provider accepts an update and does not apply it (decision 0015, 3)"
_NUMBER_FORCED: Final = (
    "the docker provider replaces the container where their number changes, and accepts any other update without applying it "
    "(decision 0015, 3)"
)
_LIMIT: Final = "Docker removes no limit from a running container (decision 0015, 3); to Docker a limit of 0 is none"
_CPUS: Final = (
    "the docker provider replaces the container for `cpus`, and does not apply `cpu_quota` (ForceNew in "
    "resource_docker_container.go and resourceDockerContainerUpdate, 4.5.0)"
)
_UPDATED: Final = "Docker updates it on a running container (decision 0015, 3)"

UPDATES: Final[tuple[ContainerUpdate, ...]] = (
    ContainerUpdate(setting="restart", update=Update.IN_PLACE, reason=_UPDATED),
    ContainerUpdate(setting="memory", update=Update.REPLACES_WHEN_UNSET, argument="memory", reason=_LIMIT),
    ContainerUpdate(setting="cpu_shares", update=Update.REPLACES_WHEN_UNSET, argument="cpuShares", reason=_LIMIT),
    ContainerUpdate(
        setting="memory_reservation", update=Update.REPLACES_WHEN_UNSET, argument="memoryReservation", reason=_LIMIT
    ),
    ContainerUpdate(setting="cpuset", update=Update.REPLACES_WHEN_UNSET, argument="cpuSet", reason=_LIMIT),
    # Without it the argument is twice the memory; without the memory, that one replaces the container.
    ContainerUpdate(setting="memory_swap", update=Update.IN_PLACE, reason=_UPDATED),
    ContainerUpdate(setting="cpus", update=Update.REPLACES, argument="cpuQuota", reason=_CPUS),
    ContainerUpdate(setting="healthcheck", update=Update.REPLACES, argument="healthcheck", reason=_NOT_APPLIED),
    ContainerUpdate(setting="init", update=Update.REPLACES, argument="init", reason=_NOT_APPLIED),
    ContainerUpdate(setting="mounts", update=Update.REPLACES, argument="mounts", reason=_NUMBER_FORCED),
    ContainerUpdate(setting="tmpfs", update=Update.REPLACES, argument="tmpfs", reason=_NOT_APPLIED),
    *(
        ContainerUpdate(setting=setting, update=Update.REPLACES, reason=_FORCED)
        for setting in (
            "volumes",
            "labels",
            "entrypoint",
            "working_dir",
            "user",
            "hostname",
            "shm_size",
            "privileged",
            "read_only",
            "cap_add",
            "cap_drop",
            "security_opt",
            "devices",
            "device_cgroup_rules",
            "gpus",
            "sysctls",
            "ulimits",
            "extra_hosts",
            "dns",
            "dns_search",
            "log_driver",
            "log_opts",
            "stop_signal",
            "stop_timeout",
            "cgroupns_mode",
            "cgroup_parent",
            "domainname",
            "dns_opt",
            "group_add",
            "ipc",
            "pid",
            "runtime",
            "stdin_open",
            "storage_opt",
            "tty",
            "userns_mode",
        )
    ),
)
"""One row for each field of ContainerSettings."""

BY_SETTING: Final[Mapping[str, ContainerUpdate]] = {row.setting: row for row in UPDATES}


def replacing_arguments(settings: ContainerSettings) -> tuple[str, ...]:
    """Return the docker provider's arguments whose change must replace a container that is to have these settings."""
    return tuple(
        row.argument for row in UPDATES if row.argument is not None and row.replaces(getattr(settings, row.setting))
    )


_UNSET_REPLACES: Final = frozenset({"memory", "cpuShares", "memoryReservation", "cpuSet"})
_IN_PLACE: Final = _UNSET_REPLACES | {
    *("restart", "maxRetryCount", "memorySwap", "destroyGraceSeconds"),
    *("start", "mustRun"),
}
"""The docker provider's arguments that it changes on a running container, or that are no setting of Docker's.

`start` and `mustRun` are about the creation alone: a container with its first bridge, or without its last one, runs on."""
_KEPT_WHEN_LEFT_OUT: Final = frozenset(
    {
        "command",
        "entrypoints",
        "healthcheck",
        "hostname",
        "init",
        "ipcMode",
        "logDriver",
        "runtime",
        "securityOpts",
        "shmSize",
        "stopSignal",
        "stopTimeout",
        "user",
        "workingDir",
    }
)
"""Arguments that the docker provider keeps where the program gives none any more (decision 0015, 16)."""
_SETS: Final = frozenset(
    {
        *("devices", "deviceCgroupRules", "deviceRequests", "dns", "dnsOpts", "dnsSearches", "envs", "groupAdds"),
        *("hosts", "mounts", "networksAdvanced", "securityOpts", "ulimits", "volumes"),
    }
)
"""Arguments that are sets to the docker provider (schema.TypeSet in resource_docker_container.go)."""
IGNORED: Final = ("capabilities",)
"""Arguments in which the docker provider sees a difference that is none: it reads `MKNOD` back as `CAP_MKNOD` after a refresh, and
would replace the container (decision 0015, 19). The stack ignores them; `Handover` compares them."""
_TRIGGERED: Final = frozenset({"labels", "ports"})
"""Arguments whose change the stack ignores: what of them replaces a container is in its replacement trigger."""


def mounted_volumes(arguments: Mapping[str, Any]) -> Iterator[str]:
    """Yield the names of the volumes of Docker that a container's arguments mount, in either of the two for it."""
    for volume in arguments.get("volumes") or ():
        if volume.get("volumeName"):
            yield str(volume["volumeName"])
    for mount in arguments.get("mounts") or ():
        if mount.get("type") == "volume" and mount.get("source"):
            yield str(mount["source"])


def changed_arguments(before: Mapping[str, object], after: Mapping[str, object]) -> frozenset[str]:
    """Return the arguments of a container that differ, its labels and ports left out.

    Args:
        before: The docker provider's arguments, by their names in Pulumi's protocol (`networksAdvanced`).
        after: The new ones; a value that is not known yet counts as another one.
    """
    names = (before.keys() | after.keys()) - _TRIGGERED
    return frozenset(name for name in names if _value(name, before.get(name)) != _value(name, after.get(name)))


def _value(name: str, value: object) -> object:
    """Return a value in which the order says nothing where the docker provider has a set."""
    if name in _SETS and isinstance(value, list):
        return sorted(value, key=_in_order)
    if name == "capabilities" and isinstance(value, Mapping):
        # What is no list is not known yet.
        return {
            key: {capability_name(name) for name in names} if isinstance(names, list) else names
            for key, names in value.items()
            if names
        }
    if name == "healthcheck" and isinstance(value, Mapping):
        # Earlier versions gave a duration as it was written.
        return {
            key: go_duration(part) if key in _DURATIONS and isinstance(part, str) else part
            for key, part in value.items()
        }
    return None if value == "" else value


def _in_order(value: object) -> str:
    """Return a text that does not depend on the order of keys: the engine sends a mapping's in another one each time."""
    return json.dumps(value, sort_keys=True, default=repr)


_DURATIONS: Final = frozenset({"interval", "timeout", "startPeriod", "startInterval"})


def replaced_by(before: Mapping[str, object], after: Mapping[str, object]) -> bool:
    """Return whether a container is replaced when its arguments change, its labels and ports left out; see `changed_arguments`."""
    return any(
        name not in _IN_PLACE or (name in _UNSET_REPLACES and not after.get(name))
        for name in changed_arguments(before, after)
    )


def unseen_changes(before: Mapping[str, object], after: Mapping[str, object]) -> frozenset[str]:
    """Return the arguments whose change replaces the container and that the docker provider does not see.

    Either they had a value and have none any more, which the provider would keep; or the stack ignores them.
    """
    kept = {name for name in _KEPT_WHEN_LEFT_OUT if before.get(name) and not after.get(name)}
    return frozenset(kept | (changed_arguments(before, after) & set(IGNORED)))
