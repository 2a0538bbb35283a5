"""Whose a container or network on a host is: the identity of a stack, and what it owns.

A stack owns what its Pulumi state records, by Docker's id. A label proves nothing by itself: every clone of the project has a stack
of the same name, and `docker commit` copies labels into an image. The owner label decides only what may be an orphan of this stack:
what an interrupted `up` created and did not record (docs/decisions/0019-identity.md).

Out of scope: reading the state (`ipvlan.checks.stack_state`), and what is done with what is not the stack's.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from ipvlan.plan.resource_names import COMPOSE_PROJECT_LABEL, OWNER_LABEL, STACK_LABEL

_OWNER: Final = re.compile(r"[0-9a-f]{16}")
"""A stack's owner id: 64 random bits."""


class Labelled(Protocol):
    """A container or network as Docker reports it."""

    @property
    def id(self) -> str:
        """Docker's id, in full."""

    @property
    def labels(self) -> Mapping[str, str]:
        """Its labels, those of its image among them."""


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """The planned place of a network, or of a container."""

    host: str
    service: str = ""
    """Empty for the host's network."""


@dataclass(frozen=True, slots=True)
class OwnerLabel:
    """The value of OWNER_LABEL: `OWNER/HOST` of a network, `OWNER/HOST/SERVICE` of a container."""

    owner: str
    """The owner id of the stack that created it: 16 hexadecimal digits."""
    place: Place

    def __str__(self) -> str:
        return "/".join(part for part in (self.owner, self.place.host, self.place.service) if part)


def owner_label(owner: str, host: str, service: str = "") -> str:
    """Return the value of OWNER_LABEL for a network, or for the container of a service."""
    return str(OwnerLabel(owner, Place(host, service)))


def parse_owner_label(text: str) -> OwnerLabel | None:
    """Return the label's parts; None where the text is no such label."""
    owner, *place = text.split("/")
    if not _OWNER.fullmatch(owner) or len(place) not in (1, 2) or not all(place):
        return None
    return OwnerLabel(owner, Place(*place))


def owner_of(text: str) -> str:
    """Return the owner id in the value of OWNER_LABEL; empty where the text is no such value."""
    label = parse_owner_label(text)
    return "" if label is None else label.owner


def has_owner(labels: Mapping[str, str], owner: str) -> bool:
    """Return whether an owner label has the owner id; an empty id is nobody's."""
    return bool(owner) and owner_of(labels.get(OWNER_LABEL, "")) == owner


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedFiles:
    """The files of one container as the state has them: those that were staged on the host last."""

    digests: Mapping[str, str]
    """Target -> digest of its bytes with the key that the host has (docs/decisions/0033-files.md)."""
    files: Mapping[str, Mapping[str, Any]]
    """Target -> its `owner` and `mode`, as the input of the resource has them, among more; no secret is in it."""
    in_use: bool
    """Whether the container was made to use them; where not, an `up` was refused or cut short."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ownership:
    """What one stack owns."""

    stack: str
    """The stack's short name, as STACK_LABEL has it."""
    read: bool
    """Whether the stack's state was read. Where it was not, the labels decide, which is good enough to show and never to change."""
    owner: str = ""
    """The stack's owner id; empty where the state has none: a stack of an earlier version, or one that does not exist yet."""
    containers: Mapping[Place, str] = field(default_factory=dict)
    """Docker's ids of the containers that the state records, by their place."""
    networks: Mapping[str, str] = field(default_factory=dict)
    """Docker's ids of the networks that the state records, by host."""
    volumes: Mapping[Place, str] = field(default_factory=dict)
    """The owner labels of the volumes that the state records; the place's service is the volume's name in Docker."""
    files: Mapping[Place, RecordedFiles] = field(default_factory=dict)
    """The files of containers that the state records, by the container's place."""
    bridges: Mapping[Place, str] = field(default_factory=dict)
    """Docker's ids of the bridge networks of the section `bridges` that the stack created, as the state records them; the place's
    service is the network's name in Docker. Those of others (`external`) are not among them."""
    ids: frozenset[str] = frozenset()
    """Docker's ids of all containers and fabric networks in the state; more than above where the state has some still to delete."""
    engines: Mapping[str, str] = field(default_factory=dict)
    """Host -> the id of its Docker Engine when it was checked; without the hosts whose check recorded none."""
    unchecked: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Host -> planned addresses that `up` could not check for conflicts when they were new."""

    def owns(self, item: Labelled) -> bool:
        """Return whether the container or network is the stack's: its id is in the state, or, unread, it has the stack's label."""
        return item.id in self.ids if self.read else item.labels.get(STACK_LABEL) == self.stack

    def bears_label(self, item: Labelled, place: Place) -> bool:
        """Return whether the owner label is exactly the one that this stack gives to this place.

        An image can carry the label too. So this is one of the conditions for an orphan, and not all of them.
        """
        return bool(self.owner) and item.labels.get(OWNER_LABEL) == str(OwnerLabel(self.owner, place))


def by_labels(stack: str) -> Ownership:
    """Return what stands in for the ownership of a stack whose state was not read: the labels decide."""
    return Ownership(stack=stack, read=False)


def known_owner(item: Labelled) -> str:
    """Return whose a container or network is as far as its labels say, for a message: `stack "prod"`; empty where they do not."""
    stack = item.labels.get(STACK_LABEL)
    if stack is not None:
        label = parse_owner_label(item.labels.get(OWNER_LABEL, ""))
        return f'a stack "{stack}"' if label is None else f'a stack "{stack}" with owner id {label.owner}'
    project = item.labels.get(COMPOSE_PROJECT_LABEL)
    return "" if project is None else f'compose project "{project}"'
