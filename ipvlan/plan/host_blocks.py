"""The blocks of one host: its slice, what is set aside for Docker in it, and the host's own address.

Out of scope: what other hosts and the fabric have (`ipvlan.plan.address_space`).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from netaddr import IPAddress, IPNetwork

from ipvlan.config.models import HostConfig
from ipvlan.plan.blocks import Block, has_edges


@dataclass(frozen=True, slots=True, kw_only=True)
class HostBlocks:
    """The blocks of one host."""

    slices: tuple[Block, ...]
    """Offsets count through them in this order; empty for a host whose containers all have explicit addresses."""
    dynamic: tuple[Block, ...]
    """What Docker may assign; empty where nothing is set aside for it."""
    static_only: bool
    """Whether Docker may assign nothing."""
    shim: IPAddress | None
    """The address of the host's shim."""

    @classmethod
    def from_config(cls, host: HostConfig) -> HostBlocks:
        """Return the blocks of a host of the config."""
        return cls(
            slices=host.slice,
            dynamic=(host.dynamic,) if isinstance(host.dynamic, IPNetwork) else (),
            static_only=host.dynamic == "none",
            shim=own_address(host.slice) if host.shim is True else host.shim or None,
        )

    @property
    def assigned(self) -> tuple[Block, ...]:
        """The blocks out of which Docker may assign addresses: what is set aside for it, or a slice that is one subnet."""
        if self.static_only or self.dynamic:
            return self.dynamic
        return self.slices if len(self.slices) == 1 and has_edges(self.slices[0]) else ()


def own_address(slices: Iterable[Block]) -> IPAddress | None:
    """Return the address of the slices that is the host's own: the last one before the broadcast of the first subnet that has one.

    In l3 and l3s Docker has it as the network's gateway; no route uses it. Left to itself Docker silently takes the first free
    address, .1, and a container that is to have it fails with "Address already in use" (measured with 26.1). In every mode it is
    the address of a shim that has none in the config. None for slices without a /30 or a larger subnet.
    """
    block = next(filter(has_edges, slices), None)
    return None if block is None else IPAddress(block.last - 1, block.version)
