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
    from ipvlan.hosts.restore import Restored
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

    previous: Previous = "left"
    failure = None
    if on_failure == "restore":
        restored, failure = bring_back(connection, name, owner, session)
        previous = "none" if restored is None else "restored"
    return describe(
        connection.name,
        owner.rpartition("/")[2],
        outcome,
        healthy_within=healthy_within,
        previous=previous,
        not_restored=failure,
    )


def bring_back(
    connection: HostConnection, name: str, owner: str, session: EngineWrites | None = None
) -> tuple[Restored | None, HostError | None]:
    """Run the previous container again; return it, where there is one, or why it does not run.

    Args:
        connection: The host.
        name: The container's name.
        owner: The container's owner label.
        session: Docker on the host, where a session is open already.
    """
    # Only here: most runs of this process bring nothing back.
    from ipvlan.hosts.errors import HostError  # noqa: PLC0415
    from ipvlan.hosts.restore import LONGEST_GRACE, restore  # noqa: PLC0415

    try:
        restored = restore(connection, name, owner, grace=LONGEST_GRACE, session=session)
    except HostError as error:
        return None, error
    # Not before: where the run is interrupted meanwhile, another process goes on with it.
    OPEN_HANDOVERS.end(connection.name, name)
    return restored, None
