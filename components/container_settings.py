"""A planned container in the arguments of the docker provider.

Out of scope: the values of settings. They were checked when the config was read.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import pulumi
import pulumi_docker as docker

from components import container_mounts
from components.container_devices import device_requests, devices
from components.cpu_arguments import cpu_arguments
from components.rollout_args import stop_seconds
from ipvlan.config.durations import go_duration
from ipvlan.config.models import ContainerSettings
from ipvlan.config.types.sizes import MEBIBYTE, UNLIMITED
from ipvlan.plan.container_updates import replacing_arguments
from ipvlan.plan.docker_values import security_options
from ipvlan.plan.model import ContainerPlan
from ipvlan.plan.ownership import owner_label
from ipvlan.plan.resource_names import OWNER_LABEL, PORTS_LABEL, STACK_LABEL, ports_label


def replace_on_changes(settings: ContainerSettings, *, restored: bool) -> list[str]:
    """Return the arguments whose change replaces the container, though the provider would update it in place.

    `ipvlan.plan.container_updates` says which. "#initerror" is a container that was created and did not start: an update would
    succeed and start nothing (docs/decisions/0015-provider-behaviour.md, 4). Where the previous one runs again in its
    place, the same once more would interrupt that one for nothing.

    Args:
        settings: The container's settings.
        restored: Whether a previous one runs again where this one does not start.
    """
    return [*replacing_arguments(settings), *([] if restored else ["#initerror"])]


def replacement_trigger(planned: ContainerPlan) -> str:
    """Return what replaces the container when it changes, though its labels are ignored: the user's own, and the planned ports.

    The engine compares it with the one in the state, as text. A state without one, of an earlier version, replaces nothing.
    """
    return json.dumps({"labels": planned.settings.labels, "ports": ports_label(planned.docker_ports)}, sort_keys=True)


def container_args(
    planned: ContainerPlan,
    *,
    network_id: pulumi.Input[str],
    stack: str,
    owner: pulumi.Output[str],
    secrets: Mapping[str, pulumi.Output[str]],
    volumes: Mapping[str, pulumi.Input[str]],
) -> docker.ContainerArgs:
    """Return all arguments of a container.

    Args:
        planned: The container as planned.
        network_id: The id of the fabric's network, not its name: a replaced network replaces its containers, in the preview too.
        stack: Name of the stack, for the label.
        owner: The stack's owner id, for the label.
        secrets: Config key -> value, for every key in the container's `secret_environment`.
        volumes: Docker's name -> the name as an output of the volume's resource: a replaced volume replaces its containers first.
    """
    labels: dict[str, pulumi.Input[str]] = {
        **planned.settings.labels,
        STACK_LABEL: stack,
        OWNER_LABEL: owner.apply(lambda id_: owner_label(id_, planned.host, planned.service)),
    }
    if planned.docker_ports:
        labels[PORTS_LABEL] = ports_label(planned.docker_ports)
    return docker.ContainerArgs(
        name=planned.name,
        image=planned.image,
        command=None if planned.command is None else list(planned.command),
        **_networks(planned, network_id),
        ports=[
            docker.ContainerPortArgs(
                internal=port.container_port,
                external=port.host_port,
                protocol=port.protocol,
                ip=None if port.host_address is None else str(port.host_address),
            )
            for written in planned.docker_ports
            for port in written.singles()
        ],
        envs=[
            *(f"{key}={value}" for key, value in sorted(planned.environment.items())),
            *(
                pulumi.Output.concat(key, "=", secrets[config_key])
                for key, config_key in sorted(planned.secret_environment.items())
            ),
        ],
        labels=[docker.ContainerLabelArgs(label=label, value=value) for label, value in sorted(labels.items())],
        **_settings(planned.settings, volumes, container_mounts.file_mounts(planned, owner)),
    )


def _networks(planned: ContainerPlan, network_id: pulumi.Input[str]) -> dict[str, Any]:
    """Return the fabric's network; and that a container with bridges is created and not started, which its endpoints do."""
    arguments: dict[str, Any] = {}
    if planned.fabric:
        arguments["networks_advanced"] = [
            docker.ContainerNetworksAdvancedArgs(name=network_id, ipv4_address=str(planned.address))
        ]
    if planned.bridges:
        arguments |= {"start": False, "must_run": False}
    return arguments


def _settings(
    settings: ContainerSettings,
    volumes: Mapping[str, pulumi.Input[str]],
    file_mounts: Sequence[docker.ContainerMountArgs],
) -> dict[str, Any]:
    """Return the settings as keyword arguments, labels left out; what the config does not set is not among them."""
    restart, _, retries = settings.restart.partition(":")
    arguments: dict[str, Any] = {
        "restart": restart,
        "max_retry_count": int(retries) if retries else None,
        "volumes": container_mounts.volumes(settings, volumes),
        "mounts": [*container_mounts.mounts(settings, volumes), *file_mounts],
        "tmpfs": dict(settings.tmpfs),
        "healthcheck": _healthcheck(settings),
        "entrypoints": None if settings.entrypoint is None else list(settings.entrypoint),
        "working_dir": settings.working_dir,
        "user": settings.user,
        "hostname": settings.hostname,
        "memory": _mebibytes(settings.memory),
        # Docker's own default when it creates a container. Explicit, because Docker refuses to change the memory limit of a
        # running container without this one ("update the memoryswap at the same time", Docker 26.1).
        "memory_swap": _swap(settings),
        "memory_reservation": _mebibytes(settings.memory_reservation),
        "shm_size": _mebibytes(settings.shm_size),
        "cpu_shares": settings.cpu_shares,
        **cpu_arguments(settings.cpus),
        "cpu_set": settings.cpuset,
        "privileged": settings.privileged or None,
        "read_only": settings.read_only or None,
        "init": settings.init or None,
        "capabilities": _capabilities(settings),
        "security_opts": list(security_options(settings)),
        "devices": devices(settings),
        "device_cgroup_rules": list(settings.device_cgroup_rules),
        "device_requests": device_requests(settings),
        "sysctls": dict(settings.sysctls),
        "ulimits": [
            docker.ContainerUlimitArgs(name=name, soft=limit.soft, hard=limit.hard)
            for name, limit in sorted(settings.ulimits.items())
        ],
        "hosts": [
            docker.ContainerHostArgs(host=name, ip=str(address))
            for name, address in sorted(settings.extra_hosts.items())
        ],
        "dns": [str(address) for address in settings.dns],
        "dns_searches": list(settings.dns_search),
        "dns_opts": list(settings.dns_opt),
        "log_driver": settings.log_driver,
        "log_opts": dict(settings.log_opts),
        "stop_signal": settings.stop_signal,
        "stop_timeout": settings.stop_timeout,
        "destroy_grace_seconds": stop_seconds(settings),
        "cgroupns_mode": settings.cgroupns_mode,
        "cgroup_parent": settings.cgroup_parent,
        "domainname": settings.domainname,
        "group_adds": list(settings.group_add),
        "ipc_mode": settings.ipc,
        "pid_mode": settings.pid,
        "runtime": settings.runtime,
        "storage_opts": dict(settings.storage_opt),
        "stdin_open": settings.stdin_open or None,
        "tty": settings.tty or None,
        "userns_mode": settings.userns_mode,
    }
    # The provider would compare an empty list or map with what the image sets; an empty text is none to it.
    return {name: value for name, value in arguments.items() if value not in (None, [], {}, "")}


def _healthcheck(settings: ContainerSettings) -> docker.ContainerHealthcheckArgs | None:
    check = settings.healthcheck
    if check is None:
        return None
    return docker.ContainerHealthcheckArgs(
        tests=list(check.test),
        interval=_duration(check.interval),
        timeout=_duration(check.timeout),
        start_period=_duration(check.start_period),
        start_interval=_duration(check.start_interval),
        retries=check.retries,
    )


def _duration(text: str | None) -> str | None:
    """Return a duration as the provider reads it back: with another text it would replace the container at each `up`."""
    return None if text is None else go_duration(text)


def _capabilities(settings: ContainerSettings) -> docker.ContainerCapabilitiesArgs | None:
    if not settings.cap_add and not settings.cap_drop:
        return None
    return docker.ContainerCapabilitiesArgs(adds=list(settings.cap_add), drops=list(settings.cap_drop))


def _mebibytes(size: int | None) -> int | None:
    return None if size is None else size // MEBIBYTE


def _swap(settings: ContainerSettings) -> int | None:
    """Return the limit of memory and swap together in MiB; Docker's own default is twice the memory."""
    if settings.memory is None:
        # No limit of swap is what Docker has then anyway, and any other one it refuses.
        return None
    if settings.memory_swap == UNLIMITED:
        return UNLIMITED
    return _mebibytes(settings.memory_swap or 2 * settings.memory)
