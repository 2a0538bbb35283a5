"""The whole fabric of a plan: a HostSlice per host, a PublishedService per container on Docker's bridge.

Out of scope: decisions. Every address, name and port is in the plan.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pulumi

from components.address_claims import AddressClaims
from components.host_locks import lock_hosts
from components.host_provider import FabricProvider
from components.published_service import PublishedService, PublishedServiceArgs
from components.registrations import Registrations, without_stack_traces
from components.rollout_edges import RolloutEdges
from components.stack_identity import StackIdentity
from ipvlan.hosts.availability import EXTRA_SECONDS
from ipvlan.hosts.connection import HostConnection, connection_to
from ipvlan.hosts.errors import HostError, HostUnreachableError
from ipvlan.plan import resource_names
from ipvlan.plan.model import ContainerPlan, HostPlan, Plan
from ipvlan.plan.ownership import Place
from ipvlan.plan.resource_names import token
from ipvlan.problems import Problem, numbered

if TYPE_CHECKING:
    from components.docker_container import DockerContainer
    from components.host_slice import HostSlice


@dataclass(frozen=True, kw_only=True)
class FabricArgs:
    """Arguments of an IpvlanFabric."""

    plan: Plan
    """Every host, network, container, address and port."""

    stack: str
    """Name of the stack. Every network and container is labelled with it."""

    secrets: Mapping[str, pulumi.Output[str]] = field(default_factory=dict)
    """Config key -> secret value, for every key that a service's `secret_environment` names."""

    unavailable: Mapping[str, HostError] = field(default_factory=dict)
    """Host name -> why nothing can be done on it in this run. The work on all other hosts comes first. Then a host that ssh does
    not reach is tried; where ssh reached it the run ends with the reason (docs/decisions/0020-availability.md)."""

    existing: Collection[Place] | None = None
    """The containers that the state has: they may be replaced, so they wait for each other. None: it is not known, and all do."""

    from_before: Mapping[Place, str] = field(default_factory=dict)
    """Those of them that only an earlier version declared, with their ids: one that is not replaced is taken as it is."""

    recorded: Mapping[Place, str] = field(default_factory=dict)
    """Docker's ids of the containers that the state has; empty in a preview, and where it cannot be read."""

    proven: Collection[Place] = ()
    """The places whose container was up once."""

    settled: Collection[Place] | None = None
    """Those of them whose container in the state is that one. None: it is not known."""

    replaced_hosts: Collection[str] = ()
    """Hosts that follow each other: their network is replaced, with all containers on it, or a volume with those that mount it; or
    a bridge network is created again below its containers."""

    new_hosts: Collection[str] = ()
    """Hosts of which the state has neither a network nor a container: the network is created beside the check of the addresses.
    Empty in a preview, and where the state cannot be read."""

    removable_networks: Collection[str] = ()
    """Hosts whose network in the state is the one that its NetworkRemoval has: the docker provider need not remove it again."""

    missing_volumes: Mapping[str, Collection[str]] = field(default_factory=dict)
    """Host -> names of planned volumes that do not exist there; empty in a preview."""

    missing_bridges: Mapping[str, Collection[str]] = field(default_factory=dict)
    """Host -> names of planned bridge networks that do not exist there; empty in a preview."""

    detached: Mapping[str, Collection[str]] = field(default_factory=dict)
    """Host -> names of containers that are off a bridge on which the state has them; empty in a preview."""


class IpvlanFabric(pulumi.ComponentResource):
    """One flat ipvlan network over several Docker hosts, with its containers and their published ports."""

    addresses: pulumi.Output[dict[str, dict[str, str]]]
    """Service name -> host name -> address of the container."""

    urls: pulumi.Output[dict[str, list[str]]]
    """Published service -> the URL of each published TCP port at each host; known when the ports are bound. In LAN mode
    also service -> the URL of each TCP port at its containers' own addresses; known when the containers are created."""

    def __init__(self, name: str, args: FabricArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        """Declare all resources of the plan."""
        registrations = Registrations()
        opts = pulumi.ResourceOptions.merge(opts, registrations.options)
        super().__init__(token("ipvlan_fabric", "IpvlanFabric"), name, None, opts)
        self.registered: Callable[[], Awaitable[None]] = registrations.complete
        """Waits until everything is registered. For `pulumi.run(fabric.registered)`, the last line of a program."""
        plan = args.plan
        shared = self._shared(name, args)
        urls: dict[str, dict[str, pulumi.Output[list[str]]]] = {service: {} for service in plan.urls}
        order = RolloutEdges(plan, args.existing)

        def declare(hosts: Sequence[HostPlan], after: Sequence[pulumi.Resource]) -> Sequence[pulumi.Resource]:
            slices = {host.name: self._host_slice(shared, host, after) for host in hosts}
            order.add_images(slices)
            resources: list[pulumi.Resource] = []
            for planned in order.containers(hosts):
                slice_, place = slices[planned.host], Place(planned.host, planned.service)
                container = slice_.add_container(
                    planned,
                    existing=args.existing is None or place in args.existing,
                    proven=place in args.proven,
                    unsettled=args.settled is not None and place not in args.settled,
                    after=order.before(planned),
                )
                connections: list[pulumi.Resource] = []
                endpoints = slice_.connect(planned)
                if endpoints is not None:
                    connections.append(endpoints)
                attachment = self._attachment(shared, plan.host(planned.host), planned, container, after=connections)
                if attachment is not None:
                    connections.append(attachment.bridge_connection)
                    urls.setdefault(planned.service, {})[planned.host] = attachment.urls
                    resources.append(attachment.bridge_connection)
                if plan.at_own_address(planned) and (own := plan.endpoints_of(planned)):
                    urls[planned.service][planned.host] = _known_with(container, own)
                order.add(
                    planned,
                    slice_.settle(
                        planned,
                        recorded_id=args.from_before.get(place, ""),
                        after=connections,
                    ),
                )
            for slice_ in slices.values():
                slice_.complete()
                resources += slice_.resources
            return resources

        with without_stack_traces():
            _declare_in_order(plan.hosts, args.unavailable, args.replaced_hosts, declare)
        self.addresses = pulumi.Output.from_input(
            {
                service: {host: str(address) for host, address in hosts.items()}
                for service, hosts in plan.addresses.items()
            }
        )
        self.urls = pulumi.Output.all(
            **{
                service: pulumi.Output.all(*(urls[service][host] for host in sorted(urls[service]))).apply(_flatten)
                for service in plan.urls
            }
        )
        self.register_outputs({"addresses": self.addresses, "urls": self.urls})

    def _shared(self, name: str, args: FabricArgs) -> _Shared:
        plan = args.plan
        opts = pulumi.ResourceOptions(parent=self)
        connections = {host.name: connection_to(host, plan.ssh) for host in plan.hosts}
        provider = FabricProvider(resource_names.fabric_provider(name), connections, opts=opts)
        lock_hosts(
            provider,
            args.stack,
            [host.name for host in plan.hosts if host.name not in args.unavailable],
            seconds=plan.ssh.connect_timeout + EXTRA_SECONDS,
        )
        identity = StackIdentity(resource_names.stack_identity(name), provider=provider, opts=opts)
        address_check = (
            AddressClaims(
                resource_names.address_check(name),
                plan=plan,
                stack=args.stack,
                connections=connections,
                unreachable=args.unavailable,
                provider=provider,
                opts=opts,
            )
            if plan.probe_addresses
            else None
        )
        return _Shared(
            name=name,
            args=args,
            fabric_provider=provider,
            identity=identity,
            connections=connections,
            address_check=address_check,
        )

    def _host_slice(self, shared: _Shared, host: HostPlan, after: Sequence[pulumi.Resource]) -> HostSlice:
        # Not above: this loads the docker provider's package, which takes as long as the hosts take to answer ssh.
        from components.host_slice import HostSlice, HostSliceArgs  # noqa: PLC0415

        return HostSlice(
            resource_names.host_slice(shared.name, host.name),
            HostSliceArgs(
                host=host,
                connection=shared.connections[host.name],
                stack=shared.args.stack,
                owner=shared.identity.owner,
                secrets=shared.args.secrets,
                fabric_provider=shared.fabric_provider,
                address_check=shared.address_check,
                new=host.name in shared.args.new_hosts,
                removable_network=host.name in shared.args.removable_networks,
                after=after,
                missing_volumes=shared.args.missing_volumes.get(host.name, ()),
                missing_bridges=shared.args.missing_bridges.get(host.name, ()),
                detached=shared.args.detached.get(host.name, ()),
                recorded_containers=[id_ for place, id_ in shared.args.recorded.items() if place.host == host.name],
            ),
            opts=pulumi.ResourceOptions(parent=self),
        )

    def _attachment(
        self,
        shared: _Shared,
        host: HostPlan,
        planned: ContainerPlan,
        container: DockerContainer,
        after: Sequence[pulumi.Resource],
    ) -> PublishedService | None:
        """Declare the bridge attachment of a container; return None for one that is not bridged."""
        if not planned.bridged:
            return None
        return PublishedService(
            resource_names.bridge_component(shared.name, host.name, planned.service, published=planned.published),
            PublishedServiceArgs(
                host=host,
                planned=planned,
                container=container,
                urls=shared.args.plan.urls_of(planned) if planned.published else (),
                connection=shared.connections[host.name],
                owner=shared.identity.owner,
                fabric_provider=shared.fabric_provider,
                secrets=shared.args.secrets,
                after=after,
            ),
            opts=pulumi.ResourceOptions(parent=self),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Shared:
    """What the resources of all hosts have in common."""

    name: str
    """Name of the fabric's component."""

    args: FabricArgs

    fabric_provider: FabricProvider

    identity: StackIdentity
    """The stack's owner id."""

    connections: Mapping[str, HostConnection]
    """Host name -> its ssh connection."""

    address_check: AddressClaims | None


def _declare_in_order(
    hosts: Sequence[HostPlan],
    unavailable: Mapping[str, HostError],
    replaced_hosts: Collection[str],
    declare: Callable[[Sequence[HostPlan], Sequence[pulumi.Resource]], Sequence[pulumi.Resource]],
) -> None:
    """Declare each host: those that ssh does not reach last, those whose Docker cannot be used not at all.

    The engine stops everything at its first failure, also in the middle of a replacement: the connection of a container on a
    healthy host was deleted, and the new one is never created. `--continue-on-error` is no remedy: the engine then waits for
    the failed replacement without end (docs/decisions/0004-dead-host.md). So nothing is tried on an unavailable host before the
    work on all others is complete.

    Where ssh does not answer, everything fails fast and does no harm: the host is declared last, and `up` succeeds if nothing is to
    be done on it. Where ssh answers, a Docker that hangs would never end the run, one without space would remove a container and
    create none, and another machine would get the containers. Such a host is not declared: the run ends with an error after
    everything else, and a run that ends with an error deletes nothing (docs/decisions/0020-availability.md).

    Args:
        hosts: All hosts.
        unavailable: Those that are unavailable, with the reason.
        replaced_hosts: Those whose network or a volume is replaced, or a bridge network created again: nothing is tried on one of
            them before all hosts before it are complete.
        declare: Declares some hosts. Gets what must be complete before anything is tried on them, and returns what must be
            complete before anything is tried on unavailable ones.
    """
    available = [host for host in hosts if host.name not in unavailable]
    complete = list(declare([host for host in available if host.name not in replaced_hosts], ()))
    for host in available:
        if host.name in replaced_hosts:
            complete += declare([host], list(complete))
    last = declare([host for host in hosts if isinstance(unavailable.get(host.name), HostUnreachableError)], complete)
    left_out = [
        problem
        for host in hosts
        if host.name in unavailable and not isinstance(unavailable[host.name], HostUnreachableError)
        for problem in unavailable[host.name].problems
    ]
    if left_out:
        _end(left_out, after=[*complete, *last])


def _end(problems: Sequence[Problem], *, after: Sequence[pulumi.Resource]) -> None:
    """End the run with the problems when the engine has completed all of `after`."""

    def end(_urns: object) -> None:
        heading = "everything on the other hosts is done; these could not be used:"
        raise pulumi.RunError(numbered(heading, problems))

    pulumi.Output.all(*(resource.urn for resource in after)).apply(end)


def _known_with(container: DockerContainer, urls: Sequence[str]) -> pulumi.Output[list[str]]:
    """Return the URLs, known when the container is created."""
    return container.id.apply(lambda _: list(urls))


def _flatten(lists: list[list[str]]) -> list[str]:
    return [url for urls in lists for url in urls]
