"""The conflict of two ipvlan networks over one parent: Docker refuses the second and names the first only by a number.

Responsible for recognising that refusal, and for finding the first network's name and stack on the host. Changes nothing.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from ipvlan.hosts.errors import PARENT_CONFLICT, HostError
from ipvlan.hosts.ids import short_id
from ipvlan.hosts.script import read_json, run_script
from ipvlan.plan.interfaces import vlan_link

if TYPE_CHECKING:
    from ipvlan.hosts.connection import HostConnection

_PARENT_TAKEN: Final = re.compile(r"is already using parent interface")
"""How Docker refuses it (moby, daemon/libnetwork/drivers/ipvlan/ipvlan_network.go, createNetwork)."""

TIMEOUT_SECONDS: Final = 90.0
"""For one visit: two docker commands, on a busy host."""


def is_parent_taken(error: str) -> bool:
    """Return whether Docker refused a network because another one is on its parent."""
    return bool(_PARENT_TAKEN.search(error))


def find_parent_conflict(connection: HostConnection, label: str) -> HostError:
    """Return which network is on the host's parent, which stack it belongs to, and how to fix that.

    Args:
        connection: The host, with its parent.
        label: The key under which stacks mark their networks.

    Raises:
        HostError: The host does not answer, or not in time.
    """
    host, parent = connection.name, connection.parent
    output = run_script(connection, "parent_conflict.sh", timeout=TIMEOUT_SECONDS).output
    networks: list[dict[str, Any]] = read_json(host, output, "networks") or []
    holder = next((network for network in networks if (network.get("Options") or {}).get("parent") == parent), None)
    if holder is None:
        network, removal = (
            "another ipvlan network",
            "see which one it is (`docker network ls --filter driver=ipvlan` on the host)",
        )
    else:
        stack = (holder.get("Labels") or {}).get(label)
        identity = short_id(holder["Id"])
        network = f'network "{holder["Name"]}" ({identity}) ' + (
            f'of stack "{stack}"' if stack else "which belongs to no stack"
        )
        users = len(holder.get("Containers") or {})
        owner = f'stack "{stack}"' if stack else "whoever created it by hand"
        removal = (
            f"let {owner} remove it (`docker network rm {identity}` on the host) if nobody needs it: "
            f"{users or 'no'} running container{'' if users == 1 else 's'} of it now"
        )
    return HostError.on(
        host,
        PARENT_CONFLICT,
        problem=f"its parent {parent} (ipvlan-fabric:hosts.{host}.parent) already has {network}",
        effect="a parent can have one ipvlan network only; nothing was created",
        fix=f"give this stack a VLAN of its own{_example(parent)}, or {removal}",
    )


def _example(parent: str) -> str:
    """Return a VLAN on the same NIC, where the parent's name says what that is."""
    nic = vlan_link(parent) or (parent if "." not in parent else "")
    return f" (for example {nic}.50)" if nic else ""
