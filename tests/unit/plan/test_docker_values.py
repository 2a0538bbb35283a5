"""What is compared is what Docker gets: another way to write it is no change, and no change is left out."""

from __future__ import annotations

from typing import Any

import pytest

from ipvlan.plan.changes import Changes, compare
from ipvlan.plan.docker_values import security_options
from ipvlan.plan.given_up import given_up
from ipvlan.plan.make import make_plan
from ipvlan.plan.validate import parse
from tools.reference_setup import changed


def changes(before: dict[str, Any], after: dict[str, Any]) -> Changes:
    """Return what happens when nginx has the second settings in the place of the first."""
    plans = [
        make_plan(parse(changed({f"services.nginx.{key}": value for key, value in settings.items()})))
        for settings in (before, after)
    ]
    return compare(*plans)


BIND: dict[str, Any] = {"type": "bind", "source": "/a", "target": "/b"}
MEMORY: dict[str, Any] = {"type": "tmpfs", "target": "/x"}


@pytest.mark.parametrize(
    ("setting", "before", "after"),
    [
        ("device_cgroup_rules", ["c 1:3 r", "c 188:* rwm"], ["c 188:* rwm", "c 1:3 r"]),
        ("mounts", [BIND, MEMORY], [MEMORY, BIND]),
        ("gpus", [{"device_ids": ["0", "1"]}], [{"device_ids": ["1", "0"]}]),
        ("gpus", "all", [{}]),
        ("gpus", [{}], [{"count": "all"}]),
        ("gpus", [{"capabilities": ["video", "gpu"]}], [{"capabilities": ["video"]}]),
        ("volumes", ["/a:/a:ro,rslave"], ["/a:/a:rslave,ro"]),
        ("volumes", ["/a:/a:ro,z"], ["/a:/a:z,ro"]),
        ("volumes", ["/a:/a:rw"], ["/a:/a:rw,rprivate"]),
        ("volumes", ["d1:/a:rw"], ["d1:/a:copy"]),
        ("devices", ["/dev/null"], ["/dev/null:/dev/null:rwm"]),
        ("devices", ["a.com/b=c", "a.com/b=d"], ["a.com/b=d", "a.com/b=c"]),
        ("mounts", [{**MEMORY, "tmpfs": {"mode": "755"}}], [{**MEMORY, "tmpfs": {"mode": "0755"}}]),
        ("mounts", [BIND], [{**BIND, "bind": {}}]),
    ],
    ids=str,
)
def test_another_way_to_write_is_no_replacement(setting: str, before: object, after: object) -> None:
    """The docker provider gets the same arguments; the difference is named as one that changes nothing."""
    result = changes({setting: before}, {setting: after})
    assert result.containers == ()
    assert {change.key.removeprefix("services.nginx.").partition(".")[0] for change in result.settings} == {setting}


def test_an_entry_that_moves_between_volumes_and_mounts() -> None:
    """The docker provider gets both by its `mounts`; an entry that is new beside it is the only reason."""
    by_volumes = {"volumes": ["/srv:/srv:rslave", "d1:/d"]}
    by_mounts = {
        "volumes": ["d1:/d"],
        "mounts": [{"type": "bind", "source": "/srv", "target": "/srv", "bind": {"propagation": "rslave"}}],
    }
    for before, after in ((by_volumes, by_mounts), (by_mounts, by_volumes)):
        assert changes(before, after).containers == ()
    assert changes(by_mounts, {"volumes": ["d1:/d"]}).containers
    assert {change.action for change in changes({"volumes": ["/a:/b:rslave"]}, {"mounts": [BIND]}).containers} == {
        "replace"
    }


@pytest.mark.parametrize(
    ("setting", "before", "after"),
    [
        ("devices", ["/dev/sda:/dev/xvda:r"], [{"host": "/dev/sda", "container": "/dev/xvda:r"}]),
        ("devices", ["/dev/sda:/dev/xvda:r"], [{"host": "/dev/sda:/dev/xvda:r"}]),
        ("mounts", [{**BIND, "read_only": True}], [{**BIND, "target": "/b:ro"}]),
        ("mounts", [MEMORY], [{**MEMORY, "type": "volume", "source": "tmpfs"}]),
    ],
    ids=str,
)
def test_a_replacement_is_reported_though_the_texts_are_one(setting: str, before: object, after: object) -> None:
    """With colons in a path two entries are one text: then they are shown as JSON."""
    (change, *_) = changes({setting: before}, {setting: after}).containers
    (reason,) = change.reasons
    assert change.action == "replace"
    old, new = reason.removeprefix(f"{setting}: ").split(" -> ")
    assert old != new


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"pid": "host"}, ()),
        ({"security_opt": ["no-new-privileges:true"]}, ("no-new-privileges:true",)),
        ({"ipc": "private", "security_opt": ["disable"]}, ("disable",)),
        *(
            ({**switch, "security_opt": [option]}, (option, "label=disable"))
            for switch in ({"pid": "host"}, {"ipc": "host"}, {"privileged": True})
            for option in ("no-new-privileges:true", "label:type:svirt_t")
        ),
        ({"pid": "host", "security_opt": ["label=type:svirt_t"]}, ("label=type:svirt_t",)),
    ],
    ids=str,
)
def test_what_docker_adds_to_the_security_options(settings: dict[str, Any], expected: tuple[str, ...]) -> None:
    """Without it the docker provider would find a difference, and replace the container at each `up`."""
    plan = make_plan(parse(changed({f"services.nginx.{key}": value for key, value in settings.items()})))
    (container, *_) = (container for container in plan.containers() if container.service == "nginx")
    assert security_options(container.settings) == expected


def test_a_limit_of_swap_that_is_given_up() -> None:
    """Without a number it is twice the memory, so both are one; -1 is none."""
    plans = [
        make_plan(parse(changed({"services.nginx.memory": "64m", **swap})))
        for swap in ({}, {"services.nginx.memory_swap": "64m"}, {"services.nginx.memory_swap": -1})
    ]
    settings = [next(one.settings for one in plan.containers() if one.service == "nginx") for plan in plans]
    for before, shown in ((settings[0], "128m -> no limit"), (settings[1], "64m -> no limit")):
        (power,) = given_up(before, settings[2])
        assert (power.setting, power.value) == ("memory_swap", shown)
    assert [*given_up(settings[1], settings[0]), *given_up(settings[2], settings[1])] == []


def test_no_limit_of_swap_without_memory_is_nothing() -> None:
    """Docker has none then anyway: the container stays."""
    assert changes({}, {"memory_swap": -1}).containers == ()
