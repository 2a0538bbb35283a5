"""Running a text as root on a host whose ssh user is not root, and is allowed to use Docker.

Owns the helper container: made of an image that is on the host already, it runs the host's own `nsenter` and with it enters the
host, so that it needs nothing in the image and pulls nothing. It is removed at the end, whatever happens. Who may use Docker's
socket is as good as root on that host (Docker's documentation, "Docker daemon attack surface"): nothing is gained that was not
given.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from ipvlan.hosts.engine import Engine
from ipvlan.hosts.errors import HostError
from ipvlan.hosts.session import HostSession
from ipvlan.hosts.snapshot import HostSnapshot

RunAsRoot = Callable[[str, float], str]
"""Takes POSIX shell text and a time limit in seconds, and returns what the text printed."""

#: Seconds for the start of a container on a busy host.
HELPER_SECONDS: Final = 20.0

# `nsenter` and what it is linked with; a mount of a folder that the host has not would make it there.
_FOLDERS: Final = "for folder in /usr /lib /lib64; do [ -d $folder ] && echo $folder; done"


def root_shell(session: HostSession, live: HostSnapshot) -> RunAsRoot | None:
    """What runs a text as root on the session's host; None where there is no way. Raises HostError."""
    if live.root:
        return lambda text, timeout: session.run(text, timeout=timeout)
    image = next((found.image_id for found in live.containers.values() if found.image_id), None)
    if image is None:
        return None
    folders = session.run(_FOLDERS, timeout=HELPER_SECONDS).split()

    def run(text: str, timeout: float) -> str:
        engine = Engine(session.name, session.socket, timeout=timeout + HELPER_SECONDS)
        try:
            return engine.run_in_host(image, folders, text)
        finally:
            engine.close()

    return run


def no_root(host: str, user: str) -> HostError:
    """Why nothing can be done as root there."""
    return HostError(
        f'host "{host}": {user} is not root there, and there is no container whose image a helper could be made of. '
        f"Name a user that is root in ipvlan-fabric:hosts.{host}.ssh, or run `pulumi up` first."
    )
