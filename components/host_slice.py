"""One host's share of the fabric: its provider, its ipvlan network with its slice, its images, its containers, routes and shim.

Owns those resources. Leaves alone: the parent NIC (a VLAN of it that is missing is Docker's to make and to remove), the Docker
Engine and its settings, other networks and containers. Must be on the host already: Docker Engine with its command line, a
kernel with ipvlan (4.2 or later), the parent NIC, up.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
import pulumi_docker as docker

from components import container_settings
from components.address_claims import AddressClaims
from components.error_hooks import leftovers_hook
from components.host_check import host_check
from components.host_networking import HostNetworking
from components.host_provider import DynamicProvider
from components.parent_holder import parent_holder_hook
from ipvlan.hosts.connection import connection_to
from ipvlan.hosts.networking import planned_networking
from ipvlan.hosts.ssh import ssh_options
from ipvlan.plan import resource_names
from ipvlan.plan.model import ContainerPlan, HostPlan, SshPlan
from ipvlan.plan.resource_names import PORTS_LABEL, STACK_LABEL, token


@dataclass(frozen=True, kw_only=True)
class HostSliceArgs:
    """What one host's share is made of."""

    host: HostPlan
    """The host with its network and containers, all decided."""

    ssh: SshPlan
    """How hosts are reached."""

    stack: str
    """Name of the stack, for the labels."""

    secrets: Mapping[str, pulumi.Output[str]]
    """Config key -> secret value, for every key that a service's `secret_environment` names."""

    connections: DynamicProvider
    """What serves bridge connections; containers wait for it (see there)."""

    claims: AddressClaims | None = None
    """The answer that the planned addresses are free; nothing is made or stopped before it. None: nobody asks."""

    after: Sequence[pulumi.Resource] = ()
    """What must be done before anything is tried on this host."""


class HostSlice(pulumi.ComponentResource):
    """One host's explicit provider, its ipvlan network, its images and its containers at their fixed addresses."""

    network_id: pulumi.Output[str]
    """Docker's id of the network on this host."""

    addresses: pulumi.Output[dict[str, str]]
    """Service name -> the address of its container on this host."""

    def __init__(self, name: str, args: HostSliceArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        """Declare everything of one host."""
        super().__init__(token("host_slice", "HostSlice"), name, None, opts)
        host = args.host
        provider = docker.Provider(
            resource_names.docker_provider(name),
            host=host.ssh.url,
            ssh_opts=list(ssh_options(host, args.ssh)),
            # Whatever uses the provider waits for it, and with it for `after`.
            opts=pulumi.ResourceOptions(parent=self, depends_on=args.after),
        )
        checked = host_check(
            resource_names.host_check(name), host, args.ssh, pulumi.ResourceOptions(parent=self, depends_on=args.after)
        )
        leftovers = leftovers_hook(name, host, args.ssh, f"{STACK_LABEL}={args.stack}")
        parent_holder = parent_holder_hook(name, host, args.ssh, STACK_LABEL)
        network = self._network(name, args, provider, checked, [leftovers, parent_holder])
        beside = planned_networking(host, connection_to(host, args.ssh))
        if beside is not None:
            HostNetworking(
                resource_names.networking(name),
                wanted=beside,
                # After the network, which makes the parent where that is a VLAN, and before its end.
                opts=pulumi.ResourceOptions(parent=self, provider=args.connections, depends_on=[network]),
            )
        images = {
            image: docker.RemoteImage(
                resource_names.image(name, image),
                name=image,
                # Other containers of the host may use it; unused images are the operator's `docker image prune`.
                keep_locally=True,
                # Requests that are first at once open an ssh connection and a docker command line on the host each
                # (docs/decisions/0015-provider-behaviour.md, 7): there is time for that while addresses are asked for. With nothing
                # asked the network's request is the first one, alone.
                opts=pulumi.ResourceOptions(
                    parent=self, provider=provider, depends_on=[checked if args.claims else network]
                ),
            )
            for image in host.images
        }
        #: Service name -> its container on this host.
        self.containers: dict[str, docker.Container] = {
            container.service: docker.Container(
                resource_names.container(name, container.service),
                _container(args, container, network),
                opts=pulumi.ResourceOptions(
                    parent=self,
                    provider=provider,
                    depends_on=[images[container.image], args.connections],
                    # Its name and its address are exclusive: a new one can only follow the old one.
                    delete_before_replace=True,
                    # Read back empty while the bridge is not connected: PORTS_LABEL carries them instead.
                    ignore_changes=["ports"],
                    replace_on_changes=container_settings.replace_on_changes(container.settings),
                    hooks=pulumi.ResourceHookBinding(on_error=[leftovers]),
                ),
            )
            for container in host.containers
        }
        self.network_id = network.id
        self.addresses = pulumi.Output.from_input(
            {container.service: str(container.address) for container in host.containers}
        )
        self.register_outputs({"network_id": self.network_id, "addresses": self.addresses})

    def _network(
        self,
        name: str,
        args: HostSliceArgs,
        provider: docker.Provider,
        checked: pulumi.Resource,
        on_error: list[pulumi.ErrorHook],
    ) -> docker.Network:
        planned = args.host.network
        return docker.Network(
            resource_names.network(name),
            name=planned.name,
            driver="ipvlan",
            options={"ipvlan_mode": planned.mode, "parent": planned.parent},
            ipam_configs=[
                docker.NetworkIpamConfigArgs(
                    subnet=str(planned.subnet),
                    ip_range=str(planned.ip_range),
                    gateway=None if planned.gateway is None else str(planned.gateway),
                    aux_address={name_: str(address) for name_, address in planned.auxiliary.items()} or None,
                )
            ],
            labels=[docker.NetworkLabelArgs(label=STACK_LABEL, value=args.stack)],
            opts=pulumi.ResourceOptions(
                parent=self,
                provider=provider,
                # The containers wait for it too, by the network that they name.
                depends_on=[checked, *([args.claims] if args.claims else [])],
                # One ipvlan network per parent and host: a second one beside it is refused
                # (docs/decisions/0015-provider-behaviour.md, 9).
                delete_before_replace=True,
                hooks=pulumi.ResourceHookBinding(on_error=on_error),
            ),
        )


def _container(args: HostSliceArgs, planned: ContainerPlan, network: docker.Network) -> docker.ContainerArgs:
    labels = {**planned.settings.labels, STACK_LABEL: args.stack}
    if planned.docker_ports:
        labels[PORTS_LABEL] = " ".join(str(port) for port in planned.docker_ports)
    return docker.ContainerArgs(
        name=planned.name,
        image=planned.image,
        command=None if planned.command is None else list(planned.command),
        networks_advanced=[
            # The id, not the name: a network made anew makes its containers anew, in the preview too.
            docker.ContainerNetworksAdvancedArgs(name=network.id, ipv4_address=str(planned.address))
        ],
        ports=[
            docker.ContainerPortArgs(
                internal=port.container_port,
                external=port.host_port,
                protocol=port.protocol,
                ip=None if port.host_address is None else str(port.host_address),
            )
            for port in planned.docker_ports
        ],
        envs=[
            *(f"{key}={value}" for key, value in sorted(planned.environment.items())),
            *(
                pulumi.Output.concat(key, "=", args.secrets[config_key])
                for key, config_key in sorted(planned.secret_environment.items())
            ),
        ],
        labels=[docker.ContainerLabelArgs(label=label, value=value) for label, value in sorted(labels.items())],
        **container_settings.provider_arguments(planned.settings),
    )
