"""What is done about bridge networks and connections to them, in which order, and what is left to a person."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ipvlan.checks import repairs
from ipvlan.checks.drift import Comparison
from ipvlan.checks.heal import Known, RepairPlan, RepairStep, plan_repair, still_valid
from ipvlan.hosts import repair
from ipvlan.hosts.endpoints import ENDPOINT_PRIORITY, Endpoint, Wanted
from ipvlan.hosts.errors import HostError
from ipvlan.hosts.repair import Seen
from ipvlan.plan.model import Plan
from ipvlan.plan.ownership import Place
from ipvlan.plan.resource_names import OWNER_LABEL, PREVIOUS_LABEL, Urns
from tests.support.bridge_changes import (
    aliases,
    bridge,
    bridge_plan,
    connected,
    created,
    dead,
    with_network,
    without_network,
)
from tests.support.host_changes import HostChange, change_container, disconnect, foreign, without
from tests.support.live_parts import STACK, live_host, owned_by_plan
from tests.support.states import OWNER

URNS = Urns(STACK, "ipvlan-fabric")
HOST = "urn:pulumi:dev::ipvlan-fabric::ipvlan-fabric:ipvlan_fabric:IpvlanFabric$ipvlan-fabric:host_slice:HostSlice"


def known(*changes: HostChange, plan: Plan | None = None, **fields: Any) -> Known:
    """Return docker-1 after changes by hand; `fields` are changes of the state's ownership."""
    plan = plan or bridge_plan()
    snapshots = {host.name: live_host(host) for host in plan.hosts}
    for change in changes:
        snapshots["docker-1"] = change(snapshots["docker-1"])
    return Known(plan=plan, snapshots=snapshots, ownership=replace(owned_by_plan(plan), **fields), urns=URNS)


def planned(before: Known) -> RepairPlan:
    """Return what is done about docker-1."""
    host = before.plan.host("docker-1")
    return plan_repair(
        before, Comparison(before.plan, before.ownership, STACK).of_host(host, before.snapshots[host.name])
    )


def heal(*changes: HostChange, **fields: Any) -> RepairPlan:
    """Return what is done about docker-1 after changes by hand."""
    return planned(known(*changes, **fields))


def done(repair: RepairPlan) -> list[tuple[str, str, str | None]]:
    """Return who does what about which network or container, in order."""
    return [
        (step.by, step.difference.kind, step.difference.network or step.difference.container) for step in repair.steps
    ]


def names(targets: tuple[str, ...]) -> set[str]:
    """Return the names of the resources in the URNs, without those that every `up` needs."""
    return {urn.rpartition("::")[2] for urn in targets} - {"fabric-identity", "fabric-addresses"}


STOPPED = change_container("app", state="exited", status="Exited (1)")


def test_connections_are_made_on_the_host_before_the_start() -> None:
    """Missing, different, and those too many; then off Docker's own bridge; then the start. Pulumi is not run."""
    repair = heal(
        STOPPED,
        disconnect("app", "data"),
        aliases("app", "backend", "old"),
        connected("app", "old", "o1"),
        with_network("old", "o1"),
        connected("app", "bridge", "network-of-docker"),
        bridges={**owned_by_plan(bridge_plan()).bridges, Place("docker-1", "old"): "o1"},
    )
    assert done(repair) == [
        ("host", "endpoint-missing", "data"),
        ("host", "endpoint-different", "backend"),
        ("host", "endpoint-extra", "old"),
        ("host", "bridge-connected", "app"),
        ("host", "container-stopped", "app"),
        ("person", "bridge-network-not-planned", "old"),
    ]
    assert repair.targets == ()
    assert [step.description for step in repair.steps[:3]] == [
        "connect app on docker-1 to data",
        "connect app on docker-1 to backend again, as planned",
        "disconnect app on docker-1 from old",
    ]


def test_a_step_has_all_connections_of_its_container_by_their_ids() -> None:
    """What the host does is what the plugin does; the networks are those that the user was shown."""
    [step] = heal(disconnect("app", "data")).steps
    assert step.seen is not None
    assert step.connections == Wanted(
        host="docker-1",
        container="app",
        container_id="id-of-app-docker-1",
        endpoints=(
            Endpoint(network="backend", network_id="bridge-backend-of-docker-1", aliases=("api",)),
            Endpoint(network="data", network_id="bridge-data-of-docker-1", aliases=()),
            Endpoint(network="mon", network_id="bridge-mon-of-docker-1", aliases=()),
        ),
        priority=ENDPOINT_PRIORITY,
        keep_bridge=False,
        owner=OWNER,
    )


def test_a_network_that_changed_since_is_not_connected_to() -> None:
    """An external network that somebody made again meanwhile is another one than was shown."""
    before = known(disconnect("app", "data"))
    again = known(disconnect("app", "data"), bridge("mon", id="new"))
    snapshot = again.snapshots["docker-1"]
    networks = tuple(replace(one, id="new") if one.name == "mon" else one for one in snapshot.networks)
    again = replace(again, snapshots={**again.snapshots, "docker-1": replace(snapshot, networks=networks)})
    left, skipped = still_valid(again, planned(before), planned(again), {})
    assert left.steps == ()
    assert list(skipped.values()) == ["what is there has changed since it was shown"]


@pytest.mark.parametrize("change", [without_network("data"), bridge("data", internal=False)])
def test_pulumi_creates_a_network_again(change: HostChange) -> None:
    """With it its containers' connections, and the networks on which those depend; no container and no other connection."""
    repair = heal(change, disconnect("app", "backend"))
    assert [step.by for step in repair.steps] == ["pulumi"]
    assert repair.steps[0].description.startswith(
        "pulumi up: create bridge network data on docker-1 again, and connect"
    )
    assert names(repair.targets) == {
        "fabric-docker-1-bridge-data",
        "fabric-docker-1-bridge-backend",
        "fabric-docker-1-bridge-mon",
        "fabric-docker-1-app-endpoints",
    }
    assert f"{HOST}$ipvlan-fabric:index:BridgeNetwork::fabric-docker-1-bridge-data" in repair.targets
    assert f"{HOST}$ipvlan-fabric:index:BridgeEndpoints::fabric-docker-1-app-endpoints" in repair.targets


def test_a_container_is_not_started_before_its_networks_are_there() -> None:
    """One that never ran is started by its connections; one that was stopped by the next run: hosts come before Pulumi."""
    gone = without_network("data")
    assert done(heal(gone, created("app"))) == [("pulumi", "bridge-network-missing", "data")]
    for change in (gone, bridge("data", internal=False)):
        repair = heal(change, STOPPED)
        assert [step.by for step in repair.steps] == ["pulumi", "person"]
        assert repair.steps[1].description == (
            "app is started by the next `ipvlan heal`: its bridge network is created again first"
        )


def test_a_container_without_a_network_of_others_is_not_started() -> None:
    """An external one that is missing, and one of another owner: a person gets all of that container, and nothing else waits."""
    repair = heal(without_network("mon"), STOPPED, disconnect("app", "data"), disconnect("nginx", "backend"))
    assert done(repair) == [
        ("host", "endpoint-missing", "backend"),
        ("person", "bridge-network-missing", "mon"),
        ("person", "endpoint-missing", "data"),
        ("person", "container-stopped", "app"),
    ]
    assert "docker network create mon" in repair.steps[1].description
    for step in repair.steps[2:]:
        assert "app on docker-1 stays as it is: a container with bridges is started with all of them, and mon is" in (
            step.description
        )
    bridges = {**owned_by_plan(bridge_plan()).bridges, Place("docker-1", "data"): "other"}
    repair = heal(created("app"), bridges=bridges)
    assert done(repair) == [("person", "bridge-network-not-ours", "data"), ("person", "container-stopped", "app")]


def test_a_network_with_containers_of_others_is_not_created_again() -> None:
    """They are named; a container that runs in place of its replacement would lose it too. Spares are the stack's."""
    different = bridge("data", internal=False)
    guest = foreign("10.1.1.200")
    repair = heal(different, guest, connected("guest", "data"))
    [step] = [step for step in repair.steps if step.difference.kind == "bridge-network-different"]
    assert step.by == "person"
    assert "containers that are not of this stack are on data on docker-1: guest (foreign)" in step.description
    labels = {OWNER_LABEL: f"{OWNER}/docker-1/app", PREVIOUS_LABEL: "{}"}
    repair = heal(different, change_container("app", id="r" * 64, labels=labels))
    [step] = [step for step in repair.steps if step.difference.kind == "bridge-network-different"]
    assert step.by == "person"
    assert (
        "app on docker-1 runs in place of a replacement that did not come up, and would lose data" in step.description
    )
    assert not repair.targets


def test_what_is_left_to_a_person() -> None:
    """The fabric's network is not among the bridges; a network of others is no error at all."""
    [step] = heal(connected("app", "ipvlanl2", "network-of-docker-1")).steps
    assert (step.by, step.connections) == ("person", None)
    assert "docker network disconnect ipvlanl2" in step.description
    assert heal(with_network("theirs", "t1"), connected("app", "theirs", "t1")).steps == ()


def test_a_container_outside_the_state_is_not_connected() -> None:
    """Whatever its labels say."""
    ids = owned_by_plan(bridge_plan()).ids - {"id-of-app-docker-1"}
    assert [step.by for step in heal(disconnect("app", "data"), ids=ids).steps] == ["person"]


def test_the_fabrics_network_takes_no_container_off_the_fabric_with_it() -> None:
    """Pulumi creates the network again with the containers that are on it; one without the fabric is repaired on its own."""
    no_fabric: HostChange = lambda host: replace(host, networks=host.networks[1:])  # noqa: E731
    assert done(heal(no_fabric, STOPPED, disconnect("nginx", "backend"))) == [
        ("host", "container-stopped", "app"),
        ("pulumi", "network-missing", None),
    ]


def test_a_container_that_is_created_again_comes_with_its_connections() -> None:
    """Its targets have its networks and its endpoints: without them nobody would start it."""
    repair = heal(without("app"), dead("nginx", "backend"))
    assert done(repair) == [("host", "endpoint-missing", "backend"), ("pulumi", "container-missing", "app")]
    assert names(repair.targets) >= {
        "fabric-docker-1-bridge-backend",
        "fabric-docker-1-bridge-data",
        "fabric-docker-1-bridge-mon",
        "fabric-docker-1-app",
        "fabric-docker-1-app-endpoints",
    }
    plan = bridge_plan()
    assert not [urn for urn in URNS.of_container(plan.host("docker-1").container("centos")) if "Bridge" in urn]


class Work:
    """What repairs would do on a host, recorded; connections fail where `fails` is set."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *, fails: bool) -> None:
        self.done: list[str] = []
        error = HostError.on("docker-1", "IPF808", problem="refused", effect="none", fix="none")

        def connect(_connection: object, seen: Seen, _wanted: Wanted) -> Seen:
            self.done.append("connect")
            if fails:
                raise error
            return replace(seen, state="running")

        def disconnect_from_bridge(seen: Seen, _attachment: object) -> Seen:
            self.done.append(f"disconnect {seen.state}")
            return seen

        def start(_connection: object, seen: Seen) -> Seen:
            self.done.append(f"start {seen.name} {seen.state}")
            return seen

        monkeypatch.setattr(repair, "connect_to_bridges", connect)
        monkeypatch.setattr(repair, "disconnect_from_bridge", disconnect_from_bridge)
        monkeypatch.setattr(repair, "start", start)


@pytest.mark.parametrize("fails", [False, True])
def test_a_container_is_started_only_when_it_has_its_bridges(monkeypatch: pytest.MonkeyPatch, *, fails: bool) -> None:
    """Each step gets the container as the one before left it; where its connections failed it is not started, and another is."""
    before = known(
        created("app"),
        disconnect("app", "data"),
        connected("app", "bridge", ""),
        change_container("centos", state="exited", status="Exited (0)"),
    )
    steps = planned(before).by("host")
    work = Work(monkeypatch, fails=fails)
    finished: list[RepairStep] = []
    failed = repairs.repair_on_hosts(before.plan, steps, may_change=lambda _host: None, done=finished.append)
    state = "created" if fails else "running"
    starts = [] if fails else ["start app running"]
    assert work.done == ["connect", f"disconnect {state}", *starts, "start centos exited"]
    assert [step.difference.kind for step in failed] == (["endpoint-missing", "container-stopped"] if fails else [])
    assert len(finished) + len(failed) == len(steps)
