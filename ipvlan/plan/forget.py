"""A state without one of its hosts: which resources go, what still refers to them, and what stays on the machine.

It works on the document of `pulumi stack export`. A resource belongs to a host by what it refers to (its parent, its provider, the
container that it is deleted with), and never by the beginning of its name: `fabric-docker-1-nginx` is not of a host `docker`.

Out of scope: reading and writing the state (`ipvlan.checks.forget`), and the stack file (`ipvlan.plan.forget_edits`).
"""

from __future__ import annotations

import copy
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from ipvlan.config.docker_socket import DEFAULT_SOCKET
from ipvlan.plan import resource_names
from ipvlan.plan.container_updates import mounted_volumes
from ipvlan.plan.resource_names import (
    ADDRESSES_TYPE_END,
    BRIDGE_NETWORK_TYPE,
    CONTAINER_TYPE,
    DOCKER_PROVIDER_TYPE,
    FABRIC_TYPE,
    FILES_TYPE,
    HOST_SLICE_TYPE,
    NETWORK_TYPE,
    OWNER_LABEL,
    VOLUME_TYPE,
    host_of,
    token,
)

Resource = dict[str, Any]
"""One resource as the state has it."""

_PUBLISHED: Final = token("published_service", "PublishedService")
_IMAGE: Final = "docker:index/remoteImage:RemoteImage"
_BRIDGE_CONNECTION: Final = ":BridgeConnection"
"""End of the type of a bridge connection; what is before it depends on what serves the resource."""
_NETWORKING: Final = ":HostNetworking"

_OWNERS: Final = ("parent", "deletedWith", "viewOf")
"""Fields with the URN of a resource without which this one cannot be."""
_LISTS: Final = ("dependencies", "replaceWith")
"""Fields with URNs of resources that come before this one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StateContainer:
    """A container that the state records."""

    name: str
    id: str
    """Docker's id; empty where an interrupted `up` recorded none."""
    address: str
    """Its address on the fabric; empty where it is not on it."""
    ports: tuple[str, ...]
    """The ports that it binds on the machine while it is published, such as `80:80/tcp`."""
    owner: str = ""
    """Its owner label, which what a change made of it has too; empty in a state of an earlier version."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StateNetwork:
    """A network that the state records."""

    name: str
    id: str
    parent: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StateBridge:
    """A bridge network of the section `bridges` that the state records."""

    name: str
    id: str
    """Docker's id; empty where an interrupted `up` recorded none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StateNetworking:
    """The routes and the shim that the state records."""

    unit: str
    """Name of the systemd unit that sets them."""
    shim: str
    """Name of the link; empty without one."""
    routes: tuple[str, ...]
    """`DESTINATION via ADDRESS` for each."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Remains:
    """What stays on the machine of a host that is forgotten."""

    containers: tuple[StateContainer, ...] = ()
    networks: tuple[StateNetwork, ...] = ()
    bridges: tuple[StateBridge, ...] = ()
    """Those that the stack created; none of others (`external`)."""
    networking: tuple[StateNetworking, ...] = ()
    volumes: tuple[str, ...] = ()
    """Docker's names of the named volumes of its containers and of the section `volumes`; other containers may use them too."""
    files: tuple[str, ...] = ()
    """Owner labels of its containers that have files of the project, which are in a folder of the machine."""
    images: tuple[str, ...] = ()
    """References of the pulled images; other containers may use them too."""
    docker_socket: str = DEFAULT_SOCKET
    """Where its Docker listens."""

    @property
    def addresses(self) -> tuple[str, ...]:
        """The addresses that its containers answer at when the machine runs again, in their order."""
        return tuple(dict.fromkeys(container.address for container in self.containers if container.address))


@dataclass(frozen=True, slots=True, kw_only=True)
class ForgottenResource:
    """A resource that leaves the state."""

    type: str
    name: str
    urn: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ForgottenState:
    """A state without one host."""

    resources: tuple[ForgottenResource, ...]
    """What leaves it, in the state's order, and then what only its pending operations have."""
    remains: Remains
    export: dict[str, Any]
    """The new document for `pulumi stack import`."""
    pending: tuple[str, ...]
    """Names of the resources of other hosts whose operation an interrupted `up` left pending. Pulumi drops these notes at an import
    (CLI 3.259.0); what such an operation created is found by its label (docs/decisions/0014-interrupted-up.md)."""


def hosts_in_state(export: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the names of the hosts whose slices the state has, sorted."""
    resources = list(_all(export))
    fabrics = _names_of(resources, FABRIC_TYPE)
    hosts = set()
    for resource in resources:
        fabric = fabrics.get(str(resource.get("parent")))
        if resource["type"] == HOST_SLICE_TYPE and fabric is not None:
            hosts.add(host_of(fabric, urn_name(resource["urn"])))
    return tuple(sorted(hosts))


def forget_host(export: Mapping[str, Any], host: str) -> ForgottenState:
    """Return the state without a host; the document that it gets is not changed.

    Args:
        export: What `pulumi stack export` printed.
        host: The host's name. Where the state has nothing of it, nothing leaves the state.
    """
    new: dict[str, Any] = copy.deepcopy(dict(export))
    deployment = new["deployment"]
    gone = _gone(list(_all(new)), host)
    removed = {id(resource): resource for resource in _all(new) if resource["urn"] in gone}
    deployment["resources"] = [resource for resource in _resources(new) if resource["urn"] not in gone]
    if "pending_operations" in deployment:
        deployment["pending_operations"] = [
            operation for operation in _operations(new) if operation["resource"]["urn"] not in gone
        ]
    for resource in _all(new):
        _drop_references(resource, gone)
        if resource["type"].endswith(ADDRESSES_TYPE_END):
            _drop_addresses(resource, host)
    forgotten = {
        resource["urn"]: ForgottenResource(type=resource["type"], name=urn_name(resource["urn"]), urn=resource["urn"])
        for resource in removed.values()
    }
    return ForgottenState(
        resources=tuple(forgotten.values()),
        remains=_remains(removed.values()),
        export=new,
        pending=tuple(urn_name(operation["resource"]["urn"]) for operation in _operations(new)),
    )


def urn_name(urn: str) -> str:
    """Return the resource's name: `urn:pulumi:STACK::PROJECT::TYPES::NAME`."""
    return urn.split("::", 3)[3]


def _resources(export: Mapping[str, Any]) -> list[Resource]:
    return export["deployment"].get("resources") or []


def _operations(export: Mapping[str, Any]) -> list[dict[str, Any]]:
    return export["deployment"].get("pending_operations") or []


def _all(export: Mapping[str, Any]) -> Iterator[Resource]:
    """Yield the resources of the state, and those of its pending operations, which may not be among them yet."""
    yield from _resources(export)
    for operation in _operations(export):
        yield operation["resource"]


def _names_of(resources: Iterable[Resource], type_: str) -> dict[str, str]:
    return {resource["urn"]: urn_name(resource["urn"]) for resource in resources if resource["type"] == type_}


def _gone(resources: list[Resource], host: str) -> set[str]:
    """Return the URNs of all that belongs to the host."""
    fabrics = _names_of(resources, FABRIC_TYPE)
    parents = {resource["urn"]: str(resource.get("parent")) for resource in resources}

    def in_fabric(resource: Resource) -> bool:
        return parents[resource["urn"]] in fabrics

    gone = {
        resource["urn"]
        for resource in resources
        if resource["type"] == HOST_SLICE_TYPE
        and in_fabric(resource)
        and urn_name(resource["urn"]) == resource_names.host_slice(fabrics[parents[resource["urn"]]], host)
    }
    for resource in resources:
        # Also where its container is no longer in the state, by which it would be found.
        bridge_component = parents[resource["urn"]]
        if (
            resource["type"].endswith(_BRIDGE_CONNECTION)
            and parents.get(bridge_component) in fabrics
            and _value(resource, "host") == host
        ):
            gone |= {resource["urn"], bridge_component}
    _close(resources, gone)
    containers = {urn_name(resource["urn"]) for resource in resources if resource["urn"] in gone}
    attachments = {
        resource_names.bridge_component_of(container, published=published)
        for container in containers
        for published in (True, False)
    }
    # One without a bridge connection: an `up` that ended before it.
    gone |= {
        resource["urn"]
        for resource in resources
        if resource["type"] == _PUBLISHED and in_fabric(resource) and urn_name(resource["urn"]) in attachments
    }
    gone |= set(_bare_attachments(resources, fabrics, host) - gone)
    _close(resources, gone)
    return gone


def _bare_attachments(resources: list[Resource], fabrics: Mapping[str, str], host: str) -> set[str]:
    """Return the URNs of the host's PublishedServices that have neither a connection nor a container: an `up` ended before them.

    Only its name has the host. Where another host's name could begin it too, it stays: the next `up` removes it without contact.
    """
    hosts = {
        (fabric, host_of(fabrics[fabric], urn_name(resource["urn"])))
        for resource in resources
        if resource["type"] == HOST_SLICE_TYPE and (fabric := str(resource.get("parent"))) in fabrics
    }
    parents = {resource.get("parent") for resource in resources}
    found = set()
    for resource in resources:
        fabric = str(resource.get("parent"))
        if resource["type"] != _PUBLISHED or fabric not in fabrics or resource["urn"] in parents:
            continue
        name = urn_name(resource["urn"])
        candidates = {
            other
            for of_fabric, other in hosts
            if of_fabric == fabric and name.startswith(f"{resource_names.host_slice(fabrics[fabric], other)}-")
        }
        if candidates == {host}:
            found.add(resource["urn"])
    return found


def _close(resources: list[Resource], gone: set[str]) -> None:
    """Add to `gone` all that cannot be without what is in it."""
    before = -1
    while before != len(gone):
        before = len(gone)
        for resource in resources:
            owners = {resource.get(field) for field in _OWNERS}
            # The provider's URN is followed by its id.
            owners.add(str(resource.get("provider", "")).rpartition("::")[0])
            if not gone.isdisjoint(owner for owner in owners if owner):
                gone.add(resource["urn"])


def _drop_references(resource: Resource, gone: set[str]) -> None:
    for field in _LISTS:
        if resource.get(field):
            resource[field] = [urn for urn in resource[field] if urn not in gone]
    by_property = resource.get("propertyDependencies")
    if by_property:
        resource["propertyDependencies"] = {
            name: [urn for urn in urns or () if urn not in gone] for name, urns in by_property.items()
        }


def _drop_addresses(resource: Resource, host: str) -> None:
    """Let the next `up` check the host's addresses again, if it still has any: something else may hold them by then."""
    checked = (resource.get("outputs") or {}).get("asked")
    if isinstance(checked, dict):
        checked.pop(host, None)


def _value(resource: Resource, name: str) -> Any:
    """Return a property as it is on the machine, or, where that is not recorded, as it was planned."""
    outputs, inputs = resource.get("outputs") or {}, resource.get("inputs") or {}
    return inputs.get(name) if outputs.get(name) is None else outputs[name]


def _remains(removed: Iterable[Resource]) -> Remains:
    by_type: dict[str, list[Resource]] = {}
    for resource in removed:
        by_type.setdefault(f":{resource['type'].rpartition(':')[2]}", []).append(resource)
        by_type.setdefault(resource["type"], []).append(resource)
    containers = by_type.get(CONTAINER_TYPE, [])
    return Remains(
        containers=_distinct(map(_container, containers)),
        networks=_distinct(map(_network, by_type.get(NETWORK_TYPE, []))),
        bridges=_distinct(
            StateBridge(name=str(_value(bridge, "network")), id=str(_value(bridge, "network_id") or ""))
            for bridge in by_type.get(BRIDGE_NETWORK_TYPE, [])
            if not _value(bridge, "external")
        ),
        networking=_distinct(map(_networking, by_type.get(_NETWORKING, []))),
        volumes=_distinct(_volumes(containers, by_type.get(VOLUME_TYPE, []))),
        files=_distinct(str(_value(files, "owner")) for files in by_type.get(FILES_TYPE, [])),
        images=_distinct(str(_value(image, "name")) for image in by_type.get(_IMAGE, [])),
        docker_socket=next(filter(None, map(_socket, by_type.get(DOCKER_PROVIDER_TYPE, []))), DEFAULT_SOCKET),
    )


def _volumes(containers: Iterable[Resource], volumes: Iterable[Resource]) -> Iterator[str]:
    """Yield the named volumes that stay, also those with `delete: true`: nothing is done on the machine; none of others."""
    external = {_value(volume, "volume"): _value(volume, "external") for volume in volumes}
    yield from (str(name) for name, of_others in external.items() if not of_others)
    for container in containers:
        arguments = {key: _value(container, key) for key in ("volumes", "mounts")}
        yield from (name for name in mounted_volumes(arguments) if not external.get(name))


def _container(resource: Resource) -> StateContainer:
    networks = _value(resource, "networksAdvanced") or [{}]
    return StateContainer(
        name=str(_value(resource, "name")),
        id=str(resource.get("id", "")),
        address=str(networks[0].get("ipv4Address") or ""),
        # Read back as empty while the bridge is not connected.
        ports=tuple(
            f"{port.get('external')}:{port['internal']}/{port.get('protocol') or 'tcp'}"
            for port in (resource.get("inputs") or {}).get("ports") or ()
        ),
        owner=next(
            (str(label["value"]) for label in _value(resource, "labels") or () if label.get("label") == OWNER_LABEL), ""
        ),
    )


def _socket(resource: Resource) -> str:
    """Return the socket in a docker provider's URL (`HostPlan.docker_url`); empty where it is the usual one."""
    return re.sub("^ssh://[^/]*", "", str(_value(resource, "host")))


def _network(resource: Resource) -> StateNetwork:
    return StateNetwork(
        name=str(_value(resource, "name")),
        id=str(resource.get("id", "")),
        parent=str((_value(resource, "options") or {}).get("parent", "")),
    )


def _networking(resource: Resource) -> StateNetworking:
    return StateNetworking(
        unit=str(resource.get("id", "")).rpartition("/")[2],
        shim=str((_value(resource, "shim") or {}).get("link", "")),
        routes=tuple(f"{route['destination']} via {route['via']}" for route in _value(resource, "routes") or ()),
    )


def _distinct(items: Iterable[Any]) -> tuple[Any, ...]:
    """Return the items once each, sorted by name; those of one name in the state's order."""
    return tuple(sorted(dict.fromkeys(items), key=lambda item: str(getattr(item, "name", item))))
