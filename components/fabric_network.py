"""The fabric's network on a host, which the docker provider creates, and what removes it (docs/decisions/0036-beside.md).

Out of scope: the removal, which the plugin does (`provider.network_removal`).
"""

from __future__ import annotations

import pulumi
import pulumi_docker as docker

from components.host_provider import token
from ipvlan.hosts.connection import HostConnection
from ipvlan.plan.model import HostPlan
from ipvlan.plan.ownership import owner_label
from ipvlan.plan.resource_names import OWNER_LABEL, STACK_LABEL


def fabric_network(
    name: str,
    host: HostPlan,
    *,
    stack: str,
    owner: pulumi.Output[str],
    removable: bool,
    opts: pulumi.ResourceOptions,
) -> docker.Network:
    """Declare the network.

    Args:
        name: Name of the resource.
        host: The host, with its network.
        stack: Name of the stack, for a label.
        owner: The stack's owner id, for the owner label.
        removable: Whether the state has its NetworkRemoval, for the network that it has now.
        opts: The resource's options: what it waits for, and what serves it.
    """
    planned = host.network
    return docker.Network(
        name,
        name=planned.name,
        driver="ipvlan",
        options={"ipvlan_mode": planned.mode, "parent": planned.parent},
        ipam_configs=[
            docker.NetworkIpamConfigArgs(
                subnet=str(planned.subnet),
                ip_range=str(planned.ip_range),
                gateway=None if planned.gateway is None else str(planned.gateway),
                aux_address={key: str(address) for key, address in planned.auxiliary.items()} or None,
            )
        ],
        labels=[
            docker.NetworkLabelArgs(label=OWNER_LABEL, value=owner.apply(lambda id_: owner_label(id_, host.name))),
            docker.NetworkLabelArgs(label=STACK_LABEL, value=stack),
        ],
        opts=pulumi.ResourceOptions.merge(
            opts,
            pulumi.ResourceOptions(
                # A parent carries one ipvlan network: Docker refuses a second one beside it
                # (docs/decisions/0015-provider-behaviour.md, 9).
                delete_before_replace=True,
                # What an earlier version created has no owner label, and a renamed stack has another name.
                ignore_changes=["labels"],
                # The docker provider waits for two seconds before it removes a network. Retained only where something else removes
                # it: an `up` that ends early must leave nothing that a destroy forgets.
                retain_on_delete=removable or None,
            ),
        ),
    )


class NetworkRemoval(pulumi.CustomResource):
    """The removal of one host's network. Its id is `HOST/NETWORK`."""

    def __init__(
        self,
        name: str,
        *,
        host: HostPlan,
        connection: HostConnection,
        owner: pulumi.Output[str],
        network_id: pulumi.Input[str],
        opts: pulumi.ResourceOptions,
    ) -> None:
        """Declare it.

        Args:
            name: Name of the resource.
            host: The host.
            connection: The ssh connection to it.
            owner: The stack's owner id.
            network_id: An output of the network's resource.
            opts: The resource's options.
        """
        super().__init__(
            token("NetworkRemoval"),
            name,
            {
                "host": host.name,
                "ssh": list(connection.command),
                "network": host.network.name,
                "network_id": network_id,
                "owner": owner.apply(lambda id_: owner_label(id_, host.name)),
            },
            opts,
        )
