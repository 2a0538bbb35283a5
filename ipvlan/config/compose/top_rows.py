"""Rows of the table of compose's keys: those at the top of a compose file, and what is below them but the services."""

from __future__ import annotations

from typing import Final

from ipvlan.config.compose.row import Row, absent, other, unneeded

_FABRIC: Final = (
    "there is one fabric: write fabric.name, fabric.mode, fabric.subnet and fabric.gateway, and parent at each host"
)

_NO_BRIDGES: Final = (
    "the network of a stack is its fabric, in mode l2, l3 or l3s; further bridge networks are not carried yet"
)

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
    absent("networks", _FABRIC),
    other("networks.*.name", "", "write fabric.name"),
    absent("networks.*.attachable", "it is of Swarm: containers of others join the fabric's network by `docker run`"),
    absent("networks.*.driver", _NO_BRIDGES),
    other("networks.*.driver_opts", "", "write fabric.mode for ipvlan_mode, and parent at the host"),
    absent("networks.*.enable_ipv4", "the fabric is IPv4 only for now"),
    absent("networks.*.enable_ipv6", "the fabric is IPv4 only for now"),
    absent("networks.*.external", "the stack makes the fabric's network itself, on every host", with_below=True),
    absent("networks.*.internal", "a container leaves the fabric's subnet only by internet, published or egress"),
    other("networks.*.ipam", "", "write fabric.subnet and fabric.gateway, and slice at each host"),
    other("networks.*.ipam.config", "", "write fabric.subnet and fabric.gateway, and slice at each host"),
    other("networks.*.ipam.config.aux_addresses", "", "write fabric.reserved"),
    other("networks.*.ipam.config.gateway", "", "write fabric.gateway"),
    other("networks.*.ipam.config.ip_range", "", "write slice at each host, and dynamic for what Docker assigns"),
    other("networks.*.ipam.config.subnet", "", "write fabric.subnet"),
    absent("networks.*.ipam.driver", "Docker's own keeps the addresses, by the plan"),
    absent("networks.*.ipam.options", "Docker's own keeps the addresses, by the plan"),
    absent("networks.*.labels", "labels of the fabric's network are the stack's own"),
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
        "`pulumi config set --secret NAME`, then write secret_environment: {VARIABLE: NAME} at the service",
        with_below=True,
    ),
    absent(
        "configs",
        "files are not carried yet: put the file on the host, and mount it by volumes: [/path/on/the/host:/path:ro]",
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
