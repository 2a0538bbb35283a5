"""The previous containers that run in place of a replacement, and that no state has.

Out of scope: how they came to run (`ipvlan.hosts.restore`), and what `status` says of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from ipvlan.hosts.errors import RESTORED_ON_NETWORK, HostError, HostUnreachableError
from ipvlan.hosts.session import on_all
from ipvlan.plan.resource_names import OWNER_LABEL, PREVIOUS_LABEL

if TYPE_CHECKING:
    from ipvlan.hosts.connection import HostConnection
    from ipvlan.hosts.session import HostSession

SECONDS: Final = 20.0
"""For one host to answer."""

_ON_NETWORK: Final = ("running", "restarting", "paused")
"""States of a container whose network Docker does not delete."""


def require_no_restored(connections: Sequence[HostConnection], owner: str) -> None:
    """Raise where a previous container runs on one of these hosts.

    Args:
        connections: Hosts whose network is about to be replaced.
        owner: The stack's owner id; empty where the state has none.

    Raises:
        HostError: Which container runs on which host. A host that does not answer has none: nothing is done on it.
    """
    if not owner or not connections:
        return
    answers = on_all(connections, lambda session: _running_copies(session, owner), timeout=SECONDS)
    problems = [
        problem
        for host, names in answers.items()
        if not isinstance(names, HostError) and names
        for problem in _in_the_way(host, names).problems
    ]
    others = [answer for answer in answers.values() if isinstance(answer, HostError)]
    for error in others:
        if not isinstance(error, HostUnreachableError):
            problems += error.problems
    if problems:
        raise HostError(problems)


def _running_copies(session: HostSession, owner: str) -> list[str]:
    # Only here: it loads Docker's package, and a network is seldom replaced.
    from ipvlan.hosts.engine import Engine  # noqa: PLC0415

    engine = Engine(session.name, session.socket, timeout=SECONDS)
    try:
        return sorted(
            container["Names"][0].removeprefix("/")
            for container in engine.containers()
            if container["State"] in _ON_NETWORK
            and PREVIOUS_LABEL in (container.get("Labels") or {})
            and str((container.get("Labels") or {}).get(OWNER_LABEL, "")).startswith(f"{owner}/")
        )
    finally:
        engine.close()


def _in_the_way(host: str, names: Sequence[str]) -> HostError:
    return HostError.on(
        host,
        RESTORED_ON_NETWORK,
        problem=f"{', '.join(names)} runs in place of a container that did not come up, on the network that is to be replaced",
        effect="Docker would delete every other container of the host and then refuse to delete the network; nothing was changed",
        fix="first correct the service and run `pulumi up` with the network as it was; then change the network",
    )
