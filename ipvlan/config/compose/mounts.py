"""The volumes of a compose service, as entries of `volumes`, `tmpfs` and `mounts`.

A container that is moved must find its data: a named volume keeps the name that compose gave it on the host (compose-go 2.16,
setNameFromKey in loader/normalize.go).
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from ipvlan.config.compose import forms
from ipvlan.config.compose.node import LeftOutError, Node

MOUNT_KEYS: Final = ("bind", "image", "read_only", "source", "target", "tmpfs", "type", "volume")
"""Keys of the long form of a volume that are carried; those below some of them are in `MOUNT_OPTIONS`."""
MOUNT_OPTIONS: Final = {
    "bind": ("create_host_path", "propagation", "selinux"),
    "tmpfs": ("mode", "size"),
    "volume": ("nocopy", "subpath"),
}
"""Key -> the keys below it that are carried."""

_WINDOWS: Final = re.compile(r"[A-Za-z]:[\\/]|\\\\")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """What the sources of a project's volumes mean."""

    project: str
    """The project's name."""
    volumes: Mapping[str, Node]
    """The volumes at the top of the file."""
    folder: str | None
    """The folder of the compose file on the host, an absolute path; None where it is not known."""

    def path(self, source: str) -> str:
        """Return the absolute path on the host of a bind mount's source."""
        if source.startswith("/"):
            return source
        if source.startswith("~"):
            raise LeftOutError(
                "Docker on the host knows no home of yours: write the path from the root on into volumes"
            )
        if _WINDOWS.match(source):
            raise LeftOutError("this is a path of Windows")
        if self.folder is None:
            raise LeftOutError(
                "it is relative to the folder of the compose file: give --project-dir, that folder's path on the host"
            )
        return posixpath.normpath(posixpath.join(self.folder, source))

    def volume(self, name: str) -> str:
        """Return the name that compose gave a volume on the host."""
        if name not in self.volumes:
            raise LeftOutError("the file declares no such volume at its top: compose refuses it too")
        declared = self.volumes[name]
        if declared.value is None:
            return f"{self.project}_{name}"
        below = declared.items
        if "name" in below:
            return forms.text(below["name"])
        external = below.get("external")
        if external is not None and isinstance(external.value, dict):
            return forms.text(external.value["name"]) if "name" in external.value else name
        if external is not None and forms.flag(external):
            return name
        return f"{self.project}_{name}"


@dataclass(frozen=True, slots=True)
class Mounted:
    """One entry of a service's volumes, as one entry of a key here."""

    key: str
    """`volumes`, `tmpfs` or `mounts`."""
    value: Any
    """A text; for `tmpfs` path and options; for `mounts` a mapping."""


def mounted(node: Node, sources: Sources) -> Mounted:
    """Return what an entry of `volumes` is here; raise LeftOutError."""
    return _long(node.items, sources) if isinstance(node.value, dict) else _short(forms.text(node), sources)


def _short(text: str, sources: Sources) -> Mounted:
    if _WINDOWS.match(text):
        raise LeftOutError("this is a path of Windows")
    source, colon, rest = text.partition(":")
    if not colon:
        raise LeftOutError(
            "a volume without a name is lost when the container is replaced: name it, and copy what it has: NAME:/path"
        )
    of_host = source[:1] in (".", "/", "~")
    return Mounted("volumes", f"{sources.path(source) if of_host else sources.volume(source)}:{rest}")


def _long(below: Mapping[str, Node], sources: Sources) -> Mounted:
    kind = forms.text(below["type"]) if "type" in below else "volume"
    if "target" not in below:
        raise LeftOutError("it has no target")
    target = forms.text(below["target"])
    if kind == "tmpfs":
        return Mounted("tmpfs", (target, _tmpfs_options(below.get("tmpfs"))))
    if kind not in ("bind", "volume"):
        raise LeftOutError(f"a mount of type {kind[:20]} is not carried: copy what it has into a volume")
    if "source" not in below:
        raise LeftOutError(
            "a volume without a name is lost when the container is replaced: name it, and copy what it has"
        )
    source = forms.text(below["source"])
    source = sources.path(source) if kind == "bind" else sources.volume(source)
    read_only = "read_only" in below and forms.flag(below["read_only"])
    given = below.get(kind)
    options = {} if given is None or given.value is None else given.items
    label = forms.text(options["selinux"]) if "selinux" in options else ""
    kept = _kept_options(options)
    # A map of mounts creates no folder on the host; an entry of volumes does.
    needs_folder = "create_host_path" in options and not forms.flag(options["create_host_path"])
    if not kept and not needs_folder:
        flags = ",".join(option for option in ("ro" if read_only else "", label) if option)
        return Mounted("volumes", f"{source}:{target}" + (f":{flags}" if flags else ""))
    if label:
        raise LeftOutError("a label of SELinux and these options cannot be written together: write one of them")
    entry: dict[str, Any] = {"type": kind, "source": source, "target": target}
    if read_only:
        entry["read_only"] = True
    return Mounted("mounts", {**entry, kind: kept} if kept else entry)


def _kept_options(options: Mapping[str, Node]) -> dict[str, Any]:
    """Return the options of a mount that only a map of `mounts` can have, and that are not Docker's default."""
    kept: dict[str, Any] = {key: forms.text(options[key]) for key in ("propagation", "subpath") if key in options}
    if "nocopy" in options and forms.flag(options["nocopy"]):
        kept["nocopy"] = True
    return kept


def _tmpfs_options(node: Node | None) -> str:
    options = {} if node is None or node.value is None else node.items
    parts = []
    if "size" in options:
        parts.append(f"size={forms.size(options['size'])}")
    if "mode" in options:
        value = options["mode"].value
        # A number was octal in the file; a text is, whatever it looks like.
        parts.append(
            f"mode={value:o}" if isinstance(value, int) else f"mode={forms.text(options['mode']).removeprefix('0o')}"
        )
    return ",".join(parts)
