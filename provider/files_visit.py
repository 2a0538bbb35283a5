"""A visit to a host for the files of one container: Docker there, and root's hand in the container's folder.

Out of scope: what is done with them (`provider.files`, `provider.files_in_use`, `provider.handover`).
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from typing import Any

from ipvlan.hosts.engine_writes import EngineWrites, open_session
from ipvlan.hosts.errors import FILES_NOT_ROOT, FILES_REMAPPED, HostError
from ipvlan.hosts.files import FilesFolder
from ipvlan.hosts.root_shell import root_for_files
from provider.resource import Operation, connection_of


@contextlib.contextmanager
def open_files(properties: Mapping[str, Any], operation: Operation) -> Iterator[tuple[EngineWrites, FilesFolder]]:
    """Open a session to the host of a resource that has `host`, `ssh`, `service`, `image` and `owner`.

    Raises:
        HostError: The host or its Docker does not answer, or nothing is root there (IPF813).
    """
    connection, owner = connection_of(properties, operation), properties["owner"]
    with open_session(connection) as (session, engine):
        run = root_for_files(session, engine, properties["image"], owner.partition("/")[0])
        if run is None:
            raise _no_root(connection.name, properties)
        yield engine, FilesFolder(host=connection.name, label=owner, run=run)


def check_users(engine: EngineWrites, properties: Mapping[str, Any]) -> None:
    """Make sure that a file's owner is the same user in the container; raise HostError where Docker remaps it (IPF817)."""
    if properties["userns_host"] or not engine.remaps_users():
        return
    raise HostError.on(
        properties["host"],
        FILES_REMAPPED,
        problem="its Docker has userns-remap: root in a container is another user on the host",
        effect=f'the container of service "{properties["service"]}" could not read its files; none was written',
        fix=f"set services.{properties['service']}.userns_mode: host, or remove userns-remap from daemon.json",
    )


def _no_root(host: str, properties: Mapping[str, Any]) -> HostError:
    return HostError.on(
        host,
        FILES_NOT_ROOT,
        problem="the ssh user is not root, sudo asks for a password, and the service's image is not there for a helper container: "
        f"{properties['image']}",
        effect=f'the files of service "{properties["service"]}" are not written, read or removed',
        fix=f"name a user in ipvlan-fabric:hosts.{host}.ssh that is root or may use sudo without a password; or pull the image",
    )
