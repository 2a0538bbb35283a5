"""What a container may do by what is mounted in it: paths of its host, Docker's socket, data of other services.

Out of scope: which paths of a host are dangerous (`ipvlan.plan.host_paths`).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from ipvlan.config.types.mounts import VolumeParts, cleaned, volume_parts
from ipvlan.plan.host_paths import by_mount

if TYPE_CHECKING:
    from ipvlan.config.models import ContainerSettings
    from ipvlan.plan.model import ContainerPlan
    from ipvlan.plan.powers import Surroundings


def named_volumes(settings: ContainerSettings) -> Iterator[str]:
    """Yield the name of each volume of Docker that is mounted, by `volumes` or by `mounts`."""
    parts = [
        *map(volume_parts, settings.volumes),
        *(mount.parts for mount in settings.mounts if mount.type == "volume"),
    ]
    return (one.source for one in parts if not one.on_host)


def of_volumes(container: ContainerPlan, around: Surroundings) -> Iterator[tuple[str, str]]:
    """Yield value and meaning of each entry of `volumes` that gives the container more than its own data."""
    for volume in container.settings.volumes:
        yield from _of(volume_parts(volume), volume, container.service, around)


def of_mounts(container: ContainerPlan, around: Surroundings) -> Iterator[tuple[str, str]]:
    """Yield the same of each entry of `mounts`, in the spelling of `volumes`. A tmpfs has Docker's noexec, nosuid and nodev."""
    for mount in container.settings.mounts:
        if mount.type != "tmpfs":
            yield from _of(mount.parts, str(mount), container.service, around)


def _of(parts: VolumeParts, written: str, service: str, around: Surroundings) -> Iterator[tuple[str, str]]:
    if parts.on_host:
        # As Docker cleans it: a long detour would hide where it leads.
        rest = written.removeprefix(parts.source)
        yield f"{cleaned(parts.source)}{rest}", by_mount(parts, around.docker_socket)
        return
    others = [other for other in around.mounted_by.get(parts.source, ()) if other != service]
    if others:
        yield written, f"{'reads' if parts.read_only else 'reads and writes'} the data of {' and '.join(others)}"
