"""A destination that changes: from a route to the shim and back, from one host to another, or away. The real scripts and `ip`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from ipvlan.hosts import networking
from ipvlan.hosts.errors import HostError
from ipvlan.hosts.networking import Networking
from tests.support.networking_host import SECOND, SHIM, Host, fresh_host


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Host]:
    """Return a fresh host."""
    with fresh_host(tmp_path, monkeypatch) as host:
        yield host


ADDRESS = "10.1.9.9/32"
"""A container's address outside of all slices, which moves from one host to another."""


def moved(host: Host, *, shim: bool = True) -> tuple[Networking, Networking]:
    """Return docker-1 with the address at another host, and with the address over its own shim."""
    there = replace(host.planned, routes=(*host.planned.routes, replace(SECOND, destination=ADDRESS)))
    return there if shim else replace(there, shim=None), replace(
        host.planned, shim=replace(SHIM, slice=f"{SHIM.slice} {ADDRESS}")
    )


@pytest.mark.parametrize("known", [True, False])
@pytest.mark.parametrize("shim", [True, False])
def test_an_address_that_moves_to_this_host(host: Host, shim: bool, known: bool) -> None:
    """The fabric's own route to the other host is replaced, whether the state has it or only the unit on the host."""
    there, here = moved(host, shim=shim)
    networking.apply(there)
    networking.apply(here, there if known else None)
    assert [route for route in host.routes if route.startswith("10.1.9.9 ")] == [
        "10.1.9.9 dev shim.ens33 scope link src 10.1.1.254"
    ]
    assert networking.read(here) == ()


@pytest.mark.parametrize("known", [True, False])
@pytest.mark.parametrize("shim", [True, False])
def test_an_address_that_moves_to_another_host(host: Host, shim: bool, known: bool) -> None:
    """The fabric's own route over the shim is replaced, also where the shim goes at the same time."""
    there, here = moved(host, shim=shim)
    networking.apply(here)
    networking.apply(there, here if known else None)
    assert [route for route in host.routes if route.startswith("10.1.9.9 ")] == [
        "10.1.9.9 via 192.168.140.201 dev ens33 proto static"
    ]
    assert networking.read(there) == ()


def test_slices_that_are_exchanged(host: Host) -> None:
    """Two hosts have each other's slice now: each route is replaced by one of the other kind."""
    networking.apply(host.planned)
    exchanged = replace(
        host.planned,
        shim=replace(SHIM, address="10.1.2.254", slice=SECOND.destination),
        routes=(replace(SECOND, destination=SHIM.slice), *host.planned.routes[1:]),
    )
    networking.apply(exchanged, host.planned)
    assert networking.read(exchanged) == ()
    networking.remove(exchanged)
    assert host.routes == {"192.168.140.0/24 dev ens33 proto kernel scope link src 192.168.140.200"}


@pytest.mark.parametrize(
    "route", ["10.1.9.9 via 192.168.140.209 dev ens33", "10.1.9.9 via 192.168.140.201 dev ens33 metric 5 proto static"]
)
def test_a_move_replaces_nothing_of_others(host: Host, route: str) -> None:
    """Somebody changed the route that the address had before the move: it is theirs, and nothing is changed."""
    there, here = moved(host)
    networking.apply(there)
    host.namespace.run("ip", "route", "del", "10.1.9.9")
    host.namespace.run("ip", "route", "add", *route.split())
    before = (host.links, host.routes, host.files)
    with pytest.raises(HostError, match="did not set"):
        networking.apply(here, there)
    assert (host.links, host.routes, host.files) == before


@pytest.mark.parametrize(
    "route", ["10.1.9.9 dev shim.ens33 metric 5", "10.1.9.9 dev shim.ens33 scope link src 192.168.140.200"]
)
def test_a_route_of_others_over_the_shim_is_left(host: Host, route: str) -> None:
    """A route over the shim that the fabric did not set is not replaced by the one to another host."""
    there, _ = moved(host)
    networking.apply(host.planned)
    host.namespace.run("ip", "route", "add", *route.split())
    before = host.routes
    with pytest.raises(HostError, match="did not set"):
        networking.apply(there, host.planned)
    assert host.routes == before


def test_the_link_stays_when_a_destination_goes(host: Host) -> None:
    """Only the route is deleted: what the host has open to its containers is not interrupted."""
    _, here = moved(host)
    networking.apply(here)
    changes = host.changes(lambda: networking.apply(host.planned, here))
    assert [line.split()[1] for line in changes if line.startswith("Deleted")] == ["10.1.9.9"]
    assert networking.read(host.planned) == ()


def test_a_shim_with_an_address_of_others_keeps_no_route(host: Host) -> None:
    """Its link stays for the other address, without the fabric's routes and its address, which is then free."""
    _, here = moved(host)
    networking.apply(here)
    host.namespace.run("ip", "addr", "add", "10.77.0.1/32", "dev", "shim.ens33")
    host.namespace.run("ip", "route", "add", "10.77.1.0/24", "dev", "shim.ens33")
    networking.apply(host.planned, here)
    assert not [route for route in host.routes if route.startswith("10.1.9.9")]
    other = replace(host.planned, shim=replace(SHIM, address="10.1.1.250"))
    networking.apply(other, host.planned)
    assert networking.read(other) == ()
    assert "10.1.1.254" not in host.namespace.run("ip", "-4", "addr", "show", "dev", "shim.ens33")
    networking.remove(other)
    assert host.routes == {
        "192.168.140.0/24 dev ens33 proto kernel scope link src 192.168.140.200",
        "10.77.1.0/24 dev shim.ens33 scope link",
    }
    held = host.namespace.run("ip", "-4", "-o", "addr", "show", "dev", "shim.ens33")
    assert [line.split()[3] for line in held.splitlines()] == ["10.77.0.1/32"]


def test_a_slice_with_a_new_reservation(host: Host) -> None:
    """On a LAN the parts of a slice are set before the slice itself goes: its containers are reached all the time."""
    lan = replace(SHIM, mode="l2", address="192.168.140.46", slice="192.168.140.32/28")
    complete = replace(host.planned, routes=(), shim=lan)
    parts = replace(complete, shim=replace(lan, slice="192.168.140.32/29 192.168.140.44/30"))
    networking.apply(complete)
    changes = host.changes(lambda: networking.apply(parts, complete))
    assert [line for line in changes if "/28" in line or line.startswith("Deleted")] == changes[-1:]
    assert changes[-1].startswith("Deleted 192.168.140.32/28 dev shim.ens33")
    assert networking.read(parts) == ()
    networking.apply(complete, parts)
    assert networking.read(complete) == ()
    assert {route.split()[0] for route in host.routes} == {"192.168.140.0/24", "192.168.140.32/28"}


def test_a_move_on_a_link_of_any_name(host: Host) -> None:
    """Each name is data: routes over such a link are known and removed too."""
    parent = """w"$x;y'z\\"""
    host.add_nic(parent)
    host.namespace.run("ip", "addr", "add", "192.168.141.200/24", "dev", parent)
    there, here = moved(host)
    connection = host.namespace.connection(parent=parent)
    there, here = (
        replace(planned, connection=connection, shim=replace(planned.shim or SHIM, link=f"s.{parent}"))
        for planned in (there, here)
    )
    networking.apply(there)
    networking.apply(here, there)
    assert networking.read(here) == ()
    networking.apply(there, here)
    assert networking.read(there) == ()
    without = replace(there, routes=(SECOND,))
    networking.apply(here, there)
    networking.apply(without, here)
    assert not [route for route in host.routes if route.startswith(("10.1.9.9", "10.1.3."))]
