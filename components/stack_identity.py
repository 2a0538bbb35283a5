"""The resource of a stack's identity, declared: the owner id, by which the stack knows what it created on hosts.

Out of scope: what is marked with the id, and what counts as the stack's own.
"""

from __future__ import annotations

import pulumi

from components.host_provider import FabricProvider, token


def qualified_stack() -> str:
    """Return the name of the stack that runs, in the spelling that needs no context: ORG/PROJECT/STACK."""
    return f"{pulumi.get_organization()}/{pulumi.get_project()}/{pulumi.get_stack()}"


class StackIdentity(pulumi.CustomResource):
    """The stack's owner id, made once: nothing but a destroy of the stack ends it."""

    owner: pulumi.Output[str]
    """The id: 16 hexadecimal digits; not known in the preview of a stack that has none yet."""

    def __init__(self, name: str, *, provider: FabricProvider, opts: pulumi.ResourceOptions) -> None:
        """Declare the identity; `provider` is what serves the resource."""
        super().__init__(
            token("StackIdentity"),
            name,
            {"owner": None},
            pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(provider=provider)),
        )
