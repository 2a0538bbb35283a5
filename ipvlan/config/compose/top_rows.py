"""Rows of the table of compose's keys: those at the top of a compose file, and what is below them but the services."""

from __future__ import annotations

from typing import Final

from ipvlan.config.compose.row import Row, absent, other, unneeded

_SUBNET: Final = "write subnet at a bridge, or fabric.subnet"

_BY_NAME: Final = "on a bridge Docker assigns the addresses, and containers find each other by name"

OF_THE_FABRIC: Final = ("aux_addresses", "gateway", "ip_range")
"""Keys of `networks.*.ipam.config` that are something else on the fabric, and nothing on a bridge: `NOT_ON_A_BRIDGE` says so."""
NOT_ON_A_BRIDGE: Final = f"remove it: {_BY_NAME}"

_VOLUME: Final = (
    "write ipvlan-fabric:volumes, with the name of the volume below it, where it has a driver, options or labels; any other one is "
    "made on each host by its first container: name it in services.X.volumes"
)

TOP: Final[tuple[Row, ...]] = (
    unneeded("version", "compose itself ignores it"),
    other("name", "", "a stack has a name instead: `pulumi stack init STACK`"),
    absent(
        "include",
        "write the services into the stack file; what several stacks share is in the file that `common` names",
        with_below=True,
    ),
    other("services", "", "write ipvlan-fabric:services, with the same names below it"),
    other(
        "networks",
        "",
        "write ipvlan-fabric:bridges, with a key for each network of driver bridge; the network default is the fabric, which has "
        "fabric.name, fabric.mode, fabric.subnet and fabric.gateway",
    ),
    other("networks.*.name", "", "write ipvlan-fabric:bridges: {KEY: {name: NAME}}"),
    unneeded("networks.*.attachable", "Docker connects any container of the host to a bridge"),
    absent(
        "networks.*.driver",
        "a bridge has the driver bridge, and the fabric ipvlan in mode l2, l3 or l3s, which takes the place of macvlan too; no "
        "other driver is carried",
    ),
    other(
        "networks.*.driver_opts",
        "",
        "write options at a bridge; for the fabric fabric.mode is ipvlan_mode, and parent is at each host",
    ),
    absent("networks.*.enable_ipv4", "a bridge has IPv4, always"),
    absent("networks.*.enable_ipv6", "bridges and the fabric are IPv4 only for now"),
    Row(
        "networks.*.external",
        "other",
        (),
        "write ipvlan-fabric:bridges: {KEY: {external: true, name: NAME}}: `up` ends first where it is missing",
        with_below=True,
    ),
    other("networks.*.internal", "", "write ipvlan-fabric:bridges: {KEY: {internal: true}}"),
    other("networks.*.ipam", "", _SUBNET),
    other("networks.*.ipam.config", "", _SUBNET),
    other("networks.*.ipam.config.aux_addresses", "", f"write fabric.reserved; {_BY_NAME}"),
    other("networks.*.ipam.config.gateway", "", f"write fabric.gateway; {_BY_NAME}"),
    other(
        "networks.*.ipam.config.ip_range",
        "",
        f"write slice at each host, and dynamic for what Docker assigns on the fabric; {_BY_NAME}",
    ),
    other("networks.*.ipam.config.subnet", "", _SUBNET),
    absent("networks.*.ipam.driver", "Docker's own driver assigns the addresses"),
    absent("networks.*.ipam.options", "Docker's own driver assigns the addresses"),
    other("networks.*.labels", "", "write ipvlan-fabric:bridges: {KEY: {labels: ...}}"),
    other("volumes", "", _VOLUME),
    other("volumes.*.name", "", "write ipvlan-fabric:volumes: {KEY: {name: NAME}}, or that name in services.X.volumes"),
    other("volumes.*.driver", "", "write ipvlan-fabric:volumes: {KEY: {driver: DRIVER}}"),
    other(
        "volumes.*.driver_opts",
        "",
        "write ipvlan-fabric:volumes: {KEY: {driver_opts: ...}}, and what has a password in it by secret_driver_opts",
    ),
    Row(
        "volumes.*.external",
        "other",
        (),
        "write ipvlan-fabric:volumes: {NAME: {external: true}}: `up` ends before it changes anything where it is missing",
        with_below=True,
    ),
    other("volumes.*.labels", "", "write ipvlan-fabric:volumes: {KEY: {labels: ...}}"),
    absent(
        "secrets",
        "`pulumi config set --secret NAME`, then write files: {/run/secrets/NAME: {secret: NAME}} at the service, or "
        "secret_environment: {VARIABLE: NAME}",
        with_below=True,
    ),
    absent(
        "configs",
        "put the file into the project, commit it, and write files: {/PATH: files/NAME} at the service",
        with_below=True,
    ),
    absent("models", "nothing here runs a model: run its server as a service", with_below=True),
    absent(
        "jobs", "nothing here runs a container by the clock: use the scheduler of a host, or of CI", with_below=True
    ),
    unneeded(
        "x-*", "nothing reads it; an anchor of YAML below it is written at the top of the stack file, outside of config"
    ),
)
