"""Which argument of the docker provider carries a volume, what a mount is called, and what its problems say."""

from __future__ import annotations

from typing import Any

import pytest

from ipvlan.config.types.devices import DeviceMap, device_map, gpu_requests
from ipvlan.config.types.mount_maps import Mount, carried_by_mounts, mount_of_volume
from ipvlan.config.types.mounts import ACCESS, CONSISTENCY, COPY, LABEL, PROPAGATION
from ipvlan.plan.make import make_plan
from ipvlan.plan.validate import parse
from ipvlan.problems import ConfigError, Problem
from tools.reference_setup import changed


def problem_of(setting: str, value: Any) -> Problem:
    """Return the one problem of a config with this setting."""
    with pytest.raises(ConfigError) as error:
        make_plan(parse(changed({f"services.nginx.{setting}": value})))
    (problem,) = error.value.problems
    return problem


def mount(**keys: Any) -> Mount:
    """Return a mount at /data."""
    return Mount.model_validate({"target": "/data", **keys})


@pytest.mark.parametrize(
    "volume",
    [
        "data:/data",
        "/srv:/data",
        *(
            f"/srv:/data:{option}"
            for option in ("ro", "rw", "z", "Z", "z,ro", "rprivate", "copy", *sorted(CONSISTENCY))
        ),
        *(f"data:/data:{option}" for option in ("ro", "rw", "z", "rprivate,ro", "copy", "cached")),
    ],
)
def test_what_was_carried_stays_where_it_is(volume: str) -> None:
    """Another argument would replace a running container at an upgrade."""
    assert mount_of_volume(volume) is None


@pytest.mark.parametrize(
    ("volume", "expected"),
    [
        *(
            (f"/srv:/data:{how}", mount(type="bind", source="/srv", bind={"propagation": how}))
            for how in ("private", "shared", "rshared", "slave", "rslave")
        ),
        (
            "/srv:/data:ro,rslave,cached",
            mount(type="bind", source="/srv", read_only=True, bind={"propagation": "rslave"}),
        ),
        ("x1:/data:nocopy", mount(type="volume", source="x1", volume={"nocopy": True})),
        ("x1:/data:ro,nocopy", mount(type="volume", source="x1", read_only=True, volume={"nocopy": True})),
    ],
)
def test_what_was_dropped_is_carried(volume: str, expected: Mount) -> None:
    """A propagation and nocopy become a mount, with the access that stands beside them."""
    assert mount_of_volume(volume) == expected
    assert carried_by_mounts([volume, volume], [expected]) == (expected,)


def test_each_option_of_docker_arrives_or_says_nothing() -> None:
    """Of all options of a volume, those that neither argument of the provider has are Docker's default or nothing on Linux."""
    by_volumes = {*ACCESS, *LABEL}
    by_mounts = {
        option
        for option in (*PROPAGATION, *COPY)
        if mount_of_volume(f"{'/srv' if option in PROPAGATION else 'x1'}:/data:{option}") is not None
    }
    assert {*ACCESS, *LABEL, *PROPAGATION, *COPY, *CONSISTENCY} - by_volumes - by_mounts == {
        *("rprivate", "copy"),
        *("consistent", "cached", "delegated"),
    }


@pytest.mark.parametrize(
    ("keys", "text"),
    [
        ({"type": "bind", "source": "/srv"}, "/srv:/data"),
        (
            {"type": "bind", "source": "/srv", "read_only": True, "bind": {"propagation": "rslave"}},
            "/srv:/data:ro,rslave",
        ),
        ({"type": "volume", "source": "x", "volume": {"nocopy": True, "subpath": "a"}}, "x:/data:nocopy,subpath=a"),
        ({"type": "tmpfs"}, "tmpfs:/data"),
        ({"type": "tmpfs", "tmpfs": {"size": "1m", "mode": "1777"}}, "tmpfs:/data:size=1048576,mode=1777"),
    ],
)
def test_text_of_a_mount(keys: dict[str, Any], text: str) -> None:
    """A mount is shown as an entry of `volumes` says the same."""
    assert str(mount(**keys)) == text


@pytest.mark.parametrize(
    ("setting", "value", "key", "fix"),
    [
        ("volumes", ["/srv:/a:z,rslave"], "volumes[0]", "chcon"),
        ("volumes", ["data:/a:rslave"], "volumes[0]", "remove rslave"),
        ("volumes", ["/srv:/a:nocopy"], "volumes[0]", "remove nocopy"),
        (
            "mounts",
            [{"type": "bind", "source": "/a", "target": "/b", "bind": {"selinux": "z"}}],
            "mounts[0].bind",
            'volumes: ["/srv/data:/data:z"]',
        ),
        (
            "mounts",
            [{"type": "bind", "source": "/a", "target": "/b", "bind": {"create_host_path": False}}],
            "mounts[0].bind",
            "create the folder on the host",
        ),
        (
            "mounts",
            [{"type": "volume", "source": "ab", "target": "/b", "volume": {"labels": {}}}],
            "mounts[0].volume",
            "in the section `volumes`",
        ),
        (
            "mounts",
            [{"type": "bind", "source": "/a", "target": "/b", "consistency": "cached"}],
            "mounts[0]",
            "remove it",
        ),
        ("devices", [{"host": "x"}], "devices[0].host", "from the root on"),
        ("devices", [{"host": "/x", "cgroup": "r"}], "devices[0].cgroup", "remove it"),
        ("gpus", [{"count": 0}], "gpus[0].count", "write all"),
        ("gpus", "two", "gpus", "write all"),
        (
            "devices",
            ["/dev/serial/by-id/usb-Radio_60:55:AA"],
            "devices[0]",
            "{host: '/dev/serial/by-id/usb-Radio_60:55:AA'}",
        ),
        (
            "devices",
            ["/dev/serial/by-id/usb-Radio_60:55:AA-if00:/dev/ttyACM0"],
            "devices[0]",
            "{host: '/dev/serial/by-id/usb-Radio_60:55:AA-if00', container: '/dev/ttyACM0'}",
        ),
    ],
)
def test_what_to_write_instead(setting: str, value: Any, key: str, fix: str) -> None:
    """The problem names the place in the stack file, and the fix is what to write there."""
    problem = problem_of(setting, value)
    assert problem.key == f"services.nginx.{key}"
    assert fix in problem.fix


@pytest.mark.parametrize(
    ("setting", "value", "code"),
    [
        ("labels", ["pw=SECRET", "pw=1"], "IPF194"),
        ("labels", [{"a": "SECRET"}], "IPF111"),
        ("labels", "pw=SECRET", "IPF102"),
        ("storage_opt", ["size=SECRET"], "IPF102"),
        ("log_opts", ["token=SECRET"], "IPF102"),
        *(
            ("mounts", [{"type": "volume", "source": "data", "target": "/x", "volume": volume}], "IPF175")
            for volume in ({"driver_config": {"options": {"o": "SECRET"}}}, {"labels": {"a": "SECRET"}})
        ),
    ],
    ids=str,
)
def test_what_may_be_a_secret_is_in_no_message(setting: str, value: Any, code: str) -> None:
    """Of a list where names have values, and of a volume's driver, no message has the values."""
    problem = problem_of(setting, value)
    assert (problem.code, "SECRET" in str(problem)) == (code, False)


def test_a_name_has_one_address() -> None:
    """The effect is the true one: Docker would pass both on."""
    assert "one address" in problem_of("extra_hosts", ["db=10.1.1.8", "db=10.1.1.9"]).effect


def test_size_of_a_tmpfs_is_any_number_of_bytes() -> None:
    """The docker provider passes bytes, so nothing would be rounded; not a part of one."""
    config = parse(changed({"services.nginx.mounts": [{"type": "tmpfs", "target": "/x", "tmpfs": {"size": "100k"}}]}))
    (made,) = config.services["nginx"].mounts
    assert made.tmpfs is not None
    assert made.tmpfs.size == 100 * 1024
    half = [{"type": "tmpfs", "target": "/x", "tmpfs": {"size": "0.0001k"}}]
    assert problem_of("mounts", half).code == "IPF135"


@pytest.mark.parametrize(
    "settings",
    [
        {"volumes": ["/:/h:ro,rslave", "/:/i:rprivate", "/srv:/j:slave"]},
        {"mounts": [{"type": "bind", "source": "/", "target": "/h", "bind": {"propagation": "rshared"}}]},
        {"mounts": [{"type": "bind", "source": "/", "target": "/h"}]},
        {"ipc": "host", "sysctls": {"net.core.somaxconn": "64"}},
        {"ipc": "private", "sysctls": {"kernel.shmmax": "1"}},
        {"device_cgroup_rules": ["c 4294967295:0000000000000001 r"]},
        {"cgroup_parent": "a-b.slice"},
        {"cgroup_parent": "-.slice"},
    ],
    ids=str,
)
def test_what_docker_takes_gives_a_plan(settings: dict[str, Any]) -> None:
    """Beside what IPF439, IPF440, IPF450 and IPF184 refuse."""
    plan = make_plan(parse(changed({f"services.nginx.{key}": value for key, value in settings.items()})))
    assert plan.warnings == ()


@pytest.mark.parametrize(
    ("settings", "code"),
    [
        ({"ipc": "host", "sysctls": {"fs/mqueue/msg_max": "1"}}, "IPF439"),
        ({"volumes": ["//:/h:shared"]}, "IPF440"),
        ({"device_cgroup_rules": ["c 99999999999999999999:1 rwm"]}, "IPF184"),
    ],
    ids=str,
)
def test_what_docker_cannot_start(settings: dict[str, Any], code: str) -> None:
    """Each in the other spelling that Docker reads as the same."""
    with pytest.raises(ConfigError) as error:
        make_plan(parse(changed({f"services.nginx.{key}": value for key, value in settings.items()})))
    assert [problem.code for problem in error.value.problems] == [code]


@pytest.mark.parametrize(
    ("device", "expected", "text"),
    [
        ("/dev/a", DeviceMap(host="/dev/a"), "/dev/a"),
        ("/dev/a:/dev/b", DeviceMap(host="/dev/a", container="/dev/b"), "/dev/a:/dev/b"),
        (
            "/dev/a:/dev/b:r",
            DeviceMap(host="/dev/a", container="/dev/b", permissions="r"),
            "/dev/a:/dev/b:r",
        ),
    ],
)
def test_a_device_as_a_map(device: str, expected: DeviceMap, text: str) -> None:
    """Both forms say the same."""
    assert device_map(device) == expected
    assert device_map(expected) is expected
    assert str(expected) == text


def test_requests_for_gpus() -> None:
    """`all` and a number are one request each; in a list what has neither a count nor ids is for all."""
    services = parse(changed({"services.nginx.gpus": "all"})).services
    assert [(one.number, str(one)) for one in gpu_requests(services["nginx"].gpus)] == [(-1, "all")]
    assert [(one.number, str(one)) for one in gpu_requests(2)] == [(2, "2")]
    assert gpu_requests(None) == ()
    gpus = [{"driver": "nvidia"}, {"device_ids": ["0", "2"], "capabilities": ["video"]}]
    listed = parse(changed({"services.nginx.gpus": gpus})).services["nginx"].gpus
    assert [(one.number, str(one)) for one in gpu_requests(listed)] == [
        (-1, "all (nvidia)"),
        (0, "device 0, 2 (video)"),
    ]
