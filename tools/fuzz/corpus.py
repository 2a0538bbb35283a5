"""The valid stack files that mutations begin with, and values of the known bad inputs. All of it is in the repository."""

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Final

from ipvlan import PROJECT
from ipvlan.config.bridge_model import BridgeConfig
from ipvlan.config.models import FabricConfig, HostConfig, ServiceConfig, SshConfig
from ipvlan.config.types.base import Model
from ipvlan.config.volume_model import VolumeConfig
from ipvlan.config.yaml_text import parse_text
from tools.bad_input import CASES
from tools.reference_setup import REMOVE, STACK_TEXT

ROOT: Final = Path(__file__).resolve().parent.parent.parent
COMMON_NAME: Final = "stacks/common.yaml"
STACK: Final = "fuzz"
OWN_NAME: Final = f"Pulumi.{STACK}.yaml"

MODELS: Final[dict[str, type[Model]]] = {
    "fabric": FabricConfig,
    "hosts": HostConfig,
    "services": ServiceConfig,
    "volumes": VolumeConfig,
    "bridges": BridgeConfig,
    "ssh": SshConfig,
}
"""Section -> what its entries, or the section itself, are."""

_SECRET: Final = f"  {PROJECT}:token:\n    secure: v1:Zm9v:YmFy\n"


@dataclass(frozen=True)
class Seed:
    """One valid stack."""

    name: str
    text: str
    """Its file, with a secret `token` that mutated services may refer to."""
    common: str | None
    """The shared file, where the stack has one."""

    def tree(self) -> dict[str, Any]:
        """Return the file's content, to change."""
        return copy.deepcopy(_parsed(self))


@cache
def _parsed(seed: Seed) -> dict[str, Any]:
    return parse_text(seed.text, seed.name)


@dataclass(frozen=True)
class Corpus:
    """What inputs are made of."""

    seeds: tuple[Seed, ...]
    texts: tuple[str, ...]
    """Whole files that are wrong in a known way."""
    values: dict[str, list[Any]] = field(repr=False)
    """Key -> values that are wrong in a known way."""


def read_corpus() -> Corpus:
    """Return the corpus, always in the same order."""
    common = (ROOT / COMMON_NAME).read_text(encoding="utf-8")
    seeds = [Seed("reference", STACK_TEXT + _SECRET, None)]
    for path in sorted([*ROOT.glob("Pulumi.*.yaml"), *ROOT.glob("examples/*.yaml")]):
        text = path.read_text(encoding="utf-8")
        if f"{PROJECT}:fabric" not in text and COMMON_NAME not in text:
            continue
        with_secret = text if "secure:" in text else text.replace("config:\n", f"config:\n{_SECRET}", 1)
        seeds.append(Seed(path.name, _bare(with_secret), _bare(common) if COMMON_NAME in text else None))
    values: dict[str, list[Any]] = {}
    for case in CASES:
        for key, value in case.changes.items():
            if value is not REMOVE:
                values.setdefault(key.rpartition(".")[2], []).append(value)
    return Corpus(tuple(seeds), tuple(case.text for case in CASES if case.text is not None), values)


def _bare(text: str) -> str:
    """Return the text without the lines that are comments: short files are tried faster, and the reference setup has comments."""
    return "".join(line for line in text.splitlines(keepends=True) if not line.lstrip().startswith("#"))
