"""A stack with bridge networks, and what somebody does to them by hand."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from netaddr import IPNetwork

from ipvlan.hosts.snapshot import HostSnapshot, LiveNetwork
from ipvlan.plan.make import make_plan
from ipvlan.plan.model import Plan
from ipvlan.plan.validate import parse
from tests.support.host_changes import HostChange, change_container
from tests.support.live_parts import attachment, bridge_id, with_container
from tools.reference_setup import reference_config


def bridge_config(**service: Any) -> dict[str, Any]:
    """Return the reference setup with bridges `backend`, `data` and the external `mon`: nginx is on the first, `app` on all.

    `app` is not on the fabric; `backend` in `service` is its connection there, the rest are more keys of it.
    """
    config = reference_config(2)
    config["bridges"] = {
        "backend": {"name": "backend"},
        "data": {"name": "data", "internal": True, "subnet": "172.30.5.0/24"},
        "mon": {"external": True},
    }
    config["services"]["nginx"]["bridges"] = ["backend"]
    backend = service.pop("backend", {"aliases": ["api"]})
    config["services"]["app"] = {
        "image": config["services"]["nginx"]["image"],
        "fabric": False,
        "bridges": {"backend": backend, "data": {}, "mon": {}},
        **service,
    }
    return config


def bridge_plan(**service: Any) -> Plan:
    """Return the plan of `bridge_config`."""
    return make_plan(parse(bridge_config(**service)))


def without_network(name: str) -> HostChange:
    """Remove a network; its containers stay connected to what is gone, as Docker has it of stopped ones."""
    return lambda host: replace(
        host,
        networks=tuple(network for network in host.networks if network.name != name),
        bridges=tuple(network for network in host.bridges if network.name != name),
    )


def with_network(name: str, id_: str, labels: dict[str, str] | None = None) -> HostChange:
    """Create a network that the plan does not have."""
    network = LiveNetwork(
        id=id_,
        name=name,
        driver="bridge",
        subnet=IPNetwork("172.25.0.0/16"),
        gateway=None,
        ip_range=None,
        options={},
        labels=labels or {},
    )
    return lambda host: replace(host, networks=(*host.networks, network))


def bridge(name: str, **fields: Any) -> HostChange:
    """Change fields of a bridge network."""

    def change(host: HostSnapshot) -> HostSnapshot:
        labels = {"labels": fields["labels"]} if "labels" in fields else {}
        return replace(
            host,
            networks=tuple(replace(one, **labels) if one.name == name else one for one in host.networks),
            bridges=tuple(replace(one, **fields) if one.name == name else one for one in host.bridges),
        )

    return change


def connected(container: str, network: str, id_: str | None = None) -> HostChange:
    """Connect a container to a network, of that id; without one it is that of a bridge of the plan."""

    def change(host: HostSnapshot) -> HostSnapshot:
        live = host.containers[container]
        there = attachment(network, bridge_id(host.host, network) if id_ is None else id_, "172.18.0.9", fixed=False)
        return with_container(host, replace(live, endpoints={**live.endpoints, network: there}))

    return change


def dead(container: str, network: str) -> HostChange:
    """Let a container be connected to a network of that name that is gone."""
    return connected(container, network, "gone")


def created(container: str) -> HostChange:
    """Let a container be created and never started: its connections have no address, and those to bridges no id."""

    def change(host: HostSnapshot) -> HostSnapshot:
        live = host.containers[container]
        endpoints = {name: replace(endpoint, network_id="", address=None) for name, endpoint in live.endpoints.items()}
        return change_container(
            container, state="created", status="Created", endpoints=endpoints, bindings=frozenset()
        )(host)

    return change


def _connection(container: str, network: str, **fields: Any) -> HostChange:
    def change(host: HostSnapshot) -> HostSnapshot:
        of_container = host.connections[container]
        moved = {**of_container, network: replace(of_container[network], **fields)}
        return replace(host, connections={**host.connections, container: moved})

    return change


def aliases(container: str, network: str, *names: str) -> HostChange:
    """Give a container these aliases on a network, in place of those that it has."""
    return _connection(container, network, aliases=names)


def priority(container: str, network: str, number: int) -> HostChange:
    """Give a container's connection another gateway priority."""
    return _connection(container, network, priority=number)
