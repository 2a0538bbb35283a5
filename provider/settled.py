"""The proof that a new container is up; where it is not, the previous one runs again (docs/decisions/0026-rollout.md).

The resource comes after its container and the container's bridge connection, so an `up` succeeds only if what it made runs, and a
service's next host waits for it.

Out of scope: what counts as up (`ipvlan.hosts.settle`), and how the previous one comes back (`ipvlan.hosts.restore`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from provider.handover import connection_of
from provider.open_handovers import OPEN_HANDOVERS

if TYPE_CHECKING:
    from ipvlan.hosts.container_failure import describe  # most runs of this process settle nothing
    from ipvlan.hosts.engine_writes import open_engine
    from ipvlan.hosts.errors import HostError
    from ipvlan.hosts.restore import LONGEST_GRACE, restore
    from ipvlan.hosts.settle import settle_with
    from ipvlan.hosts.spare import clear_with

    connection = connection_of(properties, operation)
    operation.hold(connection)
    name, owner = properties["container"], properties["owner"]
    with open_engine(connection) as engine:
        outcome = settle_with(
            engine,
            properties["container_id"],
            healthy_within=int(properties["healthy_within"]),
            ports=bound_ports(properties["ports"]),
            secret_names=properties["secret_names"],
        )
        if outcome.up:
            OPEN_HANDOVERS.end(connection.name, name)
            clear_with(engine, name, owner, also_restored=False)
            return
    # A failure to restore is told to a person, who decides: no process tries it again behind their back.
    OPEN_HANDOVERS.end(connection.name, name)
    previous: Previous = "left"
    failure = None
    if properties["on_failure"] == "restore":
        try:
            previous = "none" if restore(connection, name, owner, grace=LONGEST_GRACE) is None else "restored"
        except HostError as error:
            failure = error
    raise describe(
        connection.name,
        properties["service"],
        outcome,
        healthy_within=int(properties["healthy_within"]),
        previous=previous,
        not_restored=failure,
    )
