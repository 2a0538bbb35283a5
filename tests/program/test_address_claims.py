"""The resource of the address claims: what it asks for at which `up`, and what it remembers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from components.address_claims import AddressClaimsProvider
from ipvlan.checks import address_conflicts as claims
from ipvlan.checks.address_conflicts import AddressTakenError, Answer, Claim
from ipvlan.hosts.connection import HostConnection
from ipvlan.problems import Problem

Props = dict[str, Any]


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


class Questions(list[dict[str, list[str]]]):
    """Host -> addresses of every question that was asked."""

    silent: frozenset[str] = frozenset()
    taken = False


@pytest.fixture
def questions(monkeypatch: pytest.MonkeyPatch) -> Questions:
    """Stand where the hosts are asked."""
    asked = Questions()

    def check(made: Sequence[Claim], _ways: Sequence[HostConnection], _stack: str, **_: Any) -> Answer:
        asked.append({claim.connection.name: sorted(map(str, claim.addresses)) for claim in made})
        if asked.taken:
            raise AddressTakenError([Problem(code="", key="offset", value="", problem="taken", effect="", fix="")])
        return Answer(hosts=frozenset(claim.connection.name for claim in made) - asked.silent, doubts=())

    monkeypatch.setattr(claims, "check_claims", check)
    return asked


TWO = {"docker-1": {"10.1.1.1": "centos", "10.1.1.2": "nginx"}, "docker-2": {"10.1.2.1": "centos"}}
MOVED = {**TWO, "docker-1": {"10.1.1.1": "centos", "10.1.1.8": "nginx"}}


def test_only_what_is_new_is_asked_for(questions: Questions) -> None:
    """All at first, nothing when nothing is new, then the new address alone; one that left and returns is new again."""
    provider = AddressClaimsProvider()
    state = provider.create(props(TWO)).outs
    assert state is not None
    assert questions.pop() == {"docker-1": ["10.1.1.1", "10.1.1.2"], "docker-2": ["10.1.2.1"]}
    assert not provider.diff("id", state, props(TWO)).changes
    assert provider.diff("id", state, props(MOVED)).changes
    state = provider.update("id", state, props(MOVED)).outs
    assert state is not None
    assert questions.pop() == {"docker-1": ["10.1.1.8"]}
    assert provider.diff("id", state, props(TWO)).changes
    provider.update("id", state, props(TWO))
    assert questions.pop() == {"docker-1": ["10.1.1.2"]}


def test_another_link_is_another_question(questions: Questions) -> None:
    """In another mode, or through another NIC, all addresses are new."""
    provider = AddressClaimsProvider()
    state = provider.create(props(TWO, mode="l3")).outs
    assert state is not None
    questions.clear()
    assert provider.diff("id", state, props(TWO)).changes
    provider.update("id", state, props(TWO))
    assert questions.pop() == {"docker-1": ["10.1.1.1", "10.1.1.2"], "docker-2": ["10.1.2.1"]}


def test_a_silent_host_is_asked_later(questions: Questions) -> None:
    """A host that is unreachable, or fails when it is asked, is asked by the next `up`; the others are not asked again."""
    provider = AddressClaimsProvider()
    questions.silent = frozenset({"docker-2"})
    state = provider.create(props(TWO)).outs
    assert state is not None
    questions.silent = frozenset()
    assert provider.diff("id", state, props(TWO)).changes
    state = provider.update("id", state, props(TWO, unreachable=["docker-2"])).outs
    assert state is not None
    assert questions[-1] == {}
    assert provider.diff("id", state, props(TWO)).changes
    state = provider.update("id", state, props(TWO)).outs
    assert state is not None
    assert questions[-1] == {"docker-2": ["10.1.2.1"]}
    assert not provider.diff("id", state, props(TWO)).changes


def test_a_taken_address_fails(questions: Questions) -> None:
    """The answer that somebody holds an address is the resource's failure; its state stays, so the next `up` asks again."""
    provider = AddressClaimsProvider()
    questions.taken = True
    with pytest.raises(AddressTakenError):
        provider.create(props(TWO))
