"""Mounts as maps: the entries of `mounts`, and the entries of `volumes` that only such a map can carry.

The docker provider has two arguments: `volumes`, which becomes Docker's `Binds` and knows ro, rw, z and Z; and `mounts`, which
becomes Docker's `Mounts` and knows propagation and nocopy (resource_docker_container_funcs.go, 4.5.0). What an entry of `volumes`
says is passed on by `volumes` where that can carry it, as ever: another argument would replace the container.

Out of scope: two mounts at one path (`ipvlan.plan.rules.settings`).
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable
from typing import Annotated, Final, Literal, Self

from pydantic import BeforeValidator, WithJsonSchema, model_validator

from ipvlan.config.types.base import Flag, Model, Text, fail, need_string, need_text, string_schema
from ipvlan.config.types.mounts import MOUNT_OPTIONS, PROPAGATION, VolumeParts, cleaned, volume_parts
from ipvlan.config.types.sizes import ExactSize

MountType = Literal["bind", "volume", "tmpfs"]

MODE: Final = re.compile("[0-7]{1,4}")
"""The permissions of a folder, in octal, as chmod takes them."""

_REFUSED: Final = {
    "bind": {
        "create_host_path": "Docker creates no folder for a mount; remove it, and create the folder on the host or write "
        'volumes: ["/srv/data:/data"], which creates it',
        "selinux": 'the docker provider has no argument for it here; write volumes: ["/srv/data:/data:z"] instead',
        "recursive": "the docker provider has no argument for it; remove it",
    },
    "volume": dict.fromkeys(
        ("labels", "driver", "driver_opts", "driver_config"),
        "it counts only when Docker creates the volume; remove it, and describe the volume in the section `volumes`",
    ),
    "tmpfs": {"options": "the docker provider has no argument for it here; write tmpfs: {/path: exec} instead"},
    "": {
        "consistency": "it has no effect on Linux; remove it",
        "readonly": "the key is read_only",
        "image": "the docker provider mounts no images; copy the files into a volume",
    },
}
"""Part of a map (`` for the map itself) -> key of compose or of Docker -> why it is refused, and what to write instead."""


def _without_refused(part: str, value: object) -> object:
    for key, reason in _REFUSED[part].items():
        if isinstance(value, dict) and key in value:
            why, _, fix = reason.partition("; ")
            fail(
                "IPF175",
                f"{key} cannot be given to Docker: {why}" if fix else f"there is no key {key}",
                "what you meant by it would not happen",
                fix or why,
            )
    return value


def _parse_type(value: object) -> str:
    text = need_string(value, "the type of a mount")
    if text not in ("bind", "volume", "tmpfs"):
        fail(
            "IPF176",
            f"the docker provider mounts nothing of type {text!r}",
            "it refuses the container",
            "write bind for a path of the host, volume for a volume of Docker, or tmpfs",
        )
    return text


def _parse_target(value: object) -> str:
    """Return where in the container something is mounted (moby, linuxValidateAbsolute in volume/mounts/linux_parser.go)."""
    text = need_text(value, "the target of a mount")
    if not text.startswith("/") or cleaned(text.replace("\\", "/")) == "/":
        fail(
            "IPF178",
            "this is not an absolute path below the root",
            "the daemon refuses the container ('mount path must be absolute', or 'destination can't be '/'')",
            "write the folder in the container: /data",
        )
    return text


def _parse_subpath(value: object) -> str:
    """Return a path inside of a volume (moby, filepath.IsLocal in volume/mounts/linux_parser.go)."""
    text = need_text(value, "the subpath of a volume")
    if not text or text.startswith("/") or posixpath.normpath(text).split("/")[0] == "..":
        fail(
            "IPF180",
            "this is not a path inside of the volume",
            "the daemon refuses the container ('subpath must be a relative path within the volume')",
            "write a folder that is in the volume already, without a slash at the beginning: site/static",
        )
    return text


def _parse_mode(value: object) -> str:
    text = need_string(value, "the mode of a tmpfs")
    if not MODE.fullmatch(text):
        fail(
            "IPF181",
            "this is not a mode in octal digits",
            "the folder would have other permissions, or the daemon would refuse the container",
            'write up to four digits from 0 to 7, in quotes: "1777"',
        )
    if not text.strip("0"):
        fail(
            "IPF195",
            "to Docker the mode 0 is none",
            "the folder would have the mode 1777, in which everyone writes",
            'write the mode that its user needs, such as "0700"',
        )
    return text


Propagation = Literal["private", "rprivate", "shared", "rshared", "slave", "rslave"]
Target = Annotated[
    str,
    BeforeValidator(_parse_target),
    string_schema("An absolute path in the container", re.compile("/.+", re.DOTALL)),
]
Subpath = Annotated[str, BeforeValidator(_parse_subpath)]
_MODE_IN_SCHEMA: Final = re.compile("(?=.{1,4}$)0*[1-7][0-7]*")
TmpfsMode = Annotated[str, BeforeValidator(_parse_mode), string_schema('Octal digits: "1777"', _MODE_IN_SCHEMA)]


class MountBind(Model):
    """How a path of the host is mounted."""

    propagation: Propagation | None = None
    """Whether what is mounted below the path later, on the host or in the container, appears on the other side too: rprivate
    (Docker's default) and private not at all, rslave and slave only what the host mounts, rshared and shared both. For all but the
    first two the path must be on a shared mount of the host: `findmnt -o TARGET,PROPAGATION`. A path that holds Docker's own files
    takes rslave, the default there, or rshared."""

    @model_validator(mode="before")
    @classmethod
    def _known(cls, value: object) -> object:
        return _without_refused("bind", value)


class MountVolume(Model):
    """How a volume of Docker is mounted."""

    nocopy: Flag = False
    """Whether an empty volume stays empty, instead of getting what the image has at that path. Needs Docker 26."""
    subpath: Subpath | None = None
    """A folder in the volume, which must be there, in the place of all of it. Needs Docker 26."""

    @model_validator(mode="before")
    @classmethod
    def _known(cls, value: object) -> object:
        return _without_refused("volume", value)


class MountTmpfs(Model):
    """How a file system in memory is mounted."""

    size: ExactSize | None = None
    """The most that it may hold: "64m", or any number of bytes; the kernel's default is half of the host's memory."""
    mode: TmpfsMode | None = None
    """Permissions of the folder, in octal; the default is "1777"."""

    @model_validator(mode="before")
    @classmethod
    def _known(cls, value: object) -> object:
        return _without_refused("tmpfs", value)


class Mount(Model):
    """Something that is mounted in a container, in the long form of compose."""

    type: Annotated[
        MountType, BeforeValidator(_parse_type), WithJsonSchema({"type": "string", "enum": ["bind", "volume", "tmpfs"]})
    ]
    """`bind` for a path of the host, `volume` for a volume of Docker, `tmpfs` for a file system in memory."""
    source: Text | None = None
    """The path on the host, or the name of the volume; none for a tmpfs."""
    target: Target
    """The path in the container."""
    read_only: Flag = False
    """Whether the container cannot write to it."""
    bind: MountBind | None = None
    """Options of a bind."""
    volume: MountVolume | None = None
    """Options of a volume."""
    tmpfs: MountTmpfs | None = None
    """Options of a tmpfs."""

    @model_validator(mode="before")
    @classmethod
    def _known(cls, value: object) -> object:
        return _without_refused("", value)

    @model_validator(mode="after")
    def _agrees(self) -> Self:
        for part in ("bind", "volume", "tmpfs"):
            if part != self.type and getattr(self, part) is not None:
                fail(
                    "IPF179",
                    f"{part} has options of another type of mount",
                    "the daemon refuses the container, or the docker provider drops them",
                    f"write type: {part}, or remove {part}",
                )
        _check_source(self.type, self.source)
        return self

    @property
    def parts(self) -> VolumeParts:
        """The mount as an entry of `volumes` has it; of a tmpfs the source is empty."""
        propagation = self.bind.propagation if self.bind else None
        nocopy, subpath = (self.volume.nocopy, self.volume.subpath) if self.volume else (False, None)
        options = (
            *(["ro"] if self.read_only else []),
            *([propagation] if propagation else []),
            *(["nocopy"] if nocopy else []),
            *([f"subpath={subpath}"] if subpath else []),
        )
        return VolumeParts(self.source or "", self.target, options)

    def __str__(self) -> str:
        """Return `/srv:/data:ro,rslave`, as an entry of `volumes` says it, or `tmpfs:/run:size=1048576,mode=1777`."""
        parts = self.parts
        options = list(parts.options)
        if self.tmpfs is not None:
            options += [f"size={self.tmpfs.size}"] if self.tmpfs.size is not None else []
            options += [f"mode={self.tmpfs.mode}"] if self.tmpfs.mode is not None else []
        return ":".join((parts.source or self.type, parts.path, *([",".join(options)] if options else [])))


def _check_source(kind: MountType, source: str | None) -> None:
    """Refuse a source that is none of this kind of mount (moby, validateMountConfigImpl in volume/mounts/linux_parser.go)."""
    if kind == "tmpfs":
        problem = "a tmpfs has no source" if source is not None else ""
        effect, fix = "the daemon refuses the container ('Field must not be specified: Source')", "remove source"
    elif kind == "bind":
        problem = "" if (source or "").startswith("/") else "the source of a bind is not an absolute path of the host"
        effect = "the daemon refuses the container: it knows no working folder, no home and no variables of yours"
        fix = "write the path on the host from the root on: source: /srv/data"
    else:
        problem = "the source of a volume is not the name of one" if not source or source[0] in "/.~$" else ""
        effect = "Docker refuses it, or creates an unnamed volume, which is lost when the container is recreated"
        fix = "write the volume's name: source: data; or type: bind for a path of the host"
    if problem:
        fail("IPF177", problem, effect, fix)


def mount_of_volume(volume: str) -> Mount | None:
    """Return the mount that carries an entry of `volumes`; None where the docker provider's `volumes` carries all that it says."""
    source, path, options = parts = volume_parts(volume)
    if MOUNT_OPTIONS.isdisjoint(options):
        return None
    if parts.on_host:
        propagation = next(option for option in options if option in PROPAGATION)
        bind = MountBind.model_validate({"propagation": propagation})
        return Mount(type="bind", source=source, target=path, read_only=parts.read_only, bind=bind)
    return Mount(type="volume", source=source, target=path, read_only=parts.read_only, volume=MountVolume(nocopy=True))


def carried_by_mounts(volumes: Iterable[str], mounts: Iterable[Mount]) -> tuple[Mount, ...]:
    """Return all that the docker provider gets as `mounts`, each once: what is in `volumes` and what is in `mounts`."""
    moved = [mount for mount in map(mount_of_volume, volumes) if mount is not None]
    return tuple(dict.fromkeys([*moved, *mounts]))
