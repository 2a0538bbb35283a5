"""The process that ends the handovers of a run that ended before they did: what is up stays, and what is not goes back.

It reads the handovers from standard input and prints nothing: whoever started the run may be gone. `ipvlan status` shows what it
did. It has the lock of each host on which it works, and ends by itself.

Out of scope: which handovers are open (`provider.open_handovers`).
"""

from __future__ import annotations

import contextlib
import json
import sys
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

from ipvlan.hosts import bridge
from ipvlan.hosts.bridge import BridgeAttachment
from ipvlan.hosts.connection import HostConnection
from ipvlan.hosts.engine_writes import EngineWrites, open_engine
from ipvlan.hosts.errors import HostError
from ipvlan.hosts.host_lock import ENDS_A_RUN, HostLockedError, HostLocks
from ipvlan.hosts.host_lock import Holder as LockHolder
from ipvlan.hosts.restore import (
    LONGEST_GRACE,
    internal_networks,
    own_attachment,
    restore,
    start_unstarted,
    was_never_started,
)
from ipvlan.hosts.settle import settle
from ipvlan.hosts.spare import Holder, holder_of
from ipvlan.plan.ownership import has_owner, owner_of
from ipvlan.plan.resource_names import PREVIOUS_SUFFIX

SECONDS_FOR_LOCKS: Final = 60.0
"""How long the lock of a host is tried for: the run that has ended may still have it for some seconds."""

HOST_SECONDS: Final = 20.0
"""Time limit of one host's lock, in seconds."""

STOP_SECONDS: Final = 5.0
"""How much longer than its grace a container may take to stop and to be deleted, in seconds."""


def main() -> None:
    """Work on all hosts at the same time, and on the containers of one host one after another."""
    handovers: list[dict[str, Any]] = json.load(sys.stdin)
    hosts: dict[str, list[dict[str, Any]]] = {}
    for handover in handovers:
        hosts.setdefault(handover["host"], []).append(handover)
    with ThreadPoolExecutor(max_workers=len(hosts)) as pool:
        list(pool.map(_on_host, hosts.values()))


def _on_host(handovers: list[dict[str, Any]]) -> None:
    connection = HostConnection(name=handovers[0]["host"], command=tuple(handovers[0]["ssh"]))
    with HostLocks(LockHolder(what=ENDS_A_RUN), timeout=HOST_SECONDS) as locks:
        if not _lock(locks, connection):
            return
        for handover in handovers:
            # A host that fails has no other way to say so than `ipvlan status`; the next container may not fail.
            with contextlib.suppress(HostError):
                go_back(connection, handover)


def _lock(locks: HostLocks, connection: HostConnection) -> bool:
    end = time.monotonic() + SECONDS_FOR_LOCKS
    while True:
        try:
            answer = locks.acquire([connection])[connection.name]
        except HostLockedError as error:
            answer = error
        if not isinstance(answer, HostError):
            return True
        if time.monotonic() > end:
            return False
        time.sleep(1)


def go_back(connection: HostConnection, handover: Mapping[str, Any]) -> None:
    """Run the previous container again unless the new one comes up; bind the ports of the new one where the run did not.

    Raises:
        HostError: The host does not answer, or the previous one does not run.
    """
    name, owner = handover["container"], handover["owner"]
    with open_engine(connection) as engine:
        found = holder_of(engine, name, owner)
        spare = holder_of(engine, f"{name}{PREVIOUS_SUFFIX}", owner)
        if _is_previous(found) or _is_there(engine, spare):
            # Docker may be about to stop it: it goes on with what it was asked for before the run ended.
            time.sleep(float(handover["stop_seconds"]) + STOP_SECONDS)
            found = holder_of(engine, name, owner)
        if found is not None and found.ours and not found.copy:
            if not _connected(engine, handover, found):
                restore(connection, name, owner, grace=LONGEST_GRACE, session=engine)
                return
            start_unstarted(engine, found.id)
        within = int(handover["healthy_within"])
        if (
            found is None
            or not found.ours
            # One that was stopped meanwhile may have ended with exit code 0: it is no job that has done its work.
            or settle(engine, found.id, healthy_within=within, ports=(), secret_names=()).kind != "up"
        ):
            restore(connection, name, owner, grace=LONGEST_GRACE, session=engine)
            return
        attachment = _attachment(connection, engine, name, found.id) if handover["bridged"] else None
    if attachment is not None:
        _publish(attachment, owner)


def _connected(engine: EngineWrites, handover: Mapping[str, Any], found: Holder) -> bool:
    """Connect a container that never started to its planned bridges, and start it; return whether it is on all of them.

    One that was started had them: the run starts it when it is on all of them.
    """
    if not handover.get("endpoints") or not was_never_started(found.inspected["State"]):
        return True
    # Not for a container without bridges: they load what reads a config.
    from ipvlan.hosts import endpoints  # noqa: PLC0415
    from ipvlan.hosts.bridge_networks import DRIVER  # noqa: PLC0415

    owner = owner_of(handover["owner"])
    networks = [each for each in engine.networks() if each["Driver"] == DRIVER]
    # Before Docker 25 names are not unique: of several it is this stack's.
    networks.sort(key=lambda each: has_owner(each.get("Labels") or {}, owner))
    ids = {each["Name"]: each["Id"] for each in networks}
    wanted = endpoints.Wanted(
        host=handover["host"],
        container=handover["container"],
        container_id=found.id,
        endpoints=tuple(
            endpoints.Endpoint(
                network=each["network"], network_id=ids.get(each["network"], ""), aliases=tuple(each["aliases"])
            )
            for each in handover["endpoints"]
        ),
        priority=endpoints.ENDPOINT_PRIORITY,
        keep_bridge=handover["keep_bridge"],
        owner=owner,
    )
    try:
        endpoints.attach(engine, wanted)
    except HostError:
        return False
    return True


def _attachment(connection: HostConnection, engine: EngineWrites, name: str, id_: str) -> BridgeAttachment:
    inspected = engine.container(id_)
    return own_attachment(connection, name, inspected, internal=internal_networks(engine, inspected))


def _publish(attachment: BridgeAttachment, owner: str) -> None:
    """Connect the new container; run the previous one again where its ports are not bound then."""
    try:
        bridge.connect(attachment)
    except HostError:
        restore(attachment.connection, attachment.container, owner, grace=LONGEST_GRACE)


def _is_previous(found: Holder | None) -> bool:
    """Return whether what has the name is a restored container."""
    return found is not None and found.copy


def _is_there(engine: EngineWrites, spare: Holder | None) -> bool:
    """Return whether the container of which the spare is a copy was not deleted; it may have another name than the new one."""
    return spare is not None and spare.record is not None and engine.find_container(spare.record.of) is not None


if __name__ == "__main__":
    main()
