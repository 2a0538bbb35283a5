"""Values of every setting of a container, for tests that change one.

Out of scope: the other keys of a service (`tests.support.generated_changes`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

SETTINGS: Final[Mapping[str, Sequence[Any]]] = {
    "restart": ["no", "always", "on-failure:3", "on-failure", "unless-stopped"],
    "volumes": [
        ["data:/data"],
        ["data:/data:ro", "/srv:/srv"],
        ["/srv:/srv", "data:/data:ro"],
        ["/srv:/srv:z"],
        ["/srv:/srv:rslave"],
    ],
    "mounts": [
        [{"type": "bind", "source": "/srv", "target": "/mnt"}],
        [{"type": "bind", "source": "/srv", "target": "/mnt", "read_only": True, "bind": {"propagation": "rslave"}}],
        [
            {"type": "volume", "source": "data", "target": "/mnt"},
            {"type": "tmpfs", "target": "/fast", "tmpfs": {"size": "8m"}},
        ],
        [{"type": "tmpfs", "target": "/fast", "tmpfs": {"mode": "1777"}}],
    ],
    "tmpfs": [{"/scratch": ""}, {"/scratch": "size=1m,exec"}],
    "labels": [{"team": "web"}, {"team": "ops", "__hidden": "x"}, {"shape": '{"Resources": 1}'}],
    "healthcheck": [
        {"test": ["CMD", "true"]},
        {"test": ["CMD", "true"], "interval": "90s"},
        {"test": ["CMD", "true"], "interval": "1m30s"},
        {"test": ["NONE"]},
    ],
    "entrypoint": [["/bin/sh"], ["/bin/sh", "-c"]],
    "working_dir": ["/srv", "/"],
    "user": ["1000", "1000:1000"],
    "hostname": ["shop", "shop-2", ""],
    "memory": ["64m", "128m"],
    "memory_reservation": ["16m", "32m"],
    "memory_swap": ["128m", "256m", -1],
    # Not 64m, nor json-file as log driver, runc as runtime, private as ipc: Docker's own defaults, which only the host knows.
    "shm_size": ["32m", "128m"],
    "cpus": [0, 0.5, "1.5", 0.05],
    "cpuset": ["0", "0-1"],
    "cpu_shares": [0, 2, 512],
    "privileged": [True, False],
    "read_only": [True, False],
    "init": [True, False],
    "cap_add": [["NET_ADMIN"], ["NET_ADMIN", "SYS_TIME"], ["SYS_TIME", "NET_ADMIN"]],
    "cap_drop": [["ALL"], ["MKNOD"]],
    "security_opt": [["no-new-privileges:true"], ["seccomp=unconfined", "no-new-privileges:true"]],
    "devices": [
        ["/dev/null"],
        ["/dev/null:/dev/zero:r"],
        [{"host": "/dev/null", "container": "/dev/a:b"}],
        ["a.com/b=c"],
    ],
    "device_cgroup_rules": [["c 188:* rwm"], ["c 188:* rwm", "b 8:0 r"]],
    "gpus": ["all", 1, [{"device_ids": ["0"], "capabilities": ["utility"]}]],
    "sysctls": [{"net.core.somaxconn": "64"}, {"net.core.somaxconn": "128"}],
    "ulimits": [{"nofile": 128}, {"nofile": {"soft": 64, "hard": 128}}, {"nofile": {"soft": 128, "hard": 128}}],
    "extra_hosts": [{"db": "10.1.1.9"}, {"db": "10.1.1.9", "web": "10.1.1.8"}, ["db=host-gateway"]],
    "dns": [["192.0.2.53"], ["192.0.2.53", "192.0.2.54"], ["192.0.2.54", "192.0.2.53"]],
    "dns_search": [["example.com"], ["example.com", "example.net"]],
    "log_driver": ["local", "journald"],
    "log_opts": [{"tag": "a"}, {"tag": "b"}],
    "stop_signal": ["SIGINT", "SIGTERM"],
    "stop_timeout": [1, 3, 20],
    "cgroupns_mode": ["private", "host"],
    "cgroup_parent": ["shop.slice", "web.slice"],
    "domainname": ["example.com", "example.net"],
    "dns_opt": [["ndots:1"], ["ndots:1", "edns0"]],
    "group_add": [[44], ["44", "video"]],
    "ipc": ["shareable", "none", "host"],
    "pid": ["host"],
    "runtime": ["nvidia", "crun"],
    "stdin_open": [True, False],
    "storage_opt": [{"size": "1G"}, {"size": "2G"}],
    "tty": [True, False],
    "userns_mode": ["host"],
}
"""Setting -> values that Docker takes."""
