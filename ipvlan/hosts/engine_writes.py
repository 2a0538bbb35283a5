"""Docker on one host with requests that change containers, volumes and networks there.

They go through the Engine API, and not Docker's command line: a service is down meanwhile, and each start of the command line takes
as long as all of these requests together.

Out of scope: versions and failures of requests in general (`ipvlan.hosts.engine`), and which container is whose.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeVar

from ipvlan.hosts.engine import LOG_BYTES, Engine, whole_lines
from ipvlan.hosts.errors import NOT_RESTORED, HostError
from ipvlan.hosts.ids import short_id
from ipvlan.hosts.session import HostSession
from ipvlan.plan.resource_names import BRIDGE

if TYPE_CHECKING:
    import docker

    from ipvlan.hosts.connection import HostConnection

CONNECT_SECONDS: Final = 20.0
"""For the connection through which Docker is asked."""

REQUEST_SECONDS: Final = 180.0
"""For one request to Docker; one that stops a container may take its grace and this. On a busy host of the lab one of a dozen
containers that were started at once took more than 60 seconds."""

_FRAME_HEAD: Final = 8
"""Bytes before each piece of a container's output (Engine API, "Stream format" of an attachment)."""

_LOOK_SECONDS: Final = 0.1
"""Between two looks at a command that closed its output."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Executed:
    """How a command ended that was run in a container."""

    status: int | None
    """Its exit status; None where it did not end in time."""
    output: bytes
    """The last of what it printed, in whole lines: what is left of a cut one could be the end of a secret value."""


@contextlib.contextmanager
def open_engine(connection: HostConnection) -> Iterator[EngineWrites]:
    """Open a session to the host, and give its Docker.

    Raises:
        HostUnreachableError: The host does not answer.
    """
    with open_session(connection) as (_, engine):
        yield engine


@contextlib.contextmanager
def open_session(connection: HostConnection) -> Iterator[tuple[HostSession, EngineWrites]]:
    """Open a session to the host, and give it with its Docker.

    Raises:
        HostUnreachableError: The host does not answer.
    """
    with HostSession(connection, timeout=CONNECT_SECONDS) as session:
        engine = EngineWrites(connection.name, session.socket, timeout=REQUEST_SECONDS)
        try:
            yield session, engine
        finally:
            engine.close()


class EngineWrites(Engine):
    """Docker on one host, with requests that change something there.

    What Docker refuses raises HostError (NOT_RESTORED), with Docker's sentence.
    """

    def container_named(self, name: str) -> dict[str, Any] | None:
        """Return the container of exactly that name; None where there is none."""
        inspected = self.find_container(name)
        # Docker takes a name for the first digits of an id where no container has it.
        return inspected if inspected is not None and inspected["Name"] == f"/{name}" else None

    def image(self, reference: str) -> dict[str, Any] | None:
        """Return an image by its reference or id; None where there is none."""
        return self._find(lambda client: dict(client.inspect_image(reference)))  # type: ignore[no-untyped-call]

    def create(self, name: str, body: dict[str, Any]) -> str:
        """Create a container, and return its id."""
        return self._do(
            f"{name} is not created",
            lambda client: str(client.create_container_from_config(body, name)["Id"]),  # type: ignore[no-untyped-call]
        )

    def start(self, id_: str) -> None:
        """Start a container; one that runs goes on."""
        self._do(f"{short_id(id_)} is not started", lambda client: client.start(id_))

    def not_started(self, id_: str, *, more_seconds: int = 0) -> str:
        """Start a container; return why Docker does not, in Docker's words; empty when it runs.

        Args:
            id_: The container's id.
            more_seconds: How much longer than any request it may take.
        """
        return self._refusal(lambda client: _start(client, id_, more_seconds))

    def stop(self, id_: str, grace: int) -> None:
        """Stop a container, also one that Docker starts again and again; `grace` is in seconds, until it is killed."""
        self._do(
            f"{short_id(id_)} is not stopped",
            lambda client: client.stop(id_, timeout=grace),
        )

    def signal(self, id_: str, signal: str) -> None:
        """Send a signal, such as SIGHUP or a number, to a container's first process."""
        self._do(f"{short_id(id_)} does not get {signal}", lambda client: client.kill(id_, signal=signal))

    def execute(self, id_: str, command: Sequence[str], *, seconds: float) -> Executed:
        """Run a command in a container that runs, as its user, and wait for its end.

        Args:
            id_: The container's id.
            command: The program and its arguments; no shell reads it.
            seconds: How long it may take. After them it may still run in the container: Docker's API ends no such command.

        Returns:
            Its exit status, and the last bytes of what it printed, LOG_BYTES at most, with secrets in it.
        """
        return self._do(
            f"a command is not run in {short_id(id_)}", lambda client: _execute(client, id_, list(command), seconds)
        )

    def remaps_users(self) -> bool:
        """Return whether Docker gives containers other users of the host than they see (`userns-remap`)."""
        return self._call(
            lambda client: any(
                str(option).partition(",")[0] == "name=userns" for option in client.info().get("SecurityOptions") or ()
            )
        )

    def rename(self, id_: str, name: str) -> None:
        """Give a container another name, which must be free."""
        self._do(
            f"{short_id(id_)} is not renamed to {name}",
            lambda client: client.rename(id_, name),
        )

    def set_restart(self, id_: str, policy: str) -> None:
        """Set a container's restart policy, in Docker's words: `on-failure:3`."""
        name, _, retries = policy.partition(":")
        value = {"Name": name, "MaximumRetryCount": int(retries or 0)}
        self._do(
            f"the restart policy of {short_id(id_)} is not set",
            lambda client: client.update_container(id_, restart_policy=value),  # type: ignore[arg-type]
        )

    def remove(self, id_: str, *, volumes: bool) -> None:
        """Remove a container, running or not; with its own anonymous volumes where `volumes` is set."""
        self._do(
            f"{short_id(id_)} is not removed",
            lambda client: client.remove_container(id_, v=volumes, force=True),
        )

    def remove_volume(self, name: str) -> bool:
        """Remove a volume; return whether it is gone: Docker keeps one that a container uses."""
        return not self.volume_not_removed(name)

    def volume_not_removed(self, name: str) -> str:
        """Remove a volume; return why Docker keeps it, in Docker's words; empty when it is gone."""
        return self._refusal(lambda client: client.remove_volume(name))

    def volume_not_created(self, name: str, driver: str, options: Mapping[str, str], labels: Mapping[str, str]) -> str:
        """Create a volume; return why Docker does not, in Docker's words. Of a name that exists it creates none, without a word."""
        return self._refusal(
            lambda client: client.create_volume(name, driver=driver, driver_opts=dict(options), labels=dict(labels))
        )

    def connect_bridge(self, id_: str, priority: int, *, more_seconds: int = 0) -> None:
        """Connect a container to Docker's bridge, as its gateway once it runs.

        Args:
            id_: The container's id.
            priority: The bridge's gateway priority, where Docker has them; elsewhere the network's name decides
                (`ipvlan.hosts.bridge`).
            more_seconds: How much longer than any request it may take: Docker binds the ports of one that runs.
        """
        endpoint = {"GwPriority": priority} if self.prepare_priorities() else {}
        self._do(
            f"{short_id(id_)} is not connected to the bridge",
            lambda client: _connect(client, id_, BRIDGE, endpoint, more_seconds),
        )

    def connect(self, id_: str, network: str, endpoint: Mapping[str, Any]) -> None:
        """Connect a container to a network, with the settings of `POST /networks/ID/connect`, EndpointConfig."""
        self._do(
            f"{short_id(id_)} is not connected to {short_id(network)}",
            lambda client: _connect(client, id_, network, dict(endpoint)),
        )

    def not_connected(self, id_: str, network: str, aliases: Sequence[str], priority: int) -> str:
        """Connect a container to a network; return why Docker does not, in Docker's words; empty when it is connected.

        A container that does not run and is connected already stays as it is, and Docker reports success.

        Args:
            id_: The container's id.
            network: The network's id.
            aliases: Further names of the container there.
            priority: The gateway priority of the connection, where Docker has them.
        """
        endpoint: dict[str, Any] = {"Aliases": list(aliases)} if aliases else {}
        if self.prepare_priorities():
            endpoint["GwPriority"] = priority
        return self._refusal(lambda client: _connect(client, id_, network, endpoint))

    def not_disconnected(self, id_: str, network: str) -> str:
        """Disconnect a container from a network, by its id or name; return why Docker does not; empty when it is not connected."""
        refusal = self._refusal(lambda client: client.disconnect_container_from_network(id_, network))
        return "" if "is not connected to" in refusal or "No such container" in refusal else refusal

    def network_not_created(self, name: str, body: Mapping[str, Any]) -> str:
        """Create a network, unless there is one of that name; return why Docker does not, in Docker's words.

        Args:
            name: Its name.
            body: The rest of `POST /networks/create`.
        """

        def create(client: Any) -> None:
            # docker-py 7.2.0 cannot switch IPv6 off; before Docker 25 names are only unique where the request says so.
            reply = client._post_json(
                client._url("/networks/create"), data={"Name": name, "CheckDuplicate": True, **body}
            )
            client._raise_for_status(reply)

        return self._refusal(create)

    def network_not_removed(self, id_: str) -> str:
        """Remove a network; return why Docker keeps it, in Docker's words; empty when it is gone."""
        refusal = self._refusal(lambda client: client.remove_network(id_))
        return "" if refusal and self.network(id_) is None else refusal

    def _do(self, step: str, request: Callable[[docker.APIClient], T]) -> T:
        """Make a request that changes something."""
        done: list[T] = []
        refusal = self._refusal(lambda client: done.append(request(client)))
        if not refusal:
            return done[0]
        raise HostError.on(
            self.host,
            NOT_RESTORED,
            problem=f"{step}: {refusal}",
            effect="what was done before stays done, and it is safe to repeat",
            fix="fix what Docker names on the host, then run `pulumi up` again",
        )


def _start(client: Any, id_: str, more_seconds: int) -> None:
    # docker-py 7.2.0 has no argument for the time limit.
    client._raise_for_status(
        client._post(client._url("/containers/{0}/start", id_), timeout=client.timeout + more_seconds)
    )


def _connect(client: Any, id_: str, network: str, endpoint: Mapping[str, Any], more_seconds: int = 0) -> None:
    # docker-py 7.2.0 has no argument for the priority, and none for the time limit.
    url = client._url("/networks/{0}/connect", network)
    data = {"Container": id_, "EndpointConfig": endpoint}
    client._raise_for_status(client._post_json(url, data=data, timeout=client.timeout + more_seconds))


def _execute(client: Any, id_: str, command: list[str], seconds: float) -> Executed:
    import requests  # noqa: PLC0415
    import urllib3  # noqa: PLC0415

    end, printed = time.monotonic() + seconds, b""

    def executed(status: int | None) -> Executed:
        return Executed(status=status, output=whole_lines(printed))

    started = client.exec_create(id_, command)["Id"]
    try:
        # Not by docker-py 7.2.0, which waits for output without a limit, and loses what comes together with the reply's head.
        url = client._url("/exec/{0}/start", started)
        reply = client._post(url, json={"Tty": False, "Detach": False}, stream=True, timeout=seconds)
        client._raise_for_status(reply)
        with contextlib.closing(reply):
            # A frame is one byte for the stream, three of nothing, four for the length, and the output.
            while len(head := reply.raw.read(_FRAME_HEAD)) == _FRAME_HEAD:
                printed = (printed + reply.raw.read(int.from_bytes(head[4:], "big")))[-LOG_BYTES - 1 :]
                if time.monotonic() > end:
                    return executed(None)
    except (requests.ReadTimeout, urllib3.exceptions.ReadTimeoutError):
        return executed(None)
    except urllib3.exceptions.HTTPError as error:
        raise requests.ConnectionError(error) from None
    # Docker closes the stream with the command's output, which may be a moment before it knows of its end.
    while (ended := client.exec_inspect(started))["ExitCode"] is None or ended.get("Running"):
        if time.monotonic() > end:
            return executed(None)
        time.sleep(_LOOK_SECONDS)
    return executed(ended["ExitCode"])
