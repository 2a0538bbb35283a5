"""The two resources around a container that make its replacement safe, declared: what comes before it, and the proof that it is up.

Out of scope: the work on the host, which the plugin does (`provider.handover`, `provider.settled`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import pulumi
import pulumi_docker as docker

from components.bridge_connection import port_inputs
from components.container_settings import replacement_trigger
from components.files import Files, files_inputs
from components.host_provider import token
from components.rollout_args import RolloutArgs, stop_seconds
from ipvlan.hosts.bridge import planned_attachment
from ipvlan.hosts.endpoints import keeps_bridge

if TYPE_CHECKING:
    from ipvlan.plan.model import ContainerPlan


class Handover(pulumi.CustomResource):
    """What is done on the host before the container is replaced. Its id is `HOST/SERVICE`."""

    replacement: pulumi.Output[str]
    """The container's replacement trigger."""

    def __init__(
        self,
        name: str,
        args: RolloutArgs,
        arguments: docker.ContainerArgs,
        *,
        existing: bool,
        files: Files | None,
        unsettled: bool,
        opts: pulumi.ResourceOptions,
    ) -> None:
        """Declare it.

        Args:
            name: Name of the resource.
            args: The container.
            arguments: The container's arguments, which may hold secrets.
            existing: Whether the state has the container, so that it may be replaced in the run that creates this resource.
            files: Its staged files; None without any.
            unsettled: Whether the container in the state was never up.
            opts: The resource's options.
        """
        super().__init__(
            token("Handover"),
            name,
            {
                **args.common,
                "docker_url": args.host.docker_url,
                "ssh_options": list(args.connection.options),
                "arguments": arguments,
                "trigger": replacement_trigger(args.planned),
                # An output; the input is that of the first generation, which a preview of its creation shows.
                "replacement": replacement_trigger(args.planned),
                "existing": existing,
                "stop_seconds": stop_seconds(args.planned.settings),
                "bridged": args.planned.bridged,
                **_bridge_inputs(args.planned),
                **({} if files is None else files_inputs(args, files, unsettled=unsettled)),
            },
            pulumi.ResourceOptions.merge(
                opts, pulumi.ResourceOptions(provider=args.provider, additional_secret_outputs=["arguments"])
            ),
        )


def _bridge_inputs(planned: ContainerPlan) -> dict[str, pulumi.Input[object]]:
    """Return what the process that ends a killed run must know of a container with bridges, which it may have to start."""
    if not planned.bridges:
        return {}
    endpoints = [{"network": each.bridge, "aliases": list(each.aliases)} for each in planned.bridges]
    return {"endpoints": endpoints, "keep_bridge": keeps_bridge(planned)}


class Settled(pulumi.CustomResource):
    """The proof that the container is up. Its id is `HOST/SERVICE`."""

    def __init__(
        self,
        name: str,
        args: RolloutArgs,
        *,
        container_id: pulumi.Input[str],
        recorded_id: str,
        after: Sequence[pulumi.Resource],
        opts: pulumi.ResourceOptions,
    ) -> None:
        """Declare it.

        Args:
            name: Name of the resource.
            args: The container.
            container_id: An output of the container's resource.
            recorded_id: The id of the container where only an earlier version declared it; empty otherwise.
            after: The container's bridge connection, where it has one: its ports are bound by it.
            opts: The resource's options.
        """
        planned = args.planned
        ports = planned_attachment(args.host, planned, args.connection).ports if planned.published else ()
        super().__init__(
            token("Settled"),
            name,
            {
                **args.common,
                "container_id": container_id,
                "recorded_id": recorded_id,
                "ports": port_inputs(ports),
                "secret_names": sorted(planned.secret_environment),
                # Its log may have them.
                **args.file_secrets,
            },
            pulumi.ResourceOptions.merge(
                opts,
                pulumi.ResourceOptions(
                    provider=args.provider, depends_on=[*after], additional_secret_outputs=[*args.file_secrets]
                ),
            ),
        )
