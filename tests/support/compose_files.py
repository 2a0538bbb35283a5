"""Compose files of tests, as texts, and what is carried over of them."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from ipvlan.config.compose.node import LeftOut
from ipvlan.config.compose.services import CarriedProject, carried_project
from ipvlan.config.compose.source import read_project


def carried_files(*texts: str, dotenv: str = "", name: str | None = "shop", **options: Any) -> CarriedProject:
    """Return what is carried over of compose files, which are laid over each other; `options` are those of the import."""
    with tempfile.TemporaryDirectory() as folder:
        files = []
        for number, text in enumerate(texts):
            files.append(Path(folder) / f"{number}.yaml")
            files[-1].write_text(text, encoding="utf-8")
        if dotenv:
            (Path(folder) / ".env").write_text(dotenv, encoding="utf-8")
        return carried_project(read_project(files, name=name), **options)


def carried_keys(keys: Mapping[str, Any], **options: Any) -> tuple[dict[str, Any], dict[str, LeftOut]]:
    """Return what is carried over of one service with these keys, but for its image, and what is left out by key."""
    service = {"image": "registry/app:1", **keys}
    volumes = {
        "data": None,
        "named": {"name": "real"},
        "old": {"external": True},
        "older": {"external": {"name": "there"}},
    }
    text = yaml.safe_dump({"services": {"app": service, "db": {"image": "db"}}, "volumes": volumes}, sort_keys=False)
    # As people write it: our reader refuses what readers of YAML differ on, and PyYAML quotes most of it.
    project = carried_files(text, **options)
    settings = dict(project.services["app"].settings)
    assert settings.pop("image") == "registry/app:1"
    if "restart" not in keys and settings.get("restart") == "no":
        del settings["restart"]
    return settings, {entry.key: entry for entry in project.left_out if entry.service == "app"}
