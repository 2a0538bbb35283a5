"""What a container may do on its host and beyond its own walls: one row for each key of a service, dangerous or harmless.

A reviewer of a change sees the dangerous ones before all else (`ipvlan.views.report`). A key is harmless when it gives the
container no more than Docker gives every container by default.

Out of scope: what a change of a key does to the running container (`ipvlan.plan.container_updates`), and which powers a change
of the config adds (`ipvlan.plan.new_powers`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from ipvlan.plan import bridge_powers, confinement_powers, device_powers, log_powers, mount_powers
from ipvlan.plan.host_paths import ROOT
from ipvlan.plan.volume_powers import SETTINGS
from ipvlan.plan.volumes import named_sources

if TYPE_CHECKING:
    from ipvlan.plan.bridges import BridgePlan
    from ipvlan.plan.model import ContainerPlan, HostPlan
    from ipvlan.plan.volumes import VolumePlan


@dataclass(frozen=True, slots=True, kw_only=True)
class Power:
    """One thing that a container may do."""

    setting: str
    """The key of the service."""
    value: str
    """What the config has there, one entry of it; never a secret."""
    meaning: str
    """What it allows, one clause."""
    unshown: str = ""
    """More of the value, which may be a secret and is never shown: with another one it is another power."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ContainerPower:
    """A power of one container, or what Pulumi does by the connection to a host."""

    host: str
    service: str
    """Empty for a setting of the host."""
    power: Power
    is_new: bool
    """Whether the container, or an earlier one in its place, did not have it before the change."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What else the powers of a container follow from."""

    docker_socket: str
    """Where Docker listens on the host."""
    mounted_by: Mapping[str, tuple[str, ...]]
    """Named volume -> the services that mount it on the host, or did before the change; sorted."""
    volumes: Mapping[str, VolumePlan]
    """Docker's name -> the volume of the section `volumes` on the host."""
    bridges: Mapping[str, BridgePlan]
    """Docker's name -> the bridge network of the section `bridges` on the host."""


_Found = Iterator[tuple[str, str] | tuple[str, str, str]]
"""Value and meaning of each dangerous entry of a key, and what of the value is not shown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """What a key of a service says about the container's powers."""

    name: str
    """A field of ServiceConfig."""
    dangers: Callable[[ContainerPlan, Surroundings], _Found] | None
    """Yields what the container may do by this key; None for a key that is harmless whatever its value."""
    reason: str
    """Why it is dangerous, or why it is harmless."""


def surroundings(host: HostPlan, before: HostPlan | None = None) -> Surroundings:
    """Return what the powers of the containers on a host follow from, the host as it was before the change included."""
    mounted: dict[str, set[str]] = {}
    for container in (*host.containers, *(before.containers if before else ())):
        for volume in named_sources(container.settings):
            mounted.setdefault(volume, set()).add(container.service)
    return Surroundings(
        docker_socket=host.docker_socket,
        mounted_by={volume: tuple(sorted(services)) for volume, services in mounted.items()},
        volumes={volume.name: volume for volume in host.volumes},
        bridges={bridge.name: bridge for bridge in host.bridges},
    )


def powers(container: ContainerPlan, around: Surroundings) -> tuple[Power, ...]:
    """Return what a container may do, the most dangerous key first."""
    return tuple(
        Power(setting=key.name, value=value, meaning=meaning, unshown="".join(unshown))
        for key in KEYS
        if key.dangers is not None
        for value, meaning, *unshown in key.dangers(container, around)
    )


def _privileged(container: ContainerPlan, _around: Surroundings) -> _Found:
    if container.settings.privileged:
        yield "true", f"all capabilities, all devices, no confinement: {ROOT}"


def _volumes(container: ContainerPlan, around: Surroundings) -> _Found:
    return mount_powers.of_volumes(container, around)


def _mounts(container: ContainerPlan, around: Surroundings) -> _Found:
    return mount_powers.of_mounts(container, around)


def _devices(container: ContainerPlan, _around: Surroundings) -> _Found:
    return device_powers.of_devices(container)


def _device_cgroup_rules(container: ContainerPlan, _around: Surroundings) -> _Found:
    return device_powers.of_cgroup_rules(container)


def _gpus(container: ContainerPlan, _around: Surroundings) -> _Found:
    return device_powers.of_gpus(container)


def _cap_add(container: ContainerPlan, _around: Surroundings) -> _Found:
    return confinement_powers.of_cap_add(container)


def _security_opt(container: ContainerPlan, _around: Surroundings) -> _Found:
    return confinement_powers.of_security_opt(container)


def _cgroupns(container: ContainerPlan, _around: Surroundings) -> _Found:
    return confinement_powers.of_cgroupns(container)


def _pid(container: ContainerPlan, _around: Surroundings) -> _Found:
    return confinement_powers.of_pid(container)


def _ipc(container: ContainerPlan, _around: Surroundings) -> _Found:
    return confinement_powers.of_ipc(container)


def _userns(container: ContainerPlan, _around: Surroundings) -> _Found:
    return confinement_powers.of_userns(container)


def _runtime(container: ContainerPlan, _around: Surroundings) -> _Found:
    return confinement_powers.of_runtime(container)


def _cgroup_parent(container: ContainerPlan, _around: Surroundings) -> _Found:
    if container.settings.cgroup_parent:
        yield (
            container.settings.cgroup_parent,
            "the limits of this control group of the host count for it, and not those of Docker's own, if it has any",
        )


def _storage_opt(container: ContainerPlan, _around: Surroundings) -> _Found:
    for name, value in sorted(container.settings.storage_opt.items()):
        (shown,), unshown = log_powers.options({name: value})
        is_size = name.lower() == "size"
        meaning = "its own files may be so large, also where Docker's own limit is lower" if is_size else _OF_STORAGE
        yield shown, meaning, unshown


_OF_STORAGE: Final = "another option of the storage driver than the daemon's own"


def _group_add(container: ContainerPlan, _around: Surroundings) -> _Found:
    for group in container.settings.group_add:
        yield (
            group,
            "its processes are in this group too: what the group may do with mounted files and devices of the host",
        )


def _sysctls(container: ContainerPlan, _around: Surroundings) -> _Found:
    for name, value in sorted(container.settings.sysctls.items()):
        yield f"{name}={value}", "a kernel parameter of its own namespaces"


def _ulimits(container: ContainerPlan, _around: Surroundings) -> _Found:
    for name, limit in sorted(container.settings.ulimits.items()):
        if limit.hard == -1:
            yield f"{name}: -1", "its processes have no limit of this"
        elif name in _RAISED_LIMITS:
            yield f"{name}: {limit.hard}", _RAISED_LIMITS[name]


_RAISED_LIMITS: Final = {
    "memlock": "holds so many bytes of the host's memory, and swaps none of it",
    "nice": "its processes may run before other processes of the host",
    "rtprio": "its processes may run before other processes of the host",
}
"""Limits that are low on every host, so that a value raises them."""


def _tmpfs(container: ContainerPlan, _around: Surroundings) -> _Found:
    for path, options in sorted(container.settings.tmpfs.items()):
        given = [option for option in options.split(",") if option in ("exec", "suid", "dev")]
        if given:
            yield (
                f"{path}:{options}",
                f"Docker's noexec, nosuid, nodev without {', '.join(f'no{word}' for word in given)}",
            )


def _log_driver(container: ContainerPlan, _around: Surroundings) -> _Found:
    return log_powers.of_driver(container)


def _log_opts(container: ContainerPlan, _around: Surroundings) -> _Found:
    return log_powers.of_options(container)


def _ports(container: ContainerPlan, _around: Surroundings) -> _Found:
    for port in container.ports if container.published else ():
        if port.on_loopback:
            yield str(port), "published for the host's own processes"
        else:
            yield str(port), "published: whoever reaches the host reaches it, past the host's own firewall rules"


def _bridges(container: ContainerPlan, around: Surroundings) -> _Found:
    return bridge_powers.of_bridges(container, around.bridges)


def _fabric(container: ContainerPlan, _around: Surroundings) -> _Found:
    return bridge_powers.of_fabric(container)


def _secret_environment(container: ContainerPlan, _around: Surroundings) -> _Found:
    for variable, key in sorted(container.secret_environment.items()):
        yield f"{variable}: {key}", "is given this secret"


def _files(container: ContainerPlan, _around: Surroundings) -> _Found:
    """Yield the secrets that its files have."""
    for file in () if container.files is None else container.files.files:
        if file.whole_secret is not None:
            yield f"{file.target}: {file.whole_secret}", "is given this secret"
        for name, key in sorted(file.secrets.items()):
            yield f"{file.target}: {name}: {key}", "is given this secret"


_NO_MORE: Final = "it gives no right that the image's own processes do not have"
_LIMITS: Final = "it limits what the container uses"
_INSIDE: Final = "it changes what is inside the container alone"
_PLACE: Final = "it says where the container runs, and under which name"

KEYS: Final = (
    Key(name="privileged", dangers=_privileged, reason="nothing confines the container"),
    Key(name="volumes", dangers=_volumes, reason="a path of the host, Docker's socket, or another service's data"),
    Key(name="mounts", dangers=_mounts, reason="the same as `volumes`"),
    Key(name="devices", dangers=_devices, reason="a device of the host"),
    Key(
        name="device_cgroup_rules",
        dangers=_device_cgroup_rules,
        reason="devices of the host, for which it can create nodes",
    ),
    Key(name="gpus", dangers=_gpus, reason="a device of the host, with its driver"),
    Key(name="cap_add", dangers=_cap_add, reason="rights of root in the kernel"),
    Key(name="security_opt", dangers=_security_opt, reason="it can take Docker's confinement away"),
    Key(name="cgroupns_mode", dangers=_cgroupns, reason="a namespace of the host"),
    Key(name="pid", dangers=_pid, reason="a namespace of the host"),
    Key(name="ipc", dangers=_ipc, reason="a namespace of the host"),
    Key(name="userns_mode", dangers=_userns, reason="a namespace of the host"),
    Key(name="runtime", dangers=_runtime, reason="what confines the container is up to it"),
    Key(name="cgroup_parent", dangers=_cgroup_parent, reason="another parent can have other limits than Docker's own"),
    Key(name="storage_opt", dangers=_storage_opt, reason="it can raise the daemon's limit of a container's files"),
    Key(name="group_add", dangers=_group_add, reason="files and devices of the host belong to groups by their numbers"),
    Key(name="sysctls", dangers=_sysctls, reason="settings of the kernel, though of the container's namespaces"),
    Key(name="ulimits", dangers=_ulimits, reason="it can raise a limit too, or take it away"),
    Key(name="tmpfs", dangers=_tmpfs, reason="`exec`, `suid` and `dev` are not allowed by default"),
    Key(name="log_driver", dangers=_log_driver, reason="the output, which may hold secrets, can leave the host"),
    Key(name="log_opts", dangers=_log_opts, reason="it says where the output goes"),
    Key(name="ports", dangers=_ports, reason="a published port opens the host"),
    Key(name="bridges", dangers=_bridges, reason="a network of others, or one that opens the container"),
    Key(name="fabric", dangers=_fabric, reason="without the fabric, its route can be the host's NAT"),
    Key(name="secret_environment", dangers=_secret_environment, reason="another image gets a secret by it"),
    Key(name="files", dangers=_files, reason="another image gets a secret by it"),
    Key(name="published", dangers=None, reason="the ports that it publishes are those of `ports`"),
    *(
        Key(name=name, dangers=None, reason=reason)
        for reason, names in (
            (_PLACE, ("hosts", "offset", "addresses", "container_name", "hostname")),
            (
                _NO_MORE,
                (*("image", "command", "entrypoint", "user", "working_dir", "environment", "healthcheck", "init"),),
            ),
            (
                _LIMITS,
                (
                    *("memory", "memory_reservation", "memory_swap", "shm_size", "cpus", "cpuset", "cpu_shares"),
                    *("read_only", "cap_drop"),
                ),
            ),
            ("it counts when a file changes", ("reload", "files_change")),
            (_INSIDE, ("extra_hosts", "dns", "dns_search", "dns_opt", "domainname", "stdin_open", "tty")),
            ("it counts for the container's start and stop", ("restart", "stop_signal", "stop_timeout")),
            ("it counts for the order of a change", ("rollout", "after")),
            ("other programs read them, and Docker gives them no meaning", ("labels",)),
            ("outgoing traffic, which a container on a LAN or with a gateway has anyway", ("internet", "egress")),
        )
        for name in names
    ),
)
"""One row for each key of a service, the most dangerous first."""

CONNECTION: Final = {
    "ssh": "the next `pulumi up` works there: it runs the services, and gets their secrets",
    "host_key": "whoever has this key is taken for the host, and gets the secrets of the services",
    "docker_socket": "whatever listens there is taken for Docker, and gets the secrets of the services",
}
"""Key of a host -> what another value means: how it is reached."""

RANK: Final = {name: rank for rank, name in enumerate((*SETTINGS, *CONNECTION, *(key.name for key in KEYS)))}
"""Key -> its place among the dangerous ones."""
