"""The named volumes of a stack: which volume a mount means, and what is planned of each on a host.

Out of scope: what the keys must agree on (`ipvlan.plan.rules.volumes`), and what a change does (`ipvlan.plan.volume_changes`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from ipvlan.config.types.mounts import volume_parts

if TYPE_CHECKING:
    from ipvlan.config.models import ContainerSettings, StackConfig
    from ipvlan.config.types.mount_maps import Mount
    from ipvlan.config.volume_model import VolumeConfig


@dataclass(frozen=True, slots=True, kw_only=True)
class VolumePlan:
    """One named volume of the section `volumes` on one host."""

    key: str
    """Its key in the section."""
    name: str
    """Its name in Docker, by which it is the same volume: Docker has no ids for volumes."""
    driver: str
    driver_opts: Mapping[str, str]
    """In plaintext; never shown."""
    secret_driver_opts: Mapping[str, str]
    """Option -> config key; never a value."""
    labels: Mapping[str, str]
    external: bool
    """Whether somebody else makes it."""
    delete: bool
    """Whether it is deleted, with its data, when it leaves the config or the stack is destroyed."""
    mounted_by: tuple[str, ...]
    """The services that mount it on this host, sorted."""

    @property
    def data_elsewhere(self) -> bool:
        """Whether its data outlives it, as far as the config says so: a secret type could be one in memory."""
        return "type" in self.driver_opts and data_elsewhere(
            self.driver, {**self.secret_driver_opts, **self.driver_opts}
        )


IN_MEMORY: Final = ("tmpfs", "ramfs")
"""File systems whose data is lost when they are unmounted."""


def canonical_driver(driver: str) -> str:
    """Return a driver's name as Docker compares it: "plugin" is "plugin:latest" (moby, VolumeStore.checkConflict)."""
    return driver.removesuffix(":latest")


def data_elsewhere(driver: str, options: Mapping[str, str]) -> bool:
    """Return whether Docker only unmounts the volume when it is removed: a share, a disk, a folder of the host.

    It deletes what is in its own folder (moby, Root.Remove of the local driver). What a plugin does is not known, and counts as a
    loss.
    """
    return driver == "local" and "device" in options and options.get("type") not in IN_MEMORY


def named_sources(settings: ContainerSettings) -> Iterator[str]:
    """Yield the sources of a container's mounts that are no paths of the host: keys of `volumes`, or names of Docker."""
    mounted = [
        *map(volume_parts, settings.volumes),
        *(mount.parts for mount in settings.mounts if mount.type == "volume"),
    ]
    return (parts.source for parts in mounted if not parts.on_host)


def docker_name(key: str, volume: VolumeConfig) -> str:
    """Return a volume's name in Docker."""
    return volume.name or key


def with_docker_names(volumes: Iterable[str], section: Mapping[str, VolumeConfig]) -> tuple[str, ...]:
    """Return the mounts of a service with Docker's names instead of keys; what is not in the section stays as it is."""
    return tuple(_with_docker_name(volume, section) for volume in volumes)


def mounts_with_docker_names(mounts: Iterable[Mount], section: Mapping[str, VolumeConfig]) -> tuple[Mount, ...]:
    """Return the same of the entries of `mounts`."""
    return tuple(_mount_with_docker_name(mount, section) for mount in mounts)


def _mount_with_docker_name(mount: Mount, section: Mapping[str, VolumeConfig]) -> Mount:
    if mount.type != "volume" or mount.source is None or mount.source not in section:
        return mount
    return mount.model_copy(update={"source": docker_name(mount.source, section[mount.source])})


def _with_docker_name(volume: str, section: Mapping[str, VolumeConfig]) -> str:
    source = volume_parts(volume).source
    if source not in section:
        return volume
    return docker_name(source, section[source]) + volume.removeprefix(source)


def volumes_on(config: StackConfig, host: str) -> tuple[VolumePlan, ...]:
    """Return what is planned of the section on one host, sorted by Docker's name: where a service mounts it, and on its `hosts`."""
    if not config.volumes:
        return ()
    mounted: dict[str, set[str]] = {}
    for name, service in config.services.items():
        if service.runs_on(host):
            for source in named_sources(service):
                mounted.setdefault(source, set()).add(name)
    planned = (
        _volume(key, volume, mounted.get(key, ()))
        for key, volume in config.volumes.items()
        if key in mounted or host in volume.hosts
    )
    return tuple(sorted(planned, key=lambda volume: volume.name))


def _volume(key: str, volume: VolumeConfig, services: Collection[str]) -> VolumePlan:
    return VolumePlan(
        key=key,
        name=docker_name(key, volume),
        driver=volume.driver,
        driver_opts=volume.driver_opts,
        secret_driver_opts=volume.secret_driver_opts,
        labels=volume.labels,
        external=volume.external,
        delete=volume.delete,
        mounted_by=tuple(sorted(services)),
    )
