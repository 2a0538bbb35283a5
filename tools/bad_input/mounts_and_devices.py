"""Mistakes in what a service is given from its host: mounts, devices, GPUs."""

from __future__ import annotations

from typing import Any, Final

from tools.bad_input.case import BadInput


def _of(title: str, setting: str, value: Any, code: str, at: str = "[0]", *, warning: bool = False) -> BadInput:
    key = f"services.nginx.{setting}"
    return BadInput.of(title, {key: value}, (f"{key}{at}", code), warning=warning)


def _mount(title: str, code: str, at: str = "", **keys: Any) -> BadInput:
    """Return a bad input with one mount: a volume at /data, but for the keys."""
    mount = {"type": "volume", "source": "data", "target": "/data", **keys}
    mount = {key: value for key, value in mount.items() if value is not None}
    return _of(title, "mounts", [mount], code, f"[0]{at}")


MOUNTS_AND_DEVICES: Final = (
    _of("propagation of a named volume", "volumes", ["data:/data:rslave"], "IPF174"),
    _of("nocopy for a path of the host", "volumes", ["/srv:/srv:nocopy"], "IPF174"),
    _of("an SELinux label beside a propagation", "volumes", ["/srv:/srv:z,rslave"], "IPF174"),
    _of("an SELinux label beside nocopy", "volumes", ["data:/data:Z,nocopy"], "IPF174"),
    _mount("a mount that creates its path", "IPF175", ".bind", type="bind", bind={"create_host_path": True}),
    _mount("a mount with an SELinux label", "IPF175", ".bind", type="bind", bind={"selinux": "z"}),
    _mount("a mount with labels of its volume", "IPF175", ".volume", volume={"labels": {"a": "b"}}),
    _mount("a mount with a consistency", "IPF175", consistency="cached"),
    _mount("a mount of a pipe of Windows", "IPF176", ".type", type="npipe"),
    _mount("a mount of an image", "IPF176", ".type", type="image"),
    _mount("a bind with a relative path", "IPF177", type="bind", source="./data"),
    _mount("a volume without a name", "IPF177", source=""),
    _mount("a volume with a path of the host", "IPF177", source="/srv/data"),
    _mount("a tmpfs with a source", "IPF177", type="tmpfs"),
    _mount("a mount at the root", "IPF178", ".target", target="/"),
    _mount("a mount at a relative path", "IPF178", ".target", target="data"),
    _mount("a volume with the options of a tmpfs", "IPF179", tmpfs={"size": "8m"}),
    _mount("a subpath above the volume", "IPF180", ".volume.subpath", volume={"subpath": "a/../../b"}),
    _mount(
        "a propagation that does not exist", "IPF108", ".bind.propagation", type="bind", bind={"propagation": "both"}
    ),
    _mount("a key of a mount that does not exist", "IPF109", ".mode", mode="ro"),
    _of(
        "a mount whose volume has a path as its name",
        "mounts",
        [{"type": "volume", "source": "data/files", "target": "/data"}],
        "IPF423",
        "[0].source",
        warning=True,
    ),
    _of(
        "the mode of a tmpfs as a number",
        "mounts",
        [{"type": "tmpfs", "target": "/run", "tmpfs": {"mode": "0o755"}}],
        "IPF181",
        "[0].tmpfs.mode",
    ),
    BadInput.of(
        "a mount and a volume at one path",
        {
            "services.nginx.volumes": ["/srv:/data:rslave"],
            "services.nginx.mounts": [{"type": "tmpfs", "target": "/data/"}],
        },
        ("services.nginx.mounts and services.nginx.volumes", "IPF422"),
    ),
    BadInput.of(
        "a mount and a tmpfs at one path",
        {"services.nginx.tmpfs": {"/run": ""}, "services.nginx.mounts": [{"type": "tmpfs", "target": "/run"}]},
        ("services.nginx.mounts and services.nginx.tmpfs", "IPF422"),
    ),
    _of("device whose name has colons", "devices", ["/dev/serial/by-id/usb-Maker_60:55:AA"], "IPF182"),
    _of("device map with a relative path", "devices", [{"host": "ttyUSB0"}], "IPF149", "[0].host"),
    _of(
        "device map with unknown permissions",
        "devices",
        [{"host": "/dev/a", "permissions": "rx"}],
        "IPF149",
        "[0].permissions",
    ),
    _of("CDI device without a name", "devices", ["nvidia.com/gpu"], "IPF149"),
    _of("no GPUs", "gpus", 0, "IPF183", ""),
    _of("GPUs in words", "gpus", "two", "IPF183", ""),
    _of("GPUs with a count and ids", "gpus", [{"count": 1, "device_ids": ["0"]}], "IPF438"),
    _of("a CDI device as a GPU", "gpus", [{"driver": "cdi", "device_ids": ["nvidia.com/gpu=0"]}], "IPF438"),
    _of("GPUs as Docker counts all of them", "gpus", -1, "IPF183", ""),
    _of("device cgroup rule without permissions", "device_cgroup_rules", ["c 188:*"], "IPF184"),
    _of("device cgroup rule beyond the kernel's numbers", "device_cgroup_rules", ["c 4294967296:1 rwm"], "IPF184"),
    _of("the host's root with a slave", "volumes", ["/:/host:ro,slave"], "IPF440"),
    _mount(
        "the host's root with a private mount",
        "IPF440",
        ".bind.propagation",
        type="bind",
        source="/",
        bind={"propagation": "rprivate"},
    ),
    _mount("the mode of a tmpfs is 0", "IPF195", ".tmpfs.mode", type="tmpfs", source=None, tmpfs={"mode": "0"}),
)
