"""Rows of the table of compose's keys: those of a service. The keys below them are in `ipvlan.config.compose.nested_rows`."""

from __future__ import annotations

from typing import Final

from ipvlan.config.compose.row import Row, absent, other, same, unneeded

_WINDOWS: Final = "it is of Windows containers, and ipvlan is of Linux"

_FILES: Final = "put the file into the project, commit it, and write files: {/PATH: files/NAME}"

_HOOK: Final = "nothing is run beside the container: make it part of the image's entrypoint, or of command"

SERVICE: Final[tuple[Row, ...]] = (
    absent("services.*.annotations", "Docker keeps them apart from labels, and nothing here does: write labels"),
    unneeded(
        "services.*.attach", "no terminal follows the containers: `docker logs` on the host shows what one prints"
    ),
    absent("services.*.blkio_config", "it is not carried: limit the disks on the host", with_below=True),
    absent(
        "services.*.build",
        "nothing is built on a host: build the image in CI, push it to a registry, and name it in image",
        with_below=True,
    ),
    same("services.*.cap_add"),
    same("services.*.cap_drop"),
    other("services.*.cgroup", "cgroupns_mode", "write cgroupns_mode, with the same value"),
    same("services.*.cgroup_parent"),
    same("services.*.command", "a list of words; where compose splits a text, write [sh, -c, TEXT] or the words"),
    other("services.*.configs", "files", _FILES),
    same("services.*.container_name"),
    absent("services.*.cpu_count", _WINDOWS),
    absent("services.*.cpu_percent", _WINDOWS),
    other("services.*.cpu_period", "cpus", "write cpus: cpu_quota divided by cpu_period"),
    other("services.*.cpu_quota", "cpus", "write cpus: cpu_quota divided by cpu_period"),
    absent("services.*.cpu_rt_period", "real-time scheduling is not carried: cpus and cpuset are"),
    absent("services.*.cpu_rt_runtime", "real-time scheduling is not carried: cpus and cpuset are"),
    same("services.*.cpu_shares"),
    same("services.*.cpus"),
    same("services.*.cpuset"),
    absent("services.*.credential_spec", _WINDOWS, with_below=True),
    other(
        "services.*.depends_on",
        "after",
        "write after: [SERVICE]; it waits until that service is up on all its hosts: it runs, is healthy and has its ports",
    ),
    absent("services.*.deploy", "its limits are memory, memory_reservation and cpus here, and replicas are hosts"),
    absent(
        "services.*.develop",
        "it is of a developer's machine: push a new image, and `pulumi up` replaces the containers",
        with_below=True,
    ),
    same("services.*.device_cgroup_rules"),
    same("services.*.devices"),
    same("services.*.dns"),
    same("services.*.dns_opt"),
    same("services.*.dns_search"),
    same("services.*.domainname"),
    same("services.*.entrypoint", "a list of words; where compose splits a text, write the words"),
    other(
        "services.*.env_file",
        "environment",
        "write its variables into environment, and what is secret by `pulumi config set --secret` and secret_environment",
    ),
    same("services.*.environment", "what is secret goes into secret_environment"),
    unneeded("services.*.expose", "every port of a container is reachable at its own address of the fabric"),
    absent(
        "services.*.extends",
        "write the service out; within a file a YAML anchor repeats keys, between stacks the file that `common` names",
        with_below=True,
    ),
    absent("services.*.external_links", "containers find each other by name on one host, and by address everywhere"),
    same("services.*.extra_hosts"),
    same("services.*.gpus", "all, how many, or a list of maps; CDI names go into devices: nvidia.com/gpu=0"),
    same("services.*.group_add"),
    same("services.*.healthcheck"),
    same("services.*.hostname"),
    same("services.*.image", "best pinned by digest: NAME@sha256:DIGEST"),
    same("services.*.init"),
    same("services.*.ipc", "not that of another service: containers are replaced one by one"),
    absent("services.*.isolation", _WINDOWS),
    other("services.*.label_file", "labels", "write its labels into labels"),
    same("services.*.labels"),
    other(
        "services.*.links",
        "bridges after",
        "connect both to a bridge, with bridges: {KEY: {aliases: [NAME]}} at the service that is linked to; the fabric has no "
        "further names, and its containers find each other by name on one host. For the order write after: [SERVICE]",
    ),
    other("services.*.logging", "log_driver log_opts", "write log_driver and log_opts"),
    absent(
        "services.*.mac_address",
        "all ipvlan containers of a host have the hardware address of its parent; what needs one of its own needs macvlan",
    ),
    other("services.*.mem_limit", "memory", "write memory, with the same value"),
    other("services.*.mem_reservation", "memory_reservation", "write memory_reservation, with the same value"),
    absent("services.*.mem_swappiness", "Docker ignores it with cgroup v2: write memory_swap, or set it on the host"),
    other("services.*.memswap_limit", "memory_swap", "write memory_swap, with the same value"),
    absent("services.*.models", "nothing here runs a model: run its server as a service", with_below=True),
    absent(
        "services.*.network_mode",
        "a container has networks of its own, the fabric and bridges: publish ports by published: true",
    ),
    other(
        "services.*.networks",
        "bridges",
        "write bridges: [KEY], with ipvlan-fabric:bridges: {KEY: {}}, for networks of driver bridge; the network default is the "
        "fabric (without it fabric: false), and a VLAN is a stack of its own",
    ),
    absent("services.*.oom_kill_disable", "it is not carried: give the container more memory, or none of a limit"),
    absent("services.*.oom_score_adj", "it is not carried: limit the memory of the others by memory"),
    same("services.*.pid", "the value host"),
    absent(
        "services.*.pids_limit", "it is not carried: limit a user's processes by ulimits: {nproc: {soft: N, hard: N}}"
    ),
    absent("services.*.platform", "each host pulls the image of its own platform: pin another one by its digest"),
    same("services.*.ports", "HOST:CONTAINER in quotes, and published: true, by which they are bound at the host"),
    absent("services.*.post_start", _HOOK, with_below=True),
    absent("services.*.pre_start", _HOOK, with_below=True),
    absent(
        "services.*.pre_stop", "nothing is run beside the container: handle stop_signal in the image", with_below=True
    ),
    same("services.*.privileged"),
    absent(
        "services.*.profiles", "every service of the stack file runs: write it into the stack in which it shall run"
    ),
    absent("services.*.provider", "only containers are run here: run what it provides in another way", with_below=True),
    unneeded(
        "services.*.pull_policy", "an image is pulled to a host once: pin it by digest, and a new digest is pulled"
    ),
    unneeded("services.*.pull_refresh_after", "an image is pulled to a host once: pin it by digest"),
    same("services.*.read_only"),
    same("services.*.restart", 'compose\'s default is "no", and unless-stopped here'),
    same("services.*.runtime"),
    absent("services.*.scale", "a service has one container on each host of hosts; two on one host are two services"),
    other(
        "services.*.secrets",
        "files secret_environment",
        "`pulumi config set --secret NAME`, then write files: {/run/secrets/NAME: {secret: NAME}}; as a variable, "
        "secret_environment: {VARIABLE: NAME}",
    ),
    same("services.*.security_opt"),
    same("services.*.shm_size"),
    same("services.*.stdin_open"),
    other("services.*.stop_grace_period", "stop_timeout", "write stop_timeout, in seconds: 90 for 1m30s"),
    same("services.*.stop_signal"),
    same("services.*.storage_opt"),
    same("services.*.sysctls"),
    same("services.*.tmpfs", "path -> options"),
    same("services.*.tty"),
    same("services.*.ulimits"),
    absent("services.*.umask", "it is not carried: set it in the image's entrypoint"),
    absent("services.*.use_api_socket", "mount Docker's socket by volumes, which gives the container the whole host"),
    same("services.*.user"),
    same("services.*.userns_mode"),
    absent("services.*.uts", "it is not carried: write hostname"),
    same("services.*.volumes", "SOURCE:/PATH[:OPTIONS], an absolute path on the host or the name of a volume"),
    absent("services.*.volumes_from", "containers are replaced one by one: name the same volumes in both services"),
    same("services.*.working_dir"),
)
