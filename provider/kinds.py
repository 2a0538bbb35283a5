"""The table of all kinds of resources that the plugin serves, by type token."""

from __future__ import annotations

from typing import Final

from ipvlan.plan.resource_names import PACKAGE
from provider.address_claims import AddressClaims
from provider.bridge_connection import BridgeConnection
from provider.bridge_endpoints import BridgeEndpoints
from provider.bridge_network import BridgeNetwork
from provider.files import Files
from provider.files_in_use import FilesInUse
from provider.handover import Handover
from provider.host_networking import HostNetworking
from provider.network_removal import NetworkRemoval
from provider.resource import Resource
from provider.settled import Settled
from provider.stack_identity import StackIdentity
from provider.volume import Volume

KINDS: Final[dict[str, Resource]] = {
    f"{PACKAGE}:index:{kind.name}": kind
    for kind in (
        AddressClaims(),
        BridgeConnection(),
        BridgeEndpoints(),
        BridgeNetwork(),
        Files(),
        FilesInUse(),
        Handover(),
        HostNetworking(),
        NetworkRemoval(),
        Settled(),
        StackIdentity(),
        Volume(),
    )
}
"""Type token -> the kind. A token is part of a URN, so it never changes."""
