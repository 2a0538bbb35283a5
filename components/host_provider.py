"""What the dynamic resources that work on hosts over ssh have in common: the process that serves them, and readable failures.

Out of scope: what is done on a host. Each resource names the module of `ipvlan.hosts` or `ipvlan.checks` that does it.
"""

from __future__ import annotations

import sys
import traceback
from typing import Any, Final

import pulumi
from pulumi import dynamic

from ipvlan.hosts.errors import HostError

_SDK_MAIN: Final = "pulumi.dynamic.__main__"
"""The module that the provider's process runs (`python -m pulumi.dynamic`)."""


class HostProvider(dynamic.ResourceProvider):
    """Base class of a provider whose operations raise `HostError`."""

    serialize_as_secret_always = False
    """The provider holds no secret. Stored as one it would be decrypted for every preview."""

    def configure(self, req: dynamic.ConfigureRequest) -> None:  # noqa: ARG002  # the SDK's signature
        """Prepare the process that serves this provider; the SDK calls it once per provider and process."""
        make_errors_readable()


class ReadableTraceback:
    """The module `traceback` with a `format_exc` that returns the text of a HostError alone."""

    @staticmethod
    def format_exc(*args: Any, **kwargs: Any) -> str:
        """Return what the engine shows for the exception that is being handled."""
        error = sys.exc_info()[1]
        return str(error) if isinstance(error, HostError) else traceback.format_exc(*args, **kwargs)

    def __getattr__(self, name: str) -> Any:
        return getattr(traceback, name)


def make_errors_readable() -> None:
    """Make the SDK's provider process answer a HostError by its text, without the Python traceback.

    The SDK has no hook for this (github.com/pulumi/pulumi/issues/10416). Its wrapper `_abort_with_traceback`, SDK 3.272, answers
    every exception with `traceback.format_exc()`, so the name `traceback` is replaced in that one module. In any other process,
    or with an SDK that does it in another manner, nothing is changed.
    """
    main = sys.modules["__main__"]
    spec = getattr(main, "__spec__", None)
    if spec is not None and spec.name == _SDK_MAIN and getattr(main, "traceback", None) is traceback:
        main.__dict__["traceback"] = ReadableTraceback()


class DynamicProvider(pulumi.ProviderResource):
    """The engine's handle on the process that serves the dynamic resources, declared so that it precedes every container.

    By default the engine creates it when the first dynamic resource is registered. A replaced container has its bridge
    connection deleted before that, by the process of the last run's provider. The engine closes that process when the new
    provider is created, under the running deletion: "grpc: the client connection is closing" (CLI 3.259.0,
    tests/lab/test_scenario.py).
    """

    def __init__(self, name: str, opts: pulumi.ResourceOptions | None = None) -> None:
        """Declare it; it has no settings."""
        super().__init__("pulumi-python", name, {}, opts)
