"""Keys of compose whose keys here come in a step of their own: carried as soon as they are there, listed until then."""

from __future__ import annotations

from typing import Any

import pytest

from ipvlan.config.compose.table import COMING
from ipvlan.config.models import Healthcheck, ServiceConfig
from tests.support.compose_files import carried_keys

LATER: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({"cpus": 0.5}, {"cpus": "0.5"}),
    ({"deploy": {"resources": {"limits": {"cpus": "0.5"}}}}, {"cpus": "0.5"}),
    ({"cpuset": "0,1"}, {"cpuset": "0,1"}),
    ({"mem_reservation": "64mb"}, {"memory_reservation": "64m"}),
    ({"deploy": {"resources": {"reservations": {"memory": "64M"}}}}, {"memory_reservation": "64m"}),
    ({"memswap_limit": "1g", "mem_limit": "1g"}, {"memory_swap": "1g", "memory": "1g"}),
    ({"group_add": ["44", 1000]}, {"group_add": ["44", "1000"]}),
    ({"pid": "host"}, {"pid": "host"}),
    ({"ipc": "host"}, {"ipc": "host"}),
    ({"runtime": "runc"}, {"runtime": "runc"}),
    ({"domainname": "lan"}, {"domainname": "lan"}),
    ({"stdin_open": True}, {"stdin_open": True}),
    ({"tty": True}, {"tty": True}),
    ({"dns_opt": ["ndots:1"]}, {"dns_opt": ["ndots:1"]}),
    ({"userns_mode": "host"}, {"userns_mode": "host"}),
    ({"storage_opt": {"size": "1G"}}, {"storage_opt": {"size": "1G"}}),
    ({"cgroup_parent": "/x"}, {"cgroup_parent": "/x"}),
    ({"device_cgroup_rules": ["c *:* rwm"]}, {"device_cgroup_rules": ["c *:* rwm"]}),
    ({"gpus": "all"}, {"gpus": "all"}),
    (
        {
            "deploy": {
                "resources": {
                    "reservations": {"devices": [{"driver": "nvidia", "count": "all", "capabilities": ["gpu"]}]}
                }
            }
        },
        {"gpus": "all"},
    ),
    (
        {"healthcheck": {"test": ["NONE"], "start_interval": "1s"}},
        {"healthcheck": {"test": ["NONE"], "start_interval": "1s"}},
    ),
    (
        {"volumes": [{"type": "bind", "source": "/a", "target": "/b", "bind": {"propagation": "rslave"}}]},
        {"mounts": [{"type": "bind", "source": "/a", "target": "/b", "bind": {"propagation": "rslave"}}]},
    ),
    (
        {"volumes": [{"type": "bind", "source": "/a", "target": "/b", "bind": {"create_host_path": False}}]},
        {"mounts": [{"type": "bind", "source": "/a", "target": "/b"}]},
    ),
    (
        {
            "volumes": [
                {"type": "volume", "source": "data", "target": "/b", "read_only": True, "volume": {"nocopy": True}}
            ]
        },
        {
            "mounts": [
                {"type": "volume", "source": "shop_data", "target": "/b", "read_only": True, "volume": {"nocopy": True}}
            ]
        },
    ),
]
"""Keys that come in a step of their own: until then they are listed as what this version does not have."""


@pytest.mark.parametrize(("keys", "expected"), LATER, ids=lambda keys: ",".join(map(str, keys)))
def test_a_key_that_comes_later(keys: dict[str, Any], expected: dict[str, Any]) -> None:
    """It is carried where this version has the key, and else listed: it is never dropped."""
    settings, left_out = carried_keys(keys)
    there = {key for key in expected if key in ServiceConfig.model_fields}
    if "healthcheck" in expected and "start_interval" not in Healthcheck.model_fields:
        assert settings["healthcheck"] == {"test": ["NONE"]}
        assert "this version has no key" in left_out["healthcheck.start_interval"].reason
        return
    assert settings == {key: value for key, value in expected.items() if key in there}
    missing = set(expected) - there
    assert missing <= COMING
    assert len([entry for entry in left_out.values() if "this version has no key" in entry.reason]) == len(missing)
