"""The locks of the hosts, taken before an `up` declares anything on one: one run changes a host at a time.

The plugin's process takes and holds them, to the end of the deletions (docs/decisions/0021-host-locks.md).

Out of scope: the lock itself (`ipvlan.hosts.host_lock`), and runs without this program (`provider.host_locks`).
"""

from __future__ import annotations

from collections.abc import Sequence

import pulumi

from components.host_provider import FabricProvider
from ipvlan.plan.resource_names import LOCK_FUNCTION


def lock_hosts(provider: FabricProvider, stack: str, hosts: Sequence[str], *, seconds: float) -> None:
    """Take the locks of all these hosts, or end the run; in a preview take none.

    Args:
        provider: The plugin.
        stack: Name of the stack, for others that ask who works on a host.
        hosts: Names of the hosts.
        seconds: Time limit of one host.

    Raises:
        pulumi.RunError: Another run works on a host, and which; it ends this one with the text alone.
    """
    if pulumi.runtime.is_dry_run() or not hosts:
        return
    arguments = {"hosts": list(hosts), "what": f"pulumi up --stack {stack}", "seconds": seconds}
    result = pulumi.runtime.invoke(LOCK_FUNCTION, arguments, pulumi.InvokeOptions(provider=provider))
    refused = (result.value or {})["refused"]
    if refused:
        raise pulumi.RunError(f"{refused}\nNothing was declared and nothing was changed.")
