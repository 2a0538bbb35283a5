"""The rehearsal of a replacement: a host's Docker creates the new container under another name; it is never started, and removed.

What Docker refuses is known before the running container stops. The docker provider's own plugin creates it, so Docker gets the
request that it will get from `pulumi up`; what differs is the name, the restart policy, and that nothing is started.

A declaration has the arguments as `docker.ContainerArgs`. Given to one of our resources as an input, Pulumi's SDK writes them in
the form of the docker provider (`networksAdvanced`, ...), because pulumi_docker's classes are input types: `{"arguments": args}`.

Out of scope: what Docker refuses only at a start, such as a device that is missing or a port that is taken.
"""

from __future__ import annotations

import contextlib
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from ipvlan.hosts.connection import HostConnection
from ipvlan.hosts.create_refusals import key_of, refused, too_long
from ipvlan.hosts.errors import HostError
from ipvlan.hosts.rehearsal_traces import clean_after, clean_before
from ipvlan.plan.container_updates import mounted_volumes
from ipvlan.plan.resource_names import REHEARSAL_SUFFIX
from ipvlan.problems import UserError
from provider.docker_plugin import PLUGINS, DockerPlugin, RefusedError
from provider.errors import plugin_unusable

SECONDS: Final = 60.0
"""Time limit for Docker to create the container, and again to remove it."""

_CHANGED: Final[Mapping[str, Any]] = {
    "start": False,
    "mustRun": False,
    # Docker starts an `always` container when the host boots, also one that never ran.
    "restart": "no",
    # Volumes without a name, which the image declares, go with the container.
    "removeVolumes": True,
}
"""Arguments of a rehearsal, besides the name, that are not those of the new container."""

_LEFT_OUT: Final = ("maxRetryCount", "wait", "waitTimeout", "attach", "logs", "rm")
"""Arguments that are about a container that runs; Docker takes a retry count with `on-failure` alone."""

_VOLUME_NAME: Final = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.-]+")
"""What Docker takes for a volume's name (moby, package volume/local). It creates no volume of another name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RehearsalRequest:
    """A container that is to be tried on a host."""

    connection: HostConnection
    """The host, as our own visits reach it."""
    docker_url: str
    """The host, as the docker provider reaches it: `ssh://...` (`HostPlan.docker_url`)."""
    ssh_options: tuple[str, ...]
    """OpenSSH's options for that, as separate arguments (`HostConnection.options`)."""
    arguments: Mapping[str, Any]
    """All arguments of the new docker.Container, in the docker provider's form, without unknown values."""
    owner: str
    """The value of its owner label, by which a container that a killed rehearsal left is known to be ours."""
    service: str
    """The service's name in the stack file, for messages."""

    @property
    def name(self) -> str:
        """The name of the rehearsal's container."""
        return f"{self.arguments['name']}{REHEARSAL_SUFFIX}"

    @property
    def volumes(self) -> tuple[str, ...]:
        """The names of the volumes that Docker creates with the container where they are missing."""
        return tuple(sorted({name for name in mounted_volumes(self.arguments) if _VOLUME_NAME.fullmatch(name)}))


def rehearse(request: RehearsalRequest) -> None:
    """Let the host's Docker create the container and remove it; leave nothing there.

    The caller has the host's lock. On one host one rehearsal goes on at a time: a volume that one created must not count as one
    that was there for another.

    Raises:
        HostError: Docker refuses the container (IPF733); or the host or its Docker does not answer, or not in time.
        PluginError: The docker provider's plugin is missing (IPF777).
    """
    connection, name, owner = request.connection, request.name, request.owner
    with PLUGINS.use(request.docker_url, request.ssh_options) as plugin:
        key = key_of(request.service, "container_name")
        missing = clean_before(connection, name, owner, request.volumes, key=key)
        try:
            is_gone = _create_and_delete(plugin, request)
        except UserError:
            # Docker may have created it in part. Where the host does not answer any more, the next rehearsal removes it.
            with contextlib.suppress(HostError):
                clean_after(connection, name, owner, missing)
            raise
        if missing or not is_gone:
            clean_after(connection, name, owner, missing)


def _create_and_delete(plugin: DockerPlugin, request: RehearsalRequest) -> bool:
    """Create and delete the container; return whether it is gone for certain."""
    kept = {name: value for name, value in request.arguments.items() if name not in _LEFT_OUT}
    arguments = {**kept, **_CHANGED, "name": request.name}
    limit = time.monotonic() + SECONDS
    try:
        checked = plugin.check(request.name, arguments, timeout=SECONDS)
        created = plugin.create(request.name, checked, timeout=limit - time.monotonic())
    except RefusedError as error:
        raise _refusal(request, error) from None
    try:
        plugin.delete(request.name, created, timeout=SECONDS)
    except RefusedError:
        return False
    return True


def _refusal(request: RehearsalRequest, error: RefusedError) -> UserError:
    if error.late:
        return too_long(request.connection, request.service, SECONDS)
    if error.ended:
        return plugin_unusable("its process ended while it created a container")
    return refused(request.connection, request.service, str(error), request.arguments)
