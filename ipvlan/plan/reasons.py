"""Why no container may have an address.

Out of scope: which addresses that concerns (`ipvlan.plan.address_space`), and the texts about it (`ipvlan.plan.rules.addresses`).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto

from ipvlan.plan.blocks import Block


class Cause(Enum):
    """Why no container may have an address."""

    OUTSIDE_SUBNET = auto()
    UNASSIGNED = auto()
    """In the subnet, and in no host's slice."""
    OTHER_SLICE = auto()
    """In the slice of another host."""
    SLICE_NETWORK = auto()
    """The first address of a slice that is a subnet, in mode l3 or l3s: other programs take it for the slice itself. In l2 a slice
    is no subnet for anybody, and its first and last address are like the others."""
    SLICE_BROADCAST = auto()
    """The last address of such a slice, likewise."""
    DOCKER = auto()
    """Docker has it: the gateway of a network in mode l3 or l3s."""
    WITHHELD = auto()
    """Docker is kept from assigning addresses with it: see `AddressSpace.withheld`."""
    SHIM = auto()
    """The host's shim has it."""
    HOST = auto()
    """It is the own address of a host, which is on the LAN of the fabric's subnet (`ipvlan.plan.lan`)."""
    GATEWAY = auto()
    SUBNET_NETWORK = auto()
    SUBNET_BROADCAST = auto()
    RESERVED = auto()
    DYNAMIC = auto()
    """Docker may assign it to a container that asks for no address."""


@dataclass(frozen=True, slots=True)
class Reason:
    """Why no container may have one address, and which key of the config says so."""

    cause: Cause
    key: str
    """The config key that takes the address: `fabric.gateway`, `fabric.reserved[0]`, `hosts.docker-2.slice`."""
    block: Block | None = None
    """What the key holds; None for single addresses."""
    host: str | None = None
    """The host that the key belongs to; None for a key of the fabric."""
