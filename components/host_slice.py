"""One host's part of the fabric: its docker provider, check, network, images and containers, and its routes and shim.

The host must have: Docker Engine with its command line, a kernel with ipvlan (4.2 or later), and the parent NIC, up.

Out of scope: the parent NIC (Docker creates and deletes it where it is a VLAN that the host does not have), the Docker Engine and
its settings, other networks and containers of the host.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import pulumi
import pulumi_docker as docker

from components.address_claims import AddressClaims
from components.bridge_endpoints import BridgeEndpoints
from components.bridge_network import BridgeNetwork
from components.container_settings import container_args, replace_on_changes
from components.docker_container import DockerContainer
from components.error_hooks import orphans_hook, parent_conflict_hook, previous_hook
from components.fabric_network import NetworkRemoval, fabric_network
from components.files import Files, FilesInUse
from components.handover import Handover, Settled
from components.host_check import host_check
from components.host_networking import HostNetworking
from components.host_provider import FabricProvider
from components.registrations import After
from components.rollout_args import RolloutArgs
from components.stack_identity import qualified_stack
from components.volume import Volume
from ipvlan.hosts.connection import HostConnection
from ipvlan.hosts.networking import planned_networking
from ipvlan.plan import resource_names
from ipvlan.plan.container_updates import IGNORED
from ipvlan.plan.model import ContainerPlan, HostPlan
from ipvlan.plan.resource_names import token


@dataclass(frozen=True, kw_only=True)
class HostSliceArgs:
    """Arguments of a HostSlice."""

    host: HostPlan
    """The host with its network and containers."""

    connection: HostConnection
    """The ssh connection to the host."""

    stack: str
    """Name of the stack. Every network and container is labelled with it."""

    owner: pulumi.Output[str]
    """The stack's owner id, in a label of every network and container too."""

    secrets: Mapping[str, pulumi.Output[str]]
    """Config key -> secret value, for every key that a service's `secret_environment` or `files` names."""

    fabric_provider: FabricProvider
    """The provider that serves our own resources. Containers depend on it."""

    address_check: AddressClaims | None = None
    """The check that nobody else has the planned addresses. All containers wait for it. None: no check."""

    new: bool = False
    """Whether the state has neither a network nor a container of the host. Its network is then created beside the check of the
    addresses, since that stops nothing; on other hosts the network waits for it, and so does all that is on the network."""

    removable_network: bool = False
    """Whether the state has what removes the host's network, for the network that it has: the docker provider, which waits for 2
    seconds first, leaves it alone then."""

    after: Sequence[pulumi.Resource] = ()
    """What must be complete before anything is tried on this host."""

    missing_bridges: Collection[str] = ()
    """Names of the planned bridge networks that do not exist on the host, as far as it was asked."""

    detached: Collection[str] = ()
    """Names of the containers that are off a bridge on which the state has them, as far as the host was asked."""

    recorded_containers: Collection[str] = ()
    """Docker's ids of the host's containers in the state."""

    missing_volumes: Collection[str] = ()
    """Names of the planned volumes that do not exist on the host, as far as it was asked."""


class HostSlice(pulumi.ComponentResource):
    """One host with its explicit docker provider, its ipvlan network, and its containers at their fixed addresses.

    The containers are declared one by one, with `add_container`: a container may wait for one on another host.
    """

    network_id: pulumi.Output[str]
    """Docker's id of the network on this host."""

    addresses: pulumi.Output[dict[str, str]]
    """Service name -> the address of its container on this host."""

    def __init__(self, name: str, args: HostSliceArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        """Declare all resources of the host."""
        super().__init__(token("host_slice", "HostSlice"), name, None, opts)
        host = args.host
        # Whatever uses the docker provider waits for it, and so for these. Our own provider is among them: the engine replaces its
        # process when a host's connection changes, and what is deleted for a replacement must find the new one.
        after = pulumi.ResourceOptions(parent=self, depends_on=[args.fabric_provider, *map(After, args.after)])
        provider = docker.Provider(
            resource_names.docker_provider(name),
            host=host.docker_url,
            ssh_opts=list(args.connection.options),
            opts=after,
        )
        checked = host_check(resource_names.host_check(name), host, args.connection, after)
        orphans = orphans_hook(name, args.connection, qualified_stack())
        # A container's Handover waits for it too, where the network does not.
        self._gate: list[pulumi.Resource] = [args.address_check] if args.address_check and args.new else []
        network = fabric_network(
            resource_names.network(name),
            host,
            stack=args.stack,
            owner=args.owner,
            removable=args.removable_network,
            opts=pulumi.ResourceOptions(
                parent=self,
                provider=provider,
                # The containers wait for it too: they refer to the network's id.
                depends_on=[checked, *([args.address_check] if args.address_check and not args.new else [])],
                hooks=pulumi.ResourceHookBinding(on_error=[orphans, parent_conflict_hook(name, args.connection)]),
            ),
        )
        removal = NetworkRemoval(
            resource_names.network_removal(name),
            host=host,
            connection=args.connection,
            owner=args.owner,
            network_id=network.id,
            opts=pulumi.ResourceOptions(parent=self, provider=args.fabric_provider),
        )
        # What uses the network is deleted before it is removed.
        self._gate.append(removal)
        self.resources: list[pulumi.Resource] = [network]
        """What the engine works on last on this host: when it is complete, everything is."""
        planned = planned_networking(host, args.connection)
        if planned is not None:
            networking = HostNetworking(
                resource_names.networking(name),
                planned=planned,
                # Created after the network and deleted before it: with the network Docker creates the parent where that is a VLAN.
                opts=pulumi.ResourceOptions(
                    parent=self, provider=args.fabric_provider, depends_on=[network, *self._gate]
                ),
            )
            self.resources.append(networking)
        # Requests that are first at the same time open an ssh session and a docker command line on the host each
        # (docs/decisions/0015-provider-behaviour.md, 7). While the addresses are checked there is time for that.
        # Without that check the network's request comes first, alone.
        self.images = self._images(name, args, provider, after=checked if args.address_check else network)
        """Reference -> the image on this host."""
        self.volumes = {
            planned.name: Volume(
                resource_names.volume(name, planned.name),
                planned=planned,
                connection=args.connection,
                stack=args.stack,
                owner=args.owner,
                secrets=args.secrets,
                missing=planned.name in args.missing_volumes,
                opts=pulumi.ResourceOptions(parent=self, provider=args.fabric_provider, depends_on=[checked]),
            )
            for planned in host.volumes
        }
        """Docker's name -> the volume of the section `volumes` on this host. Their containers refer to them."""
        self.resources += self.volumes.values()
        self.bridges = {
            planned.name: BridgeNetwork(
                resource_names.bridge_network(name, planned.name),
                planned=planned,
                connection=args.connection,
                stack=args.stack,
                owner=args.owner,
                missing=planned.name in args.missing_bridges,
                containers=args.recorded_containers,
                # After the fabric's network: so the subnet that Docker chooses is none of the fabric's.
                opts=pulumi.ResourceOptions(parent=self, provider=args.fabric_provider, depends_on=[network]),
            )
            for planned in host.bridges
        }
        """Docker's name -> the bridge network of the section `bridges` on this host."""
        self.resources += self.bridges.values()
        self.containers: dict[str, DockerContainer] = {}
        """Service name -> its container on this host; those that were added."""
        self._files: dict[str, Files] = {}
        """Service name -> its staged files on this host."""
        self._rollouts: dict[str, RolloutArgs] = {}
        """Service name -> what the resources of its container have in common."""
        self._name = name
        self._args = args
        self._docker_provider = provider
        self._network_resource = network
        self._on_error = [previous_hook(name, args.connection), orphans]
        self.network_id = network.id
        self.addresses = pulumi.Output.from_input(
            {container.service: str(container.address) for container in host.on_fabric}
        )

    def add_container(
        self,
        planned: ContainerPlan,
        *,
        existing: bool,
        proven: bool,
        unsettled: bool,
        after: Sequence[pulumi.Resource],
    ) -> DockerContainer:
        """Declare one container of the host, and what prepares its replacement.

        Args:
            planned: The container.
            existing: Whether the state has it.
            proven: Whether the state has one of this place that was up.
            unsettled: Whether the one in the state is known to have not been up, or to be none: other files replace it.
            after: What must be complete before the container is created or replaced.
        """
        args, name = self._args, resource_names.container(self._name, planned.service)
        arguments = container_args(
            planned,
            network_id=self._network_resource.id,
            stack=args.stack,
            owner=args.owner,
            secrets=args.secrets,
            volumes={volume: resource.volume for volume, resource in self.volumes.items()},
        )
        image = self.images[planned.image]
        files = self._stage(planned, after=[image, *after])
        handover = Handover(
            resource_names.handover(name),
            self._rollout(planned),
            arguments,
            existing=existing,
            files=files,
            unsettled=unsettled,
            # Its networks are there first: what is kept of it is created on them.
            opts=pulumi.ResourceOptions(
                parent=self,
                depends_on=[
                    image,
                    *self._gate,
                    *self._bridges_of(planned),
                    *after,
                    *([files] if files else []),
                ],
            ),
        )
        container = DockerContainer(
            name,
            arguments,
            opts=pulumi.ResourceOptions(
                parent=self,
                provider=self._docker_provider,
                depends_on=[image, args.fabric_provider, handover],
                # Its name and its address are exclusive.
                delete_before_replace=True,
                # Ports are read back as empty while the bridge is not connected (docs/decisions/0015-provider-behaviour.md, 1).
                # The stack's own labels replace nothing (docs/decisions/0019-identity.md). What of both must, is the trigger.
                # Capabilities are read back in another spelling; the handover compares them (there, 19).
                ignore_changes=["ports", "labels", *IGNORED],
                replacement_trigger=handover.replacement,
                replace_on_changes=replace_on_changes(
                    planned.settings, restored=proven and planned.rollout.on_failure == "restore"
                ),
                hooks=pulumi.ResourceHookBinding(on_error=self._on_error),
            ),
        )
        self.containers[planned.service] = container
        self.resources.append(container)
        return container

    def connect(self, planned: ContainerPlan) -> BridgeEndpoints | None:
        """Declare the connections of a container that was added to its bridges, and its first start; None where it has none."""
        if not planned.bridges:
            return None
        name, container = resource_names.container(self._name, planned.service), self.containers[planned.service]
        endpoints = BridgeEndpoints(
            resource_names.bridge_endpoints(name),
            self._rollout(planned),
            container_id=container.id,
            network_ids={bridge: resource.network_id for bridge, resource in self.bridges.items()},
            detached=planned.name in self._args.detached,
            opts=pulumi.ResourceOptions(
                parent=self,
                depends_on=self._bridges_of(planned),
                delete_before_replace=True,
                # Docker removes a container's connections with it: no visit to the host for them.
                deleted_with=container,
            ),
        )
        self.resources.append(endpoints)
        return endpoints

    def _bridges_of(self, planned: ContainerPlan) -> list[BridgeNetwork]:
        # All of the host: one that is created again connects again what was on it, so also a container that is to leave it.
        return list(self.bridges.values()) if planned.bridges else []

    def settle(self, planned: ContainerPlan, *, recorded_id: str, after: Sequence[pulumi.Resource]) -> pulumi.Resource:
        """Declare the proof that a container which was added is up, and uses its files; return the last resource of both.

        Args:
            planned: The container.
            recorded_id: Docker's id of the container where only an earlier version declared it; empty otherwise.
            after: Its connections to bridges, where it has some.
        """
        settled = Settled(
            resource_names.settled(resource_names.container(self._name, planned.service)),
            self._rollout(planned),
            container_id=self.containers[planned.service].id,
            recorded_id=recorded_id,
            after=after,
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.resources.append(settled)
        if planned.files is None:
            return settled
        in_use = FilesInUse(
            resource_names.files_in_use(resource_names.container(self._name, planned.service)),
            self._rollout(planned),
            planned.files,
            staged=self._files[planned.service],
            container_id=self.containers[planned.service].id,
            after=[settled],
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.resources.append(in_use)
        return in_use

    def complete(self) -> None:
        """Say that all containers were added."""
        self.register_outputs({"network_id": self.network_id, "addresses": self.addresses})

    def _stage(self, planned: ContainerPlan, *, after: Sequence[pulumi.Resource]) -> Files | None:
        """Declare the container's staged files; return None without any."""
        if planned.files is None:
            return None
        files = Files(
            resource_names.files(resource_names.container(self._name, planned.service)),
            self._rollout(planned),
            planned.files,
            opts=pulumi.ResourceOptions(parent=self, depends_on=[*after]),
        )
        self._files[planned.service] = files
        self.resources.append(files)
        return files

    def _rollout(self, planned: ContainerPlan) -> RolloutArgs:
        # One for all resources of a container: its owner label is an output.
        if planned.service not in self._rollouts:
            self._rollouts[planned.service] = self._new_rollout(planned)
        return self._rollouts[planned.service]

    def _new_rollout(self, planned: ContainerPlan) -> RolloutArgs:
        args = self._args
        return RolloutArgs(
            host=args.host,
            planned=planned,
            connection=args.connection,
            owner=args.owner,
            provider=args.fabric_provider,
            secrets=args.secrets,
        )

    def _images(
        self, name: str, args: HostSliceArgs, provider: docker.Provider, after: pulumi.Resource
    ) -> dict[str, docker.RemoteImage]:
        """Declare the images of the host and return them by reference."""
        return {
            image: docker.RemoteImage(
                resource_names.image(name, image),
                name=image,
                # Other containers of the host may use it. `docker image prune` is the operator's decision.
                keep_locally=True,
                opts=pulumi.ResourceOptions(parent=self, provider=provider, depends_on=[after]),
            )
            for image in args.host.images
        }
