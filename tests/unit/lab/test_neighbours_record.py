"""The recorder of the suite `neighbours`: what it leaves out as ours, and that every other difference becomes a readable line."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from lab.harness import HOSTS
from tests.support import host_agent
from tests.support.neighbours import differences, neighbours, things

CONTAINER: dict[str, Any] = {
    "id": "a1",
    "started": "07:00",
    "labels": {"tier": "front"},
    "process": [17, "4711", ["eth0", "lo"]],
}
FIREWALL = """*filter
:INPUT ACCEPT [7:420]
:FORWARD DROP [0:0]
:DOCKER - [0:0]
:EMPTY - [0:0]
-A FORWARD -j DOCKER
-A DOCKER -d 172.17.0.2/32 ! -i docker0 -o docker0 -p tcp -m tcp --dport 80 -j ACCEPT
-A DOCKER -d 172.17.0.23/32 ! -i docker0 -o docker0 -p tcp -m tcp --dport 80 -j ACCEPT
COMMIT
*nat
:DOCKER - [0:0]
-A DOCKER ! -i docker0 -p tcp -m tcp --dport 80 -j DNAT --to-destination 172.17.0.2:80
COMMIT
*raw
:PREROUTING ACCEPT [9:9]
COMMIT
"""
ROUTES = """default via 192.0.2.1 dev ens33
10.1.1.0/24 dev shim.ens33 scope link
10.2.1.0/24 dev shim.ens33.77 scope link linkdown
"""


def test_equal_records_have_no_difference() -> None:
    """Two equal records have no difference."""
    record = {"container web": CONTAINER, "routes": {"routes": ["default via 192.0.2.1"]}}
    assert differences(record, json.loads(json.dumps(record))) == []


@pytest.mark.parametrize(
    ("field", "value", "line"),
    [
        ("id", "b2", "container web: id: a1 -> b2"),
        ("started", "08:00", "container web: started: 07:00 -> 08:00"),
        ("labels", {"tier": "back"}, "container web: labels tier: front -> back"),
        ("labels", {}, "container web: labels tier: front -> None"),
        ("network bridge", ["n1"], "container web: network bridge: None -> ['n1']"),
        ("process", [0], "container web: process: [17, '4711', ['eth0', 'lo']] -> [0]"),
    ],
)
def test_a_changed_field_is_named(field: str, value: object, line: str) -> None:
    """Each field that differs is one line with both values."""
    assert differences({"container web": CONTAINER}, {"container web": {**CONTAINER, field: value}}) == [line]


def test_a_thing_that_is_gone_or_new_is_named() -> None:
    """A thing that only one record has is `gone` or `new`."""
    lines = differences({"link docker0": {"index": 3}}, {"link veth1": {"index": 9}})
    assert lines == ["link docker0: gone", "link veth1: new"]
    assert things(lines) == {"link docker0", "link veth1"}


def test_rules_are_compared_in_their_order() -> None:
    """Of a list of lines the removed and the added ones are named; another order is a difference too, and so is a repetition."""
    before = {"routes": {"routes": ["a", "b"]}}
    assert differences(before, {"routes": {"routes": ["b", "c"]}}) == [
        "routes: removed from routes: a",
        "routes: added to routes: c",
    ]
    another = ["routes: routes: another order or number of lines"]
    assert differences(before, {"routes": {"routes": ["b", "a"]}}) == another
    assert differences(before, {"routes": {"routes": ["a", "b", "b"]}}) == another


def test_only_rules_for_our_own_addresses_are_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """A rule for one of our addresses is left out, one for a longer address is not; counters and unused tables do not count."""
    monkeypatch.setattr(host_agent, "run", lambda *command: FIREWALL if command == ("iptables-save",) else "")
    records = host_agent.firewall({"172.17.0.2"})
    assert records == {
        "firewall iptables-save filter FORWARD": {"policy": "DROP", "rules": ["-A FORWARD -j DOCKER"]},
        "firewall iptables-save filter DOCKER": {
            "rules": ["-A DOCKER -d 172.17.0.23/32 ! -i docker0 -o docker0 -p tcp -m tcp --dport 80 -j ACCEPT"]
        },
        "firewall iptables-save filter EMPTY": {"rules": []},
        "firewall iptables-save nat DOCKER": {"rules": []},
    }
    assert len(host_agent.firewall(set())["firewall iptables-save filter DOCKER"]["rules"]) == 2


def test_only_routes_over_our_own_links_are_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """A route over our shim is left out; one over a link whose name begins with the shim's is not, and a dead link is no change."""
    monkeypatch.setattr(
        host_agent, "run", lambda *command: ROUTES if "route" in command else "0: from all lookup local\n"
    )
    assert host_agent.routes({"shim.ens33"})["routes"]["routes"] == [
        "10.2.1.0/24 dev shim.ens33.77 scope link",
        "default via 192.0.2.1 dev ens33",
    ]
    assert len(host_agent.routes(set())["routes"]["routes"]) == 3


def test_files_are_compared_by_their_content(tmp_path: Path) -> None:
    """A file counts by its content, a symbolic link by its target; what is ours by name is left out."""
    (tmp_path / "wants").mkdir()
    (tmp_path / "one.service").write_text("one", encoding="utf-8")
    (tmp_path / "ours.service").write_text("ours", encoding="utf-8")
    (tmp_path / "wants" / "one.service").symlink_to("../one.service")
    before = host_agent.checksums(tmp_path, {"ours.service"})
    assert before.keys() == {"one.service", "wants/one.service"}
    (tmp_path / "one.service").write_text("two", encoding="utf-8")
    after = host_agent.checksums(tmp_path, {"ours.service"})
    assert [line.split()[3] for line in differences({"files": {"files": before}}, {"files": {"files": after}})] == [
        f"{before['one.service']}"
    ]


def test_a_process_counts_by_its_start() -> None:
    """A process has its start time; without one there is nothing to compare."""
    started = next(iter(host_agent.process(os.getpid())))
    assert started.isdigit()
    assert list(host_agent.process(0)) == []


@pytest.mark.parametrize("host", HOSTS)
def test_the_planned_names_are_taken_on_each_host(host: str) -> None:
    """Before our first `up` others have both planned names on each host, once with the label of a stack of our stack's name."""
    steps = neighbours(host, {"nginx": "n", "debian-init": "d"}, "labtest")
    created = {
        str(step[1]).partition("name=")[2]: step[2]
        for step in steps
        if isinstance(step, list) and "create?name" in step[1]
    }
    assert {"nginx", "centos"} <= created.keys()
    labels = [created[name]["Labels"].get("ipvlan-fabric.stack") for name in ("nginx", "centos")]
    assert "labtest" in labels
