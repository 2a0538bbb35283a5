"""What a container may do because less confines it than Docker's defaults: capabilities, security options, namespaces, the runtime.

Out of scope: what it has of the host's files and devices (`ipvlan.plan.mount_powers`, `ipvlan.plan.device_powers`).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from ipvlan.config.capability_names import capability_name
from ipvlan.config.types.process import TRUE
from ipvlan.plan.docker_values import is_label_switched_off
from ipvlan.plan.host_paths import ROOT

if TYPE_CHECKING:
    from ipvlan.plan.model import ContainerPlan

_Found = Iterator[tuple[str, str]]
"""Value and meaning of each dangerous entry of a key."""

_CAPABILITIES: Final = {
    "ALL": f"all capabilities: {ROOT}",
    "SYS_ADMIN": f"mounts, namespaces and much more: {ROOT}",
    "SYS_MODULE": f"loads kernel modules: {ROOT}",
    "SYS_RAWIO": f"reads and writes ports and memory of the machine: {ROOT}",
    "SYS_PTRACE": "reads and changes other processes that it sees",
    "DAC_READ_SEARCH": f"opens every file of the host's file system: {ROOT}",
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

DEFAULT_RUNTIMES: Final = frozenset({None, "", "runc", "io.containerd.runc.v2"})
"""Values of `runtime` that stand for Docker's own."""


def security_option(option: str) -> tuple[str, str]:
    """Return word and value of a security option; `no-new-privileges` is `true` in all ways to write it."""
    word, _, value = option.replace(":", "=", 1 if "=" not in option else 0).partition("=")
    if word == "no-new-privileges":
        return word, "true" if value in ("", *TRUE) else "false"
    return word, value


def of_cap_add(container: ContainerPlan) -> _Found:
    """Yield value and meaning of each capability that is added."""
    for written in container.settings.cap_add:
        name = capability_name(written)
        other = "which Docker gives every container" if name in _BY_DEFAULT else "which Docker gives no container"
        yield written, _CAPABILITIES.get(name, f"a capability {other} by default")


def of_security_opt(container: ContainerPlan) -> _Found:
    """Yield value and meaning of each option that takes a protection away, or puts another one in its place."""
    for option in container.settings.security_opt:
        word, value = security_option(option)
        if (word, value) in {("seccomp", "builtin"), ("seccomp", ""), ("no-new-privileges", "true")}:
            continue
        if word == "no-new-privileges":
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


def of_cgroupns(container: ContainerPlan) -> _Found:
    """Yield the host's namespace of control groups."""
    if container.settings.cgroupns_mode == "host":
        yield "host", "sees the control groups of the host, and the names of all containers in them"


def of_pid(container: ContainerPlan) -> _Found:
    """Yield the host's namespace of processes."""
    if container.settings.pid == "host":
        what = "sees and signals all processes of the host, as its root where it runs as root"
        yield "host", f"{what}{_without_label(container)}: {ROOT}"


def of_ipc(container: ContainerPlan) -> _Found:
    """Yield the host's shared memory."""
    if container.settings.ipc == "host":
        yield "host", f"reads and writes the shared memory of the host's processes{_without_label(container)}"


def _without_label(container: ContainerPlan) -> str:
    return ", without SELinux" if is_label_switched_off(container.settings) else ""


def of_userns(container: ContainerPlan) -> _Found:
    """Yield the host's namespace of users."""
    if container.settings.userns_mode == "host":
        yield "host", "its root is the host's root, also where Docker maps the users of containers to others"


def of_runtime(container: ContainerPlan) -> _Found:
    """Yield a runtime that is not Docker's own."""
    runtime = container.settings.runtime
    if runtime is not None and runtime not in DEFAULT_RUNTIMES:
        yield (
            runtime,
            "another program of the host than Docker's own starts it, and decides what confines it",
        )
