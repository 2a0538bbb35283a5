"""What others set on a host where the fabric's unit, shim or routes would be: it is neither replaced nor removed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from ipvlan.hosts import networking
from ipvlan.hosts.errors import NOT_OURS, HostError
from ipvlan.hosts.networking import SliceRoute
from tests.support.networking_host import SECOND, SHIM, UNIT, Host, fresh_host


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Host]:
    """Return a fresh host."""
    with fresh_host(tmp_path, monkeypatch) as host:
        yield host


def test_a_unit_of_others_is_left(host: Host) -> None:
    """A file of the unit's name that the fabric did not write is neither overwritten nor removed, and nothing else is changed."""
    unit = host.folder / "units" / UNIT
    unit.write_text("[Unit]\nDescription=Somebody's\n")
    before = (host.links, host.routes, host.files)
    for action in (networking.apply, networking.remove):
        with pytest.raises(HostError) as raised:
            action(host.planned)
        (problem,) = raised.value.problems
        assert problem.code == NOT_OURS
        assert f"{unit} was not written by ipvlan-fabric" in problem.problem
        assert f"move {unit} away" in problem.fix
    assert (host.links, host.routes, host.files) == before


def test_a_link_of_others_is_left(host: Host) -> None:
    """A link of the shim's name that is no ipvlan link on the parent is neither used nor removed."""
    networking.apply(host.planned)
    host.namespace.run("ip", "link", "del", "shim.ens33")
    host.namespace.run("ip", "link", "add", "name", "shim.ens33", "type", "bridge")
    host.namespace.run("ip", "addr", "add", "10.1.1.254/32", "dev", "shim.ens33")
    before = (host.links, host.routes, host.files)
    with pytest.raises(HostError, match=r'its link "shim\.ens33" is no ipvlan link on ens33'):
        networking.apply(host.planned)
    assert (host.links, host.routes, host.files) == before
    networking.remove(host.planned)
    assert "shim.ens33" in host.links
    assert not [path for path in host.files if "ipvlan-fabric" in path]


@pytest.mark.parametrize(
    "route",
    [
        "10.1.3.0/24 via 192.168.140.203 dev ens33",
        "10.1.3.0/24 via 192.168.140.203 dev ens33 metric 100",
        "10.1.1.0/24 via 192.168.140.203 dev ens33",
        "blackhole 10.1.3.0/24",
    ],
)
def test_a_route_of_others_is_left(host: Host, route: str) -> None:
    """A route to a planned destination that leads elsewhere is refused and not replaced; nothing is changed."""
    host.namespace.run("ip", "route", "add", *route.split())
    before = (host.links, host.routes, host.files)
    with pytest.raises(HostError) as raised:
        networking.apply(host.planned)
    (problem,) = raised.value.problems
    assert route in problem.problem
    assert f"ip route del {route}" in problem.fix
    assert (host.links, host.routes, host.files) == before


def test_a_removal_leaves_what_is_no_longer_as_it_was_set(host: Host) -> None:
    """A route that leads elsewhere now, and a shim that has got another address, are somebody's: the rest is removed."""
    networking.apply(host.planned)
    host.namespace.run("ip", "route", "replace", "10.1.3.0/24", "via", "192.168.140.203")
    host.namespace.run("ip", "addr", "add", "10.9.9.9/32", "dev", "shim.ens33")
    networking.remove(host.planned)
    assert "10.1.3.0/24 via 192.168.140.203 dev ens33" in host.routes
    assert not [route for route in host.routes if route.startswith("10.1.2.0")]
    assert "shim.ens33" in host.links
    assert host.files == {}


def test_an_own_route_is_replaced_without_a_state(host: Host) -> None:
    """What the unit on the host has set is the fabric's, also when an interrupted run did not record it."""
    networking.apply(host.planned)
    moved = SliceRoute(destination="10.1.3.0/24", via="192.168.140.203")
    networking.apply(replace(host.planned, routes=(SECOND, moved)))
    assert "10.1.3.0/24 via 192.168.140.203 dev ens33 proto static" in host.routes


@pytest.mark.parametrize("own", ["192.168.140.0/24", "10.1.1.0/24", "10.1.9.9/32"])
def test_the_route_to_an_own_network_is_never_to_be_deleted(host: Host, own: str) -> None:
    """A shim whose route would be that of a network of the host is refused, and nobody is told to cut the host off."""
    host.namespace.run("ip", "addr", "add", "10.1.1.7/24", "dev", "ens33")
    host.namespace.run("ip", "addr", "add", "10.1.9.8", "peer", "10.1.9.9", "dev", "ens33")
    before = (host.links, host.routes, host.files)
    planned = replace(host.planned, routes=(), shim=replace(SHIM, address="10.1.7.7", slice=f"10.1.8.0/24 {own}"))
    with pytest.raises(HostError) as raised:
        networking.apply(planned)
    (problem,) = raised.value.problems
    assert (
        f"a route to {own} over shim.ens33 would replace that of {own.removesuffix('/32')}, a network of its own"
        in (problem.problem)
    )
    assert "route del" not in problem.fix
    assert "ipvlan-fabric:hosts.docker-1.slice" in problem.fix
    assert (host.links, host.routes, host.files) == before


def test_a_shim_for_a_part_of_an_own_network(host: Host) -> None:
    """On a LAN the slice is in a network of the host, or has another one inside: both keep their route."""
    host.namespace.run("ip", "addr", "add", "10.1.1.65/26", "dev", "ens33")
    before = host.routes
    planned = replace(host.planned, routes=(), shim=replace(SHIM, slice="192.168.140.0/25 10.1.1.0/24"))
    networking.apply(planned)
    assert networking.read(planned) == ()
    assert before < host.routes
    networking.remove(planned)
    assert host.routes == before
