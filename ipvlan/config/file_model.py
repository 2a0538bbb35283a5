"""The model of one file of a service, or of a folder of files: where its bytes come from, whose they are, and who may read them.

Out of scope: what is in it (`ipvlan.config.file_sources`), and what its keys must agree on (`ipvlan.plan.rules.files`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Final, Self

from pydantic import BeforeValidator, Field, model_validator

from ipvlan.config.types.base import Flag, Model, Text, fail
from ipvlan.config.types.files import FileMode, FileTarget, Owner, SecretName, Source
from ipvlan.config.types.lists import AlsoAllows


class FileConfig(Model):
    """One file in a container, or all files of a folder: its path in the container is the key, the source a file of the project."""

    source: Source | None = None
    """A path below the project's folder; that of a folder ends in a slash, as the path in the container does then. No part begins
    with a dot, and no part is a link."""
    template: Flag = False
    """Whether the words of the plan, and `${secrets.NAME}`, are replaced by what they stand for; every other `$` stays. The words:
    `${service.address}` (this container's), `${service.name}`, `${host.name}`, `${host.address}`, `${hosts.HOST.address}`;
    `${addresses.SERVICE}` where the service is on one host, `${addresses.SERVICE.HOST}`, and a line with `${addresses.SERVICE.*}`
    is written once per host; `${fabric.name}`, `${fabric.subnet}`, `${fabric.gateway}`. `$${` before one of these words writes
    `${`."""
    secrets: Mapping[SecretName, Text] = Field(default_factory=dict)
    """Name in the template -> name of the config key that `pulumi config set --secret` set."""
    secret: Text | None = None
    """In the place of `source`: name of the config key whose value is the whole file."""
    owner: Owner = "0:0"
    """UID:GID in the container, numbers."""
    mode: FileMode | None = None
    """Permissions in octal, in quotes, at most "0777"; the default is "0444", and "0400" with a secret."""

    @property
    def is_folder(self) -> bool:
        """Whether it is a folder, with all files below it."""
        return self.source is not None and self.source.endswith("/")

    @property
    def octal_mode(self) -> str:
        """The permissions as four octal digits."""
        if self.mode is not None:
            return self.mode.zfill(4)
        return "0400" if self.secret is not None or self.secrets else "0444"

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if (self.source is None) == (self.secret is None):
            fail(
                "IPF266",
                "a file has `source` or `secret`, and not both"
                if self.source
                else "neither `source` nor `secret` is given",
                "it is unclear what is in the file",
                "write source: files/NAME for a file of the project, or secret: CONFIG_KEY for a secret's value alone",
            )
        return self


def _one_text(value: object) -> object:
    """Return one text as the file that it is the source of; everything else as it is."""
    return {"source": value} if isinstance(value, str) else value


_A_SOURCE: Final = AlsoAllows((("type", "string"), ("description", "The source alone")))
Files = Mapping[FileTarget, Annotated[FileConfig, BeforeValidator(_one_text), _A_SOURCE]]
