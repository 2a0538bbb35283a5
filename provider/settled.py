"""The proof that a new container is up; where it is not, the previous one runs again (docs/decisions/0026-rollout.md).

The resource comes after its container and the container's bridge connection, so an `up` succeeds only if what it made runs, and a
service's next host waits for it.

Out of scope: what counts as up (`ipvlan.hosts.settle`), and how the previous one comes back (`ipvlan.hosts.restore`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Final

from provider.errors import not_importable
from provider.not_up import not_up
from provider.open_handovers import OPEN_HANDOVERS
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

_REST: Final = ("ports", "container", "owner", "ssh", "healthy_within", "on_failure", "secret_names", "secrets")


class Settled(Resource):
    """Waits until a container is up. The id is `HOST/SERVICE`."""

    name: ClassVar[str] = "Settled"

    def create(self, inputs: Properties, operation: Operation) -> Created:
        """Wait for the container; fail if it does not come up.

        One that only an earlier version declared, and that this run did not replace, is taken as it is: `status` says how it is.
        """
        if inputs["recorded_id"] == inputs["container_id"]:
            _clear(inputs, operation)
        else:
            _wait(inputs, operation)
        return Created(f"{inputs['host']}/{inputs['service']}", inputs)

    def read(self, id_: str, state: Properties, operation: Operation) -> Properties:  # noqa: ARG002  # `status` looks
        """Return the state as it is: it says what was proven when the container was new."""
        if not state:
            raise not_importable(self.name, id_)
        return state

    def diff(self, old: Properties, new: Properties) -> Difference:
        """Report an update for another container, and where something else is to be recorded; other ports are proven by theirs."""
        return compare(old, new, identity=["host"], rest=["container_id", *_REST])

    def update(self, old: Properties, new: Properties, operation: Operation) -> Properties:
        """Wait for the new container; fail if it does not come up."""
        if old.get("container_id") != new.get("container_id"):
            _wait(new, operation)
        return new

    def delete(self, state: Properties, operation: Operation) -> None:
        """Forget it, with the state's entry; nothing is done on the host but to take its lock.

        The container goes next, and the docker provider, which deletes it, takes none.
        """
        operation.hold(connection_of(state, operation))


def _clear(properties: Mapping[str, Any], operation: Operation) -> None:
    from ipvlan.hosts.spare import clear  # noqa: PLC0415  # most runs of this process settle nothing

    connection = connection_of(properties, operation)
    operation.hold(connection)
    OPEN_HANDOVERS.end(connection.name, properties["container"])
    clear(connection, properties["container"], properties["owner"], also_restored=False)


def _wait(properties: Mapping[str, Any], operation: Operation) -> None:
    from ipvlan.hosts.engine_writes import open_engine  # noqa: PLC0415  # most runs of this process settle nothing
    from ipvlan.hosts.restore import start_unstarted  # noqa: PLC0415
    from ipvlan.hosts.settle import settle  # noqa: PLC0415
    from ipvlan.hosts.spare import clear_with  # noqa: PLC0415

    connection = connection_of(properties, operation)
    operation.hold(connection)
    name, owner = properties["container"], properties["owner"]
    with open_engine(connection) as engine:
        start_unstarted(engine, properties["container_id"])
        outcome = settle(
            engine,
            properties["container_id"],
            healthy_within=int(properties["healthy_within"]),
            ports=bound_ports(properties["ports"]),
            secret_names=properties["secret_names"],
            secrets=file_secrets(properties),
        )
        if outcome.up:
            OPEN_HANDOVERS.end(connection.name, name)
            clear_with(engine, name, owner, also_restored=False)
            return
        raise not_up(
            connection,
            engine,
            name,
            owner,
            outcome,
            healthy_within=int(properties["healthy_within"]),
            on_failure=properties["on_failure"],
        )
