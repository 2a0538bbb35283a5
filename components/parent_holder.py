"""What a host's network does when Docker refuses it because another network is on its parent: say whose.

Owns the hook. The engine asks it after a failure and never else; what is asked on the host stands in ipvlan.hosts.parent_conflict.
"""

from __future__ import annotations

import asyncio

import pulumi

from ipvlan.hosts.connection import connection_to
from ipvlan.hosts.errors import HostUnreachableError
from ipvlan.hosts.parent_conflict import explain_parent_conflict, is_parent_taken
from ipvlan.plan import resource_names
from ipvlan.plan.model import HostPlan, SshPlan


def parent_holder_hook(name: str, host: HostPlan, ssh: SshPlan, label: str) -> pulumi.ErrorHook:
    """Return what `host`'s network is bound to; `label` is the key under which stacks mark their networks. It never tries again."""

    async def explain(failure: pulumi.ErrorHookArgs) -> bool:
        if failure.errors and is_parent_taken(failure.errors[0]):
            try:
                # Aside: the engine talks to this process while it waits for the host.
                said = await asyncio.to_thread(explain_parent_conflict, connection_to(host, ssh), label)
            except HostUnreachableError as error:
                said = str(error)
            pulumi.log.error(said)
        return False

    return pulumi.ErrorHook(resource_names.parent_conflict_hook(name), explain)
