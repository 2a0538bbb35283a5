"""Types of a named volume: its name in Docker, its driver, the names of its options and labels.

Out of scope: what two keys of a volume must agree on (`ipvlan.plan.rules.volumes`), and how a service mounts it
(`ipvlan.config.types.mounts`).
"""

from __future__ import annotations

import re
from typing import Annotated, Final

from pydantic import BeforeValidator

from ipvlan.config.types.base import fail, need_string, need_text, string_schema
from ipvlan.config.types.docker import REFERENCE
from ipvlan.config.types.mounts import VOLUME_NAME

LONGEST_VOLUME: Final = 255
"""Octets: the local driver makes a folder of the name (NAME_MAX of Linux)."""
VOLUME_KEY: Final = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.-]{1,254}")
"""What Docker's own driver of volumes takes as a name: the key of a volume is its name by default."""
ANONYMOUS: Final = re.compile(r"[0-9a-f]{64}")
"""How Docker names a volume that nobody named (moby, stringid.GenerateRandomID); a handover takes it for one."""
DRIVER: Final = re.compile(rf"[A-Za-z0-9][A-Za-z0-9_.-]*|{REFERENCE}")
"""A plugin of the first version has the name of its file in /run/docker/plugins or /etc/docker/plugins; any other one that of the
reference which installed it."""


def parse_volume_name(value: object) -> str:
    """Return a name that Docker's own driver accepts for a volume (moby, RestrictedNamePattern in daemon/names/names.go)."""
    text = need_string(value, "the name of a volume")
    if not VOLUME_NAME.fullmatch(text) or len(text) > LONGEST_VOLUME:
        fail(
            "IPF214",
            "Docker refuses this name for a volume",
            "the volume could not be created, so none of the containers that mount it",
            f"use 2 to {LONGEST_VOLUME} of a-z, A-Z, 0-9, _ . -, beginning with a letter or digit",
        )
    return text


def parse_driver(value: object) -> str:
    """Return the driver of a volume: `local`, or the name of a plugin that is installed on the host."""
    text = need_string(value, "the driver of a volume")
    if not DRIVER.fullmatch(text):
        fail(
            "IPF215",
            "this is not the name of a driver of volumes",
            "Docker would find no such plugin, and the volume could not be created",
            "write local, or the name of a plugin as `docker plugin ls` prints it: vieux/sshfs:latest",
        )
    return text


def parse_option_name(value: object) -> str:
    """Return the name of an option of a driver, or of a label: not empty, in one line."""
    text = need_text(value, "the name of an option")
    if not text.strip() or not text.isprintable():
        fail(
            "IPF216",
            "this is not the name of an option or label",
            "the driver would refuse the volume, or ignore what you meant by it",
            "write a name in one line: type, o, device",
        )
    return text


VolumeName = Annotated[
    str, BeforeValidator(parse_volume_name), string_schema("A name that Docker accepts for a volume", VOLUME_KEY)
]
Driver = Annotated[str, BeforeValidator(parse_driver), string_schema("local, or the name of a plugin", DRIVER)]
OptionName = Annotated[str, BeforeValidator(parse_option_name)]
