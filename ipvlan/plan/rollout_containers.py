"""What the containers are that a change of a container makes on its host, besides the one that the plan has.

A change keeps the previous container as a spare until its replacement is up, and runs it again where that does not come up. They
have the stack's owner label, and most of them are not in its state. Told by the label, the name and the host together: an image can
carry the labels, so what is found here is shown, holds its address rightly, and is never changed for that alone.

Out of scope: making, restoring and removing them.
"""

from __future__ import annotations

from typing import Final, Literal, Protocol

from ipvlan.plan.ownership import Labelled, Ownership, parse_owner_label
from ipvlan.plan.resource_names import (
    FAILED_SUFFIX,
    OWNER_LABEL,
    PREVIOUS_LABEL,
    PREVIOUS_SUFFIX,
    REHEARSAL_SUFFIX,
    STACK_LABEL,
)

Role = Literal["spare", "failed", "rehearsal", "restored"]
"""`restored`: a spare that runs under the planned name, in place of a replacement that did not come up."""

_SUFFIXES: Final[dict[str, Role]] = {
    PREVIOUS_SUFFIX: "spare",
    FAILED_SUFFIX: "failed",
    REHEARSAL_SUFFIX: "rehearsal",
}


class NamedLabelled(Labelled, Protocol):
    """A container as Docker lists it."""

    @property
    def name(self) -> str:
        """Its name, without a slash."""


def role_of(ownership: Ownership, host: str, item: NamedLabelled) -> Role | None:
    """Return what the container on that host is to a change of this stack; None for every other container."""
    recorded = ownership.read and item.id in ownership.ids
    if not recorded and not _is_labelled(ownership, host, item):
        return None
    is_previous = PREVIOUS_LABEL in item.labels
    for suffix, role in _SUFFIXES.items():
        if item.name.endswith(suffix):
            return role if is_previous or role != "spare" else None
    # One that the state records is the planned one, whatever its image put on it.
    return "restored" if is_previous and not recorded else None


def planned_name(name: str) -> str:
    """Return the planned name of which this is made: the name without the suffix of a spare, a failed one or a rehearsal."""
    return next((name.removesuffix(suffix) for suffix in _SUFFIXES if name.endswith(suffix)), name)


def is_ours(ownership: Ownership, host: str, item: NamedLabelled) -> bool:
    """Return whether the container on that host is the stack's, by its state or as part of a change of it."""
    return ownership.owns(item) or role_of(ownership, host, item) is not None


def _is_labelled(ownership: Ownership, host: str, item: NamedLabelled) -> bool:
    if not ownership.read:
        return item.labels.get(STACK_LABEL) == ownership.stack
    label = parse_owner_label(item.labels.get(OWNER_LABEL, ""))
    return label is not None and label.owner == ownership.owner and label.place.host == host
