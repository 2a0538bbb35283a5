"""What somebody does to a host by hand, as the host's snapshot shows it afterwards: each function returns such a change."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from ipvlan.hosts.snapshot import HostSnapshot, LiveContainer
from ipvlan.plan.resource_names import OWNER_LABEL, PREVIOUS_LABEL
from tests.support.live_parts import attachment, live_network, reference_plan, with_container
from tests.support.states import OWNER

HostChange = Callable[[HostSnapshot], HostSnapshot]
"""Takes a host as it was and returns it as it is then."""


def change_container(name: str, **fields: object) -> HostChange:
    """Change fields of one container."""
    return lambda host: with_container(host, replace(host.containers[name], **fields))  # type: ignore[arg-type]


def without(name: str) -> HostChange:
    """Remove one container."""
    return lambda host: replace(host, containers={key: value for key, value in host.containers.items() if key != name})


def disconnect(name: str, network: str) -> HostChange:
    """Disconnect a container from a network; from the bridge, its ports are unbound too."""

    def change(host: HostSnapshot) -> HostSnapshot:
        container = host.containers[name]
        attachments = {key: value for key, value in container.endpoints.items() if key != network}
        bindings = frozenset() if network == "bridge" else container.bindings
        return with_container(host, replace(container, endpoints=attachments, bindings=bindings))

    return change


def holding(name: str, address: str, *, fixed: bool = True) -> HostChange:
    """Give a container another address."""

    def change(host: HostSnapshot) -> HostSnapshot:
        container = host.containers[name]
        moved = attachment("ipvlanl2", "network-of-docker-1", address, fixed=fixed)
        return with_container(host, replace(container, endpoints={**container.endpoints, "ipvlanl2": moved}))

    return change


def foreign(address: str, labels: dict[str, str] | None = None) -> HostChange:
    """Start a container that the plan does not have."""
    return lambda host: with_container(
        host,
        LiveContainer(
            id="foreign",
            name="guest",
            image="guest",
            image_id="sha256:2",
            state="running",
            status="Up 1 minute",
            labels=labels or {},
            endpoints={"ipvlanl2": attachment("ipvlanl2", "network-of-docker-1", address)},
            bindings=frozenset(),
        ),
    )


def restored(host: HostSnapshot) -> HostSnapshot:
    """Let the previous container run in the place of nginx, whose replacement Docker refused."""
    labels = {OWNER_LABEL: f"{OWNER}/{host.host}/nginx", PREVIOUS_LABEL: "{}"}
    return change_container("nginx", id="r" * 64, image="before@sha256:1", labels=labels)(host)


def network(**fields: object) -> HostChange:
    """Change fields of the fabric's network."""
    return lambda host: replace(host, networks=(replace(host.networks[0], **fields),))  # type: ignore[arg-type]


def second_network(host: HostSnapshot) -> HostSnapshot:
    """Add another network on the parent."""
    other = replace(
        live_network(reference_plan().host("docker-1")), id="other", name="other", driver="macvlan", labels={}
    )
    return replace(host, networks=(*host.networks, other))
