"""The door of one published container: its connection to Docker's bridge, through which the declared ports are bound.

Owns the connection. Leaves alone the container, which HostSlice makes: switching `published` never touches it.
"""

from __future__ import annotations

from dataclasses import dataclass

import pulumi
import pulumi_docker as docker

from components.bridge_connection import BridgeConnection
from components.host_provider import DynamicProvider
from ipvlan.hosts.bridge import planned_attachment
from ipvlan.hosts.connection import connection_to
from ipvlan.plan import resource_names
from ipvlan.plan.model import ContainerPlan, HostPlan, SshPlan
from ipvlan.plan.resource_names import token


@dataclass(frozen=True, kw_only=True)
class PublishedServiceArgs:
    """What one published container is made of."""

    host: HostPlan
    """The host that it runs on."""

    service: ContainerPlan
    """What the plan says of the container; no port where it is only to go out."""

    container: docker.Container
    """The container itself; its end is the connection's end."""

    fabric: str
    """Name of the fabric's Docker network."""

    urls: tuple[str, ...]
    """Where the service is to answer, e.g. `http://192.168.140.200`."""

    ssh: SshPlan
    """How hosts are reached."""

    provider: DynamicProvider
    """What serves the connection."""


class PublishedService(pulumi.ComponentResource):
    """One container's open attachment: connected to Docker's bridge with every declared port proved bound."""

    urls: pulumi.Output[list[str]]
    """Where the service answers; known once the ports are bound."""

    def __init__(
        self,
        name: str,
        args: PublishedServiceArgs,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Declare the connection."""
        super().__init__(token("published_service", "PublishedService"), name, None, opts)
        #: The connection itself.
        self.connection = BridgeConnection(
            resource_names.bridge_connection(name),
            attachment=planned_attachment(args.host, args.service, connection_to(args.host, args.ssh)),
            container_id=args.container.id,
            opts=pulumi.ResourceOptions(
                parent=self,
                provider=args.provider,
                delete_before_replace=True,
                # A removed container takes its connections with it: no visit to the host for them.
                deleted_with=args.container,
            ),
        )
        self.urls = self.connection.id.apply(lambda _: list(args.urls))
        self.register_outputs({"urls": self.urls})
