"""Types of what a container is given from outside: volumes and bind mounts, tmpfs, devices.

Each rule refuses what Docker refuses for certain, and nothing else: a value that works today works after an upgrade. What only
some daemons take is a warning of `ipvlan.plan.rules.settings`.

Out of scope: two mounts at one path (`ipvlan.plan.rules.settings`).
"""

from __future__ import annotations

import posixpath
import re
from itertools import permutations
from typing import Annotated, Final, NamedTuple

from pydantic import BeforeValidator

from ipvlan.config.types.base import fail, need_text, string_schema

VOLUME: Final = re.compile(r"[^:]+:/[^:]*(?::[^:]+)?")
VOLUME_NAME: Final = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.-]+")
"""Names of Docker's own driver of volumes (moby, RestrictedNamePattern in daemon/names/names.go); a plugin may have others."""
ACCESS: Final = frozenset({"ro", "rw"})
LABEL: Final = frozenset({"z", "Z"})
PROPAGATION: Final = frozenset({"private", "rprivate", "shared", "rshared", "slave", "rslave"})
COPY: Final = frozenset({"copy", "nocopy"})
CONSISTENCY: Final = frozenset({"consistent", "cached", "delegated"})
VOLUME_OPTIONS: Final = (ACCESS, LABEL, PROPAGATION, COPY, CONSISTENCY)
"""The options of a volume, of each set at most one (moby, linuxValidMountMode in volume/mounts/linux_parser.go, 20.10 to 29)."""
DROPPED_OPTIONS: Final = (PROPAGATION - {"rprivate"}) | (COPY - {"copy"})
"""Options that the docker provider has no argument for and that are not Docker's default. Consistency has no effect on Linux."""

_PERMISSIONS: Final = "|".join("".join(letters) for count in (1, 2, 3) for letters in permutations("rwm", count))
DEVICE: Final = re.compile(rf"/[^:]*(?::/[^:]*(?::(?:{_PERMISSIONS}))?)?")
"""docker/cli, validateDevice and validDeviceMode in cli/command/container/opts.go."""

_TMPFS_FLAGS: Final = (
    "defaults|ro|rw|(?:no)?(?:suid|dev|exec|mand|atime|diratime)|sync|async|dirsync|remount|r?bind|r?unbindable|r?private|"
    "r?shared|r?slave|(?:no)?(?:relatime|strictatime)"
)
_TMPFS_OPTION: Final = rf"(?:{_TMPFS_FLAGS}|(?:size|mode|uid|gid|nr_inodes|nr_blocks|mpol)=[^,]*)"
TMPFS_OPTIONS: Final = re.compile(rf"(?:{_TMPFS_OPTION}(?:,{_TMPFS_OPTION})*)?")
"""moby/sys, MergeTmpfsOptions in mount/flags_unix.go."""


class VolumeParts(NamedTuple):
    """A volume, taken apart."""

    source: str
    """An absolute path on the host, or the name of a volume."""
    path: str
    """The path in the container, as it is written."""
    options: tuple[str, ...]
    """Such as `ro`; none where none are written."""

    @property
    def on_host(self) -> bool:
        """Whether a path of the host is mounted, not a volume of Docker."""
        return self.source.startswith("/")

    @property
    def read_only(self) -> bool:
        """Whether the container cannot write to it."""
        return "ro" in self.options

    @property
    def label(self) -> str | None:
        """How SELinux labels the files: `z` shared, `Z` private, None not at all."""
        return next((option for option in self.options if option in LABEL), None)


def volume_parts(volume: str) -> VolumeParts:
    """Take a volume apart that `parse_volume` returned."""
    source, path, *options = volume.split(":")
    return VolumeParts(source, path, tuple(options[0].split(",")) if options else ())


def cleaned(path: str) -> str:
    """Return an absolute path as Docker compares it: without `.`, `..`, doubled slashes and a slash at the end."""
    return posixpath.normpath("/" + path.lstrip("/"))


def parse_volume(value: object) -> str:
    """Return a volume or a bind mount as `docker run --volume` takes it, the source never left out."""
    text = need_text(value, "a volume")
    if not VOLUME.fullmatch(text):
        fail(
            "IPF136",
            "this is not SOURCE:/PATH[:OPTIONS]",
            "Docker would create an unnamed volume, which is lost when the container is recreated",
            'write "NAME:/path" or "/host/path:/path:ro"',
        )
    source, path, options = volume_parts(text)
    if source[0] in ".~$":
        fail(
            "IPF145",
            "the source is neither an absolute path nor the name of a volume",
            "the daemon refuses the container: it knows no working folder, no home and no variables of yours",
            'write the path on the host from the root on: "/srv/data:/data"; or a volume\'s name: "data:/data"',
        )
    if cleaned(path.replace("\\", "/")) == "/":
        fail(
            "IPF146",
            "this would be mounted at the root of the container",
            "the daemon refuses the container ('destination can't be '/'')",
            "write the folder that it is for: /data",
        )
    _check_options(options)
    return text


def _check_options(options: tuple[str, ...]) -> None:
    for option in options:
        if not any(option in kind for kind in VOLUME_OPTIONS):
            fail(
                "IPF147",
                f"there is no option {option!r}",
                "Docker knows it as no option of a volume, and what you meant by it would not happen",
                "write ro, rw, z or Z, in this case; several with a comma: ro,z",
            )
    for kind in VOLUME_OPTIONS:
        if len([option for option in options if option in kind]) > 1:
            fail(
                "IPF148",
                "two options contradict each other, or one is written twice",
                "Docker takes one of a kind, and it is unclear which one counts",
                f"write one of {', '.join(sorted(kind))}",
            )


def parse_device(value: object) -> str:
    """Return a device as `docker run --device` takes it, without its short form HOST_PATH:PERMISSIONS."""
    text = need_text(value, "a device")
    if not DEVICE.fullmatch(text):
        fail(
            "IPF149",
            "this is not HOST_PATH[:CONTAINER_PATH[:PERMISSIONS]]",
            "Docker would find no such device and could not start the container, or would create it under another name",
            'write absolute paths and some of r, w, m: "/dev/fuse", "/dev/sda:/dev/xvda" or "/dev/fuse:/dev/fuse:rw"',
        )
    return text


def parse_tmpfs_path(value: object) -> str:
    """Return where a tmpfs is mounted (moby, ValidateTmpfsMountDestination in volume/mounts/linux_parser.go)."""
    text = need_text(value, "a path")
    if not text.startswith("/") or cleaned(text.replace("\\", "/")) == "/":
        fail(
            "IPF150",
            "this is not an absolute path below the root",
            "the daemon refuses the container ('mount path must be absolute', or 'destination can't be '/'')",
            "write the folder in the container: /run",
        )
    return text


def parse_tmpfs_options(value: object) -> str:
    """Return the mount options of a tmpfs; their values are the kernel's matter."""
    text = need_text(value, "the options of a tmpfs")
    if not TMPFS_OPTIONS.fullmatch(text):
        fail(
            "IPF151",
            "one of these is no option of a tmpfs",
            "Docker creates the container and cannot start it ('invalid tmpfs option')",
            'write size=, mode=, uid=, gid= or nr_inodes= with a value, or flags such as exec, with commas: "size=64m,mode=1777"; '
            'or "" for none',
        )
    return text


Volume = Annotated[str, BeforeValidator(parse_volume), string_schema("SOURCE:/PATH[:OPTIONS]", VOLUME)]
Device = Annotated[
    str, BeforeValidator(parse_device), string_schema("HOST_PATH[:CONTAINER_PATH[:PERMISSIONS]]", DEVICE)
]
TmpfsPath = Annotated[str, BeforeValidator(parse_tmpfs_path)]
TmpfsOptions = Annotated[
    str, BeforeValidator(parse_tmpfs_options), string_schema("Mount options of a tmpfs", TMPFS_OPTIONS)
]
