"""The devices of a container in the arguments of the docker provider.

Out of scope: the values; they were checked when the config was read.
"""

from __future__ import annotations

import pulumi_docker as docker

from ipvlan.config.models import ContainerSettings
from ipvlan.config.types.devices import DeviceMap, Gpu, device_map, gpu_requests, is_cdi


def devices(settings: ContainerSettings) -> list[docker.ContainerDeviceArgs]:
    """Return the nodes of the host."""
    return [_device(device_map(device)) for device in settings.devices if not is_cdi(device)]


def device_requests(settings: ContainerSettings) -> list[docker.ContainerDeviceRequestArgs]:
    """Return the CDI devices, in one request as the docker command line makes it, and the GPUs.

    The provider refuses its argument `gpus` beside this one (ConflictsWith in resource_docker_container.go, 4.5.0).
    """
    names = sorted({str(device) for device in settings.devices if is_cdi(device)})
    cdi = [docker.ContainerDeviceRequestArgs(driver="cdi", device_ids=names)] if names else []
    return [*cdi, *map(_gpu, gpu_requests(settings.gpus))]


def _device(device: DeviceMap) -> docker.ContainerDeviceArgs:
    return docker.ContainerDeviceArgs(
        host_path=device.host, container_path=device.inside, permissions=device.permissions
    )


def _gpu(request: Gpu) -> docker.ContainerDeviceRequestArgs:
    """Return a request as `docker run --gpus` makes it (docker/cli, opts/gpus.go).

    The provider has one list of capabilities, all of which a driver must have; of a text that is left out it makes "cdi", so no
    driver is an empty text: then Docker takes the first one with the capabilities.
    """
    return docker.ContainerDeviceRequestArgs(
        driver=request.driver or "",
        count=request.number,
        device_ids=sorted(set(request.device_ids)) or None,
        capabilities=sorted({*request.capabilities, "gpu"}),
        options=dict(request.options) or None,
    )
