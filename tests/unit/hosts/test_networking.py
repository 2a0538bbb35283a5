"""Routes, shim and unit of a host: the real scripts with the real `ip`, in a network namespace."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from ipvlan.hosts import networking
from ipvlan.hosts.connection import HostConnection
from ipvlan.hosts.errors import HostError
from ipvlan.hosts.networking import Networking, SliceRoute, unit_text
from tests.support.namespace import write_command
from tests.support.networking_host import DROP_IN, SECOND, SHIM, UNIT, Host, fresh_host


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Host]:
    """Return a fresh host."""
    with fresh_host(tmp_path, monkeypatch) as host:
        yield host


def test_routes_shim_and_unit_are_set(host: Host) -> None:
    """Routes lead to the other hosts, the shim holds its address and the slice, and a boot will set them again."""
    before = host.routes
    networking.apply(host.planned)
    assert host.routes - before == {
        "10.1.1.0/24 dev shim.ens33 scope link src 10.1.1.254",
        "10.1.2.0/24 via 192.168.140.201 dev ens33 proto static",
        "10.1.3.0/24 via 192.168.140.202 dev ens33 proto static",
    }
    assert "inet 10.1.1.254/32" in host.namespace.run("ip", "-4", "addr", "show", "dev", "shim.ens33")
    assert host.files == {
        f"units/{UNIT}": unit_text(host.planned),
        f"units/multi-user.target.wants/{UNIT}": unit_text(host.planned),
        DROP_IN: "[Route]\nDestination=10.1.2.0/24\nGateway=192.168.140.201\n"
        "[Route]\nDestination=10.1.3.0/24\nGateway=192.168.140.202\n",
    }
    assert networking.read(host.planned) == ()


def test_a_second_run_changes_nothing(host: Host) -> None:
    """The same links, routes and files; no route is gone for a moment, and the unit is reloaded, not restarted."""
    networking.apply(host.planned)
    before = (host.links, host.routes, host.files)
    changes = host.changes(lambda: networking.apply(host.planned, host.planned))
    assert (host.links, host.routes, host.files) == before
    assert not [line for line in changes if line.startswith("Deleted")]
    assert not [call for call in host.calls if call.startswith(("restart", "stop"))]


def test_an_update_removes_what_is_no_longer_planned(host: Host) -> None:
    """A route and a shim that are gone from the plan are removed; a route that stays is never gone."""
    networking.apply(host.planned)
    planned = replace(host.planned, shim=None, routes=(SECOND,))
    changes = host.changes(lambda: networking.apply(planned, host.planned))
    assert [line.split()[1] for line in changes if line.startswith("Deleted 10.1.")] == ["10.1.3.0/24"]
    assert "shim.ens33" not in host.links
    assert {route.split()[0] for route in host.routes} == {"10.1.2.0/24", "192.168.140.0/24"}
    assert host.files[DROP_IN] == "[Route]\nDestination=10.1.2.0/24\nGateway=192.168.140.201\n"
    assert networking.read(planned) == ()


def test_a_removal_leaves_no_trace(host: Host) -> None:
    """Links, routes and files are as before; what others wrote beside them stays. A second removal succeeds too."""
    foreign = host.folder / "networks/20-other.network.d/other.conf"
    foreign.parent.mkdir()
    foreign.write_text("[Network]\n")
    before = (host.links, host.routes, host.files)
    networking.apply(host.planned)
    assert (host.links, host.routes, host.files) != before
    networking.remove(host.planned)
    assert (host.links, host.routes, host.files) == before
    assert not (host.folder / DROP_IN).parent.exists()
    networking.remove(host.planned)
    assert (host.links, host.routes, host.files) == before


def test_a_removal_without_a_unit_still_removes(host: Host) -> None:
    """Somebody deleted the unit by hand: routes and shim are removed all the same."""
    before = (host.links, host.routes)
    networking.apply(host.planned)
    (host.folder / "units" / UNIT).unlink()
    networking.remove(host.planned)
    assert (host.links, host.routes) == before


@pytest.mark.parametrize("destination", ["192.168.0.0/16", "192.168.140.0/25", "192.168.140.0/24"])
def test_a_route_over_an_own_network_is_refused(host: Host, destination: str) -> None:
    """A route that covers a network of the host, or a part of it, would cut the host off: nothing is changed."""
    before = (host.links, host.routes, host.files)
    planned = replace(host.planned, routes=(SliceRoute(destination=destination, via="192.168.140.201"),))
    with pytest.raises(HostError) as raised:
        networking.apply(planned)
    (problem,) = raised.value.problems
    assert f"a route to {destination} would cover 192.168.140.0/24, a network of its own" in problem.problem
    assert (host.links, host.routes, host.files) == before


@pytest.mark.parametrize(
    ("undo", "missing"),
    [
        ("ip route del 10.1.2.0/24", ["no route to 10.1.2.0/24 via 192.168.140.201"]),
        (
            "ip addr del 10.1.1.254/32 dev shim.ens33",
            ["shim.ens33 does not hold 10.1.1.254", "no route to 10.1.1.0/24 over shim.ens33"],
        ),
        ("ip route del 10.1.1.0/24", ["no route to 10.1.1.0/24 over shim.ens33"]),
        (
            "ip link del shim.ens33",
            ["shim.ens33 does not hold 10.1.1.254", "no route to 10.1.1.0/24 over shim.ens33"],
        ),
    ],
)
def test_what_is_missing_is_named(host: Host, undo: str, missing: list[str]) -> None:
    """Each piece that somebody removed or changed is named, and set again by the next run."""
    networking.apply(host.planned)
    host.namespace.run("sh", "-c", undo)
    assert list(networking.read(host.planned)) == missing
    networking.apply(host.planned)
    assert networking.read(host.planned) == ()


def test_another_unit_is_not_the_planned_one(host: Host) -> None:
    """A unit that is missing, or that somebody changed, is named."""
    networking.apply(host.planned)
    unit = host.folder / "units" / UNIT
    unit.write_text(unit.read_text().replace("RestartSec=5", "RestartSec=50"))
    assert list(networking.read(host.planned)) == [f"/etc/systemd/system/{UNIT} is not as planned"]
    unit.unlink()
    assert list(networking.read(host.planned)) == [f"/etc/systemd/system/{UNIT} is not as planned"]


def test_a_run_that_was_cut_off_leaves_nothing_behind(host: Host) -> None:
    """Half a drop-in or unit of such a run does not get into the new one, and a removal removes it."""
    before = host.files
    half = host.folder / f"{DROP_IN}.new"
    half.parent.mkdir()
    half.write_text("[Route]\nDestination=10.9.9.0/24\n")
    (host.folder / f"units/{UNIT}.new").write_text("[Unit]\n")
    networking.apply(host.planned)
    assert "10.9.9.0" not in "".join(host.files.values())
    assert not [path for path in host.files if path.endswith(".new")]
    half.write_text("[Route]\n")
    networking.remove(host.planned)
    assert host.files == before


def test_a_link_that_networkd_does_not_run_gets_no_drop_in(host: Host) -> None:
    """Without systemd-networkd the unit alone sets the routes."""
    shutil.rmtree(host.folder / "runtime/netif")
    networking.apply(host.planned)
    assert not [path for path in host.files if path.startswith("networks/")]
    assert networking.read(host.planned) == ()


def test_a_name_that_means_something_to_a_shell_or_systemd_is_data(host: Host) -> None:
    """A parent's name is written into the unit as one word."""
    parent = """w"$x;y'z\\"""
    host.add_nic(parent)
    shim = replace(SHIM, link=f"s.{parent}")
    planned = Networking(connection=host.namespace.connection(parent=parent), shim=shim, routes=())
    networking.apply(planned)
    assert networking.read(planned) == ()
    networking.remove(planned)
    assert shim.link not in host.links


def test_a_specifier_in_a_name_is_escaped() -> None:
    """Systemd expands `%` and `$` everywhere in a command line (systemd.unit(5), SPECIFIERS)."""
    assert 'link "a%%i$$b" type ipvlan' in unit_text(networking_of("a%i$b"))
    with pytest.raises(ValueError, match="systemd unit"):
        unit_text(networking_of("a\nExecStart=id"))


def networking_of(parent: str) -> Networking:
    """Return the networking of a host with that parent."""
    return Networking(connection=HostConnection(name="docker-1", command=(), parent=parent), shim=SHIM, routes=())


def test_a_parent_that_is_missing_is_a_failure(host: Host) -> None:
    """The unit fails, and the error says so with host, keys and fix."""
    host.namespace.run("ip", "link", "del", "ens33")
    with pytest.raises(HostError) as raised:
        networking.apply(host.planned)
    (problem,) = raised.value.problems
    assert problem.key == 'host "docker-1"'
    assert "ipvlan-fabric:hosts.docker-1.shim, ipvlan-fabric:fabric.mode" in problem.problem
    assert f"{UNIT}: failed" in problem.problem
    assert "pulumi up" in problem.fix


def test_a_user_who_may_not_be_root_is_told_so(host: Host) -> None:
    """Without root nothing is changed, and the fix names sudo."""
    before = (host.links, host.routes, host.files)
    write_command(host.folder / "commands", "id", "echo 1000")
    write_command(host.folder / "commands", "sudo", "echo 'sudo: a password is required' >&2; exit 1")
    for action in (networking.apply, networking.remove):
        with pytest.raises(HostError) as raised:
            action(host.planned)
        (problem,) = raised.value.problems
        assert "sudo: a password is required" in problem.problem
        assert "sudo without a password" in problem.fix
    assert (host.links, host.routes, host.files) == before
    assert len(networking.read(host.planned)) == 5


def test_a_host_without_systemd_is_refused(host: Host) -> None:
    """Routes would be lost at its next boot: nothing is changed."""
    before = (host.links, host.routes, host.files)
    shutil.rmtree(host.folder / "runtime/system")
    with pytest.raises(HostError, match="not run by systemd"):
        networking.apply(host.planned)
    assert (host.links, host.routes, host.files) == before


def test_a_shim_leads_to_everything_of_its_host(host: Host) -> None:
    """Of a slice of several parts each has a route; one is added, and one goes, without the link."""
    several = replace(SHIM, slice="10.1.1.0/28 10.1.9.9/32")
    planned = replace(host.planned, shim=several, routes=())
    networking.apply(planned)
    over = "dev shim.ens33 scope link src 10.1.1.254"
    assert {f"10.1.1.0/28 {over}", f"10.1.9.9 {over}"} <= host.routes
    assert networking.read(planned) == ()
    more = replace(planned, shim=replace(several, slice=f"{several.slice} 10.1.9.16/30"))
    assert networking.read(more)[-1] == "no route to 10.1.9.16/30 over shim.ens33"
    changes = host.changes(lambda: networking.apply(more, planned))
    assert not [line for line in changes if line.startswith("Deleted")]
    assert networking.read(more) == ()
    fewer = replace(planned, shim=replace(several, slice="10.1.1.0/28"))
    networking.apply(fewer, more)
    assert networking.read(fewer) == ()
    assert not [route for route in host.routes if route.startswith("10.1.9.")]
    networking.remove(fewer)
    assert not [route for route in host.routes if "shim" in route]


def test_a_route_to_one_address(host: Host) -> None:
    """A container outside of its host's slice has a route of its own, which is read, kept and removed like the others."""
    planned = replace(host.planned, shim=None, routes=(SECOND, replace(SECOND, destination="10.1.9.7/32")))
    networking.apply(planned)
    networking.apply(planned, planned)
    assert "10.1.9.7 via 192.168.140.201 dev ens33 proto static" in host.routes
    assert networking.read(planned) == ()
    networking.apply(replace(planned, routes=(SECOND,)), planned)
    assert not [route for route in host.routes if route.startswith("10.1.9.7")]
