"""What the resources around one container know of it and of its replacement.

Out of scope: the resources themselves.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from ipvlan.hosts.restore import DOCKER_GRACE
from ipvlan.plan.ownership import owner_label

if TYPE_CHECKING:
    import pulumi

    from components.host_provider import FabricProvider
    from ipvlan.config.models import ContainerSettings
    from ipvlan.hosts.connection import HostConnection
    from ipvlan.plan.model import ContainerPlan, HostPlan


def stop_seconds(settings: ContainerSettings) -> int:
    """Return the seconds that a container has to stop. Without a value the provider kills at once (decision 0015, 5)."""
    return DOCKER_GRACE if settings.stop_timeout is None else settings.stop_timeout


@dataclass(frozen=True, kw_only=True)
class RolloutArgs:
    """What both resources of one container have in common."""

    host: HostPlan
    planned: ContainerPlan
    connection: HostConnection
    owner: pulumi.Output[str]
    """The stack's owner id."""
    provider: FabricProvider
    """What serves the resources."""
    secrets: Mapping[str, pulumi.Output[str]]
    """Config key -> value, for every key that a file of the stack refers to."""

    @cached_property
    def owner_label(self) -> pulumi.Output[str]:
        """The owner label of the container."""
        return self.owner.apply(lambda id_: owner_label(id_, self.planned.host, self.planned.service))

    @property
    def common(self) -> dict[str, pulumi.Input[object]]:
        """Their common properties."""
        return {
            "host": self.host.name,
            "ssh": list(self.connection.command),
            "service": self.planned.service,
            "container": self.planned.name,
            "owner": self.owner_label,
            "healthy_within": self.planned.rollout.healthy_within,
            "on_failure": self.planned.rollout.on_failure,
        }

    @property
    def file_secrets(self) -> dict[str, pulumi.Input[object]]:
        """The property `secrets` of what shows the container's output: key -> value; none where none is in its files."""
        keys = () if self.planned.files is None else self.planned.files.secret_keys
        return {"secrets": {key: self.secrets[key] for key in keys}} if keys else {}

    @property
    def of_connection(self) -> dict[str, pulumi.Input[object]]:
        """What a bridge connection must know to restore the previous container."""
        rollout = self.planned.rollout
        return {
            "owner": self.owner_label,
            "healthy_within": rollout.healthy_within,
            "on_failure": rollout.on_failure,
            "secret_names": sorted(self.planned.secret_environment),
        }
