"""The plan of the reference setup and hosts in the state that it plans, for tests that compare them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from netaddr import IPAddress, IPNetwork

from ipvlan.hosts.bridge_networks import LiveNetwork as LiveBridge
from ipvlan.hosts.endpoints import ENDPOINT_PRIORITY, LiveEndpoint
from ipvlan.hosts.errors import DOCKER_UNAVAILABLE, HostError, HostUnreachableError
from ipvlan.hosts.snapshot import (
    Binding,
    Endpoint,
    HostSnapshot,
    LiveContainer,
    LiveNetwork,
    Parent,
)
from ipvlan.hosts.ssh import connection_failure
from ipvlan.plan.make import make_plan
from ipvlan.plan.model import ContainerPlan, HostPlan, Plan
from ipvlan.plan.ownership import Ownership, Place
from ipvlan.plan.resource_names import OWNER_LABEL, STACK_LABEL, ports_label
from ipvlan.plan.validate import parse
from tests.support.states import OWNER
from tools.reference_setup import reference_config

STACK = "dev"


def reference_plan(hosts: int = 2, *, published: bool = True, **fabric: Any) -> Plan:
    """Return the plan of the reference setup."""
    config = reference_config(hosts, **fabric)
    config["services"]["nginx"]["published"] = published
    return make_plan(parse(config))


def live_network(host: HostPlan) -> LiveNetwork:
    """Return the fabric's network as planned."""
    return LiveNetwork(
        id=f"network-of-{host.name}",
        name=host.network.name,
        driver="ipvlan",
        subnet=host.network.subnet,
        gateway=host.network.gateway,
        ip_range=host.network.ip_range,
        options={"ipvlan_mode": host.network.mode, "parent": host.network.parent},
        labels={"ipvlan-fabric.stack": STACK},
    )


BRIDGE_NETWORK = LiveNetwork(
    id="network-of-docker",
    name="bridge",
    driver="bridge",
    subnet=IPNetwork("172.17.0.0/16"),
    gateway=IPAddress("172.17.0.1"),
    ip_range=None,
    options={},
    labels={},
)
"""Docker's own network, present on every host."""


def bridge_id(host: str, name: str) -> str:
    """Return Docker's id of a bridge network of the section `bridges`."""
    return f"bridge-{name}-of-{host}"


def live_bridges(host: HostPlan) -> tuple[LiveBridge, ...]:
    """Return the bridge networks of the section `bridges` as planned, as the section sees them."""
    return tuple(
        LiveBridge(
            id=bridge_id(host.name, planned.name),
            name=planned.name,
            driver="bridge",
            internal=planned.internal,
            ipv6=False,
            subnets=(str(planned.subnet or "172.18.0.0/16"),),
            options=planned.options,
            labels={}
            if planned.external
            else {**planned.labels, STACK_LABEL: STACK, OWNER_LABEL: f"{OWNER}/{host.name}/{planned.name}"},
        )
        for planned in host.bridges
    )


def _as_network(bridge: LiveBridge) -> LiveNetwork:
    return LiveNetwork(
        id=bridge.id,
        name=bridge.name,
        driver=bridge.driver,
        subnet=IPNetwork(bridge.subnets[0]),
        gateway=None,
        ip_range=None,
        options=bridge.options,
        labels=bridge.labels,
    )


def attachment(network: str, network_id: str, address: str | None, *, fixed: bool = True) -> Endpoint:
    """Return the connection of a running container."""
    held = None if address is None else IPAddress(address)
    return Endpoint(network=network, network_id=network_id, address=held, fixed=held if fixed else None)


def live_container(planned: ContainerPlan, host: HostPlan) -> LiveContainer:
    """Return the container as planned."""
    attachments = {}
    if planned.address is not None:
        attachments[host.network.name] = attachment(host.network.name, f"network-of-{host.name}", str(planned.address))
    for endpoint in planned.bridges:
        attachments[endpoint.bridge] = attachment(
            endpoint.bridge, bridge_id(host.name, endpoint.bridge), "172.18.0.2", fixed=False
        )
    if planned.bridged:
        attachments["bridge"] = attachment("bridge", "bridge", "172.17.0.2", fixed=False)
    labels = {"ipvlan-fabric.stack": STACK}
    if planned.docker_ports:
        labels["ipvlan-fabric.ports"] = ports_label(planned.docker_ports)
    return LiveContainer(
        id=f"id-of-{planned.name}-{host.name}",
        name=planned.name,
        image=planned.image,
        image_id="sha256:1",
        state="running",
        status="Up 3 minutes",
        labels=labels,
        endpoints=attachments,
        bindings=frozenset(
            Binding(
                host_address="0.0.0.0",  # noqa: S104  # as Docker says it; nothing is bound
                host_port=port.host_port,
                container_port=port.container_port,
                protocol=port.protocol,
            )
            for written in planned.ports
            for port in written.singles()
            if planned.published
        ),
    )


def owned_by_plan(plan: Plan) -> Ownership:
    """Return what a stack owns whose hosts are as planned."""
    containers = {
        Place(planned.host, planned.service): f"id-of-{planned.name}-{planned.host}" for planned in plan.containers()
    }
    networks = {host.name: f"network-of-{host.name}" for host in plan.hosts}
    bridges = {
        Place(host.name, bridge.name): bridge_id(host.name, bridge.name)
        for host in plan.hosts
        for bridge in host.bridges
        if not bridge.external
    }
    return Ownership(
        stack=STACK,
        read=True,
        owner=OWNER,
        containers=containers,
        networks=networks,
        bridges=bridges,
        ids=frozenset({*containers.values(), *networks.values()}),
    )


def live_host(host: HostPlan) -> HostSnapshot:
    """Return the host as planned."""
    return HostSnapshot(
        host=host.name,
        docker="28.5.2",
        engine_id=f"engine-of-{host.name}",
        kernel="6.12",
        root=True,
        parent=Parent(name=host.parent, present=True, up=True, mtu=1500),
        routes=(
            *(f"{str(route.destination).removesuffix('/32')} via {route.via} dev ens33" for route in host.routes),
            *(
                f"{str(destination).removesuffix('/32')} dev {host.shim.link} scope link src {host.shim.address}"
                for destination in host.destinations
                if host.shim
            ),
        ),
        shim_addresses=(host.shim.address,) if host.shim else (),
        containers={planned.name: live_container(planned, host) for planned in host.containers},
        networks=(live_network(host), BRIDGE_NETWORK, *map(_as_network, live_bridges(host))),
        bridges=live_bridges(host),
        connections={
            planned.name: {
                endpoint.bridge: LiveEndpoint(
                    network=endpoint.bridge,
                    network_id=bridge_id(host.name, endpoint.bridge),
                    aliases=endpoint.aliases,
                    priority=ENDPOINT_PRIORITY,
                )
                for endpoint in planned.bridges
            }
            for planned in host.containers
            if planned.bridges
        },
        pids={},
    )


def unreachable_host(reason: str = "No route to host", host: str = "docker-2") -> HostUnreachableError:
    """Return the error of a host that ssh does not reach."""
    return connection_failure(host, reason)


def silent_docker(host: str = "docker-2") -> HostError:
    """Return the error of a host whose Docker does not answer."""
    return HostError.on(
        host, DOCKER_UNAVAILABLE, problem="Docker does not answer", effect="nothing is known", fix="start it"
    )


def with_container(snapshot: HostSnapshot, container: LiveContainer) -> HostSnapshot:
    """Return the host with that container, in place of one of its name."""
    return replace(snapshot, containers={**snapshot.containers, container.name: container})


def subnet(text: str) -> IPNetwork:
    """Return the subnet."""
    return IPNetwork(text)
