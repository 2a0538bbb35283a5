"""What a container may do by what is mounted in it: paths of its host, Docker's socket, data of other services.

Out of scope: which paths of a host are dangerous (`ipvlan.plan.host_paths`).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from ipvlan.config.types.mounts import VolumeParts, cleaned, volume_parts
from ipvlan.plan.host_paths import by_mount
from ipvlan.plan.volume_powers import by_volume

if TYPE_CHECKING:
    from ipvlan.plan.model import ContainerPlan
    from ipvlan.plan.powers import Surroundings


def of_volumes(container: ContainerPlan, around: Surroundings) -> Iterator[tuple[str, str] | tuple[str, str, str]]:
    """Yield value and meaning of each entry of `volumes` that gives the container more than its own data."""
    for volume in container.settings.volumes:
        yield from _of(volume_parts(volume), volume, container.service, around)


def of_mounts(container: ContainerPlan, around: Surroundings) -> Iterator[tuple[str, str] | tuple[str, str, str]]:
    """Yield the same of each entry of `mounts`, in the spelling of `volumes`. A tmpfs has Docker's noexec, nosuid and nodev."""
    for mount in container.settings.mounts:
        if mount.type != "tmpfs":
            yield from _of(mount.parts, str(mount), container.service, around)


def _of(
    parts: VolumeParts, written: str, service: str, around: Surroundings
) -> Iterator[tuple[str, str] | tuple[str, str, str]]:
    if parts.on_host:
        # As Docker cleans it: a long detour would hide where it leads.
        rest = written.removeprefix(parts.source)
        yield f"{cleaned(parts.source)}{rest}", by_mount(parts, around.docker_socket)
        return
    if parts.source in around.volumes:
        danger = by_volume(around.volumes[parts.source], parts, around.docker_socket)
        if danger is not None:
            yield danger
    others = [other for other in around.mounted_by.get(parts.source, ()) if other != service]
    if others:
        yield written, f"{'reads' if parts.read_only else 'reads and writes'} the data of {' and '.join(others)}"
