"""The look at all volumes before an `up` changes anything, and what `status` says of them."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from ipvlan.checks import status, volume_check
from ipvlan.checks.drift import Comparison
from ipvlan.checks.drift_kinds import DriftKind
from ipvlan.checks.heal import Known, plan_repair
from ipvlan.checks.stack_state import StackState, StateResource
from ipvlan.checks.volume_check import Found, VolumeCheck, VolumesRefusedError
from ipvlan.hosts.connection import HostConnection
from ipvlan.hosts.errors import HostError
from ipvlan.hosts.snapshot import HostSnapshot
from ipvlan.hosts.ssh import connection_failure
from ipvlan.hosts.volumes import live_volume
from ipvlan.plan.make import make_plan
from ipvlan.plan.model import HostPlan, Plan
from ipvlan.plan.ownership import Place
from ipvlan.plan.resource_names import (
    CONTAINER_TYPE,
    FABRIC_TYPE,
    HOST_SLICE_TYPE,
    IDENTITY_TYPE,
    OWNER_LABEL,
    STACK_LABEL,
    VOLUME_TYPE,
    Urns,
)
from ipvlan.plan.validate import parse
from tests.support.container_engine import SSH
from tests.support.fake_engine import serve
from tests.support.live_parts import live_host, owned_by_plan
from tests.support.states import OWNER
from tests.support.volume_engine import VolumeEngine
from tools.reference_setup import changed

OURS = {STACK_LABEL: "dev", OWNER_LABEL: f"{OWNER}/docker-1/data"}
EARLIER = {STACK_LABEL: "dev", OWNER_LABEL: "fedcba9876543210/docker-1/data"}
TMPFS = {"type": "tmpfs", "device": "tmpfs"}
CIFS = {"type": "cifs", "device": "//nas/share"}


def plan_with(**volume: Any) -> Plan:
    """Return the plan of the reference setup, whose nginx mounts a volume `data`."""
    return make_plan(parse(changed({"volumes": {"data": volume}, "services.nginx.volumes": ["data:/data"]})))


def listed(name: str = "data", labels: dict[str, str] | None = None, **more: Any) -> dict[str, Any]:
    """Return a volume as Docker lists it."""
    return {"Name": name, "Driver": "local", "Options": None, "Labels": labels, **more}


def user(name: str, id_: str = "", label: str = "") -> dict[str, Any]:
    """Return a container that mounts `data`, as Docker lists it; with an owner label where one is given."""
    return {
        "Id": id_ or name * 8,
        "Names": [f"/{name}"],
        "Labels": {OWNER_LABEL: label} if label else None,
        "Mounts": [{"Type": "volume", "Name": "data"}],
    }


def resource(type_: str, name: str, parent: str = "", id_: str = "", **outputs: Any) -> StateResource:
    """Return one resource of a state."""
    return StateResource(
        urn=f"urn:pulumi:dev::ipvlan-fabric::{type_}::{name}",
        type=type_,
        name=name,
        id=id_,
        parent=f"urn:pulumi:dev::ipvlan-fabric::{parent}" if parent else "",
        provider="",
        dependencies=(),
        delete=False,
        replacing=False,
        inputs={},
        outputs=outputs,
    )


def state(**volume: Any) -> StackState:
    """Return a state with nginx on docker-1, and with the volume there where something of it is given."""
    host_slice = f"{HOST_SLICE_TYPE}::fabric-docker-1"
    recorded: dict[str, Any] = {
        "host": "docker-1",
        "owner": OWNER,
        "volume": "data",
        "external": False,
        "delete": False,
        "owner_label": OURS[OWNER_LABEL],
    }
    volumes = [resource(VOLUME_TYPE, "fabric-docker-1-volume-data", host_slice, **recorded | volume)] if volume else []
    return StackState(
        stack="dev",
        exists=True,
        resources=(
            resource(FABRIC_TYPE, "fabric"),
            resource(IDENTITY_TYPE, "fabric-identity", owner=OWNER),
            resource(HOST_SLICE_TYPE, "fabric-docker-1", f"{FABRIC_TYPE}::fabric"),
            *volumes,
            resource(CONTAINER_TYPE, "fabric-docker-1-nginx", host_slice, id_="c" * 64),
        ),
    )


def compare(
    plan: Plan, found: StackState | None, *volumes: dict[str, Any], containers: Any = (), **secrets: str
) -> Any:
    """Return what is missing on docker-1; nothing is replaced there."""
    result = VolumeCheck("dev", found, secrets).compare(plan.host("docker-1"), volumes, containers)
    assert result.replaced == frozenset()
    return result.missing


def refusal(*arguments: Any, **more: Any) -> str:
    """Return the text of what cannot be."""
    with pytest.raises(HostError) as caught:
        compare(*arguments, **more)
    return str(caught.value)


def test_what_does_not_exist_is_missing() -> None:
    """The resource creates it, also where the state has it."""
    assert compare(plan_with(), state()) == {"data"}
    assert compare(plan_with(), state(owner_label=OURS[OWNER_LABEL])) == {"data"}
    assert compare(plan_with(), state(), listed(labels=OURS)) == frozenset()


def test_an_external_one_must_exist() -> None:
    """Before anything stops: Docker would make an empty one in its place."""
    assert "IPF793" in refusal(plan_with(external=True), state())
    assert compare(plan_with(external=True), state(), listed(labels={"any": "label"})) == frozenset()


def test_one_of_others_is_refused_and_a_kept_one_is_not() -> None:
    """By the labels, and by whether a container mounts it; the state knows one that it took over while nobody did."""
    assert "IPF794" in refusal(plan_with(), state(), listed())
    assert compare(plan_with(), state(), listed(labels=EARLIER)) == frozenset()
    assert "IPF794" in refusal(plan_with(), state(), listed(labels=EARLIER), containers=[user("nginx")])
    taken_over = state(owner_label=EARLIER[OWNER_LABEL])
    assert compare(plan_with(), taken_over, listed(labels=EARLIER), containers=[user("nginx")]) == frozenset()


def test_other_options_are_refused() -> None:
    """Also with delete: true, where the state does not have that yet."""
    live = listed(labels=OURS)
    assert "IPF795" in refusal(plan_with(driver_opts=TMPFS), state(delete=False), live)
    assert "IPF795" in refusal(plan_with(driver_opts=TMPFS, delete=True), state(delete=False), live)
    assert "IPF795" in refusal(plan_with(driver_opts=TMPFS), state(delete=True), live)


def test_a_replacement_is_refused_where_others_mount_it() -> None:
    """The stack's own containers are deleted before the volume; Docker would keep it for others, after that."""
    plan, live = plan_with(driver_opts=TMPFS, delete=True), listed(labels=OURS)
    check = VolumeCheck("dev", state(delete=True), {})
    assert check.compare(plan.host("docker-1"), [live], [user("nginx", "c" * 64)]) == Found(
        replaced=frozenset({"data"})
    )
    text = refusal(plan, state(delete=True), live, containers=[user("nginx", "c" * 64), user("backup")])
    assert text.startswith('IPF797 host "docker-1"') or "IPF797" in text
    assert "backup, which is not in this stack's state, mounts it" in text


def test_one_of_an_earlier_life_is_not_replaced() -> None:
    """Its deletion keeps it, as the resource sees it: refused while everything runs."""
    adopted = state(delete=True, owner_label=EARLIER[OWNER_LABEL])
    text = refusal(plan_with(driver_opts=TMPFS, delete=True), adopted, listed(labels=EARLIER))
    assert "IPF795" in text
    assert "delete: true" not in text


def test_own_containers_do_not_make_it_one_of_others() -> None:
    """The state lost a volume that it took over; its container runs on with it."""
    label = f"{OWNER}/docker-1/nginx"
    assert compare(plan_with(), state(), listed(labels=EARLIER), containers=[user("nginx", label=label)]) == frozenset()
    others = [user("nginx", label=label), user("wiki")]
    assert "and wiki mounts it" in refusal(plan_with(), state(), listed(labels=EARLIER), containers=others)


def test_a_host_that_is_renamed_does_not_lose_what_it_uses_again() -> None:
    """The resource of the old name deletes the volume after the one of the new name took it over."""
    renamed = {**OURS, OWNER_LABEL: f"{OWNER}/old/data"}
    lost = state(host="old", delete=True, owner_label=renamed[OWNER_LABEL])
    text = refusal(plan_with(delete=True), lost, listed(labels=renamed))
    assert "IPF801" in text
    assert "old" in text
    assert "delete: false" in text
    kept = state(host="old", delete=False, owner_label=renamed[OWNER_LABEL])
    assert compare(plan_with(delete=True), kept, listed(labels=renamed)) == frozenset()


def test_a_replacement_needs_the_state() -> None:
    """Without it nobody knows whether the engine deletes the volume's containers first: another content is refused."""
    assert "IPF799" in refusal(plan_with(driver_opts=TMPFS, delete=True), None, listed(labels=OURS))
    assert compare(plan_with(delete=True), None, listed(labels=OURS)) == frozenset()
    # The volume of a host that had another name may be one that is deleted right after.
    renamed = {**OURS, OWNER_LABEL: f"{OWNER}/old/data"}
    assert "the label of host old, and the stack's state" in refusal(plan_with(), None, listed(labels=renamed))


def test_a_replaced_volume_that_is_missing_is_replaced() -> None:
    """The engine deletes its containers all the same, so the hosts follow each other."""
    host = plan_with(driver_opts=TMPFS, delete=True).host("docker-1")
    missing = frozenset({"data"})
    for recorded, replaced in (({}, missing), (TMPFS, frozenset())):
        found = state(delete=True, driver="local", driver_opts=recorded, secret_driver_opts={})
        assert VolumeCheck("dev", found, {}).compare(host, [], []) == Found(missing=missing, replaced=replaced)


def test_secret_options_are_compared_where_they_are_known() -> None:
    """A program in another language knows none here: the resource compares them then."""
    plan = plan_with(driver_opts=CIFS, secret_driver_opts={"o": "login"})
    live = listed(labels=OURS, Options={**CIFS, "o": "password=old"})
    assert compare(plan, state(), live) == frozenset()
    assert compare(plan, state(), live, login="password=old") == frozenset()
    text = refusal(plan, state(), live, login="password=new")
    assert "another value of the option o" in text
    assert "password" not in text
    assert "no option o" in refusal(plan, state(), listed(labels=OURS, Options=CIFS))


def test_without_the_state_only_external_ones_are_judged() -> None:
    """Whose a volume is cannot be known then; the resource looks again."""
    assert compare(plan_with(), None, listed()) == frozenset()
    assert "IPF793" in refusal(plan_with(external=True), None)


def test_a_host_that_cannot_be_looked_at_stops_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    """One that ssh does not reach, and one whose Docker does not answer: they are returned with the reason."""
    error = HostError.on("docker-1", "IPF712", problem="Docker does not answer", effect="none", fix="none")
    down = connection_failure("docker-2", "down")
    found = Found(missing=frozenset({"data"}))
    answers: dict[str, Any] = {"docker-1": found, "docker-2": down}
    on_all = mock.Mock(
        side_effect=lambda connections, _work, **_: {each.name: answers[each.name] for each in connections}
    )
    monkeypatch.setattr(volume_check, "on_all", on_all)
    hosts = [(host, HostConnection(name=host.name, command=("ssh",))) for host in plan_with().hosts]
    assert VolumeCheck("dev", state(), {}).look(hosts) == ({"docker-1": found}, {"docker-2": down})
    answers["docker-1"] = error
    assert VolumeCheck("dev", state(), {}).look(hosts) == ({}, {"docker-1": error, "docker-2": down})
    # No volume in the section: no visit.
    bare = make_plan(parse(changed({})))
    on_all.reset_mock()
    assert VolumeCheck("dev", state(), {}).look([(bare.hosts[0], hosts[0][1])]) == ({}, {})
    assert on_all.call_args.args[0] == []


def test_the_look_goes_through_ssh_to_docker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the host's own connection, without a change; the volumes that are planned are asked for and no others."""
    with serve(VolumeEngine(tmp_path / "s")) as docker:
        ssh = tmp_path / "bin" / "ssh"
        ssh.parent.mkdir()
        ssh.write_text(SSH.format(folder=ssh.parent, socket=docker.socket))
        ssh.chmod(0o755)
        monkeypatch.setenv("PATH", f"{ssh.parent}:{os.environ['PATH']}")
        host = plan_with().host("docker-1")
        hosts = [(host, HostConnection(name="docker-1", command=("ssh", "docker-1")))]
        check = VolumeCheck("dev", state(), {})
        # Docker waits half a minute for a dead plugin before it lists all volumes.
        docker.answers["GET /volumes"] = (500, {"message": "a plugin of others is dead"})
        assert check.look(hosts) == ({"docker-1": Found(missing=frozenset({"data"}))}, {})
        docker.add("data", {"com.docker.compose.project": "wiki"})
        with pytest.raises(HostError, match='compose project "wiki" made it'):
            check.look(hosts)
        # One that the state has, made by hand since: this host waits for a person, and the others do not.
        left_out = VolumeCheck("dev", state(delete=False), {}).look(hosts).unavailable
        assert 'compose project "wiki" made it' in str(left_out["docker-1"])
        docker.answers["GET /volumes/data"] = (500, {"message": "its plugin is dead"})
        assert "its plugin is dead" in str(check.look(hosts).unavailable["docker-1"])
        assert docker.changes == []


def test_an_external_one_that_was_removed_stops_its_host_alone() -> None:
    """The state has it: the config is no mistake. With a mistake beside it, all hosts are stopped."""
    check = VolumeCheck("dev", state(external=True), {})
    with pytest.raises(HostError, match="IPF793") as caught:
        check.compare(plan_with(external=True).host("docker-1"), [], [])
    assert not isinstance(caught.value, VolumesRefusedError)
    with pytest.raises(VolumesRefusedError, match="IPF793"):
        VolumeCheck("dev", state(), {}).compare(plan_with(external=True).host("docker-1"), [], [])


def status_of(plan: Plan, *volumes: dict[str, Any], label: str = "") -> list[tuple[DriftKind, str]]:
    """Return the differences of docker-1's volumes, with what `heal` does."""
    host = plan.host("docker-1")
    snapshot = with_volumes_of(host, *volumes)
    ownership = owned_by_plan(plan)
    if label:
        ownership = replace(ownership, volumes={Place("docker-1", "data"): label})
    found = Comparison(plan, ownership, "dev").of_host(host, snapshot)
    return [(each.kind, each.problem) for each in found if each.volume is not None]


def with_volumes_of(host: HostPlan, *volumes: dict[str, Any]) -> HostSnapshot:
    """Return the host as planned, with these volumes."""
    return replace(live_host(host), volumes={each["Name"]: live_volume(each) for each in volumes})


def test_status_names_what_differs() -> None:
    """Missing, other options, of others; nothing where all is as planned, or where the host was not asked."""
    plan = plan_with(driver_opts=TMPFS)
    assert status_of(plan, listed(labels=OURS, Options=TMPFS)) == []
    assert status_of(plan, listed(labels=EARLIER, Options=TMPFS), label=EARLIER[OWNER_LABEL]) == []
    assert [kind for kind, _ in status_of(plan)] == [DriftKind.VOLUME_MISSING]
    assert [kind for kind, _ in status_of(plan, listed(labels=OURS))] == [DriftKind.VOLUME_DIFFERENT]
    kinds = [kind for kind, _ in status_of(plan, listed(Options=TMPFS))]
    assert kinds == [DriftKind.VOLUME_NOT_OURS]
    host = plan.host("docker-1")
    assert Comparison(plan, owned_by_plan(plan), "dev").of_host(host, live_host(host)) == ()


def test_status_lists_what_was_kept() -> None:
    """A volume that this stack created and that left the config; those of others are not its business."""
    kept = listed("old", {OWNER_LABEL: f"{OWNER}/docker-1/old"})
    found = status_of(plan_with(), listed(labels=OURS), kept, listed("theirs", {OWNER_LABEL: EARLIER[OWNER_LABEL]}))
    assert found == [
        (
            DriftKind.VOLUME_KEPT,
            "volume old on docker-1 is kept with its data, and the plan does not have it any more",
        )
    ]


def test_status_asks_each_host_for_its_volumes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also one that has none any more: what was kept there is listed each time."""
    plan = make_plan(parse(changed({"volumes": {"data": {"hosts": ["docker-1"]}}})))
    asked: dict[str, object] = {}

    def read(session: HostConnection, *, with_volumes: object, **_: Any) -> HostSnapshot:
        asked[session.name] = with_volumes
        kept = listed("old", {OWNER_LABEL: f"{OWNER}/{session.name}/old"})
        return with_volumes_of(plan.host(session.name), kept)

    def on_hosts(_plan: Plan, hosts: Any, work: Any, **_: Any) -> dict[str, Any]:
        return {host.name: work(HostConnection(name=host.name, command=("ssh",))) for host in hosts}

    monkeypatch.setattr(status, "take_snapshot", read)
    monkeypatch.setattr(status, "on_hosts", on_hosts)
    found = status.read_status(plan, "dev", lambda: owned_by_plan(plan))
    assert asked == {"docker-1": True, "docker-2": "where Docker lists them"}
    assert [each.kind for each in found.hosts[1].differences] == [DriftKind.VOLUME_KEPT]


@pytest.mark.parametrize("external", [False, True])
def test_heal_creates_a_missing_one_and_no_external_one(*, external: bool) -> None:
    """By `pulumi up` of that volume alone; where somebody else makes it, that is for a person."""
    plan = plan_with(external=external)
    host = plan.host("docker-1")
    snapshot = with_volumes_of(host)
    ownership = owned_by_plan(plan)
    urns = Urns("dev", "ipvlan-fabric")
    known = Known(plan=plan, snapshots={"docker-1": snapshot}, ownership=ownership, urns=urns)
    repair = plan_repair(known, Comparison(plan, ownership, "dev").of_host(host, snapshot))
    (step,) = repair.steps
    if external:
        assert (step.by, repair.targets) == ("person", ())
        assert "docker volume create data" in step.description
    else:
        assert (step.by, step.description) == ("pulumi", "pulumi up: create volume data on docker-1 again, empty")
        assert urns.of_volume("docker-1", "data") in repair.targets
        assert not any(target.endswith("::fabric-docker-1-nginx") for target in repair.targets)


def test_heal_says_where_the_data_of_a_share_is() -> None:
    """Docker only mounts it: what is created again is not empty."""
    plan = plan_with(driver_opts=CIFS)
    host, ownership = plan.host("docker-1"), owned_by_plan(plan)
    known = Known(
        plan=plan, snapshots={"docker-1": with_volumes_of(host)}, ownership=ownership, urns=Urns("dev", "ipvlan-fabric")
    )
    (step,) = plan_repair(known, Comparison(plan, ownership, "dev").of_host(host, with_volumes_of(host))).steps
    assert step.description == "pulumi up: create volume data on docker-1 again, whose data is where its device is"
    assert "its data is where its device is" in step.difference.problem
