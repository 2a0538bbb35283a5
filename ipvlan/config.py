"""Reads the stack config and refuses what is wrong with it, everything at once.

Owns the way from the stack file (or from what Pulumi read of it) to a validated, frozen `StackConfig`. It decides no
address; `ipvlan.plan` does. It needs no passphrase: secrets stand in the config by reference only.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from ruamel.yaml import YAML

from ipvlan.models import FabricConfig, HostConfig, ServiceConfig, SshConfig, StackConfig
from ipvlan.problems import ConfigError, Problem, shorten

__all__ = [
    "PROJECT",
    "SECTIONS",
    "ConfigError",
    "FabricConfig",
    "HostConfig",
    "Problem",
    "ServiceConfig",
    "SshConfig",
    "StackConfig",
    "load_stack",
    "parse",
]

PROJECT = "ipvlan-fabric"
"""The Pulumi project's name, which is the namespace of its config keys."""
SECTIONS = ("fabric", "hosts", "services", "ssh")
"""The config keys that hold the stack, without the namespace."""


def parse(raw: Mapping[str, object], *, known_config_keys: frozenset[str] | None = None) -> StackConfig:
    """The validated config out of plain maps and lists; raises `ConfigError` with all problems."""
    try:
        return StackConfig.model_validate({key: raw[key] for key in SECTIONS if raw.get(key) is not None})
    except ValidationError as error:
        raise ConfigError(
            Problem(
                key=".".join(str(part) for part in entry["loc"]),
                value=shorten(entry["input"]),
                wrong=entry["msg"],
                consequence="",
                mend="",
            )
            for entry in error.errors()
        ) from None


def load_stack(stack: str, root: Path) -> StackConfig:
    """The config of `Pulumi.<stack>.yaml` in `root`; raises `ConfigError`."""
    content: Any = YAML(typ="safe", pure=True).load(
        (root / f"Pulumi.{stack}.yaml").read_text(encoding="utf-8")
    )
    config = content["config"]
    raw = {key: config.get(f"{PROJECT}:{key}") for key in SECTIONS}
    return parse({key: json.loads(value) if isinstance(value, str) else value for key, value in raw.items()})
