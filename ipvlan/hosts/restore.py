"""The previous container of a change that failed runs again; and it makes room for the next change.

Responsible for putting the replacement aside, for the start of the spare under the container's name with its restart policy and
its published ports, and for making a restored container the spare again. All of it is safe to repeat, after an end at any line.

Out of scope: whether it is wanted (`rollout.on_failure`), and what became of the replacement (`ipvlan.hosts.settle`).
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from ipvlan.hosts import bridge
from ipvlan.hosts.bridge import BoundPort, BridgeAttachment, state_of
from ipvlan.hosts.engine_writes import EngineWrites, open_engine
from ipvlan.hosts.errors import HostError
from ipvlan.hosts.spare import Holder, holder_of, taken
from ipvlan.plan.resource_names import BRIDGE, FAILED_SUFFIX, PREVIOUS_SUFFIX

if TYPE_CHECKING:
    from ipvlan.hosts.connection import HostConnection

DOCKER_GRACE: Final = 10
"""Seconds between the stop signal and the kill where a container says nothing, as `docker stop` has it."""

LONGEST_GRACE: Final = 5
"""Seconds that a replacement which did not come up has to end: the previous container waits for its address."""

NEVER: Final = "0001-"
"""How the time of a start begins that has not been (the zero time of Go)."""

RELEASE_SECONDS: Final = 1.0
"""Until Docker has released the address of what was stopped."""

_TAKES_NO_POLICY: Final = ("dead", "removing")
"""States of a container for which Docker refuses an update; it does not start such a one either."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Restored:
    """The previous container, which runs again."""

    id: str
    failed_id: str
    """Id of the replacement that was put aside; empty where there is none."""
    of: str
    """Id of the container that it is a copy of."""


def restore(
    connection: HostConnection, name: str, owner: str, *, grace: int, session: EngineWrites | None = None
) -> Restored | None:
    """Start the previous container under its name again, with its published ports; put its replacement aside.

    Args:
        connection: The host.
        name: The container's name.
        owner: The owner label that this stack writes at this place.
        grace: Seconds between the stop signal and the kill of the replacement; `LONGEST_GRACE` at most.
        session: Docker on the host, where a session is open already.

    Returns:
        What runs now, and what was put aside; None where there is no previous container, and nothing was changed, or where the
        container of which it is a copy was not deleted: that one runs then, by this name or by the one that it had.

    Raises:
        HostError: The host or its Docker does not answer; something of others has a name that is needed, and nothing was changed;
            or Docker refuses a step. It is safe to call again.
    """
    with open_engine(connection) if session is None else contextlib.nullcontext(session) as engine:
        now = holder_of(engine, name, owner)
        if now is not None and not now.ours:
            raise taken(connection.name, name, now.id)
        failed = holder_of(engine, f"{name}{FAILED_SUFFIX}", owner)
        replaced = None if now is None or now.copy else now
        spare = now if now is not None and now.copy else _spare(engine, name, owner)
        if spare is None or spare.record is None:
            return None
        original = (
            engine.find_container(spare.record.of) if replaced is None or replaced.id == spare.record.of else None
        )
        if original is not None:
            if not original["State"]["Running"]:
                # It was stopped for a deletion that did not happen.
                _start(engine, original["Id"])
            return None
        if replaced is not None and failed is not None and not failed.ours:
            raise taken(connection.name, f"{name}{FAILED_SUFFIX}", failed.id)
        aside = replaced or (failed if failed is not None and failed.ours else None)
        if aside is not None and (aside is replaced or aside.inspected["State"]["Running"]):
            # One that is aside already may run where its host started meanwhile: its policy is set last.
            engine.stop(aside.id, max(0, min(grace, LONGEST_GRACE)))
        if replaced is not None:
            if failed is not None:
                engine.remove(failed.id, volumes=True)
            engine.rename(replaced.id, f"{name}{FAILED_SUFFIX}")
        engine.set_restart(spare.id, spare.record.restart)
        if spare is not now:
            engine.rename(spare.id, name)
        _start(engine, spare.id)
        if aside is not None:
            # Not before: Docker updates no container that it is about to start again, and the service is down meanwhile.
            _keep_stopped(engine, aside)
        inspected = engine.container(spare.id)
        attachment = own_attachment(connection, name, inspected, internal=internal_networks(engine, inspected))
    state = state_of(inspected)
    if spare.record.bridge and (not state.connected or state.missing(attachment.ports)):
        bridge.connect(attachment)
    return Restored(id=spare.id, failed_id="" if aside is None else aside.id, of=spare.record.of)


def start_unstarted(engine: EngineWrites, id_: str) -> dict[str, Any] | None:
    """Start a container that was created and never started, and that nothing is wrong with; leave any other one.

    The docker provider starts what it creates. A power cut undoes the start: Docker does not wait until it is on the disk. Where
    Docker refuses the start nothing is raised: it keeps the reason, and whoever looks at the container finds that.

    Returns:
        How Docker describes the container now; None where it is absent.
    """
    inspected = engine.find_container(id_)
    if inspected is None or inspected["Name"].endswith(FAILED_SUFFIX):
        return inspected
    state = inspected["State"]
    if not was_never_started(state) or state.get("Error"):
        return inspected
    with contextlib.suppress(HostError):
        engine.start(id_)
    return engine.find_container(id_)


def was_never_started(state: Mapping[str, Any]) -> bool:
    """Return whether a container was created and never ran, by its state as Docker describes it."""
    return bool(state["Status"] == "created" and state["StartedAt"].startswith(NEVER))


def _spare(engine: EngineWrites, name: str, owner: str) -> Holder | None:
    spare = holder_of(engine, f"{name}{PREVIOUS_SUFFIX}", owner)
    if spare is not None and not spare.ours:
        raise taken(engine.host, f"{name}{PREVIOUS_SUFFIX}", spare.id)
    return spare


def _start(engine: EngineWrites, id_: str) -> None:
    try:
        engine.start(id_)
    except HostError:
        time.sleep(RELEASE_SECONDS)
        engine.start(id_)


def _keep_stopped(engine: EngineWrites, aside: Holder) -> None:
    policy = (aside.inspected["HostConfig"].get("RestartPolicy") or {}).get("Name") or "no"
    if policy != "no" and aside.inspected["State"]["Status"] not in _TAKES_NO_POLICY:
        engine.set_restart(aside.id, "no")


def set_aside(connection: HostConnection, name: str, owner: str) -> bool:
    """Stop the restored container of that name, and make it the spare again: its name is free then.

    Returns:
        Whether a restored container of ours had the name.

    Raises:
        HostError: The host or its Docker does not answer, something of others has the spare's name, or Docker refuses a step.
    """
    with open_engine(connection) as engine:
        restored = holder_of(engine, name, owner)
        if restored is None or not restored.copy:
            return False
        spare = _spare(engine, name, owner)
        if spare is not None:
            # Its anonymous volumes may be those of the restored one.
            engine.remove(spare.id, volumes=False)
        # It served until now, and has the time to end that it is to have.
        own = restored.inspected["Config"].get("StopTimeout")
        engine.stop(restored.id, DOCKER_GRACE if own is None else int(own))
        # Not before: Docker updates no container that it is about to start again.
        engine.set_restart(restored.id, "no")
        engine.rename(restored.id, f"{name}{PREVIOUS_SUFFIX}")
        return True


def internal_networks(engine: EngineWrites, inspected: Mapping[str, Any]) -> Collection[str]:
    """Return the names of the host's networks without a way out; nothing is asked for a container on one network and the bridge."""
    if not list(_beside_bridge(inspected))[1:]:
        return ()
    return frozenset(network["Name"] for network in engine.networks() if network.get("Internal"))


def own_attachment(
    connection: HostConnection, name: str, inspected: Mapping[str, Any], *, internal: Collection[str] = ()
) -> BridgeAttachment:
    """Return the bridge attachment of a container with its own ports: those of its replacement may be others.

    Args:
        connection: The host.
        name: The container's name.
        inspected: The container, as Docker describes it.
        internal: Names of networks that never have the default route.
    """
    networks = _beside_bridge(inspected)
    fixed = (each for each, endpoint in networks.items() if (endpoint.get("IPAMConfig") or {}).get("IPv4Address"))
    # The fabric's, where it has several: it has a fixed address there.
    main = next(fixed, next(iter(networks), ""))
    bindings = inspected["HostConfig"].get("PortBindings") or {}
    return BridgeAttachment(
        connection=connection,
        container=name,
        container_id=inspected["Id"],
        network="" if main in internal else main,
        networks=tuple(sorted(networks.keys() - {main, *internal})),
        ports=tuple(
            BoundPort(container_port=port, host_address=binding.get("HostIp") or "", host_port=int(binding["HostPort"]))
            for port, wanted in bindings.items()
            for binding in wanted or ()
            if binding.get("HostPort")
        ),
    )


def _beside_bridge(inspected: Mapping[str, Any]) -> dict[str, Any]:
    """Return the connections of a container, by the network's name, without that to Docker's bridge."""
    networks = inspected["NetworkSettings"].get("Networks") or {}
    return {name: endpoint for name, endpoint in networks.items() if name != BRIDGE}
