"""Docker's Engine API of one host, over the socket that a session forwards.

Responsible for the API version, and for Docker's failures. It only reads; `ipvlan.hosts.engine_writes` writes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

from ipvlan.hosts.errors import DOCKER_REFUSED, DOCKER_UNAVAILABLE, DockerRefusedError, HostError
from ipvlan.plan.docker_versions import GATEWAY_PRIORITY_API, NFTABLES_API, OLDEST_API

if TYPE_CHECKING:
    import docker
    import requests

LOG_BYTES: Final = 65536
"""The last ones of a log that are given: a line may be of any length."""

T = TypeVar("T")

EVENT_SECONDS: Final = 600
"""How far back Docker's events are looked at; it keeps the last 256 of them (moby daemon/events)."""


class Engine:
    """Docker on one host. Every method raises HostError when Docker does not answer in time."""

    def __init__(self, host: str, socket: Path, *, timeout: float) -> None:
        """Prepare; nothing is sent. `timeout` is in seconds, for each call."""
        self.host = host
        """Name of the host."""
        self.version = ""
        """Docker's own version, known after the first call: `28.5.2`."""
        self.api_version = ""
        """The newest API version of that Docker, known after the first call."""
        self.now = 0.0
        """The host's clock at the last answer, in seconds since 1970; 0 before the first one."""
        self._socket = socket
        self._timeout = timeout
        self._client = self._open(OLDEST_API)

    @property
    def request_version(self) -> str:
        """The version of the API that requests are made in: `1.44`."""
        return str(self._client.api_version)

    def speak_newest(self) -> None:
        """Make the requests that follow in the newest version of the API that this Docker has."""
        if self._client.api_version != self.api_version:
            self._client.close()
            self._client = self._open(self.api_version)

    def containers(self) -> Sequence[dict[str, Any]]:
        """Return all containers, stopped ones too, as `GET /containers/json` lists them."""
        return self._call(lambda client: client.containers(all=True))

    def networks(self) -> Sequence[dict[str, Any]]:
        """Return all networks, as `GET /networks` lists them."""
        return self._call(lambda client: client.networks())

    def network(self, id_: str) -> dict[str, Any] | None:
        """Return the network of that id, as `GET /networks/ID` describes it; None where there is none."""
        described = self._find(lambda client: dict(client.inspect_network(id_)))
        # Docker takes an id for a name, and the first digits of one for the whole.
        return described if described is not None and described["Id"] == id_ else None

    def volumes(self) -> Sequence[dict[str, Any]]:
        """Return all volumes, as `GET /volumes` lists them."""
        return self._call(lambda client: client.volumes().get("Volumes") or [])

    def volume(self, name: str) -> dict[str, Any] | None:
        """Return one volume, as `GET /volumes/NAME` describes it; None where there is none of that name.

        Raises:
            DockerRefusedError: Its driver does not answer. Docker says 404 too where the plugin is not installed any more, and the
                volume is there (moby, lookupVolume in volume/service/store.go).
        """
        import docker.errors  # noqa: PLC0415

        def volume(client: docker.APIClient) -> dict[str, Any] | None:
            try:
                return dict(client.inspect_volume(name))
            except docker.errors.NotFound as error:
                if not str(error.explanation).endswith("no such volume"):
                    raise
                return None

        return self._call(volume)

    def container(self, id_: str) -> dict[str, Any]:
        """Return one container, as `GET /containers/ID/json` describes it."""
        return self._call(lambda client: dict(client.inspect_container(id_)))

    def find_container(self, id_: str) -> dict[str, Any] | None:
        """Return one container as `container` does; None where it is gone."""
        return self._find(lambda client: dict(client.inspect_container(id_)))

    def log(self, id_: str, lines: int) -> str:
        """Return the last lines that a container printed; in their place why not, where its log cannot be read."""
        import docker.errors  # noqa: PLC0415

        def log(client: docker.APIClient) -> str:
            try:
                return _last_lines(bytes(client.logs(id_, tail=lines)))
            except docker.errors.APIError as error:
                if "client version" in str(error):
                    raise
                return f"(Docker gives no log of it: {error.explanation or error})"

        return self._call(log)

    def last_exit_code(self, id_: str) -> int | None:
        """Return with which exit code a container ended last, as Docker's events have it; None where they have none.

        Docker's description of a container that was started again has the exit code 0.
        """

        def ends(client: docker.APIClient) -> list[dict[str, Any]]:
            # It must be in the past: Docker waits for what is to come.
            until = int(self.now)
            filters = {"container": id_, "event": "die"}
            return list(client.events(since=until - EVENT_SECONDS, until=until, filters=filters, decode=True))

        found = self._call(ends)
        return int(found[-1]["Actor"]["Attributes"]["exitCode"]) if found else None

    def id_and_firewall(self) -> tuple[str, str]:
        """Return the Engine's id, and what its rules of the firewall are in.

        It keeps the id in its data folder: another one has none of the containers. The other is `iptables`, `nftables`, or one of
        them with `+firewalld` (moby, FirewallBackend of libnetwork's Controller); empty for a Docker that has no
        choice, and before the first other request, since the version is not known by then.
        """

        def info(client: docker.APIClient) -> tuple[str, str]:
            has_choice = _numbers(self.api_version or self.request_version) >= _numbers(NFTABLES_API)
            # In an older version of the API the answer lacks it, and other requests stay in theirs.
            newest = self._open(self.api_version) if has_choice else client
            try:
                answer = newest.info()
            finally:
                if newest is not client:
                    newest.close()
            return str(answer["ID"]), str((answer.get("FirewallBackend") or {}).get("Driver", "")) if has_choice else ""

        return self._call(info)

    def folder(self) -> str:
        """Return the folder of Docker's images and containers on the host: `/var/lib/docker`."""
        return self._call(lambda client: str(client.info()["DockerRootDir"]))

    def image_present(self, image: str) -> bool:
        """Return whether the image is on the host."""
        return not self._refusal(lambda client: client.inspect_image(image))  # type: ignore[no-untyped-call]

    def pull_failure(self, image: str) -> str:
        """Return why the host's Docker cannot pull the image, in Docker's words; empty when it can."""
        return self._refusal(lambda client: client.inspect_distribution(image))  # type: ignore[no-untyped-call]

    def _find(self, request: Callable[[docker.APIClient], dict[str, Any]]) -> dict[str, Any] | None:
        import docker.errors  # noqa: PLC0415

        def find(client: docker.APIClient) -> dict[str, Any] | None:
            try:
                return request(client)
            except docker.errors.NotFound:
                return None

        return self._call(find)

    def _refusal(self, request: Callable[[docker.APIClient], object]) -> str:
        import docker.errors  # noqa: PLC0415

        def refusal(client: docker.APIClient) -> str:
            try:
                request(client)
            except docker.errors.APIError as error:
                if "client version" in str(error):
                    raise
                return str(error.explanation or error)
            return ""

        return self._call(refusal)

    def image_variables(self, image: str) -> tuple[str, ...]:
        """Return the names of the environment variables that an image on the host sets."""

        def variables(client: docker.APIClient) -> tuple[str, ...]:
            config = client.inspect_image(image).get("Config") or {}  # type: ignore[no-untyped-call]
            return tuple(variable.partition("=")[0] for variable in config.get("Env") or ())

        return self._call(variables)

    def prepare_priorities(self) -> bool:
        """Make requests in a version of the API that has gateway priorities, and return whether this Docker has one.

        An older version of the API leaves a priority out, of what is sent and of what is answered.
        """
        if self._has_priorities(self.api_version or self.request_version) and not self._has_priorities():
            self.speak_newest()
        return self._has_priorities()

    def _has_priorities(self, version: str = "") -> bool:
        """Return whether a version of the API, by default that of requests, has gateway priorities."""
        return _numbers(version or self.request_version) >= _numbers(GATEWAY_PRIORITY_API)

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def _open(self, version: str) -> docker.APIClient:
        # Takes a fifth of a second: only for commands that need a host, and while ssh still connects to the others.
        import docker  # noqa: PLC0415

        client = docker.APIClient(base_url=f"unix://{self._socket}", version=version, timeout=int(self._timeout) or 1)
        client.hooks["response"].append(self._note_versions)
        return client

    def _note_versions(self, response: requests.Response, *_args: Any, **_kwargs: Any) -> None:
        self.api_version = response.headers.get("Api-Version", self.api_version)
        self.now = _seconds(response.headers.get("Date", "")) or self.now
        name, _, rest = response.headers.get("Server", "").partition("/")
        if name == "Docker":
            self.version = rest.partition(" ")[0]

    def _call(self, request: Callable[[docker.APIClient], T]) -> T:
        import docker.errors  # noqa: PLC0415
        import requests  # noqa: PLC0415

        try:
            try:
                return request(self._client)
            except docker.errors.APIError as error:
                if "client version" not in str(error) or self._client.api_version == self.api_version:
                    raise
            # Docker before 25: its refusal names the version that it speaks.
            self._client.close()
            self._client = self._open(self.api_version)
            return request(self._client)
        except docker.errors.APIError as error:
            raise DockerRefusedError.on(
                self.host,
                DOCKER_REFUSED,
                problem=f"Docker refused a request: {error.explanation or error}",
                effect="the state of the host is not known",
                fix="see `journalctl -u docker` on the host",
            ) from None
        except (requests.RequestException, docker.errors.DockerException) as error:
            raise HostError.on(
                self.host,
                DOCKER_UNAVAILABLE,
                problem=f"Docker does not answer ({_first_cause(error)})",
                effect="the state of the host is not known",
                fix="see `systemctl status docker` on the host; where it runs, let the ssh user use its socket (group docker)",
            ) from None


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(map(int, version.split(".")))


def _seconds(date: str) -> float:
    """Return an HTTP date (RFC 9110, 5.6.7) in seconds since 1970; 0 where it is none."""
    try:
        return parsedate_to_datetime(date).timestamp()
    except ValueError:
        return 0.0


def whole_lines(output: bytes) -> bytes:
    """Return the whole lines among the last LOG_BYTES: what is left of a cut one could be the end of a secret value."""
    return output[-LOG_BYTES:].partition(b"\n")[2] if len(output) > LOG_BYTES else output


def _last_lines(log: bytes) -> str:
    return whole_lines(log).decode(errors="replace")


def _first_cause(error: BaseException) -> str:
    while error.__context__ is not None:
        error = error.__context__
    return str(error) or type(error).__name__
