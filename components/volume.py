"""The resource of one named volume on one host, declared (docs/decisions/0031-volumes.md).

Out of scope: the work on the host, which the plugin does (`provider.volume`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import pulumi

from components.host_provider import token

if TYPE_CHECKING:
    from ipvlan.hosts.connection import HostConnection
    from ipvlan.plan.volumes import VolumePlan


class Volume(pulumi.CustomResource):
    """One named volume of a host. Its id is `HOST/NAME`."""

    volume: pulumi.Output[str]
    """The volume's name in Docker. Containers refer to it, so a volume that is replaced has its containers deleted first."""

    def __init__(
        self,
        name: str,
        *,
        planned: VolumePlan,
        connection: HostConnection,
        stack: str,
        owner: pulumi.Output[str],
        secrets: Mapping[str, pulumi.Output[str]],
        missing: bool,
        opts: pulumi.ResourceOptions,
    ) -> None:
        """Declare it.

        Args:
            name: Name of the resource.
            planned: The volume as planned.
            connection: The ssh connection to its host.
            stack: Name of the stack, for its label.
            owner: The stack's owner id, for its label.
            secrets: Config key -> value, for every key in the volume's `secret_driver_opts`.
            missing: Whether it is known not to exist: where the state has it, it is created again.
            opts: The resource's options.
        """
        super().__init__(
            token("Volume"),
            name,
            {
                "host": connection.name,
                "ssh": list(connection.command),
                "volume": planned.name,
                "driver": planned.driver,
                "driver_opts": dict(planned.driver_opts),
                "secret_driver_opts": {option: secrets[key] for option, key in planned.secret_driver_opts.items()},
                "labels": dict(planned.labels),
                "external": planned.external,
                "delete": planned.delete,
                "owner": owner,
                "stack": stack,
                "missing": missing,
            },
            pulumi.ResourceOptions.merge(
                opts, pulumi.ResourceOptions(additional_secret_outputs=["secret_driver_opts"])
            ),
        )
