"""The resource that checks addresses: which ones it checks at which `up`, and what the state records."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from ipvlan.checks import address_conflicts
from ipvlan.checks.address_conflicts import AddressConflictError, ConflictCheck, NewAddresses
from ipvlan.hosts.connection import HostConnection
from ipvlan.problems import Problem
from provider.address_claims import AddressClaims
from provider.resource import Operation

Props = dict[str, Any]

HERE = Operation()
"""An operation without an engine."""


def props(addresses: dict[str, dict[str, str]], *, mode: str = "l2", unreachable: Sequence[str] = ()) -> Props:
    """Return the inputs as the program registers them; `addresses` are host -> address -> service."""
    return {
        "stack": "test",
        "mode": mode,
        "unreachable": list(unreachable),
        "hosts": {
            host: {"ssh": ["ssh", host], "parent": "ens33", "addresses": held} for host, held in addresses.items()
        },
        "asked": None,
    }


class Checks(list[dict[str, list[str]]]):
    """Host -> addresses, for every check that was made."""

    silent: frozenset[str] = frozenset()
    """Hosts that do not answer."""
    unable: frozenset[str] = frozenset()
    """Hosts whose addresses cannot be checked."""
    conflict = False


@pytest.fixture
def checks(monkeypatch: pytest.MonkeyPatch) -> Checks:
    """Return the checks that the resource makes, in place of the hosts."""
    checks = Checks()

    def check(
        new: Sequence[NewAddresses], _connections: Sequence[HostConnection], _stack: str, **_: Any
    ) -> ConflictCheck:
        checks.append({host.connection.name: sorted(map(str, host.addresses)) for host in new})
        if checks.conflict:
            raise AddressConflictError([Problem(code="", key="offset", value="", problem="taken", effect="", fix="")])
        unchecked = {h.connection.name: frozenset(h.addresses) for h in new if h.connection.name in checks.unable}
        return ConflictCheck(unchecked=unchecked, silent=checks.silent, warnings=())

    monkeypatch.setattr(address_conflicts, "check_conflicts", check)
    return checks


TWO = {"docker-1": {"10.1.1.1": "centos", "10.1.1.2": "nginx"}, "docker-2": {"10.1.2.1": "centos"}}
MOVED = {**TWO, "docker-1": {"10.1.1.1": "centos", "10.1.1.8": "nginx"}}


def test_only_new_addresses_are_checked(checks: Checks) -> None:
    """All at first, nothing when nothing is new, then the new address alone; one that left and returns is new again."""
    resource = AddressClaims()
    state = resource.create(props(TWO), HERE).outputs
    assert checks.pop() == {"docker-1": ["10.1.1.1", "10.1.1.2"], "docker-2": ["10.1.2.1"]}
    assert not resource.diff(state, props(TWO)).changed
    assert resource.diff(state, props(MOVED)).changed
    state = resource.update(state, props(MOVED), HERE)
    assert checks.pop() == {"docker-1": ["10.1.1.8"]}
    assert resource.diff(state, props(TWO)).changed
    resource.update(state, props(TWO), HERE)
    assert checks.pop() == {"docker-1": ["10.1.1.2"]}


def test_another_link_is_another_check(checks: Checks) -> None:
    """In another mode, or through another NIC, all addresses are new."""
    resource = AddressClaims()
    state = resource.create(props(TWO, mode="l3"), HERE).outputs
    checks.clear()
    assert resource.diff(state, props(TWO)).changed
    resource.update(state, props(TWO), HERE)
    assert checks.pop() == {"docker-1": ["10.1.1.1", "10.1.1.2"], "docker-2": ["10.1.2.1"]}


def test_a_silent_host_is_checked_later(checks: Checks) -> None:
    """A host that is unreachable, or does not reply, is checked by the next `up`; the others are not checked again."""
    resource = AddressClaims()
    checks.silent = frozenset({"docker-2"})
    state = resource.create(props(TWO), HERE).outputs
    checks.silent = frozenset()
    assert resource.diff(state, props(TWO)).changed
    state = resource.update(state, props(TWO, unreachable=["docker-2"]), HERE)
    assert checks[-1] == {}
    assert resource.diff(state, props(TWO)).changed
    state = resource.update(state, props(TWO), HERE)
    assert checks[-1] == {"docker-2": ["10.1.2.1"]}
    assert not resource.diff(state, props(TWO)).changed


def test_what_cannot_be_checked_is_no_change(checks: Checks) -> None:
    """The state has it as unchecked; an `up` with nothing to do shows no change; it is tried again with another new address."""
    resource = AddressClaims()
    checks.unable = frozenset({"docker-1"})
    state = resource.create(props(TWO), HERE).outputs
    assert state["asked"]["docker-1"] == {
        "link": "l2 ens33",
        "addresses": ["10.1.1.1", "10.1.1.2"],
        "unchecked": ["10.1.1.1", "10.1.1.2"],
    }
    assert "unchecked" not in state["asked"]["docker-2"]
    assert not resource.diff(state, props(TWO)).changed
    checks.unable = frozenset()
    more = {**TWO, "docker-2": {"10.1.2.1": "centos", "10.1.2.7": "web"}}
    assert resource.diff(state, props(more)).changed
    state = resource.update(state, props(more), HERE)
    assert checks.pop() == {"docker-1": ["10.1.1.1", "10.1.1.2"], "docker-2": ["10.1.2.7"]}
    assert "unchecked" not in state["asked"]["docker-1"]


def test_a_conflict_fails(checks: Checks) -> None:
    """A conflict is the resource's failure; its state stays, so the next `up` checks again."""
    resource = AddressClaims()
    checks.conflict = True
    with pytest.raises(AddressConflictError):
        resource.create(props(TWO), HERE)
