"""Whose network is on a parent: Docker refuses a second ipvlan network on one, and names the first by nothing but a number.

Owns reading that refusal and finding the network's name and stack on the host. Changes nothing.
"""

from __future__ import annotations

import re
import shlex
from typing import Final

from ipvlan.hosts.connection import HostConnection, run_on_host

#: Docker's words (moby, daemon/libnetwork/drivers/ipvlan/ipvlan_network.go, createNetwork).
_TAKEN: Final = re.compile(r"is already using parent interface")

#: Seconds for one visit: two docker command lines, on a busy host.
TIMEOUT_SECONDS: Final = 90.0

_ASK: Final = """
networks=$(timeout 40 docker network ls -q --filter driver=ipvlan) || exit 1
[ -z "$networks" ] || timeout 40 docker network inspect --format "$format" $networks
"""


def is_parent_taken(error: str) -> bool:
    """Whether Docker refused a network because its parent carries one already."""
    return bool(_TAKEN.search(error))


def explain_parent_conflict(connection: HostConnection, label: str) -> str:
    """Say which network is on the host's parent, which stack made it, and how to fix it.

    `label` is the key under which stacks mark their networks. Raises HostUnreachableError.
    """
    host, parent = connection.name, connection.parent
    text = f'{{{{index .Options "parent"}}}}|{{{{.Name}}}}|{{{{index .Labels "{label}"}}}}'
    done = run_on_host(connection, f"sh -c {shlex.quote(f'format={shlex.quote(text)}{_ASK}')}", timeout=TIMEOUT_SECONDS)
    rows = [line.split("|", 2) for line in done.stdout.splitlines() if line.count("|") == 2]
    found = next((row for row in rows if row[0] == parent), None)
    if found is None:
        which, removal = "another ipvlan network", "docker network ls --filter driver=ipvlan"
    else:
        _, name, stack = found
        which = f'network "{name}" ' + (f'of stack "{stack}"' if stack else "which no stack made")
        removal = f"docker network rm {shlex.quote(name)}"
    return (
        f'host "{host}": its parent {parent} (ipvlan-fabric:hosts.{host}.parent) carries {which} already, and one parent '
        f"carries one ipvlan network; nothing was made. Give this stack a VLAN of its own (for example "
        f"{parent.partition('.')[0]}.50), or remove the other network if nobody needs it (`{removal}` there)."
    )
