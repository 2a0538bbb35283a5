"""Orphaned resources: what an interrupted `up` created on a host and did not record in the stack's state.

One that was deleted is one too, where a power cut brought it back: Docker does not wait until a deletion is on the disk. Docker
refuses a second container or network of that name, so the next `up` could never complete. Responsible for finding such a resource
by its name and its owner label, for removing it by its id where it cannot be in use by another run, and for saying what it is
where it stays.

Out of scope: whether the state records it, which the engine knows.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from ipvlan.hosts.errors import NAME_TAKEN, HostError
from ipvlan.hosts.ids import short_id
from ipvlan.hosts.script import read_json, run_script
from ipvlan.plan.ownership import known_owner
from ipvlan.plan.resource_names import OWNER_LABEL

if TYPE_CHECKING:
    from ipvlan.hosts.connection import HostConnection

Kind = Literal["container", "network"]

TIMEOUT_SECONDS: Final = 90.0
"""For one visit: a docker command or two, on a busy host."""

_NAME_TAKEN: Final[dict[Kind, re.Pattern[str]]] = {
    "container": re.compile(r"container name .* is already in use"),
    "network": re.compile(r"network with name .* already exists"),
}
"""How Docker refuses a name that is taken (moby daemon/names.go, libnetwork/controller.go)."""


KEPT: Final[Mapping[str, str]] = {
    "label": "it is not this stack's",
    "image": "its owner label comes from its image, as `docker commit` makes them, so it is not this stack's",
    "running": "it has this stack's owner label and ran, and the state does not say that an `up` was interrupted there; another "
    "copy of the state may have recorded it",
    "used": "it has this stack's owner label, the state does not record it, and containers use it",
}
"""Why what has a planned name is not removed."""


def is_name_taken(kind: Kind, error: str) -> bool:
    """Return whether Docker refused to create it because there is one of that name."""
    return bool(_NAME_TAKEN[kind].search(error))


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What has the name on the host; `labels` are its own and its image's."""

    id: str
    labels: Mapping[str, str]
    kept: str
    """Why it was not removed: a key of KEPT; empty where it was removed."""


def remove_orphan(
    connection: HostConnection, kind: Kind, name: str, owner: str, *, interrupted: bool, deleted: str = ""
) -> Found | None:
    """Remove the container or network of that name if it is an orphan of the stack that creates it.

    A network is removed where no container uses it. A container is removed where it never ran, or where the state says that its
    creation was begun and not ended, or that this one was deleted: another copy of the state may have recorded one that runs
    (docs/decisions/0019-identity.md).

    Call it only for what the state does not know.

    Args:
        connection: The host.
        kind: What it is.
        name: Its name.
        owner: The owner label that this stack writes at this place.
        interrupted: Whether the state has the creation as begun and not ended by an earlier run.
        deleted: The id that the state has as deleted for a replacement; empty for none.

    Returns:
        What has the name; None where nothing has.

    Raises:
        HostError: The host does not answer.
    """
    variables = {
        "kind": kind,
        "name": name,
        "label": OWNER_LABEL,
        "value": owner,
        "interrupted": "yes" if interrupted else "",
        "deleted": deleted,
    }
    output = run_script(connection, "remove_orphan.sh", variables, timeout=TIMEOUT_SECONDS).output
    if "id" not in output:
        return None
    kept = "" if "removed" in output else output.text("kept")
    return Found(id=output.text("id"), labels=read_json(connection.name, output, "labels") or {}, kept=kept)


def name_taken(connection: HostConnection, kind: Kind, name: str, found: Found, *, key: str, unread: str) -> HostError:
    """Return that Docker refuses the name because of what was found, why that stays, and what a person can do.

    Args:
        connection: The host.
        kind: What it is.
        name: Its name.
        found: What has the name.
        key: The config key that sets the name.
        unread: Why the stack's state could not be read; empty when it was.
    """
    owner = known_owner(found)
    about = f"the {kind} {name} ({short_id(found.id)}{f', of {owner}' if owner else ''})"
    command = f"docker {'network rm' if kind == 'network' else 'rm -f'} {short_id(found.id)}"
    reason = KEPT.get(found.kept, KEPT["label"])
    return HostError.on(
        connection.name,
        NAME_TAKEN,
        problem=f"{about} has the name of a planned one: {reason}{f' ({unread})' if unread else ''}",
        effect="it was not removed, and the planned one was not created",
        fix=f"set another name in {key}; or, if nobody needs it: `{command}` on the host",
    )
