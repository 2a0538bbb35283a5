"""Turns a plan back into the config that gives exactly this plan.

Offsets become explicit addresses, since a plan has addresses only; everything else is as written.
"""

from __future__ import annotations

from typing import Any

from ipvlan.config.docker_socket import DEFAULT_SOCKET
from ipvlan.plan.model import ContainerPlan, HostPlan, Plan


def as_config(plan: Plan) -> dict[str, Any]:
    """Return plain mappings and lists as `ipvlan.plan.validate.parse` takes them."""
    fabric: dict[str, Any] = {"name": plan.network_name, "mode": plan.mode, "subnet": str(plan.subnet)}
    if plan.gateway is not None:
        fabric["gateway"] = str(plan.gateway)
    if plan.reserved:
        fabric["reserved"] = [str(entry) for entry in plan.reserved]
    services: dict[str, Any] = {}
    for container in plan.containers():
        service = services.setdefault(container.service, None) or _service(container)
        service["hosts"].append(container.host)
        if container.fabric:
            service["addresses"][container.host] = str(container.address)
        services[container.service] = service
    return {
        "fabric": fabric,
        "hosts": {host.name: _host(host) for host in plan.hosts},
        "services": services,
        "volumes": _volumes(plan),
        "bridges": _bridges(plan),
        "ssh": {
            "shared_connection": plan.ssh.shared_connection,
            "connect_timeout": plan.ssh.connect_timeout,
        },
    }


def _volumes(plan: Plan) -> dict[str, Any]:
    """Return the section `volumes`; the services of a plan mount each volume by its name in Docker, which is its key here."""
    volumes: dict[str, Any] = {}
    for host in plan.hosts:
        for volume in host.volumes:
            raw = volumes.setdefault(volume.name, {"hosts": []})
            raw["hosts"].append(host.name)
            for key in ("driver_opts", "secret_driver_opts", "labels"):
                if getattr(volume, key):
                    raw[key] = dict(getattr(volume, key))
            raw |= {"external": True} if volume.external else {"driver": volume.driver, "delete": volume.delete}
    return volumes


def _bridges(plan: Plan) -> dict[str, Any]:
    """Return the section `bridges`; a key is the name in Docker here too."""
    bridges: dict[str, Any] = {}
    for bridge in (bridge for host in plan.hosts for bridge in host.bridges):
        bridges[bridge.name] = {"external": True}
        if not bridge.external:
            bridges[bridge.name] = {"internal": bridge.internal, "options": bridge.options, "labels": bridge.labels}
            bridges[bridge.name] |= {} if bridge.subnet is None else {"subnet": str(bridge.subnet)}
    return bridges


def _host(host: HostPlan) -> dict[str, Any]:
    raw: dict[str, Any] = {
        "address": str(host.address),
        "parent": host.parent,
        "slice": [str(block) for block in host.slices],
        "ssh": str(host.ssh),
    }
    if host.dynamic is not None:
        raw["dynamic"] = str(host.dynamic)
    elif host.static_only:
        raw["dynamic"] = "none"
    if host.shim is not None:
        raw["shim"] = str(host.shim.address)
    if host.host_key is not None:
        raw["host_key"] = host.host_key
    if host.docker_socket != DEFAULT_SOCKET:
        raw["docker_socket"] = host.docker_socket
    return raw


def _service(container: ContainerPlan) -> dict[str, Any]:
    raw: dict[str, Any] = {
        **container.settings.model_dump(mode="json", exclude_defaults=True),
        "image": container.image,
        "published": container.published,
        "hosts": [],
        "addresses": {},
    }
    for key, size in (("memory", container.settings.memory), ("shm_size", container.settings.shm_size)):
        if size is not None:
            raw[key] = size
    if container.internet:
        raw["internet"] = True
    if container.egress_gateway:
        raw["egress"] = "gateway"
    if not container.fabric:
        raw["fabric"] = False
    if container.bridges:
        raw["bridges"] = {endpoint.bridge: {"aliases": [*endpoint.aliases]} for endpoint in container.bridges}
    if container.command is not None:
        raw["command"] = list(container.command)
    if container.name != container.service:
        raw["container_name"] = container.name
    if container.ports:
        raw["ports"] = [str(port) for port in container.ports]
    if container.environment:
        raw["environment"] = dict(container.environment)
    if container.secret_environment:
        raw["secret_environment"] = dict(container.secret_environment)
    return raw
