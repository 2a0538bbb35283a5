"""Docker's Engine API of one host, over the socket that a session forwards.

Owns the version of the API that is spoken and the wording of Docker's failures. Reads only, but for the helper container that
`ipvlan.hosts.root_shell` asks for.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

from ipvlan.hosts.errors import HostError
from ipvlan.plan.resource_names import HELPER_LABEL

if TYPE_CHECKING:
    import docker
    import requests

#: Docker 29 refuses anything older (moby daemon/config, MinAPIVersion); an older Docker says which one it speaks.
API_VERSION: Final = "1.44"

T = TypeVar("T")


class Engine:
    """Docker on one host. All methods raise HostError when it does not answer in time."""

    def __init__(self, host: str, socket: Path, *, timeout: float) -> None:
        """Prepare; nothing is sent. `timeout` is in seconds, for each call."""
        self.host = host
        #: Docker's own version, known after the first call, e.g. 28.5.2.
        self.version = ""
        #: The newest API version that it speaks, known after the first call.
        self.api_version = ""
        self._socket = socket
        self._timeout = timeout
        self._client = self._open(API_VERSION)

    def containers(self) -> Sequence[dict[str, Any]]:
        """All containers, stopped ones too, as `GET /containers/json` lists them."""
        return self._ask(lambda client: client.containers(all=True))

    def networks(self) -> Sequence[dict[str, Any]]:
        """All networks, as `GET /networks` lists them."""
        return self._ask(lambda client: client.networks())

    def container(self, id_: str) -> dict[str, Any]:
        """One container, as `GET /containers/ID/json` describes it."""
        return self._ask(lambda client: dict(client.inspect_container(id_)))

    def folder(self) -> str:
        """Where Docker keeps images and containers on the host, e.g. /var/lib/docker."""
        return self._ask(lambda client: str(client.info()["DockerRootDir"]))

    def image_present(self, image: str) -> bool:
        """Whether the image is on the host."""
        return not self._trouble(lambda client: client.inspect_image(image))  # type: ignore[no-untyped-call]

    def image_trouble(self, image: str) -> str:
        """Why the host's Docker cannot get the image from its registry, in Docker's words; empty when it can."""
        return self._trouble(lambda client: client.inspect_distribution(image))  # type: ignore[no-untyped-call]

    def _trouble(self, question: Callable[[docker.APIClient], object]) -> str:
        import docker.errors  # noqa: PLC0415

        def ask(client: docker.APIClient) -> str:
            try:
                question(client)
            except docker.errors.APIError as error:
                if "client version" in str(error):
                    raise
                return str(error.explanation or error)
            return ""

        return self._ask(ask)

    def run_in_host(self, image: str, folders: Sequence[str], text: str) -> str:
        """Run shell text as root in the host's own namespaces, from a container that is gone afterwards; return its output.

        `image` is the id of one that is on the host, `folders` are the host's that its `nsenter` needs.
        """
        return self._ask(lambda client: _run_in_host(client, image, folders, text))

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def _open(self, version: str) -> docker.APIClient:
        # Takes a fifth of a second: not for commands that ask no host, and here while ssh still connects elsewhere.
        import docker  # noqa: PLC0415

        client = docker.APIClient(base_url=f"unix://{self._socket}", version=version, timeout=int(self._timeout) or 1)
        client.hooks["response"].append(self._note_versions)
        return client

    def _note_versions(self, response: requests.Response, *_args: Any, **_kwargs: Any) -> None:
        self.api_version = response.headers.get("Api-Version", self.api_version)
        name, _, rest = response.headers.get("Server", "").partition("/")
        if name == "Docker":
            self.version = rest.partition(" ")[0]

    def _ask(self, question: Callable[[docker.APIClient], T]) -> T:
        import docker.errors  # noqa: PLC0415
        import requests  # noqa: PLC0415

        try:
            try:
                return question(self._client)
            except docker.errors.APIError as error:
                if "client version" not in str(error) or self._client.api_version == self.api_version:
                    raise
            # Docker before 25: it has just named the version that it speaks.
            self._client.close()
            self._client = self._open(self.api_version)
            return question(self._client)
        except docker.errors.APIError as error:
            raise HostError(
                f'host "{self.host}": Docker refused a question: {error.explanation or error}. '
                f"Look at `journalctl -u docker` on the host."
            ) from None
        except (requests.RequestException, docker.errors.DockerException) as error:
            raise HostError(
                f'host "{self.host}": Docker does not answer ({_first_cause(error)}). Look at it with `systemctl status docker` '
                f"on the host; when it runs, let the ssh user use its socket (group docker)."
            ) from None


def _run_in_host(client: docker.APIClient, image: str, folders: Sequence[str], text: str) -> str:
    import docker.types  # noqa: PLC0415

    made = client.create_container(
        image,
        entrypoint=["/usr/bin/nsenter"],
        command=["-t", "1", "-m", "-u", "-n", "-i", "sh", "-c", text],
        labels={HELPER_LABEL: "true"},
        user="0",
        host_config=client.create_host_config(
            privileged=True,
            pid_mode="host",
            network_mode="none",
            userns_mode="host",
            mounts=[docker.types.Mount(folder, folder, type="bind", read_only=True) for folder in folders],
        ),
    )
    try:
        client.start(made["Id"])
        client.wait(made["Id"])
        return bytes(client.logs(made["Id"], stdout=True, stderr=True)).decode(errors="replace")
    finally:
        client.remove_container(made["Id"], force=True)


def _first_cause(error: BaseException) -> str:
    while error.__context__ is not None:
        error = error.__context__
    return str(error) or type(error).__name__
