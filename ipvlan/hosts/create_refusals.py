"""Why Docker does not create a container: its sentence out of the docker provider's text, and the config keys that it is about.

Out of scope: what Docker finds only when a container starts: devices, users, host ports, most limits of the kernel.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from ipvlan.hosts.errors import CONTAINER_REFUSED, DOCKER_UNAVAILABLE, VISIT_TOO_LONG, HostError
from ipvlan.problems import plain

if TYPE_CHECKING:
    from ipvlan.hosts.connection import HostConnection

UNTOUCHED: Final = "the running container was not touched"

_LONGEST_SENTENCE: Final = 400
"""Characters. Docker repeats the arguments that it refuses, some of them with all they consist of."""

_SHORTEST_SECRET: Final = 4
"""Characters of a value that is hidden. A shorter one is in too many words that are no secret."""

_DAEMON: Final = "Error response from daemon: "
"""What Docker's client puts before the daemon's own sentence (moby, package client)."""

_NO_ANSWER: Final = re.compile(r"Error pinging Docker server|error during connect|Cannot connect to the Docker daemon")
"""How the provider and Docker's client say that the daemon gives no answer (config.go of the provider; moby, package client)."""

_OF_IMAGE: Final = "Unable to create container with image"
"""How the provider says that an image is not there and cannot be pulled."""

_WRAPPING: Final = re.compile(
    r"^(creating urn:\S+: )?(\d+ errors? occurred:\s*\* )?((Unable|unable) to [^:]*: |error pulling image [^ ]*: )*"
)
"""What the provider and Pulumi's bridge put before the reason."""

KEYS: Final[Mapping[str, tuple[str, ...]]] = {
    # What is first decides: a sentence may quote a path or a name with the words of another one.
    r"with image|[Nn]o such image": ("image",),
    # daemon
    r"invalid CapAdd": ("cap_add",),
    r"invalid CapDrop": ("cap_drop",),
    r"in Healthcheck cannot": ("healthcheck",),
    r"invalid port specification": ("ports",),
    r"the working directory .* is invalid": ("working_dir",),
    # moby/sys/signal
    r"invalid signal": ("stop_signal",),
    # opts
    r"invalid environment variable": ("environment", "secret_environment"),
    r"add-host|host-gateway": ("extra_hosts",),
    # api/types/container
    r"invalid restart policy": ("restart",),
    # daemon, for this system
    r"[Mm]emory ?swap": ("memory", "memory_swap"),
    r"[Mm]emory reservation": ("memory_reservation", "memory"),
    r"[Mm]emory limit": ("memory",),
    r"range of CPUs|NanoCPUs|[Ee]rror setting cpus": ("cpus",),
    r"cpuset|Requested CPUs": ("cpuset",),
    r"IPC mode": ("ipc",),
    r"PID mode|PID namespace": ("pid",),
    r"[Cc]group-parent": ("cgroup_parent",),
    r"runtime name": ("runtime",),
    r"storage-opt": ("storage_opt",),
    r"SHM size": ("shm_size",),
    r"privileged mode is incompatible": ("privileged",),
    r"cgroup namespace mode|cgroupns_mode": ("cgroupns_mode",),
    r"--security-opt|seccomp|apparmor|AppArmor": ("security_opt",),
    r"sysctl": ("sysctls",),
    r"ulimit": ("ulimits",),
    # daemon, and the provider
    r"no command specified|values for command may not be empty": ("command", "entrypoint"),
    r"invalid hostname": ("hostname",),
    # daemon, names
    r"[Ii]nvalid container name|container name .* already in use": ("container_name",),
    # daemon/logger
    r"no log driver named|logging plugin": ("log_driver",),
    r"log opt|max-size|max-file": ("log_opts",),
    # volume/mounts, volume/local, daemon
    r'invalid mount config for type "(bind|volume)"|VolumeOptions\.Subpath': ("mounts", "volumes"),
    r"invalid mount config": ("mounts",),
    r"tmpfs": ("tmpfs",),
    r"Duplicate mount point": ("volumes", "mounts", "tmpfs"),
    r"volume|invalid mode|mount|bind source path": ("volumes", "mounts"),
    r"device cgroup rule": ("device_cgroup_rules",),
    r"device driver": ("gpus", "devices"),
    r"device": ("devices",),
    # daemon, libnetwork
    r"endpoint settings|IP address": ("addresses", "offset"),
}
"""Docker's words (moby 28.5, in the package of the comment) -> keys of the service. What sets no key is not here."""

_ARGUMENTS: Final = {"mounts": "mounts", "gpus": "deviceRequests"}
"""Key -> the docker provider's argument without which it is not what Docker refuses."""


def key_of(service: str, key: str = "") -> str:
    """Return the path of a service's key in the stack file."""
    return f"ipvlan-fabric:services.{service}{'.' if key else ''}{key}"


def sentence(text: str, arguments: Mapping[str, Any] | None = None) -> str:
    """Return Docker's own sentence, or the provider's where Docker was not asked; in one line, without values of variables.

    Args:
        text: The failure, as the docker provider's plugin returns it.
        arguments: The container's arguments, of which `envs` are hidden.
    """
    line = " ".join(text.split())
    _, daemon, own = line.rpartition(_DAEMON)
    line = own if daemon else _WRAPPING.sub("", line)
    for variable in (arguments or {}).get("envs") or ():
        _, _, value = str(variable).partition("=")
        if len(value) >= _SHORTEST_SECRET:
            line = line.replace(" ".join(value.split()), "***")
    line = plain(line).rstrip(" .")
    return line if len(line) <= _LONGEST_SENTENCE else f"{line[:_LONGEST_SENTENCE]}..."


def keys(text: str) -> Sequence[str]:
    """Return the keys of the service that the failure may be about; empty where its words are not known."""
    # What is before Docker's sentence has names of the user's.
    searched = text if _OF_IMAGE in text else sentence(text)
    return next((names for words, names in KEYS.items() if re.search(words, searched)), ())


def refused(connection: HostConnection, service: str, text: str, arguments: Mapping[str, Any]) -> HostError:
    """Return that the new container of the service is not created, by whom, and what to do.

    Args:
        connection: The host.
        service: The service's name.
        text: The failure, as the docker provider's plugin returns it.
        arguments: The container's arguments, as the plugin got them.
    """
    reason = sentence(text, arguments)
    if _DAEMON not in text and _NO_ANSWER.search(text):
        return HostError.on(
            connection.name,
            DOCKER_UNAVAILABLE,
            problem=f'Docker does not answer the docker provider, which was to try the new container of service "{service}": '
            f"{reason}",
            effect=UNTOUCHED,
            fix="let `docker version` succeed on the host, then run the command again",
        )
    names = [key_of(service, key) for key in keys(text) if key not in _ARGUMENTS or arguments.get(_ARGUMENTS[key])]
    what = f"correct {' or '.join(names)}" if names else f"correct {key_of(service)}, where it has what Docker names"
    return HostError.on(
        connection.name,
        CONTAINER_REFUSED,
        problem=f'{"Docker" if _DAEMON in text else "the docker provider"} refuses the new container of service "{service}": '
        f"{reason}",
        effect=UNTOUCHED,
        fix=f"{what}; then run the command again",
    )


def too_long(connection: HostConnection, service: str, seconds: float) -> HostError:
    """Return that Docker did not create the service's container in time."""
    return HostError.on(
        connection.name,
        VISIT_TOO_LONG,
        problem=f'Docker did not create the new container of service "{service}", which is only tried, within {seconds:g} seconds',
        effect=UNTOUCHED,
        fix="see what keeps Docker busy on the host; then run the command again",
    )
