"""Names of the links that a host has for the fabric, or gets from the stack or from Docker.

Out of scope: the link on which Docker creates a VLAN (`ipvlan.plan.interfaces`).
"""

from __future__ import annotations

import hashlib
from typing import Final

from ipvlan.config.types.interfaces import LONGEST_INTERFACE

DOCKER_LINK: Final = "docker0"
"""The link of Docker's own bridge (moby, DefaultBridgeName in libnetwork/drivers/bridge), unless daemon.json says otherwise."""


def shim_link(parent: str) -> str:
    """Return the name of the shim's link on `parent`; two fabrics of one host have two parents, and so two names."""
    name = f"shim.{parent}"
    if len(name) <= LONGEST_INTERFACE:
        return name
    # Of a long name the end distinguishes two VLANs, and a digest two NICs.
    return f"shim.{hashlib.sha256(parent.encode()).hexdigest()[:10]}"
