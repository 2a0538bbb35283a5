"""Named volumes on a host: whose one is, whether it is as planned, and how it is created, used again or deleted.

Docker has no ids for volumes, and cannot change one: a request to create a name that exists answers the old volume without a word,
whatever its options are (moby, VolumeStore.Create in volume/service/store.go, 20.10 to 29). So one that exists is looked at before
and after that request, and one that is not as planned is refused.

Out of scope: what is planned (`ipvlan.plan.volumes`), and the engine's resource (`provider.volume`).
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from urllib.parse import quote

from ipvlan.config.shown_values import NOT_SHOWN
from ipvlan.hosts.errors import (
    VOLUME_DIFFERENT,
    VOLUME_MISSING,
    VOLUME_NOT_OURS,
    VOLUME_REFUSED,
    DockerRefusedError,
    HostError,
)
from ipvlan.hosts.ids import listed
from ipvlan.plan.ownership import known_owner, owner_label, parse_owner_label
from ipvlan.plan.resource_names import OWNER_LABEL, STACK_LABEL
from ipvlan.plan.volumes import canonical_driver

if TYPE_CHECKING:
    from ipvlan.hosts.engine import Engine
    from ipvlan.hosts.engine_writes import EngineWrites

SHORTEST_HIDDEN: Final = 4
"""Characters of a secret that is hidden inside of other words too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveVolume:
    """A volume as Docker describes it."""

    name: str
    driver: str
    options: Mapping[str, str]
    """May hold secrets."""
    labels: Mapping[str, str]

    @property
    def id(self) -> str:
        """Its name: Docker has no other id for a volume."""
        return self.name


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A volume as it is to be on a host."""

    host: str
    name: str
    driver: str
    options: Mapping[str, str]
    """All of them, with the values of secrets."""
    labels: Mapping[str, str]
    """Those of the config alone."""
    external: bool
    owner: str
    """The stack's owner id."""
    stack: str
    """The stack's short name."""
    accepted: str = ""
    """The owner label of the volume that the state has, where an earlier life of the stack created it."""
    secrets: Collection[str] = ()
    """Values of secret options: no message repeats them, nor a part of them."""
    unknown_options: Collection[str] = ()
    """Names of options whose values are not known here; they are not compared."""

    @property
    def owner_label(self) -> str:
        """The owner label of a volume that this stack creates here."""
        return owner_label(self.owner, self.host, self.name)


def live_volume(described: Mapping[str, Any]) -> LiveVolume:
    """Return a volume of Docker's list or description."""
    return LiveVolume(
        name=described["Name"],
        driver=described.get("Driver") or "",
        options=described.get("Options") or {},
        labels=described.get("Labels") or {},
    )


def find(engine: Engine, name: str) -> LiveVolume | None:
    """Return the volume of that name; None where there is none.

    Raises:
        DockerRefusedError: Its driver does not answer, so whether there is one is not known.
    """
    described = engine.volume(name)
    return None if described is None else live_volume(described)


def users(containers: Sequence[Mapping[str, Any]], name: str) -> dict[str, str]:
    """Return the containers of Docker's list that mount a volume, stopped ones too: Docker's id -> name."""
    return {
        container["Id"]: (container.get("Names") or [container["Id"]])[0].removeprefix("/")
        for container in containers
        if any(mount.get("Type") == "volume" and mount.get("Name") == name for mount in container.get("Mounts") or ())
    }


def _others(containers: Sequence[Mapping[str, Any]], owner: str) -> list[Mapping[str, Any]]:
    """Return the containers of Docker's list that do not have a stack's owner id."""
    labels = (parse_owner_label((container.get("Labels") or {}).get(OWNER_LABEL, "")) for container in containers)
    return [
        container
        for container, label in zip(containers, labels, strict=True)
        if not owner or label is None or label.owner != owner
    ]


def differences(wanted: Wanted, live: LiveVolume) -> list[str]:
    """Return what of the volume is not as planned, in words and without values: driver and options. Docker cannot change any."""
    found = []
    if canonical_driver(live.driver) != canonical_driver(wanted.driver):
        found.append(f"driver {live.driver} instead of {wanted.driver}")
    names = live.options.keys() | wanted.options.keys() | set(wanted.unknown_options)
    for name in sorted(names):
        planned = name in wanted.options or name in wanted.unknown_options
        if not planned:
            found.append(f"the option {name}, which is not planned")
        elif name not in live.options:
            found.append(f"no option {name}")
        elif name not in wanted.unknown_options and live.options[name] != wanted.options[name]:
            found.append(f"another value of the option {name}")
    return found


def created_here(wanted: Wanted, live: LiveVolume) -> bool:
    """Return whether this stack, with its owner id of today, created the volume here: only such a one is ever deleted."""
    return bool(wanted.owner) and live.labels.get(OWNER_LABEL) == wanted.owner_label


def is_ours(wanted: Wanted, live: LiveVolume) -> bool:
    """Return whether this stack created the volume here, or the state has it from an earlier life of the stack."""
    label = live.labels.get(OWNER_LABEL, "")
    return created_here(wanted, live) or bool(wanted.accepted and label == wanted.accepted)


def of_earlier_life(wanted: Wanted, live: LiveVolume) -> bool:
    """Return whether a stack of this name created it: here with another owner id, or when the host had another name.

    `pulumi destroy` ends an owner id, and keeps volumes. Another clone of the project has stacks of the same name too: so one that
    a container of others uses, or whose label has both another owner id and another host, is no volume that was kept.
    """
    label = parse_owner_label(live.labels.get(OWNER_LABEL, ""))
    return (
        label is not None
        and not is_ours(wanted, live)
        and label.place.service == wanted.name
        and (label.owner == wanted.owner or label.place.host == wanted.host)
        and live.labels.get(STACK_LABEL) == wanted.stack
    )


def obstacle(wanted: Wanted, live: LiveVolume | None, containers: Sequence[Mapping[str, Any]]) -> HostError | None:
    """Return why the volume that exists cannot be the planned one; None where it can, or where one can be created.

    Args:
        wanted: The planned volume.
        live: The one of that name; None where there is none.
        containers: Those of the host, as Docker lists them; they decide only about a volume that is not ours.
    """
    if live is None:
        return _missing(wanted) if wanted.external else None
    if wanted.external:
        return None
    if not is_ours(wanted, live):
        # The stack's own can mount one that it took over, and that the state lost since.
        others = users(_others(containers, wanted.owner), wanted.name)
        if others or not of_earlier_life(wanted, live):
            return _not_ours(wanted, live, (others or users(containers, wanted.name)).values())
    different = differences(wanted, live)
    return _different(wanted, live, different) if different else None


class Ensured(NamedTuple):
    """A planned volume that exists."""

    live: LiveVolume
    created: bool
    """Whether it was created now, empty."""
    reused: bool
    """Whether an earlier life of the stack kept it, and it is used again with its data."""


def ensure(engine: EngineWrites, wanted: Wanted) -> Ensured:
    """Return the planned volume, which exists then.

    Raises:
        HostError: Another volume has the name, an external one is missing, or Docker refuses it. Nothing was changed.
    """
    live = find(engine, wanted.name)
    containers = engine.containers() if live is not None and not is_ours(wanted, live) else ()
    failure = obstacle(wanted, live, containers)
    if failure is not None:
        raise failure
    if live is not None:
        return Ensured(live, created=False, reused=not wanted.external and not is_ours(wanted, live))
    labels = {**wanted.labels, STACK_LABEL: wanted.stack, OWNER_LABEL: wanted.owner_label}
    refusal = engine.volume_not_created(wanted.name, wanted.driver, wanted.options, labels)
    if refusal:
        raise _refused(wanted, refusal)
    created = find(engine, wanted.name)
    if created is None or created.labels.get(OWNER_LABEL) != wanted.owner_label or differences(wanted, created):
        # Somebody else was faster, or a driver made something else of it.
        raise _not_ours(wanted, created, ()) if created else _refused(wanted, "it does not exist after its creation")
    return Ensured(created, created=True, reused=False)


def delete(engine: EngineWrites, host: str, name: str, owner: str) -> str:
    """Delete a volume of ours with its data; return why it is kept, where it is; empty when it is gone.

    A driver that does not answer is a reason to keep it, and no failure: a stack with it can be destroyed.

    Args:
        engine: The host's Docker.
        host: The host's name.
        name: The volume's name in Docker.
        owner: The stack's owner id: a volume without it in its owner label is kept.
    """
    try:
        live = find(engine, name)
    except DockerRefusedError as error:
        return error.problems[0].problem
    if live is None:
        return ""
    if not owner or live.labels.get(OWNER_LABEL) != owner_label(owner, host, name):
        return f"{known_owner(live) or 'somebody else'} made it"
    used_by = sorted(users(engine.containers(), name).values())
    if used_by:
        return f"{listed(used_by)} mounts it"
    # In the same visit: Docker itself keeps one that a container came to use meanwhile.
    return engine.volume_not_removed(name)


def kept_line(host: str, name: str) -> str:
    """Return the line about a volume that stays on a host with its data."""
    return f"volume {name} on {host} is kept, with its data; to remove it, run on {host}: docker volume rm {name}"


def _missing(wanted: Wanted) -> HostError:
    return HostError.on(
        wanted.host,
        VOLUME_MISSING,
        problem=f"there is no volume {wanted.name}, which is external: somebody else makes it",
        effect="Docker would make an empty one in its place for the containers that mount it; nothing was changed",
        fix=f"create it on the host (docker volume create {wanted.name}), or remove external",
    )


def _not_ours(wanted: Wanted, live: LiveVolume, used_by: Collection[str]) -> HostError:
    owner = known_owner(live)
    made_by = f"{owner} made it" if owner else "this stack did not make it"
    used = f", and {listed(sorted(used_by))} mounts it" if used_by else ""
    return HostError.on(
        wanted.host,
        VOLUME_NOT_OURS,
        problem=f"there is a volume {wanted.name} already: {made_by}{used}",
        effect="the stack would take over data of others; nothing was changed",
        fix="set external: true for the volume, to use it as it is (also where Docker made it because a container of this stack "
        "mounted the name before it was in `volumes`); or give yours another name",
    )


def _different(wanted: Wanted, live: LiveVolume, different: Sequence[str]) -> HostError:
    lose = "; where its data may be lost, run `pulumi up` with delete: true alone, then change it"
    return HostError.on(
        wanted.host,
        VOLUME_DIFFERENT,
        problem=f"volume {wanted.name} has {', '.join(different)}, and Docker cannot change a volume",
        effect="its containers would go on with the volume as it is; nothing was changed",
        fix="give it another name, and copy the data; or stop its containers, copy the data, remove it by hand "
        f"(docker volume rm {wanted.name}) and run `pulumi up` again{lose if created_here(wanted, live) else ''}",
    )


def _refused(wanted: Wanted, refusal: str) -> HostError:
    return HostError.on(
        wanted.host,
        VOLUME_REFUSED,
        problem=f"volume {wanted.name} is not created: {_without(wanted.secrets, refusal)}",
        effect="the containers that mount it are not created; the ones that run go on",
        fix="correct its driver and options, or install the plugin on the host (docker plugin install)",
    )


def _without(secrets: Collection[str], text: str) -> str:
    """Return Docker's sentence without secret values: Docker and plugins repeat options, whole, in parts, and quoted.

    A short one is hidden where it is a word by itself: everywhere else it is a letter of another word.
    """
    parts = {part for value in secrets for one in (value, *value.split(",")) for part in (one, one.partition("=")[2])}
    # As Go's %q and as a URL has them.
    forms = {form for part in parts for form in (part, json.dumps(part, ensure_ascii=False)[1:-1], quote(part))} - {""}
    patterns = [
        re.escape(form) if len(form) >= SHORTEST_HIDDEN else rf"(?<!\w){re.escape(form)}(?!\w)"
        for form in sorted(forms, key=len, reverse=True)
    ]
    return re.sub("|".join(patterns), NOT_SHOWN, text) if patterns else text
