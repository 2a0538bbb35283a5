"""The locks of the hosts that a run of Pulumi changes. The plugin's process holds them: deletions come after the program has ended.

An `up` takes all of them before it declares anything on a host (`lockHosts`). A run without a program, such as `pulumi destroy`,
takes a host's lock when it changes the first of our resources there. All end with the process.

Out of scope: the lock itself (`ipvlan.hosts.host_lock`).
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Final

from ipvlan.hosts.connection import HostConnection
from ipvlan.hosts.errors import HostError
from ipvlan.hosts.host_lock import Holder, HostLocks
from ipvlan.problems import numbered
from provider.resource import Operation, Properties

HOST_SECONDS: Final = 20.0
"""Time limit of one host's lock, in seconds, where the program gives none; a busy host needs many."""


class RunLocks:
    """The locks of this process. Safe to use from several threads."""

    def __init__(self) -> None:
        """Prepare; no host is asked."""
        self._guard = threading.Lock()
        self._locks: HostLocks | None = None
        self._visits: dict[str, Future[list[HostError]]] = {}
        """Host -> the visit for its lock that is under way."""

    def lock(
        self,
        connections: Sequence[HostConnection],
        what: str,
        *,
        warn: Callable[[str], None],
        timeout: float = HOST_SECONDS,
    ) -> list[HostError]:
        """Take the locks of these hosts that this process does not have yet; return why the others have none.

        Args:
            connections: The hosts.
            what: The command, for others that ask who works there.
            warn: Told before this run waits for the end of an interrupted one.
            timeout: Seconds for one host.
        """
        with self._guard:
            if self._locks is None:
                self._locks = HostLocks(Holder(what=what), timeout=timeout)
            locks = self._locks
        try:
            missing = [connection for connection in connections if not locks.has(connection.name)]
            answers = locks.acquire(missing, waiting=warn)
        except HostError as error:
            return [error]
        return [answer for answer in answers.values() if isinstance(answer, HostError)]

    def hold(self, connection: HostConnection, what: str, warn: Callable[[str], None]) -> None:
        """Make sure that this run has the host's lock. Raises HostError where it has not."""
        refused = self._visit(connection, what, warn)
        if refused:
            raise refused[0]
        if self._locks is not None:
            self._locks.check([connection.name])

    def _visit(self, connection: HostConnection, what: str, warn: Callable[[str], None]) -> list[HostError]:
        # The containers of a host go at the same time: one operation visits it for the lock, and the others have its answer.
        with self._guard:
            others = self._visits.get(connection.name)
            visit = self._visits[connection.name] = others or Future()
        if others is not None:
            return others.result()
        try:
            visit.set_result(self.lock([connection], what, warn=warn))
        finally:
            # Without an answer nobody waits on.
            visit.cancel()
            with self._guard:
                del self._visits[connection.name]
        return visit.result()

    def stop_waiting(self) -> None:
        """End what still waits for a host's lock."""
        if self._locks is not None:
            self._locks.stop_waiting()

    def release(self) -> None:
        """Give all locks back; the end of the process does that too."""
        if self._locks is not None:
            self._locks.release()


LOCKS: Final = RunLocks()
"""Those of this process."""


def lock_hosts(arguments: Properties, operation: Operation) -> Properties:
    """Take the locks of `hosts` for `what`, within `seconds` each; return as `refused` why not, empty where all are taken."""
    connections = [HostConnection(name=host, command=operation.ssh(host, ())) for host in arguments["hosts"]]
    refused = LOCKS.lock(connections, arguments["what"], warn=operation.warn, timeout=float(arguments["seconds"]))
    problems = [problem for error in refused for problem in error.problems]
    if len(refused) == 1:
        return {"refused": str(refused[0])}
    return {"refused": numbered("hosts cannot be locked:", problems) if problems else ""}
