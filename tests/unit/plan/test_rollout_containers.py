"""Which container is what to a change of the stack: told by state, label, name and host together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import pytest

from ipvlan.plan.ownership import Ownership, by_labels
from ipvlan.plan.resource_names import (
    FAILED_SUFFIX,
    OWNER_LABEL,
    PREVIOUS_LABEL,
    PREVIOUS_SUFFIX,
    REHEARSAL_SUFFIX,
    STACK_LABEL,
)
from ipvlan.plan.rollout_containers import is_ours, planned_name, role_of
from tests.support.states import OWNER

OWNED = Ownership(stack="dev", read=True, owner=OWNER, ids=frozenset({"recorded"}))
LABELS = {STACK_LABEL: "dev", OWNER_LABEL: f"{OWNER}/docker-1/nginx"}
PREVIOUS = {**LABELS, PREVIOUS_LABEL: "{}"}


@dataclass(frozen=True)
class Item:
    """A container as Docker lists it."""

    name: str
    labels: Mapping[str, str] = field(default_factory=lambda: LABELS)
    id: str = "other"


@pytest.mark.parametrize(
    ("item", "role"),
    [
        (Item(f"nginx{PREVIOUS_SUFFIX}", PREVIOUS), "spare"),
        (Item(f"nginx{FAILED_SUFFIX}"), "failed"),
        (Item(f"nginx{FAILED_SUFFIX}", {}, id="recorded"), "failed"),
        (Item(f"nginx{REHEARSAL_SUFFIX}"), "rehearsal"),
        (Item("nginx", PREVIOUS), "restored"),
        # The planned one, whose image was committed from a restored container.
        (Item("nginx", PREVIOUS, id="recorded"), None),
        (Item("nginx"), None),
        # Of others: without the label, or with that of another stack or place.
        (Item(f"nginx{PREVIOUS_SUFFIX}"), None),
        (Item(f"nginx{PREVIOUS_SUFFIX}", {PREVIOUS_LABEL: "{}"}), None),
        (Item("nginx", {**PREVIOUS, OWNER_LABEL: "fedcba9876543210/docker-1/nginx"}), None),
        (Item("nginx", {**PREVIOUS, OWNER_LABEL: f"{OWNER}/docker-2/nginx"}), None),
    ],
)
def test_roles(item: Item, role: str | None) -> None:
    """Every container that a change makes has its role, and no other container has one."""
    assert role_of(OWNED, "docker-1", item) == role
    assert is_ours(OWNED, "docker-1", item) is (role is not None or item.id == "recorded")


def test_without_the_state_the_label_of_the_stack_decides() -> None:
    """As for every container then: good enough to show."""
    unread = by_labels("dev")
    assert role_of(unread, "docker-1", Item("nginx", PREVIOUS)) == "restored"
    assert role_of(unread, "docker-1", Item(f"nginx{FAILED_SUFFIX}")) == "failed"
    assert role_of(unread, "docker-1", Item("nginx")) is None
    assert role_of(by_labels("prod"), "docker-1", Item("nginx", PREVIOUS)) is None


def test_a_state_without_an_owner_id() -> None:
    """A stack of an earlier version has no label that could match."""
    assert role_of(replace(OWNED, owner=""), "docker-1", Item("nginx", PREVIOUS)) is None


def test_the_planned_name() -> None:
    """The suffix is left out, wherever the name comes from."""
    names = [f"nginx{suffix}" for suffix in ("", PREVIOUS_SUFFIX, FAILED_SUFFIX, REHEARSAL_SUFFIX)]
    assert {planned_name(name) for name in names} == {"nginx"}
