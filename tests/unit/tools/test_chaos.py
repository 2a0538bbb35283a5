"""Random faults: which sequence a seed makes, which seeds a run still has to do, and that its looks at hosts can fail."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from tools.chaos.faults import MAKERS
from tools.chaos.look import State, changed, orphans, others
from tools.chaos.record import Entry, Record
from tools.chaos.sequences import EDIT, HARD, KINDS, ONCE, SERVICES, make_sequence

SEEDS = range(1, 401)


def entry(seed: int, problem: str = "", **changes: Any) -> Entry:
    """Return the entry of a finished seed."""
    fields: dict[str, Any] = {"seconds": 1.0, "at": "2026-11-28T06:00:00+00:00", "commit": "abc1234"}
    return Entry(**{"seed": seed, "sequence": str(make_sequence(seed)), "problem": problem, **fields, **changes})


@pytest.fixture
def record(tmp_path: Path) -> Record:
    """Return an empty record, in a folder that is not there yet."""
    return Record(tmp_path / "made" / "chaos.jsonl")


def test_a_seed_always_makes_the_same_sequence() -> None:
    """Neither the order nor other seeds decide; another seed makes another one."""
    texts = {seed: str(make_sequence(seed)) for seed in SEEDS}
    assert {seed: str(make_sequence(seed)) for seed in reversed(SEEDS)} == texts
    assert len(set(texts.values())) > len(SEEDS) * 0.9


def test_every_kind_of_fault_is_drawn_and_can_be_made() -> None:
    """Each kind has a maker, and some seed of the first 400 has it; both repairs are drawn often."""
    sequences = [make_sequence(seed) for seed in SEEDS]
    assert KINDS.keys() == MAKERS.keys()
    assert {fault.kind for sequence in sequences for fault in sequence.faults} == set(KINDS)
    heals = sum(sequence.repair == "heal" for sequence in sequences)
    assert 0.2 * len(SEEDS) < heals < 0.7 * len(SEEDS)


def test_a_sequence_can_be_run() -> None:
    """It has one to four faults, and an edit more where a run of Pulumi is hit; what hides another is not with it.

    Idle faults come first, an edit before all others; a service runs on the host where it is hit; only Pulumi repairs an edit.
    """
    for sequence in map(make_sequence, SEEDS):
        faults, text = sequence.faults, str(sequence)
        edits = [fault.kind == EDIT for fault in faults]
        assert 1 <= len(faults) <= 5, text
        assert len([fault for fault in faults if fault.kind != EDIT]) <= 4, text
        moments = [-1.0 if fault.moment is None else fault.moment for fault in faults]
        assert moments == sorted(moments), text
        assert sequence.idle + sequence.in_run == faults, text
        assert edits == sorted(edits, reverse=True), text
        assert any(edits) or not sequence.in_run, text
        assert not any(edits) or sequence.repair == "up", text
        for group in ONCE:
            assert sum(fault.kind in group for fault in faults) <= 1, text
        for fault in faults:
            kind = KINDS[fault.kind]
            assert (kind.moment, fault.moment is None) not in {("idle", False), ("run", True)}, text
            assert kind.target != "service" or fault.target in SERVICES[fault.host], text


def test_hard_seeds_hit_a_run() -> None:
    """From 1001 on nearly every sequence has three faults or more, and one of them within a run of Pulumi."""
    sequences = [make_sequence(seed) for seed in range(HARD, HARD + 200)]
    assert all(len(sequence.faults) >= 3 for sequence in sequences)
    assert sum(bool(sequence.in_run) for sequence in sequences) > 0.95 * len(sequences)


def test_a_run_goes_on_where_the_last_one_stopped(record: Record) -> None:
    """Seeds with an entry are not due; the last entry of a seed counts; failed ones are due where that is asked for."""
    assert list(record.due(range(1, 5))) == [1, 2, 3, 4]
    for one in (entry(1, "status: it differs"), entry(2), entry(3, "repair"), entry(3)):
        record.add(one)
    assert list(record.due(range(1, 5))) == [4]
    assert list(record.due(range(1, 5), failed=True)) == [1, 4]
    assert record.last()[3] == entry(3)


def test_another_generator_makes_seeds_due_again(record: Record) -> None:
    """A seed that has another sequence today was never run."""
    record.add(entry(1, sequence="something else; then heal"))
    assert list(record.due([1])) == [1]


def test_a_line_of_a_killed_run_is_left_out(record: Record, tmp_path: Path) -> None:
    """It is no entry, and the next one takes its place; what an entry says stays as it was."""
    noted = entry(1, notes=("status: spare-left ü",), times={"repair": 8.5})
    record.add(noted)
    file = tmp_path / "made" / "chaos.jsonl"
    with file.open("a", encoding="utf-8") as out:
        out.write('{"seed": 2, "sequen')
    assert list(record.entries()) == [noted]
    record.add(entry(2))
    assert list(record.entries()) == [noted, entry(2)]
    assert [json.loads(line)["seed"] for line in file.read_text(encoding="utf-8").splitlines()] == [1, 2]


def container(name: str, **changes: Any) -> dict[str, Any]:
    """Return a container as a look at a host has it."""
    return {"name": name, "status": "running", "started": "10:00", "process": [7, "100"], "networks": {}, **changes}


HOST: dict[str, Any] = {
    "containers": {"a1": container("nginx"), "b1": container("shop-web")},
    "networks": {"n0": {"name": "bridge"}, "n1": {"name": "ipvlanl2"}, "n2": {"name": "shop_default"}},
    "volumes": {"ipvlanl2-data": {}, "shop_data": {"orders.csv": "11"}},
    "files": ["owner", "owner/app"],
    "locks": [],
}
STATE = State(ids=frozenset({"a1", "n1"}), pending=(), locks=())


def left(found: dict[str, Any]) -> list[str]:
    """Return the orphans of a host."""
    return orphans("docker-1", found, STATE, ["ipvlanl2-data"], ["owner", "owner/app"])


def test_what_is_planned_and_what_others_have_is_no_orphan() -> None:
    """Of the state by Docker's id, of others by their names."""
    assert left(HOST) == []


@pytest.mark.parametrize(
    ("part", "key", "value", "named"),
    [
        ("containers", "c1", container("nginx.ipvlan-previous", status="exited"), "container nginx.ipvlan-previous (c1, exited)"),
        ("networks", "n9", {"name": "ipvlanl2-backend"}, "network ipvlanl2-backend (n9)"),
        ("volumes", "0f0f", {}, "volume 0f0f"),
        ("files", None, "owner/.making-docker-1-app", "owner/.making-docker-1-app below /var/lib/ipvlan-fabric"),
        ("locks", None, "ipvlan-fabric-lock root", "lock held: ipvlan-fabric-lock root"),
    ],
)  # fmt: skip
def test_an_orphan_is_named(part: str, key: str | None, value: Any, named: str) -> None:
    """A container, a network, a volume, a staged file and a lock that nobody has are named with the host."""
    found = copy.deepcopy(HOST)
    if key is None:
        found[part].append(value)
    else:
        found[part][key] = value
    assert left(found) == [f"docker-1: {named}"]


def test_what_is_missing_of_the_files_is_named() -> None:
    """A repair that loses a container's folder does not go unnoticed."""
    assert left({**HOST, "files": ["owner"]}) == ["docker-1: owner/app is missing below /var/lib/ipvlan-fabric"]


def test_a_change_of_others_is_named() -> None:
    """A new start, another container of the name, a lost network and a changed file of a volume; ours are not looked at."""
    before = others(HOST)
    assert len(before) == 3
    found = copy.deepcopy(HOST)
    found["containers"]["a1"]["started"] = "10:09"
    assert changed(before, others(found)) == []
    found["containers"]["b1"]["started"] = "10:05"
    found["volumes"]["shop_data"]["orders.csv"] = "22"
    del found["networks"]["n2"]
    assert sorted(changed(before, others(found))) == [
        "container b1 shop-web: started: 10:00 -> 10:05",
        "network n2 is gone",
        "volume shop_data: orders.csv: 11 -> 22",
    ]
    found["containers"] = {"b2": container("shop-web")}
    assert "container b1 shop-web is gone" in changed(before, others(found))
