"""Names and labels: what every Pulumi resource is called, and what everything on a host is marked with.

The name of a resource is part of its URN, by which the state knows it: another name deletes the resource and creates a new one.
A name is made from the name of the component that contains the resource and from keys of the stack file, so `ipvlan heal` can
name the resources of one host or one service to `pulumi up` without a look at the state.

Out of scope: names inside Docker, which the plan decides (`ContainerPlan.name`, `Plan.network_name`).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from ipvlan import PROJECT

if TYPE_CHECKING:
    from ipvlan.config.types.ports import Port
    from ipvlan.plan.model import ContainerPlan, HostPlan

PACKAGE: Final = PROJECT
"""Namespace of our own resource types: `ipvlan-fabric:MODULE:CLASS`."""

COMPONENT: Final = "fabric"
"""Name of the IpvlanFabric component in this project's own program (`__main__.py`)."""

BRIDGE: Final = "bridge"
"""Docker's own network, which binds published ports and leads out through the host's NAT."""

LABEL_PREFIX: Final = f"{PROJECT}."
"""Prefix of every label that the stack writes itself; a service cannot set one."""

STACK_LABEL: Final = f"{LABEL_PREFIX}stack"
"""Label of every network and container: the name of the stack that created it. It is for people: other clones, backends and
projects have stacks of the same name."""

OWNER_LABEL: Final = f"{LABEL_PREFIX}owner"
"""Label of every network and container: the identity of the stack that created it, and the planned place
(`ipvlan.plan.ownership`)."""

PREVIOUS_SUFFIX: Final = ".ipvlan-previous"
"""After a container's name: its spare, the stopped copy that runs again where a replacement does not come up."""

FAILED_SUFFIX: Final = ".ipvlan-failed"
"""After a container's name: a replacement that did not come up, stopped and kept for `docker logs`."""

REHEARSAL_SUFFIX: Final = ".ipvlan-rehearsal"
"""After a container's name: the container of a rehearsal, which is created, never started, and removed at once."""

PREVIOUS_LABEL: Final = f"{LABEL_PREFIX}previous"
"""Label of a spare, as JSON: {"of": id of the container that it is a copy of, "restart": {"Name": ..., "MaximumRetryCount": ...},
"bridge": true or false, "volumes": [names of anonymous volumes], "bridges": [networks that it is connected to later, if any]}."""

COMPOSE_PROJECT_LABEL: Final = "com.docker.compose.project"
"""Label by which Docker Compose marks what it creates (docs.docker.com/compose, "project name")."""

CONTAINER_TYPE: Final = "docker:index/container:Container"
"""Type of a container in a state."""

NETWORK_TYPE: Final = "docker:index/network:Network"
"""Type of a network in a state."""

ADDRESSES_TYPE_END: Final = ":AddressClaims"
"""End of the type of the check of addresses in a state; what is before it depends on what serves the resource."""

HOST_CHECK_TYPE: Final = "command:local:Command"
"""Type of a host's check in a state."""

FABRIC_TYPE: Final = f"{PACKAGE}:ipvlan_fabric:IpvlanFabric"
"""Type of the component of a whole fabric."""

HOST_SLICE_TYPE: Final = f"{PACKAGE}:host_slice:HostSlice"
"""Type of the component of one host."""

BRIDGE_COMPONENT_TYPE: Final = f"{PACKAGE}:published_service:PublishedService"
"""Type of the component of one bridge attachment."""

BRIDGE_CONNECTION_TYPE: Final = f"{PACKAGE}:index:BridgeConnection"
"""Type of the connection to Docker's bridge."""

NETWORKING_TYPE: Final = f"{PACKAGE}:index:HostNetworking"
"""Type of a host's routes and shim."""

ADDRESS_CHECK_TYPE: Final = f"{PACKAGE}:index:AddressClaims"
"""Type of the check of addresses."""

IMAGE_TYPE: Final = "docker:index/remoteImage:RemoteImage"
"""Type of an image."""

DOCKER_PROVIDER_TYPE: Final = "pulumi:providers:docker"
"""Type of a docker provider."""

PACKAGE_COMPONENT_TYPE: Final = f"{PACKAGE}:index:IpvlanFabric"
"""Type under which programs in other languages ask the plugin for the component."""

SECRETS_INPUT: Final = "secrets"
"""That component's input for secret values. This project's own program reads them from the stack's config."""

HANDOVER_TYPE: Final = f"{PACKAGE}:index:Handover"
"""Type of what prepares the replacement of a container."""

SETTLED_TYPE: Final = f"{PACKAGE}:index:Settled"
"""Type of the proof that a container is up."""

VOLUME_TYPE: Final = f"{PACKAGE}:index:Volume"
"""Type of a named volume on a host."""

BRIDGE_NETWORK_TYPE: Final = f"{PACKAGE}:index:BridgeNetwork"
"""Type of a bridge network of the section `bridges` on a host."""

BRIDGE_ENDPOINTS_TYPE: Final = f"{PACKAGE}:index:BridgeEndpoints"
"""Type of a container's connections to such networks, and its first start."""

FILES_TYPE: Final = f"{PACKAGE}:index:Files"
"""Type of a container's files, staged on its host."""

FILES_IN_USE_TYPE: Final = f"{PACKAGE}:index:FilesInUse"
"""Type of what makes a container use its staged files."""

NETWORK_REMOVAL_TYPE: Final = f"{PACKAGE}:index:NetworkRemoval"
"""Type of what removes the fabric's network from a host."""

LOCK_FUNCTION: Final = f"{PACKAGE}:index:lockHosts"
"""Token of the plugin's function that takes the locks of hosts."""

DYNAMIC_TYPE: Final = f"pulumi-python:dynamic/{PACKAGE}"
"""Beginning of the types of the resources on hosts, in a state from before the plugin (docs/decisions/0018-plugin.md)."""

IDENTITY_TYPE: Final = f"{PACKAGE}:index:StackIdentity"
"""Type of the resource that keeps the stack's owner id."""

PORTS_LABEL: Final = f"{LABEL_PREFIX}ports"
"""Label of a container: its planned ports. The provider reads `ports` back empty while the bridge is not connected, so a change of
them is compared by this label."""

HELPER_LABEL: Final = f"{LABEL_PREFIX}helper"
"""Label of the short-lived container that `ipvlan verify` runs on a host where the ssh user is not root."""

LOCK_MARKER: Final = f"{PROJECT}-lock"
"""Word in the command line of the process that holds a host's lock, by which `ps` and another run find it."""


def ports_label(ports: Iterable[Port]) -> str:
    """Return the value of PORTS_LABEL, such as `80:80 53:53/udp`.

    A short range is written out, as earlier versions did: another text would replace the container.
    """
    return " ".join(str(port) for written in ports for port in written.few())


def token(module: str, name: str) -> str:
    """Return the type token `ipvlan-fabric:MODULE:NAME` of a component; it is part of the URN, so it never changes."""
    return f"{PACKAGE}:{module}:{name}"


# The resources of an IpvlanFabric; `fabric` is the component's own name.


def fabric_provider(fabric: str) -> str:
    """Name the provider that serves our own resources."""
    return f"{fabric}-connections"


def stack_identity(fabric: str) -> str:
    """Name the resource that keeps the stack's owner id."""
    return f"{fabric}-identity"


def address_check(fabric: str) -> str:
    """Name the resource that checks the planned addresses for conflicts."""
    return f"{fabric}-addresses"


def host_slice(fabric: str, host: str) -> str:
    """Name the HostSlice of one host."""
    return f"{fabric}-{host}"


def host_of(fabric: str, host_slice: str) -> str:
    """Return the host whose HostSlice has that name, in the IpvlanFabric of that name."""
    return host_slice.removeprefix(f"{fabric}-")


def bridge_component(fabric: str, host: str, service: str, *, published: bool) -> str:
    """Name the PublishedService of one container; without `published` the bridge is only its route to the internet."""
    return bridge_component_of(container(host_slice(fabric, host), service), published=published)


def bridge_component_of(container: str, *, published: bool) -> str:
    """Name the PublishedService of the container whose resource has that name."""
    return f"{container}-{'published' if published else 'internet'}"


def bridge_connection(bridge_component: str) -> str:
    """Name the bridge connection in a PublishedService of that name."""
    return f"{bridge_component}-bridge"


# The resources of a HostSlice; `host_slice` is the component's own name.


def docker_provider(host_slice: str) -> str:
    """Name the docker provider of one host."""
    return f"{host_slice}-provider"


def host_check(host_slice: str) -> str:
    """Name the check of one host."""
    return f"{host_slice}-check"


def network(host_slice: str) -> str:
    """Name the fabric's network on one host."""
    return f"{host_slice}-network"


def networking(host_slice: str) -> str:
    """Name the routes and the shim of one host."""
    return f"{host_slice}-networking"


def image(host_slice: str, reference: str) -> str:
    """Name an image on one host by its repository and content: `...-image-nginx-0123456789ab`.

    Another digest is another resource: the new image is pulled before the container that runs the old one is deleted.
    """
    repository, _, digest = reference.partition("@sha256:")
    short = repository.rpartition("/")[2].replace(":", "-")
    return f"{host_slice}-image-{short}-{digest[:12]}" if digest else f"{host_slice}-image-{short}"


def network_removal(host_slice: str) -> str:
    """Name what removes the fabric's network from one host."""
    return f"{host_slice}-network-removal"


def volume(host_slice: str, name: str) -> str:
    """Name a volume on one host by its name in Docker, which is what makes it the same volume."""
    return f"{host_slice}-volume-{name}"


def bridge_network(host_slice: str, name: str) -> str:
    """Name a bridge network on one host by its name in Docker."""
    return f"{host_slice}-bridge-{name}"


def container(host_slice: str, service: str) -> str:
    """Name the container of one service on one host."""
    return f"{host_slice}-{service}"


def handover(container: str) -> str:
    """Name what prepares the replacement of the container whose resource has that name."""
    return f"{container}-handover"


def settled(container: str) -> str:
    """Name the proof that the container whose resource has that name is up."""
    return f"{container}-settled"


def bridge_endpoints(container: str) -> str:
    """Name the connections to bridge networks of the container whose resource has that name."""
    return f"{container}-endpoints"


def files(container: str) -> str:
    """Name the staged files of the container whose resource has that name."""
    return f"{container}-files"


def files_in_use(container: str) -> str:
    """Name what makes the container whose resource has that name use its staged files."""
    return f"{container}-files-in-use"


def service_of(host_slice: str, container: str) -> str:
    """Return the service whose container has that name, in the HostSlice of that name."""
    return container.removeprefix(f"{host_slice}-")


# The state keeps the names of hooks too (`resourceHooks`).


def orphans_hook(host_slice: str) -> str:
    """Name the error hook that removes orphaned resources of one host."""
    return f"{host_slice}-leftovers"


def previous_hook(host_slice: str) -> str:
    """Name the error hook that brings the previous container of one host back."""
    return f"{host_slice}-previous"


def parent_conflict_hook(host_slice: str) -> str:
    """Name the error hook that explains a network's conflict over the parent of one host."""
    return f"{host_slice}-parent-holder"


# URNs: the complete names, by which `pulumi up --target` takes one resource and no other.


@dataclass(frozen=True, slots=True)
class Urns:
    """The URNs of an IpvlanFabric's resources in one stack (pulumi.com/docs/iac/concepts/resources/names, "URNs")."""

    stack: str
    """The stack's short name."""
    project: str
    """The project's name in Pulumi.yaml."""
    fabric: str = COMPONENT
    """Name of the IpvlanFabric, which is at the top of the program."""

    def of_identity(self) -> str:
        """Return the URN of the stack's identity."""
        return self._urn(IDENTITY_TYPE, stack_identity(self.fabric))

    def of_address_check(self) -> str:
        """Return the URN of the check of addresses."""
        return self._urn(ADDRESS_CHECK_TYPE, address_check(self.fabric))

    def of_host(self, host: HostPlan) -> list[str]:
        """Return the URNs of all that one host has: its HostSlice with everything in it, and its bridge attachments."""
        name = host_slice(self.fabric, host.name)
        return [
            self._urn(HOST_SLICE_TYPE, name),
            self._urn(DOCKER_PROVIDER_TYPE, docker_provider(name), HOST_SLICE_TYPE),
            self._urn(HOST_CHECK_TYPE, host_check(name), HOST_SLICE_TYPE),
            self.of_network(host.name),
            self.of_network_removal(host.name),
            *([self._urn(NETWORKING_TYPE, networking(name), HOST_SLICE_TYPE)] if host.routes or host.shim else []),
            *(self._urn(IMAGE_TYPE, image(name, reference), HOST_SLICE_TYPE) for reference in host.images),
            *(self.of_volume(host.name, volume.name) for volume in host.volumes),
            *(self.of_bridge_network(host.name, bridge.name) for bridge in host.bridges),
            *(urn for container in host.containers for urn in self.of_container(container)),
        ]

    def of_volume(self, host: str, name: str) -> str:
        """Return the URN of a volume of the section `volumes`, by its name in Docker."""
        return self._urn(VOLUME_TYPE, volume(host_slice(self.fabric, host), name), HOST_SLICE_TYPE)

    def of_bridge_network(self, host: str, name: str) -> str:
        """Return the URN of a bridge network of the section `bridges`, by its name in Docker."""
        return self._urn(BRIDGE_NETWORK_TYPE, bridge_network(host_slice(self.fabric, host), name), HOST_SLICE_TYPE)

    def of_bridge_endpoints(self, planned: ContainerPlan) -> str:
        """Return the URN of a container's connections to bridge networks, which it has where the plan has any."""
        resource = container(host_slice(self.fabric, planned.host), planned.service)
        return self._urn(BRIDGE_ENDPOINTS_TYPE, bridge_endpoints(resource), HOST_SLICE_TYPE)

    def of_network(self, host: str) -> str:
        """Return the URN of the fabric's network on one host."""
        return self._urn(NETWORK_TYPE, network(host_slice(self.fabric, host)), HOST_SLICE_TYPE)

    def of_network_removal(self, host: str) -> str:
        """Return the URN of what removes that network."""
        return self._urn(NETWORK_REMOVAL_TYPE, network_removal(host_slice(self.fabric, host)), HOST_SLICE_TYPE)

    def of_container(self, planned: ContainerPlan) -> list[str]:
        """Return the URNs of one container, its image, its bridge attachment, its bridge networks and its endpoints.

        Without the endpoints a container of bridge networks would be created and never started.
        """
        name = host_slice(self.fabric, planned.host)
        resource = container(name, planned.service)
        urns = [
            self._urn(IMAGE_TYPE, image(name, planned.image), HOST_SLICE_TYPE),
            self._urn(HANDOVER_TYPE, handover(resource), HOST_SLICE_TYPE),
            self._urn(CONTAINER_TYPE, resource, HOST_SLICE_TYPE),
            self._urn(SETTLED_TYPE, settled(resource), HOST_SLICE_TYPE),
            *self.of_files(planned),
        ]
        if planned.bridges:
            urns += [self.of_bridge_network(planned.host, endpoint.bridge) for endpoint in planned.bridges]
            urns.append(self.of_bridge_endpoints(planned))
        if planned.bridged:
            bridge = bridge_component(self.fabric, planned.host, planned.service, published=planned.published)
            urns += [
                self._urn(BRIDGE_COMPONENT_TYPE, bridge),
                self._urn(BRIDGE_CONNECTION_TYPE, bridge_connection(bridge), BRIDGE_COMPONENT_TYPE),
            ]
        return urns

    def of_files(self, planned: ContainerPlan) -> list[str]:
        """Return the URNs of a container's files, staged and in use; none without any."""
        if planned.files is None:
            return []
        resource = container(host_slice(self.fabric, planned.host), planned.service)
        return [
            self._urn(FILES_TYPE, files(resource), HOST_SLICE_TYPE),
            self._urn(FILES_IN_USE_TYPE, files_in_use(resource), HOST_SLICE_TYPE),
        ]

    def _urn(self, type_: str, name: str, *within: str) -> str:
        """Return the URN of a resource; `within` are the types of the components between the fabric and it."""
        types = "$".join((FABRIC_TYPE, *within, type_))
        return f"urn:pulumi:{self.stack}::{self.project}::{types}::{name}"
