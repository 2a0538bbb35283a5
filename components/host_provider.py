"""What the resources that are done on hosts over ssh have in common: how they are served, and how their failures are told.

Owns the provider process and its base class. What is done on a host stands in the modules of `ipvlan` that each of them names.
"""

from __future__ import annotations

import pulumi
from pulumi import dynamic

from components.readable_errors import make_errors_readable


class HostProvider(dynamic.ResourceProvider):
    """The base of a dynamic resource whose operations raise `HostError`."""

    serialize_as_secret_always = False

    def configure(self, req: dynamic.ConfigureRequest) -> None:  # noqa: ARG002  # the SDK's signature
        """Prepare the process that this runs in."""
        make_errors_readable()


class ConnectionProvider(pulumi.ProviderResource):
    """The engine's handle on the process that serves bridge connections, declared so that it comes before every container.

    Left to itself, the engine makes it when the first connection is registered. A container that is replaced has its connection
    deleted before that, through a process from the last run, which is closed under the running deletion as soon as the
    new one is made: "grpc: the client connection is closing" (seen with CLI 3.259.0, tests/lab/test_scenario.py).
    """

    def __init__(self, name: str, opts: pulumi.ResourceOptions | None = None) -> None:
        """Declare it; it has no settings."""
        super().__init__("pulumi-python", name, {}, opts)
