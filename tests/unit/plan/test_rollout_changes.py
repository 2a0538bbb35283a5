"""The order in which a change is carried out, and the sentences about it."""

from __future__ import annotations

from typing import Any

import pytest

from ipvlan.plan.changes import compare
from ipvlan.plan.make import make_plan
from ipvlan.plan.rollout_changes import RolloutChange, rollout_change
from ipvlan.plan.validate import parse
from ipvlan.views.rollout import sentences
from tools.reference_setup import REMOVE, changed, host, image

NEW_IMAGE = image("other")["image"]
FAILED = "where a replacement is not up within 60s, the previous container runs again, and `pulumi up` fails"
SAME_TIME = "services with no order between them (`after`) are worked on at the same time"


def change_of(before: dict[str, Any] | None, after: dict[str, Any]) -> RolloutChange:
    """Return the change from the reference setup with the changes `before` to that with both; None is a new stack."""
    old = None if before is None else make_plan(parse(changed(before)))
    new = make_plan(parse(changed({**(before or {}), **after})))
    return rollout_change(compare(old, new), old, new)


def hosts(count: int) -> dict[str, Any]:
    """Return the hosts after the second, up to that number; it has one digit."""
    return {f"hosts.docker-{number}": host(number) for number in range(3, count + 1)}


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (
            {},
            {"services.nginx.image": NEW_IMAGE},
            "nginx on docker-1, then on docker-2: one at a time; each is down for its stop and start; the others answer",
        ),
        (
            {},
            {"services.nginx.image": NEW_IMAGE, "fabric.rollout": {"at_once": "all"}},
            (
                "nginx on docker-1 and docker-2: all at once; each is down for its stop and start; "
                "no other host answers meanwhile"
            ),
        ),
        (
            hosts(3),
            {"services.nginx.image": NEW_IMAGE, "services.nginx.rollout": {"at_once": 2}},
            (
                "nginx on docker-1, docker-2 and docker-3, in this order: at most 2 at a time; "
                "each is down for its stop and start; the others answer"
            ),
        ),
        (
            {},
            {"services.nginx.addresses": {"docker-1": "10.1.1.77"}},
            "nginx on docker-1: it is down for its stop and start; the others answer",
        ),
        (
            {"services.nginx.hosts": ["docker-1"]},
            {"services.nginx.image": NEW_IMAGE},
            "nginx on docker-1: it is down for its stop and start; no other host answers meanwhile",
        ),
        (
            {"services.nginx.hosts": ["docker-1"]},
            {"services.nginx.image": NEW_IMAGE, "services.nginx.hosts": ["docker-1", "docker-2"]},
            "nginx on docker-1: it is down for its stop and start; no other host answers meanwhile",
        ),
    ],
)
def test_a_replaced_service_is_one_sentence(before: dict[str, Any], after: dict[str, Any], expected: str) -> None:
    """The sentence has the hosts in their order, how many at once, and what is down; a new container answers for none."""
    assert list(sentences(change_of(before, after))) == [expected, FAILED]


def test_services_follow_each_other() -> None:
    """A service waits for the nearest services of the change, also by way of one that does not change."""
    before = {
        "services.db": {**image(), "offset": 7, "hosts": ["docker-2"]},
        "services.cache": {**image(), "offset": 8, "after": ["db"]},
        "services.nginx.after": ["cache"],
    }
    after = {"services.nginx.image": NEW_IMAGE, "services.db.image": NEW_IMAGE}
    assert list(sentences(change_of(before, after))) == [
        "db on docker-2: it is down for its stop and start; no other host answers meanwhile",
        (
            "after db: nginx on docker-1, then on docker-2: one at a time; "
            "each is down for its stop and start; the others answer"
        ),
        FAILED,
    ]


def test_services_without_an_order() -> None:
    """Where services are not ordered, a sentence says that they are replaced at the same time."""
    both = {"services.nginx.image": NEW_IMAGE, "services.centos.image": NEW_IMAGE}
    assert SAME_TIME in sentences(change_of({}, both))
    assert SAME_TIME not in sentences(change_of({"services.nginx.after": ["centos"]}, both))


def test_new_services_are_in_the_order_where_they_have_one() -> None:
    """A creation is a step where it waits or is waited for; on all hosts at the same time, so without a pace."""
    assert not change_of(None, {}).steps
    assert list(sentences(change_of(None, {"services.nginx.after": ["centos"]}))) == [
        "centos on docker-1 and docker-2: created",
        "after centos: nginx on docker-1 and docker-2: created",
    ]


def test_removal_is_in_reverse() -> None:
    """A service is deleted when those that are after it are."""
    before = {"services.db": {**image(), "offset": 7}, "services.api": {**image(), "offset": 8, "after": ["db"]}}
    old = make_plan(parse(changed(before)))
    new = make_plan(parse(changed({})))
    assert list(sentences(rollout_change(compare(old, new), old, new))) == [
        "api on docker-1 and docker-2: deleted",
        "after api: db on docker-1 and docker-2: deleted",
    ]


def test_a_replaced_network_takes_all_containers_down() -> None:
    """The containers of the host are no steps, and do not count as those that answer."""
    change = change_of({}, {"hosts.docker-2.slice": "10.1.7.0/24", "services.nginx.image": NEW_IMAGE})
    assert change.together == {"docker-2": ("centos", "nginx")}
    assert [(step.service, step.hosts, step.others_answer) for step in change.steps] == [
        ("nginx", ("docker-1",), False)
    ]
    first, *_ = sentences(change)
    assert first.startswith("all containers on docker-2: centos and nginx; they are down together until the network")
    everywhere = change_of({}, {"fabric.gateway": "10.1.0.2"})
    assert [sentence.partition(":")[0] for sentence in sentences(everywhere)] == [
        "all containers on docker-1 and docker-2"
    ]


def test_what_happens_on_failure_is_said_once() -> None:
    """Services that agree on it share a sentence; the others are named."""
    both = {"services.nginx.image": NEW_IMAGE, "services.centos.image": NEW_IMAGE}
    leave = {"services.nginx.rollout": {"on_failure": "leave", "healthy_within": "5m"}}
    *_, first, second = sentences(change_of({}, {**both, **leave}))
    assert first == (
        "where a replacement of centos is not up within 60s, the previous container runs again, and `pulumi up` fails"
    )
    assert second == (
        "where a replacement of nginx is not up within 5m, the failed container stays in its place, and `pulumi up` fails"
    )


def test_long_lists_are_counted() -> None:
    """Eight hosts are named, and of more than nine the number."""
    many = {f"hosts.h{number}": host(number) for number in range(10, 22)}
    change = change_of(
        {"hosts.docker-1": REMOVE, "hosts.docker-2": REMOVE, **many}, {"services.nginx.image": NEW_IMAGE}
    )
    first, *_ = sentences(change)
    assert "then on h17, then on 4 more hosts: one at a time" in first
