"""Takes out of a carried service what this version does not take as a value, each with the reason that a stack file would get.

Out of scope: what two keys must agree on, which a plan finds.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from pydantic import ValidationError

from ipvlan.config.compose.carried import Carried
from ipvlan.config.compose.node import Node
from ipvlan.config.messages import entries_of, problem_of
from ipvlan.config.models import ServiceConfig
from ipvlan.config.types.sizes import UNLIMITED

_NEEDED: Final = {"image": "registry/name:tag"}
"""Values for what is not concerned here."""
_DEEPEST: Final = 2
"""Parts of a key that can be taken out alone: an entry of a list or mapping, not a part of it."""


def refused_image(image: str) -> str:
    """Return why `ServiceConfig` refuses an image; an empty text where it does not."""
    try:
        ServiceConfig.model_validate({"image": image})
    except ValidationError as error:
        problems = [problem_of(ServiceConfig, entry, "") for entry in entries_of(error) if entry["loc"][0] == "image"]
        return "; ".join(f"{problem.problem}: {problem.fix}" for problem in problems)
    return ""


def without_refused(service: Carried) -> None:
    """Remove what `ServiceConfig` refuses, and note it as left out; a refused image stays, since nothing is left without one."""
    for _ in range(len(service.settings) + 1):
        try:
            ServiceConfig.model_validate({**_NEEDED, **service.settings})
        except ValidationError as error:
            if not _remove_all(service, [entry for entry in entries_of(error) if entry["loc"][0] != "image"]):
                return
        else:
            return


def without_unfit_memory(service: Carried) -> None:
    """Remove limits of memory that do not go with `memory`, which Docker refuses too (moby, verifyPlatformContainerResources)."""
    try:
        model = ServiceConfig.model_validate({**_NEEDED, **service.settings})
    except ValidationError:
        # Its image is refused, which a plan says.
        return
    memory, swap, reservation = model.memory, model.memory_swap, model.memory_reservation
    if swap is not None and memory is None:
        _leave_out_memory(service, "memory_swap", "Docker takes it with mem_limit alone: write both")
    elif memory is not None and swap not in (None, UNLIMITED) and swap < memory:
        _leave_out_memory(service, "memory_swap", "it is below mem_limit, and Docker refuses the container")
    if memory is not None and reservation is not None and reservation > memory:
        _leave_out_memory(service, "memory_reservation", "it is above mem_limit, and Docker refuses the container")


def _leave_out_memory(service: Carried, key: str, reason: str) -> None:
    origin, place = service.origins[key]
    del service.settings[key]
    service.leave_out(origin, Node(None, place), reason)


def _remove_all(service: Carried, entries: list[Mapping[str, Any]]) -> bool:
    """Remove each place once, from the end of lists; return whether there was one."""
    places: dict[tuple[Any, ...], tuple[tuple[Any, ...], Mapping[str, Any]]] = {}
    for entry in entries:
        location = tuple(part for part in entry["loc"] if part != "[key]")[:_DEEPEST]
        value = service.settings.get(location[0])
        # A healthcheck has nothing without its test.
        whole = len(location) == 1 or not isinstance(value, dict | list) or location == ("healthcheck", "test")
        places.setdefault(location[:1] if whole else location, (location, entry))
    for place in sorted(places, key=lambda place: [str(part).zfill(9) for part in place], reverse=True):
        _note(service, *places[place])
        _remove(service, place)
    return bool(places)


def _note(service: Carried, location: tuple[Any, ...], entry: Mapping[str, Any]) -> None:
    origin, place = service.origins.get(str(location[0]), (str(location[0]), service.place))
    if entry["type"] == "extra_forbidden":
        reason = f"this version has no key {'.'.join(map(str, location))}"
    else:
        problem = problem_of(ServiceConfig, entry, "")
        reason = f"{problem.problem}: {problem.fix}"
    below = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in location[1:])
    service.leave_out(f"{origin}{below}", Node(None, place), reason)


def _remove(service: Carried, place: tuple[Any, ...]) -> None:
    key = str(place[0])
    value = service.settings.get(key)
    if len(place) == 1 or not isinstance(value, dict | list) or len(value) == 1:
        service.settings.pop(key, None)
        if key == "ports":
            service.settings.pop("published", None)
    else:
        del value[place[1]]
