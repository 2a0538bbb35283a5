"""Mistakes in the settings of a service that pass through to Docker, and that Docker can only refuse."""

from __future__ import annotations

from typing import Any, Final

from tools.bad_input.case import BadInput
from tools.bad_input.mounts_and_devices import MOUNTS_AND_DEVICES


def _of(title: str, setting: str, value: Any, code: str, *, at: str = "", warning: bool = False) -> BadInput:
    """Return a bad input with one setting of nginx; `at` is the place in it that the problem names."""
    key = f"services.nginx.{setting}"
    return BadInput.of(title, {key: value}, (f"{key}{at}", code), warning=warning)


SETTINGS: Final = (
    *MOUNTS_AND_DEVICES,
    _of("memory below Docker's least", "memory", "4m", "IPF141"),
    _of("memory beyond what Docker counts", "memory", "999999999999g", "IPF142"),
    _of("a NUL byte in a variable", "environment", {"PIN": "a\0b"}, "IPF143", at=".PIN"),
    _of("half a character in a variable", "environment", {"PIN": "\ud800"}, "IPF173", at=".PIN"),
    _of("half a character as a log driver", "log_driver", "\ud800", "IPF173"),
    _of("a NUL byte in a label", "labels", {"team": "a\0b"}, "IPF143", at=".team"),
    _of("an empty word in a command", "command", ["sh", "-c", ""], "IPF144"),
    _of("volume in the long form", "volumes", [{"type": "volume", "source": "d", "target": "/d"}], "IPF937", at="[0]"),
    _of("volume with a relative path", "volumes", ["./data:/data"], "IPF145", at="[0]"),
    _of("volume with a path above", "volumes", ["../data:/data"], "IPF145", at="[0]"),
    _of("volume in a home", "volumes", ["~/data:/data"], "IPF145", at="[0]"),
    _of("volume with a variable", "volumes", ["$PWD/data:/data"], "IPF145", at="[0]"),
    _of("volume at the root", "volumes", ["data:/"], "IPF146", at="[0]"),
    _of("volume with an option in upper case", "volumes", ["data:/data:Ro"], "IPF147", at="[0]"),
    _of("volume that is both ro and rw", "volumes", ["data:/data:ro,rw"], "IPF148", at="[0]"),
    _of("volume whose name is a path", "volumes", ["data/files:/data"], "IPF423", at="[0]", warning=True),
    _of("two volumes at one path", "volumes", ["data:/data", "/srv/data:/data/"], "IPF422"),
    BadInput.of(
        "a volume and a tmpfs at one path",
        {"services.nginx.volumes": ["data:/run"], "services.nginx.tmpfs": {"/run": ""}},
        ("services.nginx.volumes and services.nginx.tmpfs", "IPF422"),
    ),
    _of("an empty device", "devices", [""], "IPF149", at="[0]"),
    _of("device with a relative path", "devices", ["dev/fuse"], "IPF149", at="[0]"),
    _of("device with permissions and no second path", "devices", ["/dev/fuse:rwm"], "IPF149", at="[0]"),
    _of("device with an unknown permission", "devices", ["/dev/fuse:/dev/fuse:rx"], "IPF149", at="[0]"),
    _of("tmpfs with a relative path", "tmpfs", {"run": ""}, "IPF150", at=".run"),
    _of("tmpfs option that does not exist", "tmpfs", {"/run": "size=8m,fast"}, "IPF151", at="./run"),
    _of("healthcheck without its first word", "healthcheck", {"test": ["curl", "-f"]}, "IPF152", at=".test"),
    _of("healthcheck NONE as a text", "healthcheck", {"test": "NONE"}, "IPF935", at=".test"),
    _of("healthcheck with an empty text", "healthcheck", {"test": " "}, "IPF935", at=".test"),
    _of("healthcheck that is a number", "healthcheck", {"test": 1}, "IPF111", at=".test"),
    _of("healthcheck that runs nothing", "healthcheck", {"test": ["CMD"]}, "IPF153", at=".test"),
    _of("healthcheck NONE with a command", "healthcheck", {"test": ["NONE", "true"]}, "IPF153", at=".test"),
    _of(
        "healthcheck interval in words",
        "healthcheck",
        {"test": ["CMD", "true"], "interval": "banana"},
        "IPF154",
        at=".interval",
    ),
    _of(
        "healthcheck timeout without a unit",
        "healthcheck",
        {"test": ["CMD", "true"], "timeout": "30"},
        "IPF154",
        at=".timeout",
    ),
    _of(
        "healthcheck interval below 1ms",
        "healthcheck",
        {"test": ["CMD", "true"], "interval": "10us"},
        "IPF155",
        at=".interval",
    ),
    _of("stop signal that does not exist", "stop_signal", "FOO", "IPF156"),
    _of("stop signal 0", "stop_signal", "0", "IPF156"),
    _of("capability that does not exist", "cap_add", ["NO_SUCH"], "IPF157", at="[0]"),
    _of("capability with a hyphen", "cap_drop", ["NET-RAW"], "IPF157", at="[0]"),
    _of("security option that does not exist", "security_opt", ["privileged"], "IPF158", at="[0]"),
    _of("security option that is neither true nor false", "security_opt", ["no-new-privileges=on"], "IPF158", at="[0]"),
    _of("seccomp profile as a path", "security_opt", ["seccomp=/etc/profile.json"], "IPF159", at="[0]"),
    _of("sysctl of the host", "sysctls", {"kernel.panic": "1"}, "IPF160", at=".kernel.panic"),
    _of("limit that does not exist", "ulimits", {"files": {"soft": 1, "hard": 2}}, "IPF161", at=".files"),
    _of("limit below -1", "ulimits", {"core": {"soft": 0, "hard": -2}}, "IPF106", at=".core.hard"),
    _of("soft limit above the hard one", "ulimits", {"nofile": {"soft": 9, "hard": 8}}, "IPF426", at=".nofile"),
    _of("unlimited soft limit", "ulimits", {"core": {"soft": -1, "hard": 8}}, "IPF426", at=".core"),
    _of("unlimited open files", "ulimits", {"nofile": {"soft": -1, "hard": -1}}, "IPF427", at=".nofile.hard"),
    _of("number of a user beyond Docker's", "user", "4294967295", "IPF162"),
    _of("hostname with a blank", "hostname", "my host", "IPF163"),
    _of("hostname of 65 characters", "hostname", "h" * 65, "IPF163"),
    _of("working directory with a relative path", "working_dir", "srv", "IPF164"),
    _of("extra host with a colon", "extra_hosts", {"registry:5000": "10.1.0.5"}, "IPF165", at=".registry:5000"),
    _of("negative cpu_shares", "cpu_shares", -5, "IPF106"),
    _of("cpu_shares that some hosts refuse", "cpu_shares", 1, "IPF425", warning=True),
    _of("restart that is tried ² times", "restart", "on-failure:²", "IPF137"),
    BadInput.of(
        "log option that the driver does not have",
        {"services.nginx.log_driver": "json-file", "services.nginx.log_opts": {"max_size": "10m"}},
        ("services.nginx.log_opts and services.nginx.log_driver", "IPF428"),
    ),
    BadInput.of(
        "log size in words",
        {"services.nginx.log_driver": "json-file", "services.nginx.log_opts": {"max-size": "lots"}},
        ("services.nginx.log_opts.max-size", "IPF429"),
    ),
    _of("log mode that does not exist", "log_opts", {"mode": "async"}, "IPF429", at=".mode"),
    _of(
        "buffer of a log that blocks",
        "log_opts",
        {"mode": "blocking", "max-buffer-size": "4m"},
        "IPF430",
        at=".max-buffer-size",
    ),
)
