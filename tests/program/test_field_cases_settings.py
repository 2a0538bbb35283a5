"""Stack files that people have, as the program registers them: the field cases 5, 6, 15 and 16."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest
from pydantic import ValidationError

from ipvlan.config.models import ServiceConfig
from tests.support.strict_monitor import Run

RunProgram = Callable[..., Run]
IMAGE = "docker.io/example/app@sha256:9b357fde13a0a250e4e68a57eeb8496427e68739cec8875f20c1d479911ffeb4"


@pytest.fixture
def registered(run: RunProgram, config: dict[str, Any]) -> Callable[..., Mapping[str, Any]]:
    """Return what registers the program with more settings of one service, and returns the inputs of its container."""

    def registered(**settings: Any) -> Mapping[str, Any]:
        config["services"]["centos"].update(settings)
        inputs: Mapping[str, Any] = run(config).named("fabric-docker-1-centos").inputs
        return inputs

    return registered


def test_case_5_a_mount_that_follows_the_hosts(registered: Callable[..., Mapping[str, Any]]) -> None:
    """The propagation arrives."""
    inputs = registered(volumes=["/srv/www:/www:rslave"], working_dir="/www", restart="on-failure:3")
    assert [(mount["source"], mount["bindOptions"]) for mount in inputs["mounts"]] == [
        ("/srv/www", {"propagation": "rslave"})
    ]
    assert (inputs["restart"], inputs["maxRetryCount"], inputs["workingDir"]) == ("on-failure", 3, "/www")


def test_case_6_selinux(registered: Callable[..., Mapping[str, Any]]) -> None:
    """Each option arrives: both kinds of relabelling, read-only, and nocopy of a named volume."""
    inputs = registered(
        volumes=["/srv/pihole/etc:/etc/pihole:Z", "/srv/pihole/dnsmasq:/etc/dnsmasq.d:z,ro", "cache:/cache:nocopy"]
    )
    assert {volume["hostPath"]: (volume["selinuxRelabel"], volume.get("readOnly")) for volume in inputs["volumes"]} == {
        "/srv/pihole/etc": ("Z", False),
        "/srv/pihole/dnsmasq": ("z", True),
    }
    assert [(mount["source"], mount["volumeOptions"]) for mount in inputs["mounts"]] == [("cache", {"noCopy": True})]


def test_case_15_a_recorder(registered: Callable[..., Mapping[str, Any]]) -> None:
    """Sizes as Docker writes them, the GPU and the runtime, and the CDI device as a request and not as a path."""
    inputs = registered(
        shm_size="64mb",
        memory="1.5g",
        tmpfs={"/var/cache/frigate": "size=500m"},
        devices=["/dev/apex_0", "/dev/dri/renderD128:/dev/dri/renderD128", "nvidia.com/gpu=all"],
        gpus="all",
        runtime="nvidia",
        stop_timeout=30,
    )
    assert (inputs["shmSize"], inputs["memory"], inputs["runtime"], inputs["stopTimeout"]) == (64, 1536, "nvidia", 30)
    assert [device["hostPath"] for device in inputs["devices"]] == ["/dev/apex_0", "/dev/dri/renderD128"]
    assert {"driver": "cdi", "deviceIds": ["nvidia.com/gpu=all"]} in inputs["deviceRequests"]
    assert any("gpu" in request.get("capabilities", ()) for request in inputs["deviceRequests"])


def test_case_16_a_device_with_colons(registered: Callable[..., Mapping[str, Any]]) -> None:
    """As one text it is refused, with the map form; written so it arrives whole."""
    path = "/dev/serial/by-id/usb-Maker_Radio_60:55:AA:00:11:22-if00"
    for device in (f"{path}:/dev/ttyACM0", "ttyUSB0"):
        with pytest.raises(ValidationError) as error:
            ServiceConfig.model_validate({"image": IMAGE, "devices": [device]})
        assert "devices" in str(error.value)
    inputs = registered(devices=[{"host": path, "container": "/dev/ttyACM0"}])
    assert inputs["devices"] == [{"hostPath": path, "containerPath": "/dev/ttyACM0", "permissions": "rwm"}]
