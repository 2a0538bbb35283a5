"""The volumes at the top of a compose file, as entries of the section `volumes` of a stack file.

A volume without options needs no entry: Docker makes it on each host, as compose does. One with a driver, options or labels has
them in its entry. One whose options cannot be written is `external: true`: else Docker would make an empty one of its own driver
in its place.

Out of scope: the rules of a stack file for options, such as that for passwords (`ipvlan.plan.compose_volumes`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from pydantic import ValidationError

from ipvlan.config.compose import forms
from ipvlan.config.compose.mounts import Sources
from ipvlan.config.compose.node import LeftOut, LeftOutError, Node, Place, variables_of
from ipvlan.config.compose.source import PROJECT_VARIABLE
from ipvlan.config.messages import entries_of, problem_of
from ipvlan.config.volume_model import VolumeConfig

INSTEAD: Final = "; until then external: true is written, so that no empty volume takes its place"


@dataclass(frozen=True, slots=True, kw_only=True)
class CarriedVolume:
    """A volume of a compose file that needs an entry in the stack file."""

    key: str
    """Its key in the compose file."""
    place: Place
    settings: Mapping[str, Any]
    """Keys of `VolumeConfig` -> values."""
    variables: tuple[str, ...] = ()
    """The variables of files whose values are in them."""

    def note(self, path: str, reason: str, *, advice: bool = False) -> LeftOut:
        """Return a line of the list of what is left out; `path` is below the volume."""
        key = ".".join(part for part in ("volumes", self.key, path) if part)
        return LeftOut(place=self.place, service="", key=key, kind="advice" if advice else "not-carried", reason=reason)


def carried_volumes(sources: Sources) -> tuple[dict[str, CarriedVolume], list[LeftOut]]:
    """Return the volumes that need an entry, by their names in Docker, and what of them is left out."""
    volumes: dict[str, CarriedVolume] = {}
    left_out: list[LeftOut] = []
    for key, node in sources.volumes.items():
        try:
            name = sources.volume(key)
        except LeftOutError:
            # Each service that mounts it says so.
            continue
        below = node.value if isinstance(node.value, dict) else {}
        external = below.get("external")
        if external is not None and external.value not in (None, False):
            volumes[name] = CarriedVolume(key=key, place=node.place, settings={"external": True})
            continue
        settings, refused = _settings(key, node, below, sources)
        left_out.extend(refused)
        if refused:
            settings = {"external": True}
        if settings:
            variables = tuple(sorted({*variables_of(node)} - {PROJECT_VARIABLE}))
            volumes[name] = CarriedVolume(key=key, place=node.place, settings=settings, variables=variables)
    return volumes, left_out


def _settings(
    key: str, node: Node, below: Mapping[str, Node], sources: Sources
) -> tuple[dict[str, Any], list[LeftOut]]:
    settings: dict[str, Any] = {}
    refused: list[LeftOut] = []

    def refuse(path: str, place: Place, reason: str) -> None:
        refused.append(
            LeftOut(
                place=place, service="", key=f"volumes.{key}.{path}", kind="not-carried", reason=f"{reason}{INSTEAD}"
            )
        )

    for option in ("driver", "driver_opts", "labels"):
        value = below.get(option)
        if value is None or value.value is None:
            continue
        try:
            if option == "driver":
                settings[option] = forms.text(value)
                continue
            entries = list(forms.pairs(value))
        except LeftOutError as error:
            refuse(option, value.place, str(error))
            continue
        texts: dict[str, str] = {}
        for name, entry in entries:
            try:
                texts[name] = "" if entry.value is None else forms.text(entry)
            except LeftOutError as error:
                refuse(f"{option}.{name}", entry.place, str(error))
        if texts:
            settings[option] = texts
    options = settings.get("driver_opts", {})
    # A bind of a path of the host; without `driver: local` the path stays as it is (compose-go 2.16, volumeDriverOpts).
    if settings.get("driver") == "local" and options.get("o") == "bind" and "device" in options:
        try:
            options["device"] = sources.path(options["device"])
        except LeftOutError as error:
            refuse("driver_opts.device", node.place, str(error))
    if settings.get("driver") in ("local", ""):
        del settings["driver"]
    try:
        VolumeConfig.model_validate(settings)
    except ValidationError as error:
        for raw in entries_of(error):
            problem = problem_of(VolumeConfig, raw, "")
            path = ".".join(str(part) for part in raw["loc"] if part != "[key]")
            refuse(path, node.place, f"{problem.problem}: {problem.fix}")
    return settings, refused
