"""Keys of compose that have a key here by the same name, or by another one: what is written for them."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.compose_files import carried_keys

CARRIED: list[tuple[dict[str, Any], dict[str, Any]]] = [
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
"""Keys of a compose file, and what is written for them."""


@pytest.mark.parametrize(("keys", "expected"), CARRIED, ids=lambda keys: ",".join(map(str, keys)))
def test_a_key_is_carried(keys: dict[str, Any], expected: dict[str, Any]) -> None:
    """It is written as the stack file has it, and nothing of it is left out."""
    settings, left_out = carried_keys(keys)
    assert settings == expected
    assert left_out == {}
