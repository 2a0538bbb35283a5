"""Who holds a new address: a container of the same host, one of another host, a machine on the LAN, or nobody."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest
from netaddr import IPAddress

from ipvlan.checks import address_conflicts
from ipvlan.checks.address_conflicts import AddressConflictError, ConflictCheck, NewAddresses, check_conflicts
from ipvlan.hosts.connection import HostConnection, connection_to
from ipvlan.hosts.errors import HostError
from ipvlan.hosts.session import HostSession
from ipvlan.hosts.snapshot import HostSnapshot
from ipvlan.plan.ownership import Ownership, by_labels
from ipvlan.plan.resource_names import OWNER_LABEL, PREVIOUS_LABEL, PREVIOUS_SUFFIX
from tests.support.live_parts import live_container, live_host, reference_plan, unreachable_host
from tests.support.states import OWNER

NEW = IPAddress("10.1.1.2")
NOTHING = ConflictCheck(unchecked={}, silent=frozenset(), warnings=())
"""All is checked."""
UNREAD = by_labels("dev")
MAC = "52:54:00:8C:00:02"


class Lan:
    """Hosts with their snapshots, and who answers on the LAN, in place of ssh and ARP."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        plan = reference_plan()
        self.connections = [connection_to(host, plan.ssh) for host in plan.hosts]
        self.snapshots: dict[str, HostSnapshot | HostError] = {
            "docker-1": replace(live_host(plan.host("docker-1")), containers={}),
            "docker-2": live_host(plan.host("docker-2")),
        }
        """By host. At first docker-1 has nothing of the plan, docker-2 all of it."""
        self.answering: dict[IPAddress, str] = {}
        self.not_probed = ""
        self.probed: list[IPAddress] = []
        """The probed addresses, in order."""
        monkeypatch.setattr(address_conflicts, "on_all", self.on_all)
        monkeypatch.setattr(address_conflicts, "take_snapshot", lambda session, **_: self.snapshots[session.name])
        monkeypatch.setattr(address_conflicts, "probe", self.probe)

    def on_all(
        self, connections: Sequence[HostConnection], work: Callable[[HostSession], Any], *, timeout: float
    ) -> Mapping[str, Any]:
        """Do the work, without opening a session."""
        results = {}
        for connection in connections:
            snapshot = self.snapshots[connection.name]
            failed = isinstance(snapshot, HostError)
            results[connection.name] = snapshot if failed else work(HostSession(connection, timeout=timeout))
        return results

    def probe(
        self,
        _session: HostSession,
        _live: HostSnapshot,
        _mode: str,
        addresses: Sequence[IPAddress],
        *_: object,
        **__: float,
    ) -> tuple[Mapping[IPAddress, str], str]:
        """Answer as the LAN does."""
        self.probed += addresses
        return {address: self.answering[address] for address in addresses if address in self.answering}, self.not_probed

    def foreign(self, host: str, *, ours: bool = False, running: bool = True) -> None:
        """Add a container `other` to the host, which holds the new address."""
        planned = replace(reference_plan().host("docker-1").containers[1], name="other")
        other = live_container(planned, reference_plan().host("docker-1"))
        other = replace(other, labels=other.labels if ours else {}, state="running" if running else "exited")
        snapshot = self.snapshots[host]
        assert isinstance(snapshot, HostSnapshot)
        self.snapshots[host] = replace(snapshot, containers={**snapshot.containers, "other": other})

    def of_a_change(self, name: str, *, running: bool) -> None:
        """Add a container to docker-1 that a change of nginx made, and that has the new address."""
        self.foreign("docker-1", ours=True, running=running)
        snapshot = self.snapshots["docker-1"]
        assert isinstance(snapshot, HostSnapshot)
        labels = {OWNER_LABEL: f"{OWNER}/docker-1/nginx", PREVIOUS_LABEL: "{}"}
        container = replace(snapshot.containers["other"], name=name, labels=labels)
        self.snapshots["docker-1"] = replace(snapshot, containers={name: container})

    def check(self, mode: str = "l2", owned: Ownership = UNREAD) -> ConflictCheck:
        """Check the new address on docker-1."""
        new = NewAddresses(connection=self.connections[0], addresses={NEW: "nginx"})
        return check_conflicts([new], self.connections, lambda: owned, mode=mode, timeout=5)


@pytest.fixture
def lan(monkeypatch: pytest.MonkeyPatch) -> Lan:
    """Return two hosts, of which docker-1 is to get an address that nobody holds."""
    return Lan(monkeypatch)


def test_nobody_holds_it(lan: Lan) -> None:
    """The LAN is probed, and the host is among those that replied."""
    assert lan.check() == NOTHING
    assert lan.probed == [NEW]


def test_nothing_new_contacts_no_host(lan: Lan) -> None:
    """Without a new address no host is contacted."""
    assert check_conflicts([], lan.connections, lambda: by_labels("dev"), mode="l2", timeout=5) == NOTHING
    assert lan.probed == []


def test_a_machine_on_the_lan_is_named_by_its_hardware_address(lan: Lan) -> None:
    """The error names address, service, host, config key, who answers, and the key that switches the check off."""
    lan.answering = {NEW: MAC}
    with pytest.raises(AddressConflictError) as error:
        lan.check()
    for part in ("services.nginx.offset", "addresses.docker-1", "10.1.1.2", MAC, "docker-1", "fabric.probe_addresses"):
        assert part in str(error.value)


def test_a_container_elsewhere_is_named(lan: Lan) -> None:
    """When a container on another host answers, the error names both."""
    lan.answering = {NEW: MAC}
    lan.foreign("docker-2")
    with pytest.raises(AddressConflictError, match=rf"{MAC}.*container other \(id-of-other-\) on docker-2"):
        lan.check()


def test_a_container_on_the_own_host_is_named_and_not_probed(lan: Lan) -> None:
    """The daemon knows it; ARP from the same host would not see it. In l3 too, where there is no ARP."""
    lan.foreign("docker-1")
    for mode in ("l2", "l3"):
        with pytest.raises(AddressConflictError, match=r"held by container other \(id-of-other-\) on docker-1"):
            lan.check(mode)
    assert lan.probed == []


def test_a_container_on_another_vlan_is_no_conflict(lan: Lan) -> None:
    """What holds the address on another VLAN of the NIC is on another LAN: the host's own is probed, and free."""
    lan.foreign("docker-1")
    snapshot = lan.snapshots["docker-1"]
    assert isinstance(snapshot, HostSnapshot)
    elsewhere = replace(snapshot.networks[0], options={**snapshot.networks[0].options, "parent": "ens33.50"})
    lan.snapshots["docker-1"] = replace(snapshot, networks=(elsewhere, *snapshot.networks[1:]))
    assert lan.check() == NOTHING
    assert lan.probed == [NEW]


def test_own_containers_are_no_conflict(lan: Lan) -> None:
    """A container of this stack that holds the address, here or elsewhere, will move, or is the planned one."""
    lan.foreign("docker-1", ours=True)
    assert lan.check() == NOTHING
    assert lan.probed == []
    lan.snapshots["docker-1"] = replace(live_host(reference_plan().host("docker-1")), containers={})
    lan.foreign("docker-2", ours=True)
    lan.answering = {NEW: MAC}
    assert lan.check() == NOTHING


def test_a_stopped_container_elsewhere_is_not_the_one_that_answers(lan: Lan) -> None:
    """Only a running container can answer: a stopped one of ours explains no reply."""
    lan.foreign("docker-2", ours=True, running=False)
    lan.answering = {NEW: MAC}
    with pytest.raises(AddressConflictError, match=MAC):
        lan.check()


def test_a_lan_that_cannot_be_probed(lan: Lan) -> None:
    """Without arping the addresses pass, as unchecked, with a warning that names them; in l3 there is nothing to probe."""
    lan.not_probed = "it has no arping of iputils"
    checked = lan.check()
    assert checked.unchecked == {"docker-1": frozenset({NEW})}
    assert checked.silent == frozenset()
    [warning] = checked.warnings
    assert warning.startswith(
        'host "docker-1": 10.1.1.2 could not be checked for conflicts on the LAN: it has no arping'
    )
    lan.probed.clear()
    assert lan.check("l3") == NOTHING
    assert lan.probed == []


@pytest.mark.parametrize("works", [True, False])
def test_a_host_that_fails(lan: Lan, monkeypatch: pytest.MonkeyPatch, *, works: bool) -> None:
    """A refused socket is a warning, and so is a host that does not answer: only that one is checked by the next `up`."""
    visits = []

    def visit(connection: HostConnection, text: str, **_: float) -> subprocess.CompletedProcess[str]:
        visits.append((connection.name, text))
        return subprocess.CompletedProcess([], 0 if works else 1, "", "")

    monkeypatch.setattr(address_conflicts, "run_on_host", visit)
    lan.snapshots["docker-1"] = unreachable_host()
    checked = lan.check()
    assert visits == [("docker-1", "docker version")]
    assert checked.unchecked == ({"docker-1": frozenset({NEW})} if works else {})
    assert checked.silent == (frozenset() if works else {"docker-1"})
    [warning] = checked.warnings
    assert "10.1.1.2 could not be checked for conflicts" in warning
    assert ("The next `up`" in warning) is not works


OF_A_CHANGE = Ownership(stack="dev", read=True, owner=OWNER)
"""A state that has nothing of what a change made, as it is."""


def test_a_restored_container_holds_its_address_rightly(lan: Lan) -> None:
    """It runs there under the container's name, and the state does not have it; another stack's is a conflict."""
    lan.of_a_change("nginx", running=True)
    assert lan.check(owned=OF_A_CHANGE) == NOTHING
    assert lan.probed == []
    with pytest.raises(AddressConflictError, match="held by container nginx"):
        lan.check(owned=replace(OF_A_CHANGE, owner="fedcba9876543210"))


def test_a_spare_holds_no_address(lan: Lan) -> None:
    """It is stopped, so it is no conflict, and somebody else may have the address meanwhile."""
    lan.of_a_change(f"nginx{PREVIOUS_SUFFIX}", running=False)
    assert lan.check(owned=OF_A_CHANGE) == NOTHING
    assert lan.probed == [NEW]
    lan.answering = {NEW: MAC}
    with pytest.raises(AddressConflictError, match=MAC):
        lan.check(owned=OF_A_CHANGE)
