"""Mounts, devices and GPUs as the program registers them; the strict monitor refuses an argument that does not exist."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.support.strict_monitor import Run

RunProgram = Callable[..., Run]


def test_mounts_and_devices_reach_docker(run: RunProgram, config: dict[str, Any]) -> None:
    """Each in the docker provider's argument that carries all of it."""
    config["services"]["centos"].update(
        {
            "volumes": ["data:/data:ro", "/srv:/srv:ro,rslave", "cache:/cache:nocopy"],
            "mounts": [
                {"type": "bind", "source": "/etc/app", "target": "/etc/app", "read_only": True},
                {"type": "volume", "source": "data", "target": "/site", "volume": {"subpath": "site"}},
                {"type": "volume", "source": "data", "target": "/plain", "volume": {}},
                {"type": "tmpfs", "target": "/fast", "tmpfs": {"size": "8m", "mode": "1777"}},
                {"type": "tmpfs", "target": "/run", "tmpfs": {}},
            ],
            "devices": [
                "/dev/fuse",
                "vendor.com/b=2",
                {"host": "/dev/a:b", "permissions": "r"},
                {"host": "/dev/a:b", "container": "/dev/c"},
                "vendor.com/a=1",
            ],
            "device_cgroup_rules": ["c 188:* rwm"],
            "gpus": [{"driver": "nvidia", "device_ids": ["1", "0"], "capabilities": ["video"], "options": {"a": "b"}}],
        }
    )
    inputs = run(config).named("fabric-docker-1-centos").inputs
    assert inputs["volumes"] == [{"volumeName": "data", "containerPath": "/data", "readOnly": True}]
    assert inputs["mounts"] == [
        {
            "type": "bind",
            "source": "/srv",
            "target": "/srv",
            "readOnly": True,
            "bindOptions": {"propagation": "rslave"},
        },
        {"type": "volume", "source": "cache", "target": "/cache", "volumeOptions": {"noCopy": True}},
        # No propagation: for a folder that holds Docker's own, Docker refuses rprivate.
        {"type": "bind", "source": "/etc/app", "target": "/etc/app", "readOnly": True},
        {"type": "volume", "source": "data", "target": "/site", "volumeOptions": {"subpath": "site"}},
        {"type": "volume", "source": "data", "target": "/plain"},
        {"type": "tmpfs", "target": "/fast", "tmpfsOptions": {"sizeBytes": 8 * 1024 * 1024, "mode": 0o1777}},
        {"type": "tmpfs", "target": "/run"},
    ]
    assert inputs["devices"] == [
        {"hostPath": "/dev/fuse", "containerPath": "/dev/fuse", "permissions": "rwm"},
        {"hostPath": "/dev/a:b", "containerPath": "/dev/a:b", "permissions": "r"},
        {"hostPath": "/dev/a:b", "containerPath": "/dev/c", "permissions": "rwm"},
    ]
    assert inputs["deviceCgroupRules"] == ["c 188:* rwm"]
    assert inputs["deviceRequests"] == [
        {"driver": "cdi", "deviceIds": ["vendor.com/a=1", "vendor.com/b=2"]},
        {
            "driver": "nvidia",
            "count": 0,
            "deviceIds": ["0", "1"],
            "capabilities": ["gpu", "video"],
            "options": {"a": "b"},
        },
    ]


def test_without_a_driver_docker_chooses(run: RunProgram, config: dict[str, Any]) -> None:
    """The provider's default driver is cdi, which knows no GPUs: so it is an empty text, as `docker run --gpus` sends it."""
    config["services"]["centos"]["gpus"] = 2
    inputs = run(config).named("fabric-docker-1-centos").inputs
    assert inputs["deviceRequests"] == [{"driver": "", "count": 2, "capabilities": ["gpu"]}]


def test_nothing_new_is_registered_without_the_keys(run: RunProgram, config: dict[str, Any]) -> None:
    """A container that uses none of it has the arguments that it had: an upgrade changes nothing."""
    config["services"]["centos"].update({"volumes": ["data:/data", "/srv:/srv:z,rprivate"], "devices": ["/dev/fuse"]})
    inputs = run(config).named("fabric-docker-1-centos").inputs
    assert {"mounts", "deviceRequests", "deviceCgroupRules"}.isdisjoint(inputs)
    assert inputs["volumes"] == [
        {"volumeName": "data", "containerPath": "/data"},
        {"hostPath": "/srv", "containerPath": "/srv", "readOnly": False, "selinuxRelabel": "z"},
    ]


def test_the_provider_gets_the_security_option_that_docker_adds(run: RunProgram, config: dict[str, Any]) -> None:
    """Docker writes it into the container, the provider reads it back, and another list would be a replacement."""
    config["services"]["centos"].update({"pid": "host", "security_opt": ["no-new-privileges:true"]})
    inputs = run(config).named("fabric-docker-1-centos").inputs
    assert inputs["securityOpts"] == ["no-new-privileges:true", "label=disable"]
