"""Running text as root on a host: as the ssh user where that is root, else by a helper container.

The helper container is created from an image that is on the host already. It runs the host's own `nsenter`, and enters the host
with it: it needs nothing in the image, and nothing is pulled. It is removed at the end, whatever happens.

A user who may use Docker's socket is as good as root on the host (Docker's documentation, "Docker daemon attack surface"): this
gives nobody a right that they do not have.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from ipvlan.hosts.engine import Engine
from ipvlan.hosts.errors import NOT_ROOT, HostError

if TYPE_CHECKING:
    from ipvlan.hosts.session import HostSession
    from ipvlan.hosts.snapshot import HostSnapshot

RunAsRoot = Callable[[str, float], str]
"""Takes POSIX shell text and a time limit in seconds, and returns what the text printed."""

HELPER_SECONDS: Final = 20.0
"""Time for the start of a container on a busy host."""


def root_shell(session: HostSession, live: HostSnapshot) -> RunAsRoot | None:
    """Return what runs a text as root on the session's host; None where nothing can.

    Raises:
        HostError: The host does not answer.
    """
    if live.root:
        return lambda text, timeout: session.run(text, timeout=timeout)
    image = next((container.image_id for container in live.containers.values() if container.image_id), None)
    if image is None:
        return None
    folders = session.run_script("nsenter_folders.sh", timeout=HELPER_SECONDS).lines("folder")

    def run(text: str, timeout: float) -> str:
        engine = Engine(session.name, session.socket, timeout=timeout + HELPER_SECONDS)
        try:
            return engine.run_in_host(image, folders, text)
        finally:
            engine.close()

    return run


def no_root(host: str, user: str) -> HostError:
    """Return why nothing can be done as root on the host."""
    return HostError.on(
        host,
        NOT_ROOT,
        problem=f"{user} is not root on it, and there is no container whose image a helper could use",
        effect="nothing can be sent from its containers' networks",
        fix=f"name a user that is root in ipvlan-fabric:hosts.{host}.ssh, or run `pulumi up` first",
    )
