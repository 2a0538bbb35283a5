"""Stack files as people have them: mount propagation, SELinux, volumes that are not filled, GPUs, USB devices.

The cases 5 and 6, and of the cases 15 and 16 what they say about devices.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from components.container_devices import device_requests, devices
from components.container_mounts import mounts, volumes
from ipvlan.config.models import ContainerSettings
from ipvlan.plan.docker_versions import RULES, Version
from ipvlan.plan.make import make_plan
from ipvlan.plan.model import Plan
from ipvlan.plan.validate import load_stack
from ipvlan.problems import ConfigError

IMAGE = "docker.io/example/app@sha256:9b357fde13a0a250e4e68a57eeb8496427e68739cec8875f20c1d479911ffeb4"

NODES = f"""
config:
  ipvlan-fabric:fabric: {{name: ipvl3, mode: l3, subnet: 172.23.0.0/16}}
  ipvlan-fabric:hosts:
    node-1: {{address: 10.8.0.11, parent: eth0, slice: 172.23.1.0/24}}
    node-2: {{address: 10.8.0.12, parent: eth0, slice: 172.23.2.0/24}}
  ipvlan-fabric:services:
    front:
      image: "{IMAGE}"
      hosts: [node-1]
      offset: 20
      volumes: ["/srv/www:/www:rslave"]
      ports: ["80:80"]
      published: true
"""
SELINUX = f"""
config:
  ipvlan-fabric:fabric: {{name: lan, mode: l2, subnet: 10.60.0.0/24, gateway: 10.60.0.1}}
  ipvlan-fabric:hosts:
    fedora: {{address: 192.168.9.8, parent: eno1, slice: 10.60.0.64/26}}
  ipvlan-fabric:services:
    dns:
      image: "{IMAGE}"
      offset: 5
      egress: gateway
      volumes: ["/srv/pihole/etc:/etc/pihole:Z", "/srv/pihole/dnsmasq:/etc/dnsmasq.d:z,ro", "cache:/cache:nocopy"]
"""
RECORDER = f"""
config:
  ipvlan-fabric:fabric: {{name: iot, mode: l2, subnet: 10.63.0.0/24, gateway: 10.63.0.1}}
  ipvlan-fabric:hosts:
    srv: {{address: 192.168.9.20, parent: eno1.50, slice: 10.63.0.32/27}}
  ipvlan-fabric:services:
    recorder:
      image: "{IMAGE}"
      offset: 5
      egress: gateway
      devices: [/dev/apex_0, "/dev/dri/renderD128:/dev/dri/renderD128", "nvidia.com/gpu=all"]
      gpus: all
"""
RADIO = f"""
config:
  ipvlan-fabric:fabric: {{name: iot, mode: l2, subnet: 10.63.0.0/24, gateway: 10.63.0.1}}
  ipvlan-fabric:hosts:
    pi: {{address: 192.168.9.21, parent: eth0, slice: 10.63.0.64/27}}
  ipvlan-fabric:services:
    zwave:
      image: "{IMAGE}"
      offset: 5
      egress: gateway
      devices: ["/dev/serial/by-id/usb-Maker_Radio_60:55:AA:00:11:22-if00:/dev/ttyACM0", "nvidia.com/gpu=all", "ttyUSB0"]
"""


def plan_of(text: str, folder: Path) -> Plan:
    """Return the plan of a stack file."""
    (folder / "Pulumi.case.yaml").write_text(text, encoding="utf-8")
    return make_plan(load_stack("case", folder))


def settings_of(plan: Plan) -> ContainerSettings:
    """Return the settings of the one container."""
    (container,) = (container for host in plan.hosts for container in host.containers)
    return container.settings


def given(arguments: list[Any]) -> list[dict[str, Any]]:
    """Return the docker provider's arguments without those that are not set."""
    return [_given(argument) for argument in arguments]


def _given(argument: Any) -> dict[str, Any]:
    values = {name: value for name, value in vars(argument).items() if value is not None}
    return {name: _given(value) if hasattr(value, "__dict__") else value for name, value in values.items()}


def concerned(plan: Plan, version: Version) -> dict[str, bool]:
    """Return the limitations of a Docker that concern the plan's first host, and whether they stop an `up`."""
    return {rule.name: rule.refused for rule in RULES if rule.holds(version) and rule.concerns(plan.hosts[0])}


def test_a_propagation_arrives(tmp_path: Path) -> None:
    """Case 5: the mount is carried with it, and nothing is warned of."""
    plan = plan_of(NODES, tmp_path)
    assert not plan.warnings
    settings = settings_of(plan)
    assert volumes(settings, {}) == []
    assert given(list(mounts(settings, {}))) == [
        {"type": "bind", "source": "/srv/www", "target": "/www", "bind_options": {"propagation": "rslave"}}
    ]
    assert not concerned(plan, (28, 5, 2))


def test_labels_and_nocopy_arrive(tmp_path: Path) -> None:
    """Case 6: labels stay with `volumes`; the volume that is not filled is a mount, for which a Docker before 26 is refused."""
    plan = plan_of(SELINUX, tmp_path)
    assert not plan.warnings
    settings = settings_of(plan)
    assert given(list(volumes(settings, {}))) == [
        {"host_path": "/srv/pihole/etc", "container_path": "/etc/pihole", "read_only": False, "selinux_relabel": "Z"},
        {
            "host_path": "/srv/pihole/dnsmasq",
            "container_path": "/etc/dnsmasq.d",
            "read_only": True,
            "selinux_relabel": "z",
        },
    ]
    assert given(list(mounts(settings, {}))) == [
        {"type": "volume", "source": "cache", "target": "/cache", "volume_options": {"no_copy": True}}
    ]
    assert concerned(plan, (20, 10, 24)) == {"options of volumes": True}
    assert concerned(plan, (26, 0, 1)) == {}


def test_gpus_and_cdi_devices_are_requested(tmp_path: Path) -> None:
    """Case 15: nodes stay nodes; the CDI device and the GPUs are requests, as the docker command line makes them."""
    plan = plan_of(RECORDER, tmp_path)
    assert not plan.warnings
    settings = settings_of(plan)
    assert [one["host_path"] for one in given(list(devices(settings)))] == ["/dev/apex_0", "/dev/dri/renderD128"]
    assert given(list(device_requests(settings))) == [
        {"driver": "cdi", "device_ids": ["nvidia.com/gpu=all"]},
        {"driver": "", "count": -1, "capabilities": ["gpu"]},
    ]


@pytest.mark.parametrize(
    ("version", "expected"),
    [
        ((20, 10, 24), {"no CDI": True}),
        ((24, 0, 9), {"no CDI": True}),
        ((25, 0, 0), {"CDI to switch on": False}),
        ((28, 1, 1), {"CDI to switch on": False}),
        ((28, 2, 0), {}),
        ((29, 0, 0), {}),
    ],
    ids=str,
)
def test_which_docker_knows_cdi(tmp_path: Path, version: Version, expected: dict[str, bool]) -> None:
    """Before 25 none, from 28.2 on all; between them those where it is switched on."""
    assert concerned(plan_of(RECORDER, tmp_path), version) == expected
    without = RECORDER.replace(', "nvidia.com/gpu=all"', "")
    assert concerned(plan_of(without, tmp_path), version) == {}


def test_a_path_with_colons_is_refused_and_has_a_form(tmp_path: Path) -> None:
    """Case 16: each entry that Docker would misread is refused; the first one's fix is a map, which is carried."""
    with pytest.raises(ConfigError) as error:
        plan_of(RADIO, tmp_path)
    name = "/dev/serial/by-id/usb-Maker_Radio_60:55:AA:00:11:22-if00"
    assert [(problem.code, problem.key) for problem in error.value.problems] == [
        ("IPF182", "services.zwave.devices[0]"),
        ("IPF149", "services.zwave.devices[2]"),
    ]
    written = error.value.problems[0].fix.partition("map: ")[2]
    assert written == f"{{host: '{name}', container: '/dev/ttyACM0'}}"
    fixed = RADIO.replace(f'"{name}:/dev/ttyACM0"', written).replace('"ttyUSB0"', "/dev/ttyUSB0")
    settings = settings_of(plan_of(fixed, tmp_path))
    assert given(list(devices(settings))) == [
        {"host_path": name, "container_path": "/dev/ttyACM0", "permissions": "rwm"},
        {"host_path": "/dev/ttyUSB0", "container_path": "/dev/ttyUSB0", "permissions": "rwm"},
    ]
    assert given(list(device_requests(settings))) == [{"driver": "cdi", "device_ids": ["nvidia.com/gpu=all"]}]
