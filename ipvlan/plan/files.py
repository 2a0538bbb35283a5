"""The files of a container: which bytes are where in it.

Out of scope: reading them (`ipvlan.config.file_sources`), what they must agree on (`ipvlan.plan.rules.files`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class FilePlan:
    """One file in one container."""

    target: str
    """Its absolute path in the container; of a file of a folder the folder's target and the file's path in it."""
    folder: str | None
    """The target of the folder that is mounted and has this file, without the last slash; None for a file that is mounted alone."""
    source: str | None
    """The path below the project's folder; None where a secret's value is the whole file."""
    content: bytes
    """Complete but for secrets: each stands as `${secrets.NAME}`. With `whole_secret` it is empty."""
    secrets: Mapping[str, str]
    """NAME in the content -> config key of the value; never a value. Empty where none is used."""
    whole_secret: str | None
    """Config key whose value is the whole file; None for any other file."""
    owner: str
    """UID:GID, numbers."""
    mode: str
    """Four octal digits, such as 0444."""

    @property
    def mount_target(self) -> str:
        """What the container has a mount for: the folder, or the file itself."""
        return self.folder or self.target

    @property
    def slot(self) -> str:
        """Name of the mount's source on the host, below `live/`: the last part of its target and 8 digits of the target's hash."""
        digest = hashlib.sha256(self.mount_target.encode()).hexdigest()[:8]
        return f"{self.mount_target.rpartition('/')[2]}.{digest}"

    @property
    def has_secrets(self) -> bool:
        """Whether its bytes depend on a secret."""
        return bool(self.secrets) or self.whole_secret is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class FilesPlan:
    """All files of one container, and what a change of their bytes does."""

    files: tuple[FilePlan, ...]
    """Sorted by target."""
    change: str
    """`reload`, `restart` or `replace`."""
    reload_signal: str | None = None
    """With `reload`: the signal for the container's first process, such as SIGHUP; None where a command is run."""
    reload_command: tuple[str, ...] | None = None
    """With `reload`: the command that is run in the container."""
    mounts: Mapping[str, str] = field(init=False)
    """Target of a mount -> its slot, sorted."""

    def __post_init__(self) -> None:
        """Compute the mounts."""
        object.__setattr__(self, "mounts", {file.mount_target: file.slot for file in self.files})
