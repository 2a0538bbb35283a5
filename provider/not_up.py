"""What the plugin does about a container that does not come up: the previous one runs again, and the run fails with the evidence.

Out of scope: what counts as up (`ipvlan.hosts.settle`), and the words (`ipvlan.hosts.container_failure`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from provider.open_handovers import OPEN_HANDOVERS

if TYPE_CHECKING:
    from ipvlan.hosts.connection import HostConnection
    from ipvlan.hosts.container_failure import Previous
    from ipvlan.hosts.engine_writes import EngineWrites
    from ipvlan.hosts.errors import HostError
    from ipvlan.hosts.settle import Settled


def not_up(
    connection: HostConnection,
    session: EngineWrites,
    name: str,
    owner: str,
    outcome: Settled,
    *,
    healthy_within: int,
    on_failure: str,
) -> HostError:
    """Run the previous container again, where that is wanted and there is one, and return the failure of the new one.

    Args:
        connection: The host.
        session: Docker on the host.
        name: The container's name.
        owner: The container's owner label, which has its service.
        outcome: What became of the new container.
        healthy_within: Seconds that it had to become healthy.
        on_failure: `restore` or `leave`.
    """
    # Only here: most runs of this process have no such container.
    from ipvlan.hosts.container_failure import describe  # noqa: PLC0415
    from ipvlan.hosts.errors import HostError  # noqa: PLC0415
    from ipvlan.hosts.restore import LONGEST_GRACE, restore  # noqa: PLC0415

    previous: Previous = "left"
    failure = None
    if on_failure == "restore":
        try:
            restored = restore(connection, name, owner, grace=LONGEST_GRACE, session=session)
            previous = "none" if restored is None else "restored"
            # Not before: where the run is interrupted meanwhile, another process goes on with it.
            OPEN_HANDOVERS.end(connection.name, name)
        except HostError as error:
            failure = error
    return describe(
        connection.name,
        owner.rpartition("/")[2],
        outcome,
        healthy_within=healthy_within,
        previous=previous,
        not_restored=failure,
    )
