"""The resource that checks new addresses for conflicts before they are used, declared: whatever depends on it waits for the result.

The state of every stack of the time of dynamic resources refers to this module's path and to `AddressClaimsProvider`: they never
change.

Out of scope: which addresses are checked when, which the plugin decides (`provider.address_claims`).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, ClassVar

import pulumi

from components.host_provider import FabricProvider, OldProvider, taken_over, token
from components.stack_identity import qualified_stack
from provider import address_claims

if TYPE_CHECKING:
    from ipvlan.hosts.connection import HostConnection
    from ipvlan.plan.model import Plan


class AddressClaimsProvider(OldProvider):
    """What old states refer to."""

    kind: ClassVar[address_claims.AddressClaims] = address_claims.AddressClaims()


class AddressClaims(pulumi.CustomResource):
    """The result that no other machine holds an address of the plan."""

    def __init__(
        self,
        name: str,
        *,
        plan: Plan,
        stack: str,
        connections: Mapping[str, HostConnection],
        unreachable: Collection[str],
        opts: pulumi.ResourceOptions,
        provider: FabricProvider,
    ) -> None:
        """Declare the check.

        Args:
            name: The resource's name.
            plan: The planned addresses.
            stack: The stack's name.
            connections: Host -> its connection.
            unreachable: Hosts that do not answer in this run, and are not checked.
            opts: Its options.
            provider: What serves the resource.
        """
        super().__init__(
            token("AddressClaims"),
            name,
            {
                "stack": stack,
                # With it the plugin finds the state, where it must know whose a container is.
                "qualified_stack": qualified_stack(),
                "mode": plan.mode,
                "unreachable": sorted(unreachable),
                "hosts": {
                    host.name: {
                        "ssh": list(connections[host.name].command),
                        "parent": host.parent,
                        "addresses": {str(container.address): container.service for container in host.on_fabric},
                    }
                    for host in plan.hosts
                },
            },
            taken_over("AddressClaims", pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(provider=provider))),
        )
