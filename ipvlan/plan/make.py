"""Makes the plan out of a config.

It reads a `StackConfig` and nothing else: no file, no host, no clock. The bytes of files are in the config (`sources`). The same
config always gives the same plan. Contradictions are found by `ipvlan.plan.rules` before anything is decided.

Out of scope: which addresses exist and who may have them (`ipvlan.plan.address_space`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from netaddr import IPNetwork

from ipvlan.config.models import ContainerSettings, HostConfig, ServiceConfig, StackConfig
from ipvlan.config.types.ssh import SshTarget
from ipvlan.plan.address_space import AddressSpace
from ipvlan.plan.bridges import bridge_endpoints, bridges_on, default_route
from ipvlan.plan.docker_pool import docker_pool
from ipvlan.plan.file_template import Names
from ipvlan.plan.files import files_plan
from ipvlan.plan.host_links import shim_link
from ipvlan.plan.lan import own_addresses
from ipvlan.plan.model import ContainerPlan, HostPlan, NetworkPlan, Plan, Route, ShimPlan, SshPlan
from ipvlan.plan.rollout_order import rollout_plan
from ipvlan.plan.rules import check
from ipvlan.plan.volumes import mounts_with_docker_names, volumes_on, with_docker_names
from ipvlan.problems import PlanError


def make_plan(config: StackConfig) -> Plan:
    """Return the plan of a config.

    Raises:
        PlanError: The config contradicts itself; all contradictions are in it.
    """
    space = AddressSpace.from_config(config.fabric, config.hosts, config.services)
    problems = check(config, space)
    errors = [problem for problem in problems if problem.severity == "error"]
    if errors:
        raise PlanError(errors)
    settings = {name: _settings(config, service) for name, service in config.services.items()}
    beside = _Beside(networks=_networks(config, space), routes=_routes(config, space), names=Names.of(config, space))
    return Plan(
        network_name=config.fabric.name,
        subnet=config.fabric.subnet,
        mode=config.fabric.mode,
        gateway=config.fabric.gateway,
        reserved=config.fabric.reserved,
        probe_addresses=config.fabric.probe_addresses,
        hosts=tuple(_host(config, space, settings, beside, name) for name in sorted(config.hosts)),
        warnings=tuple(
            sorted(
                (problem for problem in problems if problem.severity == "warning"),
                key=lambda problem: (problem.key, problem.value),
            )
        ),
        ssh=SshPlan(
            shared_connection=config.ssh.shared_connection,
            connect_timeout=config.ssh.connect_timeout,
        ),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Beside:
    """What is decided for all hosts at once."""

    networks: Mapping[str, NetworkPlan]
    """By host."""
    routes: Mapping[str, Sequence[Route]]
    """The routes to each host's containers."""
    names: Names
    """What the templates of files can name."""


def _host(
    config: StackConfig,
    space: AddressSpace,
    settings: Mapping[str, ContainerSettings],
    beside: _Beside,
    name: str,
) -> HostPlan:
    host = config.hosts[name]
    containers = tuple(
        _container(config, space, settings[service], beside.names, service_name=service, host=name)
        for service in sorted(config.services)
        if config.services[service].runs_on(name)
    )
    return HostPlan(
        name=name,
        address=host.address,
        ssh=host.ssh or SshTarget("root", str(host.address), written=frozenset({"user"})),
        host_key=host.host_key,
        docker_socket=host.docker_socket,
        slices=host.slice,
        dynamic=host.dynamic if isinstance(host.dynamic, IPNetwork) else None,
        static_only=not space.assigned(name),
        network=beside.networks[name],
        containers=containers,
        routes=tuple(route for other, to_it in beside.routes.items() if other != name for route in to_it),
        destinations=space.destinations(name),
        shim=_shim(host, space, name),
        volumes=volumes_on(config, name),
        bridges=bridges_on(config, name),
    )


def _shim(host: HostConfig, space: AddressSpace, name: str) -> ShimPlan | None:
    address = space.shim(name)
    return None if address is None else ShimPlan(link=shim_link(host.parent), address=address)


def _networks(config: StackConfig, space: AddressSpace) -> Mapping[str, NetworkPlan]:
    fabric = config.fabric
    in_subnet = {name: host.address for name, host in config.hosts.items() if host.address in fabric.subnet}
    networks: dict[str, NetworkPlan] = {}
    for name, host in config.hosts.items():
        pool = docker_pool(space, name, in_subnet)
        networks[name] = NetworkPlan(
            name=fabric.name,
            mode=fabric.mode,
            subnet=fabric.subnet,
            gateway=pool.gateway,
            ip_range=pool.ip_range,
            parent=host.parent,
            auxiliary=pool.auxiliary,
        )
    return networks


def _container(
    config: StackConfig, space: AddressSpace, settings: ContainerSettings, names: Names, *, service_name: str, host: str
) -> ContainerPlan:
    service = config.services[service_name]
    address = space.address(service_name, host) if service.fabric else None
    if address is None and service.fabric:
        raise RuntimeError(f"{service_name} has no address on {host}, and ipvlan.plan.rules did not refuse it")
    return ContainerPlan(
        service=service_name,
        host=host,
        name=service.container_name or service_name,
        image=service.image,
        command=service.command,
        address=address,
        ports=service.ports,
        published=service.published,
        internet=service.internet,
        on_lan=service.fabric
        and host in own_addresses(config.fabric.subnet, config.fabric.mode, {host: config.hosts[host].address}),
        egress_gateway=service.egress == "gateway",
        default_route=default_route(config, service),
        environment=service.environment,
        secret_environment=service.secret_environment,
        settings=settings,
        rollout=rollout_plan(service.rollout, config.fabric.rollout, service.healthcheck),
        after=tuple(sorted(service.after)),
        fabric=service.fabric,
        bridges=bridge_endpoints(config, service_name),
        files=files_plan(service, config.sources, names, name=service_name, host=host),
    )


def _settings(config: StackConfig, service: ServiceConfig) -> ContainerSettings:
    values = {field: getattr(service, field) for field in ContainerSettings.model_fields}
    # One that is not on the fabric would not reach a name server there.
    values["dns"] = service.dns or (config.fabric.dns if service.fabric else ())
    values["volumes"] = with_docker_names(service.volumes, config.volumes)
    values["mounts"] = mounts_with_docker_names(service.mounts, config.volumes)
    return ContainerSettings.model_construct(**values)


def _routes(config: StackConfig, space: AddressSpace) -> Mapping[str, Sequence[Route]]:
    """Return the routes to each host's containers; every other host has the same ones, so each is made once."""
    if config.fabric.mode == "l2":
        return {}
    return {
        name: [Route(destination=destination, via=host.address, host=name) for destination in space.destinations(name)]
        for name, host in sorted(config.hosts.items())
    }
