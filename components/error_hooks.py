"""Error hooks: what happens after Docker refused to create a network or a container of a host.

The engine calls a hook only after a failure, so hooks cost an `up` without failures nothing. A hook returns whether the engine
is to try again.

Out of scope: the work on the host, which `ipvlan.hosts.orphans` and `ipvlan.hosts.parent_conflict` do.
"""

from __future__ import annotations

import asyncio
from typing import Final

import pulumi

from ipvlan.hosts.connection import HostConnection
from ipvlan.hosts.errors import HostError
from ipvlan.hosts.orphans import Kind, is_name_taken, remove_orphan
from ipvlan.hosts.parent_conflict import find_parent_conflict, is_parent_taken
from ipvlan.plan import resource_names
from ipvlan.plan.resource_names import STACK_LABEL

_KINDS: Final[dict[str, Kind]] = {
    "docker:index/container:Container": "container",
    "docker:index/network:Network": "network",
}


def orphans_hook(host_slice: str, connection: HostConnection, stack: str) -> pulumi.ErrorHook:
    """Return the hook that removes an orphaned resource of one host, so that the engine can create it.

    Docker refuses a second container or network of one name. If the first bears the stack's label and is not in the state, an
    interrupted `up` created it and did not record it: it is removed, and the engine tries again. A stack that lost its whole
    state removes nothing: its network fails first, and Docker does not remove a network in use
    (docs/decisions/0014-interrupted-up.md).

    Args:
        host_slice: Name of the HostSlice whose networks and containers get the hook.
        connection: The host.
        stack: Name of the stack, which is on everything that it creates.
    """

    async def remove(failure: pulumi.ErrorHookArgs) -> bool:
        kind = _KINDS.get(failure.type)
        if kind is None or failure.failed_operation != "create" or not failure.errors or not failure.new_inputs:
            return False
        if not is_name_taken(kind, failure.errors[0]):
            return False
        name = str(failure.new_inputs["name"])
        try:
            # In a thread: the engine talks to this process while it waits for the host.
            removed = await asyncio.to_thread(remove_orphan, connection, kind, name, f"{STACK_LABEL}={stack}")
        except HostError as error:
            pulumi.log.warn(str(error))
            return False
        if removed:
            pulumi.log.warn(
                f'host "{connection.name}": removed the orphaned {kind} {name} ({removed[:12]}): an interrupted `up` created it '
                f"and did not record it in the state. It is created again."
            )
        return bool(removed)

    return pulumi.ErrorHook(resource_names.orphans_hook(host_slice), remove)


def parent_conflict_hook(host_slice: str, connection: HostConnection) -> pulumi.ErrorHook:
    """Return the hook that names the network which occupies the parent of one host; the engine does not try again.

    Args:
        host_slice: Name of the HostSlice whose network gets the hook.
        connection: The host.
    """

    async def explain(failure: pulumi.ErrorHookArgs) -> bool:
        if failure.errors and is_parent_taken(failure.errors[0]):
            try:
                # In a thread: the engine talks to this process while it waits for the host.
                conflict: HostError = await asyncio.to_thread(find_parent_conflict, connection, STACK_LABEL)
            except HostError as error:
                conflict = error
            pulumi.log.error(str(conflict))
        return False

    return pulumi.ErrorHook(resource_names.parent_conflict_hook(host_slice), explain)
