"""Rows of the table of compose's keys: what is below a key of a service."""

from __future__ import annotations

from typing import Final

from ipvlan.config.compose.row import Row, absent, other, same, unneeded

_SWARM: Final = "it is of Swarm, which moves containers between hosts: here the stack file says which host has which"

_DEVICES: Final = "services.*.deploy.resources.reservations.devices"

_GPUS: Final = "write gpus: all, or the CDI names of single devices into devices: nvidia.com/gpu=0"

NESTED: Final[tuple[Row, ...]] = (
    # configs
    other("services.*.configs.gid", "files", 'write owner: "UID:GID" at the file'),
    other("services.*.configs.mode", "files", 'write mode: "0440" at the file'),
    other("services.*.configs.source", "files", "write files: {/PATH: files/NAME}"),
    other(
        "services.*.configs.target", "files", "it is the key: the path in the container, here always from the root on"
    ),
    other("services.*.configs.uid", "files", 'write owner: "UID:GID" at the file'),
    # depends_on
    other(
        "services.*.depends_on.*.condition",
        "after",
        "after waits until the service is up, and healthy where it has a healthcheck; none waits for an end",
    ),
    absent("services.*.depends_on.*.required", "every service of the stack file is there"),
    absent("services.*.depends_on.*.restart", "a replaced service restarts no other one: containers reconnect"),
    # deploy
    absent("services.*.deploy.endpoint_mode", _SWARM),
    other("services.*.deploy.labels", "labels", "Swarm has them at the service; write labels for the container's"),
    absent("services.*.deploy.mode", "a service has one container on each host of hosts: global is every host"),
    other("services.*.deploy.placement", "hosts", "write hosts: the names of the hosts it runs on"),
    absent("services.*.deploy.placement.constraints", "write hosts: the names of the hosts it runs on"),
    absent("services.*.deploy.placement.max_replicas_per_node", "a service has one container on each host of hosts"),
    absent("services.*.deploy.placement.preferences", _SWARM, with_below=True),
    absent("services.*.deploy.replicas", "a service has one container on each host of hosts"),
    other("services.*.deploy.resources", "memory cpus", "write memory, memory_reservation and cpus"),
    other("services.*.deploy.resources.limits", "memory cpus", "write memory and cpus"),
    other("services.*.deploy.resources.limits.cpus", "cpus", "write cpus, with the same value"),
    other("services.*.deploy.resources.limits.memory", "memory", "write memory, with the same value"),
    absent("services.*.deploy.resources.limits.pids", "it is not carried: limit a user's processes by ulimits: nproc"),
    other("services.*.deploy.resources.reservations", "memory_reservation gpus", "write memory_reservation or gpus"),
    absent("services.*.deploy.resources.reservations.cpus", "nothing is scheduled by it: write cpu_shares or cpus"),
    other(_DEVICES, "gpus", _GPUS),
    other(f"{_DEVICES}.capabilities", "gpus", _GPUS),
    other(f"{_DEVICES}.count", "gpus", _GPUS),
    other(f"{_DEVICES}.device_ids", "devices", _GPUS),
    absent(f"{_DEVICES}.driver", "the runtime of the host finds it: write runtime where there are several"),
    absent(f"{_DEVICES}.options", "it is not carried"),
    absent("services.*.deploy.resources.reservations.generic_resources", _SWARM, with_below=True),
    other(
        "services.*.deploy.resources.reservations.memory",
        "memory_reservation",
        "write memory_reservation, with the same value",
    ),
    other("services.*.deploy.restart_policy", "restart", 'write restart: "no", on-failure[:TIMES] or always'),
    other(
        "services.*.deploy.restart_policy.condition",
        "restart",
        'write restart: "no" for none, on-failure, or always for any',
    ),
    absent("services.*.deploy.restart_policy.delay", "Docker chooses the time between two restarts"),
    other("services.*.deploy.restart_policy.max_attempts", "restart", "write restart: on-failure:TIMES"),
    absent("services.*.deploy.restart_policy.window", "Docker counts restarts without a window"),
    other(
        "services.*.deploy.rollback_config",
        "rollout.on_failure",
        "write rollout: {on_failure: restore}, which is the default: the previous container runs again",
    ),
    absent("services.*.deploy.rollback_config.delay", "nothing waits between two hosts"),
    absent("services.*.deploy.rollback_config.failure_action", "a host whose previous container does not run is named"),
    absent("services.*.deploy.rollback_config.max_failure_ratio", "the first container that fails ends the rollout"),
    other(
        "services.*.deploy.rollback_config.monitor", "rollout.healthy_within", "write rollout: {healthy_within: 60s}"
    ),
    absent("services.*.deploy.rollback_config.order", "an address has one container: the old one stops first"),
    other("services.*.deploy.rollback_config.parallelism", "rollout.at_once", "write rollout: {at_once: HOSTS}"),
    other("services.*.deploy.update_config", "rollout", "write rollout: {at_once: 1, healthy_within: 60s}"),
    absent("services.*.deploy.update_config.delay", "nothing waits between two hosts"),
    other(
        "services.*.deploy.update_config.failure_action",
        "rollout.on_failure",
        "write rollout: {on_failure: restore} for rollback, leave for pause",
    ),
    absent("services.*.deploy.update_config.max_failure_ratio", "the first container that fails ends the rollout"),
    other("services.*.deploy.update_config.monitor", "rollout.healthy_within", "write rollout: {healthy_within: 60s}"),
    absent("services.*.deploy.update_config.order", "an address has one container: the old one stops first"),
    other("services.*.deploy.update_config.parallelism", "rollout.at_once", "write rollout: {at_once: HOSTS}"),
    # devices
    other("services.*.devices.permissions", "devices", "write {host: PATH, container: PATH, permissions: rwm}"),
    other("services.*.devices.source", "devices", "write {host: PATH, container: PATH, permissions: rwm}"),
    other("services.*.devices.target", "devices", "write {host: PATH, container: PATH, permissions: rwm}"),
    # env_file
    absent("services.*.env_file.format", "no file is read: write the variables into environment"),
    absent("services.*.env_file.path", "no file is read: write the variables into environment"),
    absent("services.*.env_file.required", "no file is read: write the variables into environment"),
    # gpus
    same("services.*.gpus.capabilities"),
    same("services.*.gpus.count"),
    same("services.*.gpus.device_ids"),
    same("services.*.gpus.driver"),
    same("services.*.gpus.options"),
    # healthcheck
    other("services.*.healthcheck.disable", "healthcheck.test", "write test: [NONE]"),
    same("services.*.healthcheck.interval"),
    same("services.*.healthcheck.retries"),
    same("services.*.healthcheck.start_interval"),
    same("services.*.healthcheck.start_period"),
    same("services.*.healthcheck.test", "a list; a text is [CMD-SHELL, TEXT]"),
    same("services.*.healthcheck.timeout"),
    # logging
    other("services.*.logging.driver", "log_driver", "write log_driver"),
    other("services.*.logging.options", "log_opts", "write log_opts"),
    # networks
    other("services.*.networks.*.aliases", "bridges", "write bridges: {KEY: {aliases: [NAME]}}"),
    absent("services.*.networks.*.driver_opts", "Docker's options of an endpoint are not carried; sysctls are"),
    absent("services.*.networks.*.gw_priority", "the plan decides the default route: egress, internet or published"),
    absent("services.*.networks.*.interface_name", "Docker names the interfaces"),
    other(
        "services.*.networks.*.ipv4_address",
        "addresses offset",
        "of the fabric: write addresses: {HOST: ADDRESS}, or offset; a bridge has no fixed addresses, so containers find each "
        "other by name",
    ),
    absent("services.*.networks.*.ipv6_address", "the fabric and bridges are IPv4 only for now"),
    absent("services.*.networks.*.link_local_ips", "a container has one address per network"),
    absent(
        "services.*.networks.*.mac_address", "all ipvlan containers of a host have the hardware address of its parent"
    ),
    absent("services.*.networks.*.priority", "the plan decides the default route: egress, internet or published"),
    absent(
        "services.*.networks.*.use_service_name_alias",
        "on a bridge a container is found by its own name and by its service's, always",
    ),
    # ports
    absent("services.*.ports.app_protocol", "nothing reads it"),
    other("services.*.ports.host_ip", "ports", 'write "ADDRESS:HOST:CONTAINER"'),
    unneeded("services.*.ports.mode", "a port is always bound at the host that has the container"),
    absent("services.*.ports.name", "nothing reads it"),
    other("services.*.ports.protocol", "ports", 'write "HOST:CONTAINER/udp"'),
    other("services.*.ports.published", "ports", 'write "HOST:CONTAINER" and published: true'),
    other("services.*.ports.target", "ports", 'write "HOST:CONTAINER"'),
    # secrets
    other("services.*.secrets.gid", "files", 'write owner: "UID:GID" at the file'),
    other("services.*.secrets.mode", "files", 'write mode: "0440" at the file'),
    other("services.*.secrets.source", "files", "write files: {/run/secrets/NAME: {secret: NAME}}"),
    other(
        "services.*.secrets.target", "files", "it is the key: the path in the container, here always from the root on"
    ),
    other("services.*.secrets.uid", "files", 'write owner: "UID:GID" at the file'),
    # ulimits
    same("services.*.ulimits.*.hard"),
    same("services.*.ulimits.*.soft"),
    # volumes
    other("services.*.volumes.bind", "volumes mounts", "write /path/on/the/host:/path, or a map of mounts"),
    other("services.*.volumes.bind.create_host_path", "mounts", "a map of mounts creates no folder, volumes does"),
    other("services.*.volumes.bind.propagation", "mounts", "write mounts: [{..., bind: {propagation: rslave}}]"),
    absent("services.*.volumes.bind.recursive", "it is not carried: what is mounted below is mounted too"),
    other("services.*.volumes.bind.selinux", "volumes", "write /path/on/the/host:/path:z or :Z"),
    unneeded("services.*.volumes.consistency", "it has no effect on Linux"),
    absent("services.*.volumes.image", "an image cannot be mounted: copy what it has into a volume", with_below=True),
    other("services.*.volumes.read_only", "volumes mounts", "write /path/on/the/host:/path:ro"),
    other("services.*.volumes.source", "volumes mounts", "write SOURCE:/PATH"),
    other("services.*.volumes.target", "volumes mounts", "write SOURCE:/PATH"),
    other("services.*.volumes.tmpfs", "tmpfs mounts", "write tmpfs: {/PATH: size=64m}"),
    other("services.*.volumes.tmpfs.mode", "tmpfs mounts", "write tmpfs: {/PATH: mode=1777}"),
    other("services.*.volumes.tmpfs.size", "tmpfs mounts", "write tmpfs: {/PATH: size=64m}"),
    other("services.*.volumes.type", "volumes tmpfs mounts", "bind and volume are volumes here, tmpfs is tmpfs"),
    other("services.*.volumes.volume", "mounts", "write mounts: [{type: volume, ...}]"),
    absent(
        "services.*.volumes.volume.labels",
        "labels are of the volume: write ipvlan-fabric:volumes: {KEY: {labels: ...}}",
    ),
    other("services.*.volumes.volume.nocopy", "mounts", "write mounts: [{..., volume: {nocopy: true}}]"),
    other("services.*.volumes.volume.subpath", "mounts", "write mounts: [{..., volume: {subpath: PATH}}]"),
)
