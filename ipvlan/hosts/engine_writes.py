"""What is written through Docker's Engine API: a container that Docker's command line cannot create.

Out of scope: versions and failures, which are those of every request (`ipvlan.hosts.engine`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ipvlan.hosts.engine import Engine
from ipvlan.hosts.errors import NOT_RESTORED, HostError

if TYPE_CHECKING:
    import docker


class EngineWrites(Engine):
    """Docker on one host, with requests that change something there."""

    @property
    def request_version(self) -> str:
        """The version of the API that requests are made in: `1.44`."""
        return str(self._client.api_version)

    def container_named(self, name: str) -> dict[str, Any] | None:
        """Return the container of exactly that name; None where there is none."""
        inspected = self._find(lambda client: dict(client.inspect_container(name)))
        # Docker takes a name for the first digits of an id where no container has it.
        return inspected if inspected is not None and inspected["Name"] == f"/{name}" else None

    def image(self, reference: str) -> dict[str, Any] | None:
        """Return an image by its reference or id; None where there is none."""
        return self._find(lambda client: dict(client.inspect_image(reference)))  # type: ignore[no-untyped-call]

    def create(self, name: str, body: dict[str, Any]) -> str:
        """Create a container, and return its id.

        Raises:
            HostError: Docker refuses it. Then there is no such container.
        """
        created: dict[str, str] = {}

        def create(client: docker.APIClient) -> None:
            created.update(client.create_container_from_config(body, name))  # type: ignore[no-untyped-call]

        refusal = self._refusal(create)
        if not refusal:
            return created["Id"]
        raise HostError.on(
            self.host,
            NOT_RESTORED,
            problem=f"Docker does not create {name}: {refusal}",
            effect="it was not created, and nothing was changed on the host",
            fix="fix what Docker names on the host, then run `pulumi up` again",
        )

    def _find(self, request: Callable[[docker.APIClient], dict[str, Any]]) -> dict[str, Any] | None:
        import docker.errors  # noqa: PLC0415

        def find(client: docker.APIClient) -> dict[str, Any] | None:
            try:
                return request(client)
            except docker.errors.NotFound:
                return None

        return self._call(find)
