"""What a host's resources do when Docker refuses to make one because its name is taken: see whether a killed `up` left it.

Owns the hook. The engine asks it after a failure and never else, so that it costs an `up` nothing; what is done on the host
stands in ipvlan.hosts.orphans.
"""

from __future__ import annotations

import asyncio
from typing import Final

import pulumi

from ipvlan.hosts.connection import connection_to
from ipvlan.hosts.errors import HostUnreachableError
from ipvlan.hosts.orphans import Kind, is_name_taken, remove_orphan
from ipvlan.plan import resource_names
from ipvlan.plan.model import HostPlan, SshPlan

_KINDS: Final[dict[str, Kind]] = {
    "docker:index/container:Container": "container",
    "docker:index/network:Network": "network",
}


def leftovers_hook(name: str, host: HostPlan, ssh: SshPlan, label: str) -> pulumi.ErrorHook:
    """Return what `host`'s networks and containers are bound to; `label` (`key=value`) is on all that the stack makes.

    A container or network that bears the label and is not in the state is this stack's own, of an `up` that did not come to its end
    or to writing it down: it is removed, and made again. Docker does not remove a network in use, so a stack
    whose whole state is lost removes nothing: its network fails first.
    """

    async def remove(failure: pulumi.ErrorHookArgs) -> bool:
        kind = _KINDS.get(failure.type)
        if kind is None or failure.failed_operation != "create" or not failure.errors or not failure.new_inputs:
            return False
        if not is_name_taken(kind, failure.errors[0]):
            return False
        named = str(failure.new_inputs["name"])
        try:
            # Aside: the engine talks to this process while it waits for the host.
            found = await asyncio.to_thread(remove_orphan, connection_to(host, ssh), kind, named, label)
        except HostUnreachableError as error:
            pulumi.log.warn(str(error))
            return False
        if found:
            pulumi.log.warn(
                f'host "{host.name}": removed {kind} {named} ({found[:12]}): an `up` that was interrupted made it, and the '
                f"state does not know it. It is made again."
            )
        return bool(found)

    return pulumi.ErrorHook(resource_names.orphans_hook(name), remove)
