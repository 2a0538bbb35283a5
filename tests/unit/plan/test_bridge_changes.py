"""What a change does to bridges and to connections, what a container may do by them, and what two stacks cannot both have."""

from __future__ import annotations

from typing import Any

import pytest

from ipvlan.plan.changes import Changes, compare
from ipvlan.plan.clashes import Neighbour, clashes
from ipvlan.plan.make import make_plan
from ipvlan.plan.model import Plan
from ipvlan.plan.new_powers import new_powers
from ipvlan.plan.powers import powers, surroundings
from ipvlan.plan.report import Report
from ipvlan.plan.rollout_changes import rollout_change
from ipvlan.plan.validate import parse
from tools.reference_setup import changed

BRIDGES = {"back": {"name": "back-net"}, "data": {"name": "data-net", "internal": True}}
MODE = "com.docker.network.bridge.gateway_mode_ipv4"
OTHER_NAME: dict[str, Any] = {"fabric.name": "other"}
TRUSTED = "com.docker.network.bridge.trusted_host_interfaces"


def plan(nginx: dict[str, Any] | None = None, bridges: dict[str, Any] | None = None, **more: Any) -> Plan:
    """Return the reference setup with these keys of nginx, and these bridges; centos is on all of them."""
    bridges = BRIDGES if bridges is None else bridges
    config = changed({"bridges": bridges, "services.centos.bridges": [*bridges], **more})
    service = config["services"]["nginx"]
    service.update(nginx or {})
    if service.get("fabric") is False:
        for key in ("offset", "published"):
            if key not in (nginx or {}):
                service.pop(key, None)
    return make_plan(parse(config))


def of_nginx(changes: Changes) -> list[tuple[str, tuple[str, ...]]]:
    """Return action and reasons of nginx on the first host."""
    return [(change.action, change.reasons) for change in changes.containers if change.host == "docker-1"]


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ({}, {"bridges": ["data"]}, [("attach", ("bridges: +data-net",))]),
        ({"bridges": ["data"]}, {}, [("detach", ("bridges: -data-net",))]),
        (
            {"bridges": ["data"]},
            {"bridges": ["back"]},
            [("attach", ("bridges: +back-net",)), ("detach", ("bridges: -data-net",))],
        ),
        (
            {"bridges": ["data"]},
            {"bridges": {"data": {"aliases": ["web"]}}},
            [("reconnect", ("bridges: data-net, aliases: none -> web",))],
        ),
        (
            {"published": False},
            {"published": True, "bridges": ["data"]},
            [("attach", ("published", "bridges: +data-net"))],
        ),
        (
            {"bridges": ["data"]},
            {"bridges": [], "restart": "always"},
            [("detach", ("bridges: -data-net",)), ("update", ("restart",))],
        ),
        ({}, {"bridges": ["data"], "image": "registry/x:1"}, [("replace", ("image",))]),
    ],
)
def test_connections_change_while_the_container_runs(
    before: dict[str, Any], after: dict[str, Any], expected: list[tuple[str, tuple[str, ...]]]
) -> None:
    """Whatever changes of them; only what replaces the container anyway takes them with it."""
    found = of_nginx(compare(plan(before), plan(after)))
    if expected[0][0] == "replace":
        assert [action for action, _ in found] == ["replace"]
    else:
        assert found == expected
        report = Report(
            stack="dev",
            before=plan(before),
            before_problems=(),
            after=plan(after),
            changes=compare(plan(before), plan(after)),
        )
        assert not report.has_downtime
        assert report.moved == []


def test_without_the_fabric_it_is_another_container() -> None:
    """`fabric` replaces it; its network's replacement does not, and neither does that hold up its own."""
    on, off = plan({"bridges": ["back"]}), plan({"bridges": ["back"], "fabric": False})
    ((action, reasons),) = of_nginx(compare(on, off))
    assert action == "replace"
    assert reasons[:2] == ("fabric: true -> false", "address: 10.1.1.2 -> none")
    renamed = plan({"bridges": ["back"], "fabric": False}, **OTHER_NAME)
    result = compare(off, renamed)
    assert {change.service for change in result.of("replace")} == {"centos"}
    newer = plan({"bridges": ["back"], "fabric": False, "image": "registry/x:1"}, **OTHER_NAME)
    rollout = rollout_change(compare(off, newer), off, newer)
    assert {service for services in rollout.together.values() for service in services} == {"centos"}
    assert [(step.service, step.action) for step in rollout.steps] == [("nginx", "replace")]


@pytest.mark.parametrize(
    ("before", "after", "action", "reasons"),
    [
        ({"name": "n1"}, {"name": "n1", "internal": True}, "rebuild", ("internal: false -> true",)),
        ({"name": "n1"}, {"name": "n1", "subnet": "172.30.5.0/24"}, "rebuild", ("subnet: by Docker -> 172.30.5.0/24",)),
        ({"name": "n1"}, {"name": "n1", "options": {MODE: "nat"}}, "rebuild", (f"option {MODE}: none -> nat",)),
        (
            {"name": "n1"},
            {"name": "n1", "labels": {"a": "b"}},
            "record",
            ("label a (the network keeps those that it was created with)",),
        ),
        ({"name": "n1", "internal": True}, {"name": "n1", "external": True}, "record", ("external: false -> true",)),
        ({"name": "n1", "external": True}, {"name": "n1"}, "record", ("external: true -> false",)),
    ],
)
def test_a_bridge_that_changes(
    before: dict[str, Any], after: dict[str, Any], action: str, reasons: tuple[str, ...]
) -> None:
    """Its contents are created again below running containers; all else is recorded; a network of others becomes nobody's."""
    result = compare(plan(bridges={"net": before}), plan(bridges={"net": after}))
    assert [(change.host, change.name, change.action, change.reasons) for change in result.bridges] == [
        (host, "n1", action, reasons) for host in ("docker-1", "docker-2")
    ]
    assert not result.containers
    (change, _) = result.bridges
    assert ("no connection over it for some seconds, centos runs on" in change.effect) == (action == "rebuild")
    assert change.check == ("external: true -> false" in reasons)


def test_bridges_that_come_and_go() -> None:
    """Those of others are neither created nor deleted."""
    none, two = plan(bridges={}), plan(bridges={"own": {"name": "n1"}, "theirs": {"external": True}})
    actions = {(change.name, change.action) for change in compare(none, two).bridges}
    assert actions == {("n1", "create"), ("theirs", "use")}
    assert {(change.name, change.action) for change in compare(two, none).bridges} == {("n1", "delete")}
    # Another name is another network.
    renamed = compare(plan(bridges={"own": {"name": "n1"}}), plan(bridges={"own": {"name": "n2"}}))
    assert [(change.name, change.action) for change in renamed.bridges[:2]] == [("n1", "delete"), ("n2", "create")]
    assert {change.action for change in renamed.containers} == {"attach", "detach"}


@pytest.mark.parametrize(
    ("before", "after", "reasons"),
    [
        ({"net": {}}, {"net": {"name": "zback"}}, ("name: ipvlanl2-net -> zback",)),
        ({"net": {}}, {"other": {}}, ("name: ipvlanl2-net -> ipvlanl2-other", "key: net -> other")),
        (
            {"net": {"internal": True}},
            {"net": {"name": "zback"}},
            ("name: ipvlanl2-net -> zback", "internal: true -> false"),
        ),
    ],
)
def test_a_bridge_with_another_name_takes_the_place_of_the_old_one(
    before: dict[str, Any], after: dict[str, Any], reasons: tuple[str, ...]
) -> None:
    """Both networks say which one the containers leave, and what ends by that."""
    found = [
        change for change in compare(plan(bridges=before), plan(bridges=after)).bridges if change.host == "docker-1"
    ]
    old, new = sorted(found, key=lambda change: change.action == "create")
    assert (old.action, old.name, old.moved_to, old.moved_from) == ("delete", "ipvlanl2-net", new.name, None)
    assert (new.action, new.moved_from, new.moved_to, new.reasons) == ("create", "ipvlanl2-net", None, reasons)
    assert new.effect == (
        "created, and centos moves to it with another address: connections over ipvlanl2-net end; then ipvlanl2-net is removed "
        "from the host, unless containers of others are on it: then `up` names them"
    )


def test_bridges_that_could_be_either_are_no_pair() -> None:
    """Two bridges with the same containers and other keys: nobody knows which one takes whose place."""
    changes = compare(plan(bridges={"a1": {}, "b1": {}}), plan(bridges={"c1": {}, "d1": {}})).bridges
    assert {(change.action, change.moved_from, change.moved_to) for change in changes} == {
        ("create", None, None),
        ("delete", None, None),
    }


def test_a_network_of_others_in_the_place_of_an_own_one() -> None:
    """It is not created, and the own one is removed; the other way round nothing is removed."""
    own, theirs = plan(bridges={"net": {"name": "own"}}), plan(bridges={"net": {"external": True, "name": "theirs"}})
    to_theirs = {change.action: change.effect for change in compare(own, theirs).bridges}
    assert "centos moves to it with another address: connections over own end; then own is removed" in to_theirs["use"]
    ((action, effect),) = {(change.action, change.effect) for change in compare(theirs, own).bridges}
    assert (action, effect) == (
        "create",
        "created, and centos moves to it with another address: connections over theirs end",
    )


@pytest.mark.parametrize(
    ("bridge", "keys", "expected"),
    [
        ({"external": True}, {}, [("bridges", "net", "the containers of others")]),
        ({"options": {MODE: "routed"}}, {}, [("bridges", f"net ({MODE}=routed)", "without NAT")]),
        (
            {"options": {MODE: "nat-unprotected"}},
            {},
            [("bridges", f"net ({MODE}=nat-unprotected)", "every port of it, published or not")],
        ),
        ({"options": {TRUSTED: "eth1"}}, {}, [("bridges", f"net ({TRUSTED}=eth1)", "its published ports")]),
        ({"options": {MODE: "nat"}}, {}, []),
        ({}, {"fabric": False}, [("fabric", "false", "by the host's NAT")]),
        ({"internal": True}, {"fabric": False}, []),
        ({}, {"fabric": False, "internet": True}, []),
    ],
)
def test_what_a_bridge_allows(
    bridge: dict[str, Any], keys: dict[str, Any], expected: list[tuple[str, str, str]]
) -> None:
    """Networks of others, open ports, and a way out that the fabric does not give; an internal bridge gives nothing."""
    made = plan({"bridges": ["net"], "published": False, "ports": [], **keys}, bridges={"net": bridge})
    host = made.hosts[0]
    found = powers(host.container("nginx"), surroundings(host))
    assert [(power.setting, power.value) for power in found] == [(setting, value) for setting, value, _ in expected]
    assert all(part in power.meaning for power, (_, _, part) in zip(found, expected, strict=True))


def test_a_bridge_that_opens_is_new_for_a_container_that_does_not_change() -> None:
    """The service's own keys are the same."""
    before = plan({"bridges": ["net"]}, bridges={"net": {}})
    after = plan({"bridges": ["net"]}, bridges={"net": {"options": {MODE: "nat-unprotected"}}})
    assert compare(before, after).containers == ()
    found = [(power.service, power.power.setting, power.is_new) for power in new_powers(before, after, ())]
    assert ("nginx", "bridges", True) in found


@pytest.mark.parametrize("bridge", [{}, {"options": {MODE: "routed"}}])
def test_another_name_of_a_bridge_is_no_new_power(bridge: dict[str, Any]) -> None:
    """The container may do what it could before."""
    keys = {"bridges": ["net"], "fabric": False}
    before, after = (plan(keys, bridges={"net": {**bridge, **name}}) for name in ({}, {"name": "zback"}))
    found = [power for power in new_powers(before, after, {("docker-1", "nginx")}) if power.service == "nginx"]
    assert found
    assert not any(power.is_new for power in found)


def other_stack(bridges: dict[str, Any]) -> Neighbour:
    """Return a stack on the same machines, with a fabric of its own and these bridges."""
    keys: dict[str, Any] = {
        "fabric.name": "second",
        "fabric.subnet": "10.9.0.0/16",
        "fabric.gateway": "10.9.0.1",
        **{f"hosts.docker-{number}.slice": f"10.9.{number}.0/24" for number in (1, 2)},
        **{f"hosts.docker-{number}.parent": "ens34" for number in (1, 2)},
        **{f"services.{name}.container_name": f"{name}-second" for name in ("centos", "nginx")},
        "services.nginx.ports": ["8080:80"],
    }
    return Neighbour(stack="second", file="Pulumi.second.yaml", plan=plan(None, bridges, **keys))


@pytest.mark.parametrize(
    ("own", "other", "codes"),
    [
        ({"net": {"name": "one"}}, {"net": {"name": "two"}}, []),
        ({"net": {}}, {"net": {}}, []),
        ({"net": {"name": "one"}}, {"more": {"name": "one"}}, ["IPF248"]),
        ({"net": {"name": "one"}}, {"more": {"name": "one", "external": True}}, []),
        ({"net": {"name": "second"}}, {}, ["IPF248"]),
        ({"net": {"subnet": "172.30.5.0/24"}}, {"more": {"subnet": "172.30.0.0/16"}}, ["IPF249"]),
        ({"net": {"subnet": "172.30.5.0/24"}}, {"more": {"subnet": "172.30.6.0/24"}}, []),
        ({"net": {"subnet": "10.9.200.0/24"}}, {}, ["IPF249"]),
        ({"net": {"subnet": "172.30.5.0/24"}}, {"more": {}}, []),
    ],
)
def test_two_stacks_on_one_machine(own: dict[str, Any], other: dict[str, Any], codes: list[str]) -> None:
    """One name and overlapping subnets, the other fabric's included; a network that one of the two only uses is shared."""
    found = list(clashes(plan(bridges=own), other_stack(other)))
    assert [problem.code for problem in found] == codes
    for problem in found:
        assert problem.key.startswith("bridges.net")
        assert problem.severity == "warning"
