"""The state of a stack: what is read of it, and why it cannot be read."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from ipvlan.checks.stack_state import StackStateError, read_stack_state
from ipvlan.checks.state_reading import OwnershipInDoubt, StateReading
from ipvlan.plan.ownership import Place, RecordedFiles, by_labels
from ipvlan.plan.resource_names import (
    BRIDGE_NETWORK_TYPE,
    CONTAINER_TYPE,
    FILES_IN_USE_TYPE,
    FILES_TYPE,
    OWNER_LABEL,
    SETTLED_TYPE,
    STACK_LABEL,
)
from tests.support.projects import ROOT
from tests.support.states import (
    OWNER,
    child,
    export_on_path,
    handover,
    pulumi_on_path,
    read_state,
    settled,
    slice_urn,
    state_of,
)


class Item(NamedTuple):
    """A container or network."""

    id: str
    labels: Mapping[str, str]


CONTAINERS = {("docker-1", "nginx"): "c1", ("docker-2", "nginx"): "c2"}
NETWORKS = {"docker-1": "n1", "docker-2": "n2"}


def proofs(resources: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the Settled of each container of a state."""
    return [
        {
            "urn": f"{one['urn'].replace(CONTAINER_TYPE, SETTLED_TYPE)}-settled",
            "type": SETTLED_TYPE,
            "parent": one["parent"],
            "outputs": {"service": one["urn"].rpartition("-")[2]},
        }
        for one in resources
        if one["type"] == CONTAINER_TYPE
    ]


def test_ids_places_and_the_owner_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every container and network of the fabric with its place, the owner id, and the engines that were recorded."""
    calls = export_on_path(tmp_path, monkeypatch, state_of(CONTAINERS, NETWORKS, engines={"docker-1": "E1"}))
    state = read_stack_state("acme/ipvlan-fabric/dev", tmp_path)
    assert calls.read_text() == ("stack export --stack acme/ipvlan-fabric/dev --non-interactive --color never\n")
    assert (state.stack, state.exists) == ("dev", True)
    owned = state.ownership
    assert owned.read
    assert owned.stack == "dev"
    assert owned.owner == OWNER
    assert owned.containers == {Place("docker-1", "nginx"): "c1", Place("docker-2", "nginx"): "c2"}
    assert owned.networks == NETWORKS
    assert owned.ids == {"c1", "c2", "n1", "n2"}
    assert owned.engines == {"docker-1": "E1"}


def test_bridge_networks_that_the_stack_created(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By host and Docker's name, with Docker's id; none of others, none that is still to be deleted."""
    more = [
        {
            "urn": f"urn:pulumi:dev::ipvlan-fabric::{BRIDGE_NETWORK_TYPE}::{name}-{id_}",
            "type": BRIDGE_NETWORK_TYPE,
            "parent": slice_urn("docker-1"),
            "delete": delete,
            "outputs": {"network": name, "network_id": id_, "external": external},
        }
        for name, id_, external, delete in (
            ("data", "d1", False, False),
            ("data", "d0", False, True),
            ("mon", "m1", True, False),
        )
    ]
    export_on_path(tmp_path, monkeypatch, state_of(CONTAINERS, NETWORKS, more=more))
    owned = read_stack_state("dev", tmp_path).ownership
    assert owned.bridges == {Place("docker-1", "data"): "d1"}
    assert owned.ids == {"c1", "c2", "n1", "n2"}


def test_addresses_that_were_not_checked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """They are read from the check of addresses, of the plugin and of an earlier version."""
    for kind in ("ipvlan-fabric:index:AddressClaims", "pulumi-python:dynamic/ipvlan-fabric:AddressClaims"):
        checks = {
            "urn": f"urn:pulumi:dev::ipvlan-fabric::{kind}::fabric-addresses",
            "type": kind,
            "outputs": {"asked": {"docker-1": {"addresses": ["a", "b"], "unchecked": ["b"]}, "docker-2": {}}},
        }
        export_on_path(tmp_path, monkeypatch, state_of(CONTAINERS, NETWORKS, more=[checks]))
        assert read_stack_state("dev", tmp_path).ownership.unchecked == {"docker-1": ("b",)}


def test_an_earlier_state_owns_by_id(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A state without an owner id and without engines, as version 4f49adf wrote it, owns its ids."""
    export_on_path(tmp_path, monkeypatch, state_of(CONTAINERS, NETWORKS, owner=""))
    owned = read_stack_state("dev", tmp_path).ownership
    assert not owned.owner
    assert owned.ids == {"c1", "c2", "n1", "n2"}
    assert owned.engines == {}


@pytest.mark.parametrize("file", ["tests/engine/take_over/state.json", "tests/support/state_4f49adf.json"])
def test_a_state_from_before_the_plugin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, file: str) -> None:
    """States that 4f49adf wrote are known, also after a part of an `up`; a complete one leaves none of its dynamic resources."""
    state = json.loads((ROOT / file).read_text(encoding="utf-8"))
    resources = state["deployment"]["resources"]
    dynamic = [one for one in resources if one["type"].startswith("pulumi-python:dynamic/ipvlan-fabric:")]
    others = {
        "urn": "urn:pulumi:dev::own::pulumi-python:dynamic:Resource::mine",
        "type": "pulumi-python:dynamic:Resource",
    }
    without_proofs = [one for one in resources if one not in dynamic]
    taken_over = [*without_proofs, *proofs(without_proofs)]
    for left, before in (
        (resources, True),
        ([*taken_over, dynamic[0]], True),
        (without_proofs, True),
        (taken_over[:-1], True),
        ([*taken_over, others], False),
        ([*taken_over, dynamic[0] | {"delete": True}], False),
    ):
        export_on_path(tmp_path, monkeypatch, state | {"deployment": {"resources": left}})
        assert read_stack_state("dev", tmp_path).before_plugin is before


def test_a_container_that_never_came_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its proof is missing: Pulumi refuses `--target` of what waits for it. Containers outside the fabric have none."""
    own = {"urn": f"urn:pulumi:dev::ipvlan-fabric::{CONTAINER_TYPE}::mine", "type": CONTAINER_TYPE, "id": "mine"}
    old = child("docker-3", CONTAINER_TYPE, "nginx", "old", delete=True)
    up = [settled("docker-1", "nginx"), settled("docker-2", "nginx"), own, old]
    for more, place in ((up, None), (up[1:], "docker-1"), ([up[0] | {"delete": True}, *up[1:]], "docker-1")):
        state = read_state(state_of(CONTAINERS, NETWORKS, more=more))
        assert state.before_plugin is (place is not None)
        assert Place("docker-2", "nginx") in state.proven()
        assert (Place("docker-1", "nginx") in state.proven()) is (place is None)


@pytest.mark.parametrize(("id_", "up"), [("c1", True), ("an earlier one", False)])
def test_whose_container_of_now_was_up(id_: str, up: bool) -> None:
    """The proof has its id; that of an earlier one is the proof of that one, and without a container there is nothing."""
    proof = settled("docker-1", "nginx")
    proof["outputs"]["container_id"] = id_
    state = read_state(state_of(CONTAINERS, NETWORKS, more=[proof, settled("docker-3", "nginx")]))
    assert state.settled() == ({Place("docker-1", "nginx")} if up else set())


def test_what_only_an_earlier_version_declared() -> None:
    """It has no Handover: one that has it was created by this version, whether it came up or not."""
    state = read_state(state_of(CONTAINERS, NETWORKS, more=[handover("docker-1", "nginx")]))
    assert state.from_before() == {Place("docker-2", "nginx"): "c2"}
    assert read_state(state_of(CONTAINERS, NETWORKS)).from_before() == state.ownership.containers


def test_what_is_still_to_be_deleted_is_owned(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A replaced container that a failed `up` left to delete is the stack's, and is not the one at its place."""
    old = child("docker-1", CONTAINER_TYPE, "nginx", "old", delete=True)
    export_on_path(tmp_path, monkeypatch, state_of(CONTAINERS, NETWORKS, more=[old]))
    state = read_stack_state("dev", tmp_path)
    assert state.ownership.containers[Place("docker-1", "nginx")] == "c1"
    assert "old" in state.ownership.ids
    found = state.find(old["urn"])
    assert found is not None
    assert found.id == "c1"


def test_other_containers_of_the_program_are_not_the_fabrics(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A program of one's own may declare containers outside the fabric: they are not at a place of the plan."""
    own = {"urn": f"urn:pulumi:dev::ipvlan-fabric::{CONTAINER_TYPE}::mine", "type": CONTAINER_TYPE, "id": "mine"}
    export_on_path(tmp_path, monkeypatch, state_of(CONTAINERS, NETWORKS, more=[own]))
    assert "mine" not in read_stack_state("dev", tmp_path).ownership.ids


def test_hosts_whose_names_begin_alike(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The place comes from the resource's parent, so `web-eu` with `db` is not `web` with `eu-db`."""
    containers = {("web", "api"): "c1", ("web-eu", "db"): "c2"}
    export_on_path(tmp_path, monkeypatch, state_of(containers, {}))
    owned = read_stack_state("dev", tmp_path).ownership
    assert owned.containers == {Place("web", "api"): "c1", Place("web-eu", "db"): "c2"}


def test_resources_keep_what_they_depend_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Dependencies of every kind, the parent and the properties; encrypted properties are in no printed form of it."""
    secret = {"4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270", "ciphertext": "v1:abc"}
    resource = child(
        "docker-1",
        CONTAINER_TYPE,
        "nginx",
        "c1",
        dependencies=["urn:a"],
        propertyDependencies={"networks": ["urn:a", "urn:b"], "name": None},
        deletedWith="urn:c",
        inputs={"name": "nginx", "envs": secret},
        outputs={"name": "nginx"},
    )
    export_on_path(tmp_path, monkeypatch, state_of({}, {"docker-1": "n1"}, more=[resource]))
    read = read_stack_state("dev", tmp_path).find(resource["urn"])
    assert read is not None
    assert read.dependencies == ("urn:a", "urn:b", "urn:c")
    assert read.parent == slice_urn("docker-1")
    assert read.inputs["name"] == "nginx"
    assert "ciphertext" not in repr(read)


@pytest.mark.parametrize(
    "text",
    [
        "echo \"error: no stack named 'dev' found\" >&2; exit 6",
        "echo \"error: no stack named 'dev' found\" >&2; exit 255",
    ],
)
def test_a_stack_that_does_not_exist_owns_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    """No stack is no failure: it was read, and owns nothing."""
    pulumi_on_path(tmp_path, monkeypatch, text)
    state = read_stack_state("dev", tmp_path)
    assert not state.exists
    assert state.ownership.read
    assert not state.ownership.ids


def test_a_new_stack_owns_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`pulumi stack init` writes a state without resources."""
    export_on_path(tmp_path, monkeypatch, {"version": 3, "deployment": {"manifest": {}}})
    state = read_stack_state("dev", tmp_path)
    assert state.exists
    assert not state.ownership.ids


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (
            "echo 'error: PULUMI_ACCESS_TOKEN must be set for login during non-interactive CLI sessions' >&2; exit 3",
            "pulumi login",
        ),
        ("echo 'error: could not reach the bucket' >&2; exit 255", "could not reach the bucket"),
        ("exit 1", "status 1"),
        ("echo not JSON", "something else than a state"),
        ("echo '[]'", "something else than a state"),
        ('echo \'{"deployment": {"resources": [{"type": "x"}]}}\'', "something else than a state"),
        ("sleep 20", "took more than 0.3 s"),
    ],
)
def test_a_state_that_cannot_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, sentence: str) -> None:
    """One problem with what Pulumi says and what to do."""
    pulumi_on_path(tmp_path, monkeypatch, text.replace("sleep", "exec sleep"))
    with pytest.raises(StackStateError) as raised:
        read_stack_state("dev", tmp_path, timeout=0.3 if "sleep" in text else 30)
    (problem,) = raised.value.problems
    assert problem.code == "IPF917"
    assert sentence in str(problem)


def test_no_pulumi(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without Pulumi the sentence says so."""
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(StackStateError, match="no `pulumi` on PATH"):
        read_stack_state("dev", tmp_path)


def test_what_was_printed_of_a_broken_state_is_not_repeated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Standard output is the state: none of it is in a message, also when pulumi fails after it began to print."""
    pulumi_on_path(tmp_path, monkeypatch, 'echo \'{"deployment": "hunter2"\'; exit 1')
    with pytest.raises(StackStateError) as raised:
        read_stack_state("dev", tmp_path)
    assert "hunter2" not in str(raised.value)


def test_a_doubt_reads_the_state_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is read before the first question, and nothing again after it; ids decide and not labels."""
    calls = export_on_path(tmp_path, monkeypatch, state_of(CONTAINERS, NETWORKS))
    reasons: list[str] = []
    doubt = OwnershipInDoubt("organization/ipvlan-fabric/dev", tmp_path, reasons.append)
    assert not calls.exists()
    assert doubt.owns(Item("c1", {}))
    assert not doubt.owns(Item("other", {STACK_LABEL: "dev", OWNER_LABEL: f"{OWNER}/docker-1/nginx"}))
    assert calls.read_text(encoding="utf-8").count("\n") == 1
    assert reasons == []


def test_a_doubt_without_the_state_is_decided_by_labels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The reason is given once."""
    calls = pulumi_on_path(tmp_path, monkeypatch, "exit 1")
    reasons: list[str] = []
    doubt = OwnershipInDoubt("organization/ipvlan-fabric/dev", tmp_path, reasons.append)
    assert doubt.owns(Item("x", {STACK_LABEL: "dev"}))
    assert not doubt.owns(Item("c1", {}))
    assert len(reasons) == calls.read_text(encoding="utf-8").count("\n") == 1


def test_a_state_is_read_in_the_background(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A command that shows goes on by the labels and has the reason; one that changes something has the error."""
    export_on_path(tmp_path, monkeypatch, state_of(CONTAINERS, NETWORKS))
    reading = StateReading("acme/dev", tmp_path)
    assert reading.owned() == reading.ownership()
    assert not reading.failure()
    pulumi_on_path(tmp_path, monkeypatch, "exit 1")
    reading = StateReading("acme/dev", tmp_path)
    assert reading.owned() == by_labels("dev")
    assert "ended with status 1" in reading.failure()
    with pytest.raises(StackStateError):
        reading.ownership()


@pytest.mark.parametrize(("used", "in_use"), [(2.0, True), (1, False), (None, False)])
def test_files_and_whether_they_are_in_use(used: float | None, *, in_use: bool) -> None:
    """They are when the container was made to use the generation that was staged last; one that was never is in no use."""
    files = {"/etc/a": {"slot": "a.1", "path": "", "owner": "0:0", "mode": "0444", "text": "a"}}
    outputs = {"service": "nginx", "files": files, "digests": {"/etc/a": "d"}, "generation": 2}
    more = [child("docker-1", FILES_TYPE, "nginx-files", "x", outputs=outputs)]
    if used is not None:
        of_use = {"service": "nginx", "generation": used}
        more.append(child("docker-1", FILES_IN_USE_TYPE, "nginx-files-in-use", "x", outputs=of_use))
    owned = read_state(state_of(CONTAINERS, NETWORKS, more=more)).ownership
    recorded = RecordedFiles(digests={"/etc/a": "d"}, files=files, in_use=in_use)
    assert owned.files == {Place("docker-1", "nginx"): recorded}
    assert read_state(state_of(CONTAINERS, NETWORKS)).ownership.files == {}


def test_first_files_that_were_never_in_use() -> None:
    """What waits for them on another host is no target for Pulumi until an `up` is complete."""
    proof = [settled(host, service) for host, service in CONTAINERS]
    files = child("docker-1", FILES_TYPE, "nginx-files", "x", outputs={"service": "nginx"})
    in_use = child("docker-1", FILES_IN_USE_TYPE, "nginx-files-in-use", "x", outputs={"service": "nginx"})
    for more, before in (([], False), ([files], True), ([files, in_use], False)):
        assert read_state(state_of(CONTAINERS, NETWORKS, more=[*proof, *more])).before_plugin is before
