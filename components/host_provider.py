"""What our resources have in common: the plugin that serves them, and the states of the time when they were dynamic resources.

Out of scope: what is done on a host, which the plugin's package `provider` says for each kind.
"""

from __future__ import annotations

import json
import sys
import traceback
from collections.abc import Mapping
from typing import Any, ClassVar, Final

import pulumi
from pulumi import dynamic

from ipvlan.hosts.connection import HostConnection
from ipvlan.hosts.errors import HostError
from ipvlan.plan.resource_names import DYNAMIC_TYPE, PACKAGE
from ipvlan.problems import plain
from provider.resource import Operation, Resource

_SDK_MAIN: Final = "pulumi.dynamic.__main__"
"""The module that the process of dynamic resources runs (`python -m pulumi.dynamic`)."""


class FabricProvider(pulumi.ProviderResource):
    """The engine's handle on the plugin's process, declared so that it precedes every container.

    By default the engine creates it when the first resource of the plugin is registered. A replaced container has its bridge
    connection deleted before that, by the process of the last run's provider. The engine closes that process when the new
    provider is created, under the running deletion: "grpc: the client connection is closing" (CLI 3.259.0,
    tests/lab/test_scenario.py).
    """

    def __init__(
        self, name: str, connections: Mapping[str, HostConnection], opts: pulumi.ResourceOptions | None = None
    ) -> None:
        """Declare it with today's connection of each host.

        All work on a host goes by it, deletes too: the state of a resource has the connection of the day on which it was made.
        """
        commands = {host: list(connection.command) for host, connection in connections.items()}
        # As text, in which the engine keeps the settings of every provider.
        super().__init__(PACKAGE, name, {"connections": json.dumps(commands)}, opts)


def token(kind: str) -> str:
    """Return the type token of a resource that the plugin serves."""
    return f"{PACKAGE}:index:{kind}"


def taken_over(kind: str, opts: pulumi.ResourceOptions | None) -> pulumi.ResourceOptions:
    """Add to the options that the resource was a dynamic one before: an old state's resource is this one, and is left as it is."""
    alias = pulumi.Alias(type_=f"{DYNAMIC_TYPE}:{kind}")
    return pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(aliases=[alias]))


class OldProvider(dynamic.ResourceProvider):
    """Base class of what an old state refers to.

    What the first `up` of this program deletes, also to replace it, comes here, and so does a refresh before it. Everything is
    created and updated by the plugin.
    """

    serialize_as_secret_always = False
    """The provider holds no secret. Stored as one it would be decrypted for every preview."""

    kind: ClassVar[Resource]
    """What does the work, as for the plugin."""

    def configure(self, req: dynamic.ConfigureRequest) -> None:  # noqa: ARG002  # the SDK's signature
        """Prepare the process that serves this provider; the SDK calls it once per provider and process."""
        make_errors_readable()

    def read(self, id_: str, props: dict[str, Any]) -> dynamic.ReadResult:
        """Report the resource as gone unless it exists as the state has it."""
        outputs = self.kind.read(id_, props, Operation())
        return dynamic.ReadResult("" if outputs is None else id_, props)

    def diff(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> dynamic.DiffResult:
        """Compare the state with the inputs."""
        difference = self.kind.diff(_olds, _news)
        return dynamic.DiffResult(
            changes=bool(difference.changed), replaces=list(difference.replaces), delete_before_replace=True
        )

    def delete(self, _id: str, _props: dict[str, Any]) -> None:
        """Delete the resource."""
        self.kind.delete(_props, Operation())


class ReadableTraceback:
    """The module `traceback` with a `format_exc` that returns the text of a HostError alone."""

    @staticmethod
    def format_exc(*args: Any, **kwargs: Any) -> str:
        """Return what the engine shows for the exception that is being handled."""
        error = sys.exc_info()[1]
        return str(error) if isinstance(error, HostError) else plain(traceback.format_exc(*args, **kwargs), keep="\n")

    def __getattr__(self, name: str) -> Any:
        return getattr(traceback, name)


def make_errors_readable() -> None:
    """Make the SDK's process of dynamic resources answer a HostError by its text, without the Python traceback.

    The SDK has no hook for this (github.com/pulumi/pulumi/issues/10416). Its wrapper `_abort_with_traceback`, SDK 3.272, answers
    every exception with `traceback.format_exc()`, so the name `traceback` is replaced in that one module. In any other process,
    or with an SDK that does it in another manner, nothing is changed.
    """
    main = sys.modules["__main__"]
    spec = getattr(main, "__spec__", None)
    if spec is not None and spec.name == _SDK_MAIN and getattr(main, "traceback", None) is traceback:
        main.__dict__["traceback"] = ReadableTraceback()
