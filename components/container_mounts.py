"""What is mounted in a container, in the two arguments that the docker provider has for it.

Out of scope: which of the two carries an entry of `volumes` (`ipvlan.config.types.mount_maps`).
"""

from __future__ import annotations

from collections.abc import Mapping

import pulumi
import pulumi_docker as docker

from components.files import live_source
from ipvlan.config.models import ContainerSettings
from ipvlan.config.types.mount_maps import Mount, carried_by_mounts, mount_of_volume
from ipvlan.config.types.mounts import volume_parts
from ipvlan.plan.model import ContainerPlan

Names = Mapping[str, pulumi.Input[str]]
"""Docker's name of a named volume -> the name as an output of the volume's resource."""


def volumes(settings: ContainerSettings, names: Names) -> list[docker.ContainerVolumeArgs]:
    """Return what the provider's `volumes` carries, as it ever did: another form would replace the container."""
    return [_volume(volume, names) for volume in settings.volumes if mount_of_volume(volume) is None]


def mounts(settings: ContainerSettings, names: Names) -> list[docker.ContainerMountArgs]:
    """Return what the provider's `mounts` carries."""
    return [_mount(mount, names) for mount in carried_by_mounts(settings.volumes, settings.mounts)]


def file_mounts(planned: ContainerPlan, owner: pulumi.Output[str]) -> list[docker.ContainerMountArgs]:
    """Return the mounts of the container's files, read-only (docs/decisions/0033-files.md).

    Args:
        planned: The container.
        owner: The stack's owner id: clones of a project do not meet on one host.
    """
    if planned.files is None:
        return []
    return [
        docker.ContainerMountArgs(type="bind", source=live_source(planned, owner, slot), target=target, read_only=True)
        for target, slot in planned.files.mounts.items()
    ]


def _volume(volume: str, names: Names) -> docker.ContainerVolumeArgs:
    parts = volume_parts(volume)
    return docker.ContainerVolumeArgs(
        host_path=parts.source if parts.on_host else None,
        volume_name=None if parts.on_host else names.get(parts.source, parts.source),
        container_path=parts.path,
        read_only=parts.read_only if parts.options else None,
        selinux_relabel=parts.label,
    )


def _mount(mount: Mount, names: Names) -> docker.ContainerMountArgs:
    return docker.ContainerMountArgs(
        type=mount.type,
        source=names.get(mount.source or "", mount.source) if mount.type == "volume" else mount.source,
        target=mount.target,
        read_only=mount.read_only or None,
        bind_options=_bind(mount),
        volume_options=_named(mount),
        tmpfs_options=_tmpfs(mount),
    )


def _bind(mount: Mount) -> docker.ContainerMountBindOptionsArgs | None:
    # Without one Docker decides: rprivate, and rslave for a folder that holds Docker's own, where it refuses rprivate (moby,
    # validateBindDaemonRoot in daemon/volumes_linux.go).
    if mount.bind is None or mount.bind.propagation is None:
        return None
    return docker.ContainerMountBindOptionsArgs(propagation=mount.bind.propagation)


def _named(mount: Mount) -> docker.ContainerMountVolumeOptionsArgs | None:
    options = mount.volume
    # With any of these options the provider refuses every Docker before 26.
    if options is None or not (options.nocopy or options.subpath):
        return None
    return docker.ContainerMountVolumeOptionsArgs(no_copy=options.nocopy or None, subpath=options.subpath)


def _tmpfs(mount: Mount) -> docker.ContainerMountTmpfsOptionsArgs | None:
    options = mount.tmpfs
    if options is None or (options.size is None and options.mode is None):
        return None
    return docker.ContainerMountTmpfsOptionsArgs(
        size_bytes=options.size, mode=None if options.mode is None else int(options.mode, 8)
    )
