"""The files of a container on its host: staged, brought live, taken back, read and removed, as root (docs/decisions/0033-files.md).

A container's folder is `/var/lib/ipvlan-fabric/OWNER/HOST/SERVICE`. In it `staged/SLOT` are the bytes of the state, `live/SLOT` what
the container mounts, `held/SLOT` the inode that a running container has of a single file, `before/SLOT` the way back, and
`spare/SLOT` what the spare mounts. Each script checks in the same visit that the folder is this stack's.

Out of scope: what is planned (`ipvlan.plan.files`), reload and proof (`ipvlan.hosts.files_in_use`), and the engine's resources.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from ipvlan.plan.files import with_secrets

if TYPE_CHECKING:
    from ipvlan.hosts.root_shell import RunAsRoot
    from ipvlan.plan.files import FilesPlan

BASE: Final = "/var/lib/ipvlan-fabric"
"""The folder of all files of all stacks on a host."""

SECONDS: Final = 60.0
"""Time limit of one script; it covers a slow disk's `sync`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FileBytes:
    """One file with all its bytes, secrets included."""

    target: str
    """Its path in the container."""
    slot: str
    path: str
    """Below its folder's slot; empty for a file that is mounted alone."""
    content: bytes
    owner: str
    """UID:GID."""
    mode: str
    """Four octal digits."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundFile:
    """One file as it is in one of the folders on the host."""

    digest: str
    """SHA-256 of the host's key and the bytes, hexadecimal."""
    owner: str
    mode: str
    """Four octal digits."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundFiles:
    """The files of one container as they are on the host. A target that a mapping has not is no file there."""

    staged: Mapping[str, FoundFile]
    live: Mapping[str, FoundFile]
    held: Mapping[str, FoundFile]
    """What a running container may have of single files: the bytes of `live`, unless somebody wrote there."""
    unplanned: tuple[str, ...]
    """Targets of folders in which there is something that is not staged."""
    refused: str
    """What was refused at the last try, as `files_end` wrote it; empty where nothing was."""
    pending: bool
    """Whether an activation has not ended: `before/` is there."""

    def drifted(self, digests: Mapping[str, str], files: Mapping[str, Mapping[str, Any]]) -> tuple[str, ...]:
        """Return the targets that are not as the state has them, sorted; unplanned files count as their folder.

        Where the last change was refused only what is staged is compared: the container has the files of before.
        """
        return tuple(
            sorted(
                {target for target in files if not self._as_recorded(target, digests.get(target, ""), files[target])}
                | {*(() if self.refused else self.unplanned)}
            )
        )

    def _as_recorded(self, target: str, digest: str, file: Mapping[str, Any]) -> bool:
        recorded = FoundFile(digest=digest, owner=file["owner"], mode=file["mode"])
        held = self.held.get(target, recorded)
        return self.staged.get(target) == recorded and (
            bool(self.refused) or (self.live.get(target) == recorded and held == recorded)
        )


def folder_of(label: str) -> str:
    """Return the folder of the files of the container with that owner label."""
    return f"{BASE}/{label}"


def file_properties(plan: FilesPlan) -> dict[str, dict[str, Any]]:
    """Return the input `files` of a Files: target -> `slot`, `path`, `owner`, `mode`, and where its bytes come from.

    That is `text`, or `base64` for what is no text; in `text` stand the names of `secrets` (NAME -> config key). `secret` is the config
    key of a value that is the whole file. Keys without a meaning for a file are left out.
    """
    files: dict[str, dict[str, Any]] = {}
    for file in plan.files:
        text = file.text
        files[file.target] = {
            "slot": file.slot,
            "path": file.path_in_folder or "",
            "owner": file.owner,
            "mode": file.mode,
            **({"secrets": dict(file.secrets)} if file.secrets else {}),
            **(
                {"secret": file.whole_secret}
                if file.whole_secret is not None
                else {"base64": base64.b64encode(file.content).decode()}
                if text is None
                else {"text": text}
            ),
        }
    return files


def bytes_of(files: Mapping[str, Mapping[str, Any]], secrets: Mapping[str, str]) -> list[FileBytes]:
    """Return the files of a Files' input with their bytes, sorted by target.

    Args:
        files: What `file_properties` returns.
        secrets: Config key -> value.
    """
    return [
        FileBytes(
            target=target,
            slot=file["slot"],
            path=file["path"],
            content=_content(file, secrets),
            owner=file["owner"],
            mode=file["mode"],
        )
        for target, file in sorted(files.items())
    ]


def _content(file: Mapping[str, Any], secrets: Mapping[str, str]) -> bytes:
    if "secret" in file:
        return secrets[file["secret"]].encode()
    content = base64.b64decode(file["base64"]) if "base64" in file else file["text"].encode()
    return with_secrets(content, {name: secrets[key] for name, key in (file.get("secrets") or {}).items()})


@dataclass(frozen=True, slots=True, kw_only=True)
class FilesFolder:
    """The folder of one container's files on its host, and who works there. All methods raise HostError."""

    host: str
    label: str
    """The container's owner label, OWNER/HOST/SERVICE."""
    run: RunAsRoot
    base: str = BASE
