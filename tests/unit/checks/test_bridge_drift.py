"""Differences of bridge networks and of connections to them: each has its name, its severity and its command."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from ipvlan.checks.difference import Difference
from ipvlan.checks.drift import Comparison
from ipvlan.hosts.snapshot import HostSnapshot
from ipvlan.plan.model import Plan
from ipvlan.plan.ownership import Ownership, Place
from ipvlan.plan.resource_names import OWNER_LABEL
from tests.support.bridge_changes import (
    aliases,
    bridge,
    bridge_plan,
    connected,
    created,
    dead,
    priority,
    with_network,
    without_network,
)
from tests.support.host_changes import HostChange, change_container, disconnect
from tests.support.live_parts import STACK, live_host, owned_by_plan
from tests.support.states import OWNER


def compare(
    *changes: HostChange, plan: Plan | None = None, ownership: Callable[[Ownership], Ownership] = lambda owned: owned
) -> tuple[Difference, ...]:
    """Return the differences of docker-1 after changes by hand."""
    plan = plan or bridge_plan()
    host = plan.host("docker-1")
    live = live_host(host)
    for change in changes:
        live = change(live)
    return Comparison(plan, ownership(owned_by_plan(plan)), STACK).of_host(host, live)


def test_a_host_with_bridges_as_planned_has_no_difference() -> None:
    """Also the container that is not on the fabric: it has no address, and is not on Docker's own bridge."""
    assert compare() == ()


@pytest.mark.parametrize(
    ("name", "changes", "part"),
    [
        ("bridge-network-missing", [without_network("backend")], "docker-1 has no bridge network backend"),
        ("bridge-network-missing", [without_network("mon")], "somebody else makes it"),
        ("bridge-network-missing", [without_network("mon")], "docker network create mon"),
        (
            "bridge-network-different",
            [bridge("data", internal=False)],
            "network data on docker-1 has a way out of the host",
        ),
        ("bridge-network-different", [bridge("data", subnets=("172.31.0.0/24",))], "instead of 172.30.5.0/24"),
        (
            "endpoint-missing",
            [disconnect("nginx", "backend")],
            "nginx on docker-1 is not connected to bridge network backend",
        ),
        ("endpoint-missing", [disconnect("app", "data")], "heal --host docker-1 --service app"),
        ("endpoint-missing", [dead("app", "data")], "but to a deleted network of that name"),
        ("endpoint-different", [aliases("app", "backend")], "aliases none instead of api"),
        ("endpoint-different", [aliases("app", "data", "db")], "aliases db instead of none"),
        ("endpoint-different", [priority("nginx", "backend", 0)], "gateway priority 0 instead of -100"),
        ("endpoint-extra", [connected("centos", "backend")], "heal --host docker-1 --service centos"),
        ("endpoint-extra", [connected("app", "ipvlanl2", "network-of-docker-1")], "docker network disconnect ipvlanl2"),
        ("bridge-connected", [connected("app", "bridge", "network-of-docker")], "app on docker-1 is not published"),
        (
            "container-stopped",
            [change_container("app", state="exited", status="Exited (1)")],
            "does not run: Exited (1)",
        ),
    ],
)
def test_each_difference_has_its_name(name: str, changes: list[HostChange], part: str) -> None:
    """One change by hand is one difference, under its name, with the value and a command in it."""
    [found] = compare(*changes)
    assert found.kind == name
    assert part in f"{found.problem} {found.fix}"
    assert found.severity == "error"
    if name.startswith(("bridge-network", "endpoint")):
        assert found.network


def test_a_network_of_others_on_a_container() -> None:
    """Somebody connected it by hand: information, with the command that ends it; so is one that is external by plan."""
    for name in ("mon", "theirs"):
        [found] = compare(with_network("theirs", "t1"), connected("nginx", name, "t1" if name == "theirs" else ""))
        assert (found.kind, found.severity, found.network) == ("endpoint-extra", "info", name)
        assert f"docker network disconnect {name} " in found.fix
        assert "is not of this stack" in found.problem


def test_a_connection_of_a_container_that_never_started_has_no_id() -> None:
    """Docker fills it in at the first start: the name counts until then."""
    assert [found.kind for found in compare(created("app"))] == ["container-stopped"]
    extra = compare(created("centos"), connected("centos", "backend", ""))
    assert [(found.kind, found.severity) for found in extra] == [
        ("container-stopped", "error"),
        ("endpoint-extra", "error"),
    ]


def test_the_hostname_is_no_alias() -> None:
    """Docker 25 lists it among the aliases for an older version of its API; and as one that is planned it is no difference."""
    for planned, live in (({}, ["api", "box"]), ({"aliases": ["api", "box"]}, ["api"])):
        plan = bridge_plan(hostname="box", backend={"aliases": ["api"], **planned})
        assert compare(aliases("app", "backend", *live), plan=plan) == ()


def test_without_aliases_nothing_is_said_of_them() -> None:
    """A container that was removed between two requests is compared as it was listed."""
    assert compare(lambda host: replace(host, connections={})) == ()


def recorded(id_: str) -> Callable[[Ownership], Ownership]:
    """Let the state have that id of the network backend."""
    return lambda owned: replace(owned, bridges={**owned.bridges, Place("docker-1", "backend"): id_})


def test_a_network_of_the_name_that_is_not_of_the_stack() -> None:
    """It is told, with whose it is; nothing is said of the connections to it."""
    [found] = compare(disconnect("app", "backend"), bridge("backend", labels={}), ownership=recorded("other"))
    assert (found.kind, found.network, found.id) == ("bridge-network-not-ours", "backend", "bridge-backend-of-docker-1")
    assert (
        "set external: true and name: backend for ipvlan-fabric:bridges.backend, or give it another name" in found.fix
    )
    [found] = compare(ownership=recorded(""))
    assert "bears this stack's owner label, and its state does not record it" in found.problem
    assert found.fix == f"pulumi up --stack {STACK}"


def test_of_several_networks_of_one_name_that_of_the_state_counts() -> None:
    """Docker before 25 allows it."""

    def twice(host: HostSnapshot) -> HostSnapshot:
        first = next(network for network in host.networks if network.name == "backend")
        return replace(host, networks=(replace(first, id="second", labels={}), *host.networks))

    assert compare(twice) == ()


def test_without_the_state_the_labels_decide() -> None:
    """A network with the stack's label counts as its own; one without does not."""
    unread: Any = lambda owned: replace(owned, read=False, owner="", ids=frozenset(), bridges={})  # noqa: E731
    assert compare(ownership=unread) == ()
    assert [found.kind for found in compare(bridge("backend", labels={}), ownership=unread)] == [
        "bridge-network-not-ours"
    ]


def test_a_network_that_left_the_plan() -> None:
    """The next `up` removes it; one that the state does not have, an `up` never will."""
    old = {Place("docker-1", "old"): "o1"}
    [found] = compare(
        with_network("old", "o1"), ownership=lambda owned: replace(owned, bridges={**owned.bridges, **old})
    )
    assert (found.kind, found.severity, found.network, found.id) == ("bridge-network-not-planned", "error", "old", "o1")
    assert found.fix == f"pulumi up --stack {STACK}"
    label = {OWNER_LABEL: f"{OWNER}/docker-1/old"}
    [found] = compare(with_network("old", "o1", labels=label))
    assert found.kind == "bridge-network-not-planned"
    assert "docker network rm o1" in found.fix
    # Copied from another place.
    assert compare(with_network("old", "o1", labels={OWNER_LABEL: f"{OWNER}/docker-2/old"})) == ()


def test_an_external_network_of_another_driver() -> None:
    """Its options and its subnet are for others to choose; its driver is not."""
    assert compare(bridge("mon", internal=True, subnets=("10.9.0.0/16",), options={"a": "b"})) == ()

    def overlay(host: HostSnapshot) -> HostSnapshot:
        networks = tuple(
            replace(network, driver="overlay") if network.name == "mon" else network for network in host.networks
        )
        return replace(host, networks=networks, bridges=tuple(one for one in host.bridges if one.name != "mon"))

    [found] = compare(overlay)
    assert (found.kind, found.network) == ("bridge-network-different", "mon")
    assert "driver overlay" in found.problem
    assert "let ipvlan-fabric:bridges.mon name a network of Docker's driver bridge" in found.fix
