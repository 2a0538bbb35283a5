"""What a container may do by a named volume of the section `volumes`, and which data a change deletes: what a reviewer sees first.

A volume with `type: none, o: bind` is a bind mount of the host in disguise. What a value may be a secret of is never shown.

Out of scope: paths of the host (`ipvlan.plan.host_paths`), and what happens to a volume (`ipvlan.plan.volume_changes`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from ipvlan.config.types.devices import DeviceMap
from ipvlan.config.types.mounts import VolumeParts, cleaned
from ipvlan.plan.host_paths import ROOT, by_device, by_mount
from ipvlan.plan.volume_changes import volume_changes
from ipvlan.plan.volumes import IN_MEMORY

if TYPE_CHECKING:
    from ipvlan.plan.model import HostPlan
    from ipvlan.plan.volumes import VolumePlan

_USUAL: Final = {
    **dict.fromkeys(
        ("nfs", "nfs4", "cifs", "smb3", "ceph", "glusterfs", "9p"),
        "{verb} data of another machine, which the host mounts",
    ),
    **dict.fromkeys(IN_MEMORY, "holds its data in the host's memory"),
}
"""Type of a file system -> where its data is, unless it is a bind mount."""
_USER_IN_URL: Final = re.compile(r"(?<=://)[^@]*@")
_ADDRESS: Final = re.compile(r"(?:^|,)(addr=[^,]*)")

SETTINGS: Final = ("volumes: data deleted", "volumes: delete")
"""What a reviewer sees of a volume itself, the most dangerous first."""


def by_volume(volume: VolumePlan, parts: VolumeParts, docker_socket: str) -> tuple[str, str, str] | None:
    """Return value and meaning of a mount of that volume, and what of it is not shown; None where it is no danger by itself.

    Args:
        volume: The volume as planned on the container's host.
        parts: The mount.
        docker_socket: Where Docker listens on the host.
    """
    where = f"{parts.source}:{parts.path}" + (f":{','.join(parts.options)}" if parts.options else "")
    unshown = "\n".join(
        f"{name}={value}" for name, value in sorted({**volume.driver_opts, **volume.secret_driver_opts}.items())
    )
    verb = "reads" if parts.read_only else "reads and writes"
    if volume.external:
        return where, f"{verb} a volume that somebody else made, with whatever is in it", unshown
    if volume.driver != "local":
        return f"{where} (driver {volume.driver})", f"{verb} what this plugin of the host gives it", unshown
    if not volume.driver_opts and not volume.secret_driver_opts:
        return None
    return f"{where} ({shown_source(volume)})", _local(volume, parts, docker_socket, verb), unshown


def shown_source(volume: VolumePlan) -> str:
    """Return where a volume's data is, as far as it is no secret: type, device and address, without a user in a URL."""
    shown = [
        _USER_IN_URL.sub("(not shown)@", f"{name}={volume.driver_opts[name]}")
        for name in ("type", "device")
        if name in volume.driver_opts
    ]
    shown += _ADDRESS.findall(volume.driver_opts.get("o", ""))
    shown += [f"{name}=(secret {key})" for name, key in sorted(volume.secret_driver_opts.items())]
    others = sorted(volume.driver_opts.keys() - {"type", "device"})
    shown += [
        f"{name}=(not shown)" for name in others if not (name == "o" and _ADDRESS.search(volume.driver_opts[name]))
    ]
    return ", ".join(shown)


def _local(volume: VolumePlan, parts: VolumeParts, docker_socket: str, verb: str) -> str:
    kind, device = volume.driver_opts.get("type"), volume.driver_opts.get("device")
    if kind is None or device is None:
        hidden = "type" if kind is None else "device"
        return f"{verb} what only the secret says ({hidden}): it can be every file of the host: {ROOT}"
    options = volume.driver_opts.get("o", "").split(",")
    secret = "o" in volume.secret_driver_opts
    # Docker mounts a path without a slash from its working folder, the root: a name without a colon can be one.
    if "bind" in options or "rbind" in options or (secret and (device.startswith("/") or ":" not in device)):
        # Whatever the type is: the kernel ignores it with MS_BIND (mount(2)).
        path = cleaned(f"/{device}")
        meaning = by_mount(VolumeParts(path, parts.path, parts.options), docker_socket)
        if secret and kind in _USUAL:
            return (
                f"{_USUAL[kind].format(verb=verb)}; where the secret o says bind, a path of the host, {path}: {meaning}"
            )
        return f"a path of the host in disguise, {path}: {meaning}"
    if kind in _USUAL:
        return _USUAL[kind].format(verb=verb)
    if device.startswith("/dev/"):
        return by_device(DeviceMap.model_construct(host=device))
    return f"the host mounts a file system of this type for it, which can show every file of the host: {ROOT}"


def of_volumes(old: HostPlan | None, new: HostPlan | None) -> Iterator[tuple[str, str, str, bool]]:
    """Yield setting, value, meaning, and whether it is new, of the volumes of one host: which data is deleted, now or later."""
    changes = {change.name: change for change in volume_changes(old, new)}
    for change in changes.values():
        if change.loses_data:
            yield SETTINGS[0], change.name, f"{change.action}d: {change.effect}", True
    before = {volume.name for volume in old.volumes if volume.delete and not volume.data_elsewhere} if old else set()
    for volume in new.volumes if new else ():
        if volume.delete and not volume.data_elsewhere and (volume.name not in before or volume.name in changes):
            yield (
                SETTINGS[1],
                volume.name,
                "its data is deleted when it leaves the config, when its driver or options change, and when the stack is destroyed",
                volume.name not in before,
            )
