"""Whether two values of a setting are one to Docker and its provider, and what Docker adds to one.

Values are compared as `components.container_settings` passes them on: by the provider's arguments, not by what is written.

Out of scope: what a change does (`ipvlan.plan.container_updates`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Final

from ipvlan.config.capability_names import capability_name
from ipvlan.config.durations import nanoseconds
from ipvlan.config.models import Healthcheck
from ipvlan.config.types.devices import device_map, gpu_requests, is_cdi
from ipvlan.config.types.mount_maps import Mount, carried_by_mounts, mount_of_volume
from ipvlan.config.types.mounts import volume_parts

if TYPE_CHECKING:
    from ipvlan.config.models import ContainerSettings

DURATIONS: Final = ("interval", "timeout", "start_period", "start_interval")
"""Keys of a healthcheck that are durations."""


_SETS: Final = frozenset({"dns", "dns_search", "dns_opt", "group_add", "device_cgroup_rules"})
"""Lists that are sets to the docker provider (schema.TypeSet in resource_docker_container.go, 4.5.0)."""


def security_options(settings: ContainerSettings) -> tuple[str, ...]:
    """Return the security options as Docker has them afterwards; none where the config gives none.

    Docker switches SELinux off for a container that is privileged or sees the host's processes or shared memory, and says so in its
    options, also on hosts without SELinux (moby, generateSecurityOpt in daemon/create.go). The docker provider reads them back, and
    would replace the container at each `up`; where none are given, it takes what it reads (Computed).
    """
    given = settings.security_opt
    return (*given, "label=disable") if given and is_label_switched_off(settings) else given


def is_label_switched_off(settings: ContainerSettings) -> bool:
    """Return whether Docker switches SELinux off for a container, unasked: to it, `label:` is no word of one."""
    is_labelled = any(option.partition("=")[0] == "label" for option in settings.security_opt)
    return not is_labelled and (settings.privileged or "host" in (settings.pid, settings.ipc))


def differ(before: ContainerSettings, after: ContainerSettings, setting: str) -> bool:
    """Return whether Docker gets another value of a setting.

    To the docker provider an empty value, 0 and false are none (GetOk in resource_docker_container_funcs.go, 4.5.0), two ways to
    write a duration are one, and the order of some lists says nothing.
    """
    old, new = getattr(before, setting), getattr(after, setting)
    if old == new or _of_docker(before, setting) == _of_docker(after, setting):
        return False
    # An entry that only moved between the two keys is the same to Docker.
    return setting not in _MOUNTED or _mounted(before) != _mounted(after)


_MOUNTED: Final = ("volumes", "mounts")


def _mounted(settings: ContainerSettings) -> object:
    return _volumes(settings.volumes), _mounts(carried_by_mounts(settings.volumes, settings.mounts))


def _of_docker(settings: ContainerSettings, setting: str) -> object:
    value = getattr(settings, setting)
    if isinstance(value, Healthcheck):
        return value.model_dump() | {key: nanoseconds(getattr(value, key) or "0s") for key in DURATIONS}
    if setting == "memory_swap" and (not settings.memory or value == 2 * settings.memory):
        # Docker's own default; without a limit of memory it is none.
        return None
    if setting in _CARRIED:
        return _CARRIED[setting](settings)
    if setting in _SETS:
        return {repr(entry) for entry in value} or None
    return value or None


def _volumes(volumes: Iterable[str]) -> set[tuple[object, ...]]:
    """Return what the provider's `volumes` carries: source, path, whether it says ro or rw, and SELinux's label."""
    parts = [volume_parts(volume) for volume in volumes if mount_of_volume(volume) is None]
    return {(part.source, part.path, part.read_only if part.options else None, part.label) for part in parts}


def _mounts(mounts: Iterable[Mount]) -> set[tuple[object, ...]]:
    """Return what the provider's `mounts` carries of each mount."""
    return {_mount(mount) for mount in mounts}


def _mount(mount: Mount) -> tuple[object, ...]:
    bind, volume, memory = mount.bind, mount.volume, mount.tmpfs
    return (
        *(mount.type, mount.source, mount.target, mount.read_only),
        bind.propagation if bind else None,
        *((volume.nocopy, volume.subpath) if volume else (False, None)),
        *((memory.size, memory.mode and int(memory.mode, 8)) if memory else (None, None)),
    )


def _devices(settings: ContainerSettings) -> object:
    """Return the nodes and the CDI devices."""
    nodes = [device_map(device) for device in settings.devices if not is_cdi(device)]
    cdi = {str(device) for device in settings.devices if is_cdi(device)}
    return {(node.host, node.inside, node.permissions) for node in nodes}, cdi


def _gpus(settings: ContainerSettings) -> object:
    return {
        (
            request.driver or "",
            request.number,
            frozenset(request.device_ids),
            frozenset({*request.capabilities, "gpu"}),
            frozenset(request.options.items()),
        )
        for request in gpu_requests(settings.gpus)
    }


_CARRIED: Final[Mapping[str, Callable[[ContainerSettings], object]]] = {
    "volumes": lambda settings: (_volumes(settings.volumes), _mounts(carried_by_mounts(settings.volumes, ()))),
    "mounts": lambda settings: _mounts(settings.mounts),
    "cap_add": lambda settings: {capability_name(name) for name in settings.cap_add},
    "cap_drop": lambda settings: {capability_name(name) for name in settings.cap_drop},
    "security_opt": lambda settings: set(security_options(settings)),
    "devices": _devices,
    "gpus": _gpus,
}
"""Setting -> what the docker provider gets by it, where an entry can be written in several ways."""
