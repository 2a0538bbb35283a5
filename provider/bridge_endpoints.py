"""One container's connections to bridges of the section `bridges`, and its first start (docs/decisions/0032-bridges.md).

A container with bridges is created and not started: it is started here, when it has all of them, so that names resolve at its first
instruction. Everything but another container is an update.

Out of scope: the work on the host, which `ipvlan.hosts.endpoints` does. The state of every stack has the properties' names.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final

from ipvlan.hosts.errors import HostError
from provider.errors import not_importable
from provider.not_up import bring_back, not_up
from provider.resource import Created, Difference, Operation, Properties, Resource, compare, connection_of, file_secrets

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ipvlan.hosts.connection import HostConnection
    from ipvlan.hosts.endpoints import Wanted
    from ipvlan.hosts.engine_writes import EngineWrites

_IDENTITY: Final = ("host", "container_id")
_CONTENT: Final = ("container", "endpoints", "priority", "keep_bridge")
"""Properties whose change does something on the host."""
_NOT_THERE: Final = ("renamed", "dead")
"""What became of a container that was put aside for its previous one, or that Docker could not remove."""


class BridgeEndpoints(Resource):
    """Connects a container to its bridges. The id is `HOST/CONTAINER_ID`."""

    name: ClassVar[str] = "BridgeEndpoints"

    def create(self, inputs: Properties, operation: Operation) -> Created:
        """Connect the container to all of its bridges, and start it where it never ran."""
        _attached(inputs, operation, former={})
        return Created(f"{inputs['host']}/{inputs['container_id']}", {**inputs, "detached": False})

    def read(self, id_: str, state: Properties, operation: Operation) -> Properties | None:
        """Return the connections as they are, so that an `up` sees a difference; None without the container.

        Fail if the host does not answer.
        """
        from ipvlan.hosts.endpoints import differences  # noqa: PLC0415  # most runs of this process read no container
        from ipvlan.hosts.engine_writes import open_engine  # noqa: PLC0415

        if not state:
            raise not_importable(self.name, id_)
        wanted = _wanted(state)
        with open_engine(connection_of(state, operation)) as engine:
            networks = engine.networks()
            engine.prepare_priorities()
            inspected = engine.find_container(wanted.container_id)
        if inspected is None:
            return None
        found = differences(wanted, inspected, networks)
        if not found.to_do:
            return state
        changed = {each.network for each in found.missing} | {planned.network for planned, _ in found.different}
        return {
            **state,
            "endpoints": [
                *(each for each in state["endpoints"] if each["network"] not in changed),
                *(
                    {"network": live.network, "network_id": live.network_id, "aliases": list(live.aliases)}
                    for live in (*(live for _, live in found.different), *found.extra)
                ),
            ],
            "keep_bridge": state["keep_bridge"] or found.on_bridge,
            "priority": next(
                (live.priority for _, live in found.different if live.priority is not None), state["priority"]
            ),
        }

    def diff(self, old: Properties, new: Properties) -> Difference:
        """Replace for another container; anything else is an update, also a connection that is known to have ended."""
        found = compare(old, new, identity=_IDENTITY, rest=(*_CONTENT, "ssh", "rollout", "secrets"))
        return Difference([*found.changed, *(["detached"] if new.get("detached") else [])], found.replaces)

    def update(self, old: Properties, new: Properties, operation: Operation) -> Properties:
        """Connect and disconnect what differs, also from the state; nothing else happens to the container."""
        detached = new.get("detached")
        if detached or compare(old, new, identity=(), rest=_CONTENT).changed:
            _attached(new, operation, former={each["network"]: each["network_id"] for each in old["endpoints"]})
        if detached:
            operation.warn(
                f"container {new['container']} on {new['host']} was not on all of its bridge networks, and was connected to them "
                "again"
            )
        return {**new, "detached": False}

    def delete(self, state: Properties, operation: Operation) -> None:
        """Disconnect the container; succeed if a connection, a network or the container is gone already."""
        from ipvlan.hosts.endpoints import detach  # noqa: PLC0415  # most runs of this process delete no connection
        from ipvlan.hosts.engine_writes import open_engine  # noqa: PLC0415

        connection = connection_of(state, operation)
        operation.hold(connection)
        with open_engine(connection) as engine:
            detach(engine, _wanted(state))


def _attached(properties: Properties, operation: Operation, *, former: Mapping[str, str]) -> None:
    """Make the connections as planned, without the former ones; where that fails, run the previous container again.

    `former` is name -> id of the networks to which this stack connected the container before.

    Raises:
        HostError: Why the container is not connected, with what became of the previous one.
    """
    from ipvlan.hosts.endpoints import attach  # noqa: PLC0415  # most runs of this process connect nothing
    from ipvlan.hosts.engine_writes import open_engine  # noqa: PLC0415

    connection, wanted = connection_of(properties, operation), _wanted(properties)
    operation.hold(connection)
    with open_engine(connection) as engine:
        _require_there(engine, connection, properties)
        try:
            attach(engine, wanted, former=former)
        except HostError as error:
            raise _restored(engine, connection, properties, error) from None


def _require_there(engine: EngineWrites, connection: HostConnection, properties: Properties) -> None:
    """Fail with the evidence where the container was put aside already.

    Raises:
        HostError: What became of it.
    """
    from ipvlan.hosts.settle import ended_for_good  # noqa: PLC0415

    rollout = properties["rollout"]
    outcome = ended_for_good(
        engine,
        engine.find_container(properties["container_id"]),
        secret_names=rollout["secret_names"],
        secrets=file_secrets(properties),
    )
    if outcome is not None and outcome.kind in _NOT_THERE:
        raise not_up(
            connection,
            engine,
            properties["container"],
            rollout["owner"],
            outcome,
            healthy_within=int(rollout["healthy_within"]),
            on_failure=rollout["on_failure"],
        )


def _restored(engine: EngineWrites, connection: HostConnection, properties: Properties, error: HostError) -> HostError:
    """Run the previous container again, where there is one, and return the error with what became of it."""
    from ipvlan.hosts.container_failure import with_restored  # noqa: PLC0415  # most connections succeed

    rollout, container = properties["rollout"], properties["container"]
    if rollout["on_failure"] != "restore":
        return error
    restored, failure = bring_back(connection, container, rollout["owner"], engine)
    if failure is not None:
        # Without the name of a host both are shown.
        return HostError([*error.problems, *failure.problems])
    return error if restored is None else with_restored(error, container, restored)


def _wanted(properties: Properties) -> Wanted:
    from ipvlan.hosts.endpoints import Endpoint, Wanted  # noqa: PLC0415
    from ipvlan.plan.ownership import owner_of  # noqa: PLC0415

    return Wanted(
        host=properties["host"],
        container=properties["container"],
        container_id=properties["container_id"],
        endpoints=tuple(
            Endpoint(network=each["network"], network_id=each["network_id"], aliases=tuple(each["aliases"]))
            for each in properties["endpoints"]
        ),
        priority=int(properties["priority"]),
        keep_bridge=properties["keep_bridge"],
        owner=owner_of(properties["rollout"]["owner"]),
    )
