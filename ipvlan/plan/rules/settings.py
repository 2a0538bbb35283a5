"""Rules of a container's settings that need more than one key, or that only some Dockers have.

An error is what every Docker refuses. A warning is what some refuse, or what would be ignored.

Out of scope: what one value may be (`ipvlan.config.types`), labels and variables (`ipvlan.plan.rules.services`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final

from ipvlan.config.models import ServiceConfig, StackConfig, Ulimit
from ipvlan.config.types.mount_maps import mount_of_volume
from ipvlan.config.types.mounts import VOLUME_NAME, cleaned, volume_parts
from ipvlan.config.types.process import BOOLEAN
from ipvlan.problems import Problem, shorten

MOST_OPEN_FILES: Final = 2147483584
"""The largest limit of open files of any Linux (sysctl_nr_open_max in fs/file.c, 64 bits); prlimit(2) refuses a larger one, and
none, to everyone."""
LEAST_SHARES: Final = 2
MOST_SHARES: Final = 262144
"""Weights that every kernel and runc take (moby, linuxMinCPUShares in daemon/daemon_unix.go). With cgroup v2, runc takes others too
since 1.3.2 and rounds them; with cgroup v1, and before, it refuses the container."""

_COMMON_LOG_OPTIONS: Final = frozenset({"env", "env-regex", "labels", "labels-regex", "tag"})
_FILE_LOG_OPTIONS: Final = _COMMON_LOG_OPTIONS | {"max-file", "max-size", "compress"}
LOG_OPTIONS: Final[Mapping[str, frozenset[str]]] = {
    "json-file": _FILE_LOG_OPTIONS,
    "local": _FILE_LOG_OPTIONS,
    "journald": _COMMON_LOG_OPTIONS,
}
"""Log driver -> its options (moby 29, ValidateLogOpt in daemon/logger/). The other drivers' change with Docker's versions."""
_ALL_DRIVERS: Final = re.compile(r"mode|max-buffer-size|cache-.+")
"""moby, builtInLogOpts in daemon/logger/factory.go, and the cache of daemon/logger/loggerutils/cache."""
_SIZE: Final = re.compile(r"(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:e\+?[0-9]+)? ?(?:b|[kmgtp](?:i?b)?)?", re.IGNORECASE)
"""go-units, parseSize in size.go."""
_LOG_SHAPES: Final[Mapping[str, tuple[re.Pattern[str], str]]] = {
    "max-size": (_SIZE, '"10m"'),
    "max-file": (re.compile(r"\+?[0-9]+"), '"3"'),
    "compress": (re.compile(BOOLEAN), '"true" or "false"'),
    "max-buffer-size": (_SIZE, '"4m"'),
    "mode": (re.compile("|blocking|non-blocking"), "blocking or non-blocking"),
}
"""Option -> what it looks like, and an example. The first three are those of the drivers that write files."""


def check(config: StackConfig) -> Iterator[Problem]:
    """Yield the problems of the settings of all services."""
    for name, service in config.services.items():
        yield from _mounts(name, service)
        yield from _volumes(name, service)
        yield from _root_of_the_host(name, service)
        yield from _shares(name, service)
        for limit, value in service.ulimits.items():
            yield from _ulimit(f"services.{name}.ulimits.{shorten(limit)}", limit, value)
        yield from _logging(name, service)
        yield from _sysctls(name, service)


def _mounts(name: str, service: ServiceConfig) -> Iterator[Problem]:
    """Yield each path at which two things are mounted (moby, registerMountPoints in daemon/volumes.go).

    An entry that is in a list twice is one for the docker provider. Docker compares the path of a tmpfs as it is written.
    """
    taken: dict[str, str] = dict.fromkeys(service.tmpfs, f"services.{name}.tmpfs")
    different: dict[object, tuple[str, str]] = {}
    for volume in service.volumes:
        parts = volume_parts(volume)
        by_volumes = (parts.source, parts.path, parts.read_only, parts.label)
        different.setdefault(mount_of_volume(volume) or by_volumes, (parts.path, f"services.{name}.volumes"))
    for mount in service.mounts:
        different.setdefault(mount, (mount.target, f"services.{name}.mounts"))
    for written, key in different.values():
        path = cleaned(written)
        if path in taken:
            yield Problem(
                code="IPF422",
                key=key if taken[path] == key else f"{key} and {taken[path]}",
                value=shorten(path),
                problem="two things are mounted at this path",
                effect="the daemon refuses the container ('Duplicate mount point'), or one of them is hidden",
                fix="give one another path, or remove it",
            )
        taken.setdefault(path, key)


def _volumes(name: str, service: ServiceConfig) -> Iterator[Problem]:
    named = [
        *(
            (f"volumes[{number}]", volume, parts.source)
            for number, volume in enumerate(service.volumes)
            if not (parts := volume_parts(volume)).on_host
        ),
        *(
            (f"mounts[{number}].source", mount.source or "", mount.source or "")
            for number, mount in enumerate(service.mounts)
            if mount.type == "volume"
        ),
    ]
    for key, written, source in named:
        if not VOLUME_NAME.fullmatch(source):
            yield Problem(
                code="IPF423",
                key=f"services.{name}.{key}",
                value=shorten(written),
                problem="the source is not a name that Docker's own driver of volumes takes",
                effect="the daemon refuses the container, unless a plugin has a volume of that name",
                fix="begin a path on the host with /; or use two or more of a-z, A-Z, 0-9, _ . -, beginning with a letter or digit",
                severity="warning",
            )


def _root_of_the_host(name: str, service: ServiceConfig) -> Iterator[Problem]:
    """Yield each mount of the host's root with a propagation other than rslave and rshared.

    Docker's own folder is below the root, wherever it is (moby, validateBindDaemonRoot in daemon/volumes_linux.go). An entry of
    `volumes` reaches that check where a mount carries it.
    """
    by_volumes = ((f"volumes[{number}]", mount_of_volume(volume)) for number, volume in enumerate(service.volumes))
    by_mounts = ((f"mounts[{number}].bind.propagation", mount) for number, mount in enumerate(service.mounts))
    for key, mount in (*by_volumes, *by_mounts):
        propagation = mount.bind.propagation if mount and mount.bind else None
        if mount and propagation not in (None, "rslave", "rshared") and cleaned(mount.source or "") == "/":
            yield Problem(
                code="IPF440",
                key=f"services.{name}.{key}",
                value=str(propagation),
                problem="Docker's own files are below the host's root, and Docker mounts them as rslave or rshared alone",
                effect='the daemon refuses the container (\'must use either propagation mode "rslave" or "rshared"\')',
                fix="write rslave, which is Docker's own choice here; or mount a folder that does not hold Docker's",
            )


def _shares(name: str, service: ServiceConfig) -> Iterator[Problem]:
    shares = service.cpu_shares
    if shares and not LEAST_SHARES <= shares <= MOST_SHARES:
        yield Problem(
            code="IPF425",
            key=f"services.{name}.cpu_shares",
            value=str(shares),
            problem=f"the kernel has weights from {LEAST_SHARES} to {MOST_SHARES}",
            effect="hosts with cgroup v1 or a runc before 1.3.2 cannot start the container; others use the nearest weight",
            fix=f"write {LEAST_SHARES if shares < LEAST_SHARES else MOST_SHARES}, or remove the line for Docker's default",
            severity="warning",
        )


def _ulimit(key: str, name: str, limit: Ulimit) -> Iterator[Problem]:
    """Yield what prlimit(2) refuses; -1 is no limit."""
    if limit.hard != -1 and (limit.soft == -1 or limit.soft > limit.hard):
        yield Problem(
            code="IPF426",
            key=key,
            value=f"soft {limit.soft}, hard {limit.hard}",
            problem="the soft limit is above the hard one" + (", since -1 is no limit" if limit.soft == -1 else ""),
            effect="Docker creates the container and cannot start it",
            fix=f"write soft: {limit.hard}, or raise hard",
        )
    if name.lower() == "nofile" and not 0 <= limit.hard <= MOST_OPEN_FILES:
        yield Problem(
            code="IPF427",
            key=f"{key}.hard",
            value=str(limit.hard),
            problem=f"Linux allows a process at most {MOST_OPEN_FILES} open files",
            effect="Docker creates the container and cannot start it ('operation not permitted')",
            fix="write a number, such as 1048576",
        )


def _logging(name: str, service: ServiceConfig) -> Iterator[Problem]:
    driver, options = service.log_driver or "", service.log_opts
    if driver == "none":
        return
    for option, value in options.items():
        shared = _ALL_DRIVERS.fullmatch(option)
        key = f"services.{name}.log_opts"
        if not shared and driver in LOG_OPTIONS and option not in LOG_OPTIONS[driver]:
            yield Problem(
                code="IPF428",
                key=f"{key} and services.{name}.log_driver",
                value=shorten(option),
                problem=f"the log driver {driver} has no such option",
                effect="the daemon refuses the container ('unknown log opt')",
                fix=f"write one of {', '.join(sorted(LOG_OPTIONS[driver]))}",
            )
        elif option in _LOG_SHAPES and (shared or driver in ("json-file", "local")):
            shape, example = _LOG_SHAPES[option]
            # A file that is written to is one of them; only json-file says so.
            none = option == "max-file" and driver == "json-file" and not value.strip("+0")
            if none or not shape.fullmatch(value):
                yield Problem(
                    code="IPF429",
                    key=f"{key}.{shorten(option)}",
                    value=shorten(value),
                    problem="this is not a value of this option",
                    effect="the daemon refuses the container, or cannot start it",
                    fix=f"write {example}",
                )
    if "max-buffer-size" in options and options.get("mode", "non-blocking") != "non-blocking":
        yield Problem(
            code="IPF430",
            key=f"services.{name}.log_opts.max-buffer-size and services.{name}.log_opts.mode",
            value=shorten(options["mode"]),
            problem="only a log that does not block has a buffer",
            effect="the daemon refuses the container",
            fix="write mode: non-blocking, or remove max-buffer-size",
        )


def _sysctls(name: str, service: ServiceConfig) -> Iterator[Problem]:
    """Yield each kernel parameter of a namespace that the container shares with the host.

    Each runc refuses it, when the container starts (sysctl in libcontainer/configs/validate/validator.go, 1.0 to 1.3).
    """
    for parameter in service.sysctls if service.ipc == "host" else ():
        if _IPC_PARAMETER.fullmatch(parameter.replace("/", ".")):
            yield Problem(
                code="IPF439",
                key=f"services.{name}.sysctls.{shorten(parameter)} and services.{name}.ipc",
                value="host",
                problem="this kernel parameter is the host's own where the container has the host's shared memory",
                effect="Docker creates the container and cannot start it ('is not allowed in the hosts ipc namespace')",
                fix="remove it, and set it on the host; or remove ipc: host",
            )


_IPC_PARAMETER: Final = re.compile(r"kernel\.(?:msg.*|sem|shm.*)|fs\.mqueue\..+")
