"""Error hooks: what happens after Docker refused to create a network or a container of a host.

The engine calls a hook only after a failure, so hooks cost an `up` without failures nothing. A hook returns whether the engine
is to try again.

Out of scope: the work on the host, which `ipvlan.hosts.orphans` and `ipvlan.hosts.parent_conflict` do.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import pulumi

from components import messages
from ipvlan import PROJECT
from ipvlan.checks.stack_state import StackState, StackStateError, read_stack_state
from ipvlan.hosts.connection import HostConnection
from ipvlan.hosts.container_failure import restored_text
from ipvlan.hosts.errors import HostError
from ipvlan.hosts.ids import SHORT
from ipvlan.hosts.orphans import Kind, is_name_taken, name_taken, remove_orphan
from ipvlan.hosts.parent_conflict import find_parent_conflict, is_parent_taken
from ipvlan.hosts.restore import LONGEST_GRACE, restore, set_aside
from ipvlan.plan import resource_names
from ipvlan.plan.resource_names import CONTAINER_TYPE, NETWORK_TYPE, OWNER_LABEL, STACK_LABEL

_KINDS: Final[dict[str, Kind]] = {
    CONTAINER_TYPE: "container",
    NETWORK_TYPE: "network",
}


def orphans_hook(host_slice: str, connection: HostConnection, stack: str) -> pulumi.ErrorHook:
    """Return the hook that removes an orphaned resource of one host, so that the engine can create it.

    Docker refuses a second container or network of one name. If the first is an orphan of an interrupted `up`, it is removed and
    the engine tries again. What else has the name stays, and the error says what it is (docs/decisions/0014-interrupted-up.md).

    Args:
        host_slice: Name of the HostSlice whose networks and containers get the hook.
        connection: The host.
        stack: The stack's name as ORG/PROJECT/STACK, by which its state is found.
    """

    def remove_or_explain(failure: pulumi.ErrorHookArgs, kind: Kind, name: str, owner: str) -> bool:
        try:
            state, unread = read_stack_state(stack, Path.cwd()), ""
        except StackStateError as error:
            state, unread = StackState(stack=stack, exists=False), error.problems[0].problem
        try:
            found = remove_orphan(
                connection,
                kind,
                name,
                owner,
                # One creation is the one that just failed.
                interrupted=state.begun.get(failure.urn, 0) > 1,
                deleted=state.deleted_for_replacement(failure.urn),
            )
        except HostError as error:
            messages.warn(str(error))
            return False
        if found is None:
            return False
        if found.kept:
            service = resource_names.service_of(host_slice, failure.name)
            key = f"{PROJECT}:fabric.name" if kind == "network" else f"{PROJECT}:services.{service}.container_name"
            messages.error(str(name_taken(connection, kind, name, found, key=key, unread=unread)))
            return False
        what = (
            "the state has it as deleted, and it was there again, as after a power cut"
            if found.id == state.deleted_for_replacement(failure.urn)
            else "an interrupted `up` created it and did not record it in the state"
        )
        messages.warn(
            f'host "{connection.name}": removed the orphaned {kind} {name} ({found.id[:SHORT]}): {what}. It is created again.'
        )
        return True

    async def remove(failure: pulumi.ErrorHookArgs) -> bool:
        kind = _KINDS.get(failure.type)
        if kind is None or failure.failed_operation != "create" or not failure.errors or not failure.new_inputs:
            return False
        if not is_name_taken(kind, failure.errors[0]):
            return False
        name, owner = str(failure.new_inputs["name"]), _owner_label(failure.new_inputs)
        # In a thread: the engine talks to this process while it waits for the host.
        return await asyncio.to_thread(remove_or_explain, failure, kind, name, owner)

    return pulumi.ErrorHook(resource_names.orphans_hook(host_slice), remove)


def previous_hook(host_slice: str, connection: HostConnection) -> pulumi.ErrorHook:
    """Return the hook that brings the previous container of one host back when Docker refuses the new one.

    Where the previous container of an earlier failure has the name, it is set aside and the engine tries again: that container is
    in no state. Any other refusal leaves the service without a container, so the previous one runs again
    (docs/decisions/0026-rollout.md). It does nothing where a container is not a replacement.

    Args:
        host_slice: Name of the HostSlice whose containers get the hook.
        connection: The host.
    """

    def set_aside_or_restore(error: str, service: str, name: str, owner: str) -> bool:
        try:
            if is_name_taken("container", error):
                return set_aside(connection, name, owner)
            restored = restore(connection, name, owner, grace=LONGEST_GRACE)
        except HostError as failure:
            messages.error(str(failure))
            return False
        if restored is not None:
            messages.error(restored_text(connection.name, service, name, restored))
        return False

    async def react(failure: pulumi.ErrorHookArgs) -> bool:
        if failure.failed_operation != "create" or not failure.errors or not failure.new_inputs:
            return False
        service = resource_names.service_of(host_slice, failure.name)
        name, owner = str(failure.new_inputs["name"]), _owner_label(failure.new_inputs)
        # In a thread: the engine talks to this process while it waits for the host.
        return await asyncio.to_thread(set_aside_or_restore, failure.errors[0], service, name, owner)

    return pulumi.ErrorHook(resource_names.previous_hook(host_slice), react)


def _owner_label(inputs: Mapping[str, Any]) -> str:
    """Return the owner label that a network or container was to get."""
    return next((str(label["value"]) for label in inputs["labels"] if label["label"] == OWNER_LABEL), "")


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
            messages.error(str(conflict))
        return False

    return pulumi.ErrorHook(resource_names.parent_conflict_hook(host_slice), explain)
