"""What lets many resources be declared and registered in a time, a state and a memory that grow as their number does.

At the end of a program the SDK waits for every pending output, and begins again with all that are left whenever one has a value
(`wait_for_rpcs` of pulumi/runtime/stack.py, SDK 3.272): the square of their number, and a container has 70. A program that waits
for its resources before it ends leaves nothing to wait for there (docs/decisions/0035-large-stacks.md).
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import pulumi
from pulumi.resource import DependencyResource

KEEP_DEBUG: Final = "IPVLAN_FABRIC_DEBUG"
"""Environment variable that lets the SDK tell of each resource in `pulumi up --debug`."""


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
    limit = sys.tracebacklimit if hasattr(sys, "tracebacklimit") else None
    sys.tracebacklimit = 1
    try:
        yield
    finally:
        if limit is None:
            del sys.tracebacklimit
        else:
            sys.tracebacklimit = limit


def without_debug_messages() -> None:
    """Let the SDK send the engine no debug messages in this process, unless IPVLAN_FABRIC_DEBUG is set.

    It sends three for each resource, and waits for each (`log.debug` in pulumi/runtime/resource.py, SDK 3.272), also where nobody
    asked for them: a third of the time of a program with a thousand containers.
    """
    if not os.environ.get(KEEP_DEBUG):
        pulumi.log.debug = _drop


def _drop(*_message: Any, **_options: Any) -> None:
    """Say it nowhere."""


class After(DependencyResource):
    """Another resource, to be named in `depends_on` and nowhere else: the engine gets that resource's URN.

    With the resource itself the SDK walks all that it depends on in its turn, for each dependency and by recursion
    (pulumi/runtime/resource_cycle_breaker.py, SDK 3.272). In a chain over many hosts that takes the square of its length, and ends
    with a RecursionError at a thousand resources. A chain is declared from its beginning on, so it is no cycle.
    """

    def __init__(self, resource: pulumi.Resource) -> None:
        """Stand for this resource."""
        super().__init__("")
        self.__dict__["urn"] = resource.urn
