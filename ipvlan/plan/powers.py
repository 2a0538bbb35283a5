"""What a container may do on its host and beyond its own walls: one row for each key of a service, dangerous or harmless.

A reviewer of a change sees the dangerous ones before all else (`ipvlan.views.report`). A key is harmless when it gives the
container no more than Docker gives every container by default.

Out of scope: what a change of a key does to the running container (`ipvlan.plan.container_updates`).
"""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from ipvlan.config.docker_socket import DEFAULT_SOCKET
from ipvlan.config.types.mounts import VolumeParts, cleaned, volume_parts

if TYPE_CHECKING:
    from ipvlan.plan.model import ContainerPlan, HostPlan, Plan


@dataclass(frozen=True, slots=True, kw_only=True)
class Power:
    """One thing that a container may do."""

    setting: str
    """The key of the service."""
    value: str
    """What the config has there, one entry of it; never a secret."""
    meaning: str
    """What it allows, one clause."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ContainerPower:
    """A power of one new or changed container."""

    host: str
    service: str
    power: Power
    is_new: bool
    """Whether the container, or an earlier one in its place, did not have it before the change."""


_Found = Iterator[tuple[str, str]]
"""Value and meaning of each dangerous entry of a key."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """What a key of a service says about the container's powers."""

    name: str
    """A field of ServiceConfig."""
    dangers: Callable[[ContainerPlan, HostPlan], _Found] | None
    """Yields what the container may do by this key; None for a key that is harmless whatever its value."""
    reason: str
    """Why it is dangerous, or why it is harmless."""


def powers(container: ContainerPlan, host: HostPlan) -> tuple[Power, ...]:
    """Return what a container may do on that host, the most dangerous key first."""
    return tuple(
        Power(setting=key.name, value=value, meaning=meaning)
        for key in KEYS
        if key.dangers is not None
        for value, meaning in key.dangers(container, host)
    )


def powers_of(place: tuple[str, str], before: Plan | None, after: Plan) -> Iterator[ContainerPower]:
    """Yield what the container of a place (host and service) may do after a change, each marked where it is new."""
    host_name, service = place
    old = set(_in_plan(before, place)) if before is not None else set()
    for power in _in_plan(after, place):
        yield ContainerPower(host=host_name, service=service, power=power, is_new=power not in old)


def _in_plan(plan: Plan, place: tuple[str, str]) -> tuple[Power, ...]:
    try:
        host = plan.host(place[0])
        return powers(host.container(place[1]), host)
    except KeyError:
        return ()


_ROOT: Final = "as good as root on the host"

_CAPABILITIES: Final = {
    "ALL": f"all capabilities: {_ROOT}",
    "SYS_ADMIN": f"mounts, namespaces and much more: {_ROOT}",
    "SYS_MODULE": f"loads kernel modules: {_ROOT}",
    "SYS_RAWIO": f"reads and writes ports and memory of the machine: {_ROOT}",
    "SYS_PTRACE": "reads and changes other processes that it sees",
    "DAC_READ_SEARCH": f"opens every file of the host's file system: {_ROOT}",
    "BPF": "loads programs into the host's kernel",
    "PERFMON": "observes the host's kernel",
    "NET_ADMIN": "changes addresses, routes and firewall of its own network: it can take addresses of others",
    "SYS_BOOT": "restarts the host",
    "SYS_TIME": "sets the host's clock",
    "SYSLOG": "reads the host's kernel log",
    "MAC_ADMIN": "changes the host's access rules",
    "MAC_OVERRIDE": "ignores the host's access rules",
}
_BY_DEFAULT: Final = frozenset(
    {
        *("CHOWN", "DAC_OVERRIDE", "FSETID", "FOWNER", "MKNOD", "NET_RAW", "SETGID", "SETUID", "SETFCAP", "SETPCAP"),
        *("NET_BIND_SERVICE", "SYS_CHROOT", "KILL", "AUDIT_WRITE"),
    }
)
"""What Docker gives every container (moby, DefaultCapabilities of its package caps, 28)."""

_FOLDERS: Final = {
    "/": f"every file of the host: {_ROOT}",
    "/boot": f"what the host boots: {_ROOT}",
    "/dev": f"all devices of the host: {_ROOT}",
    "/etc": f"the host's settings and passwords: {_ROOT}",
    "/home": "the files of the host's users, with their keys",
    "/lib/modules": "the host's kernel modules",
    "/proc": f"the host's processes and kernel settings: {_ROOT}",
    "/root": f"the files of the host's root user, with its keys: {_ROOT}",
    "/run": f"the sockets of the host's services: {_ROOT}",
    "/sys": f"the host's kernel settings and devices: {_ROOT}",
    "/usr": f"the host's programs: {_ROOT}",
    "/var/lib/docker": f"the files of all containers and volumes: {_ROOT}",
    "/var/log": "the host's logs",
}
"""Folders of a host whose content is more than data."""

_LOCAL_LOGS: Final = frozenset({"", "none", "json-file", "local", "journald"})
"""Log drivers that keep the output on the host (docs.docker.com/engine/logging/configure)."""


def _privileged(container: ContainerPlan, _host: HostPlan) -> _Found:
    if container.settings.privileged:
        yield "true", f"all capabilities, all devices, no confinement: {_ROOT}"


def _volumes(container: ContainerPlan, host: HostPlan) -> _Found:
    for volume in container.settings.volumes:
        parts = volume_parts(volume)
        if parts.on_host:
            yield volume, _mount(parts, host.docker_socket)


def _mount(parts: VolumeParts, docker_socket: str) -> str:
    """Return what a container may do by a path of the host."""
    source = _resolved(parts.source)
    sockets = {_resolved(path) for path in (docker_socket, DEFAULT_SOCKET)}
    if source in sockets:
        # A socket that is mounted read-only takes every request.
        return f"controls Docker on the host, also read-only: {_ROOT}"
    what = _FOLDERS.get(source)
    if what is None:
        # Of the folders around it the longest says most.
        around = max((folder for folder in _FOLDERS if _within(source, folder) and folder != "/"), key=len, default="")
        inside = sorted(folder for folder in _FOLDERS if _within(folder, source))
        what = "files of the host"
        what += f" in {around}" if around else ""
        what += f", with {' and '.join(inside)}" if inside else ""
    holds = any(_within(socket, source) for socket in sockets) and source != "/"
    return f"{'reads' if parts.read_only else 'reads and writes'} {what}{', and controls Docker' if holds else ''}"


def _resolved(path: str) -> str:
    """Return a path as the host has it: cleaned, and `/var/run` as the link to `/run` that it is (FHS 3.0, 5.13)."""
    path = cleaned(path)
    return path.removeprefix("/var") if path == "/var/run" or path.startswith("/var/run/") else path


def _within(path: str, folder: str) -> bool:
    return path == folder or path.startswith(posixpath.join(folder, ""))


def _devices(container: ContainerPlan, _host: HostPlan) -> _Found:
    for device in container.settings.devices:
        _, _, permissions = device.partition(":")[2].partition(":")
        yield (
            device,
            "uses this device of the host" if "w" in (permissions or "rwm") else "reads this device of the host",
        )


def _cap_add(container: ContainerPlan, _host: HostPlan) -> _Found:
    for written in container.settings.cap_add:
        name = written.upper().removeprefix("CAP_")
        other = "which Docker gives every container" if name in _BY_DEFAULT else "which Docker gives no container"
        yield written, _CAPABILITIES.get(name, f"a capability {other} by default")


def _security_opt(container: ContainerPlan, _host: HostPlan) -> _Found:
    for option in container.settings.security_opt:
        word, _, value = option.replace(":", "=", 1 if "=" not in option else 0).partition("=")
        if (word, value) in {("seccomp", "builtin"), ("seccomp", "")}:
            continue
        if word == "no-new-privileges":
            if value in ("", *["1", "t", "T", "TRUE", "true", "True"]):
                continue
            yield option, "its processes may gain privileges, by setuid programs for one"
        elif word == "seccomp":
            yield (
                (option, "every system call is allowed")
                if value == "unconfined"
                else (option, "system calls by a profile of its own, in the place of Docker's")
            )
        elif word == "apparmor":
            yield option, "no AppArmor" if value == "unconfined" else "another AppArmor profile than Docker's"
        elif word == "label":
            yield option, "no SELinux" if value == "disable" else "another SELinux label than Docker's"
        elif word == "systempaths":
            yield option, "the kernel's settings in /proc and /sys are not hidden, and can be written"
        elif word == "writable-cgroups":
            yield option, "changes its own resource limits"
        else:
            yield option, "another confinement than Docker's"


def _cgroupns(container: ContainerPlan, _host: HostPlan) -> _Found:
    if container.settings.cgroupns_mode == "host":
        yield "host", "sees the control groups of the host, and the names of all containers in them"


def _sysctls(container: ContainerPlan, _host: HostPlan) -> _Found:
    for name, value in sorted(container.settings.sysctls.items()):
        yield f"{name}={value}", "a kernel parameter of its own namespaces"


def _tmpfs(container: ContainerPlan, _host: HostPlan) -> _Found:
    for path, options in sorted(container.settings.tmpfs.items()):
        given = [option for option in options.split(",") if option in ("exec", "suid", "dev")]
        if given:
            yield (
                f"{path}:{options}",
                f"Docker's noexec, nosuid, nodev without {', '.join(f'no{word}' for word in given)}",
            )


def _log_driver(container: ContainerPlan, _host: HostPlan) -> _Found:
    driver = container.settings.log_driver or ""
    if driver not in _LOCAL_LOGS:
        yield driver, "Docker sends the container's output to where `log_opts` says"


def _ports(container: ContainerPlan, _host: HostPlan) -> _Found:
    for port in container.ports if container.published else ():
        if port.on_loopback:
            yield str(port), "published for the host's own processes"
        else:
            yield str(port), "published: whoever reaches the host reaches it, past the host's own firewall rules"


def _secret_environment(container: ContainerPlan, _host: HostPlan) -> _Found:
    for variable, key in sorted(container.secret_environment.items()):
        yield f"{variable}: {key}", "is given this secret"


_NO_MORE: Final = "it gives no right that the image's own processes do not have"
_LIMITS: Final = "it limits what the container uses"
_INSIDE: Final = "it changes what is inside the container alone"
_PLACE: Final = "it says where the container runs, and under which name"

KEYS: Final = (
    Key(name="privileged", dangers=_privileged, reason="nothing confines the container"),
    Key(name="volumes", dangers=_volumes, reason="a path of the host, or Docker's socket; a named volume is harmless"),
    Key(name="devices", dangers=_devices, reason="a device of the host"),
    Key(name="cap_add", dangers=_cap_add, reason="rights of root in the kernel"),
    Key(name="security_opt", dangers=_security_opt, reason="it can take Docker's confinement away"),
    Key(name="cgroupns_mode", dangers=_cgroupns, reason="a namespace of the host"),
    Key(name="sysctls", dangers=_sysctls, reason="settings of the kernel, though of the container's namespaces"),
    Key(name="tmpfs", dangers=_tmpfs, reason="`exec`, `suid` and `dev` are not allowed by default"),
    Key(name="log_driver", dangers=_log_driver, reason="the output, which may hold secrets, can leave the host"),
    Key(name="ports", dangers=_ports, reason="a published port opens the host"),
    Key(name="secret_environment", dangers=_secret_environment, reason="another image gets a secret by it"),
    Key(name="published", dangers=None, reason="the ports that it publishes are those of `ports`"),
    *(
        Key(name=name, dangers=None, reason=reason)
        for reason, names in (
            (_PLACE, ("hosts", "offset", "addresses", "container_name", "hostname")),
            (
                _NO_MORE,
                (*("image", "command", "entrypoint", "user", "working_dir", "environment", "healthcheck", "init"),),
            ),
            (_LIMITS, ("memory", "shm_size", "cpu_shares", "ulimits", "read_only", "cap_drop")),
            (_INSIDE, ("extra_hosts", "dns", "dns_search")),
            ("it counts for the container's start and stop", ("restart", "stop_signal", "stop_timeout")),
            ("it counts for the order of a change", ("rollout", "after")),
            ("for the log driver, which is dangerous itself where the output leaves the host", ("log_opts",)),
            ("other programs read them, and Docker gives them no meaning", ("labels",)),
            ("outgoing traffic, which a container on a LAN or with a gateway has anyway", ("internet", "egress")),
        )
        for name in names
    ),
)
"""One row for each key of a service, the most dangerous first."""

RANK: Final = {key.name: rank for rank, key in enumerate(KEYS)}
"""Key -> its place in the table."""
