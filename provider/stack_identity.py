"""The identity of a stack: the owner id, made once, by which the stack knows what it created on hosts.

Out of scope: what is marked with the id, and what counts as the stack's own.
"""

from __future__ import annotations

import secrets
from typing import ClassVar

from provider.resource import Created, Difference, Operation, Properties, Resource

_BYTES = 8
"""Random bytes of an owner id; it has two hexadecimal digits for each."""


class StackIdentity(Resource):
    """An owner id, which nothing changes until the stack is destroyed."""

    name: ClassVar[str] = "StackIdentity"

    def create(self, inputs: Properties, operation: Operation) -> Created:  # noqa: ARG002  # it has none
        """Make the id."""
        owner = secrets.token_hex(_BYTES)
        return Created(owner, {"owner": owner})

    def read(self, id_: str, state: Properties, operation: Operation) -> Properties:  # noqa: ARG002  # no host has it
        """Return the id as it is: the state alone has it. An import gives a stack the id that it had before."""
        return {"owner": id_}

    def diff(self, old: Properties, new: Properties) -> Difference:  # noqa: ARG002  # nothing changes it
        """Return no change."""
        return Difference()

    def update(self, old: Properties, new: Properties, operation: Operation) -> Properties:  # noqa: ARG002
        """Return the outputs as they are."""
        return old

    def delete(self, state: Properties, operation: Operation) -> None:
        """Forget it, with the state's entry."""
