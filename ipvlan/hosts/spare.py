"""The spare of a container: a stopped copy of it, from which it can run again when its replacement does not come up.

Responsible for creating it, and for removing it with everything else that a change of the container left on the host. A container
is ours where the owner label is its own: `docker commit` writes a container's labels into an image. Everything is done by id.

Out of scope: what the copy is like (`ipvlan.hosts.spare_copy`), and its start (`ipvlan.hosts.restore`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ipvlan.hosts.bridge import BRIDGE_GATEWAY_PRIORITY, state_of
from ipvlan.hosts.engine_writes import EngineWrites, open_engine
from ipvlan.hosts.errors import NAME_TAKEN, HostError
from ipvlan.hosts.ids import short_id
from ipvlan.hosts.spare_copy import Copy, Record, copy_of, endpoint_settings, needs_newer_api
from ipvlan.plan.resource_names import (
    FAILED_SUFFIX,
    OWNER_LABEL,
    PREVIOUS_LABEL,
    PREVIOUS_SUFFIX,
    REHEARSAL_SUFFIX,
)

if TYPE_CHECKING:
    from ipvlan.hosts.connection import HostConnection
    from ipvlan.hosts.files import FilesFolder


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """What has a name on a host."""

    id: str
    ours: bool
    """Whether the owner label of this stack and place is its own, and not its image's."""
    record: Record | None
    """What it is a copy of; None where it is no copy."""
    inspected: Mapping[str, Any]

    @property
    def copy(self) -> bool:
        """Whether it is a copy of ours: a spare, or a restored container."""
        return self.ours and self.record is not None


def holder_of(engine: EngineWrites, name: str, owner: str) -> Holder | None:
    """Return what has a name; None where nothing has.

    Args:
        engine: Docker on the host.
        name: The name.
        owner: The owner label that this stack writes at this place.

    Raises:
        HostError: Docker does not answer.
    """
    if not owner:
        raise ValueError(f"no owner label is given for {name}")
    inspected = engine.container_named(name)
    if inspected is None:
        return None
    labels = inspected["Config"].get("Labels") or {}
    return Holder(
        id=inspected["Id"],
        ours=labels.get(OWNER_LABEL) == owner and not labelled_by_image(engine, inspected["Image"]),
        record=Record.parse(labels[PREVIOUS_LABEL]) if PREVIOUS_LABEL in labels else None,
        inspected=inspected,
    )


def labelled_by_image(engine: EngineWrites, id_: str) -> bool:
    """Return whether an owner label is that of the image, by its id, as `docker commit` makes them; also where it is gone."""
    image = engine.image(id_)
    # Where the image is gone nobody knows whose label it is.
    return image is None or OWNER_LABEL in ((image.get("Config") or {}).get("Labels") or {})


def make_spare(
    connection: HostConnection, name: str, owner: str, *, running: str = "", files: FilesFolder | None = None
) -> str:
    """Create a stopped copy of a container.

    Nothing is done where there is nothing to copy: no such container, one that is not ours, that does not run, or that is itself a
    restored one. A spare that is there already is kept.

    Args:
        connection: The host.
        name: The name under which it is to run again.
        running: Its name now; empty for the same.
        owner: The owner label that this stack writes at this place.
        files: The folder of its files: they are copied, and the spare mounts the copy. None for a container without any.

    Returns:
        Why there is none, where a person should know; empty otherwise.

    Raises:
        HostError: The host does not answer, Docker refuses the copy, or something else has its name.
    """
    with open_engine(connection) as engine:
        found = holder_of(engine, running or name, owner)
        if running not in {"", name}:
            found = _moved(engine, found, running, name, owner)
        if found is not None and not found.ours:
            return (
                f'host "{connection.name}": no copy of {running or name} ({short_id(found.id)}) is kept, because it has no owner '
                f"label of this stack: where its replacement does not come up, it does not run again"
            )
        if found is None or found.copy or not _runs(found):
            return ""
        spare = f"{name}{PREVIOUS_SUFFIX}"
        holder = holder_of(engine, spare, owner)
        if holder is not None and not holder.copy:
            raise taken(connection.name, spare, holder.id)
        if holder is not None:
            # The run that created it may have ended before it was connected.
            if holder.record is not None and holder.record.bridge and not state_of(holder.inspected).connected:
                engine.connect_bridge(holder.id, BRIDGE_GATEWAY_PRIORITY)
            _connect_missing(engine, holder, found.inspected)
            return ""
        # Nothing mounts an earlier copy: neither a spare nor a restored container is there.
        if files is not None and not files.keep_for_spare():
            return (
                f'host "{connection.name}": no copy of {running or name} ({short_id(found.id)}) is kept, because {files.path}/live '
                f"is not there, which has its files: where its replacement does not come up, it does not run again"
            )
        copy = _copy(engine, found.inspected, "" if files is None else files.path)
        id_ = engine.create(spare, copy.body)
        for network, endpoint in copy.later.items():
            engine.connect(id_, network, endpoint)
        if copy.record.bridge:
            # Its ports are bound at its start then.
            engine.connect_bridge(id_, BRIDGE_GATEWAY_PRIORITY)
        return ""


def _connect_missing(engine: EngineWrites, spare: Holder, running: Mapping[str, Any]) -> None:
    """Connect a spare to the networks that its record names, and that the run which created it did not connect."""
    there = spare.inspected["NetworkSettings"].get("Networks") or {}
    networks = running["NetworkSettings"].get("Networks") or {}
    for name in () if spare.record is None else spare.record.bridges:
        if name not in there and name in networks:
            engine.connect(spare.id, name, endpoint_settings(networks[name], running["Id"]))


def _moved(engine: EngineWrites, found: Holder | None, running: str, name: str, owner: str) -> Holder | None:
    """Give what earlier changes left under a container's old name the new one; return what is to be copied."""
    if found is not None and found.copy:
        # It serves until the new one is created, which sets it aside.
        engine.rename(found.id, name)
        found = None
    spare = holder_of(engine, f"{running}{PREVIOUS_SUFFIX}", owner)
    if spare is not None and spare.copy:
        engine.rename(spare.id, f"{name}{PREVIOUS_SUFFIX}")
    return found


def _copy(engine: EngineWrites, container: Mapping[str, Any], files_folder: str) -> Copy:
    if needs_newer_api(container):
        engine.speak_newest()
    reference = container["Config"]["Image"]
    image = engine.image(reference)
    # A tag may be on another image by now.
    resolves = image is not None and image["Id"] == container["Image"]
    return copy_of(
        container,
        image=reference if resolves else container["Image"],
        api_version=engine.request_version,
        files_folder=files_folder,
    )


def _runs(found: Holder) -> bool:
    state = found.inspected["State"]
    return bool(state["Running"]) and not state.get("Restarting", False)


def clear(connection: HostConnection, name: str, owner: str, *, also_restored: bool) -> None:
    """Remove the spare of a container, a replacement that failed and one of a rehearsal, with their anonymous volumes.

    What others have under these names stays, and volumes that a container uses too. It succeeds where nothing is there.

    Args:
        connection: The host.
        name: The container's name.
        owner: The owner label that this stack writes at this place.
        also_restored: Remove the container of that name too, where it is a restored one.

    Raises:
        HostError: The host or its Docker does not answer, or Docker refuses to remove something.
    """
    with open_engine(connection) as engine:
        clear_with(engine, name, owner, also_restored=also_restored)


def clear_with(engine: EngineWrites, name: str, owner: str, *, also_restored: bool) -> None:
    """Do what `clear` does, in an open session."""
    volumes: list[str] = []
    for suffix in (REHEARSAL_SUFFIX, FAILED_SUFFIX, PREVIOUS_SUFFIX, *([""] if also_restored else [])):
        found = holder_of(engine, f"{name}{suffix}", owner)
        if found is None or not found.ours or (suffix in {PREVIOUS_SUFFIX, ""} and not found.copy):
            continue
        # Its own anonymous volumes go with it, and none that another container uses.
        engine.remove(found.id, volumes=True)
        volumes += found.record.volumes if found.record is not None else ()
    for volume in volumes:
        engine.remove_volume(volume)


def taken(host: str, name: str, id_: str) -> HostError:
    """Return that something which is not this stack's has a name that is needed."""
    return HostError.on(
        host,
        NAME_TAKEN,
        problem=f"the container {name} ({short_id(id_)}) is not this stack's, or its owner label comes from its image",
        effect="it was not changed, and the previous container cannot be kept or run again under that name",
        fix=f"rename it on the host (`docker rename {short_id(id_)} NEW-NAME`), then run `pulumi up` again",
    )
