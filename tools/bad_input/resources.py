"""Mistakes in what a container uses and shares, and in lists where compose takes lists."""

from __future__ import annotations

from typing import Any, Final

from tools.bad_input.case import BadInput


def _of(title: str, setting: str, value: Any, code: str, *, at: str = "", warning: bool = False) -> BadInput:
    """Return a bad input with one setting of nginx; `at` is the place in it that the problem names."""
    key = f"services.nginx.{setting}"
    return BadInput.of(title, {key: value}, (f"{key}{at}", code), warning=warning)


RESOURCES: Final = (
    _of("memory of part of a MiB", "memory", "100.5mb", "IPF135"),
    _of("reservation below Docker's least", "memory_reservation", "4m", "IPF141"),
    _of("swap without memory", "memory_swap", "512m", "IPF446"),
    BadInput.of(
        "swap below memory",
        {"services.nginx.memory": "512m", "services.nginx.memory_swap": "256m"},
        ("services.nginx.memory_swap and services.nginx.memory", "IPF447"),
    ),
    BadInput.of(
        "reservation above memory",
        {"services.nginx.memory": "512m", "services.nginx.memory_reservation": "1g"},
        ("services.nginx.memory_reservation and services.nginx.memory", "IPF448"),
    ),
    _of("CPUs in words", "cpus", "two", "IPF185"),
    _of("fewer CPUs than a quota can be", "cpus", 0.001, "IPF186"),
    _of("CPUs with ten decimals", "cpus", "1.0000000001", "IPF187"),
    _of("CPU set with the larger number first", "cpuset", "3-1", "IPF188"),
    _of("processes of another container", "pid", "container:db", "IPF189"),
    _of("shared memory of another service", "ipc", "service:db", "IPF189"),
    _of("ipc that does not exist", "ipc", "shared", "IPF190"),
    _of("userns_mode that does not exist", "userns_mode", "private", "IPF190"),
    _of("group below 0", "group_add", ["-1"], "IPF191", at="[0]"),
    _of("stop timeout of 0", "stop_timeout", 0, "IPF192"),
    _of("variable from the shell", "environment", ["MODE=fast", "TOKEN"], "IPF193"),
    _of("sysctl without a value", "sysctls", ["net.core.somaxconn"], "IPF193"),
    _of("extra host without an address", "extra_hosts", ["db"], "IPF193"),
    _of("variable twice in a list", "environment", ["MODE=fast", "MODE=slow"], "IPF194"),
    _of("tmpfs twice in a list", "tmpfs", ["/run:size=1m", "/run"], "IPF194"),
    BadInput.of(
        "a kernel parameter of the host's shared memory",
        {"services.nginx.ipc": "host", "services.nginx.sysctls": {"kernel.shmmax": "1"}},
        ("services.nginx.sysctls.kernel.shmmax and services.nginx.ipc", "IPF439"),
    ),
    _of("parent control group with a slash", "cgroup_parent", "a/b.slice", "IPF450", warning=True),
    _of("parent control group that is no slice", "cgroup_parent", "/shop", "IPF450", warning=True),
    BadInput.of(
        "host-gateway without the bridge",
        {"services.centos.extra_hosts": {"host.docker.internal": "host-gateway"}},
        ("services.centos.extra_hosts.host.docker.internal", "IPF449"),
        warning=True,
    ),
)
