"""The Pulumi components of the fabric. They declare what the plan decided, one resource per plan entry, and decide nothing."""

from components.host_slice import HostSlice, HostSliceArgs
from components.ipvlan_fabric import FabricArgs, IpvlanFabric
from components.published_service import PublishedService, PublishedServiceArgs

__all__ = [
    "FabricArgs",
    "HostSlice",
    "HostSliceArgs",
    "IpvlanFabric",
    "PublishedService",
    "PublishedServiceArgs",
]
