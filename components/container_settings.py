"""The settings that pass through to Docker, in the docker provider's words.

Owns the translation from Docker's own names (ipvlan.config.models.ContainerSettings) to the provider's arguments, nothing else:
what a setting may hold was decided when the config was read.
"""

from __future__ import annotations

from typing import Any, Final

import pulumi_docker as docker

from ipvlan.config.models import ContainerSettings

#: Seconds between the stop signal and the kill when the config says nothing, as `docker stop` has it. The provider's own
#: default is none: it kills at once (docs/decisions/0015-provider-behaviour.md, 5).
DEFAULT_STOP_TIMEOUT: Final = 10

_MEBIBYTE: Final = 1024 * 1024


def replace_on_changes(settings: ContainerSettings) -> list[str]:
    """Return the provider's names of what the container is made anew for, though the provider would update it.

    The provider accepts `healthcheck`, `init` and `tmpfs` as an update and does not apply it
    (docs/decisions/0015-provider-behaviour.md, 3).
    Docker takes no limit away from a running container: an update without one changes nothing, and is answered with success.
    "#initerror" stands for a container that was made but not started: only making it anew is honest.
    """
    limits = {"memory": settings.memory, "cpuShares": settings.cpu_shares}
    return ["healthcheck", "init", "tmpfs", "#initerror", *(name for name, limit in limits.items() if not limit)]


def provider_arguments(settings: ContainerSettings) -> dict[str, Any]:
    """Return keyword arguments for docker.ContainerArgs; what the config leaves out is left to Docker.

    Labels are not among them: the caller adds its own to them.
    """
    restart, _, retries = settings.restart.partition(":")
    arguments: dict[str, Any] = {
        "restart": restart,
        "max_retry_count": int(retries) if retries else None,
        "volumes": [_volume(volume) for volume in settings.volumes],
        "tmpfs": dict(settings.tmpfs),
        "healthcheck": _healthcheck(settings),
        "entrypoints": None if settings.entrypoint is None else list(settings.entrypoint),
        "working_dir": settings.working_dir,
        "user": settings.user,
        "hostname": settings.hostname,
        "memory": _mebibytes(settings.memory),
        # What Docker takes by itself when a container is made. Told, because on a running container it refuses a limit of memory
        # without one of memory and swap ("update the memoryswap at the same time", 26.1).
        "memory_swap": None if settings.memory is None else 2 * settings.memory // _MEBIBYTE,
        "shm_size": _mebibytes(settings.shm_size),
        "cpu_shares": settings.cpu_shares,
        "privileged": settings.privileged or None,
        "read_only": settings.read_only or None,
        "init": settings.init or None,
        "capabilities": _capabilities(settings),
        "security_opts": list(settings.security_opt),
        "devices": [_device(device) for device in settings.devices],
        "sysctls": dict(settings.sysctls),
        "ulimits": [
            docker.ContainerUlimitArgs(name=name, soft=limit.soft, hard=limit.hard)
            for name, limit in sorted(settings.ulimits.items())
        ],
        "hosts": [
            docker.ContainerHostArgs(host=name, ip=str(address))
            for name, address in sorted(settings.extra_hosts.items())
        ],
        "dns": [str(address) for address in settings.dns],
        "dns_searches": list(settings.dns_search),
        "log_driver": settings.log_driver,
        "log_opts": dict(settings.log_opts),
        "stop_signal": settings.stop_signal,
        "stop_timeout": settings.stop_timeout,
        "destroy_grace_seconds": DEFAULT_STOP_TIMEOUT if settings.stop_timeout is None else settings.stop_timeout,
        "cgroupns_mode": settings.cgroupns_mode,
    }
    # An empty list or map would be compared with what the image brought along.
    return {name: value for name, value in arguments.items() if value not in (None, [], {})}


def _healthcheck(settings: ContainerSettings) -> docker.ContainerHealthcheckArgs | None:
    check = settings.healthcheck
    if check is None:
        return None
    return docker.ContainerHealthcheckArgs(
        tests=list(check.test),
        interval=check.interval,
        timeout=check.timeout,
        start_period=check.start_period,
        retries=check.retries,
    )


def _capabilities(settings: ContainerSettings) -> docker.ContainerCapabilitiesArgs | None:
    if not settings.cap_add and not settings.cap_drop:
        return None
    return docker.ContainerCapabilitiesArgs(adds=list(settings.cap_add), drops=list(settings.cap_drop))


def _volume(volume: str) -> docker.ContainerVolumeArgs:
    source, path, *options = volume.split(":")
    on_host = source.startswith("/")
    return docker.ContainerVolumeArgs(
        host_path=source if on_host else None,
        volume_name=None if on_host else source,
        container_path=path,
        read_only="ro" in options[0].split(",") if options else None,
    )


def _device(device: str) -> docker.ContainerDeviceArgs:
    host_path, *rest = device.split(":")
    return docker.ContainerDeviceArgs(
        host_path=host_path,
        container_path=rest[0] if rest else host_path,
        permissions=rest[1] if len(rest) > 1 else "rwm",
    )


def _mebibytes(size: int | None) -> int | None:
    return None if size is None else size // _MEBIBYTE
