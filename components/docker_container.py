"""The docker provider's container, declared with the arguments that it has.

`pulumi_docker.Container` registers the same. It makes an output of each of the 75 properties that a container may have, which took
most of the program's time (docs/decisions/0035-large-stacks.md); the program uses the id alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

import pulumi

from ipvlan.plan.resource_names import CONTAINER_TYPE

if TYPE_CHECKING:
    import pulumi_docker as docker


class DockerContainer(pulumi.CustomResource):
    """A container that the docker provider manages. Its id is Docker's; it has no other output to use."""

    def __init__(self, name: str, arguments: docker.ContainerArgs, opts: pulumi.ResourceOptions) -> None:
        """Declare it. The options name the provider: this class does not say which version a default one would have."""
        # The SDK takes what the classes of arguments make, which its own types do not say.
        super().__init__(CONTAINER_TYPE, name, cast("Mapping[str, Any]", arguments), opts)
