"""Waits until all resources of a component are registered, in a time that grows as their number does.

At the end of a program the SDK waits for every pending output, and begins again with all that are left whenever one has a value
(`wait_for_rpcs` of pulumi/runtime/stack.py, SDK 3.272): the square of their number, and a container has 70. A program that waits
for its resources before it ends leaves nothing to wait for there (docs/decisions/0035-large-stacks.md).
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pulumi


class Registrations:
    """The resources of a component and of everything below it."""

    def __init__(self) -> None:
        self._resources: list[pulumi.Resource] = []
        self.options = pulumi.ResourceOptions(transformations=[self._note])
        """For the component. Nothing about a resource is changed by them."""

    async def complete(self) -> None:
        """Wait until all are registered, or one has failed; of that failure the SDK tells, as without this."""
        registered = [asyncio.ensure_future(resource.urn.future()) for resource in self._resources]
        await asyncio.wait(registered, return_when=asyncio.FIRST_EXCEPTION)

    def _note(self, args: pulumi.ResourceTransformationArgs) -> None:
        self._resources.append(args.resource)


@contextmanager
def without_stack_traces() -> Iterator[None]:
    """Let what is declared meanwhile be registered without the Python frames that declared it.

    The SDK walks them for each resource (`_get_stack_trace` of pulumi/runtime/resource.py, SDK 3.272). They are lines of this
    package and of the SDK, 1.5 kB for a resource: a third of a state, which the engine writes twice for each resource that it
    creates. What is shown of an error is not shortened: nothing is printed meanwhile.
    """
    limit = getattr(sys, "tracebacklimit", None)
    sys.tracebacklimit = 1
    try:
        yield
    finally:
        if limit is None:
            del sys.tracebacklimit
        else:
            sys.tracebacklimit = limit
