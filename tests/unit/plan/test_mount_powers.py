"""What a container may do by mounts, devices and GPUs: a mount says the same in every form."""

from __future__ import annotations

from typing import Any

import pytest

from ipvlan.plan.host_paths import ROOT
from ipvlan.plan.make import make_plan
from ipvlan.plan.powers import Power, powers, surroundings
from ipvlan.plan.validate import parse
from tools.reference_setup import changed


def of_centos(settings: dict[str, Any], **more: Any) -> tuple[Power, ...]:
    """Return what container centos of the reference setup may do with these settings."""
    paths = {f"services.centos.{key}": value for key, value in settings.items()}
    plan = make_plan(parse(changed({**paths, **more})))
    host = plan.host("docker-1")
    return powers(host.container("centos"), surroundings(host))


def bind(source: str, **keys: Any) -> dict[str, Any]:
    """Return a bind at /x."""
    return {"type": "bind", "source": source, "target": "/x", **keys}


@pytest.mark.parametrize(
    ("volume", "mount"),
    [
        ("/:/x", bind("/")),
        ("/srv/data:/x", bind("/srv/data")),
        ("/etc/../var/run/docker.sock:/x:ro", bind("/etc/../var/run/docker.sock", read_only=True)),
        ("/srv:/x:rshared", bind("/srv", bind={"propagation": "rshared"})),
        ("/mnt:/x:ro,slave", bind("/mnt", read_only=True, bind={"propagation": "slave"})),
    ],
)
def test_a_bind_is_shown_the_same_in_both_forms(volume: str, mount: dict[str, Any]) -> None:
    """Value and meaning are those of `volumes`; only the key differs."""
    (by_volumes,) = of_centos({"volumes": [volume]})
    (by_mounts,) = of_centos({"mounts": [mount]})
    assert (by_volumes.setting, by_mounts.setting) == ("volumes", "mounts")
    assert (by_mounts.value, by_mounts.meaning) == (by_volumes.value, by_volumes.meaning)


def test_a_propagation_is_a_power_of_its_own() -> None:
    """A shared mount carries mounts of the container to the host; a slave brings those of the host."""
    meanings = {
        option: of_centos({"volumes": [f"/srv:/x:{option}"]})[0].meaning
        for option in ("rw", "rprivate", "private", "slave", "rslave", "shared", "rshared")
    }
    assert meanings["rprivate"] == meanings["private"] == meanings["rw"] == "reads and writes files of the host"
    assert (
        meanings["shared"]
        == meanings["rshared"]
        == f"{meanings['rw']}, and what it mounts there is mounted on the host too"
    )
    assert meanings["slave"] == meanings["rslave"] == f"{meanings['rw']}, and what the host mounts there later"
    assert of_centos({"volumes": ["/:/x:rshared"]})[0].meaning.endswith(ROOT)


def test_data_of_another_service_in_every_form() -> None:
    """A named volume that another service mounts, by `volumes` or by `mounts`."""
    one: dict[str, Any] = {"type": "volume", "source": "data", "target": "/d"}
    for theirs in ({"services.nginx.volumes": ["data:/v"]}, {"services.nginx.mounts": [one]}):
        (power,) = of_centos({"mounts": [{**one, "read_only": True, "volume": {"subpath": "a"}}]}, **theirs)
        assert (power.setting, power.value) == ("mounts", "data:/d:ro,subpath=a")
        assert power.meaning == "reads the data of nginx"
        (power,) = of_centos({"volumes": ["data:/d:nocopy"]}, **theirs)
        assert (power.value, power.meaning) == ("data:/d:nocopy", "reads and writes the data of nginx")


def test_harmless_mounts() -> None:
    """A volume of its own, and memory with Docker's own noexec, nosuid and nodev."""
    own = {"type": "volume", "source": "data", "target": "/d"}
    memory = {"type": "tmpfs", "target": "/run", "tmpfs": {"size": "1m"}}
    assert of_centos({"mounts": [own, memory]}) == ()


@pytest.mark.parametrize(
    ("setting", "value", "shown", "meaning", "root"),
    [
        ("devices", [{"host": "/dev/sda"}], "/dev/sda", "uses a disk of the host", True),
        ("devices", [{"host": "/dev/sda", "permissions": "r"}], "/dev/sda:/dev/sda:r", "reads a disk", True),
        ("devices", [{"host": "/dev/../dev/sda", "container": "/a"}], "/dev/sda:/a", "uses a disk", True),
        ("devices", [{"host": "/dev/usb-60:55:AA"}], "/dev/usb-60:55:AA", "uses this device of the host", False),
        ("devices", ["nvidia.com/gpu=all"], "nvidia.com/gpu=all", "what its CDI file adds", False),
        ("gpus", "all", "all", "uses GPUs of the host", False),
        ("gpus", [{"device_ids": ["0"]}], "device 0", "uses GPUs of the host", False),
        ("device_cgroup_rules", ["a *:* rwm"], "a *:* rwm", "all devices of the host", True),
        ("device_cgroup_rules", ["b 8:0 r"], "b 8:0 r", "reads disks of the host", True),
        ("device_cgroup_rules", ["b *:* m"], "b *:* m", "creates nodes of all disks", False),
        ("device_cgroup_rules", ["c 1:1 r"], "c 1:1 r", "the memory and ports of the host", True),
        ("device_cgroup_rules", ["c 1:3 rwm"], "c 1:3 rwm", "devices of the host with these numbers", False),
        ("device_cgroup_rules", ["c *:* rw"], "c *:* rw", "all character devices", True),
        ("device_cgroup_rules", ["c 188:* rwm"], "c 188:* rwm", "may create nodes", False),
        ("device_cgroup_rules", ["c 01:01 rwm"], "c 01:01 rwm", "the memory and ports of the host", True),
        ("device_cgroup_rules", ["c 21:0 rwm"], "c 21:0 rwm", "disks of the host", True),
        ("device_cgroup_rules", ["c 162:* r"], "c 162:* r", "disks of the host", True),
        ("device_cgroup_rules", ["c 202:* rwm"], "c 202:* rwm", "registers of the host's CPUs", True),
        ("devices", ["/dev/cpu/0/msr"], "/dev/cpu/0/msr", "registers of the host's CPUs", True),
        ("devices", ["/dev/cpu/0/cpuid"], "/dev/cpu/0/cpuid", "this device of the host", False),
    ],
    ids=str,
)
def test_devices(setting: str, value: object, shown: str, meaning: str, root: bool) -> None:
    """Each is named with what it allows; disks and memory are as good as root."""
    (power,) = of_centos({setting: value})
    assert (power.setting, power.value) == (setting, shown)
    assert meaning in power.meaning
    assert power.meaning.endswith(ROOT) is root
