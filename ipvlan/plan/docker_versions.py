"""What Docker can and cannot do, by version: one table, each row with its source.

Every version of Docker, its API and the kernel on which something depends is here and nowhere else. The rules of the config,
the check of a host and the bridge attachment read it. "Measured" means on the lab's hosts, with Docker 20.10.24 (bookworm),
26.1.5 (trixie), 28.5.2 (forky) and 29.8.1 (docker29).

Out of scope: which version a host has (`ipvlan.hosts`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from ipvlan.config.host_gateway import HOST_GATEWAY
from ipvlan.plan.bridge_option_names import GATEWAY_MODE, TRUSTED
from ipvlan.plan.resource_names import BRIDGE

if TYPE_CHECKING:
    from ipvlan.config.models import ContainerSettings
    from ipvlan.plan.model import ContainerPlan, HostPlan

Version = tuple[int, int, int]
"""Major, minor, patch, without Debian's and other suffixes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionRule:
    """One limitation of the versions from `since` (inclusive) to `until` (exclusive)."""

    name: str
    since: Version | None
    until: Version | None
    concerns: Callable[[HostPlan], bool]
    """Return whether the plan of a host depends on it."""
    what: str
    """The limitation and its effect, in one sentence."""
    fix: str
    source: str
    refused: bool
    """Whether `up` must stop; else it is only reported."""

    def holds(self, version: Version) -> bool:
        """Return whether that Docker has the limitation."""
        return (self.since is None or version >= self.since) and (self.until is None or version < self.until)


GATEWAY_PRIORITY: Final[Version] = (28, 0, 0)
"""The first Docker in which one can choose the network of a container's default route (`docker network connect --gw-priority`)."""

GATEWAY_PRIORITY_API: Final = "1.48"
"""The Engine API of that version, the first one with priorities."""

PRIORITY_BEFORE_FAMILY: Final[Version] = (29, 4, 1)
"""The first Docker in which a network with IPv4 and IPv6 does not have the default route against a higher priority of another one
(github.com/moby/moby/issues/51999, fixed by pull request 52328)."""

OLDEST_API: Final = "1.44"
"""Docker 29.0 to 29.2 refuse an older Engine API, 29.3 and later one before 1.40 (moby daemon/config, defaultMinAPIVersion); an
older Docker says which one it supports."""

NFTABLES_SINCE: Final = 29
"""The first major version of Docker that can write its rules to nftables (`firewall-backend` in its daemon.json)."""

NFTABLES_API: Final = "1.52"
"""The Engine API of that version. `GET /info` has FirewallBackend since 1.49 (moby daemon/server/router/system)."""

SEVERAL_NETWORKS_API: Final = "1.44"
"""The Engine API of Docker 25, the first one in which a container is created on more than one network (its history, v1.44)."""


POINT_TO_POINT: Final = 2
"""Addresses of a /31, which has neither an address of its own nor a broadcast address (RFC 3021)."""

OLDEST_KERNEL: Final[Version] = (4, 2, 0)
"""The first Linux with ipvlan's l3 mode as Docker uses it (Docker's documentation of the driver)."""


def _bridged(host: HostPlan) -> bool:
    return any(container.bridged and container.fabric for container in host.containers)


def with_a_gateway(host: HostPlan, container: ContainerPlan) -> Iterator[str]:
    """Yield the names of the section's bridges that a container is on and that can have its default route.

    What an external one is, only the host knows: it counts as one that can.
    """
    internal = {bridge.name for bridge in host.bridges if bridge.internal}
    return (endpoint.bridge for endpoint in container.bridges if endpoint.bridge not in internal)


def _on_fabric_and_bridge(host: HostPlan) -> bool:
    return any(container.fabric and any(with_a_gateway(host, container)) for container in host.containers)


def _route_is_elsewhere(host: HostPlan) -> bool:
    """Return whether a bridge sorts before the network that is to have the default route of a container on both."""
    return any(
        container.default_route is not None
        and min(with_a_gateway(host, container), default="~") < container.default_route
        for container in host.containers
    )


def _has_option(host: HostPlan, option: str, values: Collection[str] = ()) -> bool:
    """Return whether a bridge has an option of Docker's bridge driver, with one of these values, or with any."""
    return any(option in bridge.options and (not values or bridge.options[option] in values) for bridge in host.bridges)


def _settings(host: HostPlan) -> Iterator[ContainerSettings]:
    return (container.settings for container in host.containers)


def _routed(host: HostPlan) -> bool:
    return host.network.mode != "l2"


def _has_volume_options(host: HostPlan) -> bool:
    # The plugin reads this table and never a config: pydantic would make it start later.
    from ipvlan.config.types.mount_maps import carried_by_mounts  # noqa: PLC0415

    return any(
        mount.volume is not None and (mount.volume.nocopy or mount.volume.subpath is not None)
        for container in host.containers
        for mount in carried_by_mounts(container.settings.volumes, container.settings.mounts)
    )


def _has_cdi(host: HostPlan) -> bool:
    from ipvlan.config.types.devices import is_cdi  # noqa: PLC0415

    return any(is_cdi(device) for container in host.containers for device in container.settings.devices)


RULES: Final[tuple[VersionRule, ...]] = (
    VersionRule(
        name="too old",
        since=None,
        until=(20, 10, 0),
        concerns=lambda _: True,
        what="this program is not tested with a Docker older than 20.10",
        fix="upgrade Docker",
        source="the oldest version measured is 20.10.24",
        refused=False,
    ),
    VersionRule(
        name="bridge in l3",
        since=None,
        until=GATEWAY_PRIORITY,
        concerns=lambda host: _routed(host) and (_bridged(host) or _on_fabric_and_bridge(host)),
        what="a Docker older than 28 gives an l3 container a default route that conflicts with the bridge's: `network connect "
        'bridge` fails with "failed to set gateway: file exists", and a container with both does not start again after a reboot',
        fix="upgrade Docker to 28 or later, use mode l2, leave published and internet out, or make a bridge of the section "
        "`bridges` internal",
        source="measured with Docker's own bridge: fails on 20.10.24 and 26.1.5, works on 28.5.2; moby issue 48576",
        refused=True,
    ),
    VersionRule(
        name="gateway by name",
        since=None,
        until=GATEWAY_PRIORITY,
        concerns=lambda host: _bridged(host) and host.network.name < BRIDGE,
        what="a Docker older than 28 has no --gw-priority, and the network whose name sorts first has the default route: no port "
        "would be published, and no traffic would leave by the bridge",
        fix='give ipvlan-fabric:fabric.name a name that sorts after "bridge", or upgrade Docker to 28 or later',
        source="moby libnetwork/sandbox.go (Less); --gw-priority: Docker 28.0.0, API 1.48",
        refused=True,
    ),
    VersionRule(
        name="default route by name",
        since=None,
        until=GATEWAY_PRIORITY,
        concerns=_route_is_elsewhere,
        what="a Docker older than 28 has no gateway priorities, and of a container's networks that are not internal the one whose "
        "name sorts first has the default route: that of a bridge sorts before the planned one",
        fix="set internal: true for the bridge, give it a name that sorts later, or upgrade Docker to 28 or later",
        source="moby libnetwork/sandbox.go (Less); --gw-priority: Docker 28.0.0, API 1.48",
        refused=True,
    ),
    VersionRule(
        name="no gateway modes",
        since=None,
        until=(27, 0, 0),
        concerns=lambda host: _has_option(host, GATEWAY_MODE),
        what=f"a Docker older than 27 ignores the option {GATEWAY_MODE} of a bridge without a word: its containers get the host's "
        "NAT",
        fix="upgrade Docker to 27 or later, or remove the option",
        source="github.com/moby/moby/pull/47871, Docker 27.0.1; an unknown option is no error (moby, fromLabels in "
        "libnetwork/drivers/bridge)",
        refused=True,
    ),
    VersionRule(
        name="few gateway modes",
        since=(27, 0, 0),
        until=(28, 0, 0),
        concerns=lambda host: _has_option(host, GATEWAY_MODE, ("isolated", "nat-unprotected")),
        what=f"Docker 27 knows no other value of the option {GATEWAY_MODE} than nat and routed, and refuses the bridge",
        fix="upgrade Docker to 28 or later, or use nat or routed",
        source="github.com/moby/moby/pull/48597 and 49262, Docker 28.0.0",
        refused=True,
    ),
    VersionRule(
        name="no trusted interfaces",
        since=None,
        until=(28, 2, 0),
        concerns=lambda host: _has_option(host, TRUSTED),
        what=f"a Docker older than 28.2 ignores the option {TRUSTED} of a bridge without a word",
        fix="upgrade Docker to 28.2 or later, or remove the option",
        source="github.com/moby/moby/pull/49832, Docker 28.2.0",
        refused=True,
    ),
    VersionRule(
        name="l3s",
        since=None,
        until=(23, 0, 0),
        concerns=lambda host: host.network.mode == "l3s",
        what="a Docker older than 23 does not know mode l3s (\"requested ipvlan mode 'l3s' is not valid\")",
        fix="upgrade Docker to 23 or later, or use mode l3",
        source="github.com/moby/moby/pull/42542, Docker 23.0.0; measured: refused by 20.10.24, works on 26.1.5 and 28.5.2",
        refused=True,
    ),
    VersionRule(
        name="subnets of two addresses",
        since=None,
        until=(23, 0, 0),
        concerns=lambda host: bool(host.network.subnet.size <= POINT_TO_POINT),
        what="a Docker older than 23 keeps both addresses of a /31 for itself, as the subnet's own and its broadcast address",
        fix="upgrade Docker to 23 or later, or use a /30",
        source="github.com/moby/moby/pull/42626, Docker 23.0.0 (RFC 3021)",
        refused=True,
    ),
    VersionRule(
        name="names in l3",
        since=(26, 0, 0),
        until=(26, 0, 1),
        concerns=_routed,
        what="Docker 26.0.0 resolves no external name for containers of an l3 network",
        fix="upgrade Docker to 26.0.1 or later",
        source="github.com/moby/moby/issues/47662, fixed by pull request 47705",
        refused=True,
    ),
    VersionRule(
        name="networks after an upgrade",
        since=(23, 0, 0),
        until=(23, 0, 1),
        concerns=lambda _: True,
        what="Docker 23.0.0 does not load ipvlan networks that an older Docker created",
        fix="upgrade Docker to 23.0.1 or later",
        source="github.com/moby/moby/issues/44925",
        refused=False,
    ),
    VersionRule(
        name="no gateway, no route",
        since=(29, 0, 0),
        until=None,
        concerns=lambda host: host.network.mode == "l2" and host.network.gateway is None,
        what="from Docker 29 on an l2 network without a gateway gives its containers no default route",
        fix="set ipvlan-fabric:fabric.gateway",
        source="github.com/moby/moby/pull/50929, Docker 29.0.0; measured: 29.8.1 gives the route of the subnet alone, and with a "
        "gateway the default route",
        refused=True,
    ),
    VersionRule(
        name="names after a restart",
        since=(29, 1, 0),
        until=(29, 1, 1),
        concerns=lambda host: bool(host.containers),
        what="Docker 29.1.0 resolves no name for a container of an earlier Docker once it is started again, as after the upgrade",
        fix="upgrade Docker to 29.1.1 or later",
        source="github.com/moby/moby/issues/51614, fixed by pull request 51615 (from the thread, not measured)",
        refused=False,
    ),
    VersionRule(
        name="start interval",
        since=None,
        until=(25, 0, 0),
        concerns=lambda host: any(each.healthcheck and each.healthcheck.start_interval for each in _settings(host)),
        what="a Docker older than 25 drops a health check's start_interval, and every `pulumi up` would replace the container "
        "to set it",
        fix="upgrade Docker to 25 or later, or remove healthcheck.start_interval",
        source="Engine API 1.44, its history; the provider reads 0s back (resourceDockerContainerRead in 4.5.0)",
        refused=True,
    ),
    VersionRule(
        name="host gateway",
        since=None,
        until=(20, 10, 0),
        concerns=lambda host: any(HOST_GATEWAY in each.extra_hosts.values() for each in _settings(host)),
        what="a Docker older than 20.10 refuses `host-gateway` in extra_hosts: it is no address to it",
        fix="upgrade Docker, or write an address",
        source="github.com/moby/moby/pull/40007, Docker 20.10.0",
        refused=True,
    ),
    VersionRule(
        name="options of volumes",
        since=None,
        until=(26, 0, 0),
        concerns=_has_volume_options,
        what="the docker provider refuses `nocopy` and `subpath` of a volume on a Docker older than 26, which has no subpath "
        '("Setting VolumeOptions.Subpath requires docker version 1.45 or higher")',
        fix="upgrade Docker to 26 or later, or remove nocopy and subpath",
        source="terraform-provider-docker 4.5.0, resource_docker_container_funcs.go; API 1.45: Docker 26.0.0, moby "
        "daemon/server/router/container/container_routes.go",
        refused=True,
    ),
    VersionRule(
        name="no CDI",
        since=None,
        until=(25, 0, 0),
        concerns=_has_cdi,
        what="a Docker older than 25 knows no CDI devices, and starts no container that has one "
        "('could not select device driver \"cdi\"')",
        fix="upgrade Docker to 28.2 or later",
        source="github.com/moby/moby/pull/45134, Docker 25.0.0",
        refused=True,
    ),
    VersionRule(
        name="CDI to switch on",
        since=(25, 0, 0),
        until=(28, 2, 0),
        concerns=_has_cdi,
        what="a Docker from 25 to 28.1 knows CDI devices only where CDI is switched on; elsewhere it starts no container that has "
        "one ('could not select device driver \"cdi\"')",
        fix='write {"features": {"cdi": true}} to /etc/docker/daemon.json and restart Docker, or upgrade it to 28.2 or later',
        source="release notes of Docker 28.2.0 (enabled by default); moby, cdiEnabled in daemon/command/daemon.go",
        refused=False,
    ),
)


def parse_version(text: str) -> Version | None:
    """Return `26.1.5+dfsg1` as (26, 1, 5); None for a text without a version."""
    match = re.match(r"(\d+)\.(\d+)(?:\.(\d+))?", text)
    return (int(match[1]), int(match[2]), int(match[3] or 0)) if match else None
