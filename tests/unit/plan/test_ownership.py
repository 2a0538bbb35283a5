"""Ownership: the state's ids decide, labels alone prove nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import pytest

from ipvlan.plan.ownership import Ownership, Place, by_labels, known_owner, owner_label, parse_owner_label
from ipvlan.plan.resource_names import COMPOSE_PROJECT_LABEL, OWNER_LABEL, STACK_LABEL

OWNER = "0123456789abcdef"
OTHER = "fedcba9876543210"


@dataclass(frozen=True)
class Item:
    """A container or network."""

    id: str
    labels: Mapping[str, str] = field(default_factory=dict)


OWNED = Ownership(
    stack="dev",
    read=True,
    owner=OWNER,
    containers={Place("docker-1", "nginx"): "aaa"},
    networks={"docker-1": "nnn"},
    ids=frozenset({"aaa", "nnn"}),
)


def test_the_id_in_the_state_decides() -> None:
    """What the state records is owned whatever its labels are; a clone's stack of the same name and a copied label are not."""
    assert OWNED.owns(Item("aaa"))
    assert OWNED.owns(Item("nnn", {STACK_LABEL: "another"}))
    assert not OWNED.owns(Item("bbb", {STACK_LABEL: "dev"}))
    assert not OWNED.owns(Item("bbb", {STACK_LABEL: "dev", OWNER_LABEL: f"{OWNER}/docker-1/nginx"}))


def test_without_the_state_the_labels_decide() -> None:
    """Where the state was not read, the stack's label is what there is."""
    unread = by_labels("dev")
    assert unread.owns(Item("bbb", {STACK_LABEL: "dev"}))
    assert not unread.owns(Item("bbb", {STACK_LABEL: "prod"}))
    assert not unread.owns(Item("aaa"))
    assert not unread.read


def test_the_owner_label_is_of_one_stack_and_one_place() -> None:
    """Another owner id, host or service is another label; a stack without an owner id has none."""
    place = Place("docker-1", "nginx")
    assert OWNED.bears_label(Item("x", {OWNER_LABEL: owner_label(OWNER, "docker-1", "nginx")}), place)
    assert OWNED.bears_label(Item("x", {OWNER_LABEL: owner_label(OWNER, "docker-1")}), Place("docker-1"))
    for label in (
        owner_label(OTHER, "docker-1", "nginx"),
        owner_label(OWNER, "docker-2", "nginx"),
        owner_label(OWNER, "docker-1", "centos"),
        owner_label(OWNER, "docker-1"),
    ):
        assert not OWNED.bears_label(Item("x", {OWNER_LABEL: label}), place)
    assert not OWNED.bears_label(Item("x", {STACK_LABEL: "dev"}), place)
    assert not Ownership(stack="dev", read=True).bears_label(Item("x", {OWNER_LABEL: "/docker-1/nginx"}), place)


def test_the_owner_label_is_read_back() -> None:
    """The text and its parts; whatever is no such label is none."""
    for text in (f"{OWNER}/docker-1", f"{OWNER}/docker-1/nginx"):
        label = parse_owner_label(text)
        assert label is not None
        assert str(label) == text
    parsed = parse_owner_label(f"{OWNER}/docker-1/nginx")
    assert parsed is not None
    assert (parsed.owner, parsed.place) == (OWNER, Place("docker-1", "nginx"))


@pytest.mark.parametrize(
    "text", ["", OWNER, f"{OWNER}/", f"{OWNER}/a/b/c", f"{OWNER}//nginx", "0123/docker-1", "dev/x"]
)
def test_another_text_is_no_owner_label(text: str) -> None:
    """A text of another form is refused."""
    assert parse_owner_label(text) is None


def test_a_message_says_whose_it_is_as_far_as_known() -> None:
    """The stack or the compose project in the labels; nothing where they say nothing."""
    assert known_owner(Item("x", {STACK_LABEL: "prod"})) == 'a stack "prod"'
    labels = {STACK_LABEL: "dev", OWNER_LABEL: f"{OTHER}/docker-1/nginx"}
    assert known_owner(Item("x", labels)) == f'a stack "dev" with owner id {OTHER}'
    assert known_owner(Item("x", {COMPOSE_PROJECT_LABEL: "shop"})) == 'compose project "shop"'
    assert not known_owner(Item("x"))
