"""A project's folder in which one stack has a given config; its other files are those of the working folder."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ipvlan.config.yaml_file import Checkout


class GivenFolder:
    """The working folder, with the file of one stack in it: it is a `ProjectFolder`."""

    def __init__(self, stack: str, config: Mapping[str, Any], secrets: Mapping[str, str]) -> None:
        self._others = Checkout(Path())
        self._name = f"Pulumi.{stack}.yaml"
        keys = {**config, **{key: {"secure": "v1:made-up"} for key in secrets}}
        self._text = json.dumps({"config": {f"ipvlan-fabric:{key}": value for key, value in keys.items()}})

    def text(self, name: str) -> str:
        """Return the text of a file."""
        return self._text if name == self._name else self._others.text(name)

    def has(self, name: str) -> bool:
        """Return whether there is such a file."""
        return name == self._name or self._others.has(name)

    def content(self, name: str) -> bytes:
        """Return the bytes of a file."""
        return self._others.content(name)

    def below(self, name: str) -> list[str]:
        """Return the paths of the files below a folder."""
        return self._others.below(name)

    def stack_files(self) -> list[str]:
        """Return the names of the stack files."""
        return sorted({self._name, *self._others.stack_files()})
