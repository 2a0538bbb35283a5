"""Who holds an address that is new in the plan: an own host's container, a container elsewhere, a machine on the LAN, or nobody."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest
from netaddr import IPAddress

from ipvlan.checks import address_conflicts as claims
from ipvlan.checks.address_conflicts import AddressTakenError, Answer, Claim, check_claims
from ipvlan.hosts.connection import HostConnection, connection_to
from ipvlan.hosts.errors import HostError
from ipvlan.hosts.session import HostSession
from ipvlan.hosts.snapshot import HostSnapshot
from tests.support.live_parts import STACK, live_container, live_host, seed, unreachable_host

NEW = IPAddress("10.1.1.2")
MAC = "52:54:00:8C:00:02"


class Lan:
    """Hosts as they say of themselves, and who answers on the LAN; stands where ssh and ARP do."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        plan = seed()
        self.ways = [connection_to(host, plan.ssh) for host in plan.hosts]
        #: docker-1 has nothing yet, docker-2 all of it.
        self.said: dict[str, HostSnapshot | HostError] = {
            "docker-1": replace(live_host(plan.host("docker-1")), containers={}),
            "docker-2": live_host(plan.host("docker-2")),
        }
        self.answering: dict[IPAddress, str] = {}
        self.hindrance = ""
        #: What was asked for on the LAN, in order.
        self.probed: list[IPAddress] = []
        monkeypatch.setattr(claims, "on_all", self.on_all)
        monkeypatch.setattr(claims, "take_snapshot", lambda session, **_: self.said[session.name])
        monkeypatch.setattr(claims, "probe", self.probe)

    def on_all(
        self, ways: Sequence[HostConnection], work: Callable[[HostSession], Any], *, timeout: float
    ) -> Mapping[str, Any]:
        """Do the work, without opening a session."""
        said = {way.name: self.said[way.name] for way in ways}
        return {
            way.name: said[way.name]
            if isinstance(said[way.name], HostError)
            else work(HostSession(way, timeout=timeout))
            for way in ways
        }

    def probe(
        self, _session: HostSession, _live: HostSnapshot, _mode: str, addresses: Sequence[IPAddress], **_: float
    ) -> tuple[Mapping[IPAddress, str], str]:
        """Answer as the LAN does."""
        self.probed += addresses
        return {address: self.answering[address] for address in addresses if address in self.answering}, self.hindrance

    def foreign(self, host: str, *, ours: bool = False, running: bool = True) -> None:
        """A container called other holds the new address on that host."""
        planned = replace(seed().host("docker-1").containers[1], name="other")
        other = live_container(planned, seed().host("docker-1"))
        other = replace(other, labels=other.labels if ours else {}, state="running" if running else "exited")
        said = self.said[host]
        assert isinstance(said, HostSnapshot)
        self.said[host] = replace(said, containers={**said.containers, "other": other})

    def check(self, mode: str = "l2") -> Answer:
        """Claim the new address on docker-1."""
        claim = Claim(connection=self.ways[0], addresses={NEW: "nginx"})
        return check_claims([claim], self.ways, STACK, mode=mode, timeout=5)


@pytest.fixture
def lan(monkeypatch: pytest.MonkeyPatch) -> Lan:
    """Return two hosts, of which docker-1 is to get an address that nobody holds."""
    return Lan(monkeypatch)


def test_nobody_holds_it(lan: Lan) -> None:
    """The LAN is asked, and the answer names the host."""
    assert lan.check() == Answer(hosts=frozenset({"docker-1"}), doubts=())
    assert lan.probed == [NEW]


def test_nothing_claimed_visits_nobody(lan: Lan) -> None:
    """Without a new address no host is visited."""
    assert check_claims([], lan.ways, STACK, mode="l2", timeout=5) == Answer(hosts=frozenset(), doubts=())
    assert lan.probed == []


def test_a_machine_on_the_lan_is_named_by_its_hardware_address(lan: Lan) -> None:
    """The error names address, service, host, config key, who answers, and the switch of this question."""
    lan.answering = {NEW: MAC}
    with pytest.raises(AddressTakenError) as error:
        lan.check()
    for part in ("services.nginx.offset", "addresses.docker-1", "10.1.1.2", MAC, "docker-1", "fabric.probe_addresses"):
        assert part in str(error.value)


def test_a_container_elsewhere_is_named(lan: Lan) -> None:
    """When a container on another host answers, the error names both."""
    lan.answering = {NEW: MAC}
    lan.foreign("docker-2")
    with pytest.raises(AddressTakenError, match=f"{MAC}.*container other on docker-2"):
        lan.check()


def test_a_container_on_the_own_host_is_named_and_not_probed(lan: Lan) -> None:
    """The daemon knows it; ARP from the same host would not see it. In l3 too, where there is no ARP."""
    lan.foreign("docker-1")
    for mode in ("l2", "l3"):
        with pytest.raises(AddressTakenError, match="held by container other on docker-1"):
            lan.check(mode)
    assert lan.probed == []


def test_a_container_on_another_vlan_is_no_obstacle(lan: Lan) -> None:
    """What holds the address on another VLAN of the NIC is on another LAN: the own one is asked, and is free."""
    lan.foreign("docker-1")
    said = lan.said["docker-1"]
    assert isinstance(said, HostSnapshot)
    there = replace(said.networks[0], options={**said.networks[0].options, "parent": "ens33.50"})
    lan.said["docker-1"] = replace(said, networks=(there, *said.networks[1:]))
    assert lan.check().hosts == {"docker-1"}
    assert lan.probed == [NEW]


def test_own_containers_are_no_obstacle(lan: Lan) -> None:
    """A container of this stack that holds the address, here or elsewhere, will move or is the one that is meant."""
    lan.foreign("docker-1", ours=True)
    assert lan.check().hosts == {"docker-1"}
    assert lan.probed == []
    lan.said["docker-1"] = replace(live_host(seed().host("docker-1")), containers={})
    lan.foreign("docker-2", ours=True)
    lan.answering = {NEW: MAC}
    assert lan.check().hosts == {"docker-1"}


def test_a_stopped_container_elsewhere_is_not_the_one_that_answers(lan: Lan) -> None:
    """Only a running container can answer: a stopped one of ours excuses nobody."""
    lan.foreign("docker-2", ours=True, running=False)
    lan.answering = {NEW: MAC}
    with pytest.raises(AddressTakenError, match=MAC):
        lan.check()


def test_what_cannot_be_asked_is_said(lan: Lan) -> None:
    """Without arping the addresses pass, with a sentence; a host that fails is not in the answer; l3 asks no LAN."""
    lan.hindrance = "it has no arping of iputils"
    (doubt,) = lan.check().doubts
    assert "docker-1" in doubt
    assert "no arping" in doubt
    lan.probed.clear()
    assert lan.check("l3") == Answer(hosts=frozenset({"docker-1"}), doubts=())
    assert lan.probed == []
    lan.said["docker-1"] = unreachable_host()
    assert lan.check() == Answer(hosts=frozenset(), doubts=())
