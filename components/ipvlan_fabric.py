"""The whole fabric out of a plan: a HostSlice per host, a PublishedService per published service and host.

Owns how they hang together. Decides nothing: every address, name and port stands in the plan.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

import pulumi

from components.address_claims import AddressClaims
from components.host_provider import DynamicProvider
from components.host_slice import HostSlice, HostSliceArgs
from components.published_service import PublishedService, PublishedServiceArgs
from ipvlan.plan import resource_names
from ipvlan.plan.model import Plan
from ipvlan.plan.resource_names import token


@dataclass(frozen=True, kw_only=True)
class FabricArgs:
    """What the fabric is made of."""

    plan: Plan
    """Every host, network, container, address and port, decided."""

    stack: str
    """Name of the stack, for the labels."""

    secrets: Mapping[str, pulumi.Output[str]] = field(default_factory=dict)
    """Config key -> secret value, for every key that a service's `secret_environment` names."""

    unreachable: Collection[str] = ()
    """Hosts that do not answer in this run: whatever is to be done there is tried last. The engine stops everything at the
    first failure, also in the middle of a replacement on a healthy host (docs/decisions/0004-dead-host.md)."""


class IpvlanFabric(pulumi.ComponentResource):
    """One flat ipvlan network over several Docker hosts, with its containers and its published ports."""

    addresses: pulumi.Output[dict[str, dict[str, str]]]
    """Service name -> host name -> address."""

    urls: pulumi.Output[dict[str, list[str]]]
    """Published service -> where it answers on each host; known once its ports are bound."""

    def __init__(self, name: str, args: FabricArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        """Declare the fabric."""
        super().__init__(token("ipvlan_fabric", "IpvlanFabric"), name, None, opts)
        plan = args.plan
        urls: dict[str, dict[str, pulumi.Output[list[str]]]] = {}
        connections = DynamicProvider(resource_names.dynamic_provider(name), opts=pulumi.ResourceOptions(parent=self))
        claims = (
            AddressClaims(
                resource_names.address_check(name),
                plan=plan,
                stack=args.stack,
                unreachable=args.unreachable,
                provider=connections,
                opts=pulumi.ResourceOptions(parent=self),
            )
            if plan.probe_addresses
            else None
        )
        done: list[pulumi.Resource] = []
        for host in sorted(plan.hosts, key=lambda host: host.name in args.unreachable):
            last = host.name in args.unreachable
            slice_ = HostSlice(
                resource_names.host_slice(name, host.name),
                HostSliceArgs(
                    host=host,
                    ssh=plan.ssh,
                    stack=args.stack,
                    secrets=args.secrets,
                    connections=connections,
                    claims=claims,
                    after=tuple(done) if last else (),
                ),
                opts=pulumi.ResourceOptions(parent=self),
            )
            if not last:
                done.extend(slice_.containers.values())
            for container in host.containers:
                if not container.bridged:
                    continue
                published = PublishedService(
                    resource_names.bridge_component(name, host.name, container.service, published=container.published),
                    PublishedServiceArgs(
                        host=host,
                        service=container,
                        container=slice_.containers[container.service],
                        fabric=plan.network_name,
                        urls=plan.urls_of(container) if container.published else (),
                        ssh=plan.ssh,
                        provider=connections,
                    ),
                    opts=pulumi.ResourceOptions(parent=self),
                )
                if container.published:
                    urls.setdefault(container.service, {})[host.name] = published.urls
                if not last:
                    done.append(published.connection)
        self.addresses = pulumi.Output.from_input(
            {
                service: {host: str(address) for host, address in hosts.items()}
                for service, hosts in plan.addresses.items()
            }
        )
        self.urls = pulumi.Output.all(
            **{
                service: pulumi.Output.all(*(answers[host] for host in sorted(answers))).apply(_flatten)
                for service, answers in sorted(urls.items())
            }
        )
        self.register_outputs({"addresses": self.addresses, "urls": self.urls})


def _flatten(lists: list[list[str]]) -> list[str]:
    return [url for urls in lists for url in urls]
