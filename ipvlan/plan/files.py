"""The files of a container: which bytes are where in it.

Out of scope: reading them (`ipvlan.config.file_sources`), what they must agree on (`ipvlan.plan.rules.files`).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from ipvlan.config.types.files import signal_name
from ipvlan.plan.file_template import Names, render

if TYPE_CHECKING:
    from ipvlan.config.file_model import FileConfig
    from ipvlan.config.models import ServiceConfig

_SECRET: Final = re.compile(rb"\$(?P<literal>\$\{secrets\.)|\$\{secrets\.(?P<name>[A-Za-z0-9_-]+)\}")
_NOT_IN_A_SLOT: Final = re.compile("[^A-Za-z0-9._-]|^[.-]")
_LONGEST_SLOT: Final = 64
"""Characters of the target's name in a slot's; a file's name has at most 255 bytes."""


def with_secrets(content: bytes, values: Mapping[str, str]) -> bytes:
    """Return the bytes of a file with its secrets, for `FilePlan.content` of a file whose `secrets` are not empty.

    Args:
        content: Has `${secrets.NAME}` for each secret, and `$${secrets.` for a `${secrets.` that is meant as it is. No name and no
            address of a plan ends in `$`, so each is what it looks like.
        values: NAME -> value. Without any the content is returned as it is: that of a file without secrets has nothing in it that
            stands for something else.

    Raises:
        KeyError: A name without a value.
    """
    if not values:
        return content
    return _SECRET.sub(lambda found: found["literal"] or values[found["name"].decode()].encode(), content)


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
    """Complete but for secrets. Where `secrets` is not empty, `with_secrets` must read it: each secret stands as `${secrets.NAME}`,
    and `$${secrets.` for a literal `${secrets.`. Where it is empty these are the bytes. With `whole_secret` it is empty."""
    secrets: Mapping[str, str]
    """NAME in the content -> config key of the value; never a value. Exactly those that are used."""
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
        """Name of the mount's source on the host: the last part of its target and 8 digits of the target's hash.

        A file and a folder of the same target have slots of their own: a container cannot start again with one mounted over the
        mount point of the other (runc), so it is replaced, and the new one is rehearsed.

        It has letters, digits, `.`, `_` and `-` alone, and begins with none of `.` and `-`: no option of a program, and not hidden.
        """
        digest = hashlib.sha256((self.mount_target if self.folder is None else f"{self.folder}/").encode()).hexdigest()[
            :8
        ]
        name = _NOT_IN_A_SLOT.sub("_", self.mount_target.rpartition("/")[2])
        return f"{name[:_LONGEST_SLOT]}.{digest}"

    @property
    def path_in_folder(self) -> str | None:
        """The path of the file below its folder's slot, `sub/site.conf`; None for a file that is mounted alone."""
        return None if self.folder is None else self.target.removeprefix(f"{self.folder}/")

    @property
    def text(self) -> str | None:
        """The content as text, which Pulumi can carry; None where it is not UTF-8 or has a NUL byte."""
        try:
            text = self.content.decode()
        except UnicodeDecodeError:
            return None
        return None if "\0" in text else text

    @property
    def secret_keys(self) -> frozenset[str]:
        """The config keys whose values are in it."""
        keys = frozenset(self.secrets.values())
        return keys if self.whole_secret is None else keys | {self.whole_secret}


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

    @property
    def secret_keys(self) -> tuple[str, ...]:
        """The config keys whose values are in the files, sorted."""
        return tuple(sorted({key for file in self.files for key in file.secret_keys}))


def files_plan(
    service: ServiceConfig, sources: Mapping[str, bytes], names: Names, *, name: str, host: str
) -> FilesPlan | None:
    """Return the files of a service's container on one host; None where the service has none.

    Args:
        service: The service, whose files `ipvlan.plan.rules.files` found to be right.
        sources: Path below the project's folder -> bytes.
        names: What templates can name.
        name: The service's name.
        host: The host's.
    """
    if not service.files:
        return None
    files = []
    for written, file in service.files.items():
        for target, folder, source in placed(written, file, sources):
            content, secrets = b"" if source is None else sources[source], frozenset[str]()
            if file.template:
                rendered = render(content.decode(), names, service=name, host=host, secrets=file.secrets)
                content, secrets = rendered.content, rendered.secrets
            files.append(
                FilePlan(
                    target=target,
                    folder=folder,
                    source=source,
                    content=content,
                    secrets={secret: file.secrets[secret] for secret in sorted(secrets)},
                    whole_secret=file.secret,
                    owner=file.owner,
                    mode=file.octal_mode,
                )
            )
    command = service.reload if isinstance(service.reload, tuple) else None
    return FilesPlan(
        files=tuple(sorted(files, key=lambda file: file.target)),
        change="reload" if service.reload is not None else service.files_change or "restart",
        reload_signal=signal_name(service.reload) if isinstance(service.reload, str) else None,
        reload_command=command,
    )


def placed(target: str, file: FileConfig, sources: Mapping[str, bytes]) -> list[tuple[str, str | None, str | None]]:
    """Return target, folder and source of each file that an entry of `files` stands for; a folder is several."""
    if file.source is None or not file.is_folder:
        return [(target, None, file.source)]
    return [
        (target + path.removeprefix(file.source), target.removesuffix("/"), path)
        for path in sorted(sources)
        if path.startswith(file.source)
    ]
