"""Orphaned resources: what an interrupted `up` created on a host and did not record in the stack's state.

Docker refuses a second container or network of that name, so the next `up` could never complete. Responsible for finding and
removing such a resource, by its name and the stack's label.

Out of scope: whatever bears no such label.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, Literal

from ipvlan.hosts.script import run_script

if TYPE_CHECKING:
    from ipvlan.hosts.connection import HostConnection

Kind = Literal["container", "network"]

TIMEOUT_SECONDS: Final = 90.0
"""For one visit: a docker command or two, on a busy host."""

_NAME_TAKEN: Final[dict[Kind, re.Pattern[str]]] = {
    "container": re.compile(r"container name .* is already in use"),
    "network": re.compile(r"network with name .* already exists"),
}
"""How Docker refuses a name that is taken (moby daemon/names.go, libnetwork/controller.go)."""


def is_name_taken(kind: Kind, error: str) -> bool:
    """Return whether Docker refused to create it because there is one of that name."""
    return bool(_NAME_TAKEN[kind].search(error))


def remove_orphan(connection: HostConnection, kind: Kind, name: str, label: str) -> str:
    """Remove the container or network of that name if it bears the label.

    Call it only for what the state does not know.

    Args:
        connection: The host.
        kind: What it is.
        name: Its name.
        label: The label, `key=value`.

    Returns:
        Its id; empty where nothing was removed.

    Raises:
        HostUnreachableError: The host does not answer.
    """
    variables = {"kind": kind, "pattern": re.escape(name), "label": label}
    return run_script(connection, "remove_orphan.sh", variables, timeout=TIMEOUT_SECONDS).output.text("removed")
