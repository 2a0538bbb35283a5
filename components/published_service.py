"""The bridge attachment of one container: the connection to Docker's bridge that binds its published ports.

A container with `internet: true` and nothing published has an attachment too, without a port: Docker's bridge is then its route
to the internet and nothing else.

Out of scope: the container, which `components.host_slice` declares. Turning `published` or `internet` on or off creates or
deletes an attachment and leaves the container as it is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pulumi

from components.bridge_connection import BridgeConnection
from components.host_provider import FabricProvider
from components.rollout_args import RolloutArgs
from ipvlan.hosts.bridge import planned_attachment
from ipvlan.hosts.connection import HostConnection
from ipvlan.plan import resource_names
from ipvlan.plan.model import ContainerPlan, HostPlan
from ipvlan.plan.resource_names import token

if TYPE_CHECKING:
    from components.docker_container import DockerContainer


@dataclass(frozen=True, kw_only=True)
class PublishedServiceArgs:
    """Arguments of a PublishedService."""

    host: HostPlan
    """The host of the container."""

    planned: ContainerPlan
    """The container as planned. Its `docker_ports` are the ports to bind: none where only `internet` is set."""

    container: DockerContainer
    """The container's resource. Docker deletes the attachment with the container."""

    urls: tuple[str, ...]
    """The URLs at which the service answers, e.g. `http://192.168.140.200`; none where only `internet` is set."""

    connection: HostConnection
    """The ssh connection to the host."""

    owner: pulumi.Output[str]
    """The stack's owner id."""

    fabric_provider: FabricProvider
    """The provider that serves the bridge connection."""

    secrets: Mapping[str, pulumi.Output[str]]
    """Config key -> value, for every key that a file of the stack refers to."""

    after: Sequence[pulumi.Resource] = ()
    """What starts the container, where that is not its own resource: its connections to other bridges."""


class PublishedService(pulumi.ComponentResource):
    """One container's attachment to Docker's bridge, created only when every port to publish is bound."""

    urls: pulumi.Output[list[str]]
    """The URLs at which the service answers; known when the ports are bound."""

    def __init__(
        self,
        name: str,
        args: PublishedServiceArgs,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Declare the bridge connection."""
        super().__init__(token("published_service", "PublishedService"), name, None, opts)
        self.bridge_connection = BridgeConnection(
            resource_names.bridge_connection(name),
            attachment=planned_attachment(args.host, args.planned, args.connection),
            container_id=args.container.id,
            rollout=RolloutArgs(
                host=args.host,
                planned=args.planned,
                connection=args.connection,
                owner=args.owner,
                provider=args.fabric_provider,
                secrets=args.secrets,
            ),
            opts=pulumi.ResourceOptions(
                parent=self,
                provider=args.fabric_provider,
                depends_on=[*args.after],
                delete_before_replace=True,
                # Docker removes a container's connections with it: no visit to the host for them.
                deleted_with=args.container,
            ),
        )
        """The resource that connects the container, and disconnects it."""
        self.urls = self.bridge_connection.id.apply(lambda _: list(args.urls))
        self.register_outputs({"urls": self.urls})
