"""One container's connection to Docker's bridge: created, read and deleted on the host (docs/decisions/0003-bridge-connection.md).

Out of scope: the work on the host, which `ipvlan.hosts.bridge` does. The state of every stack has the properties' names.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Final

from ipvlan.hosts import bridge
from ipvlan.hosts.errors import HostError
from provider.errors import not_importable
from provider.not_up import bring_back, not_up
from provider.resource import (
    Created,
    Difference,
    Operation,
    Properties,
    Resource,
    bound_ports,
    compare,
    connection_of,
    file_secrets,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ipvlan.hosts.engine_writes import EngineWrites
    from ipvlan.hosts.settle import Settled

_IDENTITY: Final = ("host", "container", "container_id", "fabric", "ports")
"""Properties whose change replaces the connection. A change of another one does nothing on the host."""


def _attachment(properties: Properties, operation: Operation) -> bridge.BridgeAttachment:
    return bridge.BridgeAttachment(
        connection=connection_of(properties, operation),
        container=properties["container"],
        container_id=properties["container_id"],
        network=properties["fabric"],
        networks=tuple(properties.get("networks") or ()),
        ports=bound_ports(properties["ports"]),
    )


class BridgeConnection(Resource):
    """Creates, reads and deletes bridge connections. The id is `HOST/CONTAINER_ID`."""

    name: ClassVar[str] = "BridgeConnection"

    def create(self, inputs: Properties, operation: Operation) -> Created:
        """Connect; succeed only if every port is bound then."""
        attachment = _attachment(inputs, operation)
        operation.hold(attachment.connection)
        if not _connected_in_one_visit(inputs, attachment):
            try:
                bridge.connect(attachment)
            except HostError as error:
                ended = _not_up_meanwhile(inputs, attachment)
                if ended is None:
                    raise _restored(inputs, attachment, error) from None
                # It may end because it has no connection, for a reason of its own such as a port of others.
                raise HostError([*ended.problems, *error.problems]) from None
        return Created(f"{inputs['host']}/{attachment.container_id}", inputs)

    def read(self, id_: str, state: Properties, operation: Operation) -> Properties | None:
        """Return None unless this container has the connection with all its ports; fail if the host does not answer."""
        if not state:
            raise not_importable(self.name, id_)
        attachment = _attachment(state, operation)
        found = bridge.read(attachment)
        # Docker unbinds the ports of a stopped container and binds them again when it starts.
        exists = (
            found is not None
            and found.connected
            and found.container_id == state["container_id"]
            and id_ == f"{state['host']}/{found.container_id}"
            and (not found.running or not found.missing(attachment.ports))
        )
        return state if exists else None

    def diff(self, old: Properties, new: Properties) -> Difference:
        """Replace for another container or other ports; for another ssh command or other networks update the state alone."""
        return compare(old, new, identity=_IDENTITY, rest=["ssh", "secrets", "networks"])

    def update(self, old: Properties, new: Properties, operation: Operation) -> Properties:  # noqa: ARG002
        """Record what changed; nothing is done on the host."""
        return new

    def delete(self, state: Properties, operation: Operation) -> None:
        """Disconnect; succeed if the connection or the container is gone already."""
        attachment = _attachment(state, operation)
        operation.hold(attachment.connection)
        bridge.disconnect(attachment)


def _connected_in_one_visit(inputs: Properties, attachment: bridge.BridgeAttachment) -> bool:
    """Connect the container, and return whether nothing is left to do; where something is, the usual way goes on.

    The ports of a container that Docker starts again and again are not proven then. It may need the connection to come up. Whether
    it does is seen afterwards (`provider.settled`). The usual way would wait for each of its restarts.

    Raises:
        HostError: It has ended for good.
    """
    from ipvlan.hosts.bridge_visit import attach  # noqa: PLC0415  # most runs of this process create no connection
    from ipvlan.hosts.engine_writes import open_engine  # noqa: PLC0415
    from ipvlan.hosts.restore import start_unstarted  # noqa: PLC0415
    from ipvlan.hosts.settle import ended_for_good, is_restarting  # noqa: PLC0415

    rollout = inputs.get("rollout")
    if rollout is None:
        return False
    with open_engine(attachment.connection) as engine:
        inspected = _declared(attachment, start_unstarted(engine, attachment.container_id))
        outcome = ended_for_good(engine, inspected, secret_names=rollout["secret_names"], secrets=file_secrets(inputs))
        if outcome is not None:
            raise _not_up(rollout, attachment, engine, outcome)
        if not is_restarting(engine, inspected):
            if attach(engine, attachment, inspected):
                return True
            # It may have ended at its connection.
            inspected = _declared(attachment, engine.find_container(attachment.container_id))
            if inspected is None or not is_restarting(engine, inspected):
                return False
            if bridge.state_of(inspected).connected:
                return True
        try:
            engine.connect_bridge(attachment.container_id, bridge.BRIDGE_GATEWAY_PRIORITY)
        except HostError:
            # Docker refuses it in the middle of a restart: the usual way waits.
            return False
        return True


def _declared(attachment: bridge.BridgeAttachment, inspected: dict[str, Any] | None) -> dict[str, Any] | None:
    """Return the description of the declared container; None where it is gone. Docker takes an id for a name too."""
    return inspected if inspected is not None and inspected["Id"] == attachment.container_id else None


def _not_up_meanwhile(inputs: Properties, attachment: bridge.BridgeAttachment) -> HostError | None:
    """Return the failure of a container that ended before its ports were bound, with its exit code and its last words.

    It ran when it was looked at. None where it runs, where nobody knows, and for a connection of an earlier version.
    """
    from ipvlan.hosts.engine_writes import open_engine  # noqa: PLC0415  # most connections succeed
    from ipvlan.hosts.settle import ended_or_restarting  # noqa: PLC0415

    rollout = inputs.get("rollout")
    if rollout is None:
        return None
    try:
        with open_engine(attachment.connection) as engine:
            outcome = ended_or_restarting(
                engine,
                _declared(attachment, engine.find_container(attachment.container_id)),
                secret_names=rollout["secret_names"],
                secrets=file_secrets(inputs),
            )
            return None if outcome is None else _not_up(rollout, attachment, engine, outcome)
    except HostError:
        # Why it has no ports is known.
        return None


def _not_up(
    rollout: Mapping[str, Any], attachment: bridge.BridgeAttachment, engine: EngineWrites, outcome: Settled
) -> HostError:
    return not_up(
        attachment.connection,
        engine,
        attachment.container,
        rollout["owner"],
        outcome,
        healthy_within=int(rollout["healthy_within"]),
        on_failure=rollout["on_failure"],
    )


def _restored(inputs: Properties, attachment: bridge.BridgeAttachment, error: HostError) -> HostError:
    """Run the previous container again, where there is one, and return the error with what became of it."""
    from ipvlan.hosts.container_failure import with_restored  # noqa: PLC0415  # most connections succeed

    rollout = inputs.get("rollout")
    if rollout is None or rollout["on_failure"] != "restore":
        return error
    restored, failure = bring_back(attachment.connection, attachment.container, rollout["owner"])
    if failure is not None:
        # Without the name of a host both are shown.
        return HostError([*error.problems, *failure.problems])
    return error if restored is None else with_restored(error, attachment.container, restored)
