"""What a rehearsal would leave on a host: its container, and named volumes, which Docker creates together with a container.

Docker creates a missing folder of a bind mount when a container starts, and not before (moby 28.5, package volume/mounts), so a
rehearsal leaves none. A volume without a name goes with its container.

Out of scope: the rehearsal itself (`provider.rehearsal`).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

from ipvlan.hosts.errors import DOCKER_UNAVAILABLE, HostError
from ipvlan.hosts.orphans import Found, name_taken
from ipvlan.hosts.script import Output, read_json, run_script
from ipvlan.plan.resource_names import OWNER_LABEL

if TYPE_CHECKING:
    from ipvlan.hosts.connection import HostConnection

TIMEOUT_SECONDS: Final = 60.0
"""For one visit: a few docker commands, on a busy host."""


def clean_before(
    connection: HostConnection, name: str, owner: str, volumes: Iterable[str], *, key: str
) -> tuple[str, ...]:
    """Remove the container of a rehearsal that was killed; return which of the volumes are not on the host.

    Args:
        connection: The host.
        name: The name of the rehearsal's container.
        owner: The owner label of the container that is to be replaced.
        volumes: Names of volumes.
        key: The config key that sets the container's name.

    Raises:
        HostError: The host or its Docker does not answer, or another container has the name.
    """
    output = _visit(connection, name, owner, volumes, remove="")
    if "kept" in output:
        labels = read_json(connection.name, output, "labels") or {}
        found = Found(id=output.text("id"), labels=labels, kept=output.text("kept"))
        raise name_taken(connection, "container", name, found, key=key, unread="")
    return output.lines("missing")


def clean_after(connection: HostConnection, name: str, owner: str, volumes: Iterable[str]) -> None:
    """Remove the rehearsal's container where it is still there, and these volumes where no container uses them by now.

    Args:
        connection: The host.
        name: The name of the rehearsal's container.
        owner: The owner label of the container that is to be replaced.
        volumes: Names of volumes that were not there before the rehearsal.

    Raises:
        HostError: The host or its Docker does not answer.
    """
    _visit(connection, name, owner, volumes, remove="yes")


def _visit(connection: HostConnection, name: str, owner: str, volumes: Iterable[str], *, remove: str) -> Output:
    variables = {
        "name": name,
        "label": OWNER_LABEL,
        "value": owner,
        "volumes": " ".join(sorted(volumes)),
        "remove": remove,
    }
    output = run_script(connection, "rehearsal_clean.sh", variables, timeout=TIMEOUT_SECONDS).output
    if "docker_failure" in output:
        raise HostError.on(
            connection.name,
            DOCKER_UNAVAILABLE,
            problem=f"Docker does not list its volumes: {output.text('docker_failure')}",
            effect="the new container was not tried, and the running one was not touched",
            fix="let `docker volume ls` succeed on the host, then run the command again",
        )
    return output
