"""The report's comparison of settings is that of the arguments which the program registers."""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations
from typing import Any

import pytest

from ipvlan.plan.changes import compare
from ipvlan.plan.container_updates import changed_arguments
from ipvlan.plan.make import make_plan
from ipvlan.plan.validate import parse
from tests.support.strict_monitor import Run
from tools.reference_setup import REMOVE, changed

BIND: dict[str, Any] = {"type": "bind", "source": "/a", "target": "/a"}
MEMORY: dict[str, Any] = {"type": "tmpfs", "target": "/m"}
MOUNTED: list[dict[str, Any]] = [
    {},
    {"volumes": ["/a:/a"]},
    {"volumes": ["/a:/a:rslave"]},
    {"volumes": ["/a:/a:rslave,ro"]},
    {"volumes": ["/a:/a:rw", "d1:/d"]},
    {"volumes": ["d1:/d:copy", "/a:/a:rprivate,rw"]},
    {"volumes": ["/a:/a:z,ro"]},
    {"volumes": ["/a:/a:ro,z"]},
    {"mounts": [BIND]},
    {"mounts": [{**BIND, "bind": {"propagation": "rslave"}}]},
    {"mounts": [MEMORY, BIND]},
    {"mounts": [{**BIND, "read_only": False}, {**MEMORY, "tmpfs": {}}]},
    {"mounts": [{**MEMORY, "tmpfs": {"mode": "755"}}]},
    {"mounts": [{**MEMORY, "tmpfs": {"mode": "0755"}}]},
    {"volumes": ["d1:/d:nocopy"]},
    {"mounts": [{"type": "volume", "source": "d1", "target": "/d", "volume": {"nocopy": True}}]},
]
DEVICES: list[dict[str, Any]] = [
    {"devices": ["/dev/null"]},
    {"devices": [{"host": "/dev/null"}]},
    {"devices": ["/dev/null:/dev/null:rwm"]},
    {"devices": ["/dev/null:/dev/null:mrw"]},
    {"devices": ["a.com/b=c", "a.com/b=d"]},
    {"devices": ["a.com/b=d", "a.com/b=c"]},
    {"devices": ["/dev/sda:/dev/xvda:r"]},
    {"devices": [{"host": "/dev/sda", "container": "/dev/xvda:r"}]},
    {"device_cgroup_rules": ["c 1:3 r", "c 1:5 r"]},
    {"device_cgroup_rules": ["c 1:5 r", "c 1:3 r"]},
]
REQUESTS: list[Any] = [
    "all",
    1,
    [{}],
    [{"count": "all"}],
    [{"count": 1, "driver": "nvidia"}],
    [{"device_ids": ["0", "1"]}],
    [{"device_ids": ["1", "0"], "capabilities": ["gpu"]}],
    [{"options": {"a": "b"}}],
]
GPUS: list[dict[str, Any]] = [{"gpus": request} for request in REQUESTS]
OPTIONS: list[dict[str, Any]] = [
    {"pid": "host", "security_opt": ["seccomp=unconfined"]},
    {"pid": "host", "security_opt": ["label=disable", "seccomp=unconfined"]},
    {"pid": "host", "security_opt": ["label:disable", "seccomp=unconfined"]},
    {"pid": "host"},
]
SWAP: list[dict[str, Any]] = [
    {},
    {"memory_swap": -1},
    {"memory": "64m"},
    {"memory": "64m", "memory_swap": "128m"},
    {"memory": "64m", "memory_swap": -1},
]


@pytest.mark.parametrize(
    "variants",
    [MOUNTED, DEVICES, GPUS, OPTIONS, SWAP],
    ids=["mounted", "devices", "gpus", "security_opt", "swap"],
)
def test_the_report_and_the_arguments_agree(run: Callable[..., Run], variants: list[dict[str, Any]]) -> None:
    """Of each pair: the container changes in the report if, and only if, its arguments do."""
    configs = [
        # One container: the program runs for each variant.
        changed(
            {"hosts.docker-2": REMOVE, "services.nginx": REMOVE}
            | {f"services.centos.{key}": value for key, value in variant.items()}
        )
        for variant in variants
    ]
    inputs = [run(config).named("fabric-docker-1-centos").inputs for config in configs]
    plans = [make_plan(parse(config)) for config in configs]
    disagree = [
        (variants[one], variants[other])
        for one, other in combinations(range(len(variants)), 2)
        if bool(compare(plans[one], plans[other]).containers) != bool(changed_arguments(inputs[one], inputs[other]))
    ]
    assert disagree == []
