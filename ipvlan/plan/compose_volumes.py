"""Decides what an import of compose files writes into the section `volumes` of a stack.

Out of scope: what of a compose volume has a key here (`ipvlan.config.compose.volumes`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from ipvlan.config.compose.node import LeftOut
from ipvlan.config.compose.services import CarriedProject
from ipvlan.config.compose.volumes import INSTEAD, CarriedVolume
from ipvlan.config.models import StackConfig
from ipvlan.config.volume_model import VolumeConfig
from ipvlan.plan.rules.volumes import check
from ipvlan.plan.volumes import docker_name
from ipvlan.problems import Problem, shorten

_EXISTS: Final = (
    "a stack takes no volume that it did not create: on a host where compose made this one already, `pulumi up` ends before it "
    "changes anything; write external: true alone instead, which keeps that volume with its data"
)


@dataclass(frozen=True, slots=True)
class VolumeEntries:
    """What an import writes of volumes, and what it says of them."""

    entries: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    """New entries of the section, with all their keys."""
    problems: list[Problem] = field(default_factory=list)
    left_out: list[LeftOut] = field(default_factory=list)


def volume_entries(
    config: StackConfig, services: Mapping[str, dict[str, Any]], project: CarriedProject
) -> VolumeEntries:
    """Return the entries that new services need; their mounts of volumes that the section has by another key get that key.

    Args:
        config: The stack before the import.
        services: The new services, with their keys, whose mounts are changed.
        project: What is carried over.
    """
    result = VolumeEntries()
    keys = {docker_name(key, volume): key for key, volume in config.volumes.items()}
    for name, settings in services.items():
        for source in dict.fromkeys(_sources(settings)):
            if source in keys:
                _rename(settings, source, keys[source])
            elif source in config.volumes:
                result.problems.append(_other_volume(name, source, docker_name(source, config.volumes[source])))
            elif source in project.volumes and source not in result.entries:
                _add(result, config, source, project.volumes[source])
    return result


def _sources(settings: Mapping[str, Any]) -> list[str]:
    texts = [text.partition(":")[0] for text in settings.get("volumes", ())]
    named = [mount["source"] for mount in settings.get("mounts", ()) if mount["type"] == "volume"]
    return [source for source in (*texts, *named) if not source.startswith("/")]


def _rename(settings: dict[str, Any], source: str, key: str) -> None:
    for section in ("volumes", "mounts"):
        if section in settings:
            settings[section] = [_renamed(entry, source, key) for entry in settings[section]]


def _renamed(entry: Any, source: str, key: str) -> Any:
    if isinstance(entry, str):
        own, _, rest = entry.partition(":")
        return f"{key}:{rest}" if own == source else entry
    return {**entry, "source": key} if entry["type"] == "volume" and entry["source"] == source else entry


def _add(result: VolumeEntries, config: StackConfig, name: str, volume: CarriedVolume) -> None:
    model = VolumeConfig.model_validate(volume.settings)
    alone = config.model_copy(update={"volumes": {name: model}})
    path = f"volumes.{shorten(name)}"
    refused = [problem for problem in check(alone, (), with_services=False) if problem.key.startswith(path)]
    result.entries[name] = {"external": True} if refused else volume.settings
    result.left_out.extend(
        volume.note(problem.key.removeprefix(path).removeprefix("."), f"{problem.problem}: {problem.fix}{INSTEAD}")
        for problem in refused
    )
    if not refused and not model.external:
        result.left_out.append(volume.note("", _EXISTS, advice=True))
        if volume.variables:
            result.left_out.append(
                volume.note(
                    "",
                    f"values of .env or --env-file are in the stack file now, in plaintext: {', '.join(volume.variables)}; what is "
                    "secret belongs into secret_driver_opts, by `pulumi config set --secret NAME`",
                    advice=True,
                )
            )


def _other_volume(service: str, source: str, name: str) -> Problem:
    return Problem(
        code="IPF928",
        key=f"services.{service}.volumes and volumes.{shorten(source)}",
        value=shorten(source),
        problem=f"the stack has this key for the volume {shorten(name)}, and compose means the volume {shorten(source)}",
        effect="nothing is imported: the container would get the data of another volume",
        fix="give the volume of the stack another key, in its section and in the services that mount it",
    )
