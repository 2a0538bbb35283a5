"""What Docker takes as a setting of a container is taken, in every form; what it can only refuse is refused.

A setting that a Docker takes and a rule refuses would stop the next `pulumi up` of somebody whose containers run.
"""

from __future__ import annotations

from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ipvlan import PROJECT
from ipvlan.config.json_schema import stack_schema
from ipvlan.config.types.process import CAPABILITIES, LIMITS, SIGNALS
from ipvlan.plan.make import make_plan
from ipvlan.plan.validate import parse
from ipvlan.problems import ConfigError
from tools.reference_setup import changed

VALIDATOR = jsonschema.validators.validator_for(stack_schema())(stack_schema())

GOOD: list[tuple[str, list[Any]]] = [
    ("stop_signal", ["SIGTERM", "term", "Sigquit", "SIGRTMIN+3", "rtmax-14", "15", "09", "64", ""]),
    ("cap_add", [["NET_ADMIN"], ["CAP_NET_ADMIN", "cap_bpf", "net_raw"], ["ALL"], ["all"]]),
    ("cap_drop", [["ALL"], ["SETPCAP"]]),
    ("memory", ["6m", "6291456", 6291456, "8388608k", "2g", "64G"]),
    ("shm_size", ["1m", "64m"]),
    ("cpu_shares", [0, 2, 1024, 262144]),
    (
        "restart",
        ["no", "always", "unless-stopped", "on-failure", "on-failure:0", "on-failure:007", "on-failure:9999999999"],
    ),
    (
        "volumes",
        [
            [
                "data:/data",
                "/srv/x:/x:ro",
                "my_data.2-b:/b:rw",
                "/srv/with blank:/c:z",
                "/srv:/d:ro,Z",
                "/srv:/e:cached",
                "/srv:/f:rprivate",
                "/srv:/g:rslave,ro",
                "/srv:/h:rshared",
                "data:/i:nocopy",
                "data:/j:copy",
            ],
            ["/:/host:ro", "/srv/./a/../b:/b"],
            ["data:/data", "data:/data:rw"],
            ["data:/data", "data:/data/deeper"],
        ],
    ),
    (
        "tmpfs",
        [{"/run": ""}, {"/run/": "size=64m,mode=1777", "/var/x": "exec,uid=1000,size=10%,noatime", "/a b": "rw"}],
    ),
    (
        "devices",
        [
            ["/dev/fuse"],
            ["/dev/sda:/dev/xvda"],
            ["/dev/fuse:/dev/fuse:r", "/dev/snd:/dev/snd:mrw"],
            ["/dev/dri/"],
            ["nvidia.com/gpu=all", "a/b=0", "vendor.example-1.com/class_2=a:b.c-d"],
            [{"host": "/dev/serial/by-id/usb-Maker_Radio_60:55:AA"}],
            [{"host": "/dev/a:b", "container": "/dev/c:d", "permissions": "rw"}, "/dev/fuse"],
        ],
    ),
    ("device_cgroup_rules", [["c 188:* rwm", "a *:* rwm", "b 8:0 r", "c *:5 mw"]]),
    (
        "gpus",
        [
            "all",
            2,
            [{}],
            [{"driver": "nvidia", "count": "all", "capabilities": ["compute", "utility"], "options": {"a": "b"}}],
            [{"device_ids": ["0", "GPU-3a23c669"]}, {"count": 1, "driver": "amd"}],
        ],
    ),
    (
        "mounts",
        [
            [{"type": "bind", "source": "/srv/a b", "target": "/data"}],
            [{"type": "bind", "source": "/srv", "target": "/d", "read_only": True, "bind": {"propagation": "shared"}}],
            [{"type": "bind", "source": "/srv", "target": "/d", "bind": {}}],
            [{"type": "volume", "source": "data", "target": "/d", "volume": {"nocopy": True, "subpath": "a/./b"}}],
            [{"type": "tmpfs", "target": "/run", "tmpfs": {"size": "64m", "mode": "1777"}}],
            [{"type": "tmpfs", "target": "/run"}, {"type": "volume", "source": "x1", "target": "/run/x"}],
        ],
    ),
    (
        "sysctls",
        [
            {"net.core.somaxconn": "1024", "net/ipv4/ip_forward": "1", "net.ipv4.conf.all.rp_filter": "0"},
            {"kernel.shmmax": "1", "kernel/sem": "1 2 3 4", "kernel.shm_rmid_forced": "1", "fs.mqueue.msg_max": "100"},
            {"kernel.msgmax": "1", "kernel.domainname": "example.org"},
        ],
    ),
    (
        "ulimits",
        [
            {"nofile": {"soft": 1024, "hard": 1048576}, "memlock": {"soft": -1, "hard": -1}},
            {"core": {"soft": 0, "hard": -1}, "as": {"soft": 1, "hard": 1}, "NPROC": {"soft": 5, "hard": 5}},
        ],
    ),
    (
        "healthcheck",
        [
            {"test": ["NONE"]},
            {"test": ["CMD-SHELL", "curl -f http://localhost || exit 1"], "interval": "1m30s", "timeout": "1.5s"},
            {"test": ["CMD", "true"], "interval": "0s", "timeout": "0", "start_period": "1ms"},
            {
                "test": ["CMD", "sh", "-c", ""],
                "interval": ".5h",
                "timeout": "1000us",
                "start_period": "+1h2m3s4ms5µs6ns",
            },
        ],
    ),
    ("hostname", ["c1", "c1.example.org", "my_host", "h" * 64, ""]),
    ("working_dir", ["/", "/srv/with blank", "/a/../b", ""]),
    ("user", ["root", "1000", "1000:1000", "app:0", "2147483647", "domain\\user", "1000:", ":1000", ""]),
    (
        "security_opt",
        [
            ["no-new-privileges", "no-new-privileges:true", "no-new-privileges=0", "writable-cgroups=true", "disable"],
            [
                "seccomp=unconfined",
                "seccomp:unconfined",
                "seccomp=builtin",
                'seccomp={"defaultAction": "SCMP_ACT_ALLOW"}',
            ],
            [
                "apparmor=docker-default",
                "apparmor:unconfined",
                "label=disable",
                "label:user:USER",
                "label=type:svirt_t",
            ],
            ["systempaths=unconfined"],
        ],
    ),
    (
        "log_opts",
        [{"max-size": "10m", "max-file": "3"}, {"mode": "non-blocking", "max-buffer-size": "4m"}, {"mode": ""}],
    ),
    # The mode may be a default of the daemon.
    ("log_opts", [{"max-buffer-size": "4 MiB"}, {"cache-disabled": "true"}, {"anything": "x"}]),
    ("environment", [{"CERTIFICATE": "-----BEGIN\nabc\n-----END\n", "COLOUR": "\x1b[1m", "EMPTY": ""}]),
    ("labels", [{"text": "two\nlines\tand a tab"}]),
    ("entrypoint", [[""], ["/bin/sh", "-c", ""]]),
    ("command", [[], ["sh", "-c", "a\nb"], [" "]]),
    ("extra_hosts", [{"registry": "10.1.0.5", "my_registry.example.org": "10.1.0.6"}]),
    ("log_driver", ["json-file", "journald", "grafana/loki-docker-driver:latest", "none", ""]),
]


@pytest.mark.parametrize(
    ("setting", "value"), [(setting, value) for setting, values in GOOD for value in values], ids=str
)
def test_what_docker_takes_is_taken(setting: str, value: Any) -> None:
    """The value gives a plan without a warning about it, and fits the schema."""
    raw = changed({f"services.nginx.{setting}": value})
    warnings = make_plan(parse(raw)).warnings
    assert [str(warning) for warning in warnings if setting in warning.key] == []
    stack = {"config": {f"{PROJECT}:{key}": section for key, section in raw.items()}}
    assert [error.message for error in VALIDATOR.iter_errors(stack)] == []


@pytest.mark.parametrize(
    ("driver", "options"),
    [
        (
            "json-file",
            {"max-size": "10m", "max-file": "3", "compress": "true", "labels": "a", "env-regex": "^B", "tag": "x"},
        ),
        ("local", {"max-size": "1.5GiB", "max-file": "0", "compress": "f", "mode": "blocking"}),
        ("journald", {"tag": "{{.Name}}", "labels-regex": "x"}),
        ("none", {"max-size": "nothing is read of it"}),
        ("fluentd", {"fluentd-address": "a:1", "fluentd-of-tomorrow": "x"}),
        ("a/plugin", {"max-size": "in its own words"}),
    ],
)
def test_options_of_a_driver_are_taken(driver: str, options: dict[str, str]) -> None:
    """The options of a known driver, and everything that another driver may have."""
    parse(changed({"services.nginx.log_driver": driver, "services.nginx.log_opts": options}))


BAD_MOUNTS: list[dict[str, Any]] = [
    *({"type": kind} for kind in ("cluster", "npipe", "image", "Volume", "")),
    *({"source": source} for source in ("", "./data", "~/data", "$HOME", None)),
    *({"target": target} for target in ("", "data", "/", "/a/..")),
    *({"volume": {"subpath": path}} for path in ("", "/a", "..", "a/../../b")),
    {"type": "bind", "source": "data"},
    {"type": "tmpfs", "source": None, "tmpfs": {"mode": 755}},
    {"type": "tmpfs", "source": None, "tmpfs": {"mode": "0o755"}},
    {"type": "tmpfs", "source": None, "tmpfs": {"size": "lots"}},
    {"type": "bind", "source": "/srv", "bind": {"propagation": "both"}},
    {"type": "bind", "source": "/srv", "volume": {"nocopy": True}},
    {"read_only": "yes"},
    {"volume": {"driver_opts": {"type": "nfs"}}},
    {"tmpfs": None, "readonly": True},
    {"more": 1},
]
"""Keys of a mount that is a volume at /data."""


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        *(("stop_signal", value) for value in ("SIG", "SIGSIGTERM", "RTMIN+16", "-9", "65", " TERM", "9.0")),
        *(("cap_add", [value]) for value in ("CAP_ALL", "", "CAP_", "SYS_ADMIN,NET_ADMIN", "CAP_CAP_BPF")),
        *(("restart", value) for value in ("on-failure:", "on-failure:-1", "always:3", "on-failure:" + "9" * 5000)),
        *(
            ("volumes", [value])
            for value in ("~:/x", ".:/x", "a:/x/..", "a:/.", "a:/x:", "a:/x:ro,", "a:/x:ro,ro", "a:x")
        ),
        *(("devices", [value]) for value in ("/a:/b:", "/a:/b:rwmr", "/a:/b:rw:m", "/a::r")),
        *(("devices", [value]) for value in ("nvidia.com/gpu", "nvidia.com=all", "1a/b=c", "a-/b=c", "a/b=c-", "a/b=")),
        *(
            ("devices", [value])
            for value in ("ttyUSB0", "/dev/usb-Radio_60:55:AA", 7, {"host": "/a", "container": "b"})
        ),
        *(("devices", [value]) for value in ({}, {"container": "/dev/a"}, {"host": "/a", "mode": "r"})),
        *(
            ("device_cgroup_rules", [value])
            for value in ("c 188:*", "d 1:1 r", "c 1:1 rwmr", "c 1:1  r", "c 1 r", "C 1:1 r", "c 1:1 rx")
        ),
        *(("gpus", value) for value in (0, -2, True, "2", "", "device=0", 1.5, {"count": 1})),
        *(("gpus", [value]) for value in ("all", {"count": 0}, {"device_ids": [0]}, {"ids": ["0"]})),
        *(("mounts", [{"type": "volume", "source": "data", "target": "/data", **value}]) for value in BAD_MOUNTS),
        ("mounts", {"type": "tmpfs", "target": "/run"}),
        ("mounts", ["data:/data"]),
        *(("volumes", [value]) for value in ("data:/x:rslave", "/srv:/x:nocopy", "/srv:/x:z,shared", "a1:/x:Z,nocopy")),
        *(
            ("tmpfs", value)
            for value in ({"/": ""}, {"/a/..": ""}, {"": ""}, {"/a": "size"}, {"/a": "ro,,rw"}, {"/a": ","})
        ),
        *(
            ("sysctls", {value: "1"})
            for value in ("kernel.hostname", "vm.swappiness", "net", "kernel.shm", "fs.file-max", "")
        ),
        *(("ulimits", {value: {"soft": 1, "hard": 1}}) for value in ("", "RLIMIT_NOFILE", "nofiles")),
        ("ulimits", {"nofile": {"soft": 1, "hard": 2**31}}),
        ("ulimits", {"core": {"soft": 1, "hard": 2**63}}),
        *(("healthcheck", {"test": test}) for test in (["cmd", "x"], [""], ["CMD-SHELL"], ["curl -f localhost"])),
        *(
            ("healthcheck", {"test": ["NONE"], "interval": value})
            for value in ("", "s", "1", "-1s", "1 s", "1d", "999us", "300000000h", "9" * 5000 + "s", "1s ")
        ),
        *(("hostname", value) for value in ("a\nb", "a\x1bb", "ä" * 33, "a\0b")),
        *(("working_dir", value) for value in ("./a", "~", "C:\\a")),
        *(("user", value) for value in ("-1", "2147483648", "0:2147483648", "9" * 5000)),
        *(
            ("security_opt", [value])
            for value in ("", "label", "apparmor", "seccomp=[]", "seccomp={", "systempaths:unconfined")
        ),
        ("security_opt", ["seccomp={" + '"a":[' * 100_000]),
        ("memory", "5m"),
        ("command", [""]),
        ("entrypoint", ["a\0b"]),
        ("extra_hosts", {"": "10.1.0.5"}),
    ],
    ids=lambda value: repr(value)[:60],
)
def test_what_docker_refuses_is_refused(setting: str, value: Any) -> None:
    """The config is refused with one problem, about this setting."""
    with pytest.raises(ConfigError) as error:
        make_plan(parse(changed({f"services.nginx.{setting}": value})))
    assert [
        problem.key.partition(".")[2].partition(".")[2].startswith(setting) for problem in error.value.problems
    ] == [True]


def test_words_of_the_sets() -> None:
    """The sets are complete: 41 capabilities, 16 limits, the signals with the numbers of Linux's real-time signals."""
    assert len(set(CAPABILITIES)) == len(CAPABILITIES) == 41
    assert len(set(LIMITS)) == len(LIMITS) == 16
    assert len(set(SIGNALS)) == len(SIGNALS) == 65


@given(st.sampled_from(SIGNALS), st.booleans(), st.randoms(use_true_random=False))
def test_case_of_a_signal(name: str, prefix: bool, random: Any) -> None:
    """A signal's name is taken in upper and lower case and any mix, and stays as it is written."""
    written = "".join(random.choice((letter.upper(), letter.lower())) for letter in f"{'SIG' if prefix else ''}{name}")
    config = parse(changed({"services.nginx.stop_signal": written}))
    assert config.services["nginx"].stop_signal == written
