"""What a container may do by devices of its host: nodes, CDI devices, GPUs, and rules of its device cgroup.

Out of scope: which devices are dangerous (`ipvlan.plan.host_paths`).
"""

from __future__ import annotations

from collections.abc import Container, Iterator
from typing import TYPE_CHECKING, Final, NamedTuple

from ipvlan.config.types.devices import CDI, LARGEST_DEVICE_NUMBER, device_map, gpu_requests
from ipvlan.config.types.mounts import cleaned
from ipvlan.plan.host_paths import ROOT, by_device

if TYPE_CHECKING:
    from ipvlan.plan.model import ContainerPlan

_EVERY: Final = -1
"""In the place of a number: each one."""


def of_devices(container: ContainerPlan) -> Iterator[tuple[str, str]]:
    """Yield value and meaning of each entry of `devices`."""
    for device in container.settings.devices:
        if isinstance(device, str) and CDI.fullmatch(device):
            yield (
                device,
                "uses this device of the host, and what its CDI file adds: mounts, variables and hooks that run as root",
            )
        else:
            known = device_map(device)
            yield f"{cleaned(known.host)}{str(device).removeprefix(known.host)}", by_device(known)


def of_cgroup_rules(container: ContainerPlan) -> Iterator[tuple[str, str]]:
    """Yield value and meaning of each rule. Docker gives every container the capability to create nodes (MKNOD)."""
    for rule in container.settings.device_cgroup_rules:
        kind, numbers, permissions = rule.split(" ")
        major, minor = map(_number, numbers.split(":"))
        verb = "uses" if "w" in permissions else "reads" if "r" in permissions else "creates nodes of"
        is_used = permissions != "m"
        if kind == "a" or (kind == "b" and major == _EVERY):
            what = "all devices of the host" if kind == "a" else "all disks of the host"
            yield rule, f"{verb} {what}{f': {ROOT}' if is_used else ''}"
        elif kind == "b":
            yield rule, f"{verb} disks of the host, for which it may create nodes{f': {ROOT}' if is_used else ''}"
        elif major == _EVERY or (major in _ROOT and (minor == _EVERY or minor in _ROOT[major].minors)):
            what = "all character devices of the host" if major == _EVERY else _ROOT[major].what
            yield rule, f"{verb} {what}, for which it may create nodes{f': {ROOT}' if is_used else ''}"
        else:
            yield rule, f"{verb} devices of the host with these numbers, for which it may create nodes"


def _number(written: str) -> int:
    """Return a number of a rule as Docker reads it, with zeros before it; _EVERY for `*`."""
    return _EVERY if written == "*" else int(written)


class _Devices(NamedTuple):
    what: str
    minors: Container[int]


_ROOT: Final = {
    1: _Devices("the memory and ports of the host", (1, 2, 4)),
    21: _Devices("disks of the host, below their file systems", range(LARGEST_DEVICE_NUMBER + 1)),
    162: _Devices("disks of the host, below their file systems", range(LARGEST_DEVICE_NUMBER + 1)),
    202: _Devices("the registers of the host's CPUs", range(LARGEST_DEVICE_NUMBER + 1)),
}
"""Major number of character devices -> those that are as good as root: /dev/mem, /dev/kmem and /dev/port, /dev/sg*, /dev/raw/*,
/dev/cpu/*/msr (Documentation/admin-guide/devices.txt of Linux)."""


def of_gpus(container: ContainerPlan) -> Iterator[tuple[str, str]]:
    """Yield value and meaning of each request for GPUs."""
    for request in gpu_requests(container.settings.gpus):
        yield str(request), "uses GPUs of the host, with the driver's files and memory that others may use too"
