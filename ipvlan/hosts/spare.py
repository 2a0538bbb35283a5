"""The spare of a container: a stopped copy of it, from which it can run again when its replacement does not come up.

Responsible for creating it, and for removing it with everything else that a change of the container left on the host. A container
is ours where the owner label is its own: `docker commit` writes a container's labels into an image. Everything is done by id.

Out of scope: what the copy is like (`ipvlan.hosts.spare_copy`), and its start (`ipvlan.hosts.restore`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from ipvlan.hosts.engine_writes import EngineWrites
from ipvlan.hosts.errors import DOCKER_REFUSED, DOCKER_UNAVAILABLE, NAME_TAKEN, HostError
from ipvlan.hosts.ids import short_id
from ipvlan.hosts.script import ScriptResult, run_script
from ipvlan.hosts.session import HostSession
from ipvlan.hosts.spare_copy import Record, copy_of
from ipvlan.plan.resource_names import (
    FAILED_SUFFIX,
    OWNER_LABEL,
    PREVIOUS_LABEL,
    PREVIOUS_SUFFIX,
    REHEARSAL_SUFFIX,
)
from ipvlan.problems import shorten

if TYPE_CHECKING:
    from ipvlan.hosts.connection import HostConnection

CONNECT_SECONDS: Final = 20.0
"""For the connection through which Docker is asked to create the copy."""

REQUEST_SECONDS: Final = 60.0
"""For one request to Docker."""

TIMEOUT_SECONDS: Final = 120.0
"""For one visit: some docker commands, of which a few may have to stop a container, on a busy host."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Spare:
    """A copy that was created and not started."""

    id: str
    name: str
    """Its name on the host: `web.ipvlan-previous`."""
    record: Record
    """What it is a copy of."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Removed:
    """A container that was removed."""

    id: str
    name: str


def make_spare(connection: HostConnection, name: str, owner: str) -> Spare | None:
    """Create a stopped copy of the container of that name.

    Args:
        connection: The host.
        name: The container's name.
        owner: The owner label that this stack writes at this place.

    Returns:
        The copy. None where there is nothing to copy: no such container, one that is not ours, that does not run, or that is itself
        a restored one; or there is a spare already, which is kept.

    Raises:
        HostError: The host does not answer, Docker refuses the copy, or something else has its name.
    """
    with HostSession(connection, timeout=CONNECT_SECONDS) as session:
        engine = EngineWrites(connection.name, session.socket, timeout=REQUEST_SECONDS)
        try:
            return _make_spare(engine, name, owner)
        finally:
            engine.close()


def _make_spare(engine: EngineWrites, name: str, owner: str) -> Spare | None:
    container = engine.container_named(name)
    if container is None or not _is_copied(engine, container, owner):
        return None
    spare = f"{name}{PREVIOUS_SUFFIX}"
    holder = engine.container_named(spare)
    if holder is not None:
        if _is_ours(engine, holder, owner) and PREVIOUS_LABEL in _labels(holder):
            return None
        raise taken(engine.host, spare, holder["Id"])
    reference = container["Config"]["Image"]
    image = engine.image(reference)
    # A tag may be on another image by now.
    resolves = image is not None and image["Id"] == container["Image"]
    copy = copy_of(container, image=reference if resolves else container["Image"], api_version=engine.request_version)
    return Spare(id=engine.create(spare, copy.body), name=spare, record=copy.record)


def _is_copied(engine: EngineWrites, container: Mapping[str, Any], owner: str) -> bool:
    state = container["State"]
    runs = state["Running"] and not state.get("Restarting", False)
    return runs and PREVIOUS_LABEL not in _labels(container) and _is_ours(engine, container, owner)


def _is_ours(engine: EngineWrites, container: Mapping[str, Any], owner: str) -> bool:
    if not owner or _labels(container).get(OWNER_LABEL) != owner:
        return False
    image = engine.image(container["Image"])
    # Where the image is gone nobody knows whose label it is.
    return image is not None and OWNER_LABEL not in ((image.get("Config") or {}).get("Labels") or {})


def _labels(container: Mapping[str, Any]) -> Mapping[str, str]:
    return container["Config"].get("Labels") or {}


def clear(connection: HostConnection, name: str, owner: str, *, also_restored: bool) -> list[Removed]:
    """Remove the spare of a container, a replacement that failed and one of a rehearsal, with their anonymous volumes.

    What others have under these names stays, and volumes that a container uses too. It succeeds where nothing is there.

    Args:
        connection: The host.
        name: The container's name.
        owner: The owner label that this stack writes at this place.
        also_restored: Remove the container of that name too, where it is a restored one.

    Returns:
        What was removed.

    Raises:
        HostError: The host or its Docker does not answer, or Docker refuses to remove something.
    """
    variables = {**identity(name, owner), "also_restored": "yes" if also_restored else ""}
    result = answered(connection, run_script(connection, "spare_clear.sh", variables, timeout=TIMEOUT_SECONDS))
    removed = [
        Removed(id=id_, name=of) for of, _, id_ in (line.partition(" ") for line in result.output.lines("removed"))
    ]
    if "message" in result.output:
        raise HostError.on(
            connection.name,
            DOCKER_REFUSED,
            problem=f"{result.output.text('step')}: {' '.join(result.output.text('message').split())}",
            effect="it stays on the host, and it does not run by itself",
            fix="fix what Docker names on the host, then run `pulumi up` again",
        )
    return removed


def identity(name: str, owner: str) -> dict[str, str]:
    """Return the variables that `container_identity.sh` takes, and the names that a container has in a change."""
    if not owner:
        raise ValueError(f"no owner label is given for {name}")
    return {
        "name": name,
        "previous": f"{name}{PREVIOUS_SUFFIX}",
        "failed": f"{name}{FAILED_SUFFIX}",
        "rehearsal": f"{name}{REHEARSAL_SUFFIX}",
        "label": OWNER_LABEL,
        "value": owner,
        "previous_label": PREVIOUS_LABEL,
    }


def answered(connection: HostConnection, result: ScriptResult) -> ScriptResult:
    """Return the result of a script, where Docker answered it.

    Raises:
        HostError: Docker did not answer.
    """
    unavailable = result.output.text("unavailable")
    if not unavailable and "done" in result.output:
        return result
    raise HostError.on(
        connection.name,
        DOCKER_UNAVAILABLE,
        problem=f"Docker does not answer: {shorten(unavailable or result.complaints) or 'no reason given'}",
        effect="what was done until then stays done; it is safe to repeat",
        fix="see `systemctl status docker` on the host",
    )


def taken(host: str, name: str, id_: str) -> HostError:
    """Return that something which is not this stack's has a name that is needed."""
    return HostError.on(
        host,
        NAME_TAKEN,
        problem=f"the container {name} ({short_id(id_)}) is not this stack's, or its owner label comes from its image",
        effect="it was not changed, and the previous container cannot be kept or run again under that name",
        fix=f"rename it on the host (`docker rename {short_id(id_)} NEW-NAME`), then run `pulumi up` again",
    )
