"""Types of what is mounted in a container, as one text: volumes and bind mounts, tmpfs.

Each rule refuses what Docker refuses for certain, and nothing else: a value that works today works after an upgrade. What only
some daemons take is a warning of `ipvlan.plan.rules.settings`.

Out of scope: mounts as maps (`ipvlan.config.types.mount_maps`), two mounts at one path (`ipvlan.plan.rules.settings`).
"""

from __future__ import annotations

import posixpath
import re
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
MOUNT_OPTIONS: Final = (PROPAGATION - {"rprivate"}) | (COPY - {"copy"})
"""Options that the docker provider carries in its argument `mounts` alone. What is neither here nor in its argument `volumes` is
Docker's default, or has no effect on Linux (consistency)."""

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

    @property
    def propagation(self) -> str | None:
        """How mounts below it propagate, where it says so."""
        return next((option for option in self.options if option in PROPAGATION), None)


def volume_parts(volume: str) -> VolumeParts:
    """Take a volume apart that `parse_volume` returned."""
    source, path, *options = volume.split(":")
    return VolumeParts(source, path, tuple(options[0].split(",")) if options else ())


def cleaned(path: str) -> str:
    """Return an absolute path as Docker compares it: without `.`, `..`, doubled slashes and a slash at the end."""
    return posixpath.normpath("/" + path.lstrip("/"))


def parse_volume(value: object) -> str:
    """Return a volume or a bind mount as `docker run --volume` takes it, the source never left out."""
    if isinstance(value, dict):
        fail(
            "IPF937",
            "this is a mapping, the long form of compose",
            "an entry of volumes is a text, and nothing would be mounted",
            'write "SOURCE:/PATH[:OPTIONS]", or write the mapping into mounts, which takes the long form',
        )
    text = need_text(value, "a volume")
    if not VOLUME.fullmatch(text):
        fail(
            "IPF136",
            "this is not SOURCE:/PATH[:OPTIONS]",
            "Docker would create an unnamed volume, which is lost when the container is recreated",
            'write "NAME:/path" or "/host/path:/path:ro"',
        )
    source, path, options = parts = volume_parts(text)
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
    _check_carried(parts)
    return text


def _check_options(options: tuple[str, ...]) -> None:
    for option in options:
        if not any(option in kind for kind in VOLUME_OPTIONS):
            fail(
                "IPF147",
                f"there is no option {option!r}",
                "Docker knows it as no option of a volume, and what you meant by it would not happen",
                "write ro, rw, z, Z, nocopy or a propagation such as rslave, in this case; several with a comma: ro,z",
            )
    for kind in VOLUME_OPTIONS:
        if len([option for option in options if option in kind]) > 1:
            fail(
                "IPF148",
                "two options contradict each other, or one is written twice",
                "Docker takes one of a kind, and it is unclear which one counts",
                f"write one of {', '.join(sorted(kind))}",
            )


def _check_carried(parts: VolumeParts) -> None:
    """Refuse options that Docker refuses on such a source, or that no one argument of the docker provider carries."""
    moved = [option for option in parts.options if option in MOUNT_OPTIONS]
    refused = [option for option in moved if (option in PROPAGATION) is not parts.on_host]
    if refused:
        # moby, validateMountConfigImpl: BindOptions of a volume, VolumeOptions of a bind.
        of_volume = "nothing of the host is mounted below a named volume" if not parts.on_host else ""
        problem = (
            f"{refused[0]} has no meaning here: {of_volume or 'only a named volume gets what the image has there'}"
        )
        effect, fix = "the daemon refuses the container ('invalid mount config')", f"remove {refused[0]}"
    elif moved and parts.label:
        problem = f"the docker provider can pass on {parts.label} or {moved[0]}, and not both"
        effect = f"the mount would be without {parts.label}, or without {moved[0]}"
        fix = f"remove {parts.label}, and label the files on the host: chcon -Rt container_file_t FOLDER; or remove {moved[0]}"
    else:
        return
    fail("IPF174", problem, effect, fix)


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


_OPTION: Final = "|".join(sorted(option for kind in VOLUME_OPTIONS for option in kind))
_VOLUME_IN_SCHEMA: Final = re.compile(rf"[^:]+:/[^:]*(?::(?:{_OPTION})(?:,(?:{_OPTION}))*)?")
Volume = Annotated[str, BeforeValidator(parse_volume), string_schema("SOURCE:/PATH[:OPTIONS]", _VOLUME_IN_SCHEMA)]
TmpfsPath = Annotated[str, BeforeValidator(parse_tmpfs_path)]
TmpfsOptions = Annotated[
    str, BeforeValidator(parse_tmpfs_options), string_schema("Mount options of a tmpfs", TMPFS_OPTIONS)
]
